//! The fenced reader of one consumer: takes entries only while the shard's fence holds our token.
//!
//! It works in rounds of one flush on a connection of its own (`round.rs`). A read either ran before the fence moved, and
//! then its entries are in the pending list that the next owner claims, or it is refused. There is no third case, however
//! long this process sleeps and wherever. Nothing here races a read against anything: a read that is sent is waited for, and
//! after any error the connection is dropped and everything pending is claimed again. What the dropped connection may still
//! have on its way is made to fail first, by a write to the fence that changes nothing but breaks its WATCH.

mod feed;
mod round;

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use futures_util::future::try_join_all;
use tokio::{
    sync::{mpsc, oneshot},
    time::Instant,
};

use crate::{
    Bus, ConsumerConfig, ConsumerStatus, Error, Next, Role, Shard, lease::Tenure, link::Connection, reply::RawEntry,
    trim::trim, window::Window,
};
use feed::{Feed, Feeds};

/// How long the doorbell waits for something new. The reader is woken from it by `CLIENT UNBLOCK`; where that is not
/// permitted, this is how long a change of shards may take to be seen.
const BLOCK: Duration = Duration::from_secs(1);
/// Pause between two tries to wake the reader, which may not have begun to wait yet.
const WAKE_AGAIN: Duration = Duration::from_millis(5);
/// Pauses after an error.
const RETRY_MIN: Duration = Duration::from_millis(50);
const RETRY_MAX: Duration = Duration::from_secs(1);
/// A connection that held for this long was a good one: the next pause is the shortest again.
const GOOD: Duration = Duration::from_secs(10);
/// How long a page of a long claim waits for the room that makes it worth its call.
const PAGE_WAIT: Duration = Duration::from_millis(10);
/// While the window is full nothing is read, and nobody hears that a group is gone, without which nothing can be settled. So
/// after this long it is looked whether they are there.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

/// Entries of one shard, in stream order.
#[derive(Debug)]
pub(crate) struct Arrivals {
    pub(crate) tenure: Arc<Tenure>,
    pub(crate) entries: Vec<RawEntry>,
}

/// What the consumer tells the reader. Each is answered when the reader acts by it.
#[derive(Debug)]
enum Command {
    Add(Vec<Arc<Tenure>>, oneshot::Sender<()>),
    Remove(Arc<Tenure>, oneshot::Sender<()>),
    Stop(oneshot::Sender<()>),
}

/// The consumer's end of the reader.
#[derive(Debug, Clone)]
pub(crate) struct ReaderHandle {
    bus: Bus,
    commands: mpsc::Sender<Command>,
    /// Redis' id of the reading connection, 0 while there is none.
    client: Arc<AtomicI64>,
}

impl ReaderHandle {
    /// Starts to claim and read shards.
    pub(crate) async fn add(&self, tenures: Vec<Arc<Tenure>>) {
        self.tell(|done| Command::Add(tenures, done)).await;
    }

    /// Reads the shard no more; when this returns, no entry of it arrives any more but those already handed over.
    pub(crate) async fn remove(&self, tenure: Arc<Tenure>) {
        self.tell(|done| Command::Remove(tenure, done)).await;
    }

    /// Reads nothing more.
    pub(crate) async fn stop(&self) {
        self.tell(Command::Stop).await;
    }

    async fn tell(&self, command: impl FnOnce(oneshot::Sender<()>) -> Command) {
        let (done, mut seen) = oneshot::channel();
        if self.commands.send(command(done)).await.is_err() {
            return;
        }
        loop {
            let client = self.client.load(Ordering::Acquire);
            if client != 0 {
                let mut unblock = redis::cmd("CLIENT");
                unblock.arg("UNBLOCK").arg(client);
                let _ = unblock.query_async::<i64>(&mut self.bus.shared()).await;
            }
            if tokio::time::timeout(WAKE_AGAIN, &mut seen).await.is_ok() {
                return;
            }
        }
    }
}

pub(crate) struct Reader {
    bus: Bus,
    role: Role,
    instance: String,
    window: Arc<Window>,
    status: Arc<ConsumerStatus>,
    arrivals: mpsc::Sender<Arrivals>,
    commands: mpsc::Receiver<Command>,
    client: Arc<AtomicI64>,
    feeds: Feeds,
    /// The last of the shards that had a turn in which much is claimed or read.
    turn: Option<Shard>,
}

impl Reader {
    pub(crate) fn new(
        bus: &Bus,
        config: &ConsumerConfig,
        window: Arc<Window>,
        status: Arc<ConsumerStatus>,
        arrivals: mpsc::Sender<Arrivals>,
    ) -> (Self, ReaderHandle) {
        let (sender, commands) = mpsc::channel(64);
        let client = Arc::new(AtomicI64::new(0));
        let handle = ReaderHandle { bus: bus.clone(), commands: sender, client: Arc::clone(&client) };
        let reader = Self {
            bus: bus.clone(),
            role: config.role.clone(),
            instance: config.instance.clone(),
            window,
            status,
            arrivals,
            commands,
            client,
            feeds: Feeds::default(),
            turn: None,
        };
        (reader, handle)
    }

    /// Reads until told to stop, or until its handles are gone.
    pub(crate) async fn run(mut self) {
        let mut pause = RETRY_MIN;
        let mut began = Instant::now();
        while let Err(error) = self.serve().await {
            if began.elapsed() >= GOOD {
                pause = RETRY_MIN;
            }
            tracing::warn!(role = %self.role, %error, "reader starts over");
            metrics::counter!("stargazer_reader_restarts_total", "role" => self.role.to_string()).increment(1);
            self.client.store(0, Ordering::Release);
            self.status.set_reading(false);
            // What the failed read took is pending under our name and unknown to the lanes.
            self.feeds.claim_again(&self.window);
            if error.next() == Next::Report {
                pause = RETRY_MAX;
            }
            let until = Instant::now() + pause;
            // Commands are obeyed without Redis too, so that nobody waits for it who wants to stop.
            while let Ok(command) = tokio::time::timeout_at(until, self.commands.recv()).await {
                if !self.obey(command) {
                    return;
                }
            }
            pause = (pause * 2).min(RETRY_MAX);
            began = Instant::now();
        }
    }

    /// One connection's life. Ends well only when the reader is to stop.
    async fn serve(&mut self) -> Result<(), Error> {
        let mut connection = self.bus.dedicated(BLOCK).await?;
        // Where this is not permitted, nobody wakes the reader and it looks up after `BLOCK`.
        let id = redis::cmd("CLIENT").arg("ID").query_async::<i64>(&mut connection).await;
        self.client.store(id.unwrap_or(0), Ordering::Release);
        self.feeds.outrun_the_broken(&self.bus).await?;
        self.status.set_reading(true);
        // The doorbell said that there is something to read.
        let mut rang = false;
        let mut page_due = None;
        loop {
            while let Ok(command) = self.commands.try_recv() {
                if !self.obey(Some(command)) {
                    return Ok(());
                }
            }
            self.feeds.drop_lost();
            if self.feeds.is_empty() {
                let command = self.commands.recv().await;
                if !self.obey(command) {
                    return Ok(());
                }
                continue;
            }
            self.feeds.ensure_groups(&self.bus, &self.role).await?;
            let room = self.window.room();
            if room == 0 && self.feeds.all_watched() {
                tokio::select! {
                    biased;
                    command = self.commands.recv() => if !self.obey(command) {
                        return Ok(());
                    },
                    () = self.window.settled() => {}
                    () = tokio::time::sleep(LOOK_AGAIN) => self.feeds.groups_are_gone(),
                }
                continue;
            }
            if room < self.window.share(round::PAGE_MIN) && self.feeds.is_catching_up() {
                let due = *page_due.get_or_insert_with(|| Instant::now() + PAGE_WAIT);
                if tokio::time::timeout_at(due, self.window.settled()).await.is_ok() {
                    continue;
                }
            }
            page_due = None;
            let busy = self.round(&mut connection, room).await?;
            if busy {
                rang = false;
            } else if self.commands.is_empty() && !self.feeds.is_empty() {
                if rang {
                    self.catch_up().await?;
                }
                rang = self.doorbell(&mut connection).await?;
            }
        }
    }

    /// One flush of reads, and what came of it handed to the lanes. True when there may be more at once.
    async fn round(&mut self, connection: &mut Connection, room: usize) -> Result<bool, Error> {
        let group = self.bus.names().group(&self.role);
        let round = round::Round::plan(&self.feeds, room, self.turn);
        self.turn = round.turn;
        let answer = round.send(&self.feeds, connection, &group, &self.instance).await?;
        let mut busy = !round.is_reading();
        if answer.group_is_gone {
            self.feeds.groups_are_gone();
            self.feeds.claim_again(&self.window);
            busy = true;
        }
        let mut whole = Vec::new();
        for (shard, claimed) in answer.claimed {
            busy = true;
            note_gone(&self.role, shard, claimed.gone);
            self.pass_on(shard, claimed.entries).await;
            if self.feeds.claimed_up_to(shard, claimed.cursor) {
                whole.push(shard);
            }
        }
        self.claims_end(&whole).await?;
        for (shard, asked, entries) in answer.read {
            busy |= !entries.is_empty();
            self.feeds.note_read(shard, asked, entries.len(), entries.last().map(|last| last.id));
            self.pass_on(shard, entries).await;
        }
        for tenure in self.feeds.watched(&answer.tokens) {
            tracing::warn!(role = %self.role, shard = %tenure.shard(), "the fence has moved, leaving the shard");
            tenure.lose();
        }
        self.feeds.drop_lost();
        // A shard that came while others were read is only watched by now: the doorbell would not ring for what it has pending.
        // And some may not have had their turn to be read.
        Ok(busy || answer.refused || !self.feeds.all_reading() || self.feeds.any_deep())
    }

    /// These shards are claimed to the end: from here on new entries are read.
    async fn claims_end(&mut self, shards: &[Shard]) -> Result<(), Error> {
        let group = self.bus.names().group(&self.role);
        let ends = shards.iter().filter_map(|shard| self.feeds.get(*shard)).map(async |feed| {
            let last = feed.last_delivered(&self.bus, &group).await?;
            feed.drop_idle_consumers(&self.bus, &group, &self.instance).await?;
            // What the owner before finished and did not come to trim.
            trim(&self.bus, &self.role, &feed.tenure).await?;
            Ok::<_, Error>((Arc::clone(&feed.tenure), last))
        });
        for (tenure, last) in try_join_all(ends).await? {
            self.window.claim_ends(tenure.id());
            if let Some(feed) = self.feeds.get_mut(tenure.shard()) {
                feed.last = last;
            }
        }
        Ok(())
    }

    async fn pass_on(&self, shard: Shard, mut entries: Vec<RawEntry>) {
        let Some(feed) = self.feeds.get(shard) else { return };
        let tenure = feed.tenure.id();
        entries.retain(|entry| self.window.admit(tenure, entry.id, entry.data.len()));
        if !entries.is_empty() {
            let _ = self.arrivals.send(Arrivals { tenure: Arc::clone(&feed.tenure), entries }).await;
        }
    }

    /// The doorbell rang and there was nothing for us: somebody else read from the group, by hand perhaps. Without this it would
    /// ring for the same entries for ever.
    async fn catch_up(&mut self) -> Result<(), Error> {
        let group = self.bus.names().group(&self.role);
        let mut read = Vec::new();
        for feed in self.feeds.reading() {
            read.push((feed.tenure.shard(), feed.last_delivered(&self.bus, &group).await?));
        }
        for (shard, last) in read {
            if let Some(feed) = self.feeds.get_mut(shard).filter(|feed| feed.last < last) {
                tracing::warn!(role = %self.role, %shard, "somebody else reads from this group; what it took is not ours to run");
                feed.last = last;
            }
        }
        Ok(())
    }

    /// Waits until there is something new in a stream that is being read. Changes nothing in Redis, and leaves the WATCH be.
    /// True when there is.
    async fn doorbell(&self, connection: &mut Connection) -> Result<bool, Error> {
        let reading: Vec<&Feed> = self.feeds.reading().collect();
        if reading.is_empty() {
            return Ok(false);
        }
        let mut command = redis::cmd("XREAD");
        command.arg("COUNT").arg(1).arg("BLOCK").arg(BLOCK.as_millis() as u64).arg("STREAMS");
        for feed in &reading {
            command.arg(&feed.stream);
        }
        for feed in &reading {
            command.arg(feed.last.to_string());
        }
        Ok(command.query_async::<redis::Value>(connection).await? != redis::Value::Nil)
    }

    /// False when the reader is to stop, also because its consumer is gone.
    fn obey(&mut self, command: Option<Command>) -> bool {
        let (done, goes_on) = match command {
            Some(Command::Add(tenures, done)) => {
                for tenure in tenures {
                    self.window.claim_begins(tenure.id());
                    self.feeds.add(Feed::new(&self.bus, &self.role, tenure));
                }
                (done, true)
            }
            Some(Command::Remove(tenure, done)) => {
                self.feeds.remove(&tenure);
                (done, true)
            }
            Some(Command::Stop(done)) => (done, false),
            None => return false,
        };
        let _ = done.send(());
        goes_on
    }
}

/// Pending entries were gone from their stream: deleted by hand, or trimmed by somebody else.
pub(crate) fn note_gone(role: &Role, shard: Shard, count: usize) {
    if count > 0 {
        tracing::error!(%role, %shard, count, "pending entries are gone from the stream");
        metrics::counter!("stargazer_entries_gone_total", "role" => role.to_string()).increment(count as u64);
    }
}
