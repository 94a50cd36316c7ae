//! Where encoded bytes go, and the two small pieces that are put in front of values.

/// Where encoded bytes go. Two of these must never differ in what they hold after the same calls; `Vec` is the safe
/// one that the other is compared with.
pub trait Out {
    /// Appends the key of a field.
    fn key(&mut self, key: &'static Key);
    /// Appends a few bytes, behind the key of their field where there is one.
    fn array<const N: usize>(&mut self, key: &'static Key, bytes: [u8; N]);
    /// Appends any number of bytes behind their head, and that behind the key of their field where there is one.
    fn bytes(&mut self, key: &'static Key, head: Head, bytes: &[u8]);
    /// Appends a text with its head, behind the key of its field where there is one.
    fn text(&mut self, key: &'static Key, text: &str);
    /// How many bytes there are.
    fn place(&self) -> usize;
    /// Takes back what was appended since there were so many bytes.
    fn rewind(&mut self, place: usize);
    /// Replaces bytes that were appended.
    fn set<const N: usize>(&mut self, place: usize, bytes: [u8; N]);
    /// Appends what `write` does, which may be large: a call of its own need not slow down the caller.
    fn apart(&mut self, write: impl FnOnce(&mut Self));
}

impl Out for Vec<u8> {
    fn key(&mut self, key: &'static Key) {
        self.extend_from_slice(key.as_bytes());
    }

    fn array<const N: usize>(&mut self, key: &'static Key, bytes: [u8; N]) {
        self.key(key);
        self.extend_from_slice(&bytes);
    }

    fn bytes(&mut self, key: &'static Key, head: Head, bytes: &[u8]) {
        self.key(key);
        self.extend_from_slice(&head.padded()[..head.len]);
        self.extend_from_slice(bytes);
    }

    fn text(&mut self, key: &'static Key, text: &str) {
        self.bytes(key, Head::text(text.len()), text.as_bytes());
    }

    fn place(&self) -> usize {
        self.len()
    }

    fn rewind(&mut self, place: usize) {
        self.truncate(place);
    }

    fn set<const N: usize>(&mut self, place: usize, bytes: [u8; N]) {
        if let Some(left) = self.get_mut(place..place + N) {
            left.copy_from_slice(&bytes);
        }
    }

    fn apart(&mut self, write: impl FnOnce(&mut Self)) {
        write(self);
    }
}

/// The key of a field as it is written. Made at compile time, so that a key is one copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    /// Padded, so that it can be copied in one piece of a fixed length.
    padded: [u8; Self::ROOM],
    len: usize,
}

impl Key {
    /// None at all: in front of the items of a list.
    pub(crate) const NONE: &'static Self = &Self { padded: [0; Self::ROOM], len: 0 };
    /// The longest key: one byte of header, and a name of 31 bytes.
    pub(crate) const ROOM: usize = 32;

    pub(crate) const fn new(name: &str) -> Self {
        assert!(name.len() < Self::ROOM, "names of fields are shorter than 32 bytes");
        let mut padded = [0; Self::ROOM];
        padded[0] = 0xa0 | name.len() as u8;
        let mut at = 0;
        while at < name.len() {
            padded[at + 1] = name.as_bytes()[at];
            at += 1;
        }
        Self { padded, len: name.len() + 1 }
    }

    /// Its length with the header.
    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    pub(crate) const fn padded(&self) -> &[u8; Self::ROOM] {
        &self.padded
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.padded[..self.len]
    }
}

/// What stands in front of a text or a binary: a marker, and a length of up to 32 bits.
#[derive(Debug, Clone, Copy)]
pub struct Head {
    /// The bytes from the lowest up. In a number, which stays in a register.
    bytes: u64,
    len: usize,
}

impl Head {
    pub(crate) const ROOM: usize = 8;
    /// Of what has its own.
    pub(crate) const NONE: Self = Self { bytes: 0, len: 0 };

    /// Of a text of `length` bytes.
    #[inline(always)]
    pub(crate) const fn text(length: usize) -> Self {
        match length {
            ..32 => Self { bytes: 0xa0 | length as u64, len: 1 },
            32..0x100 => Self { bytes: 0xd9 | (length as u64) << 8, len: 2 },
            _ => Self::of([0xd9, 0xda, 0xdb], length),
        }
    }

    /// Of a binary of `length` bytes.
    pub(crate) const fn bin(length: usize) -> Self {
        Self::of([0xc4, 0xc5, 0xc6], length)
    }

    #[inline(never)]
    const fn of([short, middle, long]: [u8; 3], length: usize) -> Self {
        let [a, b, c, d] = (length as u32).to_be_bytes();
        let (bytes, len) = match length {
            0..=0xff => ([short, d, 0, 0, 0, 0, 0, 0], 2),
            0x100..=0xffff => ([middle, c, d, 0, 0, 0, 0, 0], 3),
            _ => ([long, a, b, c, d, 0, 0, 0], 5),
        };
        Self { bytes: u64::from_le_bytes(bytes), len }
    }

    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    /// The bytes, padded so that they can be copied in one piece of a fixed length.
    pub(crate) const fn padded(&self) -> [u8; Self::ROOM] {
        self.bytes.to_le_bytes()
    }
}
