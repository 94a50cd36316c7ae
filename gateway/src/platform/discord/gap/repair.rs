//! Reading what was said while nobody listened, in the order in which it was said, and before anything that was said after it.

use std::{sync::Arc, time::Duration};

use bus::unix_ms;
use reqwest::Method;
use serde_json::Value;
use tokio::{
    sync::mpsc,
    task::JoinSet,
    time::{sleep, timeout},
};

use super::{
    super::{
        Shared,
        event::{first_id_at, id, list},
        read_back::HISTORY,
        rest::{Ask, Failure},
    },
    Hold,
    reading::Reading,
    tally::Tally,
};
use crate::pacing::Rank;

/// Channels that are read at once.
const AT_ONCE: usize = 8;
/// Private channels that are asked for messages, those with the latest ones. No event tells which have any.
const PRIVATE_MAX: usize = 100;
/// Channels that are read for one connection; those of a bot in very many servers are not all read.
const CHANNELS_MAX: usize = 2_000;
/// Messages of one answer: Discord gives no more.
const PAGE: usize = 100;
/// How long the live events of a channel wait for what was said before at most.
const READ_WITHIN: Duration = Duration::from_secs(60);
/// A request that failed is made again after this, until then.
const AGAIN: Duration = Duration::from_secs(1);

/// Channels that may have a gap, all of them held.
#[derive(Debug)]
pub(in super::super) struct Job {
    pub(super) hold: Arc<Hold>,
    pub(super) tally: Arc<Tally>,
    pub(super) of: Of,
}

#[derive(Debug)]
pub(super) enum Of {
    /// Of a server: each channel with its last message.
    Guild(Arc<Reading>, Vec<(u64, u64)>),
    /// All that is private.
    Private,
}

/// A channel with messages behind its mark.
struct Gap {
    hold: Arc<Hold>,
    tally: Arc<Tally>,
    guild: Option<Arc<Reading>>,
    channel: u64,
    mark: u64,
}

/// Reads what is missing until there are no more jobs.
pub(in super::super) async fn run(shared: Arc<Shared>, mut jobs: mpsc::Receiver<Job>) {
    let mut under_way = JoinSet::new();
    while let Some(job) = jobs.recv().await {
        for gap in shared.due(job).await {
            if under_way.len() >= AT_ONCE {
                under_way.join_next().await;
            }
            let shared = Arc::clone(&shared);
            under_way.spawn(async move { shared.close(&gap).await });
        }
        while under_way.try_join_next().is_some() {}
    }
    under_way.join_all().await;
}

impl Shared {
    /// Those of a job's channels that have a gap. The others flow.
    async fn due(&self, job: Job) -> Vec<Gap> {
        let Job { hold, tally, of } = job;
        let (guild, channels) = match of {
            Of::Guild(guild, channels) => {
                let behind = self.behind(guild.guild(), &channels, &tally).await;
                (Some(guild), behind)
            }
            Of::Private => (None, self.private(&hold, &tally).await),
        };
        let mut due = Vec::new();
        for (channel, mark) in channels {
            match mark {
                Some(mark) if tally.may_read(CHANNELS_MAX) => {
                    due.push(Gap {
                        hold: Arc::clone(&hold),
                        tally: Arc::clone(&tally),
                        guild: guild.clone(),
                        channel,
                        mark,
                    });
                }
                _ => self.release(&hold, channel),
            }
        }
        due
    }

    /// Channels of a server, each with its mark where there is something behind it. What is in a server that was not listened to
    /// before is old news.
    async fn behind(&self, guild: u64, channels: &[(u64, u64)], tally: &Tally) -> Vec<(u64, Option<u64>)> {
        let ids: Vec<u64> = channels.iter().map(|(channel, _)| *channel).collect();
        let marks = match self.marks.of(guild, &ids).await {
            Ok(Some(marks)) => marks,
            Ok(None) => {
                self.marks.begin(guild, channels.iter().map(|(_, last)| *last).max().unwrap_or(0));
                Vec::new()
            }
            Err(error) => {
                tracing::warn!(platform = %self.name, %error, "it is not known how far channels were read");
                tally.unread(ids.len());
                Vec::new()
            }
        };
        let marks = marks.into_iter().map(Some).chain(std::iter::repeat(None));
        let behind = |((channel, last), mark): (&(u64, u64), Option<u64>)| (*channel, mark.filter(|mark| last > mark));
        channels.iter().zip(marks).map(behind).collect()
    }

    async fn private(&self, hold: &Hold, tally: &Tally) -> Vec<(u64, Option<u64>)> {
        let known = self.marks.private(PRIVATE_MAX).await.unwrap_or_else(|error| {
            tracing::warn!(platform = %self.name, %error, "it is not known how far private channels were read");
            tally.unread(1);
            Vec::new()
        });
        let ids: Vec<u64> = known.iter().map(|(channel, _)| *channel).collect();
        let others = hold.only(&ids).into_iter().map(|channel| (channel, None));
        known.into_iter().map(|(channel, mark)| (channel, Some(mark))).chain(others).collect()
    }

    async fn close(&self, gap: &Gap) {
        match timeout(READ_WITHIN, self.missed(gap)).await {
            Ok(Ok((missed, is_whole))) => {
                let now_ms = unix_ms();
                let taken =
                    missed.into_iter().filter(|message| self.publish("MESSAGE_CREATE", message, now_ms)).count();
                gap.tally.read(taken, is_whole);
            }
            Ok(Err(failure)) => {
                tracing::debug!(platform = %self.name, channel = gap.channel, %failure, "a gap is not read");
                gap.tally.unread(1);
            }
            Err(_) => gap.tally.unread(1),
        }
        self.release(&gap.hold, gap.channel);
    }

    /// The live events of a channel go on.
    pub(in super::super) fn release(&self, hold: &Hold, channel: u64) {
        let mut next = hold.end(channel, true);
        while let Some(held) = next {
            self.publish(&held.kind, &held.data, held.now_ms);
            next = hold.end(channel, false);
        }
    }

    /// What was said in a channel behind its mark, oldest first and as the socket would have told it; and whether it is all.
    async fn missed(&self, gap: &Gap) -> Result<(Vec<Value>, bool), Failure> {
        let most = self.settings.gap_messages;
        let after = gap.mark.max(self.gap_floor());
        let is_new = |message: &Value| id(&message["id"]).is_some_and(|id| id > after);
        // One is enough for most.
        let limit = most.min(PAGE);
        let mut missed = self.page(gap.channel, &format!("after={after}&limit={limit}")).await?;
        let mut is_whole = missed.len() < limit;
        missed.retain(is_new);
        if !is_whole {
            // From the end, so that where there is too much it is the latest that is read.
            missed.clear();
            let mut before = String::new();
            while !is_whole && missed.len() < most {
                let mut page = self.page(gap.channel, &format!("limit={PAGE}{before}")).await?;
                let (read, first) = (page.len(), page.last().and_then(|first| id(&first["id"])));
                page.retain(is_new);
                is_whole = read < PAGE || page.len() < read;
                before = first.map(|first| format!("&before={first}")).unwrap_or_default();
                missed.extend(page);
                if first.is_none() {
                    break;
                }
            }
            is_whole &= missed.len() <= most;
            missed.truncate(most);
        }
        missed.reverse();
        if let Some(guild) = &gap.guild {
            missed.iter_mut().for_each(|message| message["guild_id"] = guild.guild().to_string().into());
        }
        Ok((missed, is_whole))
    }

    /// Messages of a channel, latest first.
    async fn page(&self, channel: u64, query: &str) -> Result<Vec<Value>, Failure> {
        let (channel, under) = (channel.to_string(), format!("/messages?{query}"));
        loop {
            let ask = Ask::of_channel(Method::GET, HISTORY, &channel, &under, Rank::Call);
            match self.rest.ask(ask).await {
                Ok(page) => {
                    let mut page: Vec<Value> = list(&page).to_vec();
                    page.sort_by_key(|message| std::cmp::Reverse(id(&message["id"])));
                    return Ok(page);
                }
                // What the bot may not read it has not missed.
                Err(Failure::Refused { .. }) => return Ok(Vec::new()),
                Err(Failure::Unauthorized) => return Err(Failure::Unauthorized),
                Err(Failure::Limited(pause)) => sleep(pause).await,
                Err(_) => sleep(AGAIN).await,
            }
        }
    }

    /// The oldest id that is not too old to be answered.
    pub(super) fn gap_floor(&self) -> u64 {
        let age = u64::try_from(self.settings.gap_age.as_millis()).unwrap_or(u64::MAX);
        first_id_at(unix_ms().saturating_sub(age)).saturating_sub(1)
    }
}
