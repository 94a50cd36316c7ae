//! A real model: llama.cpp's server with real, small weights, as `tests/setup-llama.sh` puts them under the target folder.

use std::{
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use crate::{FreePort, Log, eventually, http};

/// A running llama.cpp server, ended with this value.
#[derive(Debug)]
pub struct LlamaServer {
    port: FreePort,
    child: Child,
    log: Log,
}

impl LlamaServer {
    /// The name under which it knows its model.
    pub const MODEL: &str = "gemma";
    /// Requests that it serves at once.
    pub const SLOTS: usize = 2;

    /// Starts it and waits until the model is loaded. `None`, with a line that says so, where `SG_TEST_SKIP_LLAMA` is 1.
    pub async fn new() -> Option<Self> {
        #[expect(clippy::disallowed_methods, reason = "a wish of who runs the tests, not a setting of the service")]
        if std::env::var("SG_TEST_SKIP_LLAMA").is_ok_and(|skip| skip == "1") {
            eprintln!("skipped: SG_TEST_SKIP_LLAMA is set, so no real model is asked");
            return None;
        }
        let folder = folder();
        let (python, weights) = (folder.join("venv/bin/python"), folder.join("gemma.gguf"));
        assert!(
            weights.is_file() && python.is_file(),
            "no model server in {}; run `tests/setup-llama.sh` first, or set SG_TEST_SKIP_LLAMA=1",
            folder.display()
        );
        let port = FreePort::new();
        let mut child = Command::new(python)
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/llama_serve.py"))
            .arg(weights)
            .args([&port.number().to_string(), Self::MODEL, &Self::SLOTS.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the model server can be started");
        let log = Log::default();
        log.follow(child.stdout.take().expect("it is piped"));
        log.follow(child.stderr.take().expect("it is piped"));
        let mut server = Self { port, child, log };
        let address = server.port.address();
        eventually("the model is loaded", || {
            let ended = server.child.try_wait().expect("a child can be asked");
            assert!(ended.is_none(), "the model server ended: {ended:?}");
            async move { http::get(address, "/health").await.ok().filter(|health| health.status == 200) }
        })
        .await;
        Some(server)
    }

    /// What clients have as their base URL.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.port)
    }

    /// Requests that it works on right now.
    pub async fn busy(&self) -> usize {
        let slots = http::get(self.port.address(), "/slots").await.expect("the model server answers");
        let slots: serde_json::Value = serde_json::from_str(&slots.body).expect("slots are JSON");
        slots.as_array().map_or(0, |slots| slots.iter().filter(|slot| slot["is_processing"] == true).count())
    }
}

fn folder() -> PathBuf {
    target_folder().join("llama")
}

/// Where `./dev test` installs what tests need: three above the running test.
pub(crate) fn target_folder() -> PathBuf {
    let test = std::env::current_exe().expect("the test knows its own path");
    test.ancestors().nth(3).expect("tests are built three folders deep").into()
}

impl Drop for LlamaServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            let lines = self.log.lines();
            lines.iter().skip(lines.len().saturating_sub(40)).for_each(|line| eprintln!("llama-server: {line}"));
        }
    }
}
