//! What a page says it has shown: which messages of ours are on the customer's screen (delivered), and which the
//! customer had before their eyes (read).
//!
//! A page can speak only of its visitor's own thread: messages are named by their number within it, and the thread is
//! the visitor's. A number that means nothing there means nothing at all. Pages say the same again after a reload and
//! in every tab; what is known already, or was never released, is left out here, so that it costs one read and wakes
//! nobody. What is news wakes the conversation: a reply that was left yesterday is read today, and its writer is told.
//!
//! Reports are bounded in size here and in rate by the seats, apart from the messages: a page that reports too much
//! loses nothing that its customer writes. Nothing here decides how far a message has got: the core does, and a message
//! only ever moves forward.

use std::collections::BTreeMap;

use futures_util::future::join_all;

use super::Room;
use super::protocol::Refused;
use super::taken::check_id;
use crate::conversation::decision::Answer;
use crate::conversation::message::{Medium, Report, ReportState};
use crate::conversation::words::MessageState;
use crate::ids::{ConversationId, EffectId};
use crate::runtime::{Answered, Unavailable};

/// Messages of one report, delivered and read together. The conversation remembers fewer than that for reports.
pub const SHOWN_MAX: usize = 32;

/// A report that was taken in: each message once, with how far it got.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Shown(BTreeMap<EffectId, ReportState>);

impl Shown {
    /// A message that was read is not reported as delivered as well.
    ///
    /// # Errors
    /// [`Refused`]: its id is none, or it is too long.
    pub fn new(id: &str, delivered: &[u64], read: &[u64]) -> Result<Self, Refused> {
        check_id(id)?;
        if delivered.len() + read.len() > SHOWN_MAX {
            return Err(Refused::for_good(id, "a report names too many messages"));
        }
        let mut all: BTreeMap<_, _> = delivered
            .iter()
            .map(|effect| (EffectId(*effect), ReportState::Delivered))
            .collect();
        all.extend(
            read.iter()
                .map(|effect| (EffectId(*effect), ReportState::Read)),
        );
        Ok(Self(all))
    }

    /// Without what is no news, as each message stands.
    fn news(mut self, stands: impl Fn(EffectId) -> Option<MessageState>) -> Self {
        self.0.retain(|effect, got| is_news(stands(*effect), *got));
        self
    }
}

/// Whether a report tells anything of a message that stands so; none: it is not known any more.
const fn is_news(stands: Option<MessageState>, got: ReportState) -> bool {
    let Some(stands) = stands else { return false };
    match stands {
        // Released, and how it ended is about to be known, or in doubt: the page knows.
        MessageState::InFlight | MessageState::InDoubt | MessageState::Sent => true,
        MessageState::Delivered => matches!(got, ReportState::Read),
        MessageState::Pending
        | MessageState::Parked
        | MessageState::Read
        | MessageState::Failed
        | MessageState::Suppressed => false,
    }
}

impl Room {
    /// Has a conversation know what was shown. Resolves once it is durable, or nothing was new.
    ///
    /// # Errors
    /// [`Unavailable`]: the page may say it again.
    pub(super) async fn note(&self, id: ConversationId, shown: Shown) -> Answered {
        let head = self.runtime.read(id).await;
        let head = head.map_err(|_| Unavailable::Unread)?;
        let shown = shown.news(|effect| head.as_ref()?.common().outbox.state_of(effect));
        let reports = shown.0.into_iter().map(|(effect, state)| {
            let report = Report {
                effect: Some((id, effect)),
                provider_id: String::new(),
                state,
                code: None,
                failure: None,
            };
            self.runtime.report_awake(Medium::Webchat, report)
        });
        let answers: Result<Vec<Answer>, Unavailable> =
            join_all(reports).await.into_iter().collect();
        answers.map(|_| Answer::Ignored)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(delivered: &[u64], read: &[u64]) -> Vec<(u64, ReportState)> {
        let shown = Shown::new("r-1", delivered, read).expect("in bounds");
        shown
            .0
            .into_iter()
            .map(|(effect, got)| (effect.0, got))
            .collect()
    }

    #[test]
    fn a_message_stands_once_in_a_report_and_read_is_more_than_delivered() {
        use ReportState::{Delivered, Read};
        assert_eq!(of(&[2, 1, 2], &[1]), [(1, Read), (2, Delivered)]);
        assert_eq!(of(&[], &[]), []);
    }

    #[test]
    fn a_report_is_bounded_and_has_an_id() {
        let many: Vec<u64> = (0..20).collect();
        for (id, read) in [("r-1", &many[..]), ("", &[]), ("a:b", &[])] {
            let refused = Shown::new(id, &many[..], read).expect_err("no report");
            assert_eq!(refused.retry_after, None, "{id:?}");
        }
    }

    #[test]
    fn only_what_moves_a_message_forward_is_news() {
        use MessageState::{Delivered, Failed, InDoubt, InFlight, Parked, Pending, Read, Sent};
        let check = |stands, as_delivered, as_read| {
            let found = [ReportState::Delivered, ReportState::Read].map(|got| is_news(stands, got));
            assert_eq!(found, [as_delivered, as_read], "{stands:?}");
        };
        for released in [InFlight, InDoubt, Sent] {
            check(Some(released), true, true);
        }
        check(Some(Delivered), false, true);
        for settled in [Pending, Parked, Read, Failed, MessageState::Suppressed] {
            check(Some(settled), false, false);
        }
        check(None, false, false);
    }
}
