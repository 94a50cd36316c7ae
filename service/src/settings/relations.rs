//! Rules between settings, and of settings with the wire.

use bytesize::ByteSize;
use secrecy::{ExposeSecret, SecretString};

use super::{PlatformKind, Problem, Settings, slash};
use crate::telemetry::filter_fault;

/// A text on the wire has 256 KiB at most; what we add to one (why it was cut) needs a little of that.
const TEXT_MAX: ByteSize = ByteSize::kib(240);
/// What one record holds on the wire.
const FILE_MAX: ByteSize = ByteSize::mib(32);
const TEXT_RULE: &str = "has to be at most 240 KiB, so that it fits an envelope";

pub(super) fn check(settings: &Settings, problems: &mut Vec<Problem>) {
    let mut rule = |holds: bool, place: &str, message: &str| {
        if !holds {
            problems.push(Problem::new(place, message));
        }
    };
    if let Some(fault) = filter_fault(&settings.log.filter) {
        rule(false, "log.filter", &format!("is no filter: {fault}; write a level like `info`, or `info,bus=debug`"));
    }
    let (bus, model, prompt) = (&settings.bus, &settings.model, &settings.prompt);
    rule(bus.shards.is_power_of_two(), "bus.shards", "has to be a power of two");
    rule(bus.lease_renew * 2 <= bus.lease_ttl, "bus.lease_renew", "has to be at most half of bus.lease_ttl");
    rule(!bus.lease_renew.is_zero(), "bus.lease_renew", "has to be more than nothing");
    rule(
        bus.window_bytes >= ByteSize::mib(1),
        "bus.window_bytes",
        "has to be at least 1 MiB, or nothing could be read",
    );
    rule(
        !bus.replica_timeout.is_zero(),
        "bus.replica_timeout",
        "has to be more than nothing, which would mean for ever",
    );
    if let Err(fault) = ::bus::check_url(settings.redis_url()) {
        rule(false, "redis.url", &fault.to_string());
    }
    rule(
        model.first_token_timeout <= model.total_timeout && model.token_timeout <= model.total_timeout,
        "model.total_timeout",
        "has to be at least model.first_token_timeout and model.token_timeout",
    );
    rule(
        model.base_url.as_ref().is_none_or(|url| url.starts_with("http://") || url.starts_with("https://")),
        "model.base_url",
        "has to begin with http:// or https://",
    );
    rule(
        model.base_url.is_none() || model.name.is_some(),
        "model.name",
        "has to be set when model.base_url is (SG_MODEL_NAME)",
    );
    rule(
        model.base_url.is_some() || model.name.is_none(),
        "model.base_url",
        "has to be set when model.name is (SG_MODEL_BASE_URL)",
    );
    rule(
        prompt.system_file.as_ref().is_none_or(|file| file.is_file()),
        "prompt.system_file",
        "names a file that is not there",
    );
    rule(model.reply_bytes_max <= TEXT_MAX, "model.reply_bytes_max", TEXT_RULE);
    rule(settings.history.message_bytes <= TEXT_MAX, "history.message_bytes", TEXT_RULE);
    let media = &settings.media;
    rule(
        media.file_bytes_max <= FILE_MAX.min(media.inbound_bytes_max),
        "media.file_bytes_max",
        "has to be at most 32 MiB and media.inbound_bytes_max",
    );
    rule(
        media.connect_timeout <= media.total_timeout && media.read_timeout <= media.total_timeout,
        "media.total_timeout",
        "has to be at least media.connect_timeout and media.read_timeout",
    );
    for platform in &settings.platforms {
        let key = |key: &str| format!("platform.{}.{key}", platform.name);
        match &platform.kind {
            PlatformKind::WebChat(webchat) => {
                rule(webchat.text_max <= TEXT_MAX, &key("text_max"), TEXT_RULE);
                rule(
                    is_path(&webchat.base_path),
                    &key("base_path"),
                    "has to be empty, or begin with / and not end with one, like /chat, of letters, digits and / - _ . ~",
                );
            }
            PlatformKind::Discord(discord) => {
                rule(is_token(discord.token.as_ref()), &key("token"), TOKEN_RULE);
                let is_api = ["https://", "http://"].iter().any(|scheme| discord.api_url.starts_with(scheme));
                rule(is_api, &key("api_url"), "has to begin with https:// or http://");
                let is_gateway = |url: &String| ["wss://", "ws://"].iter().any(|scheme| url.starts_with(scheme));
                let gateway = discord.gateway_url.as_ref();
                rule(gateway.is_none_or(is_gateway), &key("gateway_url"), "has to begin with wss:// or ws://");
                slash::check(&discord.commands, &key("commands"), &mut rule);
            }
        }
    }
}

const TOKEN_RULE: &str = "has to be the bot's token (or token_file its file): at discord.com/developers/applications the page Bot of \
                          your application shows it after `Reset Token`; it is none of the other secrets there, and has no spaces";

/// Whether it can be sent as one.
fn is_token(token: Option<&SecretString>) -> bool {
    token.is_some_and(|token| {
        let token = token.expose_secret();
        !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic())
    })
}

fn is_path(path: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'-' | b'_' | b'.' | b'~');
    path.is_empty()
        || (path.starts_with('/') && !path.ends_with('/') && !path.contains("//") && path.bytes().all(is_plain))
}
