//! What is allowed and yet hardly meant: told by `segue check` and in the log, and refused by nobody.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{ChannelSection, show};
use crate::conversation::policy::{QueuePolicy, RungAction};
use crate::ids::{ChannelName, QueueName};

/// Ladders that say sorry while the time that customers were promised still runs: in a queue, or where a channel sets
/// `claim_within` otherwise. One line each.
pub(super) fn early_apologies(
    queues: &BTreeMap<QueueName, QueuePolicy>,
    channels: &BTreeMap<ChannelName, ChannelSection>,
) -> Vec<String> {
    let mut doubts = Vec::new();
    for (name, queue) in queues {
        if let Some(doubt) = early_apology(queue) {
            doubts.push(format!("queue `{name}`: {doubt}"));
            continue;
        }
        for (channel, section) in channels {
            let own = section.policy().windows.over(queue);
            if let Some(doubt) = early_apology(&own) {
                doubts.push(format!("queue `{name}` on channel `{channel}`: {doubt}"));
            }
        }
    }
    doubts
}

fn early_apology(queue: &QueuePolicy) -> Option<String> {
    let mut ladder = queue.ladder.iter();
    let sorry = ladder.find(|rung| rung.action == RungAction::Apologise)?;
    let (promised, after) = (queue.claim_within, sorry.after);
    (after < promised).then(|| told(promised, after))
}

fn told(promised: Duration, after: Duration) -> String {
    format!(
        "customers are promised somebody within {} (claim_within), and the ladder apologises after {} already",
        show(promised),
        show(after)
    )
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::{Config, Environment};
    use super::*;

    fn check(text: &str, expected: &[&str]) {
        let config = Config::parse("t", text, Path::new(""), &Environment::default());
        let config = config.expect("no faults");
        let found = early_apologies(&config.queues, &config.channels);
        assert_eq!(found.len(), expected.len(), "{found:?}");
        for (found, expected) in found.iter().zip(expected) {
            assert!(found.contains(expected), "{found}");
        }
    }

    #[test]
    fn an_apology_before_the_promised_time_is_doubted() {
        let sorry = |after: &str, more: &str| {
            format!(
                "[queues.support]\nclaim_within = \"10m\"\nfirst_response_within = \"20m\"\n\
                 ladder = [{{ after = \"{after}\", do = \"apologise\" }}]\n{more}"
            )
        };
        check("", &[]);
        check("[queues.support]\nclaim_within = \"10m\"\n", &[]);
        check(&sorry("10m", ""), &[]);
        check(
            &sorry("1m", ""),
            &[
                "queue `support`: customers are promised somebody within 10m (claim_within), and the ladder apologises after 1m",
            ],
        );
        let web = "[channels.web]\nkind = \"webchat\"\nclaim_within = \"15m\"\n";
        check(
            &sorry("12m", web),
            &["queue `support` on channel `web`: customers are promised somebody within 15m"],
        );
        // Said once, of the queue.
        check(&sorry("1m", web), &["queue `support`: "]);
    }
}
