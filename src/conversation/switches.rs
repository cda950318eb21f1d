//! The switches of the AI: turned by people while the process runs, recorded by facts of their own, and no part of the
//! rules that a policy's hash names.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::ids::{ChannelName, QueueName};

/// Where the AI is switched on and off, by people, while the process runs.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Switches {
    /// The AI is on at all.
    pub all: bool,
    /// Channels where it is off.
    pub channels_off: BTreeSet<ChannelName>,
    /// Queues where it is off.
    pub queues_off: BTreeSet<QueueName>,
}

impl Default for Switches {
    fn default() -> Self {
        Self {
            all: true,
            channels_off: BTreeSet::new(),
            queues_off: BTreeSet::new(),
        }
    }
}

impl Switches {
    /// Whether the AI may answer on `channel`, in `queue`.
    pub fn ai_on(&self, channel: &ChannelName, queue: &QueueName) -> bool {
        self.all && !self.channels_off.contains(channel) && !self.queues_off.contains(queue)
    }
}
