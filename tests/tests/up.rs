//! `stargazer up`: the whole pair by one command, ended with it however it ends.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so at once")]

use std::{
    collections::BTreeMap,
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    os::unix::net::UnixStream,
    path::Path,
};

use rustix::process::{Pid, kill_process};
use tempfile::TempDir;
use tests::{FreePort, Process, Program, RedisServer, Settings, Signal, eventually, until};

/// What the last line of its first screen has in common, whether a model server was found or not.
const ALL_SAID: &str = "under [model] in stargazer.toml";

/// A data folder and a port for the page; several runs may follow each other on them.
struct Place {
    data: TempDir,
    page: FreePort,
}

impl Place {
    fn new() -> Self {
        Self { data: tempfile::Builder::new().prefix("sg-up-").tempdir().unwrap(), page: FreePort::new() }
    }

    fn settings(&self) -> Settings {
        let page = self.page.to_string();
        [("SG_WEBCHAT_ADDR", page.as_str()), ("SG_HEALTH_PORT", "0"), ("PATH", &search_path())]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into()
    }

    fn up(&self) -> Process {
        self.up_with(self.settings())
    }

    fn up_with(&self, settings: Settings) -> Process {
        let data = self.data.path().to_str().unwrap();
        Process::start_with(Program::Cli, &["up", "--data-dir", data], settings)
    }

    /// One that has said all it says at the start, and its children by name.
    async fn up_and_ready(&self) -> (Process, BTreeMap<String, i32>) {
        let up = self.up();
        up.log().line(ALL_SAID).await;
        let children = children(up.pid());
        let names: Vec<&str> = children.keys().map(String::as_str).collect();
        // The kernel keeps 15 letters of a name.
        assert_eq!(names, ["redis-server", "stargazer-gatew", "stargazer-infer"]);
        (up, children)
    }

    /// What the private Redis answers.
    fn redis(&self, command: &str) -> String {
        let mut stream = UnixStream::connect(self.data.path().join("run/redis.sock")).unwrap();
        write!(stream, "{command}\r\nQUIT\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer.strip_suffix("+OK\r\n").unwrap().to_owned()
    }

    /// The status line of the page's answer; nothing while it does not answer.
    fn page(&self) -> Option<String> {
        get(self.page.address()).ok().and_then(|answer| answer.lines().next().map(str::to_owned))
    }
}

fn get(address: SocketAddr) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address)?;
    write!(stream, "GET / HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

fn search_path() -> String {
    let path = std::env::vars().find(|(name, _)| name == "PATH");
    path.map(|(_, value)| value).unwrap_or_default()
}

/// Name, state and parent of a process.
fn process(id: i32) -> Option<(String, char, u32)> {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    let (head, rest) = stat.rsplit_once(") ")?;
    let name = head.split_once('(')?.1.to_owned();
    let mut rest = rest.split(' ');
    Some((name, rest.next()?.chars().next()?, rest.next()?.parse().ok()?))
}

/// One that has ended but that nobody has asked about yet is no longer alive.
fn is_alive(id: i32) -> bool {
    process(id).is_some_and(|(_, state, _)| state != 'Z')
}

fn children(parent: u32) -> BTreeMap<String, i32> {
    let ids =
        std::fs::read_dir("/proc").unwrap().flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    ids.filter_map(|id| {
        process(id).filter(|(_, state, of)| *of == parent && *state != 'Z').map(|(name, ..)| (name, id))
    })
    .collect()
}

fn kill9(id: i32) {
    kill_process(Pid::from_raw(id).unwrap(), Signal::KILL).unwrap();
}

#[tokio::test]
async fn the_pair_runs_and_what_dies_is_started_again() {
    let place = Place::new();
    let (up, before) = place.up_and_ready().await;
    assert_eq!(place.page().as_deref(), Some("HTTP/1.1 200 OK"));
    let log = up.log();
    assert!(!log.with(&format!("chat     http://{}", place.page)).is_empty(), "{:#?}", log.lines());
    assert_eq!(log.with("/metrics  (").len(), 2, "{:#?}", log.lines());

    kill9(before["stargazer-infer"]);
    log.line("worker was ended by signal 9").await;
    log.line("worker is back").await;
    kill9(before["stargazer-gatew"]);
    log.line("gateway was ended by signal 9").await;
    log.line("gateway is back").await;
    assert_eq!(place.page().as_deref(), Some("HTTP/1.1 200 OK"));
    kill9(before["redis-server"]);
    log.line("redis was ended by signal 9").await;
    log.line("redis is back").await;

    let after = children(up.pid());
    assert!(
        before.keys().eq(after.keys()) && before.iter().all(|(name, id)| after[name] != *id),
        "{before:?} {after:?}"
    );
}

#[tokio::test]
async fn nothing_outlives_it_when_it_is_killed() {
    let place = Place::new();
    let (mut up, children) = place.up_and_ready().await;
    assert_eq!(place.redis("SET kept yes"), "+OK\r\n");
    up.kill9();
    for (name, id) in children {
        until(&format!("{name} has ended"), || async { !is_alive(id) }).await;
    }
    // The folder is free again, and what is in it is used again.
    let _again = place.up_and_ready().await;
    assert_eq!(place.redis("GET kept"), "$3\r\nyes\r\n");
}

#[tokio::test]
async fn a_signal_ends_everything() {
    for signal in [Signal::INT, Signal::TERM] {
        let place = Place::new();
        let (mut up, children) = place.up_and_ready().await;
        up.signal(signal);
        assert_eq!(up.exit_code().await, 0);
        assert!(children.values().all(|id| !is_alive(*id)), "{children:?}");
        assert!(place.data.path().join("redis/appendonlydir").is_dir());
        // Redis goes last: the others had it to the end.
        assert_eq!(up.log().with("starting it again"), Vec::<String>::new());
    }
}

#[tokio::test]
async fn a_second_one_on_the_same_folder_is_told_who_has_it() {
    let place = Place::new();
    let (first, _) = place.up_and_ready().await;
    let mut second = place.up();
    assert_eq!(second.exit_code().await, 64);
    second.log().line(&format!("is held by the `stargazer up` with process id {}, running since ", first.pid())).await;
}

#[tokio::test]
async fn no_redis_server_is_said_with_the_step_that_installs_it() {
    let place = Place::new();
    let mut settings = place.settings();
    settings.insert("PATH".into(), place.data.path().display().to_string());
    let mut up = place.up_with(settings);
    assert_eq!(up.exit_code().await, 64);
    up.log().line("apt-get install redis-server").await;
}

#[tokio::test]
async fn a_redis_that_is_set_is_used() {
    let (place, redis) = (Place::new(), RedisServer::new().await);
    let mut settings = place.settings();
    settings.insert("SG_REDIS_URL".into(), redis.url());
    let up = place.up_with(settings);
    up.log().line(ALL_SAID).await;
    let names: Vec<String> = children(up.pid()).into_keys().collect();
    assert_eq!(names, ["stargazer-gatew", "stargazer-infer"]);
    assert_eq!(std::fs::read_dir(place.data.path()).unwrap().count(), 0, "the data folder is not touched");
}

#[tokio::test]
async fn bad_settings_are_all_said_and_nothing_is_started() {
    let place = Place::new();
    let mut settings = place.settings();
    settings.insert("SG_BUS__SHARDS".into(), "12".into());
    settings.insert("SG_LOG__FORMAT".into(), "xml".into());
    let mut up = place.up_with(settings);
    assert_eq!(up.exit_code().await, 64);
    let log = up.log();
    log.line("bus.shards: has to be a power of two").await;
    log.line("log.format: is `xml`").await;
}

#[tokio::test]
async fn a_busy_port_is_said_and_taken_once_it_is_free() {
    let place = Place::new();
    let busy = TcpListener::bind(place.page.address()).unwrap();
    let up = place.up();
    let line = up.log().line("not yet: gateway: webchat: ").await;
    assert!(line.contains(&place.page.to_string()), "{line}");
    drop(busy);
    eventually("the page answers", || async { place.page() }).await;
}

#[tokio::test]
async fn data_that_redis_cannot_read_are_left_alone_and_named() {
    let place = Place::new();
    let log = place.data.path().join("redis/appendonlydir");
    std::fs::create_dir_all(&log).unwrap();
    let manifest = log.join("appendonly.aof.manifest");
    std::fs::write(&manifest, "no manifest").unwrap();
    let mut up = place.up();
    assert_eq!(up.exit_code().await, 1);
    up.log().line("redis-check-aof").await;
    up.log().line("redis     | ").await;
    assert_eq!(std::fs::read_to_string(Path::new(&manifest)).unwrap(), "no manifest");
}
