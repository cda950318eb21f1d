//! What a head keeps of opening hours and routing, behind the fields of its first form.
//!
//! Written only where there is anything to keep, after everything else. New fields are added at the end and read one
//! by one: a head that was written before a field was there has its default.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::survey::Survey;
use crate::clock::Timestamp;
use crate::ids::{AgentName, HandoffId};

/// What is kept.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Routing {
    /// The opening that the customer was last told: they hear of each gap once.
    pub(super) told_until: Option<Timestamp>,
    /// When the doors close on the wait, if they do before its next step.
    pub(super) closes_at: Option<Timestamp>,
    /// Until when the offer to one person stands; none: no offer, or one that a person made.
    pub(super) offered_until: Option<Timestamp>,
    /// Who had this customer last.
    pub(super) last_agent: Option<AgentName>,
    /// Who let this need of the customer lapse, the last one last.
    pub(super) lapsed: Vec<AgentName>,
    /// The policy that the handoff began under.
    pub(super) pinned: Option<u64>,
    /// The handoff under which something instead of waiting was offered.
    pub(super) alternatives: Option<HandoffId>,
    /// The question how it went, while an answer counts as one.
    pub(super) survey: Option<Survey>,
}

impl Routing {
    /// Its bytes, behind `head`.
    pub(super) fn append_to(&self, head: Vec<u8>) -> Vec<u8> {
        if *self == Self::default() {
            return head;
        }
        postcard::to_extend(self, head).expect("plain data")
    }

    /// Reads what stands behind a head.
    pub(super) fn read(mut rest: &[u8]) -> Result<Self, postcard::Error> {
        let read = Self {
            told_until: next(&mut rest)?,
            closes_at: next(&mut rest)?,
            offered_until: next(&mut rest)?,
            last_agent: next(&mut rest)?,
            lapsed: next(&mut rest)?,
            pinned: next(&mut rest)?,
            alternatives: next(&mut rest)?,
            survey: next(&mut rest)?,
        };
        match rest {
            [] => Ok(read),
            [..] => Err(postcard::Error::DeserializeBadEncoding),
        }
    }
}

fn next<T: DeserializeOwned + Default>(rest: &mut &[u8]) -> Result<T, postcard::Error> {
    if rest.is_empty() {
        return Ok(T::default());
    }
    let (value, left) = postcard::take_from_bytes(rest)?;
    *rest = left;
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_without_it_has_its_default_and_one_with_part_of_it_the_rest() {
        assert_eq!(Routing::read(&[]), Ok(Routing::default()));
        assert_eq!(
            Routing::default().append_to(vec![7]),
            [7],
            "it costs nothing"
        );
        let kept = Routing {
            told_until: Some(Timestamp::from_millis(7)),
            last_agent: Some("Ana".into()),
            ..Routing::default()
        };
        let bytes = kept.append_to(Vec::new());
        assert_eq!(Routing::read(&bytes), Ok(kept.clone()));
        let told = postcard::to_stdvec(&kept.told_until).expect("plain data");
        let only_told = Routing {
            told_until: kept.told_until,
            ..Routing::default()
        };
        assert_eq!(Routing::read(&told), Ok(only_told));
        let foreign = [bytes.as_slice(), &[9, 9]].concat();
        assert!(Routing::read(&foreign).is_err());
    }
}
