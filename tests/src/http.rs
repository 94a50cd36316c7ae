//! As much HTTP as tests need: one request, one response, one connection.

use std::{fmt::Write as _, io, net::SocketAddr};

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
};

/// A whole response.
#[derive(Debug, Clone, Default)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, as text.
    pub body: String,
}

impl Response {
    /// The first header of this name (in lower case).
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// What is asked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ask<'a> {
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    pub(crate) headers: &'a [(&'a str, &'a str)],
    pub(crate) body: &'a str,
}

/// A GET of `path`.
pub(crate) async fn get(address: SocketAddr, path: &str) -> io::Result<Response> {
    ask(address, Ask { method: "GET", path, headers: &[], body: "" }).await
}

/// Sends a request and reads the response to its end.
pub(crate) async fn ask(address: SocketAddr, ask: Ask<'_>) -> io::Result<Response> {
    let Ask { method, path, headers, body } = ask;
    let mut request = format!(
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Length: {}\r\n",
        body.len()
    );
    for (name, value) in headers {
        let _ = write!(request, "{name}: {value}\r\n");
    }
    request.push_str("\r\n");
    request.push_str(body);
    let mut stream = BufReader::new(TcpStream::connect(address).await?);
    stream.write_all(request.as_bytes()).await?;
    read(&mut stream).await
}

async fn read(stream: &mut BufReader<TcpStream>) -> io::Result<Response> {
    let status = line(stream).await?.split(' ').nth(1).and_then(|code| code.parse().ok());
    let mut response = Response { status: status.ok_or(io::ErrorKind::InvalidData)?, ..Response::default() };
    loop {
        let header = line(stream).await?;
        let Some((name, value)) = header.split_once(':') else { break };
        response.headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let mut body = Vec::new();
    if response.header("transfer-encoding") == Some("chunked") {
        loop {
            let length = usize::from_str_radix(&line(stream).await?, 16).map_err(io::Error::other)?;
            if length == 0 {
                break;
            }
            let start = body.len();
            body.resize(start + length, 0);
            stream.read_exact(&mut body[start..]).await?;
            line(stream).await?;
        }
    } else if let Some(length) = response.header("content-length").and_then(|length| length.parse().ok()) {
        body.resize(length, 0);
        stream.read_exact(&mut body).await?;
    } else {
        stream.read_to_end(&mut body).await?;
    }
    response.body = String::from_utf8_lossy(&body).into_owned();
    Ok(response)
}

async fn line(stream: &mut BufReader<TcpStream>) -> io::Result<String> {
    let mut line = String::new();
    if stream.read_line(&mut line).await? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(line.trim_end().to_owned())
}
