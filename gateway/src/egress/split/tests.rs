//! Texts as models write them, wild ones, and what a reader of Markdown sees of the parts.

use proptest::prelude::*;
use pulldown_cmark::{Event, Options, Parser};

use super::*;

const LIMITS: Limits = Limits { text: 256, count: Count::Utf16, parts: 1000 };

/// The messages of a whole text.
fn messages(text: &str) -> Vec<String> {
    split(text, &LIMITS, true).texts(Rest::Cut).into_iter().map(Cow::into_owned).collect()
}

fn lines(count: usize, line: impl Fn(usize) -> String) -> String {
    (0..count).map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_text_that_fits_is_one_message_as_it_is() {
    assert_eq!(messages("A *short* text with an * in it."), ["A *short* text with an * in it."]);
    assert!(messages(" \n\n ").is_empty(), "nobody would see it");
}

#[test]
fn paragraphs_stay_whole_where_they_fit() {
    let (one, two) = ("one ".repeat(40), "two ".repeat(40));
    assert_eq!(messages(&format!("{one}\n\n{two}")), [one.trim_end(), &two]);
}

#[test]
fn a_fence_is_closed_and_opened_again() {
    let code = lines(16, |line| format!("    call(\"line {line}\");"));
    let parts = messages(&format!("Try this:\n\n```rust\n{code}\n```\n\nThat is all."));
    assert_eq!(parts.len(), 2, "{parts:#?}");
    assert!(parts[0].starts_with("Try this:\n\n```rust\n") && parts[0].ends_with(");\n```"), "{}", parts[0]);
    assert!(parts[1].starts_with("```rust\n    call(\"line 10\");\n"), "{}", parts[1]);
    assert!(parts[1].ends_with(");\n```\n\nThat is all."), "{}", parts[1]);
}

#[test]
fn a_list_is_cut_between_its_items() {
    let items = lines(20, |item| format!("- item {item} of the list"));
    let parts = messages(&items);
    assert!(parts.len() > 1 && parts.iter().all(|part| part.starts_with("- ")), "{parts:#?}");
    assert_eq!(parts.join("\n"), items);
}

#[test]
fn a_quote_goes_on_as_one() {
    let parts = messages(&format!("> {}", "word ".repeat(80)));
    assert!(parts.len() > 1 && parts.iter().all(|part| part.starts_with("> word")), "{parts:#?}");
}

#[test]
fn emphasis_goes_on() {
    let parts = messages(&format!("**{}**", "word ".repeat(80).trim_end()));
    assert!(parts.len() > 1 && parts.iter().all(|part| part.starts_with("**word")), "{parts:#?}");
    assert!(parts.iter().all(|part| part.ends_with("word**")), "{parts:#?}");
}

#[test]
fn a_link_is_kept_whole() {
    let link = "[the page that says it all](https://example.org/a/rather/long/way/to/go)";
    let parts = messages(&format!("{}{link} and more", "word ".repeat(40)));
    assert!(parts.len() == 2 && parts[1].starts_with(link), "{parts:#?}");
}

#[test]
fn a_growing_text_is_healed() {
    let shown = |text: &str| first_part(text, &LIMITS).map(|part| part.text().into_owned());
    assert_eq!(shown("It is **ver").as_deref(), Some("It is **ver**"));
    assert_eq!(shown("See:\n```rust\nfn main").as_deref(), Some("See:\n```rust\nfn main\n```"));
    assert_eq!(shown("\n").as_deref(), None);
    let long = "a word of ".repeat(40);
    assert_eq!(shown(&long), shown(&long.repeat(2)), "a finished part changes no more");
}

#[test]
fn what_follows_the_last_part_that_may_be_is_told() {
    let limits = Limits { parts: 2, ..LIMITS };
    let text = "word ".repeat(200);
    let split = split(&text, &limits, true);
    let texts = split.texts(Rest::Cut);
    assert_eq!(texts.len(), 2);
    let notice = format!("word\n\n[cut here: {} more characters]", split.rest.trim().len());
    assert!(texts[1].ends_with(&notice), "{}", texts[1]);
    let told = texts[0].len() + 1 + texts[1].len() - notice.len() + "word".len() + 1 + split.rest.len();
    assert_eq!(told, text.len());
    // One that just fits needs none.
    let text = "word ".repeat(80);
    assert!(!super::split(&text, &limits, true).texts(Rest::Cut)[1].contains("[cut"), "it is whole");
}

/// What a reader sees, without white space.
fn seen(markdown: &str) -> String {
    let mut seen = String::new();
    for event in Parser::new_ext(markdown, Options::ENABLE_STRIKETHROUGH) {
        if let Event::Text(text) | Event::Code(text) | Event::Html(text) | Event::InlineHtml(text) = event {
            seen.extend(text.chars().filter(|c| !c.is_whitespace()));
        }
    }
    seen
}

/// Parts are within the limits, and follow each other without a gap.
fn check(text: &str, limits: &Limits, is_whole: bool) {
    let split = split(text, limits, is_whole);
    let mut at = 0;
    for part in &split.parts {
        assert!(!part.body.trim().is_empty());
        assert_eq!(part.place.start, at);
        let place = &text[part.place.clone()];
        let around = place.find(part.body).map(|from| [&place[..from], &place[from + part.body.len()..]].concat());
        assert!(around.is_some_and(|around| around.trim().is_empty()), "{part:?} of {place:?}");
        at = part.place.end;
    }
    for text in split.texts(Rest::Cut) {
        assert!(limits.count.len(&text) <= limits.text, "too long: {text:?}");
    }
    assert!(text[at..].trim().is_empty() || split.rest == &text[at..], "{:?} and {:?}", split.rest, &text[at..]);
    assert!(split.rest.is_empty() || split.parts.len() == limits.parts);
}

fn word() -> impl Strategy<Value = String> {
    prop_oneof![
        8 => "[a-zäß]{1,9}[.,]?",
        1 => Just("👩‍👩‍👧‍👦".to_owned()),
        1 => "[*_~`|\\[\\]()>#\\\\]{1,4}[a-z]{0,4}",
        1 => "https://[a-z]{3,30}\\.example/[a-z/]{1,40}",
    ]
}

fn wild() -> impl Strategy<Value = String> {
    let line = prop_oneof![
        6 => prop::collection::vec(word(), 0..30).prop_map(|words| words.join(" ")),
        1 => "[ >]{0,4}(```|~~~|````)(rust)?",
        1 => "(- |1\\. |> |> > |# )[a-z ]{1,40}",
        1 => Just(String::new()),
        1 => "[a-z]{300,700}",
        1 => "\\PC{0,60}",
    ];
    prop::collection::vec(line, 0..40).prop_map(|lines| lines.join("\n"))
}

/// As a model writes it: everything that is opened is closed.
fn tidy() -> impl Strategy<Value = String> {
    let plain = "[a-z]{1,9}";
    let several = || prop::collection::vec(plain, 1..20).prop_map(|words| words.join(" "));
    let inline = prop_oneof![
        6 => plain.prop_map(String::from),
        1 => several().prop_map(|words| format!("**{words}**")),
        1 => several().prop_map(|words| format!("*{words}*")),
        1 => several().prop_map(|words| format!("~~{words}~~")),
        1 => several().prop_map(|words| format!("`{words}`")),
        1 => (plain, plain).prop_map(|(text, address)| format!("[{text}](https://{address}.example)")),
    ];
    let code = prop::collection::vec("[a-z (){};]{0,60}", 1..30);
    let items = || prop::collection::vec("[a-z]{1,9}( [a-z]{1,9}){0,20}", 1..12);
    let block = prop_oneof![
        4 => prop::collection::vec(inline, 1..60).prop_map(|words| words.join(" ")),
        1 => code.prop_map(|lines| format!("```rust\n{}\n```", lines.join("\n"))),
        1 => items().prop_map(|items| format!("- {}", items.join("\n- "))),
        1 => items().prop_map(|lines| format!("> {}", lines.join("\n> "))),
    ];
    prop::collection::vec(block, 0..12).prop_map(|blocks| blocks.join("\n\n"))
}

fn limits() -> impl Strategy<Value = Limits> {
    let count = prop_oneof![Just(Count::Chars), Just(Count::Utf16), Just(Count::Bytes)];
    (256_usize..600, count, prop_oneof![3 => Just(1000_usize), 1 => 1_usize..4])
        .prop_map(|(text, count, parts)| Limits { text, count, parts })
}

/// About a hundred, for unoptimized builds; two fifths of `PROPTEST_CASES` where that is set.
fn cases() -> ProptestConfig {
    let usual = ProptestConfig::default();
    ProptestConfig { cases: (usual.cases * 2).div_ceil(5), ..usual }
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn parts_fit_and_are_the_text(text in wild(), limits in limits(), is_whole: bool) {
        check(&text, &limits, is_whole);
    }

    #[test]
    fn a_reader_sees_the_same(text in tidy(), limits in limits()) {
        let limits = Limits { parts: 1000, ..limits };
        check(&text, &limits, true);
        let parts = split(&text, &limits, true).texts(Rest::Cut);
        let together: String = parts.iter().map(|part| seen(part)).collect();
        prop_assert_eq!(together, seen(&text), "{:#?}", parts);
    }

    #[test]
    fn what_is_finished_stays(text in prop_oneof![wild(), tidy()], limits in limits(), at: prop::sample::Index) {
        let at = text.floor_char_boundary(at.index(text.len() + 1));
        let (early, late) = (split(&text[..at], &limits, false), split(&text, &limits, true));
        let finished = early.parts.len().saturating_sub(1);
        let texts = |split: &Split<'_>| split.parts.iter().take(finished).map(|part| part.text().into_owned()).collect::<Vec<_>>();
        prop_assert_eq!(texts(&early), texts(&late));
        // What is shown while it grows is the first of them.
        if finished > 0 {
            let first = first_part(&text[..at], &limits).map(|part| part.text().into_owned());
            prop_assert_eq!(first, texts(&late).first().cloned());
        }
    }

    #[test]
    fn no_part_is_small(text in wild(), limits in limits()) {
        // Each takes a good part of what is left, so that all of them take time in proportion to the text.
        for part in split(&text, &limits, true).parts.iter().rev().skip(1) {
            prop_assert!(limits.count.len(&text[part.place.clone()]) >= 20, "{:?}", part);
        }
    }
}
