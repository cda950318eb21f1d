//! Counts how full the queues are and how fast they move, for what waiting customers are told.
//!
//! Once a second, and only where a queue tells anything. The pace is what was seen in the last half hour: the time in
//! which somebody waited, by the number of claims in it. With fewer than [`CLAIMS_MIN`] claims there is no pace, and
//! after a restart it is seen anew. Whoever has come to wait longer than their queue's `alternatives_after` is rung, a
//! bounded number at a time and none twice in a while; what they are then told is decided by their conversation.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::clock::Timestamp;
use crate::conversation::event::Event;
use crate::conversation::line::crowd::{Crowd, Waiter};
use crate::conversation::line::{Tell, alternatives_above, estimate, is_closed};
use crate::conversation::policy::Policy;
use crate::conversation::words::ModeName;
use crate::desk::Desk;
use crate::http::Doors;
use crate::ids::{ConversationId, QueueName};

/// How often it is counted.
const EVERY: Duration = Duration::from_secs(1);
/// How far back the pace looks, in minutes.
const MINUTES: usize = 30;
/// Fewer claims say nothing.
const CLAIMS_MIN: u32 = 3;
/// So many are rung at one count: a long line is told within a minute or so, and nobody else is kept waiting for it.
const RUNG_MAX: usize = 200;
/// Whoever was rung and had nothing to tell is not rung again for so long.
const RUNG_FOR: Duration = Duration::from_secs(60);

type Crowds = BTreeMap<QueueName, Crowd>;

/// What was seen of a queue lately.
#[derive(Default)]
struct Lately {
    /// Of each minute, the newest last: seconds in which somebody waited, and claims.
    minutes: VecDeque<(u64, u32, u32)>,
}

impl Lately {
    fn saw(&mut self, minute: u64, waited: bool, claims: u32) {
        if self.minutes.back().is_none_or(|last| last.0 != minute) {
            self.minutes.push_back((minute, 0, 0));
        }
        while self
            .minutes
            .front()
            .is_some_and(|first| first.0 + MINUTES as u64 <= minute)
        {
            self.minutes.pop_front();
        }
        if let Some(last) = self.minutes.back_mut() {
            last.1 += u32::from(waited);
            last.2 += claims;
        }
    }

    fn pace(&self) -> Option<Duration> {
        let (waited, claims) = self
            .minutes
            .iter()
            .fold((0, 0), |sum, one| (sum.0 + one.1, sum.1 + one.2));
        (claims >= CLAIMS_MIN).then(|| EVERY * waited.max(1) / claims)
    }
}

/// What was counted.
#[derive(Default)]
struct Counted {
    crowds: Crowds,
    /// In which queue each waits.
    waiting: BTreeMap<ConversationId, QueueName>,
    /// How many of those who waited before were claimed since.
    claims: BTreeMap<QueueName, u32>,
    /// Who is to be told what else they can do above this estimate.
    limits: BTreeMap<ConversationId, Duration>,
}

/// Until `stop`.
pub async fn run(doors: Doors, stop: CancellationToken) {
    let mut lately: BTreeMap<QueueName, Lately> = BTreeMap::new();
    let mut before: BTreeMap<ConversationId, QueueName> = BTreeMap::new();
    let mut rung: BTreeMap<ConversationId, Timestamp> = BTreeMap::new();
    while tokio::time::timeout(EVERY, stop.cancelled()).await.is_err() {
        let (policy, now) = (doors.runtime.policy(), doors.runtime.now());
        if !tells(&policy) {
            if policy.crowds.are_counted() {
                policy.crowds.see(Crowds::new(), now);
            }
            continue;
        }
        let (desk, rules) = (doors.desk.clone(), Arc::clone(&policy));
        let left = std::mem::take(&mut before);
        let counted = tokio::task::spawn_blocking(move || count(&desk, &rules, left)).await;
        let Ok(mut counted) = counted else {
            continue;
        };
        let minute = u64::try_from(now.as_millis() / 60_000).unwrap_or(0);
        for name in policy.queues.keys() {
            let crowd = counted.crowds.entry(name.clone()).or_default();
            let seen = lately.entry(name.clone()).or_default();
            let claims = counted.claims.get(name).copied().unwrap_or(0);
            seen.saw(minute, !crowd.waiting.is_empty() || claims > 0, claims);
            crowd.pace = seen.pace();
        }
        rung.retain(|_, at| *at + RUNG_FOR > now);
        let open = |queue: &QueueName| !is_closed(&policy, queue, now);
        let late = late(&counted.crowds, &counted.limits, open, |id| {
            rung.contains_key(&id)
        });
        before = counted.waiting;
        policy.crowds.see(counted.crowds, now);
        for id in late {
            rung.insert(id, now);
            doors.runtime.router().tell(id, Event::DeadlinePassed);
        }
    }
}

fn tells(policy: &Policy) -> bool {
    let mut queues = policy.queues.values();
    queues.any(|queue| queue.tell != Tell::default())
}

/// What waits now, and what became of those who waited `before`.
fn count(desk: &Desk, policy: &Policy, before: BTreeMap<ConversationId, QueueName>) -> Counted {
    let mut counted = Counted::default();
    for seen in desk.board().all(ModeName::Waiting) {
        let Some(conversation) = seen.conversation() else {
            continue;
        };
        if let Some((queue, waiter)) = Waiter::of(conversation) {
            let crowd = counted.crowds.entry(queue.clone()).or_default();
            crowd.waiting.insert(waiter.id, waiter);
            counted.waiting.insert(waiter.id, queue);
            if let Some(limit) = alternatives_above(conversation, policy) {
                counted.limits.insert(waiter.id, limit);
            }
        }
    }
    for (id, queue) in before {
        let seen = desk.board().get(id);
        let claimed = seen.is_some_and(|seen| {
            let mode = seen.conversation().map(|one| one.mode().name());
            mode == Some(ModeName::Human)
        });
        *counted.claims.entry(queue).or_default() += u32::from(claimed);
    }
    counted
}

/// Who waits longer than their limit and is not yet told, at most [`RUNG_MAX`], whoever is served first before others.
fn late(
    crowds: &Crowds,
    limits: &BTreeMap<ConversationId, Duration>,
    open: impl Fn(&QueueName) -> bool,
    rung: impl Fn(ConversationId) -> bool,
) -> Vec<ConversationId> {
    let mut late = Vec::new();
    if limits.is_empty() {
        return late;
    }
    for (queue, crowd) in crowds {
        let Some(pace) = crowd.pace else { continue };
        if crowd.waiting.is_empty() || !open(queue) {
            continue;
        }
        let mut line: Vec<&Waiter> = crowd.waiting.values().collect();
        line.sort_unstable_by_key(|waiter| waiter.order());
        for (position, waiter) in (1..).zip(line) {
            let limit = limits.get(&waiter.id);
            let long = limit.is_some_and(|limit| estimate(pace, position) > *limit);
            if long && !rung(waiter.id) && late.len() < RUNG_MAX {
                late.push(waiter.id);
            }
        }
    }
    late
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(length: u8, pace: u64) -> Crowds {
        let waiter = |n: u8| {
            let id = ConversationId::from_bytes([n; 16]);
            let since = Timestamp::from_millis(i64::from(n));
            let (priority, one) = (0, id);
            let waiter = Waiter {
                id,
                priority,
                since,
            };
            (one, waiter)
        };
        let crowd = Crowd {
            waiting: (0..length).map(waiter).collect(),
            pace: (pace > 0).then(|| Duration::from_secs(pace)),
        };
        BTreeMap::from([("support".into(), crowd)])
    }

    #[test]
    fn who_waits_too_long_is_rung_once_and_only_while_it_is_open() {
        let id = |n: u8| ConversationId::from_bytes([n; 16]);
        let minute = Duration::from_secs(60);
        // Numbers 2 and 4 were told already; number 5 is told above another limit.
        let limits = BTreeMap::from([(id(0), minute), (id(2), minute), (id(4), 5 * minute)]);
        let check = |crowds: &Crowds, open: bool, rung: &[u8], expected: &[u8]| {
            let rung: Vec<_> = rung.iter().map(|n| id(*n)).collect();
            let found = late(crowds, &limits, |_| open, |id| rung.contains(&id));
            let expected: Vec<_> = expected.iter().map(|n| id(*n)).collect();
            assert_eq!(found, expected);
        };
        check(&line(5, 20), true, &[], &[]);
        check(&line(5, 21), true, &[], &[2]);
        check(&line(5, 61), true, &[], &[0, 2, 4]);
        check(&line(5, 61), true, &[2], &[0, 4]);
        check(&line(5, 61), false, &[], &[]);
        check(&line(5, 0), true, &[], &[]);
    }

    #[test]
    fn a_long_line_is_rung_a_bounded_number_at_a_time() {
        let crowds = line(250, 60);
        let ids = crowds.values().flat_map(|crowd| crowd.waiting.keys());
        let limits = ids.map(|id| (*id, Duration::ZERO)).collect();
        let first = late(&crowds, &limits, |_| true, |_| false);
        assert_eq!(first.len(), RUNG_MAX);
        let rest = late(&crowds, &limits, |_| true, |id| first.contains(&id));
        assert_eq!(rest.len(), 50, "the rest at the next count");
    }

    #[test]
    fn the_pace_is_what_was_seen_and_nothing_else() {
        let mut lately = Lately::default();
        let mut second = 0;
        let mut see = |lately: &mut Lately, seconds: u64, waited, claims| {
            for at in 0..seconds {
                let now = if at == 0 { claims } else { 0 };
                lately.saw((second + at) / 60, waited, now);
            }
            second += seconds;
        };
        assert_eq!(lately.pace(), None);
        see(&mut lately, 120, true, 2);
        assert_eq!(lately.pace(), None, "two claims say nothing");
        // nobody waits: that is no time in which nobody was claimed
        see(&mut lately, 600, false, 0);
        see(&mut lately, 60, true, 1);
        assert_eq!(lately.pace(), Some(Duration::from_secs(60)));
        see(&mut lately, 1_800, false, 0);
        assert_eq!(lately.pace(), None, "half an hour ago is not lately");
    }
}
