//! The question how it went, once at the end of an episode, and what the customer answers.
//!
//! Only after the outcomes that the queue names, so never on a handback; it carries who handled it. It is asked
//! only inside the channel's window. A bare number from 1 to 5 answers it without opening another episode, and another
//! number takes its place; anything else is an ordinary message.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::common::Cx;
use super::event::Edit;
use super::gate::window_shut;
use super::message::Inbound;
use super::texts::{TextArgs, TextKey};
use super::trail::Fact;
use super::words::{Class, ModeName, Outcome};
use crate::clock::Timestamp;
use crate::ids::AgentName;

/// How long an answer counts as one; later a bare number is about something else.
pub const ANSWER_WITHIN: Duration = Duration::from_hours(48);
/// The attribute that holds the answer, `1` to `5`.
pub const RATING: &str = "rating";
/// The attribute that holds who handled what was rated: a person's name, or `ai`.
pub const RATED: &str = "rated";
/// Who stands on the trail as the author of the answer.
const AUTHOR: &str = "customer survey";

/// A question that was asked.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(super) struct Survey {
    /// The person who handled it; none: the AI.
    agent: Option<AgentName>,
    until: Timestamp,
    /// It was answered, and they were thanked.
    thanked: bool,
}

/// The episode has ended with `outcome`: asks, where its queue wants to know.
pub(super) fn ask(outcome: Outcome, cx: &mut Cx<'_>) {
    cx.common.routing.survey = None;
    // Asked outside the channel's window it would never arrive, and what they write next is no answer to it.
    let shut = cx.common.unreachable || window_shut(cx.common, cx.policy, cx.now).is_some();
    if shut || !cx.queue().survey.contains(&outcome) {
        return;
    }
    let by_person =
        outcome == Outcome::HumanResolved || cx.common.episode.last_word == Some(ModeName::Human);
    let agent = cx.common.routing.last_agent.clone().filter(|_| by_person);
    let name = agent.as_ref().map(Cx::display);
    let key = match &agent {
        Some(_) => TextKey::Survey,
        None => TextKey::SurveyAi,
    };
    let args = TextArgs {
        agent: name.as_deref(),
        ..TextArgs::default()
    };
    if cx.say(Class::Survey, key, args, None) {
        let until = cx.now + ANSWER_WITHIN;
        cx.common.routing.survey = Some(Survey {
            agent,
            until,
            thanked: false,
        });
    }
}

/// Whether the customer's words answer the question; then they are kept, and nothing is opened.
pub(super) fn answered(inbound: &Inbound, cx: &mut Cx<'_>) -> bool {
    let now = cx.now;
    let Some(mut survey) = cx.common.routing.survey.take_if(|one| now < one.until) else {
        return false;
    };
    let said = inbound.body.text().trim();
    if !matches!(said, "1" | "2" | "3" | "4" | "5") {
        return false;
    }
    cx.customer_wrote(inbound, ModeName::Closed);
    // They answered us: nobody owes them anything.
    cx.common.episode.waiting_since = None;
    cx.common.unread = 0;
    let thanked = std::mem::replace(&mut survey.thanked, true);
    let agent = survey.agent.clone();
    // Whoever thinks better of it writes another number.
    cx.common.routing.survey = Some(survey);
    let rated = agent.map_or_else(|| "ai".to_owned(), |agent| agent.as_str().to_owned());
    let attributes = vec![
        (RATING.to_owned(), Some(said.to_owned())),
        (RATED.to_owned(), Some(rated)),
    ];
    for (key, value) in attributes.iter().cloned() {
        cx.common.attributes.extend(value.map(|value| (key, value)));
    }
    let edit = Edit {
        attributes,
        ..Edit::default()
    };
    cx.note(Fact::Edited {
        agent: AUTHOR.into(),
        change: serde_json::to_string(&edit).expect("an edit is plain data"),
    });
    if !thanked {
        let (class, key) = (Class::System, TextKey::SurveyThanks);
        cx.say(class, key, TextArgs::default(), None);
    }
    true
}
