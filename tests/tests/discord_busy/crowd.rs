//! Many people in many channels, who do what a seed draws: talk among themselves, ask the bot, change and take back what they
//! said, react, upload, and all at once.

use fastrand::Rng;
use tests::discord::{BotHandle, DiscordServer, Person, Snowflake};

use super::answers::Question;

/// People who talk.
const PEOPLE: usize = 12;
/// Channels of one server.
const OF_GUILD: usize = 50;

/// A channel and what was asked there.
#[derive(Debug)]
pub(crate) struct Room {
    pub(crate) id: Snowflake,
    pub(crate) asked: Vec<Asked>,
    /// What people said to each other, the newest of it.
    talk: Vec<Snowflake>,
}

/// A question that was asked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked {
    pub(crate) question: Question,
    /// It was changed afterwards: it is answered as it was or as it is, and once.
    pub(crate) was_edited: bool,
    /// It was taken back afterwards: it is answered or not.
    pub(crate) was_deleted: bool,
    message: Snowflake,
    by: usize,
}

impl Asked {
    pub(crate) fn new(question: Question, message: Snowflake, by: usize) -> Self {
        Self { question, was_edited: false, was_deleted: false, message, by }
    }
}

/// What was done.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Done {
    pub(crate) events: u64,
    pub(crate) questions: u64,
    pub(crate) edits: u64,
    pub(crate) deletes: u64,
    pub(crate) reactions: u64,
    pub(crate) files: u64,
    pub(crate) bursts: u64,
}

pub(crate) struct Crowd<'a> {
    server: &'a DiscordServer,
    bot: Snowflake,
    people: Vec<Person>,
    pub(crate) rooms: Vec<Room>,
    rng: Rng,
    pub(crate) done: Done,
}

impl<'a> Crowd<'a> {
    /// So many channels, on as many servers as they need.
    pub(crate) fn new(server: &'a DiscordServer, bot: &BotHandle, channels: usize, seed: u64) -> Self {
        let people: Vec<Person> = (0..PEOPLE).map(|number| server.add_user(&format!("person{number}"))).collect();
        let mut rooms = Vec::with_capacity(channels);
        while rooms.len() < channels {
            let guild = server.add_guild(&format!("guild {}", rooms.len() / OF_GUILD), &people[0], &[bot.id]);
            people[1..].iter().for_each(|person| server.add_member(guild, person.id));
            for _ in 0..OF_GUILD.min(channels - rooms.len()) {
                let id = server.add_channel(guild, &format!("channel-{}", rooms.len()));
                rooms.push(Room { id, asked: Vec::new(), talk: Vec::new() });
            }
        }
        Self { server, bot: bot.id, people, rooms, rng: Rng::with_seed(seed), done: Done::default() }
    }

    /// What happens next, somewhere.
    pub(crate) fn act(&mut self) {
        let room = self.rng.usize(..self.rooms.len());
        match self.rng.u32(..100) {
            0..17 => self.ask(room, None),
            17..20 => self.ask(room, Some("roses are red")),
            20..23 => self.change(room),
            23..25 => self.take_back(room),
            25..27 => self.burst(room),
            27..36 => self.edit_talk(room),
            36..41 => self.delete_talk(room),
            41..51 => self.react(room),
            51..55 => self.upload(room),
            _ => self.talk(room),
        }
    }

    /// Any number.
    pub(crate) fn draw(&mut self) -> u32 {
        self.rng.u32(..)
    }

    fn person(&mut self) -> usize {
        self.rng.usize(..PEOPLE)
    }

    fn ask(&mut self, room: usize, file: Option<&'static str>) {
        let by = self.person();
        let question = Question { channel: room, number: self.rooms[room].asked.len(), is_edited: false };
        let (text, id) = (format!("<@{}> {question}", self.bot), self.rooms[room].id);
        let message = match file {
            Some(file) => self.people[by].uploads(id, "poem.txt", file, &text),
            None => self.people[by].says(id, &text),
        };
        self.rooms[room].asked.push(Asked::new(question, message, by));
        self.done.questions += 1;
        self.done.files += u64::from(file.is_some());
        self.done.events += 1;
    }

    /// Changes the last question, whatever became of it.
    fn change(&mut self, room: usize) {
        let bot = self.bot;
        let Some(asked) = self.rooms[room].asked.last_mut().filter(|asked| !asked.was_deleted) else { return };
        (asked.was_edited, asked.question.is_edited) = (true, true);
        self.people[asked.by].edits(asked.message, &format!("<@{bot}> {}", asked.question));
        (self.done.edits, self.done.events) = (self.done.edits + 1, self.done.events + 1);
    }

    fn take_back(&mut self, room: usize) {
        let Some(asked) = self.rooms[room].asked.last_mut().filter(|asked| !asked.was_deleted) else { return };
        asked.was_deleted = true;
        self.people[asked.by].deletes(asked.message);
        (self.done.deletes, self.done.events) = (self.done.deletes + 1, self.done.events + 1);
    }

    fn burst(&mut self, room: usize) {
        for number in 0..10 {
            if number % 4 == 0 { self.ask(room, None) } else { self.talk(room) }
        }
        self.done.bursts += 1;
    }

    fn talk(&mut self, room: usize) {
        let by = self.person();
        let said = self.people[by].says(self.rooms[room].id, "what people say to each other");
        self.keep(room, said);
    }

    fn upload(&mut self, room: usize) {
        let by = self.person();
        let said = self.people[by].uploads(self.rooms[room].id, "cat.txt", "a cat", "look");
        self.keep(room, said);
        self.done.files += 1;
    }

    fn keep(&mut self, room: usize, said: Snowflake) {
        let talk = &mut self.rooms[room].talk;
        talk.push(said);
        if talk.len() > 8 {
            talk.remove(0);
        }
        self.done.events += 1;
    }

    fn edit_talk(&mut self, room: usize) {
        let Some(message) = self.rooms[room].talk.last().copied() else { return };
        self.people[0].edits(message, "what was meant");
        (self.done.edits, self.done.events) = (self.done.edits + 1, self.done.events + 1);
    }

    /// One, or at times all of them.
    fn delete_talk(&mut self, room: usize) {
        let channel = self.rooms[room].id;
        if self.rng.u32(..8) == 0 && self.rooms[room].talk.len() >= 2 {
            let all = std::mem::take(&mut self.rooms[room].talk);
            self.people[0].purges(channel, &all);
            self.done.deletes += all.len() as u64;
        } else {
            let Some(message) = self.rooms[room].talk.pop() else { return };
            self.people[0].deletes(message);
            self.done.deletes += 1;
        }
        self.done.events += 1;
    }

    fn react(&mut self, room: usize) {
        let Some(message) = self.rooms[room].talk.last().copied() else { return };
        let by = self.person();
        self.people[by].reacts(message, "👍");
        (self.done.reactions, self.done.events) = (self.done.reactions + 1, self.done.events + 1);
    }

    /// What the bot shows in a channel now.
    pub(crate) fn shown(&self, room: &Room) -> Vec<String> {
        let seen = self.server.seen(room.id).into_iter();
        seen.filter(|seen| !seen.is_deleted && seen.author == super::BOT).map(|seen| seen.content).collect()
    }
}
