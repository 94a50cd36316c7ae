//! One connection: a request is read, its answer is played, and whether the client stays is watched.

use std::{fmt::Write as _, io, sync::Arc};

use serde_json::json;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpStream, tcp::OwnedWriteHalf},
    sync::watch,
};

use super::{
    Answer, Desk, ModelServer,
    answer::{Framing, Step},
    request::{Ended, Request},
};

/// Serves one request, then closes.
pub(super) async fn serve(stream: TcpStream, desk: Arc<Desk>) {
    let _ = stream.set_nodelay(true);
    let (reader, mut writer) = stream.into_split();
    let mut reader = BufReader::new(reader);
    let Ok((path, request)) = read(&mut reader).await else { return };
    let (answer, told) = match path.as_str() {
        "/v1/chat/completions" => desk.admit(request),
        "/v1/models" => (Answer::status(200, &models()), watch::Sender::new(None)),
        _ => (Answer::status(404, &json!({ "error": { "message": "no such path" } })), watch::Sender::new(None)),
    };
    let ended = tokio::select! {
        // First: an answer that was sent to its end was served, also when the client hung up the moment it had it.
        biased;
        played = play(&mut writer, answer) => played.unwrap_or(Ended::ClientLeft),
        () = gone(&mut reader) => Ended::ClientLeft,
    };
    told.send_replace(Some(ended));
}

fn models() -> serde_json::Value {
    json!({ "object": "list", "data": [{ "id": ModelServer::MODEL, "object": "model" }] })
}

async fn read(reader: &mut (impl AsyncBufReadExt + Unpin)) -> io::Result<(String, Request)> {
    let path = line(reader).await?.split(' ').nth(1).unwrap_or_default().to_owned();
    let mut headers = Vec::new();
    loop {
        let header = line(reader).await?;
        let Some((name, value)) = header.split_once(':') else { break };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let length = headers.iter().find(|(name, _)| name == "content-length").and_then(|(_, length)| length.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body).await?;
    let body = serde_json::from_slice(&body).unwrap_or_default();
    Ok((path, Request { headers, body, ended: watch::Sender::new(None).subscribe() }))
}

async fn line(reader: &mut (impl AsyncBufReadExt + Unpin)) -> io::Result<String> {
    let mut line = String::new();
    if reader.read_line(&mut line).await? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(line.trim_end().to_owned())
}

/// Returns when the client closes: it has nothing more to say after its request.
async fn gone(reader: &mut (impl AsyncReadExt + Unpin)) {
    while reader.read(&mut [0; 64]).await.is_ok_and(|count| count > 0) {}
}

async fn play(writer: &mut OwnedWriteHalf, answer: Answer) -> io::Result<Ended> {
    let framing = answer.framing;
    if framing != Framing::Silent {
        writer.write_all(head(&answer).as_bytes()).await?;
    }
    for step in answer.steps {
        match step {
            Step::Send(bytes) => send(writer, framing, &bytes).await?,
            Step::Flood(bytes, times) => {
                for _ in 0..times {
                    send(writer, framing, &bytes).await?;
                }
            }
            Step::Wait(gate) => gate.pass().await,
            Step::Pause(time) => tokio::time::sleep(time).await,
            Step::Stall => std::future::pending().await,
            Step::Cut => return Ok(Ended::Cut),
        }
    }
    if matches!(framing, Framing::Chunked | Framing::Bytewise) {
        writer.write_all(b"0\r\n\r\n").await?;
    }
    Ok(Ended::Served)
}

fn head(answer: &Answer) -> String {
    let mut head = format!("HTTP/1.1 {} Scripted\r\nConnection: close\r\n", answer.status);
    for (name, value) in &answer.headers {
        let _ = write!(head, "{name}: {value}\r\n");
    }
    if answer.framing != Framing::UntilClose {
        head.push_str("Transfer-Encoding: chunked\r\n");
    }
    head.push_str("\r\n");
    head
}

async fn send(writer: &mut OwnedWriteHalf, framing: Framing, bytes: &[u8]) -> io::Result<()> {
    match framing {
        Framing::Chunked => writer.write_all(&framed(bytes)).await,
        Framing::Bytewise => {
            let framed: Vec<u8> = bytes.chunks(1).flat_map(framed).collect();
            writer.write_all(&framed).await
        }
        Framing::UntilClose => writer.write_all(bytes).await,
        Framing::Silent => Ok(()),
    }
}

/// One chunk of a chunked body.
fn framed(bytes: &[u8]) -> Vec<u8> {
    let mut chunk = format!("{:x}\r\n", bytes.len()).into_bytes();
    chunk.extend_from_slice(bytes);
    chunk.extend_from_slice(b"\r\n");
    chunk
}
