//! Frames on a socket to Discord's gateway: <https://discord.com/developers/docs/events/gateway#gateway-events>.

use std::{io::Read, time::Duration};

use flate2::read::ZlibDecoder;
use futures_util::{SinkExt, StreamExt};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async_with_config,
    tungstenite::{Message, protocol::WebSocketConfig},
};

/// How long a socket may take to open, and a frame to be written.
const OPEN_WITHIN: Duration = Duration::from_secs(10);
const SEND_WITHIN: Duration = Duration::from_secs(5);
/// The longest frame, packed or not. The guild with the most channels and members that Discord allows is a tenth of it.
const FRAME_MAX: usize = 64 << 20;

/// A payload.
#[derive(Debug, Deserialize)]
pub(super) struct Frame {
    pub(super) op: u64,
    #[serde(default)]
    pub(super) s: Option<u64>,
    #[serde(default)]
    pub(super) t: Option<String>,
    #[serde(default)]
    pub(super) d: Value,
}

/// What came.
#[derive(Debug)]
pub(super) enum Came {
    Frame(Frame),
    /// The socket has ended, with Discord's code where it said one.
    Closed(Option<u16>),
}

/// An open socket. Dropping it ends it without a farewell.
pub(super) struct Wire(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Wire {
    /// Opens one.
    pub(super) async fn open(url: &str) -> Result<Self, String> {
        let address = format!("{}/?v=10&encoding=json", url.trim_end_matches('/'));
        let config = WebSocketConfig::default().max_message_size(Some(FRAME_MAX)).max_frame_size(Some(FRAME_MAX));
        match timeout(OPEN_WITHIN, connect_async_with_config(address, Some(config), true)).await {
            Ok(Ok((socket, _))) => Ok(Self(socket)),
            Ok(Err(error)) => Err(format!("no connection to {url}: {error}")),
            Err(_) => Err(format!("no connection to {url} within {OPEN_WITHIN:?}")),
        }
    }

    /// The next payload. May be dropped at any time.
    pub(super) async fn next(&mut self) -> Came {
        loop {
            let frame = match self.0.next().await {
                Some(Ok(Message::Text(text))) => serde_json::from_str(&text),
                Some(Ok(Message::Binary(packed))) => unpack(&packed),
                Some(Ok(Message::Close(frame))) => return Came::Closed(frame.map(|frame| frame.code.into())),
                Some(Ok(_)) => continue,
                Some(Err(error)) => {
                    tracing::debug!(%error, "discord's gateway");
                    return Came::Closed(None);
                }
                None => return Came::Closed(None),
            };
            match frame {
                Ok(frame) => return Came::Frame(frame),
                // Nothing that Discord says, and nothing that the next one depends on.
                Err(error) => {
                    metrics::counter!("stargazer_discord_frames_unreadable_total").increment(1);
                    tracing::warn!(%error, "a frame of discord's gateway cannot be read");
                }
            }
        }
    }

    /// Sends a payload.
    pub(super) async fn send(&mut self, op: u64, data: &Value) -> Result<(), String> {
        let frame = json!({ "op": op, "d": data }).to_string();
        match timeout(SEND_WITHIN, self.0.send(Message::text(frame))).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err(format!("nothing could be sent for {SEND_WITHIN:?}")),
        }
    }
}

/// A packed frame, which may be no longer than a plain one.
fn unpack(packed: &[u8]) -> serde_json::Result<Frame> {
    let mut text = Vec::with_capacity(packed.len().saturating_mul(4).min(FRAME_MAX));
    ZlibDecoder::new(packed).take(FRAME_MAX as u64).read_to_end(&mut text).map_err(serde_json::Error::io)?;
    serde_json::from_slice(&text)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{Compression, write::ZlibEncoder};

    use super::*;

    fn packed(text: &[u8]) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn a_packed_frame_is_read_and_a_bomb_is_not() {
        let frame = unpack(&packed(br#"{"op":0,"s":7,"t":"READY","d":{"v":10}}"#)).unwrap();
        assert_eq!(
            (frame.op, frame.s, frame.t.as_deref(), frame.d["v"].as_u64()),
            (0, Some(7), Some("READY"), Some(10))
        );
        assert_eq!(unpack(&packed(br#"{"op":11}"#)).unwrap().op, 11);
        assert!(unpack(b"no zlib").is_err() && unpack(&packed(b"{")).is_err());
        assert!(unpack(&packed(&vec![b' '; FRAME_MAX + 10])).is_err());
    }
}
