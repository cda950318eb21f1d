//! Tells the log which model fails, and not a line for each question: at once, then at most once a minute with how
//! often it has failed since. Never what a customer wrote: a fault's detail holds none of it.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::wire::Refused;
use crate::clock::monotonic;
use crate::conversation::words::ModelFault;
use crate::ids::ConversationId;

/// A model that is down fails with every question; whoever reads the log needs to know it once in a while.
const TELL_EVERY: Duration = Duration::from_secs(60);

/// How one model has failed of late.
#[derive(Debug, Default)]
pub(super) struct Trouble(Mutex<Lately>);

#[derive(Debug, Default)]
struct Lately {
    told: Option<Instant>,
    failures: u64,
}

impl Lately {
    /// Counts a failure; how many there were since the last line, where another line is due.
    fn failed(&mut self, now: Instant) -> Option<u64> {
        self.failures += 1;
        let due = |told: Instant| now.saturating_duration_since(told) >= TELL_EVERY;
        if !self.told.is_none_or(due) {
            return None;
        }
        self.told = Some(now);
        Some(std::mem::take(&mut self.failures))
    }
}

impl Trouble {
    /// A question of this conversation was not answered by `model`. One that was withdrawn or held back is no trouble.
    pub(super) fn failed(&self, model: &str, conversation: ConversationId, why: &Refused) {
        match why.fault {
            ModelFault::Cancelled | ModelFault::Filtered => return,
            ModelFault::Timeout
            | ModelFault::RateLimited
            | ModelFault::Auth
            | ModelFault::BadRequest
            | ModelFault::ServerError => {}
        }
        let mut lately = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let failures = lately.failed(monotonic());
        drop(lately);
        if let Some(failures) = failures {
            tracing::warn!(model, %conversation, fault = %why.fault, detail = why.detail, failures, "a model does not answer");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_that_is_down_is_told_of_once_a_minute_with_how_often_it_failed() {
        let (mut lately, began) = (Lately::default(), monotonic());
        let told = (0..150).filter_map(|s| lately.failed(began + Duration::from_secs(s)));
        assert_eq!(told.collect::<Vec<_>>(), [1, 60, 60]);
    }
}
