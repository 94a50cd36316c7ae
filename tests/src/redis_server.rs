//! A real redis-server of the test's own, on a unix socket.

use std::{
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use bus::{Bus, BusConfig, Names, Shards};
use tempfile::TempDir;

use rustix::process::Signal;

use crate::{FreePort, eventually, llama_server::target_folder, resp};

pub use crate::resp::{RawConnection, Reply};

/// A server that lives as long as this value; its data outlive [`RedisServer::kill`] and [`RedisServer::start`].
#[derive(Debug)]
pub struct RedisServer {
    program: PathBuf,
    folder: TempDir,
    /// Its `appendfsync`; without one it keeps nothing.
    fsync: Option<&'static str>,
    /// What else its command line says.
    extra: Vec<String>,
    /// Where its replica finds it.
    _port: Option<FreePort>,
    process: Option<Child>,
}

impl RedisServer {
    /// Starts a fresh server whose append-only file is written at every command, so that a kill loses nothing.
    pub async fn new() -> Self {
        Self::of("redis-server".into(), "always").await
    }

    /// As [`RedisServer::new`], with another `appendfsync`.
    pub async fn with_fsync(fsync: &'static str) -> Self {
        Self::of("redis-server".into(), fsync).await
    }

    /// A fresh server, and a replica that has caught up with it.
    pub async fn with_replica() -> (Self, Self) {
        let port = FreePort::new();
        let number = port.number().to_string();
        let of = |extra: &[&str], port| {
            let folder = tempfile::Builder::new().prefix("sg-redis-").tempdir().expect("a folder for redis");
            let extra = extra.iter().map(|&word| word.to_owned()).collect();
            Self { program: "redis-server".into(), folder, fsync: Some("always"), extra, _port: port, process: None }
        };
        let mut replica = of(&["--replicaof", "127.0.0.1", &number], None);
        let mut master = of(&["--port", &number, "--repl-diskless-sync-delay", "0"], Some(port));
        master.start().await;
        replica.start().await;
        let caught_up = || async {
            let state = replica.command(["INFO", "replication"]).await;
            // It counts only once the other end has heard from it, too.
            let other = master.command(["INFO", "replication"]).await;
            (state.text().contains("master_link_status:up") && other.text().contains("state=online")).then_some(())
        };
        eventually("the replica has caught up", caught_up).await;
        (master, replica)
    }

    /// Sends the server a signal.
    pub fn signal(&self, signal: Signal) {
        let pid = self.process.as_ref().map(rustix::process::Pid::from_child);
        if let Some(pid) = pid {
            let _ = rustix::process::kill_process(pid, signal);
        }
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
        Self::with("redis-server".into(), None).await
    }

    /// As [`RedisServer::new`], of the server that is named, and with this `appendfsync`.
    pub async fn of(program: PathBuf, fsync: &'static str) -> Self {
        Self::with(program, Some(fsync)).await
    }

    async fn with(program: PathBuf, fsync: Option<&'static str>) -> Self {
        let folder = tempfile::Builder::new().prefix("sg-redis-").tempdir().expect("a folder for redis");
        let mut server = Self { program, folder, fsync, extra: Vec::new(), _port: None, process: None };
        server.start().await;
        server
    }

    /// Starts the server (again) on the same data, and waits until it answers.
    pub async fn start(&mut self) {
        let process = Command::new(&self.program)
            .args(["--port", "0", "--save", "", "--appendonly", if self.fsync.is_some() { "yes" } else { "no" }])
            .args(["--appendfsync", self.fsync.unwrap_or("no")])
            .args(["--maxmemory-policy", "noeviction", "--unixsocketperm", "700"])
            .args(&self.extra)
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

    /// Bytes of its append-only file.
    #[must_use]
    pub fn written(&self) -> u64 {
        self.append_only_file().metadata().expect("redis has an append-only file").len()
    }

    /// Makes a killed server forget what it wrote after so many bytes, as a machine without power does with what was not on
    /// its disk yet.
    pub fn forget_after(&self, written: u64) {
        assert!(self.process.is_none(), "a running server would write on behind the hole");
        let file = std::fs::File::options().write(true).open(self.append_only_file());
        file.and_then(|file| file.set_len(written)).expect("its file can be cut");
    }

    fn append_only_file(&self) -> PathBuf {
        let files = std::fs::read_dir(self.folder.path().join("appendonlydir")).expect("redis has an append-only file");
        let files = files.flatten().map(|file| file.path());
        files.filter(|path| path.to_string_lossy().ends_with(".incr.aof")).max().expect("what came since its start")
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

    /// The unix socket that it listens on.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
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
