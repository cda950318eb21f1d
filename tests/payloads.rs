//! Every file under `tests/payloads/` is a case: what came in and what it means, or what is said and how.

use std::fs;
use std::path::{Path, PathBuf};

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use segue::channel::http::{Http, HttpSettings};
use segue::channel::twilio::{Sender, Twilio, TwilioSettings};
use segue::channel::webchat::WebChat;
use segue::channel::{Arrival, Call, Channel, Dispatch, Outbound, SendError, TurnedAway, Webhook};
use segue::conversation::message::{Medium, Report};
use segue::conversation::words::Class;
use segue::ids::{ConversationId, EffectId};
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// The fewest cases of each kind: a moved folder must not pass as a run without failures.
const TWILIO_MIN: usize = 60;
const HTTP_MIN: usize = 40;
const COMPOSE_MIN: usize = 16;

/// The conversation and effect of everything that is composed here.
const CONVERSATION: &str = "c000102030405060708090a0b0c0d0e0f";
const EFFECT: EffectId = EffectId(7);

fn twilio(sender: Sender) -> Twilio {
    Twilio::new(TwilioSettings {
        name: "wa".into(),
        account_sid: "AC1".into(),
        auth_tokens: vec!["12345".into(), "an-older-token".into()],
        shared_keys: Vec::new(),
        sender,
        public_url: "https://h.example/".into(),
        status_path: None,
        api_base_url: None,
    })
}

fn instance(name: &str) -> Box<dyn Channel> {
    match name {
        "twilio" => Box::new(twilio(Sender::From("+14155550100".into()))),
        "twilio_service" => Box::new(twilio(Sender::MessagingServiceSid("MG1".into()))),
        "http" => Box::new(Http::new(HttpSettings {
            name: "gate".into(),
            token: "gateway-token".into(),
            callback_url: "https://gateway.example/replies".into(),
            callback_secret: "callback-secret".into(),
        })),
        "webchat" => Box::new(WebChat::new("site".into())),
        other => panic!("no instance called {other}"),
    }
}

/// The files of `folder`, in order of name, each with its text.
fn cases(folder: &str, at_least: usize) -> Vec<(PathBuf, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/payloads")
        .join(folder);
    let mut files: Vec<_> = fs::read_dir(&folder)
        .expect("the folder of the cases")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "json"))
        .collect();
    files.sort();
    assert!(
        files.len() >= at_least,
        "{} cases in {}",
        files.len(),
        folder.display()
    );
    files
        .into_iter()
        .map(|path| {
            let text = fs::read_to_string(&path).expect("a case is text");
            (path, text)
        })
        .collect()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Received {
    what: String,
    route: String,
    method: String,
    path_and_query: String,
    headers: Map<String, Value>,
    body: String,
    expect: Value,
}

impl Received {
    fn parse(&self, channel: &dyn Channel) -> Result<Vec<Arrival>, TurnedAway> {
        let mut headers = HeaderMap::new();
        for (name, value) in &self.headers {
            let name: HeaderName = name.parse().expect("a header's name");
            let value = value.as_str().expect("a header's value is text");
            headers.insert(
                name,
                HeaderValue::from_str(value).expect("a header's value"),
            );
        }
        let method: Method = self.method.parse().expect("a method");
        let webhook = Webhook {
            method: &method,
            path_and_query: &self.path_and_query,
            headers: &headers,
            body: self.body.as_bytes(),
        };
        match self.route.as_str() {
            "main" => channel.parse(&webhook),
            "status" => channel.parse_status(&webhook),
            other => panic!("no route called {other}"),
        }
    }
}

fn shown(result: &Result<Vec<Arrival>, TurnedAway>) -> Value {
    match result {
        Ok(arrivals) => {
            json!({ "arrivals": arrivals.iter().map(shown_arrival).collect::<Vec<_>>() })
        }
        Err(away) => json!({ "turned_away": away.to_string() }),
    }
}

fn shown_arrival(arrival: &Arrival) -> Value {
    match arrival {
        Arrival::Message(inbound) => json!({ "message": inbound }),
        Arrival::FromUs(inbound) => json!({ "from_us": inbound }),
        Arrival::Report(report) => json!({ "report": shown_report(report) }),
        Arrival::Ignored(why) => json!({ "ignored": why }),
    }
}

fn shown_report(report: &Report) -> Value {
    json!({
        "conversation": report.effect.map(|(conversation, _)| conversation.to_string()),
        "effect": report.effect.map(|(_, effect)| effect),
        "provider_id": report.provider_id,
        "state": report.state,
        "code": report.code,
        "failure": report.failure,
    })
}

fn check_received(folder: &str, at_least: usize) {
    let channel = instance(folder);
    let mut wrong = Vec::new();
    for (path, text) in cases(folder, at_least) {
        let case: Received = serde_json::from_str(&text).expect("a case in the form of the others");
        let got = shown(&case.parse(&*channel));
        if got != case.expect {
            let (name, what) = (path.display(), &case.what);
            wrong.push(format!(
                "{name}: {what}\n  expected {}\n  got      {got}",
                case.expect
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn twilio_webhooks_become_what_they_mean() {
    check_received("twilio", TWILIO_MIN);
}

#[test]
fn messages_of_gateways_become_what_they_mean() {
    check_received("http", HTTP_MIN);
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Said {
    what: String,
    channel: String,
    outbound: Words,
    #[serde(default)]
    calls: Vec<Value>,
    error: Option<Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Words {
    to: String,
    from: String,
    medium: Medium,
    class: Class,
    agent: Option<String>,
    text: String,
    choices: Vec<(String, String)>,
}

impl Said {
    fn compose(&self) -> Result<Dispatch, SendError> {
        let conversation: ConversationId = CONVERSATION.parse().expect("an id");
        instance(&self.channel).compose(&Outbound {
            conversation,
            effect: EFFECT,
            to: &self.outbound.to,
            from: &self.outbound.from,
            medium: self.outbound.medium,
            class: self.outbound.class,
            agent: self.outbound.agent.as_deref(),
            text: &self.outbound.text,
            choices: &self.outbound.choices,
        })
    }

    /// What was composed, as the case would write it.
    fn composed(&self) -> (Vec<Value>, Option<Value>) {
        match self.compose() {
            Ok(Dispatch::Calls(calls)) => (calls.iter().map(shown_call).collect(), None),
            Ok(Dispatch::Push) => (Vec::new(), None),
            Err(error) => {
                let said =
                    json!({ "code": error.code, "cause": error.cause, "retry": error.retry });
                (Vec::new(), Some(said))
            }
        }
    }
}

fn shown_call(call: &Call) -> Value {
    assert_eq!(call.method, Method::POST);
    let headers: Map<_, _> = call
        .headers
        .iter()
        .map(|(name, value)| {
            (
                name.to_string(),
                value.to_str().expect("visible ASCII").into(),
            )
        })
        .collect();
    let body = std::str::from_utf8(&call.body).expect("UTF-8");
    json!({ "url": call.url, "headers": headers, "body": body })
}

#[test]
fn what_is_said_becomes_exactly_these_bytes() {
    let mut wrong = Vec::new();
    for (path, text) in cases("compose", COMPOSE_MIN) {
        let case: Said = serde_json::from_str(&text).expect("a case in the form of the others");
        let (calls, error) = case.composed();
        if (&calls, &error) != (&case.calls, &case.error) {
            let (name, what) = (path.display(), &case.what);
            let (expected, got) = (json!([case.calls, case.error]), json!([calls, error]));
            wrong.push(format!(
                "{name}: {what}\n  expected {expected}\n  got      {got}"
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
