//! What the server's own trail says of messages that nobody answered, so that a report names the cause itself.
//!
//! An answer of the built-in model names the messages it is for; one that names others was asked something else.
//! For each of them the conversation is looked up by its customer's address, and its trail is read from the message on.
//! Nothing but kinds, states and reasons is told; no customer's text is. It asks through the agent API, as one of the
//! run's own people, for at most [`ASKED_MAX`] messages and no longer than [`WITHIN`].

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde::Serialize;
use serde_json::Value;

use super::LoadError;
use super::book::standing::Unanswered;
use super::target::Target;
use crate::clock::monotonic;
use crate::secret::Secret;

/// Messages that are looked into: whoever loses more has seen enough.
pub const ASKED_MAX: usize = 20;
/// The longest that all of it may take.
const WITHIN: Duration = Duration::from_secs(20);
/// Pages of a trail that are read: 20,000 entries.
const PAGES_MAX: usize = 40;
/// Entries on a page: the most there can be.
const PAGE: usize = 500;
/// Entries after the message that are told.
const TOLD_MAX: usize = 40;

/// A message that nobody answered, and what the server's trail says of it.
#[derive(Clone, Debug, Serialize)]
pub struct Told {
    /// The customer's address.
    pub address: String,
    /// The message, as its provider numbers it.
    pub message_id: String,
    /// Seconds after the beginning of the run at which it was intended.
    pub at: f64,
    /// Messages per second at that time.
    pub rate: f64,
    /// The conversation, where it was found.
    pub conversation: Option<String>,
    /// In whose hands it is now.
    pub mode: Option<String>,
    /// What came of the message, in a sentence.
    pub finding: String,
    /// The trail from the message on, an entry each.
    pub trail: Vec<String>,
}

/// Whoever asks.
pub struct Inquiry<'a> {
    /// The names of customers and messages.
    pub target: &'a Target,
    /// The token of somebody who sees all conversations.
    pub token: &'a Secret,
    /// When the run began.
    pub begun: Instant,
}

impl Inquiry<'_> {
    /// Looks into `all`; `rate_of` names the rate of a phase.
    ///
    /// # Errors
    /// When there is no client to be had. What cannot be read is said in the finding.
    pub async fn ask(
        &self,
        all: &[Unanswered],
        rate_of: impl Fn(usize) -> f64,
    ) -> Result<Vec<Told>, LoadError> {
        crate::model::install_crypto();
        let client = reqwest::Client::builder()
            .no_proxy()
            .timeout(Duration::from_secs(10))
            .build()
            .map_err(|fault| LoadError::new(format!("no client: {fault}"), ""))?;
        let until = monotonic() + WITHIN;
        let mut told = Vec::new();
        for one in all.iter().take(ASKED_MAX) {
            let mut about = Told {
                address: self.target.address(one.customer),
                message_id: self.target.message_id(one.customer, one.mark),
                at: one
                    .when
                    .at
                    .saturating_duration_since(self.begun)
                    .as_secs_f64(),
                rate: rate_of(one.when.phase),
                conversation: None,
                mode: None,
                finding: "there was no time left to ask".to_owned(),
                trail: Vec::new(),
            };
            if monotonic() < until
                && let Err(why) = self.look(&client, one.mark, &mut about).await
            {
                about.finding = why.to_owned();
            }
            told.push(about);
        }
        Ok(told)
    }

    async fn look(
        &self,
        client: &reqwest::Client,
        mark: u64,
        about: &mut Told,
    ) -> Result<(), &'static str> {
        let list = self
            .get(client, "/api/v1/conversations", &[("q", &about.address)])
            .await?;
        let found = list["items"].as_array().into_iter().flatten();
        let mut found = found.filter(|one| one["customer"]["address"] == about.address.as_str());
        let Some(conversation) = found.next() else {
            return Err("the server has no conversation with this customer");
        };
        let id = conversation["id"].as_str().unwrap_or_default().to_owned();
        about.mode = conversation["mode"].as_str().map(str::to_owned);
        let entries = self.trail(client, &id).await?;
        about.conversation = Some(id);
        // A channel may store more than the id that was sent: the web chat puts the customer's address before it.
        let mark_of = |entry: &Value| self.target.mark(entry["message_id"].as_str()?);
        let ours = |entry: &Value| mark_of(entry) == Some(mark);
        let Some(at) = entries.iter().position(ours) else {
            return Err("the trail does not have it, although it was acknowledged");
        };
        about.finding = finding(&entries[at..]);
        let after = entries[at..].iter().take(TOLD_MAX);
        about.trail = after.map(line).collect();
        Ok(())
    }

    async fn trail(&self, client: &reqwest::Client, id: &str) -> Result<Vec<Value>, &'static str> {
        let path = format!("/api/v1/conversations/{id}/trail");
        let (mut entries, mut after) = (Vec::new(), None::<u64>);
        let limit = PAGE.to_string();
        for _ in 0..PAGES_MAX {
            let begin = after.map(|after| after.to_string());
            let mut query = vec![("limit", limit.as_str())];
            query.extend(begin.as_deref().map(|after| ("after", after)));
            let mut page = self.get(client, &path, &query).await?;
            if let Value::Array(items) = page["items"].take() {
                entries.extend(items);
            }
            after = page["next"].as_u64();
            if after.is_none() {
                return Ok(entries);
            }
        }
        Err("the trail is longer than is read")
    }

    async fn get(
        &self,
        client: &reqwest::Client,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<Value, &'static str> {
        let query = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(query)
            .finish();
        let url = format!("{}{path}?{query}", self.target.base.url);
        let request = client.get(url).bearer_auth(self.token.expose());
        let answer = request
            .send()
            .await
            .map_err(|_| "the server did not answer when it was asked")?;
        match answer.status().is_success() {
            true => answer
                .json()
                .await
                .map_err(|_| "the server's answer is no JSON"),
            false => Err("the server refused to tell"),
        }
    }
}

/// An entry in a few words.
fn line(entry: &Value) -> String {
    let mut line = format!(
        "{} {}",
        entry["at"].as_str().unwrap_or("?"),
        entry["kind"].as_str().unwrap_or("?")
    );
    // Nothing that a customer, a person or the model wrote.
    let words = [
        "owner", "ask", "message", "state", "code", "cause", "fault", "class", "reason", "rule",
        "outcome", "by", "agent", "took_ms", "after_ms", "attempts",
    ];
    for word in words {
        let value = &entry[word];
        match value {
            Value::String(text) if !text.is_empty() => line += &format!(" {word}={text}"),
            Value::Number(number) => line += &format!(" {word}={number}"),
            Value::String(_)
            | Value::Null
            | Value::Bool(_)
            | Value::Array(_)
            | Value::Object(_) => {}
        }
    }
    line
}

/// What came of the message that `entries` begin with.
fn finding(entries: &[Value]) -> String {
    let kind = |entry: &Value| entry["kind"].as_str().unwrap_or_default().to_owned();
    let owner = entries[0]["owner"].as_str().unwrap_or("ai");
    let kinds: BTreeSet<String> = entries.iter().map(kind).collect();
    let first = |wanted: &str| entries.iter().find(|entry| kind(entry) == wanted);
    if matches!(owner, "human" | "waiting") {
        return format!(
            "it belonged to people ({owner}) when it was stored: the load did not see that in time"
        );
    }
    // Whatever came first decided about it.
    for entry in &entries[1..] {
        match kind(entry).as_str() {
            "handoff_requested" => {
                let reason = entry["reason"].as_str().unwrap_or("?");
                return format!(
                    "it went to people (reason {reason}) before the AI had answered it"
                );
            }
            "claimed" => {
                return "a person took the conversation before the AI had answered it".to_owned();
            }
            "closed" => {
                return "the conversation was closed before the AI had answered it".to_owned();
            }
            "ai_wrote" => return answered(entry, entries),
            _other => {}
        }
    }
    if let Some(failed) = first("model_failed") {
        return format!(
            "the model failed: {}",
            failed["fault"].as_str().unwrap_or("?")
        );
    }
    match kinds.contains("model_asked") {
        true => "the model was asked and has not answered yet".to_owned(),
        false => "the model was never asked about it".to_owned(),
    }
}

/// What became of an answer of the AI.
fn answered(wrote: &Value, entries: &[Value]) -> String {
    let message = wrote["message"].as_str().unwrap_or("?");
    let settled = entries
        .iter()
        .rev()
        .find(|entry| entry["kind"] == "settled" && entry["message"] == message);
    let state = settled.unwrap_or(wrote)["state"]
        .as_str()
        .unwrap_or("pending");
    let code = settled.unwrap_or(wrote)["code"]
        .as_str()
        .unwrap_or_default();
    let why = if code.is_empty() {
        String::new()
    } else {
        format!(" ({code})")
    };
    match state {
        "sent" | "delivered" | "read" => {
            format!(
                "the AI answered with message {message}, and the provider took it: the answer did not name this message"
            )
        }
        _ => format!("the AI answered with message {message}, which is {state}{why}"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(entries: &[Value], expected: &str) {
        let found = finding(entries);
        assert!(found.contains(expected), "{found}");
    }

    #[test]
    fn the_finding_names_what_decided() {
        let wrote =
            |owner: &str| json!({"kind": "customer_wrote", "owner": owner, "text": "secret"});
        let said = |state: &str| json!({"kind": "ai_wrote", "message": "7", "state": state});
        check(&[wrote("human")], "belonged to people (human)");
        check(&[wrote("ai")], "never asked");
        check(
            &[wrote("ai"), json!({"kind": "model_asked"})],
            "has not answered yet",
        );
        check(
            &[
                wrote("ai"),
                json!({"kind": "handoff_requested", "reason": "model_timeout"}),
            ],
            "reason model_timeout",
        );
        check(&[wrote("ai"), said("in_flight")], "is in_flight");
        let settled =
            json!({"kind": "settled", "message": "7", "state": "suppressed", "code": "late"});
        check(
            &[wrote("ai"), said("pending"), settled],
            "suppressed (late)",
        );
        check(&[wrote("ai"), said("sent")], "did not name this message");
        check(&[wrote("ai"), json!({"kind": "closed"})], "was closed");
    }

    #[test]
    fn no_words_of_anybody_are_told() {
        let entry = json!({"kind": "customer_wrote", "at": "now", "owner": "ai", "text": "secret", "message_id": "SM1"});
        assert_eq!(line(&entry), "now customer_wrote owner=ai");
    }
}
