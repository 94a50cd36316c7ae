//! How frames are packed: discord.com/developers/docs/topics/gateway#encoding-and-compression.

use std::io::Write as _;

use axum::extract::ws::Message;
use flate2::{Compress, Compression, FlushCompress, write::ZlibEncoder};

/// Below this, a payload is not worth packing; "not all payloads will be compressed".
const PACKED_MIN: usize = 1024;

/// One socket's way of packing.
#[derive(Debug)]
pub(crate) enum Packing {
    /// As text.
    Plain,
    /// `compress` of IDENTIFY: each large payload by itself.
    Payload,
    /// `compress=zlib-stream`: one stream over the socket's life.
    Stream(Box<Compress>),
}

impl Packing {
    /// By the query's `compress`; `None` for what the simulator does not speak (zstd-stream).
    pub(crate) fn of(compress: Option<&str>) -> Option<Self> {
        match compress {
            None => Some(Self::Plain),
            Some("zlib-stream") => Some(Self::Stream(Box::new(Compress::new(Compression::fast(), true)))),
            Some(_) => None,
        }
    }

    /// "Payload compression will be disabled if you use transport compression."
    pub(crate) fn compress_payloads(&mut self) {
        if matches!(self, Self::Plain) {
            *self = Self::Payload;
        }
    }

    pub(crate) fn pack(&mut self, text: &str) -> Message {
        match self {
            Self::Payload if text.len() >= PACKED_MIN => {
                let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
                encoder.write_all(text.as_bytes()).expect("a vector takes everything");
                Message::Binary(encoder.finish().expect("and has an end").into())
            }
            Self::Plain | Self::Payload => Message::Text(text.into()),
            Self::Stream(stream) => Message::Binary(flush(stream, text.as_bytes()).into()),
        }
    }
}

/// Ends with the four bytes of a sync flush, by which clients know that the message is whole.
fn flush(stream: &mut Compress, input: &[u8]) -> Vec<u8> {
    let mut packed = Vec::with_capacity(input.len() / 2 + 256);
    let begun = stream.total_in();
    loop {
        let taken = (stream.total_in() - begun) as usize;
        stream.compress_vec(&input[taken..], &mut packed, FlushCompress::Sync).expect("a stream that is not finished");
        let is_taken = (stream.total_in() - begun) as usize == input.len();
        // Room that is left says that the flush is out.
        if is_taken && packed.len() < packed.capacity() {
            return packed;
        }
        packed.reserve(1024);
    }
}
