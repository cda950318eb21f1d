//! What a conversation remembers so that a repetition changes nothing: inbound ids and agents' idempotency keys.
//!
//! Both are bounded. An inbound id that falls out goes to the store for eight days (providers redeliver for up to
//! seven); the head knows when it last forgot one, so that the store is asked only when it can know more.

use std::collections::VecDeque;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::decision::Answer;
use super::handoff::cut;
use crate::clock::Timestamp;
use crate::ids::{EffectId, IdHash};

/// Inbound ids remembered in the head.
pub const SEEN_MAX: usize = 64;
/// How long the store remembers what the head forgot.
pub const SEEN_FOR: Duration = Duration::from_secs(8 * 24 * 3600);
/// Idempotency keys remembered in the head: more acts than one conversation sees in an hour.
pub const KEYS_MAX: usize = 128;
/// How much of a message that was on its way is repeated under an idempotency key, in bytes.
const REMEMBERED_BYTES_MAX: usize = 160;
/// How long an idempotency key is honoured.
pub const KEYS_FOR: Duration = Duration::from_secs(24 * 3600);

/// The inbound ids a conversation has seen.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Seen {
    #[serde(with = "super::packed::hashes")]
    ids: VecDeque<IdHash>,
    forgot_at: Option<Timestamp>,
}

impl Seen {
    /// How many ids stand in the head.
    pub(super) fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether this id stands in the head.
    pub fn contains(&self, id: IdHash) -> bool {
        self.ids.contains(&id)
    }

    /// Remembers `id`; returns the one that had to go.
    pub fn remember(&mut self, id: IdHash, now: Timestamp) -> Option<IdHash> {
        self.ids.push_back(id);
        if self.ids.len() <= SEEN_MAX {
            return None;
        }
        self.forgot_at = Some(now);
        self.ids.pop_front()
    }

    /// Whether the store may know an id that the head does not.
    pub fn ask_store(&self, now: Timestamp) -> bool {
        self.forgot_at.is_some_and(|at| now.since(at) < SEEN_FOR)
    }
}

/// The answers given under agents' idempotency keys.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Keys {
    answers: VecDeque<Remembered>,
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
struct Remembered {
    key: IdHash,
    body: IdHash,
    at: Timestamp,
    answer: Answer,
}

/// What is known of a key.
#[derive(Clone, PartialEq, Debug)]
pub enum Known {
    /// Nothing.
    New,
    /// The same request was answered so.
    Answered(Answer),
    /// Another request carried it.
    OtherBody,
}

impl Keys {
    /// What is known of `key` for a request whose body has this digest.
    pub fn look_up(&self, key: IdHash, body: IdHash, now: Timestamp) -> Known {
        let found = self
            .answers
            .iter()
            .rev()
            .find(|one| one.key == key && now.since(one.at) < KEYS_FOR);
        match found {
            None => Known::New,
            Some(one) if one.body == body => Known::Answered(one.answer.clone()),
            Some(_) => Known::OtherBody,
        }
    }

    /// What was shown of the stream `effect` that an answer named as on its way.
    pub(super) fn shown(&mut self, effect: EffectId, text: &str) {
        for one in &mut self.answers {
            if let Answer::Claimed { in_flight, .. } = &mut one.answer
                && let Some((_, told)) = in_flight.iter_mut().find(|(named, _)| *named == effect)
            {
                *told = cut(text.to_owned(), REMEMBERED_BYTES_MAX);
            }
        }
    }

    /// Remembers the answer given.
    pub fn remember(&mut self, key: IdHash, body: IdHash, now: Timestamp, answer: Answer) {
        self.answers.retain(|one| now.since(one.at) < KEYS_FOR);
        if self.answers.len() == KEYS_MAX {
            self.answers.pop_front();
        }
        self.answers.push_back(Remembered {
            key,
            body,
            at: now,
            answer: short(answer),
        });
    }
}

/// The answer as it is remembered: what was on its way is told by its beginning, so that the head stays small.
fn short(answer: Answer) -> Answer {
    match answer {
        Answer::Claimed {
            epoch,
            handoff,
            in_flight,
        } => Answer::Claimed {
            epoch,
            handoff,
            in_flight: in_flight
                .into_iter()
                .map(|(effect, text)| (effect, cut(text, REMEMBERED_BYTES_MAX)))
                .collect(),
        },
        answer @ (Answer::Accepted
        | Answer::Duplicate
        | Answer::Ignored
        | Answer::Wrote { .. }
        | Answer::Parked { .. }
        | Answer::Asked { .. }
        | Answer::Refused(_)) => answer,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_65th_id_pushes_the_first_one_out_to_the_store() {
        let mut seen = Seen::default();
        let now = Timestamp::from_millis(1);
        let pushed: Vec<_> = (0..65)
            .filter_map(|n| seen.remember(IdHash(n), now))
            .collect();
        assert_eq!(pushed, [IdHash(0)]);
        assert!(!seen.contains(IdHash(0)) && seen.contains(IdHash(64)));
        assert!(seen.ask_store(now) && !seen.ask_store(now + SEEN_FOR));
    }

    #[test]
    fn a_key_repeats_its_answer_for_a_day_and_refuses_another_body() {
        let mut keys = Keys::default();
        let now = Timestamp::from_millis(1);
        keys.remember(IdHash(1), IdHash(2), now, Answer::Accepted);
        assert_eq!(
            keys.look_up(IdHash(1), IdHash(2), now),
            Known::Answered(Answer::Accepted)
        );
        assert_eq!(keys.look_up(IdHash(1), IdHash(3), now), Known::OtherBody);
        assert_eq!(
            keys.look_up(IdHash(1), IdHash(2), now + KEYS_FOR),
            Known::New
        );
    }
}
