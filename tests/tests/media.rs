//! Files beside the streams, with a real Redis and a real server of files: what comes under a key, and why it does not.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so at once")]

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bus::{Bus, MediaKey, Shards};
use bytes::Bytes;
use codec::{MediaRecord, MediaRecordView};
use futures_util::FutureExt;
use gateway::media::{Digest, Error, Fetching, Media, Place, Wanted};
use service::{Settings, Source};
use tests::{RedisServer, eventually, within};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

/// Longer than any test waits.
const LONG: Duration = Duration::from_secs(60);

/// A server of files: `/file` has one, `/hang` never answers, everything else is not there.
struct Files {
    address: SocketAddr,
    asked: Arc<AtomicUsize>,
    _serving: JoinSet<()>,
}

impl Files {
    async fn new(file: &[u8]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, asked) = (listener.local_addr().unwrap(), Arc::<AtomicUsize>::default());
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", file.len());
        let found = [head.as_bytes(), file].concat();
        let mut serving = JoinSet::new();
        let count = Arc::clone(&asked);
        serving.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((mut stream, _)) = listener.accept().await {
                let found = found.clone();
                count.fetch_add(1, Ordering::SeqCst);
                connections.spawn(async move {
                    let mut head = Vec::new();
                    while !head.ends_with(b"\r\n\r\n") {
                        let Ok(byte) = stream.read_u8().await else { return };
                        head.push(byte);
                    }
                    let answer = match &head[..9] {
                        b"GET /file" => found,
                        b"GET /hang" => std::future::pending().await,
                        _ => b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_vec(),
                    };
                    let _ = stream.write_all(&answer).await;
                });
            }
        });
        Self { address, asked, _serving: serving }
    }

    fn wanted(&self, index: usize, path: &str) -> Wanted {
        Wanted { place: place(index), url: format!("http://{}{path}?key=s3cret", self.address), ..wanted(index) }
    }
}

fn place(index: usize) -> Place {
    Place { channel_key: "discord:1481584275697508354".into(), event_id: "discord:1".into(), index }
}

fn wanted(index: usize) -> Wanted {
    Wanted { place: place(index), url: String::new(), mimetype: "text/plain".into(), size: 0, sha256: None }
}

async fn open(bus: &Bus, settings: &[(&str, &str)]) -> (Media, Fetching) {
    let all = [("SG_MEDIA__ALLOW", "127.0.0.1")];
    let all: BTreeMap<String, String> =
        all.iter().chain(settings).map(|(name, value)| ((*name).into(), (*value).into())).collect();
    let settings = Settings::read(Source::new(None, &all)).unwrap();
    Media::open(bus.clone(), &settings.media).await.unwrap()
}

/// The record under a key, once it is there.
async fn record(bus: &Bus, key: &MediaKey) -> MediaRecord {
    let store = bus::Media::new(bus.clone());
    let bytes = eventually("a record stands under the key", || async { store.get(key, 1 << 20).await.unwrap() }).await;
    MediaRecordView::decode(&bytes).unwrap().into_owned()
}

#[tokio::test]
async fn a_file_is_fetched_on_receipt_and_once() {
    let (redis, files) = (RedisServer::new().await, Files::new(b"E0425\n").await);
    let bus = redis.bus(Shards::DEFAULT).await;
    let folder = tempfile::tempdir().unwrap();
    let (media, fetching) = open(&bus, &[("SG_MEDIA__FOLDER", folder.path().to_str().unwrap())]).await;
    let mut tasks = JoinSet::new();
    tasks.spawn(fetching.run(CancellationToken::new(), LONG));

    let key = media.inbound(files.wanted(0, "/file")).unwrap();
    assert_eq!(key, MediaKey::read(key.as_str()).unwrap());
    let digest = Digest::of(b"E0425\n");
    let expected = MediaRecord {
        mimetype: "text/plain".into(),
        size: 6,
        sha256: Some(digest.to_string()),
        data: Bytes::from_static(b"E0425\n"),
        ..MediaRecord::default()
    };
    assert_eq!(record(&bus, &key).await, expected);
    let life = redis.command(["PTTL", key.as_str()]).await.number();
    assert!((1..=3_600_000).contains(&life), "{life} ms");

    let again = media.inbound(Wanted { sha256: Some(digest), ..files.wanted(1, "/file") }).unwrap();
    assert_ne!(again, key);
    assert_eq!(record(&bus, &again).await, expected);
    assert_eq!(files.asked.load(Ordering::SeqCst), 1);
    assert!(folder.path().join(digest.to_string()).is_file());
}

#[tokio::test]
async fn why_a_file_did_not_come_is_told() {
    let (redis, files) = (RedisServer::new().await, Files::new(b"E0425\n").await);
    let bus = redis.bus(Shards::DEFAULT).await;
    let (media, fetching) = open(&bus, &[("SG_MEDIA__FILE_BYTES_MAX", "5 B")]).await;
    let mut tasks = JoinSet::new();
    tasks.spawn(fetching.run(CancellationToken::new(), LONG));

    let inner = format!("http://127.0.0.2:{}/file?key=s3cret", files.address.port());
    for (wanted, code, detail) in [
        (files.wanted(0, "/gone"), "status", "`127.0.0.1` answered with status 404"),
        (files.wanted(1, "/file"), "too_large", "`127.0.0.1` sends more than 5 bytes"),
        (Wanted { size: 6, ..files.wanted(2, "/file") }, "too_large", "(media.file_bytes_max)"),
        (Wanted { url: inner, ..wanted(3) }, "private", "media.allow"),
        (Wanted { url: "file:///etc/passwd".into(), ..wanted(4) }, "address", "neither https nor http"),
    ] {
        let key = media.inbound(wanted).unwrap();
        let record = record(&bus, &key).await;
        assert_eq!((record.error.as_deref(), &record.data[..]), (Some(code), &b""[..]));
        assert!(record.detail.contains(detail) && !record.detail.contains("s3cret"), "{}", record.detail);
        let error = media.outbound(key.as_str()).await.unwrap_err();
        assert!(matches!(&error, Error::Failed { code: told, .. } if told == code), "{error}");
    }
    assert_eq!(files.asked.load(Ordering::SeqCst), 2, "the first two");
}

#[tokio::test]
async fn a_file_that_is_another_one_is_refused() {
    let (redis, files) = (RedisServer::new().await, Files::new(b"E0425\n").await);
    let bus = redis.bus(Shards::new(1).unwrap()).await;
    let (media, fetching) = open(&bus, &[]).await;
    let mut tasks = JoinSet::new();
    tasks.spawn(fetching.run(CancellationToken::new(), LONG));
    let sha256 = Some(Digest::of(b"something else"));
    let key = media.inbound(Wanted { sha256, ..files.wanted(0, "/file") }).unwrap();
    assert_eq!(record(&bus, &key).await.error.as_deref(), Some("mismatch"));
}

#[tokio::test]
async fn what_is_put_in_an_hour_has_a_bound() {
    let (redis, files) = (RedisServer::new().await, Files::new(&[b'x'; 1500]).await);
    let bus = redis.bus(Shards::DEFAULT).await;
    let bounds = [("SG_MEDIA__INBOUND_BYTES_MAX", "4 KiB"), ("SG_MEDIA__FILE_BYTES_MAX", "2 KiB")];
    let (media, fetching) = open(&bus, &bounds).await;
    let mut tasks = JoinSet::new();
    tasks.spawn(fetching.run(CancellationToken::new(), LONG));
    for (index, error) in [None, None, Some("no_room")].into_iter().enumerate() {
        let key = media.inbound(files.wanted(index, "/file")).unwrap();
        assert_eq!(record(&bus, &key).await.error.as_deref(), error);
    }
    let upload = media.upload(&place(9), "text/plain", Bytes::from(vec![b'x'; 1500])).await;
    assert!(matches!(upload, Err(Error::NoRoom { max: 4096 })));
    let upload = media.upload(&place(9), "text/plain", Bytes::from(vec![b'x'; 3000])).await;
    assert!(matches!(upload, Err(Error::TooLarge { size: 3000, max: 2048 })));
}

#[tokio::test]
async fn more_than_can_wait_is_refused_at_once() {
    let (redis, files) = (RedisServer::new().await, Files::new(b"").await);
    let bus = redis.bus(Shards::DEFAULT).await;
    let (media, _fetching) = open(&bus, &[("SG_MEDIA__QUEUE_ENTRIES", "2")]).await;
    let taken = [0, 1, 2].map(|index| media.inbound(files.wanted(index, "/file")).is_some());
    assert_eq!(taken, [true, true, false]);
}

#[tokio::test]
async fn at_the_end_nobody_waits_in_vain() {
    let (redis, files) = (RedisServer::new().await, Files::new(b"").await);
    let bus = redis.bus(Shards::DEFAULT).await;
    let (media, fetching) = open(&bus, &[("SG_MEDIA__FETCHES_MAX", "1")]).await;
    let stop = CancellationToken::new();
    let mut tasks = JoinSet::new();
    tasks.spawn(fetching.run(stop.clone(), Duration::from_secs(1)));
    media.inbound(files.wanted(0, "/hang")).unwrap();
    let waits = media.inbound(files.wanted(1, "/file")).unwrap();
    eventually("the first one is asked for", || async { (files.asked.load(Ordering::SeqCst) == 1).then_some(()) })
        .await;
    stop.cancel();
    assert_eq!(record(&bus, &waits).await.error.as_deref(), Some("stopping"));
    within("what hangs is given up", tasks.join_all()).await;
    assert_eq!(media.inbound(files.wanted(2, "/file")), None);
}

/// However many actions have one, no more files are held at once than there is memory for.
#[tokio::test]
async fn files_of_actions_are_held_by_leave() {
    let redis = RedisServer::new().await;
    let bus = redis.bus(Shards::DEFAULT).await;
    let (media, _fetching) = open(&bus, &[]).await;
    let mut held = Vec::new();
    while let Some(leave) = media.leave().now_or_never() {
        held.push(leave);
    }
    assert_eq!(held.len(), 16);
    let (next, _) = tokio::join!(media.leave(), async { drop(held.pop()) });
    assert!(media.leave().now_or_never().is_none(), "the next one has it");
    drop(next);
    assert!(media.leave().now_or_never().is_some());
}

#[tokio::test]
async fn an_action_gets_its_file() {
    let redis = RedisServer::new().await;
    let bus = redis.bus(Shards::DEFAULT).await;
    let (media, _fetching) = open(&bus, &[]).await;
    let (store, shard) = (bus::Media::new(bus.clone()), bus.names().shards.get(3).unwrap());
    let data = Bytes::from_static(b"E0425\n");
    let record = MediaRecord { size: 6, data: data.clone(), ..MediaRecord::default() }.to_bytes();
    let key = MediaKey::outbound(bus.names(), shard, &Digest::of(&data).to_string());

    let gone = media.outbound(key.as_str()).await.unwrap_err();
    assert!(matches!(&gone, Error::Gone(other) if *other == key), "{gone}");
    store.put(&key, &record, LONG).await.unwrap();
    assert_eq!(media.outbound(key.as_str()).await.unwrap(), data);
    redis.command(["DEL", key.as_str()]).await;
    assert_eq!(media.outbound(key.as_str()).await.unwrap(), data, "it is kept");

    let uploaded = media.upload(&place(0), "text/plain", data.clone()).await.unwrap();
    assert_eq!(media.outbound(uploaded.as_str()).await.unwrap(), data);

    let other = MediaKey::outbound(bus.names(), shard, &Digest::of(b"other").to_string());
    for (bytes, why) in [(&record[..], "its SHA-256 is 199eb18c"), (b"no record", "field")] {
        store.put(&other, bytes, LONG).await.unwrap();
        let damaged = media.outbound(other.as_str()).await.unwrap_err();
        assert!(matches!(&damaged, Error::Damaged { .. }) && damaged.to_string().contains(why), "{damaged}");
    }
    let secret = media.outbound("sg:webchat:key").await.unwrap_err();
    assert!(matches!(secret, Error::NotAKey(_)) && !secret.is_passing());
}
