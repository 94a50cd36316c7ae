//! The few words of `WebDriver` that the tests speak.

use std::net::SocketAddr;

use serde_json::{Value, json};

use crate::{http, within};

/// A session with a browser.
#[derive(Debug)]
pub(super) struct Driver {
    address: SocketAddr,
    session: String,
}

impl Driver {
    pub(super) async fn new(port: u16, wishes: &Value) -> Self {
        let mut driver = Self { address: ([127, 0, 0, 1], port).into(), session: String::new() };
        let body = json!({ "capabilities": { "alwaysMatch": wishes } });
        let made = driver.call("POST", "/session", &body).await.expect("chromium has to be installed");
        driver.session = made["sessionId"].as_str().expect("a session has an id").to_owned();
        driver
    }

    pub(super) async fn get(&self, command: &str) -> Value {
        self.command("GET", command, &Value::Null).await.unwrap_or_else(|error| panic!("{command}: {error}"))
    }

    pub(super) async fn post(&self, command: &str, body: Value) -> Value {
        self.try_post(command, body).await.unwrap_or_else(|error| panic!("{command}: {error}"))
    }

    /// The error is `WebDriver`'s own.
    pub(super) async fn try_post(&self, command: &str, body: Value) -> Result<Value, Value> {
        self.command("POST", command, &body).await
    }

    async fn command(&self, method: &str, command: &str, body: &Value) -> Result<Value, Value> {
        self.call(method, &format!("/session/{}/{command}", self.session), body).await
    }

    async fn call(&self, method: &str, path: &str, body: &Value) -> Result<Value, Value> {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let headers = [("Content-Type", "application/json; charset=utf-8")];
        let ask = http::ask(self.address, http::Ask { method, path, headers: &headers, body: &body });
        let response = within(&format!("webdriver: {path}"), ask).await.expect("chromedriver answers");
        let mut answer: Value = serde_json::from_str(&response.body).expect("webdriver answers in JSON");
        let value = answer["value"].take();
        if response.status == 200 { Ok(value) } else { Err(value) }
    }
}
