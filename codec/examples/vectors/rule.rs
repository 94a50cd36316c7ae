//! The rule of `docs/wire.md`, "How it may change", as a comparison of two schemas: the kept one and another.

use std::fmt::{Debug, Display};

use crate::snapshot::{FieldEntry, MapEntry, Schema};

/// Each way in which `today` breaks what `kept` promises: what, by which rule, and what to do.
pub(crate) fn broken(kept: &Schema, today: &Schema) -> Vec<String> {
    let mut broken = Vec::new();
    for (name, kept) in &kept.limits {
        match today.limits.get(name) {
            Some(today) => not_lowered(&format!("limits::{name}"), "at most", Some(*kept), Some(*today), &mut broken),
            None => broken.push(format!("limits::{name}: no limit is taken out of sight. Put it back.")),
        }
    }
    for map in &kept.maps {
        let name = &map.name;
        match today.map(name) {
            Some(today) => in_map(map, today, &mut broken),
            None => broken.push(format!("{name}: no map is removed. Put it back.")),
        }
    }
    broken
}

/// `kept` with what `today` has beyond it, and a line for each such thing. Nothing that is kept is lost.
///
/// # Errors
/// What [`broken`] finds.
pub(crate) fn grown(kept: &Schema, today: &Schema) -> Result<(Schema, Vec<String>), Vec<String>> {
    let broken = broken(kept, today);
    if !broken.is_empty() {
        return Err(broken);
    }
    // Whatever the rule lets pass is growth, so today's schema is the kept one and more.
    let mut added = Vec::new();
    for (name, value) in &today.limits {
        match kept.limits.get(name) {
            Some(old) if old == value => {}
            Some(old) => added.push(format!("limits::{name}: {old} -> {value}")),
            None => added.push(format!("limits::{name}: a new limit")),
        }
    }
    for map in &today.maps {
        let Some(old) = kept.map(&map.name) else {
            added.push(format!("{}: a new map", map.name));
            continue;
        };
        for field in &map.fields {
            match old.field(&field.name) {
                None => added.push(format!("{}.{}: a new field", map.name, field.name)),
                Some(old) if old != field => added.push(format!("{}.{}: {old:?} -> {field:?}", map.name, field.name)),
                Some(_) => {}
            }
        }
        if old.needs != map.needs {
            added.push(format!("{}: kinds need or use something else", map.name));
        }
    }
    Ok((today.clone(), added))
}

fn in_map(kept: &MapEntry, today: &MapEntry, broken: &mut Vec<String>) {
    for field in &kept.fields {
        let path = format!("{}.{}", kept.name, field.name);
        match today.field(&field.name) {
            Some(today) => in_field(&path, field, today, broken),
            None => broken.push(format!(
                "{path}: no field is removed. Put it back; one that is no longer used is still written as long as \
                 readers of it may run."
            )),
        }
    }
    for field in &today.fields {
        if kept.field(&field.name).is_none() && field.presence == "required" {
            broken.push(format!(
                "{}.{}: a new field is optional or written, never required, since writers of today leave it out. Give \
                 it a default that means what its absence meant before.",
                kept.name, field.name
            ));
        }
    }
    let places = |name: &String| kept.fields.iter().position(|field| field.name == *name);
    if !today.fields.iter().filter_map(|field| places(&field.name)).is_sorted() {
        broken.push(format!("{}: fields keep their order. Put new ones behind or between the others.", kept.name));
    }
    for row in &today.needs {
        let Some(old) = kept.needs.iter().find(|old| old.by == row.by) else { continue };
        for field in old.used.iter().filter(|field| !row.used.contains(field)) {
            broken.push(format!(
                "{}, `{}`: a kind uses what it used, since writers of today give it {field}. Put it back.",
                kept.name, row.by
            ));
        }
        for need in &row.needed {
            // What an old writer gives by an old need has to be enough for the new one.
            if !old.needed.iter().any(|old| old.iter().all(|field| need.contains(field))) {
                broken.push(format!(
                    "{}, `{}`: a kind never needs more than before, and now it needs {}. Make it a field that is \
                     used.",
                    kept.name,
                    row.by,
                    need.join(" or ")
                ));
            }
        }
    }
}

fn in_field(path: &str, kept: &FieldEntry, today: &FieldEntry, broken: &mut Vec<String>) {
    same(path, "type", &kept.ty, &today.ty, broken);
    same(path, "default", &kept.default, &today.default, broken);
    if today.presence == "required" && kept.presence != "required" {
        broken.push(format!("{path}: no field becomes required, since writers may leave it out. Keep its presence."));
    }
    if kept.presence == "required" && today.presence == "optional" {
        broken.push(format!(
            "{path}: a required field is always written, since readers refuse an envelope without it. Make it written."
        ));
    }
    not_lowered(path, "bytes", kept.bytes_max, today.bytes_max, broken);
    not_lowered(path, "items", kept.items_max, today.items_max, broken);
    if today.bytes_min.unwrap_or(0) > kept.bytes_min.unwrap_or(0) {
        broken.push(format!("{path}: no bound is made narrower, and this field may have been empty. Allow it again."));
    }
    if today.pattern.is_some() {
        same(path, "pattern", &kept.pattern, &today.pattern, broken);
    }
    for word in kept.words.iter().filter(|word| !today.words.contains(word)) {
        broken.push(format!("{path}: words are only added, and `{word}` is gone. Put it back."));
    }
}

fn same<T: PartialEq + Debug>(path: &str, what: &str, kept: &T, today: &T, broken: &mut Vec<String>) {
    if kept != today {
        broken.push(format!(
            "{path}: no field changes its {what}, and this one went from {kept:?} to {today:?}. Put it back, and add a \
             field of another name."
        ));
    }
}

/// `None` is no bound at all.
fn not_lowered<T: PartialOrd + Display>(
    path: &str,
    what: &str,
    kept: Option<T>,
    today: Option<T>,
    broken: &mut Vec<String>,
) {
    if let Some(today) = today
        && kept.as_ref().is_none_or(|kept| *kept > today)
    {
        let kept = kept.map_or_else(|| "none".to_owned(), |kept| kept.to_string());
        broken.push(format!(
            "{path}: no bound is lowered, and this one went from {kept} to {today} {what}. Writers of today may send \
             more; raise it again."
        ));
    }
}
