//! One tab on the chat page.

use serde_json::{Value, json};

use super::driver::Driver;
use crate::within;

/// `WebDriver`'s name for an element's id.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// The messages of the page as a visitor sees them, in one step, so that the page cannot change in between.
const SHOWN: &str = "
    return [...document.querySelectorAll('[data-testid=message]')].map((message) => ({
        role: message.dataset.role,
        state: message.dataset.state,
        key: message.dataset.key ?? '',
        text: (message.querySelector('.bubble, .markdown')?.innerText ?? '').trim(),
    }));
";

/// One message on the page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// `user` or `assistant`.
    pub role: String,
    /// `sending`, `waiting`, `streaming`, `done` or `error`.
    pub state: String,
    /// The answer's key; empty for what a visitor said.
    pub key: String,
    /// The text as it is rendered.
    pub text: String,
}

/// See the module. Elements are named by their `data-testid`.
#[derive(Debug)]
pub struct Tab<'a> {
    driver: &'a Driver,
    handle: String,
}

impl<'a> Tab<'a> {
    pub(super) fn new(driver: &'a Driver, handle: String) -> Self {
        Self { driver, handle }
    }

    pub(super) async fn post(&self, command: &str, body: Value) -> Value {
        self.enter().await;
        self.driver.post(command, body).await
    }

    /// Commands go to the window that was entered last.
    async fn enter(&self) {
        self.driver.post("window", json!({ "handle": self.handle })).await;
    }

    /// Loads the page again.
    pub async fn reload(&self) {
        self.post("refresh", json!({})).await;
    }

    /// Runs a script in the page: what it returns.
    pub async fn run(&self, script: &str) -> Value {
        self.post("execute/sync", json!({ "script": script, "args": [] })).await
    }

    /// Types into an element, as keys are pressed. `\u{e007}` is Enter.
    pub async fn keys(&self, testid: &str, text: &str) {
        let element = self.element(testid).await;
        self.post(&format!("element/{element}/value"), json!({ "text": text })).await;
    }

    /// Clicks an element, as soon as that is possible.
    pub async fn click(&self, testid: &str) {
        within(&format!("{testid} can be clicked"), async {
            loop {
                let element = self.element(testid).await;
                // Hidden, covered or just replaced: the page is still moving.
                if self.driver.try_post(&format!("element/{element}/click"), json!({})).await.is_ok() {
                    return;
                }
            }
        })
        .await;
    }

    async fn element(&self, testid: &str) -> String {
        let body = json!({ "using": "css selector", "value": format!("[data-testid={testid}]") });
        within(&format!("{testid} is on the page"), async {
            loop {
                self.enter().await;
                if let Ok(found) = self.driver.try_post("element", body.clone()).await {
                    return found[ELEMENT].as_str().expect("an element has an id").to_owned();
                }
            }
        })
        .await
    }

    /// Writes a message and presses Enter.
    pub async fn say(&self, text: &str) {
        self.keys("composer", &format!("{text}\u{e007}")).await;
    }

    /// The messages now.
    pub async fn shown(&self) -> Vec<Shown> {
        let text = |message: &Value, field: &str| message[field].as_str().unwrap_or_default().to_owned();
        let messages = self.run(SHOWN).await;
        (messages.as_array().map_or(&[][..], Vec::as_slice).iter())
            .map(|message| Shown {
                role: text(message, "role"),
                state: text(message, "state"),
                key: text(message, "key"),
                text: text(message, "text"),
            })
            .collect()
    }

    /// Waits until the messages are as `is_so` wants them.
    pub async fn wait(&self, what: &str, is_so: impl Fn(&[Shown]) -> bool) -> Vec<Shown> {
        let mut last = Vec::new();
        let waited = tokio::time::timeout(crate::PATIENCE, async {
            loop {
                last = self.shown().await;
                if is_so(&last) {
                    return;
                }
            }
        });
        if waited.await.is_err() {
            self.screenshot("failed").await;
            panic!("{what} did not happen; the page shows {last:#?}");
        }
        last
    }

    /// Waits until the last message is an answer in this state that begins with `text`.
    pub async fn wait_answer(&self, state: &str, text: &str) -> Shown {
        let is_so = |shown: &[Shown]| {
            shown
                .last()
                .is_some_and(|last| last.role == "assistant" && last.state == state && last.text.starts_with(text))
        };
        self.wait(&format!("an answer {state} with `{text}`"), is_so).await.pop().expect("waited for it")
    }

    /// Waits until a script returns this text.
    pub async fn wait_script(&self, script: &str, expected: &str) {
        within(&format!("`{expected}` from `{script}`"), async { while self.run(script).await != expected {} }).await;
    }

    /// Waits until the word at the top says this: `ready`, `offline`, `not-ready`.
    pub async fn wait_status(&self, state: &str) {
        self.wait_script("return document.querySelector('[data-testid=status]')?.dataset.state", state).await;
    }

    /// Waits until the open chat has an address: its id.
    pub async fn wait_chat(&self) -> String {
        within("the chat has an address", async {
            loop {
                let hash = self.run("return location.hash").await;
                if let Some(id) = hash.as_str().and_then(|hash| hash.strip_prefix('#')).filter(|id| !id.is_empty()) {
                    return id.to_owned();
                }
            }
        })
        .await
    }

    /// Makes the window as wide and high as a device's.
    pub async fn resize(&self, width: u32, height: u32) {
        self.post("window/rect", json!({ "width": width, "height": height })).await;
    }

    /// The text of an element now; empty while it is not shown.
    pub async fn text(&self, testid: &str) -> String {
        let find = format!("const found = document.querySelector('[data-testid={testid}]');");
        let script = format!("{find} return found?.checkVisibility() ? found.innerText : ''");
        self.run(&script).await.as_str().unwrap_or_default().to_owned()
    }

    /// Errors that the page wrote to its console since this was asked last. Connections that could not be opened, or were cut,
    /// are none: a page cannot help that its gateway is away, and its icon may be on the way when the gateway is killed.
    pub async fn console_errors(&self) -> Vec<String> {
        let entries = self.post("se/log", json!({ "type": "browser" })).await;
        (entries.as_array().map_or(&[][..], Vec::as_slice).iter())
            .filter(|entry| entry["level"] == "SEVERE" || entry["level"] == "WARNING")
            .map(|entry| entry["message"].as_str().unwrap_or_default().to_owned())
            .filter(|message| !message.contains("WebSocket connection to") && !message.contains("net::ERR_CONNECTION_"))
            .collect()
    }

    /// Keeps a picture of the tab in the folder that `SG_TEST_SCREENSHOTS` names, if it does.
    pub async fn screenshot(&self, name: &str) {
        use std::io::Write;
        #[expect(clippy::disallowed_methods, reason = "a wish of who runs the tests, not a setting of the service")]
        let Some(folder) = std::env::var_os("SG_TEST_SCREENSHOTS") else { return };
        self.enter().await;
        let picture = decode(self.driver.get("screenshot").await.as_str().unwrap_or_default());
        let test = std::thread::current().name().unwrap_or("test").replace("::", "-");
        let path = std::path::Path::new(&folder).join(format!("{test}-{name}.png"));
        let written = std::fs::create_dir_all(&folder).and_then(|()| std::fs::File::create(&path)?.write_all(&picture));
        written.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }
}

/// Base64 with padding, as `WebDriver` sends pictures.
fn decode(text: &str) -> Vec<u8> {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let (mut bits, mut count) = (0u32, 0);
    for value in text.bytes().filter_map(|byte| ALPHABET.iter().position(|known| *known == byte)) {
        bits = bits << 6 | value as u32;
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
        }
    }
    bytes
}
