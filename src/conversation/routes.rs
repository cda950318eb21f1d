//! Which queue a handoff goes to, and who in it is asked first: rules as data, decided purely.
//!
//! A queue takes a handoff when every condition of its `match` holds. Of several the greatest priority wins, then the
//! most conditions, then the name. A queue that a rule of triage or a person names goes before all of them; where
//! nothing matches, the conversation stays in the queue it is in.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::policy::Policy;
use super::texts::primary;
use super::words::Reason;
use crate::ids::{ChannelName, QueueName};
use crate::triage::amounts;

/// The attribute that holds the class of a customer or lead.
pub const CLASS: &str = "class";
/// The attribute that holds what is at stake, as an amount.
pub const VALUE: &str = "value";

/// How the conversations of a queue find a person.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub enum Assignment {
    /// They wait for whoever claims them.
    #[default]
    Claim,
    /// Each is offered to the one who was asked longest ago.
    RoundRobin,
    /// Each is offered to the one who has the least to do.
    LeastLoaded,
}

/// The handoffs that a queue takes. An empty condition holds always.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Match {
    /// One of these reasons.
    pub reasons: BTreeSet<Reason>,
    /// One of these classes, in lower case: the attribute [`CLASS`].
    pub classes: BTreeSet<String>,
    /// At least this much is at stake, in hundredths: the attribute [`VALUE`], or an amount in what fired the rule.
    pub value_from: Option<u64>,
    /// One of these languages, as primary subtags.
    pub languages: BTreeSet<String>,
    /// One of these channel instances.
    pub channels: BTreeSet<ChannelName>,
    /// Each of these attributes, with one of its values.
    pub attributes: BTreeMap<String, BTreeSet<String>>,
}

/// Who is asked before all others, for as long as an offer stands.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Pin {
    /// The person whom this attribute names: an account manager.
    pub attribute: Option<String>,
    /// The person who had this customer last.
    pub last_agent: bool,
}

/// What is known of a handoff when its queue is chosen.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// Why.
    pub reason: Reason,
    /// The words that the rule fired on.
    pub matched: &'a str,
    /// Where the customer writes.
    pub channel: &'a ChannelName,
    /// In which language, if that is known.
    pub language: Option<&'a str>,
    /// What other systems know.
    pub attributes: &'a BTreeMap<String, String>,
}

impl Policy {
    /// The queue whose `match` takes a handoff; none: no queue has one that does.
    pub fn matching_queue(&self, facts: &Facts<'_>) -> Option<&QueueName> {
        let taking = self.queues.iter().filter_map(|(name, queue)| {
            let matches = queue.matches.as_ref()?;
            let rank = (queue.priority, matches.conditions());
            matches.take(facts).then_some((rank, name))
        });
        taking
            .max_by(|(a, a_name), (b, b_name)| a.cmp(b).then_with(|| b_name.cmp(a_name)))
            .map(|(_, name)| name)
    }
}

impl Match {
    /// How many conditions it has.
    pub fn conditions(&self) -> usize {
        let lists = [
            self.reasons.is_empty(),
            self.classes.is_empty(),
            self.value_from.is_none(),
            self.languages.is_empty(),
            self.channels.is_empty(),
        ];
        lists.into_iter().filter(|empty| !empty).count() + self.attributes.len()
    }

    fn take(&self, facts: &Facts<'_>) -> bool {
        let attribute = |key: &str| facts.attributes.get(key).map(String::as_str);
        let class = || attribute(CLASS).map(str::to_lowercase);
        let language = || facts.language.map(primary);
        (self.reasons.is_empty() || self.reasons.contains(&facts.reason))
            && (self.classes.is_empty() || class().is_some_and(|one| self.classes.contains(&one)))
            && self
                .value_from
                .is_none_or(|from| at_stake(facts).is_some_and(|value| value >= from))
            && (self.languages.is_empty()
                || language().is_some_and(|one| self.languages.contains(&one)))
            && (self.channels.is_empty() || self.channels.contains(facts.channel))
            && self
                .attributes
                .iter()
                .all(|(key, values)| attribute(key).is_some_and(|one| values.contains(one)))
    }
}

/// What is at stake, in hundredths: what other systems say, else the largest amount among the words.
fn at_stake(facts: &Facts<'_>) -> Option<u64> {
    let said = facts.attributes.get(VALUE).and_then(|text| {
        let numbers = amounts::numbers(text);
        numbers.iter().map(|number| number.hundredths).max()
    });
    said.or_else(|| Some(amounts::largest(&amounts::numbers(facts.matched))?.hundredths))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conversation::policy::QueuePolicy;

    fn house() -> Policy {
        let mut policy = Policy::default();
        let mut add = |name: &str, priority, matches| {
            let queue = QueuePolicy {
                priority,
                matches: Some(matches),
                ..QueuePolicy::default()
            };
            policy.queues.insert(name.into(), queue);
        };
        let of = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        add(
            "legal",
            200,
            Match {
                reasons: BTreeSet::from([Reason::OutOfScope, Reason::Sensitive]),
                ..Match::default()
            },
        );
        add(
            "spanish",
            100,
            Match {
                languages: of(&["es"]),
                ..Match::default()
            },
        );
        add(
            "gold",
            100,
            Match {
                languages: of(&["es"]),
                attributes: BTreeMap::from([("plan".to_owned(), of(&["gold", "platinum"]))]),
                ..Match::default()
            },
        );
        add(
            "big",
            150,
            Match {
                value_from: Some(1_000_000),
                ..Match::default()
            },
        );
        add(
            "hot",
            150,
            Match {
                classes: of(&["hot"]),
                channels: BTreeSet::from(["web".into()]),
                ..Match::default()
            },
        );
        policy
    }

    #[test]
    fn priority_then_conditions_then_the_name_decide() {
        let policy = house();
        let check = |reason, matched: &str, language, attributes: &[(&str, &str)], queue| {
            let attributes = attributes
                .iter()
                .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
                .collect();
            let facts = Facts {
                reason,
                matched,
                channel: &"web".into(),
                language,
                attributes: &attributes,
            };
            let found = policy.matching_queue(&facts).map(QueueName::as_str);
            assert_eq!(found, queue, "{facts:?}");
        };
        let asked = Reason::UserRequest;
        check(asked, "human", Some("en"), &[], None);
        check(asked, "human", Some("es-MX"), &[], Some("spanish"));
        check(
            asked,
            "human",
            Some("es"),
            &[("plan", "gold")],
            Some("gold"),
        );
        check(
            asked,
            "human",
            Some("es"),
            &[("plan", "free")],
            Some("spanish"),
        );
        check(asked, "human", None, &[("plan", "gold")], None);
        check(
            Reason::Sensitive,
            "",
            Some("es"),
            &[("plan", "gold")],
            Some("legal"),
        );
        check(Reason::HighValue, "$25,000", Some("es"), &[], Some("big"));
        check(Reason::HighValue, "$2,500", None, &[], None);
        check(asked, "human", None, &[("value", "12000")], Some("big"));
        check(asked, "human", None, &[("class", "HOT")], Some("hot"));
        // both at 150, the one with more conditions
        check(
            asked,
            "",
            None,
            &[("class", "hot"), ("value", "12000")],
            Some("hot"),
        );
    }
}
