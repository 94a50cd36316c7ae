//! Every key there is.

use std::{
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

use bytesize::ByteSize;
use ipnet::IpNet;
use secrecy::SecretString;

use super::{
    macros::sections,
    subject::Subject,
    value::{Durability, LogFormat},
};

sections! {
    /// Where Redis (7.0 or newer) or Valkey is.
    Redis = "redis" {
        /// `redis://[user:password@]host:port/db`, or `unix:///path/to/redis.sock`.
        url: SecretString = "redis://127.0.0.1:6379";
    }

    /// Streams, shards and leases. The first five have to be the same in every process.
    Bus = "bus" {
        /// Slices that conversations are hashed onto: a power of two. Kept in Redis at the first start and checked ever after.
        shards: u16 = "16", from 1 to 4096;
        /// Stem of the streams that carry messages to the workers.
        inbound_stream: String = "sg:stream:inbound";
        /// The workers' consumer group.
        worker_group: String = "sg:workers";
        /// Stem of the streams that carry actions to the gateways.
        outbound_stream_prefix: String = "sg:stream:outbound";
        /// Stem of the gateways' consumer groups.
        gateway_group_prefix: String = "sg:gateway";
        /// How long others wait before they take over from a process that fell silent.
        lease_ttl: Duration = "2s";
        /// How often a lease is renewed; at most half of `lease_ttl`.
        lease_renew: Duration = "500ms";
        /// Entries that one process holds between reading and finishing them.
        window_entries: usize = "1024", from 1 to 1000000;
        /// Bytes that one process holds between reading and finishing them.
        window_bytes: ByteSize = "64 MiB";
        /// A conversation that has been at one message for so long is reported as stuck, in readiness among others.
        stuck_after: Duration = "10m";
        /// When a step counts as done: `local`, when Redis has answered, or `replicated`, when one of its replicas has it too.
        durability: Durability = "local";
        /// How long a replica may take for that.
        replica_timeout: Duration = "1s";
        /// Unfinished messages that all inbound streams together may hold before new ones are refused.
        backlog: u64 = "100000", from 1000 to 100000000;
    }

    /// Starting.
    Boot = "boot" {
        /// Longest random pause before Redis is asked, so that many processes do not start in step.
        jitter: Duration = "2s";
    }

    /// Stopping.
    Shutdown = "shutdown" {
        /// How long running turns and sends may go on after a signal; what is left then stays pending for another process.
        drain: Duration = "20s";
    }

    /// Health and metrics: /healthz, /readyz, /metrics.
    HealthSettings = "health" {
        /// Address that they are served on.
        bind: IpAddr = "127.0.0.1";
        /// Port. Without one: 9090 (gateway) or 9091 (inference), or one of the next 20 where that is taken.
        port: Option<u16>;
    }

    /// Logs, on standard error.
    Log = "log" {
        /// How lines look.
        format: LogFormat = "pretty";
        /// What is logged: a level, or parts with levels like `info,bus=debug`.
        filter: String = "info";
    }

    /// The gateway.
    Gateway = "gateway" {
        /// Actions that are carried out at once.
        sends_max: usize = "64", from 1 to 10000;
        /// Events that are kept while Redis is away or a stream is full, and then written in their order; more are refused.
        buffer_entries: usize = "10000", from 1 to 10000000;
        /// Bytes of such events.
        buffer_bytes: ByteSize = "64 MiB";
    }

    /// Files that come with messages and go with answers, in a gateway.
    Media = "media" {
        /// Folder of the cache on disk, another one for each gateway. Without one: `media` in `CACHE_DIRECTORY` (systemd sets
        /// it), or `stargazer/media` among the user's caches (`XDG_CACHE_HOME`, else `~/.cache`).
        folder: Option<PathBuf>;
        /// Bytes of files that are kept on disk. Those go that were not used for longest; 0 B keeps none.
        disk_bytes: ByteSize = "500 MB";
        /// Bytes of files that are kept in memory.
        memory_bytes: ByteSize = "64 MiB";
        /// Longest file that is taken.
        file_bytes_max: ByteSize = "25 MiB";
        /// Bytes of files that a gateway puts into Redis in any hour, where each stays for one; further ones are refused.
        inbound_bytes_max: ByteSize = "256 MiB";
        /// Files that are fetched at once. Each may take three times its bytes of memory meanwhile.
        fetches_max: usize = "4", from 1 to 64;
        /// Files that wait to be fetched; further ones are refused.
        queue_entries: usize = "1024", from 1 to 100000;
        /// How long a connection to where a file is may take.
        connect_timeout: Duration = "5s";
        /// How long nothing may come from there.
        read_timeout: Duration = "10s";
        /// How long a file may take.
        total_timeout: Duration = "1m";
        /// Hosts (`files.example.org`) and networks (`10.0.0.0/8`) that files are fetched from although they are not on the
        /// public internet.
        allow: Vec<String>;
    }

    /// The worker.
    Inference = "inference" {
        /// Conversations that are answered at once by one worker.
        turns_max: usize = "256", from 1 to 100000;
        /// Times a turn may fail before its message becomes a dead letter.
        failures_max: u32 = "3", from 1 to 100;
        /// Times its worker may die while a turn runs before its message becomes a dead letter.
        deaths_max: u32 = "10", from 1 to 1000;
        /// Whether the answer to a message goes away when that is deleted.
        retract_deleted: bool = "false";
    } with rooms: Room;

    /// What is different in some rooms, or for some people. Of several blocks that apply the last one that says something counts.
    Room = "inference.rooms" {
        /// Where it applies, as in `access.allow`: `channel:discord:5`, `server:discord:3`, `platform:webchat`.
        applies_to: Vec<Subject>;
        /// Who the assistant is there, instead of `prompt.persona`.
        persona: Option<String>;
        /// The model that answers there, by its name at the endpoint.
        model: Option<String>;
        /// Words or phrases that call the assistant there wherever they stand in a message, beside what calls it anyway.
        triggers: Vec<String>;
    }

    /// Who is answered. What is not answered is remembered all the same, as what was said in the room. Lists name users, roles,
    /// channels (threads and private conversations as well), servers and whole platforms, by the name of the platform's block:
    /// `user:discord:123`, `role:discord:9`, `channel:discord:5`, `server:discord:3`, `platform:webchat`.
    Access = "access" {
        /// Whether nobody is answered but who is in `allow`.
        default_deny: bool = "false";
        /// Who is answered then.
        allow: Vec<Subject>;
        /// Who is never answered, even if allowed.
        deny: Vec<Subject>;
        /// Answers that one user gets in a minute, wherever they ask. What is beyond is told when to ask again. 0: no limit.
        user_per_minute: u32 = "0", from 0 to 100000;
        /// The same of all users of a server together.
        server_per_minute: u32 = "0", from 0 to 100000;
    }

    /// What users may ask of the assistant itself, where it would answer: a message that consists of the command.
    Commands = "commands" {
        /// What stands before the name.
        prefix: String = "/";
        /// The name of the command that forgets the conversation. Of this and the others: an empty name switches it off.
        new: String = "new";
        /// Ends the running answer.
        stop: String = "stop";
        /// Says which commands there are.
        help: String = "help";
        /// Says which model answers.
        model: String = "model";
        /// `forget me`: forgets what the user has said in the conversation.
        forget: String = "forget";
        /// Who may use `new` and `stop` where several talk, as in `access.allow`. Empty: everybody.
        rooms_for: Vec<Subject>;
    }

    /// The language model: any endpoint that speaks OpenAI's chat completions. Without one, a built-in echo answers.
    Model = "model" {
        /// The endpoint, up to and including its version: `http://127.0.0.1:11434/v1`.
        base_url: Option<String>;
        /// Its key, where it wants one.
        api_key: Option<SecretString>;
        /// The model's name, as the endpoint knows it.
        name: Option<String>;
        /// How long the first token may take.
        first_token_timeout: Duration = "60s";
        /// How long each further token may take.
        token_timeout: Duration = "30s";
        /// How long a whole answer may take.
        total_timeout: Duration = "10m";
        /// How long an answer may be; the rest is cut off, and the answer says so.
        reply_bytes_max: ByteSize = "128 KiB";
        /// Most tokens of an answer, sent as `max_tokens`.
        max_tokens: Option<u32>;
        /// Sent as `temperature`.
        temperature: Option<f32>;
    }

    /// The system prompt, a Jinja template. It knows `persona`, `platform`, `room`, `is_dm`, `user`, `people` (each with `name` and
    /// `id`) and `now`. A change of it, or of its files, is taken without a start.
    Prompt = "prompt" {
        /// The template.
        system: String = "You are a helpful assistant in a chat{% if not is_dm %} room{% endif %}. Answer in the language you are asked in, and use Markdown where it helps.{% if persona %} {{ persona }}{% endif %}";
        /// A file that holds the template, instead of `system`. It may include others of its folder.
        system_file: Option<PathBuf>;
        /// Who the assistant is, in words: `You are Ferris, a crab that helps with Rust.`
        persona: Option<String>;
    }

    /// What is remembered of a conversation.
    History = "history" {
        /// Messages kept for each conversation, and sent to the model.
        messages: u32 = "100", from 0 to 10000;
        /// Bytes of each message that are kept.
        message_bytes: ByteSize = "32 KiB";
        /// How long a conversation is remembered after its last message.
        ttl: Duration = "90days";
    }

    /// A chat page that the gateway serves itself.
    WebChat = "platform.webchat" {
        /// Address and port of the page. To serve others than this machine, put a proxy with TLS before it.
        addr: SocketAddr = "127.0.0.1:8080";
        /// Path that the page lives under, like `/chat`, when a proxy serves it there.
        base_path: String = "";
        /// Addresses or networks of proxies whose `X-Forwarded-*` headers are believed.
        trusted_proxies: Vec<IpNet>;
        /// Mark the visitor's cookie `Secure`: browsers then send it by https only.
        secure_cookie: bool = "false";
        /// Further origins (`https://chat.example.org`) that may open the socket.
        allowed_origins: Vec<String>;
        /// Longest message of a visitor.
        text_max: ByteSize = "16 KiB";
        /// Largest file of a visitor. 0: none are taken.
        file_bytes_max: ByteSize = "4 MiB";
        /// Bytes of all files that are kept for the page, in Redis. The oldest go first. An equal part of it is each shard's, and a
        /// file may have an eighth of that at most, so that those of one message have room.
        files_bytes: ByteSize = "512 MiB";
        /// How long a file is kept for the page.
        files_ttl: Duration = "7days";
        /// Chats that a visitor may have.
        chats_max: usize = "200", from 1 to 10000;
        /// Messages that a visitor may send in a minute.
        messages_per_minute: u32 = "30", from 1 to 100000;
        /// Sockets that this gateway keeps open at once.
        sockets_max: usize = "10000", from 1 to 1000000;
    }

    /// A bot on Discord; docs/discord.md says how to make one.
    Discord = "platform.discord" {
        /// The bot's token.
        token: Option<SecretString>;
        /// Words or phrases that address the bot wherever they stand in a message, beside its mention.
        triggers: Vec<String>;
        /// Whether messages of other bots and of webhooks are taken. Two bots that answer each other do not stop.
        answer_bots: bool = "false";
        /// Ask for the text of all messages, a privileged intent that is turned on at the application's page. Without it there is
        /// text in what mentions the bot or is said to it in private, and nowhere else.
        message_content: bool = "true";
        /// How old a message may be that came while the bot was not connected, and is read and answered when it is again.
        gap_age: Duration = "15m";
        /// How many of them are read in one channel, the latest ones. 0: what came meanwhile is not read.
        gap_messages: usize = "100", from 0 to 1000;
        /// Where Discord's HTTP API is: another place than Discord for a proxy or a test.
        api_url: String = "https://discord.com";
        /// Where its gateway is (`wss://...`). Without one, where the API says.
        gateway_url: Option<String>;
    } with commands: DiscordCommand;

    /// Slash commands, one block each. They become all that the bot has at Discord; without any, nothing is changed there.
    DiscordCommand = "platform.discord.commands" {
        /// What is typed behind the slash.
        name: String = "";
        /// What Discord shows beside it.
        description: String = "";
        /// The name of its text. Without one it takes none, and the bot is asked `/name`.
        option: Option<String>;
        /// What Discord shows beside that.
        option_description: String = "What to say";
        /// Whether the text has to be given.
        option_required: bool = "true";
    }
}
