//! Discord over TLS, as it is everywhere but in tests: its API and its socket are trusted by the machine's certificates alone.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so at once")]

use std::{net::SocketAddr, sync::Arc};

use rustls::{
    ServerConfig,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};
use tests::{Answer, Pair, Process, Program, Settings, discord::Home};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    task::JoinSet,
};
use tokio_rustls::TlsAcceptor;

/// A TLS server in front of `behind`, and a file with the certificate that it shows.
struct Front {
    port: u16,
    certificate: tempfile::NamedTempFile,
    _serving: JoinSet<()>,
}

impl Front {
    async fn of(behind: SocketAddr) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let certificate = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(certificate.path(), made.cert.pem()).unwrap();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
        let config = ServerConfig::builder().with_no_client_auth();
        let acceptor =
            TlsAcceptor::from(Arc::new(config.with_single_cert(vec![made.cert.der().clone()], key).unwrap()));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let mut serving = JoinSet::new();
        serving.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                connections.spawn(async move {
                    // Who does not trust it leaves.
                    let Ok(mut shown) = acceptor.accept(stream).await else { return };
                    let mut behind = TcpStream::connect(behind).await.unwrap();
                    let _ = copy_bidirectional(&mut shown, &mut behind).await;
                });
            }
        });
        Self { port, certificate, _serving: serving }
    }

    fn settings(&self) -> Settings {
        [
            ("SG_PLATFORM__DISCORD__API_URL".to_owned(), format!("https://localhost:{}", self.port)),
            ("SG_PLATFORM__DISCORD__GATEWAY_URL".into(), format!("wss://localhost:{}", self.port)),
        ]
        .into()
    }
}

#[tokio::test]
async fn discord_is_reached_over_tls_where_the_machine_trusts_it() {
    let home = Home::new(1).await;
    let front = Front::of(home.server.address()).await;
    let mut settings = front.settings();
    settings.insert("SSL_CERT_FILE".into(), front.certificate.path().display().to_string());
    let pair = home.pair(settings).await;
    home.model.script(Answer::text("safely"));
    home.asks("hello?");
    home.hears(&["safely"]).await;
    assert_eq!(pair.dead_letters().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_discord_that_the_machine_does_not_trust_is_not_talked_to() {
    let home = Home::new(2).await;
    let (front, other) = (Front::of(home.server.address()).await, Front::of(home.server.address()).await);
    let redis = tests::RedisServer::new().await;
    let mut settings = Pair::settings_on(&redis);
    settings.extend(home.settings("discord", &home.bot));
    settings.extend(front.settings());
    settings.insert("SG_PLATFORM__WEBCHAT__ENABLED".into(), "false".into());
    settings.insert("SSL_CERT_FILE".into(), other.certificate.path().display().to_string());
    let gateway = Process::start(Program::Gateway, settings);
    let line = gateway.log().line("cannot reach https://localhost").await;
    assert!(line.contains("invalid peer certificate"), "{line}");
    assert_eq!(home.server.exchanges().len(), 0);
}
