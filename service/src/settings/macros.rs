//! The description of a section: a typed struct, its reader and its documentation from one table.

use super::{
    problem::Problem,
    source::{Source, Written},
    value::Setting,
};

/// A list of blocks in a section, as the documented file shows it.
#[derive(Debug, Clone, Copy)]
pub(super) struct List {
    pub(super) path: &'static str,
    pub(super) doc: &'static [&'static str],
    pub(super) keys: &'static [Key],
}

/// One key, as the documented file shows it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Key {
    pub(super) name: &'static str,
    /// As it would be written; empty when there is no default.
    pub(super) default: &'static str,
    pub(super) shape: &'static str,
    pub(super) is_secret: bool,
    pub(super) is_list: bool,
    pub(super) doc: &'static [&'static str],
}

/// Reads one key under `prefix`: what was written, or its default.
pub(super) fn read_key<T: Setting>(
    source: &mut Source,
    problems: &mut Vec<Problem>,
    prefix: &str,
    name: &str,
    default: &str,
    range: Option<(f64, f64)>,
) -> Option<T> {
    let key = format!("{prefix}.{name}");
    let mut written = source.take(&key);
    if T::IS_SECRET
        && let Some((Written::Text(path), place)) = source.take(&format!("{key}_file"))
    {
        if written.is_some() {
            problems.push(Problem::new(&key, format!("and {key}_file are both set; keep one")));
        }
        match std::fs::read_to_string(&path) {
            Ok(text) => written = Some((Written::Text(text.trim_end().to_owned()), place)),
            Err(error) => {
                problems.push(Problem::new(format!("{key}_file"), format!("`{path}` cannot be read: {error}")));
            }
        }
    }
    let (written, place) = written.unwrap_or_else(|| (Written::Text(default.to_owned()), "the default".into()));
    if let (Some((least, most)), Written::Text(text)) = (range, &written)
        && let Ok(number) = text.trim().parse::<f64>()
        && !(least..=most).contains(&number)
    {
        problems.push(Problem::new(key, format!("is {text} ({place}), but has to be from {least} to {most}")));
        return None;
    }
    match T::read(&written) {
        Ok(value) => Some(value),
        Err(message) => {
            // A secret is never shown, not even a wrong one.
            let message = if T::IS_SECRET { "cannot be used".to_owned() } else { message };
            problems.push(Problem::new(key, format!("{message} ({place})")));
            None
        }
    }
}

/// Reads the blocks of a list, in the order of their numbers: `[[prefix.name]]` in the file, `PREFIX__NAME__0__KEY` in the
/// environment.
pub(super) fn read_list<T>(
    source: &mut Source,
    problems: &mut Vec<Problem>,
    prefix: &str,
    name: &str,
    read: impl Fn(&str, &mut Source, &mut Vec<Problem>) -> T,
) -> Vec<T> {
    let list = format!("{prefix}.{name}");
    let is_none = |written: &Written| matches!(written, Written::List(items) if items.is_empty());
    if let Some((written, place)) = source.take(&list)
        && !is_none(&written)
    {
        problems.push(Problem::new(&list, format!("is a plain value ({place}), but has to be blocks of [[{list}]]")));
    }
    let mut numbers: Vec<u32> = source.names_under(&list).iter().filter_map(|number| number.parse().ok()).collect();
    numbers.sort_unstable();
    numbers.into_iter().map(|number| read(&format!("{list}.{number}"), source, problems)).collect()
}

/// The default of a key, which stands in for what could not be read so that the rest is checked too. A test reads every
/// default, so the compiler's complaint that this might fail is answered there.
#[expect(clippy::panic, reason = "a default that does not parse cannot pass the tests")]
pub(super) fn fallback<T: Setting>(default: &str) -> T {
    match T::read(&Written::Text(default.to_owned())) {
        Ok(value) => value,
        Err(message) => panic!("a default {message}"),
    }
}

/// Declares sections. A key without a default is an `Option`. A section may have a list of blocks, each a section of its own.
macro_rules! sections {
    ($(
        $(#[doc = $section_doc:literal])+
        $section:ident = $path:literal {
            $(
                $(#[doc = $doc:literal])+
                $name:ident: $type:ty $(= $default:literal)? $(, from $least:literal to $most:literal)?;
            )+
        } $(with $list:ident: $item:ident;)?
    )+) => {$(
        $(#[doc = $section_doc])+
        #[derive(Debug, Clone)]
        pub struct $section {
            $( $(#[doc = $doc])+ pub $name: $type, )+
            $( /// The blocks of this list, in their order.
            pub $list: Vec<$item>, )?
        }

        impl $section {
            pub(super) const DOC: &'static [&'static str] = &[$($section_doc),+];
            pub(super) const PATH: &'static str = $path;
            pub(super) const KEYS: &'static [$crate::settings::macros::Key] = &[$(
                $crate::settings::macros::Key {
                    name: stringify!($name),
                    default: sections!(@text $($default)?),
                    shape: <$type as $crate::settings::value::Setting>::SHAPE,
                    is_secret: <$type as $crate::settings::value::Setting>::IS_SECRET,
                    is_list: sections!(@is_list $type),
                    doc: &[$($doc),+],
                },
            )+];

            $( pub(super) const LIST: $crate::settings::macros::List = $crate::settings::macros::List {
                path: <$item>::PATH,
                doc: <$item>::DOC,
                keys: <$item>::KEYS,
            }; )?

            /// What cannot be read is reported and takes its default, so that the rest is still checked.
            pub(super) fn read(
                path: &str,
                source: &mut $crate::settings::Source,
                problems: &mut Vec<$crate::settings::Problem>,
            ) -> Self {
                use $crate::settings::macros::{fallback, read_key};
                Self {$(
                    $name: read_key(
                        source, problems, path, stringify!($name), sections!(@text $($default)?),
                        sections!(@range $($least, $most)?),
                    )
                    .unwrap_or_else(|| fallback::<$type>(sections!(@text $($default)?))),
                )+
                $( $list: $crate::settings::macros::read_list(
                    source, problems, path, stringify!($list), $item::read,
                ), )?
                }
            }
        }
    )+};
    (@text) => { "" };
    (@text $default:literal) => { $default };
    (@range) => { None };
    (@range $least:literal, $most:literal) => { Some(($least as f64, $most as f64)) };
    (@is_list Vec<$inner:ty>) => { true };
    (@is_list $other:ty) => { false };
}

pub(super) use sections;
