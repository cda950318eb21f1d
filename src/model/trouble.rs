//! Tells the log which model fails, and not a line for each question: at once, then at most once a minute with how
//! often it has failed since. Never what a customer wrote: a fault's detail holds none of it.

use super::refusal::Refused;
use crate::clock::monotonic;
use crate::conversation::words::ModelFault;
use crate::ids::ConversationId;
use crate::trace::Seldom;

/// How one model has failed of late.
#[derive(Debug, Default)]
pub(super) struct Trouble(Seldom);

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
        if let Some(failures) = self.0.happened(monotonic()) {
            tracing::warn!(model, %conversation, fault = %why.fault, detail = why.detail, failures, "a model does not answer");
        }
    }
}
