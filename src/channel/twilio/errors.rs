//! Twilio's error codes, reduced to what they mean for trying again.
//!
//! The same code may come at once, in the answer to a send, or minutes later in a delivery report; both use this
//! table. Facts: Twilio's error dictionary, <https://www.twilio.com/docs/api/errors>.

use crate::conversation::message::{FailureCause, Retry};

/// How long to leave a sender alone whose queue is full, in milliseconds. Twilio holds up to ten hours of messages
/// for a sender, so a second would not help.
const QUEUE_FULL_MS: u64 = 30_000;

/// How long to wait after 429 without a `Retry-After`, in milliseconds.
pub(super) const TOO_MANY_MS: u64 = 1_000;

/// What `code` means; `None` for one that is not in the table.
pub fn meaning(code: u32) -> Option<(FailureCause, Retry)> {
    Some(match code {
        // Refused before it was processed: always safe to repeat.
        20429 => (FailureCause::RateLimited, Retry::After(TOO_MANY_MS)),
        // Sender's queue over ten hours long; service queue overflow; WhatsApp and account-wide rates.
        21611 | 30001 | 63017 | 63018 => (FailureCause::RateLimited, Retry::After(QUEUE_FULL_MS)),
        // The account's limit for the day: repeating within a message's patience cannot help.
        63038 => (FailureCause::RateLimited, Retry::Never),
        // STOP to this sender; blocked by the customer; the carrier's own blocklist is about content (30007 below).
        21610 | 63014 => (FailureCause::Blocked, Retry::StopForThisCustomer),
        // Not a number, not a mobile, a landline, not verified on a trial, region not permitted, unknown or
        // unreachable handset, not on WhatsApp.
        21211 | 21214 | 21217 | 21408 | 21608 | 21614 | 21635 | 30003 | 30005 | 30006 | 63003
        | 63024 => (FailureCause::InvalidRecipient, Retry::Never),
        // Free text outside WhatsApp's 24 hours: only a template may go.
        63016 => (FailureCause::WindowClosed, Retry::Never),
        // Wrong credentials, an unusable sender, content refused by Twilio, a carrier or WhatsApp.
        20003 | 20404 | 21212 | 21606 | 21609 | 21617 | 21659 | 30007 | 30034 | 63007 | 63013
        | 63021 => (FailureCause::ProviderError, Retry::Never),
        _ => return None,
    })
}

/// What a code in a delivery report says about the failure.
pub(super) fn cause(code: Option<&str>) -> FailureCause {
    let Some(code) = code else {
        return FailureCause::Other;
    };
    match code.parse().ok().and_then(meaning) {
        Some((cause, _)) => cause,
        // 30xxx are carriers' and 63xxx are channels' refusals; what is left is unknown to us.
        None if code.starts_with("30") || code.starts_with("63") => FailureCause::ProviderError,
        None => FailureCause::Other,
    }
}
