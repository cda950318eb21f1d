//! The rules as a part of a policy: data that is compared, stored and hashed, compiled when first used.
//!
//! Most houses keep the bundled rules; these are compiled once for the process and shared.

use std::sync::{Arc, LazyLock, OnceLock};

use serde::{Deserialize, Serialize};

use super::rules::Rules;
use super::specs::Spec;

/// The bundled rules, compiled.
pub static BUNDLED: LazyLock<Arc<Rules>> =
    LazyLock::new(|| Arc::new(Rules::compile(Spec::clone(&SPEC))));
static SPEC: LazyLock<Arc<Spec>> = LazyLock::new(Arc::default);

/// The rules of a policy.
#[derive(Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Settings {
    spec: Arc<Spec>,
    #[serde(skip)]
    compiled: OnceLock<Arc<Rules>>,
}

impl Settings {
    /// Rules other than the bundled ones.
    pub fn of(spec: Spec) -> Self {
        Self {
            spec: Arc::new(spec),
            compiled: OnceLock::new(),
        }
    }

    /// The rules as data.
    pub fn spec(&self) -> &Spec {
        &self.spec
    }

    /// The rules, ready to be used. The first call compiles them, if they are not the bundled ones.
    pub fn rules(&self) -> &Rules {
        self.compiled.get_or_init(|| {
            let bundled = Arc::ptr_eq(&self.spec, &SPEC) || self.spec == *SPEC;
            match bundled {
                true => Arc::clone(&BUNDLED),
                false => Arc::new(Rules::compile(Spec::clone(&self.spec))),
            }
        })
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            spec: Arc::clone(&SPEC),
            compiled: OnceLock::new(),
        }
    }
}

impl PartialEq for Settings {
    /// The compiled form follows from the data.
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.spec, &other.spec) || self.spec == other.spec
    }
}

impl std::fmt::Debug for Settings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Settings({} rules)", self.spec.rules.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::triage::rules::Context;
    use crate::triage::specs::{Action, Spec};

    #[test]
    fn settings_survive_being_stored() {
        let settings = Settings::of(Spec::broad());
        let json = serde_json::to_string(&settings).expect("plain data");
        let read: Settings = serde_json::from_str(&json).expect("the same data");
        assert_eq!(read, settings);
        assert_ne!(read, Settings::default());
    }

    #[test]
    fn a_rule_that_only_observes_is_found_and_decides_nothing() {
        let mut spec = Spec::default();
        for rule in &mut spec.rules {
            rule.observe_only = rule.name == "scope.legal";
        }
        let settings = Settings::of(spec);
        let found = settings
            .rules()
            .before_model("i need legal advice", &Context::default());
        assert_eq!(found.findings.len(), 1, "{found:?}");
        assert_eq!(found.decision(), None);
        let found = Settings::default()
            .rules()
            .before_model("i need legal advice", &Context::default());
        let action = found.decision().map(|finding| finding.action);
        assert_eq!(action, Some(Action::Handoff));
    }
}
