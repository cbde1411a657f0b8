use super::client::{Api, Raw};
use super::*;
use reqwest::StatusCode;

async fn person(server: &Server, login: &str) -> Api {
    Api::sign_in(server, login, "demo").await
}

/// Presses a button of a notification, as a client would.
async fn press(person: &Api, record: &Value, action: &str) -> (StatusCode, Value) {
    press_with_key(person, record, action, &format!("{action}-{}", record["id"].as_str().unwrap())).await
}

async fn press_with_key(person: &Api, record: &Value, action: &str, key: &str) -> (StatusCode, Value) {
    let button = record["actions"].as_array().unwrap().iter().find(|button| button["id"] == action).unwrap();
    assert_eq!(button["method"], "POST");
    let url = button["url"].as_str().unwrap();
    let path = url.find("/demo/").map(|at| &url[at..]).unwrap();
    person.call_with(path, &json!({"id": record["id"], "action": action}), &[("idempotency-key", key)]).await
}

#[tokio::test]
async fn an_expense_goes_from_person_to_person_and_each_decision_retracts_its_request() {
    let server = server(|config| config.demo = true).await;
    let employee = person(&server, "employee").await;
    let mut told = Raw::connect(&server, &employee.token, "pc").await;
    let filed = json!({"what": "Taxi", "amount": "86.40 EUR"});
    assert_eq!(employee.call("/demo/expenses", &filed).await.0, StatusCode::OK);
    for approver in ["supervisor", "manager", "finance"] {
        let approver = person(&server, approver).await;
        let mut phone = Raw::connect(&server, &approver.token, "phone").await;
        let request = phone.next().await;
        assert_eq!((&request["state"], &request["title"]), (&json!("open"), &json!("Approval needed: Taxi")));
        assert_eq!(
            press(&employee, &request, "approve").await.0,
            StatusCode::FORBIDDEN,
            "not the employee's to decide"
        );

        assert_eq!(press(&approver, &request, "approve").await.0, StatusCode::OK);
        let decided = phone.next().await;
        assert_eq!(
            (&decided["id"], &decided["state"], &decided["version"]),
            (&request["id"], &json!("decided"), &json!(2))
        );
        assert_eq!(decided["actions"], Value::Null);
        let (status, answer) = press(&approver, &request, "reject").await;
        assert_eq!(status, StatusCode::CONFLICT, "decided is decided");
        let said = answer["msg"].as_str().unwrap();
        assert!(said.ends_with("has approved this already") && said.starts_with(request_of(&request)), "{said}");
    }
    assert_eq!(told.next().await["title"], "Paid: Taxi");
    server.stop().await;
}

/// The approver a request is for: the last part of its id.
fn request_of(request: &Value) -> &str {
    request["id"].as_str().unwrap().rsplit('-').next().unwrap()
}

#[tokio::test]
async fn a_button_pressed_again_with_its_key_is_answered_as_the_first_time() {
    let server = server(|config| config.demo = true).await;
    let (employee, supervisor) = (person(&server, "employee").await, person(&server, "supervisor").await);
    let mut asked = Raw::connect(&server, &supervisor.token, "pc").await;
    employee.call("/demo/expenses", &json!({"what": "Taxi", "amount": "1 EUR"})).await;
    let request = asked.next().await;
    for _ in 0..2 {
        assert_eq!(press_with_key(&supervisor, &request, "approve", "k1").await.0, StatusCode::OK);
    }
    assert_eq!(press_with_key(&supervisor, &request, "approve", "k2").await.0, StatusCode::CONFLICT);
    let manager = person(&server, "manager").await;
    assert_eq!(ids(&manager.collect("pc", None).await).len(), 1, "one step, one request to the next person");
    let elsewhere = json!({"id": request["id"], "action": "reject"});
    let path = format!("/demo/expenses/{}/approve", request["id"].as_str().unwrap().split('-').nth(1).unwrap());
    assert_eq!(manager.call(&path, &elsewhere).await.0, StatusCode::BAD_REQUEST, "another action than the address's");
    server.stop().await;
}

#[tokio::test]
async fn discovery_names_where_the_buttons_point_to_and_only_with_demo() {
    let demo = server(|config| config.demo = true).await;
    let settings: Value = Api::stranger(&demo).get("/.well-known/belfry.json").await.json().await.unwrap();
    let urls = settings["app"]["action_urls"].as_array().unwrap();
    let (employee, supervisor) = (person(&demo, "employee").await, person(&demo, "supervisor").await);
    employee.call("/demo/expenses", &json!({"what": "Taxi", "amount": "1 EUR"})).await;
    let records = supervisor.collect("pc", None).await;
    for button in records["records"][0]["actions"].as_array().unwrap() {
        assert!(button["url"].as_str().unwrap().starts_with(&format!("{}/", urls[0].as_str().unwrap())), "{button}");
    }
    demo.stop().await;
    let plain = server(|_| ()).await;
    let settings: Value = Api::stranger(&plain).get("/.well-known/belfry.json").await.json().await.unwrap();
    assert_eq!(settings["app"], Value::Null);
    plain.stop().await;
}

#[tokio::test]
async fn a_rejected_expense_ends_with_the_employee() {
    let server = server(|config| config.demo = true).await;
    let (employee, supervisor) = (person(&server, "employee").await, person(&server, "supervisor").await);
    let mut told = Raw::connect(&server, &employee.token, "pc").await;
    let mut asked = Raw::connect(&server, &supervisor.token, "pc").await;
    employee.call("/demo/expenses", &json!({"what": "Yacht", "amount": "1 EUR"})).await;
    let request = asked.next().await;
    assert_eq!(press(&supervisor, &request, "reject").await.0, StatusCode::OK);
    assert_eq!(asked.next().await["state"], "decided");
    assert_eq!(told.next().await["title"], "Rejected: Yacht");
    let manager = person(&server, "manager").await;
    assert!(ids(&manager.collect("pc", None).await).is_empty());
    assert_eq!(press(&manager, &request, "approve").await.0, StatusCode::CONFLICT);
    assert_eq!(manager.call("/demo/expenses/none/approve", &json!({})).await.0, StatusCode::NOT_FOUND);
    assert_eq!(manager.call("/demo/expenses", &json!({"what": " ", "amount": "1"})).await.0, StatusCode::BAD_REQUEST);
    server.stop().await;
}

#[tokio::test]
async fn an_expense_filed_in_chinese_is_in_chinese_to_the_end() {
    let server = server(|config| config.demo = true).await;
    let (employee, supervisor) = (person(&server, "employee").await, person(&server, "supervisor").await);
    let mut told = Raw::connect(&server, &employee.token, "pc").await;
    let mut asked = Raw::connect(&server, &supervisor.token, "pc").await;
    let filed = json!({"what": "团队团建", "amount": "480.00 元", "language": "zh-CN"});
    employee.call("/demo/expenses", &filed).await;
    let request = asked.next().await;
    assert_eq!(
        (&request["title"], &request["content"]),
        (&json!("待审批：团队团建"), &json!("员工申请报销“团队团建”，金额 480.00 元。"))
    );
    assert_eq!(request["actions"][1]["label"], "驳回");
    press(&supervisor, &request, "reject").await;
    assert_eq!(asked.next().await["title"], "已驳回：团队团建");
    assert_eq!(told.next().await["content"], "主管驳回了“团队团建”的报销，金额 480.00 元。");
    employee.call("/demo/task", &json!({"language": "zh-CN"})).await;
    assert_eq!(told.next().await["title"], "导出完成");
    assert_eq!(employee.call("/demo/task", &json!({"language": "tlh"})).await.0, StatusCode::BAD_REQUEST);
    server.stop().await;
}

#[tokio::test]
async fn the_other_everyday_senders_reach_their_receivers() {
    let server = server(|config| config.demo = true).await;
    let (employee, manager) = (person(&server, "employee").await, person(&server, "manager").await);
    for call in ["payment", "task", "report"] {
        assert_eq!(manager.call(&format!("/demo/{call}"), &json!({})).await.0, StatusCode::OK);
    }
    let kinds = |page: &Value| -> Vec<String> {
        page["records"].as_array().unwrap().iter().map(|record| record["type"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(kinds(&manager.collect("pc", None).await), ["payment", "task", "report"]);
    assert_eq!(kinds(&employee.collect("pc", None).await), ["report"]);
    server.stop().await;
}

#[tokio::test]
async fn the_page_needs_nothing_from_elsewhere_and_is_there_only_with_demo() {
    let demo = server(|config| config.demo = true).await;
    let api = Api::stranger(&demo);
    for path in ["/demo", "/demo/page.css", "/demo/page.js"] {
        let answer = api.get(path).await;
        assert_eq!(answer.status(), StatusCode::OK);
        assert!(answer.headers()["content-security-policy"].to_str().unwrap().starts_with("default-src 'none'"));
        let text = answer.text().await.unwrap();
        assert!(!text.contains("http://") && !text.contains("https://"), "{path}");
        for absolute in ["\"/", "`/", "'/"] {
            assert!(!text.contains(absolute), "{path}: addresses are relative, for a proxy with a path");
        }
    }
    demo.stop().await;
    let plain = server(|_| ()).await;
    assert_eq!(Api::stranger(&plain).get("/demo").await.status(), StatusCode::NOT_FOUND);
    assert_eq!(
        Api::stranger(&plain).call("/login", &json!({"login": "employee", "password": "demo"})).await.0,
        StatusCode::UNAUTHORIZED
    );
    plain.stop().await;
}
