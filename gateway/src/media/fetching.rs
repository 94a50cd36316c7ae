//! The one task that fetches files, some at once, and puts each under its key.

use std::{sync::Arc, time::Duration};

use bus::MediaKey;
use bytes::Bytes;
use fetch::Request;
use futures_util::{
    FutureExt, StreamExt,
    future::{BoxFuture, join},
    stream::FuturesUnordered,
};
use tokio::{
    sync::mpsc,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{Digest, Error, Shared, count, inbound::Queued};

/// How often a step is tried that may go well in a moment.
const TRIES: u32 = 2;
/// Between two tries.
const PAUSE: Duration = Duration::from_millis(500);

/// See the module. Made with [`Media`](super::Media), and run by whoever owns that.
#[derive(Debug)]
pub struct Fetching {
    shared: Arc<Shared>,
    waiting: mpsc::Receiver<Queued>,
    at_once_max: usize,
    waiting_entries: metrics::Gauge,
}

impl Fetching {
    pub(super) fn new(shared: Arc<Shared>, waiting: mpsc::Receiver<Queued>, at_once_max: usize) -> Self {
        let waiting_entries = metrics::gauge!("stargazer_media_waiting_entries");
        Self { shared, waiting, at_once_max, waiting_entries }
    }

    /// Fetches what is wanted until `stop`. Then finishes what it has begun, and says of the rest that it does not come, for
    /// `drain` at most.
    pub async fn run(mut self, stop: CancellationToken, drain: Duration) {
        let mut under_way: FuturesUnordered<BoxFuture<'static, ()>> = FuturesUnordered::new();
        loop {
            self.waiting_entries.set(self.waiting.len() as f64);
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                Some(()) = under_way.next() => {}
                queued = self.waiting.recv(), if under_way.len() < self.at_once_max => match queued {
                    Some(queued) => under_way.push(bring(Arc::clone(&self.shared), queued).boxed()),
                    // Nobody is left who could want anything.
                    None => break,
                },
            }
        }
        self.waiting.close();
        let begun = async { while under_way.next().await.is_some() {} };
        let rest = async {
            while let Some(wanted) = self.waiting.recv().await {
                fail(&self.shared, &wanted, &Error::Stopping).await;
            }
        };
        if timeout(drain, join(begun, rest)).await.is_err() {
            tracing::warn!("stopped before all files were fetched; who waits for one goes on without it");
        }
    }
}

/// Fetches one file and puts it, or why it is not there, under its key.
async fn bring(shared: Arc<Shared>, wanted: Queued) {
    match file(&shared, &wanted).await {
        Ok(result) => {
            count(result);
            tracing::debug!(key = %wanted.key, result, "a file came");
        }
        Err(error) => fail(&shared, &wanted, &error).await,
    }
}

/// No warning: anybody may write a link that leads nowhere, as often as they like.
async fn fail(shared: &Shared, wanted: &Queued, why: &Error) {
    count(why.code());
    let key = &wanted.key;
    tracing::info!(%key, error = %why, "a file did not come");
    if let Err(error) = shared.put_failure(wanted, why).await {
        tracing::info!(%key, %error, "and that cannot be said to who waits for it");
    }
}

/// How it was had.
async fn file(shared: &Shared, wanted: &Queued) -> Result<&'static str, Error> {
    let key = &wanted.key;
    shared.check_size(wanted.size)?;
    let kept = match &wanted.sha256 {
        Some(digest) => shared.cache.get(digest).await.map(|data| (data, *digest)),
        None => None,
    };
    if let Some((data, digest)) = kept {
        put(shared, key, &wanted.mimetype, &data, &digest).await?;
        return Ok("cached");
    }
    let fetched = tried(|| async { Ok(shared.fetcher.fetch(Request::new(&wanted.url)).await?) }).await?;
    let digest = Digest::of_apart(&fetched.data).await.ok_or(Error::Stopping)?;
    if let Some(should) = wanted.sha256.filter(|should| *should != digest) {
        return Err(Error::Mismatch { is: digest.to_string(), should: should.to_string() });
    }
    // The platform has looked at the file; where it lies, everything may be a stream of octets.
    let mimetype = Some(&wanted.mimetype).filter(|told| !told.is_empty()).or(fetched.mimetype.as_ref());
    put(shared, key, mimetype.map_or("", String::as_str), &fetched.data, &digest).await?;
    Ok("fetched")
}

async fn put(shared: &Shared, key: &MediaKey, mimetype: &str, data: &Bytes, digest: &Digest) -> Result<(), Error> {
    tried(|| shared.put_file(key, mimetype, data, digest)).await
}

/// Does a step again when it failed in a way that passes.
async fn tried<T, F: Future<Output = Result<T, Error>>>(mut step: impl FnMut() -> F) -> Result<T, Error> {
    for _ in 1..TRIES {
        match step().await {
            Err(error) if error.is_passing() => sleep(PAUSE).await,
            settled => return settled,
        }
    }
    step().await
}
