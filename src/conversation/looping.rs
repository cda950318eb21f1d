//! The loop breaker: a customer who is handed over again and again stays with people.
//!
//! The handoffs are counted for the conversation, in whatever queues they were. The rule is that of the queue it is in;
//! a queue without one goes by the rules of the queues whose ladders lead to it, and of the channel's queue: being moved
//! on by a ladder is no way out of a rule. This hands nothing over and keeps nothing: it only answers.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::common::{Cx, HANDOFFS_MAX};
use super::policy::{Policy, RungAction};
use crate::ids::QueueName;

/// So many handoffs within so long mean that the AI cannot settle this.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct LoopBreaker {
    /// How many.
    pub handoffs: u8,
    /// Within how long.
    pub within: Duration,
}

/// Whether a rule that holds for the conversation says that the AI cannot settle this.
pub(super) fn tripped(cx: &Cx<'_>) -> bool {
    let home = &cx.channel().queue;
    let trips = |breaker: LoopBreaker| {
        let from = cx.now - breaker.within;
        let recent = cx.common.episode.handoffs.iter().filter(|at| **at > from);
        recent.count() >= usize::from(breaker.handoffs).clamp(1, HANDOFFS_MAX)
    };
    breakers(cx.policy, &cx.common.queue, home).any(trips)
}

/// The rules for what is in `queue` and began in `home`.
fn breakers<'a>(
    policy: &'a Policy,
    queue: &'a QueueName,
    home: &'a QueueName,
) -> impl Iterator<Item = LoopBreaker> + use<'a> {
    let mut names = vec![queue];
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(name) = names.get(at).copied() {
        at += 1;
        if let Some(breaker) = policy.queue_rules(name).loop_breaker {
            found.push(breaker);
            continue;
        }
        for (from, rules) in &policy.queues {
            let leads = rules.ladder.iter().any(|rung| match &rung.action {
                RungAction::Transfer(to) => to == name,
                RungAction::Notify
                | RungAction::Reassign
                | RungAction::Lead
                | RungAction::Apologise => false,
            });
            if leads && !names.contains(&from) {
                names.push(from);
            }
        }
        if !names.contains(&home) {
            names.push(home);
        }
    }
    found.into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conversation::policy::{QueuePolicy, Rung};

    #[test]
    fn a_queue_without_a_rule_goes_by_those_that_lead_to_it() {
        let mut policy = Policy::default();
        let mut add = |name: &str, to: Option<&str>, handoffs: Option<u8>| {
            let within = Duration::from_hours(1);
            let to = to.map(|to| Rung {
                after: within,
                action: RungAction::Transfer(to.into()),
            });
            let queue = QueuePolicy {
                ladder: to.into_iter().collect(),
                loop_breaker: handoffs.map(|handoffs| LoopBreaker { handoffs, within }),
                ..QueuePolicy::default()
            };
            policy.queues.insert(name.into(), queue);
        };
        add("front", Some("second"), Some(2));
        add("second", Some("last"), None);
        add("vip", Some("second"), Some(3));
        add("last", None, None);
        add("own", Some("front"), Some(5));
        add("alone", None, None);
        let check = |queue: &str, home: &str, rules: &[u8]| {
            let (queue, home) = (queue.into(), home.into());
            let mut found: Vec<_> = breakers(&policy, &queue, &home)
                .map(|breaker| breaker.handoffs)
                .collect();
            found.sort_unstable();
            assert_eq!(found, rules, "{queue} from {home}");
        };
        check("front", "own", &[2]);
        check("second", "alone", &[2, 3]);
        check("last", "alone", &[2, 3]);
        check("last", "own", &[2, 3, 5]);
        check("alone", "alone", &[]);
        check("alone", "front", &[2]);
    }
}
