//! Learning that a program is ready.

use std::{io, path::Path, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{UnixDatagram, UnixStream},
};

use super::program::Readiness;

/// Between two questions to a server that does not tell by itself.
const ASK_EVERY: Duration = Duration::from_millis(10);
/// The longest message of a daemon that is read.
const MESSAGE_MAX: usize = 4096;

/// Waits for one run of a program to be ready. Made before the program is started, so that nothing it says is missed.
#[derive(Debug)]
pub(super) enum Waiting {
    Notified(UnixDatagram),
    Asking(std::path::PathBuf),
}

impl Waiting {
    pub(super) fn new(readiness: &Readiness) -> io::Result<Self> {
        match readiness {
            Readiness::AnswersPing(socket) => Ok(Self::Asking(socket.clone())),
            Readiness::Notifies(socket) => match std::fs::remove_file(socket) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
                _ => UnixDatagram::bind(socket).map(Self::Notified),
            },
        }
    }

    /// What the program says of itself once it is ready. May be dropped and called again.
    pub(super) async fn ready(&self) -> String {
        match self {
            Self::Asking(socket) => {
                while !answers_ping(socket).await.unwrap_or(false) {
                    tokio::time::sleep(ASK_EVERY).await;
                }
                String::new()
            }
            Self::Notified(socket) => loop {
                let mut message = vec![0; MESSAGE_MAX];
                let Ok(length) = socket.recv(&mut message).await else { std::future::pending().await };
                if let Some(status) = status(&String::from_utf8_lossy(&message[..length])) {
                    return status;
                }
            },
        }
    }
}

/// The status line of a message that says READY=1.
fn status(message: &str) -> Option<String> {
    let mut lines = message.lines();
    lines.clone().find(|line| *line == "READY=1")?;
    Some(lines.find_map(|line| line.strip_prefix("STATUS=")).unwrap_or_default().to_owned())
}

/// A server that still reads its data answers with an error.
async fn answers_ping(socket: &Path) -> io::Result<bool> {
    let mut stream = UnixStream::connect(socket).await?;
    stream.write_all(b"PING\r\n").await?;
    let mut answer = [0; 5];
    stream.read_exact(&mut answer).await?;
    Ok(&answer == b"+PONG")
}

#[cfg(test)]
mod tests {
    use super::status;

    #[test]
    fn a_status_counts_when_the_program_is_ready() {
        assert_eq!(status("READY=1\nSTATUS=a b, c d\n").as_deref(), Some("a b, c d"));
        assert_eq!(status("STATUS=later\nREADY=1").as_deref(), Some("later"));
        assert_eq!(status("READY=1").as_deref(), Some(""));
        assert_eq!(status("STOPPING=1\nSTATUS=x"), None);
    }
}
