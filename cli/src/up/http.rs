//! As much HTTP as it takes to ask a server on this machine one question.

use std::{io, net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

/// What is on this machine answers at once, or is not what we look for.
const PATIENCE: Duration = Duration::from_millis(300);
/// The longest answer that is read.
const ANSWER_MAX: u64 = 1024 * 1024;

/// A JSON object, and the status that it came with.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: serde_json::Value,
}

/// Asks for `path`. Nothing when nobody answers in time with a JSON object.
pub(super) async fn get(address: SocketAddr, path: &str) -> Option<Answer> {
    let bytes = timeout(PATIENCE, exchange(address, path)).await.ok()?.ok()?;
    read(std::str::from_utf8(&bytes).ok()?)
}

/// The plainest request there is, so that the answer is plain as well.
async fn exchange(address: SocketAddr, path: &str) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("GET {path} HTTP/1.0\r\nHost: {address}\r\nAccept: application/json\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.take(ANSWER_MAX).read_to_end(&mut answer).await?;
    Ok(answer)
}

fn read(answer: &str) -> Option<Answer> {
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    // Between the braces: a server that sends one piece with its length, although asked not to, is understood as well.
    let object = body.get(body.find('{')?..=body.rfind('}')?)?;
    Some(Answer { status, body: serde_json::from_str(object).ok()? })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Answer, read};

    #[test]
    fn objects_are_read_and_nothing_else() {
        let expected = Some(Answer { status: 503, body: json!({"a": {}}) });
        assert_eq!(read("HTTP/1.1 503 Unavailable\r\nX: y\r\n\r\n{\"a\":{}}"), expected);
        assert_eq!(read("HTTP/1.1 503 X\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n{\"a\":{}}\r\n0\r\n\r\n"), expected);
        for other in [
            "",
            "SSH-2.0-x",
            "HTTP/1.1 200 OK\r\n\r\n<!doctype html>",
            "HTTP/1.1 200 OK\r\n\r\n}{",
            "HTTP/1.1 x\r\n\r\n{}",
        ] {
            assert_eq!(read(other), None, "{other}");
        }
    }
}
