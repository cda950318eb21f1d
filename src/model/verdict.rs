//! What an answer means: may it go to the customer, or must a person come?
//!
//! Tools come before text: an answer that calls `escalate` is not an answer, whatever stands beside the call. Then the
//! tag, then how the answer ended, then what it says. When in doubt, a person. Pure; the same reply always gets the same
//! verdict.

use serde_json::Value;

use super::guard::{Guard, Offence};
use super::wire::{ESCALATE, Finish, NOT_SURE, Reply, ToolCall};
use crate::conversation::question::ModelVerdict;
use crate::conversation::words::Reason;

/// The longest summary for the person who takes over, in bytes.
pub const SUMMARY_BYTES_MAX: usize = 1_000;

/// What `reply` means. A reply whose [`Finish`] is `Filtered` is no answer and must not come here.
pub fn judge(guard: &Guard, reply: &Reply) -> ModelVerdict {
    if let Some(verdict) = of_tools(&reply.tools) {
        return verdict;
    }
    let text = reply.text.trim();
    match guard.offence(text) {
        Some(Offence::Tag) => of_offence(guard, Offence::Tag, text),
        Some(Offence::Rule(_)) | None if text.is_empty() => {
            escalate(Reason::NoAnswer, "the model gave an empty answer")
        }
        Some(other) => of_offence(guard, other, text),
        None => of_finish(reply.finish),
    }
}

/// What the calls of tools mean; `escalate` counts before `not_sure`, wherever it stands.
pub fn of_tools(tools: &[ToolCall]) -> Option<ModelVerdict> {
    let call = |name: &str| tools.iter().find(|tool| tool.name == name);
    let said = |tool: &ToolCall, key: &str| -> String {
        serde_json::from_str::<Value>(&tool.arguments)
            .ok()
            .and_then(|arguments| Some(arguments.get(key)?.as_str()?.to_owned()))
            .unwrap_or_default()
    };
    if let Some(tool) = call(ESCALATE) {
        return Some(escalate(
            reason_of(&said(tool, "reason")),
            &said(tool, "summary"),
        ));
    }
    call(NOT_SURE).map(|tool| escalate(Reason::LowConfidence, &said(tool, "question")))
}

/// Our word for the model's reason.
fn reason_of(word: &str) -> Reason {
    match word {
        "user_asked" => Reason::UserRequest,
        "low_confidence" => Reason::LowConfidence,
        "out_of_scope" => Reason::OutOfScope,
        "policy" => Reason::Policy,
        "sensitive" => Reason::Sensitive,
        "urgent" => Reason::Urgent,
        _ => Reason::ToolCall, // `error`, and whatever else a model may invent
    }
}

/// What an offence in `text` means. The held-back words become the summary, without the tag.
pub fn of_offence(guard: &Guard, offence: Offence, text: &str) -> ModelVerdict {
    match offence {
        Offence::Tag => escalate(Reason::ToolCall, guard.before_tag(text)),
        Offence::Rule(_) => escalate(Reason::Guardrail, text),
    }
}

fn of_finish(finish: Finish) -> ModelVerdict {
    match finish {
        Finish::Complete => ModelVerdict::Reply,
        Finish::Length => escalate(
            Reason::LowConfidence,
            "the answer was cut at its limit of tokens",
        ),
        Finish::Filtered => escalate(Reason::Guardrail, "the provider held the answer back"),
        Finish::Other => escalate(
            Reason::LowConfidence,
            "the answer ended for an unknown reason",
        ),
    }
}

fn escalate(reason: Reason, summary: &str) -> ModelVerdict {
    let summary = summary.trim();
    ModelVerdict::Escalate {
        reason,
        summary: summary[..summary.floor_char_boundary(SUMMARY_BYTES_MAX)].to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::guard::TAG_DEFAULT;
    use super::*;

    fn judged(text: &str, tools: &[(&str, &str)], finish: Finish) -> ModelVerdict {
        let guard = Guard::new(TAG_DEFAULT).expect("a good tag");
        let tools = tools
            .iter()
            .map(|(name, arguments)| ToolCall {
                name: (*name).to_owned(),
                arguments: (*arguments).to_owned(),
            })
            .collect();
        judge(
            &guard,
            &Reply {
                text: text.to_owned(),
                tools,
                finish,
                ..Reply::default()
            },
        )
    }

    fn escalates(
        text: &str,
        tools: &[(&str, &str)],
        finish: Finish,
        reason: Reason,
        summary: &str,
    ) {
        let want = ModelVerdict::Escalate {
            reason,
            summary: summary.to_owned(),
        };
        assert_eq!(judged(text, tools, finish), want, "{text} {tools:?}");
    }

    #[test]
    fn plain_text_is_a_reply() {
        assert_eq!(
            judged("We open at 10.", &[], Finish::Complete),
            ModelVerdict::Reply
        );
        assert_eq!(
            judged("Ok.", &[("unknown_tool", "{}")], Finish::Complete),
            ModelVerdict::Reply
        );
    }

    #[test]
    fn the_escalation_tool_discards_the_text_and_names_our_reason() {
        for (word, reason) in [
            ("user_asked", Reason::UserRequest),
            ("low_confidence", Reason::LowConfidence),
            ("out_of_scope", Reason::OutOfScope),
            ("policy", Reason::Policy),
            ("sensitive", Reason::Sensitive),
            ("urgent", Reason::Urgent),
            ("error", Reason::ToolCall),
            ("anything", Reason::ToolCall),
        ] {
            let arguments = format!(r#"{{"reason":"{word}","summary":"s"}}"#);
            escalates(
                "I will look.",
                &[(ESCALATE, &arguments)],
                Finish::Complete,
                reason,
                "s",
            );
        }
        for broken in ["", "{\"reason\":", "[]", "{\"reason\":7}"] {
            escalates(
                "x",
                &[(ESCALATE, broken)],
                Finish::Complete,
                Reason::ToolCall,
                "",
            );
        }
        let both = [(NOT_SURE, "{}"), (ESCALATE, r#"{"reason":"policy"}"#)];
        escalates("", &both, Finish::Length, Reason::Policy, "");
    }

    #[test]
    fn not_being_sure_is_low_confidence() {
        escalates(
            "",
            &[(NOT_SURE, r#"{"question":"voltage?"}"#)],
            Finish::Complete,
            Reason::LowConfidence,
            "voltage?",
        );
    }

    #[test]
    fn the_tag_escalates_and_is_not_in_the_summary() {
        escalates(
            "No lo sé.\nESCALAR",
            &[],
            Finish::Complete,
            Reason::ToolCall,
            "No lo sé.",
        );
        escalates("ESCALAR", &[], Finish::Length, Reason::ToolCall, "");
    }

    #[test]
    fn nothing_said_promises_and_claims_are_held_back() {
        escalates(
            " \n",
            &[],
            Finish::Complete,
            Reason::NoAnswer,
            "the model gave an empty answer",
        );
        escalates(
            "I'm transferring you.",
            &[],
            Finish::Complete,
            Reason::Guardrail,
            "I'm transferring you.",
        );
        escalates(
            "Soy humano.",
            &[],
            Finish::Complete,
            Reason::Guardrail,
            "Soy humano.",
        );
    }

    #[test]
    fn an_answer_that_did_not_end_is_not_trusted() {
        escalates(
            "We are",
            &[],
            Finish::Length,
            Reason::LowConfidence,
            "the answer was cut at its limit of tokens",
        );
        escalates(
            "We are",
            &[],
            Finish::Other,
            Reason::LowConfidence,
            "the answer ended for an unknown reason",
        );
    }
}
