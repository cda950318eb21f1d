//! Looking rules up so that there always are some: a queue or channel that the policy no longer names gets the defaults.
//!
//! A conversation outlives the configuration it was born under; a missing rule must not make it undecidable.

use std::sync::LazyLock;

use super::common::Common;
use super::message::Medium;
use super::policy::{ChannelPolicy, Policy, QueuePolicy};
use crate::clock::Timestamp;
use crate::ids::{ChannelName, QueueName};

static QUEUE: LazyLock<QueuePolicy> = LazyLock::new(QueuePolicy::default);
static CHANNEL: LazyLock<ChannelPolicy> =
    LazyLock::new(|| ChannelPolicy::of(Medium::Other, QueueName::from("support")));

impl Policy {
    /// The rules of `queue`; those of the default queue, then the built-in ones, where it is not known.
    pub fn queue_rules(&self, queue: &QueueName) -> &QueuePolicy {
        self.queue(queue).unwrap_or(&QUEUE)
    }

    /// Whether `queue` is open at `at` by its calendar; one without a calendar always is.
    pub fn is_open(&self, queue: &QueueName, at: Timestamp) -> bool {
        let calendar = self.calendar(self.queue_rules(queue));
        calendar.is_none_or(|calendar| calendar.is_open(at))
    }

    /// The same, as `channel` changes them.
    pub fn queue_rules_on(&self, channel: &ChannelName, queue: &QueueName) -> &QueuePolicy {
        let own = self.on_channels.get(channel);
        let own = own.and_then(|own| own.get(queue).or_else(|| own.get(&self.default_queue)));
        own.unwrap_or_else(|| self.queue_rules(queue))
    }

    /// The rules of the queue that a conversation is in: those that its handoff began under, as far as they know the
    /// queue, and else the newest.
    pub fn queue_rules_of(&self, common: &Common) -> &QueuePolicy {
        let pinned = common
            .routing
            .pinned
            .and_then(|hash| self.earlier.get(&hash));
        let (channel, queue) = (&common.channel, &common.queue);
        pinned
            .and_then(|queues| queues.get(channel, queue))
            .unwrap_or_else(|| self.queue_rules_on(channel, queue))
    }

    /// The language of a conversation: the customer's, else the channel's.
    pub fn language_of<'a>(&'a self, common: &'a Common) -> Option<&'a str> {
        let channel = self.channel_rules(&common.channel).language.as_deref();
        common.customer.language.as_deref().or(channel)
    }

    /// The rules of `channel`; the built-in ones where it is not known.
    pub fn channel_rules(&self, channel: &ChannelName) -> &ChannelPolicy {
        self.channels.get(channel).unwrap_or(&CHANNEL)
    }
}
