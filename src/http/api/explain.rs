//! "Why was the bot silent at 12:03?": the trail, told decision by decision.
//!
//! Entries that were decided in one step share their time; each step begins with what came in. Nothing is computed
//! anew: what is told is what was written down when it was decided.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::asked::{Named, Wanted};
use super::because::because;
use super::caller::Caller;
use super::facts;
use super::one::{self, Part};
use crate::conversation::trail::{Entry, Fact};
use crate::conversation::words::By;
use crate::http::Doors;
use crate::http::problem::Problem;
use crate::ids::AgentName;

/// Decisions, oldest first.
#[derive(Serialize, ToSchema)]
pub struct Explanation {
    /// The decisions.
    items: Vec<Decision>,
    /// `after` of the next page; none: these are the newest.
    next: Option<u64>,
}

/// One step.
#[derive(Serialize, ToSchema)]
struct Decision {
    /// When.
    at: String,
    /// The entries it wrote: the first and the last.
    entries: (u64, u64),
    /// What came in: a kind of the trail, or `deadline`.
    came_in: &'static str,
    /// The person who acted, if one did.
    agent: Option<String>,
    /// The rule that fired, if one did.
    #[schema(value_type = Option<Object>)]
    rule: Option<Value>,
    /// What was decided, as kinds of the trail.
    decided: Vec<&'static str>,
    /// The same in a sentence.
    because: String,
    /// The policy it was decided under.
    policy: String,
    /// The version of the rules it was decided by.
    rules: u16,
}

pub async fn show(
    State(doors): State<Doors>,
    caller: Caller,
    Named(id): Named,
    Wanted(wanted): Wanted<Part>,
) -> Result<Json<Explanation>, Problem> {
    one::seen(&doors, &caller, id).await?;
    let (entries, count) = one::part(&doors, id, &wanted).await?;
    let more = entries.len() > count;
    let mut steps = steps(&entries);
    if more {
        // Only whole steps; one that is longer than the page is told as far as it was read.
        let whole = |step: &&[Entry]| {
            step.last()
                .is_some_and(|last| last.n <= entries[count - 1].n)
        };
        let keep = steps.iter().take_while(|step| whole(step)).count().max(1);
        steps.truncate(keep);
    }
    let next = steps
        .last()
        .and_then(|step| step.last())
        .map(|last| last.n)
        .filter(|_| more);
    Ok(Json(Explanation {
        items: steps.into_iter().map(decision).collect(),
        next,
    }))
}

/// Cuts entries into steps: one ends where time or policy change, or where something else comes in.
fn steps(entries: &[Entry]) -> Vec<&[Entry]> {
    let mut steps = Vec::new();
    let mut begin = 0;
    for at in 1..entries.len() {
        let (before, entry) = (&entries[at - 1], &entries[at]);
        let same_step = before.at == entry.at && before.policy == entry.policy;
        let caused = entries[begin..at].iter().any(|entry| is_cause(&entry.fact));
        let begins = is_cause(&entry.fact) || matches!(entry.fact, Fact::Opened { .. });
        if !same_step || (caused && begins) {
            steps.push(&entries[begin..at]);
            begin = at;
        }
    }
    if begin < entries.len() {
        steps.push(&entries[begin..]);
    }
    steps
}

fn decision(step: &[Entry]) -> Decision {
    let (first, last) = (&step[0], &step[step.len() - 1]);
    let cause = step
        .iter()
        .find(|entry| is_cause(&entry.fact))
        .unwrap_or(first);
    let facts = || step.iter().map(|entry| &entry.fact);
    let rule = facts().find_map(rule).or_else(|| facts().find_map(signal));
    let decided = step
        .iter()
        .filter(|entry| entry.n != cause.n)
        .map(|entry| facts::kind(&entry.fact))
        .collect();
    Decision {
        at: first.at.rfc3339(),
        entries: (first.n, last.n),
        came_in: came_in(&cause.fact),
        agent: actor(&cause.fact).map(ToString::to_string),
        because: because(step, cause),
        rule,
        decided,
        policy: format!("{:016x}", first.policy),
        rules: first.rules,
    }
}

/// Whether this fact is something that came in from outside.
fn is_cause(fact: &Fact) -> bool {
    matches!(
        fact,
        Fact::CustomerWrote { .. }
            | Fact::ModelAnswered { .. }
            | Fact::ModelFailed { .. }
            | Fact::HumanWrote { .. }
            | Fact::NoteWritten { .. }
            | Fact::Claimed { .. }
            | Fact::Reviewed { .. }
            | Fact::Edited { .. }
            | Fact::EventParked { .. }
            | Fact::DraftKept { .. }
            | Fact::ApprovalAsked { .. }
            | Fact::ApprovalDecided { .. }
    )
}

fn came_in(fact: &Fact) -> &'static str {
    let by_clock = matches!(
        fact,
        Fact::LadderStepped { .. }
            | Fact::GhostDeclared { .. }
            | Fact::SlaEvaluated { .. }
            | Fact::AskedIfDone { .. }
            | Fact::LeaseLapsed { .. }
            | Fact::ModelAsked { .. }
            | Fact::Closed {
                by: By::Timeout,
                ..
            }
            | Fact::HandedBack {
                by: By::Timeout,
                ..
            }
    );
    if by_clock {
        "deadline"
    } else {
        facts::kind(fact)
    }
}

fn rule(fact: &Fact) -> Option<Value> {
    if let Fact::HandoffRequested {
        reason,
        rule,
        matched,
        queue,
        ..
    } = fact
    {
        Some(json!({"reason": reason, "rule": rule, "matched": matched, "queue": queue}))
    } else if let Fact::OfferMade {
        reason,
        rule,
        matched,
        queue,
        language,
        ..
    } = fact
    {
        Some(
            json!({"reason": reason, "rule": rule, "matched": matched, "queue": queue, "language": language}),
        )
    } else {
        None
    }
}

/// A rule that fired and asked for nobody.
fn signal(fact: &Fact) -> Option<Value> {
    if let Fact::RuleFired {
        rule,
        reason,
        matched,
        language,
        action,
        observed,
    } = fact
    {
        let action = action.as_str();
        Some(
            json!({"reason": reason, "rule": rule, "matched": matched, "language": language, "action": action, "observed": observed}),
        )
    } else {
        None
    }
}

/// The person on our side who caused an entry, if one did.
fn actor(fact: &Fact) -> Option<&AgentName> {
    if let Fact::HumanWrote { agent, .. }
    | Fact::NoteWritten { agent, .. }
    | Fact::Claimed { agent, .. }
    | Fact::Kept { agent }
    | Fact::Reviewed { agent, .. }
    | Fact::Edited { agent, .. }
    | Fact::ApprovalAsked { agent, .. }
    | Fact::ApprovalDecided { agent, .. } = fact
    {
        Some(agent)
    } else if let Fact::Transferred { agent, .. } | Fact::HandedBack { agent, .. } = fact {
        agent.as_ref()
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;
    use crate::conversation::message::Body;
    use crate::conversation::words::{ModeName, Reason};
    use crate::ids::{AskId, HandoffId};

    fn entry(n: u64, at: i64, fact: Fact) -> Entry {
        Entry {
            n,
            at: Timestamp::from_millis(at),
            policy: 1,
            rules: 1,
            fact,
        }
    }

    fn wrote(owner: ModeName) -> Fact {
        Fact::CustomerWrote {
            id: "m".into(),
            body: Body::Text("hi".into()),
            owner,
        }
    }

    #[test]
    fn entries_fall_into_the_steps_that_wrote_them() {
        let handoff = Fact::HandoffRequested {
            handoff: HandoffId(1),
            reason: Reason::UserRequest,
            rule: "phrases.person".into(),
            matched: "a human".into(),
            queue: "support".into(),
            repeat: false,
            deadline: Timestamp::from_millis(9),
            since_open_ms: 0,
        };
        let opened = Fact::Opened {
            episode: 1,
            by: By::Customer,
            reopened: false,
        };
        let entries = [
            entry(0, 5, opened),
            entry(1, 5, wrote(ModeName::Ai)),
            entry(
                2,
                5,
                Fact::ModelAsked {
                    ask: AskId(1),
                    messages: 1,
                },
            ),
            entry(3, 8, wrote(ModeName::Ai)),
            entry(4, 8, handoff),
            entry(5, 9, wrote(ModeName::Human)),
        ];
        let told: Vec<_> = steps(&entries).into_iter().map(decision).collect();
        let shape: Vec<_> = told
            .iter()
            .map(|one| (one.entries, one.came_in, one.rule.is_some()))
            .collect();
        assert_eq!(
            shape,
            [
                ((0, 2), "customer_wrote", false),
                ((3, 4), "customer_wrote", true),
                ((5, 5), "customer_wrote", false)
            ]
        );
        assert!(
            told[1].because.contains("phrases.person"),
            "{}",
            told[1].because
        );
        assert!(
            told[2].because.contains("a person has the conversation"),
            "{}",
            told[2].because
        );
    }
}
