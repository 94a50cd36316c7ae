//! Headless Chromium, driven over `WebDriver`.

mod driver;
mod tab;

use std::process::{Child, Command, Stdio};

use driver::Driver;
use serde_json::{Value, json};
use tempfile::TempDir;

pub use tab::{Shown, Tab};

use crate::Log;

const FLAGS: [&str; 8] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
];

/// A browser with a profile of its own, ended with this value.
#[derive(Debug)]
pub struct Browser {
    driver: Driver,
    chromedriver: Child,
    profile: TempDir,
}

impl Browser {
    /// Starts one; it has one empty window.
    pub async fn new() -> Self {
        let profile = tempfile::Builder::new().prefix("sg-browser-").tempdir().expect("a folder for the profile");
        let mut chromedriver = Command::new("chromedriver")
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver has to be installed: apt-get install chromium-driver");
        let log = Log::default();
        log.follow(chromedriver.stdout.take().expect("it is piped"));
        let line = log.line("started successfully on port").await;
        let port = line.trim_end_matches('.').rsplit(' ').next().and_then(|port| port.parse().ok());
        let flags: Vec<_> = (FLAGS.into_iter().map(str::to_owned))
            .chain([format!("--user-data-dir={}", profile.path().display()), "--window-size=1200,900".into()])
            .collect();
        let wishes = json!({
            "browserName": "chrome",
            "goog:chromeOptions": { "args": flags },
            "goog:loggingPrefs": { "browser": "ALL" },
        });
        let driver = Driver::new(port.expect("chromedriver tells its port"), &wishes).await;
        Self { driver, chromedriver, profile }
    }

    /// Opens a page in the first window.
    pub async fn open(&self, url: &str) -> Tab<'_> {
        let handle = self.driver.get("window").await;
        self.go(&handle, url).await
    }

    /// Opens a page in a new tab.
    pub async fn open_tab(&self, url: &str) -> Tab<'_> {
        let made = self.driver.post("window/new", json!({ "type": "tab" })).await;
        self.go(&made["handle"], url).await
    }

    async fn go(&self, handle: &Value, url: &str) -> Tab<'_> {
        let tab = Tab::new(&self.driver, handle.as_str().expect("a window has a handle").to_owned());
        tab.post("url", json!({ "url": url })).await;
        tab
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Chromium lives in a process group of its own and outlives a killed chromedriver; its processes are known by the profile.
        let _ = self.chromedriver.kill();
        let _ = self.chromedriver.wait();
        let profile = self.profile.path().as_os_str().as_encoded_bytes().to_vec();
        for pid in processes_with(&profile) {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
        }
    }
}

/// Processes whose command line contains `text`.
fn processes_with(text: &[u8]) -> Vec<rustix::process::Pid> {
    let Ok(folders) = std::fs::read_dir("/proc") else { return Vec::new() };
    let contains = |line: Vec<u8>| line.windows(text.len()).any(|part| part == text);
    (folders.flatten())
        .filter(|folder| std::fs::read(folder.path().join("cmdline")).is_ok_and(contains))
        .filter_map(|folder| rustix::process::Pid::from_raw(folder.file_name().to_str()?.parse().ok()?))
        .collect()
}
