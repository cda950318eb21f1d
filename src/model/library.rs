//! The knowledge base that questions are answered from, and the part of the prompt that rests on it.
//!
//! Replaced whole while the process runs: a question that is under way keeps the one it began with.

use std::sync::{Arc, PoisonError, RwLock};

use super::prompt::{self, OVERVIEW_BYTES_MAX};
use crate::knowledge::Knowledge;

/// One knowledge base and its prompt.
pub(super) struct Edition {
    pub(super) knowledge: Arc<Knowledge>,
    /// The part of the system prompt that is the same for everybody.
    pub(super) stable: Arc<str>,
}

/// The edition in force, and what every edition is made with.
pub(super) struct Library {
    system_prompt: Option<String>,
    handoff_tag: String,
    assess: bool,
    edition: RwLock<Arc<Edition>>,
}

impl Library {
    pub(super) fn new(
        system_prompt: Option<String>,
        handoff_tag: String,
        assess: bool,
        knowledge: Arc<Knowledge>,
    ) -> Self {
        let edition = edition(system_prompt.as_deref(), &handoff_tag, assess, knowledge);
        Self {
            system_prompt,
            handoff_tag,
            assess,
            edition: RwLock::new(Arc::new(edition)),
        }
    }

    /// The edition in force.
    pub(super) fn now(&self) -> Arc<Edition> {
        // Only a finished edition is ever put here: whoever panicked left a good one.
        Arc::clone(&self.edition.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts another knowledge base in force, from the next question on.
    pub(super) fn replace(&self, knowledge: Arc<Knowledge>) {
        let prompt = self.system_prompt.as_deref();
        let next = edition(prompt, &self.handoff_tag, self.assess, knowledge);
        *self.edition.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(next);
    }
}

fn edition(
    system_prompt: Option<&str>,
    tag: &str,
    assess: bool,
    knowledge: Arc<Knowledge>,
) -> Edition {
    let overview = knowledge.overview(OVERVIEW_BYTES_MAX);
    Edition {
        stable: prompt::stable(system_prompt, tag, &overview, assess).into(),
        knowledge,
    }
}
