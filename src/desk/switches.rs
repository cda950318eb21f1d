//! Which switch of the AI somebody turns. Pure: storing is the runtime's.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::conversation::policy::{Policy, Switches};
use crate::ids::{ChannelName, QueueName};

/// "Turn the AI on or off there." Exactly one of `all`, `channel` and `queue`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Turn {
    /// Everywhere; must be `true` if given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub all: Option<bool>,
    /// On this channel instance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub channel: Option<ChannelName>,
    /// In this queue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub queue: Option<QueueName>,
    /// On or off.
    pub on: bool,
}

/// Why no switch was turned.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NoSwitch {
    /// None or several were named.
    #[error("name exactly one of `all` (true), `channel` and `queue`")]
    Which,
    /// The channel is not configured.
    #[error("there is no channel `{0}`; there are: {1}")]
    Channel(ChannelName, String),
    /// The queue is not configured.
    #[error("there is no queue `{0}`; there are: {1}")]
    Queue(QueueName, String),
}

impl Turn {
    /// The switches after this.
    ///
    /// # Errors
    /// [`NoSwitch`] when it names none. What is off already can be turned on even where it is not configured any more.
    pub fn applied(&self, policy: &Policy) -> Result<Switches, NoSwitch> {
        let mut switches = policy.switches.clone();
        match (self.all, &self.channel, &self.queue) {
            (Some(true), None, None) => switches.all = self.on,
            (None, Some(channel), None) => {
                let off = switches.channels_off.contains(channel);
                if !(policy.channels.contains_key(channel) || self.on && off) {
                    return Err(NoSwitch::Channel(
                        channel.clone(),
                        names(policy.channels.keys()),
                    ));
                }
                turn(&mut switches.channels_off, channel, self.on);
            }
            (None, None, Some(queue)) => {
                let off = switches.queues_off.contains(queue);
                if !(policy.queues.contains_key(queue) || self.on && off) {
                    return Err(NoSwitch::Queue(queue.clone(), names(policy.queues.keys())));
                }
                turn(&mut switches.queues_off, queue, self.on);
            }
            (_, _, _) => return Err(NoSwitch::Which),
        }
        Ok(switches)
    }
}

fn names<N: ToString>(of: impl Iterator<Item = N>) -> String {
    of.map(|name| name.to_string())
        .collect::<Vec<_>>()
        .join(", ")
}

fn turn<N: Clone + Ord>(off: &mut BTreeSet<N>, name: &N, on: bool) {
    if on {
        off.remove(name);
    } else {
        off.insert(name.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exactly_one_switch_is_turned() {
        let policy = Policy::default();
        let check = |json: &str, expected: Result<(bool, usize, usize), NoSwitch>| {
            let turn: Turn = serde_json::from_str(json).expect("a turn");
            let turned = turn
                .applied(&policy)
                .map(|s| (s.all, s.channels_off.len(), s.queues_off.len()));
            assert_eq!(turned, expected, "{json}");
        };
        check(r#"{"all":true,"on":false}"#, Ok((false, 0, 0)));
        check(r#"{"channel":"web","on":false}"#, Ok((true, 1, 0)));
        check(r#"{"queue":"support","on":false}"#, Ok((true, 0, 1)));
        check(
            r#"{"queue":"gone","on":true}"#,
            Err(NoSwitch::Queue("gone".into(), "support".into())),
        );
        check(
            r#"{"queue":"gone","on":false}"#,
            Err(NoSwitch::Queue("gone".into(), "support".into())),
        );
        check(r#"{"on":false}"#, Err(NoSwitch::Which));
        check(
            r#"{"all":true,"queue":"support","on":false}"#,
            Err(NoSwitch::Which),
        );
        check(r#"{"all":false,"on":false}"#, Err(NoSwitch::Which));
    }
}
