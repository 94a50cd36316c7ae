//! The real daemons, as processes.

use std::{
    collections::BTreeMap,
    os::unix::process::ExitStatusExt,
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::{FreePort, Log, Response, eventually, http, until};

/// Environment variables: all that a process gets.
pub type Settings = BTreeMap<String, String>;

/// A program of the workspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Program {
    /// `stargazer-gateway`
    Gateway,
    /// `stargazer-inference`
    Inference,
    /// `stargazer`
    Cli,
}

impl Program {
    /// Its file's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Gateway => "stargazer-gateway",
            Self::Inference => "stargazer-inference",
            Self::Cli => "stargazer",
        }
    }

    /// Where it was built: the folder above that of the running test.
    #[must_use]
    pub fn path(self) -> PathBuf {
        let test = std::env::current_exe().expect("the test knows its own path");
        let built = test.parent().and_then(|deps| deps.parent()).map(|profile| profile.join(self.name()));
        let built = built.expect("tests are built two folders deep");
        assert!(
            built.is_file(),
            "{} is not built; run `cargo build --workspace` first, or `./dev test`",
            built.display()
        );
        built
    }
}

/// A running program, ended with this value. What it logged is printed when the test fails.
#[derive(Debug)]
pub struct Process {
    program: Program,
    settings: Settings,
    arguments: Vec<String>,
    /// Its working directory, so that no `stargazer.toml` of the machine's is read.
    folder: TempDir,
    health: FreePort,
    child: Child,
    log: Log,
}

impl Process {
    /// Starts `program` with these settings and nothing else of the environment. Returns at once.
    #[must_use]
    pub fn start(program: Program, settings: Settings) -> Self {
        Self::start_with(program, &[], settings)
    }

    /// As [`Process::start`], with arguments.
    #[must_use]
    pub fn start_with(program: Program, arguments: &[&str], mut settings: Settings) -> Self {
        let folder = tempfile::Builder::new().prefix("sg-process-").tempdir().expect("a folder");
        let health = FreePort::new();
        let defaults = [("SG_BOOT__JITTER", "0s".to_owned()), ("SG_HEALTH_PORT", health.number().to_string())];
        for (name, value) in defaults {
            settings.entry(name.into()).or_insert(value);
        }
        let arguments: Vec<_> = arguments.iter().map(ToString::to_string).collect();
        let log = Log::default();
        let child = spawn(program, &arguments, &settings, &folder, &log);
        Self { program, settings, arguments, folder, health, child, log }
    }

    /// Starts it again, ended or not, with the same settings, ports and folder.
    pub fn restart(&mut self) {
        self.kill9();
        self.child = spawn(self.program, &self.arguments, &self.settings, &self.folder, &self.log);
    }

    /// Waits until `/readyz` says so; fails when the process ends instead.
    pub async fn wait_ready(&mut self) {
        let address = self.health.address();
        eventually(&format!("{} is ready", self.program.name()), || {
            let ended = self.child.try_wait().expect("a child can be asked");
            assert!(ended.is_none(), "{} ended: {ended:?}", self.program.name());
            async move { http::get(address, "/readyz").await.ok().filter(|response| response.status == 200) }
        })
        .await;
    }

    /// Waits until `/readyz` says that it is not ready.
    pub async fn wait_not_ready(&self) {
        until("it is not ready", || async { self.get("/readyz").await.is_none_or(|response| response.status == 503) })
            .await;
    }

    /// Asks its health server; nothing while that does not answer.
    pub async fn get(&self, path: &str) -> Option<Response> {
        http::get(self.health.address(), path).await.ok()
    }

    /// The sum of all series of a metric; 0 while there are none.
    pub async fn metric(&self, name: &str) -> f64 {
        let text = self.get("/metrics").await.unwrap_or_default().body;
        let value = |line: &str| {
            let rest = line.strip_prefix(name)?;
            if rest.starts_with([' ', '{']) { line.rsplit(' ').next()?.parse::<f64>().ok() } else { None }
        };
        text.lines().filter_map(value).sum()
    }

    /// What it wrote on standard output and standard error, over all its starts.
    #[must_use]
    pub fn log(&self) -> Log {
        self.log.clone()
    }

    /// Its folder.
    #[must_use]
    pub fn folder(&self) -> PathBuf {
        self.folder.path().to_path_buf()
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("the process is there");
    }

    /// Ends it at once and waits for that. Fine when it has ended.
    pub fn kill9(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// How it ended, if it has: as [`Process::exit_code`].
    pub fn has_ended(&mut self) -> Option<i32> {
        let status = self.child.try_wait().expect("a child can be asked")?;
        status.code().or_else(|| Some(128 + status.signal()?))
    }

    /// Waits until it ends: its exit code, or 128 and the signal that ended it.
    pub async fn exit_code(&mut self) -> i32 {
        let name = self.program.name();
        eventually(&format!("{name} ends"), || {
            let ended = self.has_ended();
            async move { ended }
        })
        .await
    }
}

fn spawn(program: Program, arguments: &[String], settings: &Settings, folder: &TempDir, log: &Log) -> Child {
    let mut child = Command::new(program.path())
        .args(arguments)
        .env_clear()
        .envs(settings)
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program can be started");
    log.follow(child.stdout.take().expect("it is piped"));
    log.follow(child.stderr.take().expect("it is piped"));
    child
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill9();
        if std::thread::panicking() {
            eprintln!("--- {} {} wrote:", self.program.name(), self.pid());
            self.log.lines().iter().for_each(|line| eprintln!("{line}"));
        }
    }
}
