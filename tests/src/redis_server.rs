//! A real redis-server of the test's own, on a unix socket.

use std::{
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use bus::{Bus, BusConfig, Names, Shards};
use tempfile::TempDir;

use crate::{eventually, llama_server::target_folder, resp};

pub use crate::resp::{RawConnection, Reply};

/// A server that lives as long as this value; its data outlive [`RedisServer::kill`] and [`RedisServer::start`].
#[derive(Debug)]
pub struct RedisServer {
    program: PathBuf,
    /// How it keeps its data.
    persistence: &'static [&'static str],
    folder: TempDir,
    process: Option<Child>,
}

/// A kill loses nothing.
const EVERY_COMMAND: &[&str] = &["--appendonly", "yes", "--appendfsync", "always"];
/// A kill loses everything.
const NONE: &[&str] = &["--appendonly", "no"];

impl RedisServer {
    /// Starts a fresh server whose append-only file is written at every command, so that a kill loses nothing.
    pub async fn new() -> Self {
        Self::of("redis-server".into()).await
    }

    /// The server of the 8 line that `tests/setup-redis8.sh` puts under the target folder.
    #[must_use]
    pub fn redis_8() -> PathBuf {
        let program = target_folder().join("redis8/redis-server");
        assert!(program.is_file(), "no {}; run `tests/setup-redis8.sh` first, as `./dev test` does", program.display());
        program
    }

    /// As [`RedisServer::new`], without persistence: where the disk is not to be measured.
    pub async fn in_memory() -> Self {
        Self::with("redis-server".into(), NONE).await
    }

    /// As [`RedisServer::new`], of the server that is named.
    pub async fn of(program: PathBuf) -> Self {
        Self::with(program, EVERY_COMMAND).await
    }

    async fn with(program: PathBuf, persistence: &'static [&'static str]) -> Self {
        let folder = tempfile::Builder::new().prefix("sg-redis-").tempdir().expect("a folder for redis");
        let mut server = Self { program, persistence, folder, process: None };
        server.start().await;
        server
    }

    /// Starts the server (again) on the same data, and waits until it answers.
    pub async fn start(&mut self) {
        let process = Command::new(&self.program)
            .args(["--port", "0", "--save", ""])
            .args(self.persistence)
            .args(["--maxmemory-policy", "noeviction", "--unixsocketperm", "700"])
            .arg("--unixsocket")
            .arg(self.socket())
            .arg("--dir")
            .arg(self.folder.path())
            .stdout(Stdio::null())
            .spawn()
            .expect("redis-server has to be installed: apt-get install redis-server");
        self.process = Some(process);
        eventually("redis-server answers", || async { self.try_bus(Shards::DEFAULT).await }).await;
    }

    /// Ends the server at once, as by `kill -9`.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _ = process.kill();
            let _ = process.wait();
        }
    }

    /// Empties it.
    pub fn flush(&self) {
        let done = Command::new("redis-cli").arg("-s").arg(self.socket()).arg("FLUSHALL").output();
        assert!(done.expect("redis-cli comes with redis-server").status.success());
    }

    /// Where clients find it.
    pub fn url(&self) -> String {
        format!("unix://{}", self.socket().display())
    }

    /// Sends one command, as a person with `redis-cli` would.
    pub async fn command<const N: usize>(&self, parts: [&str; N]) -> Reply {
        self.command_bytes(&parts.map(str::as_bytes)).await
    }

    /// As [`RedisServer::command`], with parts that need not be text.
    pub async fn command_bytes(&self, parts: &[&[u8]]) -> Reply {
        resp::command(&self.socket(), parts).await.expect("redis answers")
    }

    /// A connection for several commands in a row.
    pub async fn connection(&self) -> RawConnection {
        RawConnection::open(&self.socket()).await.expect("redis answers")
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("redis.sock")
    }

    /// A bus on this server.
    pub async fn bus(&self, shards: Shards) -> Bus {
        self.try_bus(shards).await.expect("redis answers")
    }

    async fn try_bus(&self, shards: Shards) -> Option<Bus> {
        let names = Names { shards, ..Names::default() };
        Bus::connect(BusConfig { url: self.url(), names }).await.ok()
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.kill();
    }
}
