//! Fields that hold one word of a closed list.
//!
//! A word that is not on the list is an error naming the field, never a guess: an action of an unknown type must not
//! become a message. So a new word reaches the readers first, and the writers after them. The first word is the one
//! that an absent field reads as.

use std::fmt;

use crate::error::{Error, Rule};
use crate::fault::Fault;
use crate::out::{Key, Out};
use crate::read::Reader;
use crate::schema::{Bound, Type};
use crate::wire::Wire;

macro_rules! choice {
    ($(#[doc = $doc:literal])+ $Name:ident { $($(#[doc = $word_doc:literal])+ $Word:ident = $word:literal,)+ }) => {
        $(#[doc = $doc])+
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $Name { $($(#[doc = $word_doc])+ $Word,)+ }

        impl $Name {
            /// Every choice, in the order of the contract.
            pub const ALL: &[Self] = &[$(Self::$Word),+];
            const WORDS: &[&str] = &[$($word),+];
            const ENCODED: &[Key] = &[$(Key::new($word)),+];

            /// The word on the wire.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$Word => $word,)+ }
            }

            /// The choice that `word` stands for, if any.
            #[must_use]
            pub fn parse(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$Word),)+ _ => None }
            }
        }

        /// The first choice of the contract.
        impl Default for $Name {
            fn default() -> Self {
                Self::ALL[0]
            }
        }

        impl fmt::Display for $Name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl Wire for $Name {
            type View<'a> = Self;
            const TYPE: Type = Type::Choice(Self::WORDS);
            const DEFAULT: &'static str = Self::WORDS[0];

            #[inline(always)]
            fn is_default(&self) -> bool {
                *self == Self::default()
            }

            #[inline(always)]
            fn size(&self) -> usize {
                Self::ENCODED[*self as usize].len()
            }

            #[inline(always)]
            fn write(&self, key: &'static Key, out: &mut impl Out) {
                out.key(key);
                out.key(&Self::ENCODED[*self as usize]);
            }

            fn check(&self, _: &'static str, _: &Bound) -> Result<(), Error> {
                Ok(())
            }

            #[inline(always)]
            fn read<E: Fault>(reader: &mut Reader<'_, E>, _: &Bound) -> Result<Self, E> {
                for (choice, encoded) in Self::ALL.iter().zip(Self::ENCODED) {
                    if reader.eat(encoded) {
                        return Ok(*choice);
                    }
                }
                // In a longer form, perhaps.
                reader.apart(|reader| {
                    let at = reader.at();
                    let word = reader.text()?;
                    Self::parse(word).ok_or_else(|| reader.error(at, Rule::Choice(Self::WORDS)))
                })
            }

            fn own(view: Self) -> Self {
                view
            }
        }
    };
}

choice! {
    /// What happened on the platform.
    Kind {
        /// Somebody wrote something.
        Message = "message",
        /// A message changed; `content` is the new text.
        Edit = "edit",
        /// A message is gone.
        Delete = "delete",
        /// Somebody added `emoji` to a message, or took it away.
        Reaction = "reaction",
        /// Somebody used a button, a menu or a command, named by `custom_id`.
        Interaction = "interaction",
        /// A due job of ours, not of a person.
        Job = "job",
    }
}

choice! {
    /// What a platform shall do.
    ActionType {
        /// Show `text`.
        Message = "message",
        /// Give an earlier message a new `text`.
        Edit = "edit",
        /// Show a file.
        File = "file",
        /// Show buttons.
        Buttons = "buttons",
        /// Add `emoji` to a message, or take it away.
        Reaction = "reaction",
        /// Show that somebody writes, or no longer.
        Typing = "typing",
        /// Show the bot's `status`.
        Presence = "presence",
        /// Take an earlier message away.
        Delete = "delete",
        /// Ask the gateway for something, and have the answer written to `reply_stream`.
        Rpc = "rpc",
    }
}

choice! {
    /// Whether the typing indicator begins or ends.
    TypingState {
        /// It begins.
        Start = "start",
        /// It ends.
        Stop = "stop",
    }
}

choice! {
    /// How the bot shows itself.
    Status {
        /// There.
        Online = "online",
        /// There, and away for the moment.
        Idle = "idle",
        /// Not to be disturbed.
        Dnd = "dnd",
        /// There, and shown as away.
        Invisible = "invisible",
    }
}

choice! {
    /// Who said a message of the history.
    Role {
        /// A person.
        User = "user",
        /// The model.
        Assistant = "assistant",
        /// The program itself, such as a summary of what came before.
        System = "system",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_parse_to_their_choice() {
        for kind in Kind::ALL {
            assert_eq!(Kind::parse(kind.as_str()), Some(*kind));
        }
        assert_eq!(Kind::parse("Message"), None);
        assert_eq!(ActionType::Rpc.to_string(), "rpc");
        assert_eq!(Kind::DEFAULT, "message");
    }
}
