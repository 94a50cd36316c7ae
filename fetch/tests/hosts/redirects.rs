//! Where a host may lead.

use fetch::{Error, Request};

use crate::{
    Names, fetch, fetcher, policy,
    server::{Server, answer, ok, redirect},
};

/// A server whose every path leads elsewhere, but `/end`.
async fn leading_to(location: impl Fn(&str) -> String + Send + Sync + 'static) -> Server {
    Server::new(move |head| match head.split(' ').nth(1) {
        Some("/end") => ok("the end"),
        Some(path) => redirect(&location(path)),
        None => answer("400 Bad Request", &[], ""),
    })
    .await
}

#[tokio::test]
async fn a_redirect_is_followed() {
    let server = leading_to(|path| if path == "/a" { "/b".into() } else { "end".into() }).await;
    let fetched = fetch(policy(&["files.example"]), &server.url("files.example", "/a")).await.unwrap();
    assert_eq!(&fetched.data[..], b"the end");
    assert_eq!(server.requests().len(), 3);
}

#[tokio::test]
async fn a_redirect_to_what_is_private_is_not() {
    let inner = Server::new(|_| ok("secret")).await;
    let port = inner.address().port();
    for host in ["127.0.0.1", "[::ffff:127.0.0.1]", "2130706433", "other.example", "169.254.169.254"] {
        let server = leading_to(move |_| format!("http://{host}:{port}/?key=s3cret")).await;
        // The name is listed, its address is not.
        let error = fetch(policy(&["files.example"]), &server.url("files.example", "/")).await.unwrap_err();
        assert!(matches!(error, Error::Private { .. }), "{host}: {error}");
        assert_eq!(server.requests().len(), 1);
    }
    assert_eq!(inner.requests(), [""; 0]);
}

#[tokio::test]
async fn redirects_end() {
    let server = leading_to(|path| format!("{path}x")).await;
    let error = fetch(policy(&["files.example"]), &server.url("files.example", "/")).await.unwrap_err();
    assert_eq!(error.to_string(), "`files.example` redirects once more after 3 redirects");
    assert_eq!(server.requests().len(), 4);
}

#[tokio::test]
async fn a_redirect_that_leads_to_no_address_is_told() {
    for (location, why) in
        [("ftp://files.example/", "neither https nor http"), ("http://a:b@c/", "in front of its host")]
    {
        let server = leading_to(|_| location.into()).await;
        let error = fetch(policy(&["files.example"]), &server.url("files.example", "/")).await.unwrap_err();
        assert!(error.to_string().contains(why), "{error}");
        assert_eq!(error.code(), "redirect");
    }
}

#[tokio::test]
async fn what_authorizes_stays_with_its_origin() {
    let other = Server::new(|_| ok("other")).await;
    let elsewhere = other.url("other.example", "/");
    let server = leading_to(move |path| if path == "/" { "/next".into() } else { elsewhere.clone() }).await;
    let local: &[&[&str]] = &[&["127.0.0.1"]];
    let names = Names::new(&[("files.example", local), ("other.example", local)]);
    let fetcher = fetcher(policy(&["127.0.0.1"]), names);
    let url = server.url("files.example", "/");
    fetcher.fetch(Request::new(&url).with_authorization("Bearer t0ken".into())).await.unwrap();
    let has_it = |head: &String| head.contains("Bearer t0ken");
    assert_eq!(server.requests().iter().filter(|head| has_it(head)).count(), 2);
    assert_eq!(other.requests().len(), 1);
    assert!(!other.requests().iter().any(has_it), "{:?}", other.requests());
}

#[tokio::test]
async fn a_status_is_told() {
    for (status, is_passing) in
        [("404 Not Found", false), ("503 Service Unavailable", true), ("304 Not Modified", false)]
    {
        let server = Server::new(move |_| answer(status, &["Content-Length: 0"], "")).await;
        let error = fetch(policy(&["files.example"]), &server.url("files.example", "/")).await.unwrap_err();
        assert_eq!(error.to_string(), format!("`files.example` answered with status {}", &status[..3]));
        assert_eq!(error.is_passing(), is_passing);
    }
}
