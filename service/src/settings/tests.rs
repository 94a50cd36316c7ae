//! Settings as people write them, right and wrong.

use std::{collections::BTreeMap, time::Duration};

use secrecy::ExposeSecret;

use super::{Document, PlatformKind, Settings, Source};

fn read(file: &str, environment: &[(&str, &str)]) -> Result<Settings, Vec<String>> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("stargazer.toml");
    std::fs::write(&path, file).unwrap();
    let environment: BTreeMap<String, String> =
        environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Settings::read(Source::new(Some(&path), &environment))
        .map_err(|problems| problems.iter().map(ToString::to_string).collect())
}

#[test]
fn nothing_set_is_everything_default() {
    let settings = read("", &[]).unwrap();
    assert_eq!(settings.bus.shards, 16);
    assert_eq!(settings.bus.lease_ttl, Duration::from_secs(2));
    assert!(settings.model.base_url.is_none());
    let [platform] = settings.platforms.as_slice() else { panic!("webchat alone") };
    let PlatformKind::WebChat(webchat) = &platform.kind else { panic!("webchat alone") };
    assert_eq!((platform.name.as_str(), webchat.addr.port()), ("webchat", 8080));
}

#[test]
fn the_environment_goes_over_the_file() {
    let file =
        "[bus]\nshards = 8\nlease_ttl = \"4s\"\n[platform.webchat]\ntrusted_proxies = [\"10.0.0.0/8\", \"::1\"]\n";
    let settings = read(file, &[("SG_BUS__SHARDS", "4"), ("SG_WEBCHAT_ADDR", "127.0.0.1:9000")]).unwrap();
    assert_eq!((settings.bus.shards, settings.bus.lease_ttl), (4, Duration::from_secs(4)));
    let PlatformKind::WebChat(webchat) = &settings.platforms[0].kind else { panic!("webchat alone") };
    assert_eq!((webchat.addr.port(), webchat.trusted_proxies.len()), (9000, 2));
}

#[test]
fn every_problem_is_reported_at_once() {
    let file = "[bus]\nshards = 12\nleasettl = 3\n[model]\nname = \"x\"\n[platform.irc]\nenabled = true\n";
    let problems = read(file, &[("SG_LOG__FORMAT", "xml"), ("SG_REDIS_ULR", "x"), ("SG_BUS__SHARD", "1")]).unwrap_err();
    let all = problems.join("\n");
    for expected in [
        "bus.shards: has to be a power of two",
        "`bus.leasettl` is no known key; did you mean `bus.lease_ttl`?",
        "model.base_url: has to be set when model.name is",
        "platform.irc.type: is `irc`; this version has the types webchat, discord",
        "log.format: is `xml`, but has to be `pretty` or `json` (SG_LOG__FORMAT)",
        "SG_REDIS_ULR: is no known variable; did you mean `SG_REDIS_URL`?",
        "SG_BUS__SHARD: `bus.shard` is no known key; did you mean `bus.shards`?",
    ] {
        assert!(all.contains(expected), "missing {expected:?} in\n{all}");
    }
}

#[test]
fn a_short_and_a_long_name_may_agree_but_not_differ() {
    let both = |url| read("", &[("SG_REDIS_URL", "redis://a"), ("SG_REDIS__URL", url)]);
    assert_eq!(both("redis://a").unwrap().redis.url.expose_secret(), "redis://a");
    assert!(both("redis://b").unwrap_err()[0].contains("both set `redis.url`"));
}

#[test]
fn files_are_kept_where_caches_belong() {
    let folder = |environment: &[(&str, &str)]| read("", environment).unwrap().media.folder;
    let (home, caches) = (("HOME", "/u"), ("XDG_CACHE_HOME", "/c"));
    assert_eq!(folder(&[]), None);
    assert_eq!(folder(&[home]), Some("/u/.cache/stargazer/media".into()));
    assert_eq!(folder(&[home, caches]), Some("/c/stargazer/media".into()));
    assert_eq!(folder(&[home, ("XDG_CACHE_HOME", "c")]), Some("/u/.cache/stargazer/media".into()));
    assert_eq!(folder(&[home, caches, ("CACHE_DIRECTORY", "/s:/t")]), Some("/s/media".into()));
    assert_eq!(folder(&[home, ("SG_MEDIA__FOLDER", "/m")]), Some("/m".into()));
}

#[test]
fn secrets_come_from_files_and_are_never_shown() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    std::fs::write(&path, "s3cret\n").unwrap();
    let file = format!("[model]\nbase_url = \"http://localhost/v1\"\nname = \"m\"\napi_key_file = {path:?}\n");
    let settings = read(&file, &[]).unwrap();
    assert_eq!(settings.model.api_key.as_ref().unwrap().expose_secret(), "s3cret");
    assert!(!format!("{settings:?}").contains("s3cret"));
    assert!(read("[model]\napi_key_file = \"/nonexistent\"\n", &[]).unwrap_err()[0].contains("cannot be read"));
}

#[test]
fn an_openrouter_key_alone_selects_openrouter() {
    let model = read("", &[("OPENROUTER_API_KEY", "k")]).unwrap().model;
    assert_eq!(model.base_url.as_deref(), Some("https://openrouter.ai/api/v1"));
    assert_eq!(model.api_key.unwrap().expose_secret(), "k");
    let own = [("OPENROUTER_API_KEY", "k"), ("SG_MODEL_BASE_URL", "http://localhost/v1"), ("SG_MODEL_NAME", "m")];
    assert!(read("", &own).unwrap().model.api_key.is_none(), "a key is not sent to another host");
}

#[test]
fn a_broken_file_says_where() {
    let problems = read("[bus\nshards = 1", &[]).unwrap_err();
    assert!(problems[0].contains("line 1"), "{problems:?}");
}

#[test]
fn the_documented_file_is_valid_and_changes_nothing() {
    let text = Document.to_string();
    let uncommented: String = (text.lines())
        .map(|line| match line.strip_prefix('#') {
            Some(key) if key.starts_with(|c: char| c.is_ascii_lowercase()) && key.contains(" = ") => key,
            _ => line,
        })
        .flat_map(|line| [line, "\n"])
        .collect();
    // A bot is one only with a token.
    let (before, discord) = uncommented.split_once("[platform.discord]").unwrap();
    let uncommented = format!("{before}[platform.discord]{}", discord.replacen("enabled = true", "enabled = false", 1));
    let (plain, printed) = (read("", &[]).unwrap(), read(&text, &[]).unwrap());
    let written = read(&uncommented, &[]).unwrap();
    assert_eq!(format!("{plain:?}"), format!("{written:?}"));
    assert_eq!(format!("{plain:?}"), format!("{printed:?}"));
    let token = [("SG_PLATFORM__DISCORD__TOKEN", "abc.def.ghi")];
    assert_eq!(read(&text, &token).unwrap().platforms.len(), 2, "nor does it switch anything off");
}

/// To bring the page up to date: `UPDATE_DOCS=1 cargo test -p service`.
#[test]
fn the_page_shows_the_file() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/configuration.md");
    let page = std::fs::read_to_string(path).unwrap();
    let (before, rest) = page.split_once("```toml\n").unwrap();
    let (_, after) = rest.split_once("```").unwrap();
    let expected = format!("{before}```toml\n{Document}```{after}");
    if option_env!("UPDATE_DOCS").is_some() {
        std::fs::write(path, &expected).unwrap();
    }
    assert!(page == expected, "docs/configuration.md does not show `stargazer config default`");
}

#[test]
fn a_discord_block_needs_a_token_that_can_be_sent() {
    let file = |token: &str| format!("[platform.support]\ntype = \"discord\"\ntoken = \"{token}\"\n");
    let settings = read(&file("abc.def.ghi"), &[("SG_PLATFORM__SUPPORT__TRIGGERS", "hey crab, !ask")]).unwrap();
    let [support, _] = settings.platforms.as_slice() else { panic!("two platforms") };
    let PlatformKind::Discord(discord) = &support.kind else { panic!("{support:?}") };
    assert_eq!(
        (support.name.as_str(), discord.triggers.as_slice()),
        ("support", &["hey crab".into(), "!ask".into()][..])
    );
    for bad in ["", "two words"] {
        let problems = read(&file(bad), &[]).unwrap_err();
        assert!(problems[0].starts_with("platform.support.token: has to be the bot's token"), "{problems:?}");
    }
    let more = [("SG_PLATFORM__SUPPORT__API_URL", "discord.com"), ("SG_PLATFORM__SUPPORT__GATEWAY_URL", "http://x")];
    assert_eq!(read(&file("t"), &more).unwrap_err().len(), 2);
}

#[test]
fn commands_are_blocks_in_the_file_and_numbers_in_the_environment() {
    let file = "[platform.discord]\ntoken = \"t\"\n[[platform.discord.commands]]\nname = \"ask\"\ndescription = \"Asks.\"\n\
                option = \"text\"\n[[platform.discord.commands]]\nname = \"joke\"\ndescription = \"Tells one.\"\n";
    let commands = |environment: &[(&str, &str)]| {
        let settings = read(file, environment)?;
        let found = settings.platforms.into_iter().find_map(|platform| match platform.kind {
            PlatformKind::Discord(discord) => Some(discord.commands),
            PlatformKind::WebChat(_) => None,
        });
        Ok::<_, Vec<String>>(found.unwrap())
    };
    let two = commands(&[]).unwrap();
    let told: Vec<_> = two.iter().map(|one| (one.name.as_str(), one.option.as_deref(), one.option_required)).collect();
    assert_eq!(told, [("ask", Some("text"), true), ("joke", None, true)]);
    let third = [
        ("SG_PLATFORM__DISCORD__COMMANDS__10__NAME", "song"),
        ("SG_PLATFORM__DISCORD__COMMANDS__10__DESCRIPTION", "Sings"),
    ];
    let more = [third[0], third[1], ("SG_PLATFORM__DISCORD__COMMANDS__1__NAME", "pun")];
    let names: Vec<String> = commands(&more).unwrap().into_iter().map(|one| one.name).collect();
    assert_eq!(names, ["ask", "pun", "song"]);
    for (key, value, problem) in [
        ("0__NAME", "Ask", "platform.discord.commands.0.name: has to be 1 to 32 small letters"),
        ("1__NAME", "ask", "platform.discord.commands.1.name: has to be another one"),
        ("2__NAME", "x", "platform.discord.commands.2.description: has to have 1 to 100 characters"),
        ("0__OPTION", "a b", "platform.discord.commands.0.option: has to be 1 to 32 small letters"),
        ("0__OPTIONS", "x", "did you mean `platform.discord.commands.0.option`?"),
    ] {
        let problems = commands(&[(&format!("SG_PLATFORM__DISCORD__COMMANDS__{key}"), value)]).unwrap_err();
        assert!(problems.len() == 1 && problems[0].contains(problem), "{key}: {problems:?}");
    }
    let plain = "[platform.discord]\ntoken = \"t\"\ncommands = [\"ask\"]\n";
    assert!(read(plain, &[]).unwrap_err()[0].contains("has to be blocks of [[platform.discord.commands]]"));
    assert!(read(&plain.replace("\"ask\"", ""), &[]).is_ok());
}
