//! What a request brings: JSON, or JSON and files.

use axum::http::{HeaderMap, header::CONTENT_TYPE};
use bytes::Bytes;
use serde_json::Value;

use super::error::Failure;

/// "The file upload size limit applies to each file in a request", and is 10 MiB by default:
/// discord.com/developers/docs/reference#uploading-files.
pub(crate) const FILE_MAX: usize = 10 << 20;
/// All of a request; not documented beyond the size of a file, ten of which have to fit.
pub(crate) const REQUEST_MAX: usize = 101 << 20;

/// A file as it came.
#[derive(Debug, Clone)]
pub(crate) struct File {
    /// The n of `files[n]`.
    pub(crate) index: u64,
    pub(crate) filename: String,
    pub(crate) content_type: Option<String>,
    pub(crate) bytes: Bytes,
}

#[derive(Debug, Default)]
pub(crate) struct Body {
    pub(crate) json: Value,
    pub(crate) files: Vec<File>,
}

impl Body {
    /// Reads it by its Content-Type.
    pub(crate) async fn read(headers: &HeaderMap, bytes: Bytes) -> Result<Self, Failure> {
        let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        if let Ok(boundary) = multer::parse_boundary(kind) {
            return Self::read_parts(boundary, bytes).await;
        }
        if bytes.is_empty() {
            return Ok(Self::default());
        }
        let json = serde_json::from_slice(&bytes).map_err(|_| Failure::NOT_JSON)?;
        Ok(Self { json, files: Vec::new() })
    }

    /// `payload_json`, and any number of `files[n]`.
    async fn read_parts(boundary: String, bytes: Bytes) -> Result<Self, Failure> {
        let whole = futures_util::stream::once(async { Ok::<_, std::convert::Infallible>(bytes) });
        let mut parts = multer::Multipart::new(whole, boundary);
        let mut body = Self::default();
        while let Some(part) = parts.next_field().await.map_err(|_| Failure::NOT_JSON)? {
            let name = part.name().unwrap_or_default().to_owned();
            let (filename, kind) = (part.file_name().map(str::to_owned), part.content_type().map(ToString::to_string));
            let bytes = part.bytes().await.map_err(|_| Failure::NOT_JSON)?;
            if name == "payload_json" {
                body.json = serde_json::from_slice(&bytes).map_err(|_| Failure::NOT_JSON)?;
                continue;
            }
            let index = name.strip_prefix("files[").and_then(|rest| rest.strip_suffix(']')?.parse().ok());
            let (Some(index), Some(filename)) = (index, filename) else { continue };
            if bytes.len() > FILE_MAX {
                return Err(Failure::TOO_LARGE);
            }
            body.files.push(File { index, filename, content_type: kind, bytes });
        }
        Ok(body)
    }
}
