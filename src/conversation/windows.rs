//! The windows of a queue that a channel sets otherwise: a chat is left sooner than a thread of messages.
//!
//! What a channel does not name stays as the queue has it. The rules of each queue as a channel changes them are laid
//! out once, when a policy is sealed ([`Queues`]), so that a step looks up and merges nothing. Pure.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::policy::{ChannelPolicy, QueuePolicy};
use crate::ids::{ChannelName, QueueName};

/// What a channel sets otherwise; each as in [`QueuePolicy`].
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Windows {
    /// Target: requested to claimed. A ladder that is the usual one follows it.
    pub claim_within: Option<Duration>,
    /// Target: requested to the first human word.
    pub first_response_within: Option<Duration>,
    /// Target: a customer's message to the next human word.
    pub next_response_within: Option<Duration>,
    /// Target: opened to resolved.
    pub resolve_within: Option<Duration>,
    /// Ownership lapses after this long without a sign of life.
    pub lease: Option<Duration>,
    /// After this long without a human word the person is asked "are you done?".
    pub agent_silence: Option<Duration>,
    /// How long that question may stay unanswered.
    pub answer_within: Option<Duration>,
    /// How long an offer to one person stands.
    pub offer_for: Option<Duration>,
    /// When a silent customer is asked whether they are still there.
    pub remind_after: Option<Duration>,
    /// When a conversation with the AI closes.
    pub idle_close: Option<Duration>,
    /// Within which time a closed conversation is taken up again.
    pub reopen_within: Option<Duration>,
    /// How long a reply is kept that the channel does not take now.
    pub parked_for: Option<Duration>,
    /// After so many answers of the AI the customer is told that a person can be had.
    pub mention_person: Option<u8>,
    /// The AI goes on answering while a person is awaited.
    pub ai_while_waiting: Option<bool>,
    /// The same while the queue is closed.
    pub ai_after_hours: Option<bool>,
    /// The customer may send the person away.
    pub customer_may_end: Option<bool>,
}

impl Windows {
    /// The rules of a queue on this channel.
    pub fn over(&self, queue: &QueuePolicy) -> QueuePolicy {
        let mut changed = queue.clone();
        let set = |mine: &mut Duration, own: Option<Duration>| *mine = own.unwrap_or(*mine);
        let switch = |mine: &mut bool, own: Option<bool>| *mine = own.unwrap_or(*mine);
        set(&mut changed.claim_within, self.claim_within);
        set(
            &mut changed.first_response_within,
            self.first_response_within,
        );
        set(&mut changed.next_response_within, self.next_response_within);
        set(&mut changed.lease, self.lease);
        set(&mut changed.agent_silence, self.agent_silence);
        set(&mut changed.answer_within, self.answer_within);
        set(&mut changed.offer_for, self.offer_for);
        set(&mut changed.idle_close, self.idle_close);
        set(&mut changed.reopen_within, self.reopen_within);
        set(&mut changed.parked_for, self.parked_for);
        changed.resolve_within = self.resolve_within.or(changed.resolve_within);
        changed.remind_after = self.remind_after.or(changed.remind_after);
        changed.mention_person = self.mention_person.unwrap_or(changed.mention_person);
        switch(&mut changed.ai_while_waiting, self.ai_while_waiting);
        switch(&mut changed.ai_after_hours, self.ai_after_hours);
        switch(&mut changed.customer_may_end, self.customer_may_end);
        // nobody answers before they have claimed
        changed.first_response_within = changed.first_response_within.max(changed.claim_within);
        if queue.ladder == QueuePolicy::usual_ladder(queue.claim_within) {
            changed.ladder = QueuePolicy::usual_ladder(changed.claim_within);
        }
        changed
    }
}

/// The rules of all queues, and of those that a channel changes.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Queues {
    plain: BTreeMap<QueueName, QueuePolicy>,
    on_channels: BTreeMap<ChannelName, BTreeMap<QueueName, QueuePolicy>>,
}

impl Queues {
    /// Those of `queues` on `channels`.
    pub fn of(
        queues: &BTreeMap<QueueName, QueuePolicy>,
        channels: &BTreeMap<ChannelName, ChannelPolicy>,
    ) -> Self {
        Self {
            plain: queues.clone(),
            on_channels: on_channels(queues, channels),
        }
    }

    /// The rules of `queue` on `channel`; none: there is no such queue.
    pub fn get(&self, channel: &ChannelName, queue: &QueueName) -> Option<&QueuePolicy> {
        let own = self.on_channels.get(channel).and_then(|own| own.get(queue));
        own.or_else(|| self.plain.get(queue))
    }
}

/// The rules of `queues` on those of `channels` that change any of them.
pub(super) fn on_channels(
    queues: &BTreeMap<QueueName, QueuePolicy>,
    channels: &BTreeMap<ChannelName, ChannelPolicy>,
) -> BTreeMap<ChannelName, BTreeMap<QueueName, QueuePolicy>> {
    let changing = channels
        .iter()
        .filter(|(_, channel)| channel.windows != Windows::default());
    changing
        .map(|(name, channel)| {
            let over = queues
                .iter()
                .map(|(queue, rules)| (queue.clone(), channel.windows.over(rules)));
            (name.clone(), over.collect())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_channel_does_not_name_stays_as_the_queue_has_it() {
        let queue = QueuePolicy::default();
        assert_eq!(Windows::default().over(&queue), queue);
        let hasty = Windows {
            claim_within: Some(Duration::from_mins(20)),
            idle_close: Some(Duration::from_mins(30)),
            ..Windows::default()
        };
        let changed = hasty.over(&queue);
        assert_eq!(changed.idle_close, Duration::from_mins(30));
        assert_eq!(changed.reopen_within, queue.reopen_within);
        assert_eq!(changed.first_response_within, Duration::from_mins(20));
        assert_eq!(
            changed.ladder,
            QueuePolicy::usual_ladder(Duration::from_mins(20))
        );
    }

    #[test]
    fn a_ladder_of_the_house_stays() {
        let mut queue = QueuePolicy::default();
        queue.ladder.remove(0);
        let hasty = Windows {
            claim_within: Some(Duration::from_mins(1)),
            ..Windows::default()
        };
        assert_eq!(hasty.over(&queue).ladder, queue.ladder);
    }
}
