//! Counts how full the queues are and how fast they move, for what waiting customers are told.
//!
//! Once a second, and only where a queue tells anything. The pace is what was seen in the last half hour: the time in
//! which somebody waited, by the number of claims in it. With fewer than [`CLAIMS_MIN`] claims there is no pace, and
//! after a restart it is seen anew.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::conversation::Mode;
use crate::conversation::line::{Crowd, Tell};
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

/// Until `stop`.
pub async fn run(doors: Doors, stop: CancellationToken) {
    let mut lately: BTreeMap<QueueName, Lately> = BTreeMap::new();
    let mut before: BTreeMap<ConversationId, QueueName> = BTreeMap::new();
    while tokio::time::timeout(EVERY, stop.cancelled()).await.is_err() {
        let policy = doors.runtime.policy();
        if policy
            .queues
            .values()
            .all(|queue| queue.tell == Tell::default())
        {
            continue;
        }
        let desk = doors.desk.clone();
        let left = std::mem::take(&mut before);
        let counted = tokio::task::spawn_blocking(move || count(&desk, left)).await;
        let Ok((mut crowds, waiting, claims)) = counted else {
            continue;
        };
        before = waiting;
        let minute = u64::try_from(doors.runtime.now().as_millis() / 60_000).unwrap_or(0);
        for name in policy.queues.keys() {
            let crowd = crowds.entry(name.clone()).or_default();
            let seen = lately.entry(name.clone()).or_default();
            let claims = claims.get(name).copied().unwrap_or(0);
            seen.saw(minute, !crowd.waiting.is_empty() || claims > 0, claims);
            crowd.pace = seen.pace();
        }
        if crowds != *policy.crowds {
            doors.runtime.see_crowds(Arc::new(crowds)).await;
        }
    }
}

/// What waits now, in which queue each, and how many of those who waited before were claimed since.
fn count(
    desk: &Desk,
    before: BTreeMap<ConversationId, QueueName>,
) -> (
    Crowds,
    BTreeMap<ConversationId, QueueName>,
    BTreeMap<QueueName, u32>,
) {
    let (mut crowds, mut waiting) = (Crowds::new(), BTreeMap::new());
    for seen in desk.board().all(ModeName::Waiting) {
        let Some(conversation) = seen.conversation() else {
            continue;
        };
        if let Mode::Waiting(wait) = conversation.mode() {
            let common = conversation.common();
            let one = (common.priority, wait.since(), common.id);
            let crowd = crowds.entry(common.queue.clone()).or_default();
            crowd.waiting.push(one);
            waiting.insert(common.id, common.queue.clone());
        }
    }
    let mut claims = BTreeMap::new();
    for (id, queue) in before {
        let seen = desk.board().get(id);
        let claimed = seen.is_some_and(|seen| {
            let mode = seen.conversation().map(|one| one.mode().name());
            mode == Some(ModeName::Human)
        });
        *claims.entry(queue).or_default() += u32::from(claimed);
    }
    (crowds, waiting, claims)
}

#[cfg(test)]
mod tests {
    use super::*;

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
