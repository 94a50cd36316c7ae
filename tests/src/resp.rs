//! As much of Redis' protocol as it takes to look into a server, or to put something wrong into it.

use std::{io, path::Path};

use futures_util::future::BoxFuture;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::UnixStream,
};

/// What Redis answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// Nothing there.
    Nil,
    /// A number.
    Number(i64),
    /// A string.
    Text(String),
    /// Bytes that are no text, and how they are shown.
    Bytes(Vec<u8>, String),
    /// Several replies.
    List(Vec<Reply>),
    /// Redis refused the command.
    Error(String),
}

impl Reply {
    /// The text of this reply; empty when it is none.
    #[must_use]
    pub fn text(&self) -> &str {
        match self {
            Self::Text(text) | Self::Bytes(_, text) => text,
            _ => "",
        }
    }

    /// The bytes of this reply; none when it is no string.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Bytes(bytes, _) => bytes,
            _ => &[],
        }
    }

    /// The number of this reply; 0 when it is none.
    #[must_use]
    pub fn number(&self) -> i64 {
        match self {
            Self::Number(number) => *number,
            _ => 0,
        }
    }

    /// The parts of this reply; none when it is no list.
    #[must_use]
    pub fn list(&self) -> &[Self] {
        match self {
            Self::List(list) => list,
            _ => &[],
        }
    }
}

/// A connection, for several commands in a row.
#[derive(Debug)]
pub struct RawConnection(BufReader<UnixStream>);

impl RawConnection {
    /// Connects to the server on this unix socket.
    ///
    /// # Errors
    /// When nobody listens there.
    pub async fn open(socket: &Path) -> io::Result<Self> {
        Ok(Self(BufReader::new(UnixStream::connect(socket).await?)))
    }

    /// Sends one command.
    ///
    /// # Errors
    /// When the connection breaks.
    pub async fn command(&mut self, parts: &[&[u8]]) -> io::Result<Reply> {
        send(&mut self.0, parts).await
    }

    /// Sends a command, or half of its bytes, and is gone. Returns when the server has done what it could read and has hung up.
    ///
    /// # Errors
    /// When the connection breaks before that.
    pub async fn leave(mut self, parts: &[&[u8]], is_whole: bool) -> io::Result<()> {
        let request = request(parts);
        let end = if is_whole { request.len() } else { request.len() / 2 };
        self.0.write_all(&request[..end]).await?;
        self.0.shutdown().await?;
        let mut unheard = Vec::new();
        self.0.read_to_end(&mut unheard).await?;
        Ok(())
    }

    /// What the server says next without being asked, as after `MONITOR`.
    ///
    /// # Errors
    /// When the connection breaks.
    pub async fn next(&mut self) -> io::Result<Reply> {
        read(&mut self.0).await
    }
}

/// Sends one command over a connection of its own.
pub(crate) async fn command(socket: &Path, parts: &[&[u8]]) -> io::Result<Reply> {
    RawConnection::open(socket).await?.command(parts).await
}

fn request(parts: &[&[u8]]) -> Vec<u8> {
    let mut request = format!("*{}\r\n", parts.len()).into_bytes();
    for part in parts {
        request.extend_from_slice(format!("${}\r\n", part.len()).as_bytes());
        request.extend_from_slice(part);
        request.extend_from_slice(b"\r\n");
    }
    request
}

async fn send(stream: &mut BufReader<UnixStream>, parts: &[&[u8]]) -> io::Result<Reply> {
    stream.write_all(&request(parts)).await?;
    read(stream).await
}

fn read(stream: &mut BufReader<UnixStream>) -> BoxFuture<'_, io::Result<Reply>> {
    Box::pin(async move {
        let mut line = String::new();
        stream.read_line(&mut line).await?;
        let (kind, rest) = line.trim_end().split_at_checked(1).ok_or(io::ErrorKind::UnexpectedEof)?;
        let number = || rest.parse::<i64>().map_err(io::Error::other);
        Ok(match kind {
            "+" => Reply::Text(rest.into()),
            "-" => Reply::Error(rest.into()),
            ":" => Reply::Number(number()?),
            "$" if number()? < 0 => Reply::Nil,
            "$" => {
                let mut bytes = vec![0; number()? as usize + 2];
                stream.read_exact(&mut bytes).await?;
                bytes.truncate(bytes.len() - 2);
                match String::from_utf8(bytes) {
                    Ok(text) => Reply::Text(text),
                    Err(error) => {
                        let shown = String::from_utf8_lossy(error.as_bytes()).into_owned();
                        Reply::Bytes(error.into_bytes(), shown)
                    }
                }
            }
            "*" if number()? < 0 => Reply::Nil,
            "*" => {
                let mut list = Vec::new();
                for _ in 0..number()? {
                    list.push(read(stream).await?);
                }
                Reply::List(list)
            }
            _ => return Err(io::ErrorKind::InvalidData.into()),
        })
    })
}
