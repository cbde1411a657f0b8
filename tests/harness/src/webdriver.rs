//! The app's page through WebDriver: what a person finds in the window, clicks and types, and what
//! then stands there.
//!
//! `tauri-driver` starts the app and hands on to WebKitWebDriver. The client is by hand, over the
//! harness' own HTTP: a dozen calls; the library for it (fantoccini) would bring 24 crates, a
//! second ICU among them. Waiting is done in the page, by a script that listens to its changes.
//! When the window closes the session is over, since the app destroys its page.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use data_encoding::BASE64;
use serde_json::{Value, json};

use crate::http::call;
use crate::ports::free_port;
use crate::program::{EVENT_TIMEOUT, Running, tool};
use crate::skip::{has, skip};

const NATIVE_DRIVER: &str = "WebKitWebDriver";
/// How the protocol marks an element among JSON values.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";
/// How long a driver may take to listen, between two questions.
const A_MOMENT: Duration = Duration::from_millis(20);

/// Part of every script: finds what a person would call by that name.
const FINDER: &str = r#"
const plain = (text) => (text ?? '').replace(/\s+/g, ' ').trim();
const isShown = (it) => (it.closest('select') ?? it).checkVisibility({ visibilityProperty: true });
const roles = {
  button: 'button:not([role]), summary, [role=button]', link: 'a[href], [role=link]', option: '[role=option]', menuitem: '[role=menuitem]',
  textbox: 'input:not([type]), input[type=text], input[type=password], textarea', searchbox: 'input[type=search]',
  checkbox: 'input[type=checkbox]', combobox: 'select', heading: 'h1, h2, h3', article: 'article', dialog: 'dialog, [role=dialog]',
  status: '[role=status]', alert: '[role=alert]',
};
const nameOf = (it) => plain(it.getAttribute('aria-label')
  || (it.getAttribute('aria-labelledby') ?? '').split(' ').map((id) => document.getElementById(id)?.textContent).join(' ').trim()
  || Array.from(it.labels ?? [], (label) => label.textContent).join(' ')
  || it.textContent || it.title || it.placeholder);
const find = ({ css, role, text }) => {
  if (css) return Array.from(document.querySelectorAll(css)).find(isShown);
  if (role) return Array.from(document.querySelectorAll(roles[role])).find((it) => isShown(it) && (nameOf(it) === text || nameOf(it).startsWith(text + ' ')));
  const holds = (it) => isShown(it) && plain(it.textContent).includes(text);
  const all = Array.from(document.body.querySelectorAll('*')).filter(holds);
  return all.find((it) => !Array.from(it.children).some(holds));
};
"#;

/// What a person looks for in the page.
#[derive(Debug, Clone, Copy)]
pub enum Target<'a> {
    /// By what it is and what it is called, as a screen reader has it; a name may go on after a
    /// space.
    Role(&'a str, &'a str),
    /// The innermost that holds this text.
    Text(&'a str),
    /// By a CSS selector.
    Css(&'a str),
}

impl Target<'_> {
    fn json(self) -> Value {
        match self {
            Self::Role(role, text) => json!({"role": role, "text": text}),
            Self::Text(text) => json!({"text": text}),
            Self::Css(css) => json!({"css": css}),
        }
    }
}

/// The page in the app's window. Dropping ends the app.
#[derive(Debug)]
pub struct Page {
    driver: Running,
    session: String,
}

impl Page {
    /// Starts the app under automation and waits for its window. `None`, with a loud skip, where a
    /// driver is missing.
    ///
    /// # Panics
    /// If it does not come.
    pub async fn open(app: Command) -> Option<Self> {
        let program = tool("tauri-driver");
        if !has(&[NATIVE_DRIVER]) {
            return None;
        }
        if !program.exists() {
            skip("tauri-driver is not installed; cargo xtask test installs it");
            return None;
        }
        let mut command = Command::new(program);
        let (port, native_port) = (free_port(), free_port());
        command.args(["--port", &port.to_string(), "--native-port", &native_port.to_string()]);
        command.args(["--native-driver", &format!("/usr/bin/{NATIVE_DRIVER}")]);
        for (name, value) in app.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        let mut page = Self { driver: Running::spawn(command), session: format!("http://127.0.0.1:{port}") };
        page.wait_for_driver().await;
        let args: Vec<_> = app.get_args().map(|arg| arg.to_string_lossy()).collect();
        let options = json!({"application": app.get_program().to_string_lossy(), "args": args});
        let timeouts = json!({"script": EVENT_TIMEOUT.as_millis() as u64});
        let wanted = json!({"capabilities": {"alwaysMatch": {"tauri:options": options, "timeouts": timeouts}}});
        let made = page.ask("POST", "/session", &wanted).await;
        let id = made["sessionId"].as_str().unwrap_or_else(|| page.fail(&format!("no session: {made}"))).to_owned();
        page.session = format!("{}/session/{id}", page.session);
        Some(page)
    }

    /// Neither driver says when it listens, so they are asked until they answer.
    async fn wait_for_driver(&mut self) {
        let status = format!("{}/status", self.session);
        let answers = async {
            while !matches!(call("GET", &status, None, &Value::Null).await, Ok((200, _))) {
                tokio::time::sleep(A_MOMENT).await;
            }
        };
        if tokio::time::timeout(EVENT_TIMEOUT, answers).await.is_err() {
            self.fail("does not answer");
        }
    }

    /// Runs a script in the page, with `args` as its arguments. Returns what it returns.
    ///
    /// # Panics
    /// If it throws.
    pub async fn run(&mut self, script: &str, args: Value) -> Value {
        self.ask("POST", "/execute/sync", &json!({"script": script, "args": args})).await
    }

    /// Runs a script that calls its last argument when it is done, with what is then returned.
    ///
    /// # Panics
    /// If it throws, or is not done within [`EVENT_TIMEOUT`].
    pub async fn run_async(&mut self, script: &str, args: Value) -> Value {
        self.ask("POST", "/execute/async", &json!({"script": script, "args": args})).await
    }

    /// Returns when this expression of JavaScript is true, with its value; `find` finds a target in
    /// it.
    ///
    /// # Panics
    /// If it does not become true within [`EVENT_TIMEOUT`].
    pub async fn wait_until(&mut self, expression: &str) -> Value {
        self.wait_with(expression, Value::Null).await
    }

    async fn wait_with(&mut self, expression: &str, arg: Value) -> Value {
        let script = format!(
            "{FINDER} const arg = arguments[0], done = arguments[1];
            const look = () => {{ const found = ({expression}); if (found) {{ changes.disconnect(); done(found); }} return found; }};
            const changes = new MutationObserver(look);
            if (!look()) changes.observe(document, {{ subtree: true, childList: true, attributes: true, characterData: true }});"
        );
        let asked = json!({"script": script, "args": [arg]});
        let answer = self.try_ask("POST", "/execute/async", &asked).await;
        match answer {
            Ok(value) => value,
            Err(error) => {
                let asked = json!({"script": "return document.body.innerText", "args": []});
                let page = self.try_ask("POST", "/execute/sync", &asked).await.unwrap_or_else(Value::String);
                let page = page.as_str().unwrap_or_default();
                self.fail(&format!("in which {expression} {arg} does not hold ({error}):\n{page}"))
            }
        }
    }

    /// Waits until this can be seen, and returns its text.
    ///
    /// # Panics
    /// If it cannot within [`EVENT_TIMEOUT`].
    pub async fn see(&mut self, target: Target<'_>) -> String {
        let text = self.wait_with("find(arg) && { text: find(arg).innerText }", target.json()).await;
        text["text"].as_str().unwrap_or_default().to_owned()
    }

    /// Waits until this cannot be seen any more.
    ///
    /// # Panics
    /// If it still can after [`EVENT_TIMEOUT`].
    pub async fn see_no(&mut self, target: Target<'_>) {
        self.wait_with("!find(arg)", target.json()).await;
    }

    /// Clicks it, once it can be seen.
    ///
    /// # Panics
    /// If it cannot within [`EVENT_TIMEOUT`], or something lies over it.
    pub async fn click(&mut self, target: Target<'_>) {
        let element = self.element(target).await;
        self.ask("POST", &format!("/element/{element}/click"), &json!({})).await;
    }

    /// Types into it, key by key.
    ///
    /// # Panics
    /// If it cannot be seen within [`EVENT_TIMEOUT`], or takes no keys.
    pub async fn type_into(&mut self, target: Target<'_>, text: &str) {
        let element = self.element(target).await;
        self.ask("POST", &format!("/element/{element}/value"), &json!({"text": text})).await;
    }

    /// Presses a key for whatever has the focus: a character, or one of the protocol's names, such
    /// as `\u{E007}` for Enter.
    ///
    /// # Panics
    /// If the page is gone.
    pub async fn press(&mut self, key: &str) {
        let keys: Vec<_> = ["keyDown", "keyUp"].map(|kind| json!({"type": kind, "value": key})).into();
        let keyboard = json!({"type": "key", "id": "keyboard", "actions": keys});
        self.ask("POST", "/actions", &json!({"actions": [keyboard]})).await;
    }

    /// A picture of the page, as PNG.
    ///
    /// # Panics
    /// If it cannot be taken or written.
    pub async fn picture(&mut self, file: &Path) {
        let picture = self.ask("GET", "/screenshot", &Value::Null).await;
        let picture = BASE64.decode(picture.as_str().expect("base64").as_bytes()).expect("base64");
        std::fs::write(file, picture).expect("a picture written");
    }

    async fn element(&mut self, target: Target<'_>) -> String {
        let found = self.wait_with("find(arg)", target.json()).await;
        found[ELEMENT].as_str().unwrap_or_else(|| panic!("no element: {found}")).to_owned()
    }

    async fn ask(&mut self, method: &str, path: &str, body: &Value) -> Value {
        match self.try_ask(method, path, body).await {
            Ok(value) => value,
            Err(error) => self.fail(&format!("{method} {path}: {error}")),
        }
    }

    async fn try_ask(&self, method: &str, path: &str, body: &Value) -> Result<Value, String> {
        let url = format!("{}{path}", self.session);
        let asked = tokio::time::timeout(EVENT_TIMEOUT * 2, call(method, &url, None, body)).await;
        let (status, mut answer) = asked.map_err(|_| "no answer")?.map_err(|error| error.to_string())?;
        let value = answer.get_mut("value").map(Value::take).unwrap_or_default();
        if status == 200 { Ok(value) } else { Err(value.to_string()) }
    }

    fn fail(&mut self, what: &str) -> ! {
        panic!("the page {what}\n--- the app and its drivers\n{}{}", self.driver.stdout(), self.driver.stderr());
    }
}
