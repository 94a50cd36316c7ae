//! Which addresses are connected to, whatever names say.

use std::net::{Ipv4Addr, SocketAddr};

use fetch::{Error, Request};
use tokio::net::TcpSocket;

use crate::{
    Names, fetch, fetcher, policy,
    server::{Server, ok},
};

#[tokio::test]
async fn a_listed_host_is_fetched_from() {
    let server = Server::new(|_| ok("hello")).await;
    for (allow, host) in
        [("files.example", "files.example"), ("127.0.0.0/8", "files.example"), ("127.0.0.1", "127.0.0.1")]
    {
        let fetched = fetch(policy(&[allow]), &server.url(host, "/a?b#c")).await.unwrap();
        assert_eq!((&fetched.data[..], fetched.mimetype.as_deref()), (&b"hello"[..], Some("text/plain")));
    }
    let head = &server.requests()[0];
    assert!(head.starts_with("GET /a?b HTTP/1.1\r\n"), "{head}");
    let head = head.to_ascii_lowercase();
    assert!(head.contains("accept-encoding: identity\r\n"), "{head}");
    assert!(!head.contains("referer") && !head.contains("cookie") && !head.contains("authorization"), "{head}");
}

#[tokio::test]
async fn a_private_address_is_not_connected_to_in_any_form() {
    let server = Server::new(|_| ok("secret")).await;
    let forms =
        ["files.example", "127.0.0.1", "2130706433", "0x7f.1", "017700000001", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]"];
    for host in forms {
        let error =
            fetch(policy(&["10.0.0.0/8", "other.example"]), &server.url(host, "/?key=s3cret")).await.unwrap_err();
        assert!(matches!(error, Error::Private { .. }), "{host}: {error}");
        assert!(error.to_string().contains("media.allow") && !error.to_string().contains("s3cret"), "{error}");
    }
    assert_eq!(server.requests(), [""; 0]);
}

/// The name leads to a listed address first, and to another one as soon as it was checked.
#[tokio::test]
async fn a_name_that_changes_its_mind_gains_nothing() {
    let listed = Server::new(|_| ok("listed")).await;
    let trap = Server::on(SocketAddr::new(Ipv4Addr::new(127, 0, 0, 2).into(), listed.address().port()), |_| ok("trap"));
    let trap = trap.await;
    let names = Names::new(&[("rebind.example", &[&["127.0.0.1"], &["127.0.0.2"]])]);
    let fetcher = fetcher(policy(&["127.0.0.1"]), names);
    let url = listed.url("rebind.example", "/");
    assert_eq!(&fetcher.fetch(Request::new(&url)).await.unwrap().data[..], b"listed");
    let error = fetcher.fetch(Request::new(&url)).await.unwrap_err();
    assert!(matches!(&error, Error::Private { address, .. } if *address == Ipv4Addr::new(127, 0, 0, 2)), "{error}");
    assert_eq!(trap.requests(), [""; 0]);
}

#[tokio::test]
async fn a_name_that_is_here_and_there_is_refused() {
    let server = Server::new(|_| ok("secret")).await;
    for answer in [["8.8.8.8", "127.0.0.1"], ["127.0.0.1", "8.8.8.8"], ["2606:4700::1111", "::ffff:127.0.0.1"]] {
        let names = Names::new(&[("both.example", &[&answer])]);
        let url = server.url("both.example", "/");
        let error = fetcher(policy(&[]), names).fetch(Request::new(&url)).await.unwrap_err();
        assert!(matches!(error, Error::Private { .. }), "{answer:?}: {error}");
    }
    assert_eq!(server.requests(), [""; 0]);
}

#[tokio::test]
async fn a_host_that_is_nowhere_is_named() {
    let none = fetch(policy(&[]), "http://gone.example/x?key=s3cret").await.unwrap_err();
    assert_eq!(none.to_string(), "`gone.example` cannot be found: no such host");
    let names = Names::new(&[("empty.example", &[&[]])]);
    let empty = fetcher(policy(&[]), names).fetch(Request::new("http://empty.example/")).await.unwrap_err();
    assert!(matches!(empty, Error::Unresolved { .. }) && empty.is_passing(), "{empty}");
}

#[tokio::test]
async fn a_closed_port_is_told_without_the_path() {
    // Bound and not listened at: nobody else gets it, and nobody answers.
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
    let address = socket.local_addr().unwrap();
    let error = fetch(policy(&["127.0.0.1"]), &format!("http://{address}/path?key=s3cret")).await.unwrap_err();
    assert!(matches!(error, Error::Unreachable { .. }) && error.is_passing(), "{error}");
    let text = error.to_string();
    assert!(text.starts_with("`127.0.0.1` cannot be reached: ") && !text.contains("path"), "{text}");
}
