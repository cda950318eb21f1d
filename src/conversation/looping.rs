//! The loop breaker: a customer who is handed over again and again stays with people.
//!
//! The handoffs are counted for the conversation, in whatever queues they were, whoever caused them, and over the end of an
//! episode. The rule is that of the queue it is in, and of every queue that it was in within the time of that queue's
//! rule; the strictest counts. A queue without one goes by the rules of the queues whose ladders lead to it, and of the
//! channel's queue. So being moved on, by a ladder or by a person, is no way out of a rule. This hands nothing over.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::common::{Cx, HANDOFFS_MAX};
use super::policy::{Policy, RungAction};
use crate::clock::Timestamp;
use crate::ids::QueueName;

/// How many queues are remembered: more than a customer is passed through.
const BEEN_MAX: usize = 8;

/// So many handoffs within so long mean that the AI cannot settle this.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct LoopBreaker {
    /// How many.
    pub handoffs: u8,
    /// Within how long.
    pub within: Duration,
}

/// A queue that a handoff of the conversation has waited in.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(super) struct Been {
    queue: QueueName,
    /// When it was last known to be there.
    at: Timestamp,
}

/// A handoff waits in the queue that the conversation is in, or is about to leave it.
pub(super) fn remember_queue(cx: &mut Cx<'_>) {
    let (queue, at) = (cx.common.queue.clone(), cx.now);
    let been = &mut cx.common.routing.been;
    been.retain(|one| one.queue != queue);
    if been.len() == BEEN_MAX {
        been.remove(0);
    }
    been.push(Been { queue, at });
}

/// Whether a rule that holds for the conversation says that the AI cannot settle this.
pub(super) fn tripped(cx: &Cx<'_>) -> bool {
    let home = &cx.channel().queue;
    let trips = |breaker: LoopBreaker, last_there: Timestamp| {
        let from = cx.now - breaker.within;
        let recent = cx.common.episode.handoffs.iter().filter(|at| **at > from);
        let enough = usize::from(breaker.handoffs).clamp(1, HANDOFFS_MAX);
        last_there > from && recent.count() >= enough
    };
    let been = cx.common.routing.been.iter();
    been.map(|been| (&been.queue, been.at))
        .chain([(&cx.common.queue, cx.now)])
        .any(|(queue, at)| breakers(cx.policy, queue, home).any(|rule| trips(rule, at)))
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
