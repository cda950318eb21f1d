//! What its spans say: one trace for each message, the conventions of others, what failed and whose fault it was.

use serde_json::Value;

use crate::outside::Outside;
use crate::seen::Seen;
use crate::{LOST, THEIR_SPAN, THEIRS};

/// Who looks at the log at night learns which channel, and what its provider says; a customer who opted out is no trouble.
pub fn whoever_refuses_is_named(log: &str) {
    let fields = |message: &str| -> Vec<Value> {
        let lines = log
            .lines()
            .map(|line| serde_json::from_str(line).expect("JSON"));
        let fields = lines.map(|line: Value| line["fields"].clone());
        fields.filter(|line| line["message"] == message).collect()
    };
    let lost = fields(LOST);
    assert_eq!(lost.len(), 1, "{lost:?}");
    assert_eq!(lost[0]["channel"], "sms");
    assert_eq!(lost[0]["code"], "20003");
    assert_eq!(lost[0]["cause"], "provider_error");
    let away = fields("a webhook was turned away");
    for (medium, why) in [
        ("whatsapp", "signature"),
        ("http", "no channel has this token"),
        ("other", "no channel \"moved\" is configured"),
    ] {
        let has = |line: &Value| {
            line["medium"] == medium && line["why"].to_string().replace('\\', "").contains(why)
        };
        assert!(away.iter().any(has), "{medium}: {away:?}");
    }
}

pub fn named<'a>(spans: &'a [Seen], name: &str) -> Vec<&'a Seen> {
    let found: Vec<_> = spans.iter().filter(|span| span.name == name).collect();
    assert!(!found.is_empty(), "no span is called `{name}`");
    found
}

/// The span `name` that comes from `cause`.
fn after<'a>(spans: &'a [Seen], cause: &Seen, name: &str) -> &'a Seen {
    let is_it = |span: &&Seen| span.name == name && span.parent == cause.id;
    let found = spans.iter().find(is_it);
    found.unwrap_or_else(|| panic!("no `{name}` comes from {cause:?}"))
}

pub fn one_message_is_one_trace(spans: &[Seen], outside: &Outside) {
    let knocked = named(spans, "POST /api/v1/messages")
        .into_iter()
        .find(|span| span.trace == THEIRS)
        .expect("their trace goes on");
    assert_eq!((knocked.parent.as_str(), knocked.kind), (THEIR_SPAN, 2));
    assert_eq!(knocked.says("http.route"), "/api/v1/messages");
    assert_eq!(knocked.says("instance"), "gate");
    let heard = after(spans, knocked, "event customer_wrote");
    let asked = after(spans, heard, "answer");
    let chat = after(spans, asked, "chat m-1");
    let answered = after(spans, asked, "event model_answered");
    let sent = after(spans, answered, "send http");
    let settled = after(spans, sent, "event send_settled");
    for span in [heard, asked, chat, answered, sent, settled] {
        assert_eq!(span.trace, THEIRS);
        assert!(span.times.0 <= span.times.1);
    }
    assert!(
        knocked.times.1 <= answered.times.0,
        "a webhook is over before its answer: {knocked:?}"
    );
    let told = |door: &str, span: &Seen| {
        let parent = format!("00-{THEIRS}-{}-01", span.id);
        let calls = outside.calls(door);
        let found = calls
            .iter()
            .any(|call| call.header("traceparent") == parent);
        assert!(found, "{door} was not told {parent}");
    };
    told("model", chat);
    told("callback", sent);
    for door in ["messages", "model", "callback"] {
        for call in outside.calls(door) {
            assert_ne!(call.header("traceparent"), "", "{door} was told nothing");
        }
    }
}

pub fn every_event_is_a_span(spans: &[Seen]) {
    let heard = named(spans, "event customer_wrote");
    for span in &heard {
        assert!(span.says("conversation").starts_with('c'), "{span:?}");
        assert_eq!(span.says("event"), "customer_wrote");
    }
    let channels: Vec<_> = heard.iter().map(|span| span.says("channel")).collect();
    for channel in ["whatsapp", "sms", "http", "webchat"] {
        assert!(channels.contains(&channel), "{channel}: {channels:?}");
    }
    let decided = |decision: &str| heard.iter().any(|span| span.says("decision") == decision);
    assert!(decided("accepted") && decided("duplicate"));
    let claim = named(spans, "event claim")[0];
    let says = ["mode", "decision", "then", "channel"].map(|what| claim.says(what));
    assert_eq!(says, ["waiting", "claimed", "human", "sms"]);
    assert!(claim.says("facts").contains("handoff_settled"), "{claim:?}");
    for name in [
        "event reply",
        "event note",
        "event handback",
        "event reported",
        "event model_failed",
    ] {
        named(spans, name);
    }
    // Whoever proved nothing leaves no span: as many as there were signed ones.
    let signed = named(spans, "POST /webhooks/{channel}").len();
    assert_eq!(signed, 6);
}

pub fn a_model_span_goes_by_the_conventions(spans: &[Seen]) {
    let chats = named(spans, "chat m-1");
    let answered = chats
        .iter()
        .find(|span| span.trace == THEIRS)
        .expect("theirs");
    let check = |what: &str, said: &str| assert_eq!(answered.says(what), said, "{what}");
    assert_eq!(answered.kind, 3);
    check("gen_ai.operation.name", "chat");
    check("gen_ai.provider.name", "openai");
    check("gen_ai.request.model", "m-1");
    check("gen_ai.request.stream", "false");
    check("gen_ai.usage.input_tokens", "120");
    check("gen_ai.usage.output_tokens", "9");
    check("gen_ai.usage.cache_read.input_tokens", "100");
    check("gen_ai.response.finish_reasons", "[stop]");
    check("server.address", "127.0.0.1");
    check("http.response.status_code", "200");
    check("error.type", "");
    assert!(answered.says("gen_ai.conversation.id").starts_with('c'));
    let streamed = chats
        .iter()
        .find(|span| span.says("gen_ai.request.stream") == "true")
        .expect("the web chat's");
    let first = streamed.says("gen_ai.response.time_to_first_chunk");
    assert!(first.parse::<f64>().is_ok_and(|first| first > 0.0));
    let failed: Vec<_> = chats.iter().filter(|span| span.failed).collect();
    assert_eq!(failed.len(), 2, "asked twice in vain");
    for span in failed {
        assert_eq!(span.says("error.type"), "server_error");
        assert_eq!(span.says("http.response.status_code"), "500");
    }
}

pub fn what_fails_is_marked(spans: &[Seen]) {
    let refused = named(spans, "send sms")
        .into_iter()
        .find(|span| span.failed)
        .expect("the refused one");
    assert_eq!(refused.says("outcome"), "rejected");
    assert_eq!(refused.says("error.type"), "21610");
    let asked = named(spans, "answer");
    let failed = asked.iter().find(|span| span.failed).expect("one failed");
    assert_eq!(failed.says("error.type"), "server_error");
}

pub fn a_handoff_is_a_span_of_its_own(spans: &[Seen]) {
    let handoff = named(spans, "handoff.episode")[0];
    assert_eq!(handoff.parent, "");
    assert_eq!(handoff.says("handoff.outcome"), "claimed");
    assert_eq!(handoff.says("handoff.reason"), "user_request");
    assert_eq!(handoff.says("handoff.queue"), "support");
    let linked = handoff.links.iter().map(|id| {
        let linked = spans.iter().find(|span| span.id == *id);
        linked.expect("a link leads to a span").name.as_str()
    });
    let linked: Vec<_> = linked.collect();
    assert_eq!(linked, ["event customer_wrote", "event claim"]);
}

pub fn lines_name_their_trace(log: &str, spans: &[Seen]) {
    let lines = log.lines().filter(|line| line.contains("\"decided\""));
    let mut named = 0;
    for line in lines {
        let line: Value = serde_json::from_str(line).expect("JSON");
        let trace = line["trace_id"].as_str().unwrap_or_default();
        assert!(spans.iter().any(|span| span.trace == trace), "{line}");
        named += 1;
    }
    assert!(named > 10, "{named} lines");
}
