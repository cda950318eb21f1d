//! What may stand between braces in a text, and whether a text keeps to it.
//!
//! Checked when a text is set, never when it is sent.

use super::texts::TextKey;

/// The longest text that may be configured, in characters: one SMS provider's limit for a message.
pub const TEXT_CHARS_MAX: usize = 1_600;

/// What a text may be filled with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Placeholder {
    /// `{agent}`: the name of the person, as customers see it.
    Agent,
    /// `{minutes}`: a whole number of minutes.
    Minutes,
    /// `{queue}`: the name of the queue.
    Queue,
    /// `{position}`: a place in line, from 1.
    Position,
    /// `{opens}`: when the queue opens, in words.
    Opens,
    /// `{weekday}`: the name of a day of the week.
    Weekday,
    /// `{date}`: a date, `2026-03-30`.
    Date,
    /// `{time}`: a time of day, `09:00`.
    Time,
    /// `{zone}`: the abbreviation of a time zone, `CEST`.
    Zone,
}

impl Placeholder {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Agent,
        Self::Minutes,
        Self::Queue,
        Self::Position,
        Self::Opens,
        Self::Weekday,
        Self::Date,
        Self::Time,
        Self::Zone,
    ];

    /// How it is written between braces.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Minutes => "minutes",
            Self::Queue => "queue",
            Self::Position => "position",
            Self::Opens => "opens",
            Self::Weekday => "weekday",
            Self::Date => "date",
            Self::Time => "time",
            Self::Zone => "zone",
        }
    }

    pub(super) fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|p| p.as_str() == word)
    }
}

/// Why a text cannot be used.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum TextFault {
    /// There is nothing in it.
    #[error("the text is empty")]
    Empty,
    /// It is too long for some channel.
    #[error("the text has {0} characters, more than {TEXT_CHARS_MAX}")]
    TooLong(usize),
    /// `{` without its `}`, or the other way round.
    #[error("the text has a brace without its partner")]
    Unclosed,
    /// No such placeholder, or not in this text.
    #[error("`{{{name}}}` is not a placeholder of `{key}`")]
    Unknown {
        /// What was between the braces.
        name: String,
        /// In which text.
        key: &'static str,
    },
}

/// Whether `text` can stand for `key`.
///
/// # Errors
/// The first [`TextFault`] found.
pub fn check(key: TextKey, text: &str) -> Result<(), TextFault> {
    if text.trim().is_empty() {
        return Err(TextFault::Empty);
    }
    let length = text.chars().count();
    if length > TEXT_CHARS_MAX {
        return Err(TextFault::TooLong(length));
    }
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}']) {
        let (piece, length) = piece(&rest[at..]).ok_or(TextFault::Unclosed)?;
        if let Piece::Slot(name) = piece
            && !Placeholder::parse(name).is_some_and(|p| key.placeholders().contains(&p))
        {
            return Err(TextFault::Unknown {
                name: name.to_owned(),
                key: key.as_str(),
            });
        }
        rest = &rest[at + length..];
    }
    Ok(())
}

pub(super) enum Piece<'a> {
    Brace(char),
    Slot(&'a str),
}

/// What begins at the brace that `text` begins with, and its length: `{{`, `}}` or `{name}`.
pub(super) fn piece(text: &str) -> Option<(Piece<'_>, usize)> {
    if text.starts_with("{{") {
        return Some((Piece::Brace('{'), 2));
    }
    if text.starts_with("}}") {
        return Some((Piece::Brace('}'), 2));
    }
    let end = text.strip_prefix('{')?.find(['{', '}'])? + 1;
    text[end..]
        .starts_with('}')
        .then(|| (Piece::Slot(text[1..end].trim()), end + 1))
}
