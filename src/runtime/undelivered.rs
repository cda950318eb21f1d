//! Tells the log which channel's messages do not get through, and why, as the provider says it: a refusal is an answer,
//! so no circuit opens and nobody else says a word. At once, then at most once a minute for each channel.
//!
//! Never what lies with one customer alone (no such number, blocked, the window is shut), and never a provider's own
//! text: it may repeat the number that was written to.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::channel::carrier::{CIRCUIT_OPEN, CUT_SHORT};
use crate::clock::monotonic;
use crate::conversation::event::Event;
use crate::conversation::message::{Attempt, FailureCause, ReportState};
use crate::ids::{ChannelName, ConversationId};
use crate::trace::Seldom;

/// The channels in trouble. They come from the configuration, so there are few. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(super) struct Undelivered(Arc<Mutex<BTreeMap<ChannelName, Arc<Seldom>>>>);

impl Undelivered {
    /// Looks whether `event` tells of a message that did not get through.
    pub(super) fn look(&self, event: &Event, channel: &ChannelName, conversation: ConversationId) {
        let Some((code, cause)) = trouble(event) else {
            return;
        };
        if let Some(times) = self.of(channel).happened(monotonic()) {
            tracing::warn!(%channel, %conversation, code, cause, times, "messages do not get through");
        }
    }

    fn of(&self, channel: &ChannelName) -> Arc<Seldom> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = all.get(channel) {
            return Arc::clone(known);
        }
        Arc::clone(all.entry(channel.clone()).or_default())
    }
}

/// The provider's code and what it means, where a message did not get through for a reason that others share.
fn trouble(event: &Event) -> Option<(&str, &'static str)> {
    let (code, cause) = if let Event::SendSettled { attempt, .. } = event {
        match attempt {
            Attempt::Accepted { .. } => return None,
            // Its opening was told; and what lost its right to leave halfway is no trouble.
            Attempt::Rejected { code, .. } if code == CIRCUIT_OPEN || code == CUT_SHORT => {
                return None;
            }
            Attempt::Rejected { code, cause, .. } => (code.as_str(), *cause),
            Attempt::Unknown { .. } => return Some(("unknown", "in_doubt")),
        }
    } else if let Event::Reported(report) = event
        && report.state == ReportState::Failed
    {
        let code = report.code.as_deref().unwrap_or("none");
        (code, report.failure.unwrap_or(FailureCause::Other))
    } else {
        return None;
    };
    match cause {
        FailureCause::WindowClosed | FailureCause::InvalidRecipient | FailureCause::Blocked => None,
        FailureCause::RateLimited
        | FailureCause::ProviderError
        | FailureCause::Timeout
        | FailureCause::Other => Some((code, cause.as_str())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conversation::message::{Report, Retry};
    use crate::ids::EffectId;

    #[track_caller]
    fn check(attempt: Attempt, told: Option<(&str, &str)>) {
        let event = Event::SendSettled {
            effect: EffectId(1),
            attempt,
        };
        assert_eq!(trouble(&event), told);
    }

    fn rejected(code: &str, cause: FailureCause) -> Attempt {
        Attempt::Rejected {
            code: code.to_owned(),
            cause,
            retry: Retry::Never,
        }
    }

    #[test]
    fn a_refusal_is_told_with_the_providers_code_and_what_lies_with_the_customer_is_not() {
        use FailureCause::{Blocked, InvalidRecipient, Other, ProviderError, WindowClosed};
        let accepted = Attempt::Accepted {
            provider_id: "SM1".to_owned(),
        };
        check(accepted, None);
        check(
            rejected("20003", ProviderError),
            Some(("20003", "provider_error")),
        );
        check(rejected("21610", Blocked), None);
        check(rejected("21211", InvalidRecipient), None);
        check(rejected("63016", WindowClosed), None);
        check(rejected(CIRCUIT_OPEN, ProviderError), None);
        check(rejected(CUT_SHORT, Other), None);
    }

    #[test]
    fn what_a_provider_wrote_of_a_message_in_doubt_is_not_told() {
        let detail = "502 +4915123456789".to_owned();
        check(Attempt::Unknown { detail }, Some(("unknown", "in_doubt")));
    }

    #[test]
    fn a_refusal_that_comes_later_is_told_as_well() {
        let report = |state, failure| {
            Event::Reported(Report {
                effect: None,
                provider_id: "SM1".to_owned(),
                state,
                code: Some("30034".to_owned()),
                failure,
            })
        };
        let late = report(ReportState::Failed, Some(FailureCause::ProviderError));
        assert_eq!(trouble(&late), Some(("30034", "provider_error")));
        assert_eq!(trouble(&report(ReportState::Delivered, None)), None);
    }
}
