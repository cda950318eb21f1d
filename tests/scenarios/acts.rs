//! The words of a story for what people do and what a provider answers.

use segue::clock::Timestamp;
use segue::conversation::event::{Act, Edit};
use segue::conversation::message::{Attempt, FailureCause, Retry};
use segue::conversation::words::{Outcome, Verdict};
use segue::ids::{EffectId, OwnerEpoch};

/// To `@agent`, or to a queue.
fn transfer(to: &str) -> Act {
    match to.strip_prefix('@') {
        Some(agent) => Act::Transfer {
            queue: None,
            to: Some(agent.into()),
        },
        None => Act::Transfer {
            queue: Some(to.into()),
            to: None,
        },
    }
}

pub fn act(words: &[&str], text: &str) -> Result<Act, String> {
    let text = text.to_owned();
    Ok(match words {
        ["claims"] => Act::Claim { force: false },
        ["claims", "by", "force"] => Act::Claim { force: true },
        ["takes", "over"] => Act::TakeOver { force: false },
        ["takes", "over", "by", "force"] => Act::TakeOver { force: true },
        ["replies"] => Act::Reply { text, epoch: None },
        ["replies", "epoch", epoch] => Act::Reply {
            text,
            epoch: Some(OwnerEpoch(number(epoch)?.0)),
        },
        ["notes"] => Act::Note { text },
        ["types"] => Act::Typing,
        ["views"] => Act::Viewing,
        ["transfers", "to", to] => transfer(to),
        ["hands", "back"] => Act::HandBack {
            note: text,
            seen: None,
        },
        ["hands", "back", "seen", seen] => Act::HandBack {
            note: text,
            seen: Some(number(seen)?.0),
        },
        ["keeps"] => Act::Keep,
        ["asks", "for", "approval"] => Act::AskApproval {
            question: text,
            amount: String::new(),
        },
        ["asks", "for", "approval", "of", amount] => Act::AskApproval {
            question: text,
            amount: (*amount).to_owned(),
        },
        [word @ ("approves" | "declines"), approval] => Act::Decide {
            approval: number(approval)?.0,
            approved: *word == "approves",
            note: text,
            question: "what was asked".to_owned(),
        },
        ["snoozes"] => Act::Snooze {
            until: Timestamp::parse(&text),
        },
        ["resolves"] => Act::Resolve {
            outcome: None,
            note: text,
        },
        ["resolves", "as", outcome] => Act::Resolve {
            outcome: Some(Outcome::parse(outcome).ok_or("no such outcome")?),
            note: text,
        },
        ["escalates"] => Act::Escalate { queue: None },
        ["escalates", "to", queue] => Act::Escalate {
            queue: Some((*queue).into()),
        },
        ["undoes", effect] => Act::Undo {
            effect: number(effect)?,
        },
        ["finds", "it", verdict] => Act::Review {
            handoff: None,
            verdict: Verdict::parse(verdict).ok_or("no such verdict")?,
        },
        ["attributes" | "speaks" | "tags"] => Act::Edit(edit(words[0], &text)),
        _ => return Err(format!("nobody can: {}", words.join(" "))),
    })
}

/// What is changed by `attributes: key=value`, `speaks: es`, `tags: a b`.
fn edit(what: &str, text: &str) -> Edit {
    let words = || text.split_whitespace();
    let mut edit = Edit::default();
    match what {
        "attributes" => {
            let pairs = words().filter_map(|pair| pair.split_once('='));
            edit.attributes = pairs
                .map(|(key, value)| (key.to_owned(), Some(value.to_owned())))
                .collect();
        }
        "speaks" => edit.language = Some(text.to_owned()),
        _ => edit.tags = Some(words().map(str::to_owned).collect()),
    }
    edit
}

/// `accepts`, `unknown`, `rejects CODE soon|never|stop|after:TIME`.
pub fn attempt(text: &str) -> Result<Attempt, String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    Ok(match words.as_slice() {
        ["accepts"] => Attempt::Accepted {
            provider_id: "SM".into(),
        },
        ["unknown"] => Attempt::Unknown {
            detail: "connection lost".into(),
        },
        ["rejects", code, retry] => Attempt::Rejected {
            code: (*code).into(),
            cause: match *code {
                "63016" => FailureCause::WindowClosed,
                _ => FailureCause::ProviderError,
            },
            retry: match *retry {
                "soon" => Retry::Soon,
                "never" => Retry::Never,
                "stop" => Retry::StopForThisCustomer,
                after => {
                    let wait = after
                        .strip_prefix("after=")
                        .ok_or("soon, never, stop, after=TIME")?;
                    let wait = crate::script::duration(wait)?;
                    Retry::After(u64::try_from(wait.as_millis()).map_err(|_| "too long")?)
                }
            },
        },
        _ => return Err(format!("no outcome {text}")),
    })
}

pub fn number(word: &str) -> Result<EffectId, String> {
    let digits = word.trim_start_matches('#');
    digits
        .parse()
        .map(EffectId)
        .map_err(|_| format!("no number: {word}"))
}
