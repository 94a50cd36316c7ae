//! The dead letters of all shards as one list.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::LazyLock,
};

use redis::Script;

use super::{Letter, LetterId, Place, letter::Fields};
use crate::{Bus, EntryId, Error, Role};

static REPLAY: LazyLock<Script> =
    LazyLock::new(|| Script::new(concat!(include_str!("../unfinished.lua"), include_str!("replay.lua"))));

/// Letters of one shard that one read takes; they may hold large files.
const PAGE: usize = 32;
/// Ids that one command removes.
const REMOVE_MAX: usize = 500;

/// The dead letters of a deployment.
#[derive(Debug, Clone)]
pub struct DeadLetters {
    bus: Bus,
}

/// What became of a replay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replayed {
    /// It is at the end of its stream again.
    Now,
    /// There is no such letter, or not any more: somebody else replayed or purged it.
    Gone,
}

impl DeadLetters {
    /// Those on this bus.
    #[must_use]
    pub fn new(bus: Bus) -> Self {
        Self { bus }
    }

    /// All letters, the oldest first: those of all shards, and those beside the plain streams of these roles.
    #[must_use]
    pub fn all(&self, roles: &[Role]) -> Letters {
        let plain = roles.iter().filter(|role| role.is_plain()).cloned().map(Place::Plain);
        let places = self.bus.names().shards.all().map(Place::Shard).chain(plain);
        Letters { bus: self.bus.clone(), places: places.map(|place| (place, Page::default())).collect() }
    }

    /// One letter, if it is there.
    ///
    /// # Errors
    /// When Redis did not answer.
    pub async fn get(&self, id: &LetterId) -> Result<Option<Letter>, Error> {
        let exactly = id.entry.to_string();
        Ok(range(&self.bus, &id.place, &exactly, &exactly, 1).await?.pop_front())
    }

    /// Puts a letter back at the end of the stream that it came from, unless that holds `bound` unfinished entries. Its
    /// cause stays what it was, so nothing that it did before it was given up is done twice.
    ///
    /// # Errors
    /// [`Error::Full`] when its stream is at the bound, [`Error::Setting`] when its stream is none of this deployment's;
    /// else when Redis did not answer, and then it may have been replayed: the same replay again tells.
    pub async fn replay(&self, letter: &Letter, bound: u64) -> Result<Replayed, Error> {
        let names = self.bus.names();
        let Some(role) = letter.id.place.role_of(&letter.stream, names) else {
            let (id, stream) = (&letter.id, &letter.stream);
            return Err(Error::Setting(format!(
                "dead letter {id} came from {stream}, which is no stream of this deployment; the names in [bus] may have been changed since"
            )));
        };
        let mut script = REPLAY.key(letter.id.place.dead_letters(names));
        script.key(&letter.stream).arg(letter.id.entry.to_string()).arg(bound).arg(names.group(&role));
        match script.invoke_async::<i64>(&mut self.bus.shared()).await? {
            1 => Ok(Replayed::Now),
            0 => Ok(Replayed::Gone),
            _ => Err(Error::Full { stream: letter.stream.clone(), bound }),
        }
    }

    /// Removes letters for good; gives how many there were.
    ///
    /// # Errors
    /// When Redis did not answer; some may then be removed.
    pub async fn purge(&self, ids: &[LetterId]) -> Result<u64, Error> {
        let mut by_place: BTreeMap<&Place, Vec<String>> = BTreeMap::new();
        for id in ids {
            by_place.entry(&id.place).or_default().push(id.entry.to_string());
        }
        let mut removed = 0;
        for (place, entries) in by_place {
            for some in entries.chunks(REMOVE_MAX) {
                let mut remove = redis::cmd("XDEL");
                remove.arg(place.dead_letters(self.bus.names())).arg(some);
                removed += remove.query_async::<u64>(&mut self.bus.shared()).await?;
            }
        }
        Ok(removed)
    }
}

/// Letters in the order in which they were given up, read page by page.
#[derive(Debug)]
pub struct Letters {
    bus: Bus,
    places: BTreeMap<Place, Page>,
}

#[derive(Debug, Default)]
struct Page {
    letters: VecDeque<Letter>,
    /// The last one that was read.
    after: Option<EntryId>,
    is_last: bool,
}

impl Letters {
    /// The next one.
    ///
    /// # Errors
    /// When Redis did not answer; asking again goes on where it was.
    pub async fn next(&mut self) -> Result<Option<Letter>, Error> {
        for (place, page) in &mut self.places {
            if page.letters.is_empty() && !page.is_last {
                let from = page.after.map_or_else(|| "-".to_owned(), |after| format!("({after}"));
                page.letters = range(&self.bus, place, &from, "+", PAGE).await?;
                page.is_last = page.letters.len() < PAGE;
                page.after = page.letters.back().map(|letter| letter.id.entry);
            }
        }
        let heads = self.places.values_mut().filter(|page| !page.letters.is_empty());
        let oldest = heads.min_by_key(|page| page.letters.front().map(|letter| letter.id.entry));
        Ok(oldest.and_then(|page| page.letters.pop_front()))
    }
}

async fn range(bus: &Bus, place: &Place, from: &str, to: &str, count: usize) -> Result<VecDeque<Letter>, Error> {
    let mut range = redis::cmd("XRANGE");
    range.arg(place.dead_letters(bus.names())).arg(from).arg(to).arg("COUNT").arg(count);
    let found: Vec<(String, Fields)> = range.query_async(&mut bus.shared()).await?;
    let letter =
        |(id, fields): (String, Fields)| Ok(Letter::new(LetterId { place: place.clone(), entry: id.parse()? }, fields));
    found.into_iter().map(letter).collect()
}
