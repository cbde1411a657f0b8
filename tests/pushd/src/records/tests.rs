use super::*;

fn draft(id: &str) -> Draft {
    Draft { id: Some(id.to_owned()), title: format!("title of {id}"), kind: "1".into(), ..Draft::default() }
}

fn named(logins: &[&str]) -> Receivers {
    Receivers::Named(logins.iter().map(|login| (*login).to_owned()).collect())
}

fn everybody(logins: &[&str]) -> Receivers {
    Receivers::Everybody(logins.iter().map(|login| (*login).to_owned()).collect())
}

fn put(store: &mut Store, id: &str, receivers: &[&str]) -> Position {
    match store.put("sender", draft(id), named(receivers), Timestamp::now()).unwrap() {
        Put::Stored(stored) => stored.served.position,
        Put::Repeated => panic!("{id} was there already"),
    }
}

fn after<'a>(user: &'a str, device: &'a str, after: Option<Position>) -> Collect<'a> {
    Collect { user, device, after, limit: 100, only_undelivered: false }
}

fn ids(served: &[Served]) -> Vec<&str> {
    served.iter().map(|served| served.record.id.as_str()).collect()
}

#[test]
fn collecting_gives_a_person_their_own_records_in_order_page_by_page() {
    let mut store = Store::open(None).unwrap();
    for n in 0..5 {
        put(&mut store, &format!("a{n}"), &["alice", "bob"]);
        put(&mut store, &format!("b{n}"), &["bob"]);
    }
    let mut cursor = None;
    let mut seen = Vec::new();
    loop {
        let page = store.collect(Collect { limit: 2, ..after("alice", "pc", cursor) }).unwrap();
        let Some(last) = page.last() else { break };
        cursor = store.position(&store.cursor(last.position));
        seen.extend(ids(&page).into_iter().map(str::to_owned));
    }
    assert_eq!(seen, ["a0", "a1", "a2", "a3", "a4"]);
}

#[test]
fn serving_marks_nothing_and_a_later_cursor_marks_what_it_is_past() {
    let mut store = Store::open(None).unwrap();
    let first = put(&mut store, "1", &["alice"]);
    put(&mut store, "2", &["alice"]);
    store.collect(after("alice", "pc", None)).unwrap();
    assert_eq!(ids(&store.collect(after("alice", "pc", None)).unwrap()), ["1", "2"]);

    store.mark_collected("alice", "pc", first).unwrap();
    assert_eq!(ids(&store.collect(after("alice", "pc", None)).unwrap()), ["2"]);
    assert_eq!(ids(&store.collect(after("alice", "phone", None)).unwrap()), ["1", "2"], "another device");
}

#[test]
fn a_cursor_is_never_taken_back_by_an_older_one() {
    let mut store = Store::open(None).unwrap();
    let first = put(&mut store, "1", &["alice"]);
    let second = put(&mut store, "2", &["alice"]);
    store.mark_collected("alice", "pc", second).unwrap();
    store.mark_collected("alice", "pc", first).unwrap();
    assert!(store.collect(after("alice", "pc", None)).unwrap().is_empty());
    let again = store.collect(after("alice", "pc", Some(first))).unwrap();
    assert_eq!(ids(&again), ["2"], "after a cursor, all that follows it is served");
    assert_eq!(again[0].status, Status::Delivered);
}

#[test]
fn a_mark_covers_single_records_on_one_device() {
    let mut store = Store::open(None).unwrap();
    put(&mut store, "1", &["alice"]);
    let second = put(&mut store, "2", &["alice"]);
    store.mark_delivered("alice", "pc", &[second]).unwrap();
    assert_eq!(ids(&store.collect(after("alice", "pc", None)).unwrap()), ["1"]);
    assert_eq!(ids(&store.collect(after("alice", "", None)).unwrap()), ["1", "2"]);
}

#[test]
fn a_cursor_from_beyond_the_end_swallows_nothing_that_comes_later() {
    let mut store = Store::open(None).unwrap();
    let first = put(&mut store, "1", &["alice"]);
    store.mark_collected("alice", "pc", Position(first.0 + 1000)).unwrap();
    put(&mut store, "2", &["alice"]);
    assert_eq!(ids(&store.collect(after("alice", "pc", None)).unwrap()), ["2"]);
}

#[test]
fn a_cursor_of_another_log_counts_as_none() {
    let store = Store::open(None).unwrap();
    let cursor = store.cursor(Position(7));
    assert_eq!(store.position(&cursor), Some(Position(7)));
    assert_eq!(Store::open(None).unwrap().position(&cursor), None);
    for nonsense in ["", "-", "x", "7", &format!("{}-x", store.log)] {
        assert_eq!(store.position(nonsense), None, "{nonsense}");
    }
}

#[test]
fn an_edit_reaches_a_client_that_collected_the_first_version() {
    let mut store = Store::open(None).unwrap();
    put(&mut store, "expense", &["alice"]);
    let last = put(&mut store, "other", &["alice"]);
    store.mark_collected("alice", "pc", last).unwrap();

    let edit = Draft { state: Some(State::Decided), ..draft("expense") };
    let put = store.put("sender", edit, everybody(&["bob"]), Timestamp::now()).unwrap();
    let Put::Stored(stored) = put else { panic!("{put:?}") };
    assert_eq!((stored.receivers.as_slice(), stored.is_broadcast), (&["alice".to_owned()][..], false), "who has it");

    let page = store.collect(after("alice", "pc", Some(last))).unwrap();
    assert_eq!(ids(&page), ["expense"]);
    assert_eq!((page[0].record.version, page[0].record.state), (2, Some(State::Decided)));
    assert_eq!(page[0].status, Status::Undelivered);
    assert_eq!(ids(&store.collect(after("alice", "new", None)).unwrap()), ["other", "expense"], "one version of each");
}

#[test]
fn a_repeated_request_changes_nothing_and_an_older_version_or_another_sender_is_refused() {
    let mut store = Store::open(None).unwrap();
    let version = |version| Draft { version: Some(version), ..draft("1") };
    store.put("sender", version(3), named(&["alice"]), Timestamp::now()).unwrap();
    assert_eq!(store.put("sender", version(3), everybody(&[]), Timestamp::now()).unwrap(), Put::Repeated);
    let stale = store.put("sender", version(2), everybody(&[]), Timestamp::now()).unwrap_err();
    assert!(matches!(stale, PutError::Stale { stored: 3, given: 2, .. }), "{stale}");
    let stranger = store.put("alice", version(4), everybody(&[]), Timestamp::now()).unwrap_err();
    assert!(matches!(stranger, PutError::NotSender(_)), "{stranger}");
    assert_eq!(store.collect(after("alice", "pc", None)).unwrap().len(), 1);
}

#[test]
fn history_is_newest_first_and_holds_what_one_received_or_sent() {
    let mut store = Store::open(None).unwrap();
    for n in 1..=5 {
        put(&mut store, &n.to_string(), &["alice"]);
    }
    put(&mut store, "bobs", &["bob"]);
    let page = |page_num| HistoryQuery { page_num: Some(page_num), page_size: Some(2), ..HistoryQuery::default() };
    let first = store.history("alice", "", &page(1)).unwrap();
    assert_eq!((ids(&first.records), first.total), (vec!["5", "4"], 5));
    assert_eq!(ids(&store.history("alice", "", &page(3)).unwrap().records), ["1"]);
    assert_eq!(store.history("sender", "", &page(1)).unwrap().total, 6, "the sender sees what they sent");
    assert_eq!(store.history("carol", "", &page(1)).unwrap().total, 0);
}

#[test]
fn history_is_filtered_by_status_people_and_time() {
    let mut store = Store::open(None).unwrap();
    let at = |second| Timestamp::from_second(second).unwrap();
    for (n, sender, to) in [(1, "x", "alice"), (2, "y", "alice"), (3, "alice", "bob")] {
        store.put(sender, draft(&n.to_string()), named(&[to]), at(n)).unwrap();
    }
    let position = store.collect(after("alice", "pc", None)).unwrap()[0].position;
    store.mark_delivered("alice", "pc", &[position]).unwrap();
    let of = |query: HistoryQuery| {
        let page = store.history("alice", "", &query).unwrap();
        assert_eq!(page.total, page.records.len() as i64);
        ids(&page.records).join(",")
    };
    let any = HistoryQuery::default;
    assert_eq!(of(any()), "3,2,1");
    assert_eq!(of(HistoryQuery { status: Some(Status::Delivered), ..any() }), "1");
    assert_eq!(of(HistoryQuery { status: Some(Status::Undelivered), ..any() }), "3,2");
    assert_eq!(of(HistoryQuery { sender: Some("y".to_owned()), ..any() }), "2");
    assert_eq!(of(HistoryQuery { receiver: Some("bob".to_owned()), ..any() }), "3");
    assert_eq!(of(HistoryQuery { from: Some(at(2)), to: Some(at(2)), ..any() }), "2");
}

#[test]
fn the_sender_sees_delivered_once_every_receiver_has_it() {
    let mut store = Store::open(None).unwrap();
    let position = put(&mut store, "1", &["alice", "bob"]);
    let status = |store: &Store| store.history("sender", "", &HistoryQuery::default()).unwrap().records[0].status;
    store.mark_collected("alice", "pc", position).unwrap();
    assert_eq!(status(&store), Status::Undelivered);
    store.mark_delivered("bob", "phone", &[position]).unwrap();
    assert_eq!(status(&store), Status::Delivered);
}

#[test]
fn an_id_belongs_to_its_first_sender_also_when_the_record_was_deleted() {
    let mut store = Store::open(None).unwrap();
    put(&mut store, "1", &["alice"]);
    assert_eq!(store.delete("alice", "1").unwrap(), Deleted::Yes);
    let taken = store.put("alice", draft("1"), named(&["bob"]), Timestamp::now()).unwrap_err();
    assert!(matches!(taken, PutError::NotSender(_)), "{taken}");
    let again = store.put("sender", draft("1"), named(&["alice"]), Timestamp::now()).unwrap();
    let Put::Stored(stored) = again else { panic!("{again:?}") };
    assert_eq!(stored.served.record.version, 2, "newer than the one that clients may still have");
}

#[test]
fn history_is_filtered_by_type_whether_it_is_a_number_or_a_text() {
    let mut store = Store::open(None).unwrap();
    for (id, kind) in [("1", Value::from(3)), ("2", "3".into()), ("3", "expense".into())] {
        let draft = Draft { kind, ..draft(id) };
        store.put("sender", draft, named(&["alice"]), Timestamp::now()).unwrap();
    }
    for (kind, expected) in [("3", vec!["2", "1"]), ("expense", vec!["3"]), ("", vec![])] {
        let query = HistoryQuery { kind: Some(kind.to_owned()), ..HistoryQuery::default() };
        assert_eq!(ids(&store.history("alice", "", &query).unwrap().records), expected, "{kind}");
    }
}

#[test]
fn in_history_the_status_is_that_of_the_device_that_asks() {
    let mut store = Store::open(None).unwrap();
    let position = put(&mut store, "1", &["alice"]);
    store.mark_delivered("alice", "pc", &[position]).unwrap();
    let status = |device| store.history("alice", device, &HistoryQuery::default()).unwrap().records[0].status;
    assert_eq!(status("pc"), Status::Delivered);
    assert_eq!(status("phone"), Status::Undelivered);
    assert_eq!(status(""), Status::Delivered, "one of the devices has it");
    let of_sender = store.history("sender", "any", &HistoryQuery::default()).unwrap();
    assert_eq!(of_sender.records[0].status, Status::Delivered, "the sender's own device has nothing to do with it");
}

#[test]
fn sender_or_receiver_delete_a_record_for_everybody_and_others_do_not() {
    let mut store = Store::open(None).unwrap();
    put(&mut store, "1", &["alice", "bob"]);
    assert_eq!(store.delete("carol", "1").unwrap(), Deleted::NotYours);
    assert_eq!(store.delete("alice", "2").unwrap(), Deleted::Unknown);
    assert_eq!(store.delete("alice", "1").unwrap(), Deleted::Yes);
    assert!(store.collect(after("bob", "pc", None)).unwrap().is_empty());
    assert_eq!(store.delete("alice", "1").unwrap(), Deleted::Unknown);
}

#[test]
fn a_record_is_written_as_the_reference_shows_it() {
    let mut store = Store::open(None).unwrap();
    let full = Draft {
        url: Some("https://x.test/1".to_owned()),
        priority: Some(4.into()),
        state: Some(State::Open),
        ..draft("1")
    };
    let at = "2026-11-20T07:00:00.5Z".parse().unwrap();
    store.put("bob", full, named(&["alice"]), at).unwrap();
    let page = store.collect(after("alice", "pc", None)).unwrap();
    assert_eq!(
        serde_json::to_value(&page[0]).unwrap(),
        serde_json::json!({
            "id": "1", "title": "title of 1", "content": "", "type": "1", "sender": "bob", "receiver": [1001],
            "sendTime": "2026-11-20T07:00:00.5Z", "status": "undelivered", "url": "https://x.test/1",
            "priority": 4, "state": "open", "version": 1,
        })
    );
}
