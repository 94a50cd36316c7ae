//! What a host may send, and how slowly.

use std::time::Duration;

use fetch::{Error, Fetched, Policy};

use crate::{
    fetch, policy,
    server::{Server, Step, answer, ok},
};

/// So short that it runs out in a test.
const SHORT: Duration = Duration::from_millis(100);

async fn sent(policy: Policy, steps: Vec<Step>) -> Result<Fetched, Error> {
    let server = Server::new(move |_| steps.clone()).await;
    fetch(policy, &server.url("files.example", "/")).await
}

fn listed() -> Policy {
    policy(&["files.example"])
}

fn chunk(bytes: usize) -> Vec<u8> {
    format!("{bytes:x}\r\n{}\r\n", "x".repeat(bytes)).into_bytes()
}

#[tokio::test]
async fn a_body_may_be_as_long_as_is_taken_and_no_longer() {
    assert_eq!(sent(listed(), ok(&"x".repeat(1000))).await.unwrap().data.len(), 1000);
    assert_eq!(sent(listed(), ok("")).await.unwrap().data.len(), 0);
    let error = sent(listed(), ok(&"x".repeat(1001))).await.unwrap_err();
    assert_eq!(error.to_string(), "`files.example` sends more than 1000 bytes");
}

/// Nothing follows the head, so a reader of the body would wait.
#[tokio::test]
async fn a_length_that_is_too_large_is_refused_before_its_body() {
    let mut steps = answer("200 OK", &["Content-Length: 9223372036854775807"], "");
    steps.push(Step::Hang);
    assert!(matches!(sent(listed(), steps).await, Err(Error::TooLarge { .. })));
}

#[tokio::test]
async fn an_endless_body_is_cut() {
    for chunked in [true, false] {
        let headers: &[&str] = if chunked { &["Transfer-Encoding: chunked"] } else { &[] };
        let mut steps = answer("200 OK", headers, "");
        steps.push(Step::Repeat(if chunked { chunk(100) } else { vec![b'x'; 100] }));
        assert!(matches!(sent(listed(), steps).await, Err(Error::TooLarge { .. })));
    }
}

#[tokio::test]
async fn a_length_that_lies_is_found_out() {
    let short = sent(listed(), answer("200 OK", &["Content-Length: 10"], "four")).await.unwrap_err();
    assert!(matches!(short, Error::Broken { .. }) && short.is_passing(), "{short}");
    let long = sent(listed(), answer("200 OK", &["Content-Length: 4"], "four and more")).await.unwrap();
    assert_eq!(&long.data[..], b"four");
    let two = answer("200 OK", &["Content-Length: 4", "Content-Length: 13"], "four and more");
    assert!(matches!(sent(listed(), two).await, Err(Error::Unreachable { .. })));
    let torn = answer("200 OK", &["Transfer-Encoding: chunked"], "a\r\nfour");
    assert!(matches!(sent(listed(), torn).await, Err(Error::Broken { .. })));
}

#[tokio::test]
async fn what_is_compressed_all_the_same_is_refused() {
    let error = sent(listed(), answer("200 OK", &["Content-Encoding: gzip", "Content-Length: 1"], "x")).await;
    assert!(matches!(error, Err(Error::Compressed { .. })));
    let plain = answer("200 OK", &["Content-Encoding: identity", "Content-Length: 1"], "x");
    assert_eq!(&sent(listed(), plain).await.unwrap().data[..], b"x");
}

#[tokio::test]
async fn silence_ends_a_fetch() {
    let policy = || Policy { connect_timeout: SHORT, read_timeout: SHORT, ..listed() };
    let error = sent(policy(), vec![Step::Hang]).await.unwrap_err();
    assert_eq!(error.to_string(), "`files.example` did not answer within 200ms");
    let mut steps = answer("200 OK", &["Content-Length: 10"], "four");
    steps.push(Step::Hang);
    let error = sent(policy(), steps).await.unwrap_err();
    assert_eq!(error.to_string(), "`files.example` did not send anything more within 100ms");
}

#[tokio::test]
async fn so_does_a_body_that_takes_for_ever() {
    let mut steps = answer("200 OK", &["Transfer-Encoding: chunked"], "");
    steps.push(Step::Drip(chunk(1), SHORT / 10));
    let error = sent(Policy { total_timeout: SHORT, ..listed() }, steps).await.unwrap_err();
    assert_eq!(error.to_string(), "`files.example` did not send all of it within 100ms");
}

#[tokio::test]
async fn what_is_no_http_is_told() {
    let error = sent(listed(), vec![Step::Write(b"SSH-2.0-OpenSSH_9.9\r\n".to_vec())]).await.unwrap_err();
    assert!(matches!(error, Error::Unreachable { .. }), "{error}");
}
