//! Replies that a real redis-server gave to the commands of the bus, in both protocols, and shapes that none should give.
//!
//! Ids and times are fixed, so the same server gives the same bytes.

use std::{
    env, fs,
    io::{self, BufRead, BufReader, Read, Write},
    os::unix::net::UnixStream,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use super::Inputs;

/// How long a server may take to answer for the first time.
const START: Duration = Duration::from_secs(10);

/// What is in the streams. A payload may hold any bytes, a line's end among them.
const SETUP: [&str; 8] = [
    "XADD s 5-1 data first ts 1700000000000 trace_id t1",
    r#"XADD s 5-2 data "\x83\r\n\x00\xff" ts 1700000000001 trace_id t2 more x"#,
    "XADD s 6-0 other y",
    "XADD s 7-0 data gone",
    r#"XADD r 18446744073709551615-18446744073709551615 data "" data twice ts soon"#,
    "XGROUP CREATE s g 0",
    "XGROUP CREATE r g 0",
    "XGROUP CREATE e g 0 MKSTREAM",
];

/// What the bus asks, in an order in which each has something to find.
const COMMANDS: [(&str, &str); 13] = [
    ("xrange", "XRANGE s - +"),
    ("xrange-empty", "XRANGE none - +"),
    ("xrevrange", "XREVRANGE s + - COUNT 2"),
    ("xread", "XREAD COUNT 1 STREAMS s 0"),
    ("xreadgroup", "XREADGROUP GROUP g a COUNT 10 STREAMS s r e > > >"),
    ("xreadgroup-nothing-new", "XREADGROUP GROUP g a COUNT 10 STREAMS s r e > > >"),
    ("deleted", "XDEL s 7-0"),
    ("xreadgroup-own-pending", "XREADGROUP GROUP g a COUNT 10 STREAMS s 0"),
    ("xautoclaim-page", "XAUTOCLAIM s g b 0 0-0 COUNT 2"),
    ("xautoclaim-gone", "XAUTOCLAIM s g b 0 0-0 COUNT 10"),
    ("xautoclaim-empty", "XAUTOCLAIM e g b 0 0-0 COUNT 10"),
    ("no-group", "XREADGROUP GROUP none a STREAMS s >"),
    ("xinfo-groups", "XINFO GROUPS e"),
];

/// Replies of the server, and those made by hand.
pub(super) fn all() -> io::Result<Inputs> {
    let mut inputs = Inputs::new();
    for protocol in ["2", "3"] {
        let server = Server::start()?;
        let mut client = server.connect()?;
        client.ask(&format!("HELLO {protocol}"))?;
        for command in SETUP {
            client.ask(command)?;
        }
        for (name, command) in COMMANDS {
            inputs.push((format!("resp{protocol}-{name}"), client.ask(command)?));
        }
    }
    inputs.extend(by_hand().map(|(name, bytes)| (name.to_owned(), bytes)));
    Ok(inputs)
}

fn by_hand() -> [(&'static str, Vec<u8>); 17] {
    let range = |entry: &str| format!("*1\r\n{entry}").into_bytes();
    let fields = |fields: &str| range(&format!("*2\r\n$3\r\n5-1\r\n{fields}"));
    [
        ("edge-attributes", b"|1\r\n+ttl\r\n:3600\r\n%1\r\n$1\r\ns\r\n|1\r\n+a\r\n+b\r\n*0\r\n".to_vec()),
        ("edge-attribute-on-entry", range("|1\r\n+a\r\n:1\r\n*2\r\n$3\r\n5-1\r\n*0\r\n")),
        ("edge-push", b">2\r\n+message\r\n*0\r\n".to_vec()),
        ("edge-verbatim", fields("*2\r\n$4\r\ndata\r\n=8\r\ntxt:body\r\n")),
        ("edge-double", fields("*2\r\n$2\r\nts\r\n,1.7e12\r\n")),
        ("edge-simple-texts", range("*2\r\n+5-1\r\n*4\r\n+data\r\n+OK\r\n+ts\r\n+7\r\n")),
        ("edge-odd-fields", fields("*3\r\n$4\r\ndata\r\n$1\r\nx\r\n$2\r\nts\r\n")),
        ("edge-nil-entry", b"*3\r\n$-1\r\n*-1\r\n_\r\n".to_vec()),
        ("edge-nil-fields", fields("*-1\r\n")),
        ("edge-fields-in-a-map", fields("%1\r\n$4\r\ndata\r\n$1\r\nx\r\n")),
        ("edge-id-not-utf8", b"*1\r\n*2\r\n$3\r\n\xff-1\r\n*0\r\n".to_vec()),
        ("edge-id-too-large", range("*2\r\n$22\r\n18446744073709551616-0\r\n*0\r\n")),
        ("edge-deepest", [b"*1\r\n".repeat(100), b"*0\r\n".to_vec()].concat()),
        ("edge-false-counts", b"*4294967295\r\n".repeat(40)),
        ("edge-false-length", b"*1\r\n$9223372036854775807\r\nx".to_vec()),
        ("edge-negative-length", b"=-1\r\n".to_vec()),
        ("edge-longer-pairs", range("*4\r\n$3\r\n5-1\r\n*2\r\n$4\r\ndata\r\n$1\r\nx\r\n:5\r\n:1\r\n")),
    ]
}

/// A redis-server of our own on a unix socket, ended with this value.
struct Server {
    process: Child,
    folder: PathBuf,
}

impl Server {
    fn start() -> io::Result<Self> {
        let folder = env::temp_dir().join(format!("stargazer-seeds-{}", std::process::id()));
        fs::create_dir_all(&folder)?;
        let process = Command::new("redis-server")
            .args(["--port", "0", "--save", "", "--appendonly", "no", "--unixsocket", "redis.sock", "--dir"])
            .arg(&folder)
            .stdout(Stdio::null())
            .spawn()
            .map_err(|error| io::Error::other(format!("redis-server did not start: {error}; install it")))?;
        Ok(Self { process, folder })
    }

    fn connect(&self) -> io::Result<Client> {
        let began = Instant::now();
        loop {
            match UnixStream::connect(self.folder.join("redis.sock")) {
                Ok(stream) => return Ok(Client { stream: BufReader::new(stream) }),
                Err(error) if began.elapsed() > START => return Err(error),
                Err(_) => std::thread::yield_now(),
            }
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        _ = self.process.kill();
        _ = self.process.wait();
        _ = fs::remove_dir_all(&self.folder);
    }
}

struct Client {
    stream: BufReader<UnixStream>,
}

impl Client {
    /// The bytes of the reply to a command, as a person would type it.
    fn ask(&mut self, command: &str) -> io::Result<Vec<u8>> {
        self.stream.get_mut().write_all(format!("{command}\r\n").as_bytes())?;
        let mut reply = Vec::new();
        // Elements that are still to come.
        let mut open = 1_usize;
        while open > 0 {
            open -= 1;
            let at = reply.len();
            self.stream.read_until(b'\n', &mut reply)?;
            let line = std::str::from_utf8(&reply[at..]).map_err(io::Error::other)?.trim_end();
            let (kind, count) = line.split_at_checked(1).ok_or(io::ErrorKind::UnexpectedEof)?;
            match (kind, count.parse::<usize>()) {
                ("*" | "~", Ok(count)) => open += count,
                ("%", Ok(count)) => open += 2 * count,
                ("$", Ok(count)) => {
                    let at = reply.len();
                    reply.resize(at + count + 2, 0);
                    self.stream.read_exact(&mut reply[at..])?;
                }
                _ => {}
            }
        }
        Ok(reply)
    }
}
