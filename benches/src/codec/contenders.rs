//! Each operation on each sample: ours first, then who else does it.

use std::hint::black_box;

use bytes::Bytes;
use codec::{Inbound, InboundRoute, InboundView, Outbound, OutboundRoute, OutboundView, peek_inbound, peek_lane};
use serde::{Deserialize, Serialize};

use super::mirror::{
    BorrowedFile, BorrowedInbound, MirrorRoute, OwnedFile, OwnedInbound, OwnedWholeFile, OwnedWholeInbound, WholeFile,
    WholeInbound,
};
use super::read_all::ReadAll;
use super::samples;
use crate::stopwatch::Contender;

/// One envelope, and everything that is done with it.
pub struct Case {
    /// What it is called in tables.
    pub name: &'static str,
    /// As we write it.
    pub bytes: Bytes,
    /// What is done.
    pub operations: Vec<Operation>,
}

/// One thing to do, in several ways.
pub struct Operation {
    /// What it is called in tables.
    pub name: &'static str,
    /// Ours comes first.
    pub contenders: Vec<Contender>,
}

/// Names of operations and contenders, for who looks for one.
pub mod names {
    /// Into a buffer of the caller's.
    pub const ENCODE: &str = "encode";
    /// What puts an entry into its lane.
    pub const PEEK: &str = "peek";
    /// Read and validated.
    pub const VIEW: &str = "view";
    /// And each field looked at, each list walked.
    pub const READ: &str = "view, read all";
    /// And copied out of the buffer.
    pub const OWN: &str = "owned decode";

    /// Always the first.
    pub const OURS: &str = "ours";
    /// The cause as well, and what a control asks for: what is read when an entry's turn comes.
    pub const ROUTE: &str = "ours, route";
    /// `rmp_serde::encode::write_named` into a buffer that is used again.
    pub const NAMED_REUSED: &str = "rmp-serde named, reused";
    /// Its serializer, called in place: compiled into the program, as `write_named` is not.
    pub const NAMED_INLINED: &str = "rmp-serde named, inlined";
    /// `rmp_serde::from_slice` of a struct that borrows.
    pub const NAMED: &str = "rmp-serde named";
    /// The check of every text by itself.
    pub const UTF8: &str = "UTF-8 check";
    /// The same bytes, copied.
    pub const MEMCPY: &str = "memcpy";
}

use names::{ENCODE, MEMCPY, NAMED, NAMED_INLINED, NAMED_REUSED, OURS, OWN, PEEK, READ, ROUTE, UTF8, VIEW};

/// All samples, the shortest first.
#[must_use]
pub fn cases() -> Vec<Case> {
    vec![
        case("short message", samples::short()),
        case("1 KiB, lists", samples::lists()),
        case("32 KiB text", samples::long()),
        case("1 MiB file", samples::file()),
    ]
}

/// What the operations need of an envelope of ours, and of the peers' form of it.
trait Sample: Sized + 'static {
    type Borrowed: Serialize + Deserialize<'static> + ReadAll;
    type Whole: Serialize + Deserialize<'static> + ReadAll;
    type Owned: Deserialize<'static>;
    type OwnedWhole: Deserialize<'static>;
    type View: ReadAll + 'static;
    type Route: 'static;

    fn to_bytes(&self) -> Bytes;
    fn encode(&self, out: &mut Vec<u8>);
    fn encode_safely(&self, out: &mut Vec<u8>);
    fn view(bytes: &'static [u8]) -> Self::View;
    fn peek(bytes: &'static [u8]) -> usize;
    fn route(bytes: &'static [u8]) -> Self::Route;
    fn own(view: Self::View) -> Self;
    fn mirror(view: Self::View) -> Self::Borrowed;
    fn whole(view: Self::View) -> Self::Whole;
}

macro_rules! sample {
    ($Owned:ident, $View:ident, $peek:expr, $Route:ident, $Borrowed:ident, $Whole:ident, $Copied:ident, $CopiedWhole:ident) => {
        impl Sample for $Owned {
            type Borrowed = $Borrowed<'static>;
            type Whole = $Whole<'static>;
            type Owned = $Copied;
            type OwnedWhole = $CopiedWhole;
            type View = $View<'static>;
            type Route = $Route<'static>;

            fn to_bytes(&self) -> Bytes {
                self.to_bytes()
            }
            fn encode(&self, out: &mut Vec<u8>) {
                self.encode(out);
            }
            fn encode_safely(&self, out: &mut Vec<u8>) {
                self.encode_safely(out);
            }
            fn view(bytes: &'static [u8]) -> Self::View {
                sound($View::decode(bytes))
            }
            fn peek(bytes: &'static [u8]) -> usize {
                $peek(bytes)
            }
            fn route(bytes: &'static [u8]) -> Self::Route {
                sound($Route::decode(bytes))
            }
            fn own(view: Self::View) -> Self {
                view.into_owned()
            }
            fn mirror(view: Self::View) -> Self::Borrowed {
                view.into()
            }
            fn whole(view: Self::View) -> Self::Whole {
                view.into()
            }
        }
    };
}

sample!(
    Inbound,
    InboundView,
    |bytes| sound(peek_inbound(bytes).map(|peek| peek.channel_key.len() + peek.kind as usize)),
    InboundRoute,
    BorrowedInbound,
    WholeInbound,
    OwnedInbound,
    OwnedWholeInbound
);
sample!(
    Outbound,
    OutboundView,
    |bytes| sound(peek_lane(bytes).map(|lane| lane.len())),
    OutboundRoute,
    BorrowedFile,
    WholeFile,
    OwnedFile,
    OwnedWholeFile
);

#[expect(clippy::expect_used, reason = "a contender that fails has no time")]
fn sound<T, E: std::fmt::Debug>(result: Result<T, E>) -> T {
    result.expect("every contender takes every sample")
}

/// Contenders borrow what they work on; a bench ends with its process.
fn kept<T>(value: T) -> &'static T {
    Box::leak(Box::new(value))
}

fn case<S: Sample>(name: &'static str, sample: S) -> Case {
    let bytes = sample.to_bytes();
    let held: &'static [u8] = kept(bytes.clone());
    Case {
        name,
        bytes,
        operations: vec![
            encode(kept(sample), held),
            peek::<S>(held),
            view::<S>(held),
            read::<S>(held),
            own::<S>(held),
            utf8(held),
        ],
    }
}

/// Into a buffer of the caller's, which is used again.
fn reused(name: &'static str, mut write: impl FnMut(&mut Vec<u8>) + 'static) -> Contender {
    let mut out = Vec::new();
    Contender::new(name, move || {
        out.clear();
        write(black_box(&mut out));
        out.len()
    })
}

fn encode<S: Sample>(sample: &'static S, bytes: &'static [u8]) -> Operation {
    let mirror = kept(S::mirror(S::view(bytes)));
    let whole = kept(S::whole(S::view(bytes)));
    let tree = kept(sound(rmpv::decode::read_value(&mut &*bytes)));
    let contenders = vec![
        reused(OURS, move |out| black_box(sample).encode(out)),
        Contender::new("ours, to_bytes", move || black_box(sample).to_bytes()),
        reused("ours, safe twin", move |out| black_box(sample).encode_safely(out)),
        reused(NAMED_REUSED, move |out| {
            sound(rmp_serde::encode::write_named(out, black_box(mirror)));
        }),
        reused(NAMED_INLINED, move |out| {
            sound(black_box(mirror).serialize(&mut rmp_serde::Serializer::new(out).with_struct_map()));
        }),
        Contender::new("rmp-serde named, to_vec", move || sound(rmp_serde::to_vec_named(black_box(mirror)))),
        reused("rmp-serde arrays, reused", move |out| {
            sound(rmp_serde::encode::write(out, black_box(whole)));
        }),
        Contender::new("rmp-serde arrays, to_vec", move || sound(rmp_serde::to_vec(black_box(whole)))),
        reused("rmpv", move |out| sound(rmpv::encode::write_value(out, black_box(tree)))),
        reused("serde_json", move |out| sound(serde_json::to_writer(out, black_box(mirror)))),
        memcpy(bytes),
    ];
    Operation { name: ENCODE, contenders }
}

fn peek<S: Sample>(bytes: &'static [u8]) -> Operation {
    let (_, json) = forms::<S>(bytes);
    let contenders = vec![
        Contender::new(OURS, move || S::peek(black_box(bytes))),
        Contender::new(ROUTE, move || S::route(black_box(bytes))),
        Contender::new(NAMED, move || sound(rmp_serde::from_slice::<MirrorRoute<'_>>(black_box(bytes)))),
        Contender::new("rmpv, borrowed", move || sound(rmpv::decode::read_value_ref(&mut black_box(bytes)))),
        Contender::new("serde_json", move || sound(serde_json::from_slice::<MirrorRoute<'_>>(black_box(json)))),
        memcpy(bytes),
    ];
    Operation { name: PEEK, contenders }
}

/// The peers' forms of the same envelope.
fn forms<S: Sample>(bytes: &'static [u8]) -> (&'static [u8], &'static [u8]) {
    let arrays = kept(sound(rmp_serde::to_vec(&S::whole(S::view(bytes)))));
    let json = kept(sound(serde_json::to_vec(&S::mirror(S::view(bytes)))));
    (arrays, json)
}

fn view<S: Sample>(bytes: &'static [u8]) -> Operation {
    let (arrays, json) = forms::<S>(bytes);
    let mut contenders = vec![
        Contender::new(OURS, move || S::view(black_box(bytes))),
        Contender::new(NAMED, move || sound(rmp_serde::from_slice::<S::Borrowed>(black_box(bytes)))),
        Contender::new("rmp-serde arrays", move || sound(rmp_serde::from_slice::<S::Whole>(black_box(arrays)))),
        Contender::new("rmpv, borrowed", move || sound(rmpv::decode::read_value_ref(&mut black_box(bytes)))),
        memcpy(bytes),
    ];
    if borrows_json::<S>(json) {
        contenders
            .push(Contender::new("serde_json", move || sound(serde_json::from_slice::<S::Borrowed>(black_box(json)))));
    }
    Operation { name: VIEW, contenders }
}

fn read<S: Sample>(bytes: &'static [u8]) -> Operation {
    let (arrays, json) = forms::<S>(bytes);
    let mut contenders = vec![
        Contender::new(OURS, move || S::view(black_box(bytes)).read_all()),
        Contender::new(NAMED, move || sound(rmp_serde::from_slice::<S::Borrowed>(black_box(bytes))).read_all()),
        Contender::new("rmp-serde arrays", move || {
            sound(rmp_serde::from_slice::<S::Whole>(black_box(arrays))).read_all()
        }),
        memcpy(bytes),
    ];
    if borrows_json::<S>(json) {
        contenders.push(Contender::new("serde_json", move || {
            sound(serde_json::from_slice::<S::Borrowed>(black_box(json))).read_all()
        }));
    }
    Operation { name: READ, contenders }
}

/// JSON has no binary: a file there is a list of numbers, which no reader can borrow.
fn borrows_json<S: Sample>(json: &'static [u8]) -> bool {
    serde_json::from_slice::<S::Borrowed>(json).is_ok()
}

fn own<S: Sample>(bytes: &'static [u8]) -> Operation {
    let (arrays, json) = forms::<S>(bytes);
    let contenders = vec![
        Contender::new(OURS, move || S::own(S::view(black_box(bytes)))),
        Contender::new(NAMED, move || sound(rmp_serde::from_slice::<S::Owned>(black_box(bytes)))),
        Contender::new("rmp-serde arrays", move || sound(rmp_serde::from_slice::<S::OwnedWhole>(black_box(arrays)))),
        Contender::new("rmpv", move || sound(rmpv::decode::read_value(&mut black_box(bytes)))),
        Contender::new("serde_json", move || sound(serde_json::from_slice::<S::Owned>(black_box(json)))),
        memcpy(bytes),
    ];
    Operation { name: OWN, contenders }
}

/// All texts of the envelope, keys left out, by the reader's check and by its safe twin.
fn utf8(bytes: &'static [u8]) -> Operation {
    fn gather(value: &'static rmpv::ValueRef<'static>, texts: &mut Vec<&'static [u8]>) {
        match value {
            rmpv::ValueRef::String(text) => texts.push(text.as_bytes()),
            rmpv::ValueRef::Array(items) => items.iter().for_each(|item| gather(item, texts)),
            rmpv::ValueRef::Map(pairs) => pairs.iter().for_each(|(_, value)| gather(value, texts)),
            _ => {}
        }
    }
    let mut texts = Vec::new();
    gather(kept(sound(rmpv::decode::read_value_ref(&mut &*bytes))), &mut texts);
    let texts: &'static [&'static [u8]] = kept(texts).as_slice();
    fn all(texts: &[&[u8]], check: impl Fn(&[u8]) -> bool) -> bool {
        black_box(texts).iter().all(|text| check(text))
    }
    let contenders = vec![
        Contender::new(OURS, move || all(texts, |text| codec::utf8(text).is_some())),
        Contender::new("ours, safe twin", move || all(texts, |text| std::str::from_utf8(text).is_ok())),
        Contender::new("simdutf8 alone", move || all(texts, |text| simdutf8::basic::from_utf8(text).is_ok())),
    ];
    Operation { name: UTF8, contenders }
}

fn memcpy(bytes: &'static [u8]) -> Contender {
    reused(MEMCPY, move |out| out.extend_from_slice(black_box(bytes)))
}
