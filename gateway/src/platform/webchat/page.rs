//! The page's files, embedded in the binary.

use axum::{
    body::Bytes,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use rust_embed::{EmbeddedFile, RustEmbed};

#[derive(RustEmbed)]
#[folder = "src/platform/webchat/page"]
struct Files;

/// The page itself.
pub(super) const INDEX: &str = "index.html";

/// No script or style but our own files, nothing from elsewhere, no frame around the page.
pub(super) const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
    connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
    require-trusted-types-for 'script'; trusted-types dompurify";

/// A file of the page, or 404. Browsers ask every time and get 304 for what they have, so that an update shows at once.
pub(super) fn file(path: &str, headers: &HeaderMap) -> Response {
    let Some(EmbeddedFile { data, metadata }) = Files::get(path) else { return StatusCode::NOT_FOUND.into_response() };
    let tag: String = metadata.sha256_hash()[..16].iter().map(|byte| format!("{byte:02x}")).collect();
    let tag = format!("\"{tag}\"");
    let caching = [(header::ETAG, tag.clone()), (header::CACHE_CONTROL, "no-cache".into())];
    let is_known = headers.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes());
    if is_known {
        return (StatusCode::NOT_MODIFIED, caching).into_response();
    }
    let body = match data {
        std::borrow::Cow::Borrowed(bytes) => Bytes::from_static(bytes),
        std::borrow::Cow::Owned(bytes) => bytes.into(),
    };
    (caching, [(header::CONTENT_TYPE, kind(path))], body).into_response()
}

fn kind(path: &str) -> &'static str {
    match path.rsplit_once('.').map_or("", |(_, extension)| extension) {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_that_the_page_names_is_there() {
        let index = String::from_utf8(Files::get(INDEX).unwrap().data.into_owned()).unwrap();
        let named = index.split(['"', '\'']).filter_map(|part| part.strip_prefix("assets/"));
        let mut count = 0;
        for path in named {
            let path = path.split('#').next().unwrap();
            assert!(Files::get(path).is_some(), "{path}");
            count += 1;
        }
        assert!(count >= 2, "the page names a script and a style");
    }
}
