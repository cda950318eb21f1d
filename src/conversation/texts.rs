//! Every text of ours that a customer can see, per language.
//!
//! [`TextKey`] is the closed list; the wording ([`super::wording`]) is bundled in eight languages, and `[messages.LANGUAGE]`
//! replaces single texts or adds languages. A placeholder is checked when a text is set, never when it is sent: an unknown
//! one, or an unclosed brace, is a fault of the configuration. Rendering is one pass, so that a name with braces in
//! it stays a name, and it never leaves a hole: what is not known is said in general words.
//!
//! No text here claims to be a person, and none promises a time that was not given.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::placeholders::{Piece, piece};
pub use super::placeholders::{Placeholder, TEXT_CHARS_MAX, TextFault, check};
use super::wording;
use crate::triage::SPOKEN;

macro_rules! texts {
    ($($(#[$doc:meta])* $key:ident = $word:literal [$($slot:ident),*];)+) => {
        /// One text that a customer can see.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
        pub enum TextKey {
            $($(#[$doc])* #[serde(rename = $word)] $key),+
        }

        impl TextKey {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$key),+];

            /// Its key in `[messages.LANGUAGE]`.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$key => $word),+ }
            }

            /// The key, read.
            pub fn parse(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$key),)+ _ => None }
            }

            /// The placeholders that it may use.
            pub const fn placeholders(self) -> &'static [Placeholder] {
                match self { $(Self::$key => &[$(Placeholder::$slot),*]),+ }
            }
        }
    };
}

texts! {
    /// A person is promised, and the queue has a target: heard, what is next, when, and that nothing need be repeated.
    Ack = "ack" [Minutes, Queue];
    /// The same where no time can be named.
    AckNoTime = "ack_no_time" [Queue];
    /// Still waiting for a person; at most once per step of the ladder.
    Progress = "progress" [Minutes, Queue];
    /// The AI needs longer than usual.
    StillWorking = "still_working" [];
    /// Nobody came: said openly, with how it goes on.
    Apology = "apology" [Minutes, Queue];
    /// A person took over.
    Joined = "joined" [Agent, Queue];
    /// A person gave back to the AI.
    HandedBack = "handed_back" [Agent];
    /// The clock gave back to the AI.
    HandedBackByTimeout = "handed_back_by_timeout" [Agent];
    /// Nobody wrote for long.
    ClosedByIdle = "closed_by_idle" [];
    /// The AI asks whether a person is wanted; the text says how to answer.
    Offer = "offer" [Queue];
    /// The button that takes the offer.
    OfferYes = "offer_yes" [];
    /// The button that declines it.
    OfferNo = "offer_no" [];
    /// The model failed.
    ModelTrouble = "model_trouble" [];
    /// Nobody is there at this hour; says when somebody will be, and never promises "shortly".
    AfterHours = "after_hours" [Opens, Queue];
    /// The same where no opening is known.
    AfterHoursNoTime = "after_hours_no_time" [Queue];
    /// Follows the two above where the AI goes on answering.
    Meanwhile = "meanwhile" [];
    /// Follows an acknowledgement or a progress note: the place in line.
    Place = "place" [Position];
    /// Follows it where enough is known: how long it takes at the present pace.
    Pace = "pace" [Minutes];
    /// It takes too long: what can be done instead; the possibilities follow, numbered.
    Alternatives = "alternatives" [];
    /// One of them.
    LeaveMessage = "leave_message" [];
    /// One of them.
    CallBack = "call_back" [];
    /// One of them.
    GoOnWithAi = "go_on_with_ai" [];
    /// They leave a message.
    MessageNoted = "message_noted" [];
    /// They want to be called.
    CallBackNoted = "call_back_noted" [];
    /// The question how it went, where a person handled it.
    Survey = "survey" [Agent];
    /// The same where the AI did.
    SurveyAi = "survey_ai" [];
    /// They answered.
    SurveyThanks = "survey_thanks" [];
    /// Stands for `{opens}`: later on the same day.
    OpensToday = "opens_today" [Time, Zone];
    /// Stands for `{opens}`: within the next days.
    OpensOn = "opens_on" [Weekday, Date, Time, Zone];
    /// Stands for `{opens}`: in a week or later.
    OpensLater = "opens_later" [Weekday, Date, Time, Zone];
    /// Stands for `{weekday}`.
    Monday = "monday" [];
    /// Stands for `{weekday}`.
    Tuesday = "tuesday" [];
    /// Stands for `{weekday}`.
    Wednesday = "wednesday" [];
    /// Stands for `{weekday}`.
    Thursday = "thursday" [];
    /// Stands for `{weekday}`.
    Friday = "friday" [];
    /// Stands for `{weekday}`.
    Saturday = "saturday" [];
    /// Stands for `{weekday}`.
    Sunday = "sunday" [];
    /// It moved to another queue.
    TransferredTo = "transferred_to" [Agent, Queue];
    /// The AI is switched off.
    AiOff = "ai_off" [];
    /// The customer ended the human stretch.
    CustomerEnded = "customer_ended" [Agent];
    /// Stands for `{agent}` where no name is known.
    Somebody = "somebody" [];
    /// Stands for `{queue}` where no name is known.
    OurTeam = "our_team" [];
    /// The same offer where the AI has not been of help: it admits that.
    OfferTrouble = "offer_trouble" [Queue];
    /// The customer has said nothing for a while; the conversation with the AI will be closed.
    IdleReminder = "idle_reminder" [];
    /// Follows an answer of the AI, early on: a person can be had.
    MentionPerson = "mention_person" [];
}

impl TextKey {
    /// The names of the days, from Monday.
    pub const WEEKDAYS: [Self; 7] = [
        Self::Monday,
        Self::Tuesday,
        Self::Wednesday,
        Self::Thursday,
        Self::Friday,
        Self::Saturday,
        Self::Sunday,
    ];
}

/// What the placeholders of one rendering stand for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct TextArgs<'a> {
    /// The person's name.
    pub agent: Option<&'a str>,
    /// Whole minutes.
    pub minutes: Option<u64>,
    /// The queue's name.
    pub queue: Option<&'a str>,
    /// The place in line, from 1.
    pub position: Option<u64>,
    /// When the queue opens, in words.
    pub opens: Option<&'a str>,
    /// The name of a day of the week.
    pub weekday: Option<&'a str>,
    /// A date.
    pub date: Option<&'a str>,
    /// A time of day.
    pub time: Option<&'a str>,
    /// The abbreviation of a time zone.
    pub zone: Option<&'a str>,
}

/// The texts of one installation: what the configuration put in the place of bundled ones, or added to them.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Texts {
    languages: BTreeMap<String, BTreeMap<TextKey, String>>,
}

impl Texts {
    /// Replaces the text of `key` in `language` (its primary subtag counts).
    ///
    /// # Errors
    /// [`TextFault`] when the text cannot be used; nothing is changed then.
    pub fn set(&mut self, language: &str, key: TextKey, text: &str) -> Result<(), TextFault> {
        check(key, text)?;
        self.languages
            .entry(primary(language))
            .or_default()
            .insert(key, text.to_owned());
        Ok(())
    }

    /// The languages that have at least one text.
    pub fn languages(&self) -> BTreeSet<&str> {
        let own = self.languages.keys().map(String::as_str);
        own.chain(SPOKEN).collect()
    }

    /// The text of `key` in `language`, English where that has none. Without minutes, `Ack` becomes `AckNoTime`,
    /// without an opening `AfterHours` becomes `AfterHoursNoTime`.
    pub fn render(&self, key: TextKey, language: Option<&str>, args: TextArgs<'_>) -> String {
        let key = match (key, args.minutes, args.opens) {
            (TextKey::Ack, None, _) => TextKey::AckNoTime,
            (TextKey::Pace, None, _) => TextKey::Progress,
            (TextKey::AfterHours, _, None) => TextKey::AfterHoursNoTime,
            (key, _, _) => key,
        };
        let language = language.map_or_else(|| "en".to_owned(), primary);
        let mut rest = self.template(key, &language);
        let mut out = String::with_capacity(rest.len() + 16);
        while let Some(at) = rest.find(['{', '}']) {
            out.push_str(&rest[..at]);
            match piece(&rest[at..]) {
                Some((Piece::Brace(brace), length)) => {
                    out.push(brace);
                    rest = &rest[at + length..];
                }
                Some((Piece::Slot(name), length)) => {
                    self.fill(&mut out, name, &language, args);
                    rest = &rest[at + length..];
                }
                // `set` refuses such a text; one that came in otherwise is shown as it is
                None => {
                    out.push_str(&rest[at..=at]);
                    rest = &rest[at + 1..];
                }
            }
        }
        out.push_str(rest);
        out
    }

    fn template(&self, key: TextKey, language: &str) -> &str {
        let own = |language: &str| self.languages.get(language)?.get(&key).map(String::as_str);
        own(language)
            .or_else(|| wording::bundled(language, key))
            .or_else(|| own("en"))
            .unwrap_or_else(|| wording::english(key))
    }

    fn fill(&self, out: &mut String, name: &str, language: &str, args: TextArgs<'_>) {
        let given = |text: Option<&str>| {
            text.map(str::trim)
                .filter(|t| !t.is_empty())
                .map(str::to_owned)
        };
        let or = |key| self.template(key, language).to_owned();
        match Placeholder::parse(name) {
            Some(Placeholder::Agent) => {
                out.push_str(&given(args.agent).unwrap_or_else(|| or(TextKey::Somebody)));
            }
            Some(Placeholder::Queue) => {
                out.push_str(&given(args.queue).unwrap_or_else(|| or(TextKey::OurTeam)));
            }
            Some(Placeholder::Minutes) => match args.minutes {
                // "in 0 minutes" is no promise anybody can keep
                Some(minutes) => out.push_str(&minutes.max(1).to_string()),
                None => out.push('…'),
            },
            Some(Placeholder::Position) => {
                out.push_str(&args.position.unwrap_or(1).to_string());
            }
            Some(Placeholder::Opens) => out.push_str(args.opens.unwrap_or_default()),
            Some(Placeholder::Weekday) => out.push_str(args.weekday.unwrap_or_default()),
            Some(Placeholder::Date) => out.push_str(args.date.unwrap_or_default()),
            Some(Placeholder::Time) => out.push_str(args.time.unwrap_or_default()),
            Some(Placeholder::Zone) => out.push_str(args.zone.unwrap_or_default()),
            None => out.extend(["{", name, "}"]),
        }
    }
}

/// `es` of `es-MX` or `es_MX`, in lower case.
pub fn primary(language: &str) -> String {
    language
        .split(['-', '_'])
        .next()
        .unwrap_or_default()
        .trim()
        .to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_read_as_it_is_written() {
        for key in TextKey::ALL {
            assert_eq!(TextKey::parse(key.as_str()), Some(*key));
        }
    }

    #[test]
    fn no_rendering_leaves_a_hole() {
        let texts = Texts::default();
        for key in TextKey::ALL {
            for language in [None, Some("es-MX"), Some("EN"), Some("xx"), Some("af")] {
                let text = texts.render(*key, language, TextArgs::default());
                assert!(
                    !text.is_empty() && !text.contains(['{', '}', '…']),
                    "{key:?}: {text}"
                );
            }
        }
    }

    #[test]
    fn a_name_with_braces_stays_a_name() {
        let args = TextArgs {
            agent: Some("{queue}"),
            ..TextArgs::default()
        };
        let text = Texts::default().render(TextKey::Joined, None, args);
        assert!(text.starts_with("{queue} has joined"), "{text}");
    }

    #[test]
    fn the_acknowledgement_names_a_time_only_when_there_is_one() {
        let texts = Texts::default();
        let with = TextArgs {
            minutes: Some(5),
            ..TextArgs::default()
        };
        assert!(
            texts
                .render(TextKey::Ack, Some("es"), with)
                .contains("5 min")
        );
        assert_eq!(
            texts.render(TextKey::Ack, None, TextArgs::default()),
            wording::english(TextKey::AckNoTime)
        );
    }

    #[test]
    fn a_language_of_ones_own_falls_back_text_by_text() {
        let mut texts = Texts::default();
        texts
            .set("sv-FI", TextKey::Joined, "{agent} är här {{nu}}.")
            .expect("good");
        let args = TextArgs {
            agent: Some("Ana"),
            ..TextArgs::default()
        };
        assert_eq!(
            texts.render(TextKey::Joined, Some("sv"), args),
            "Ana är här {nu}."
        );
        assert_eq!(
            texts.render(TextKey::OfferYes, Some("sv"), args),
            wording::english(TextKey::OfferYes)
        );
        texts.set("en", TextKey::OfferYes, "Aye").expect("good");
        let says = |language| texts.render(TextKey::OfferYes, Some(language), args);
        assert_eq!(
            says("sv"),
            "Aye",
            "what the house says in English is nearest"
        );
        assert_eq!(says("de-AT"), "Ja, bitte");
    }

    #[test]
    fn wrong_placeholders_are_faults() {
        let refused = |key, text: &str| check(key, text).expect_err(text);
        assert_eq!(refused(TextKey::Joined, "{agent"), TextFault::Unclosed);
        assert_eq!(refused(TextKey::Joined, "agent}"), TextFault::Unclosed);
        assert_eq!(refused(TextKey::Joined, "{a{agent}"), TextFault::Unclosed);
        assert_eq!(
            refused(TextKey::Joined, "{minutes}").to_string(),
            "`{minutes}` is not a placeholder of `joined`"
        );
        assert_eq!(refused(TextKey::Joined, "  "), TextFault::Empty);
        assert_eq!(
            refused(TextKey::Joined, &"x".repeat(1601)),
            TextFault::TooLong(1601)
        );
    }
}
