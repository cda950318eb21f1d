//! What really happened, counted from the trails as the API tells them: by the definitions of the catalogue, and by none
//! of the code that counts for Prometheus.
//!
//! The outcome has the shape of a scrape, so that Prometheus can be asked the same of it as of Segue. A series that
//! Segue does not export cannot be added to: its labels were misspelt on one side.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// A series: its name and its labels.
type Series = (String, BTreeMap<String, String>);

/// One conversation, as the API shows it.
pub struct Told {
    /// The conversation.
    pub view: Value,
    /// All entries of its trail.
    pub trail: Vec<Value>,
}

/// The families that a trail or the outside tells about, each with what it is told from.
pub const KNOWN: &[&str] = &[
    "segue_conversations_opened_total",
    "segue_conversations_eligible_total",
    "segue_conversations_ai_involved_total",
    "segue_conversations_handed_off_total",
    "segue_conversations_contained_total",
    "segue_conversations_taken_over_total",
    "segue_conversations_closed_total",
    "segue_conversations_reopened_total",
    "segue_conversations",
    "segue_handoffs_requested_total",
    "segue_handoffs_settled_total",
    "segue_handoffs_handed_back_total",
    "segue_handoffs_reescalated_total",
    "segue_handoffs_passed_on_total",
    "segue_handoffs_transferred_total",
    "segue_handoff_reviews_total",
    "segue_handoff_time_to_request_seconds",
    "segue_handoff_ack_seconds",
    "segue_handoff_claim_seconds",
    "segue_queue_claim_seconds",
    "segue_reason_claim_seconds",
    "segue_handoff_first_response_seconds",
    "segue_human_reply_seconds",
    "segue_handoff_handle_seconds",
    "segue_handoff_abandon_seconds",
    "segue_sla_evaluations_total",
    "segue_queue_sla_evaluations_total",
    "segue_queue_handoffs_requested_total",
    "segue_queue_handoffs_settled_total",
    "segue_handoff_ghosts_total",
    "segue_handoff_ghosts_current",
    "segue_handoff_ledger_imbalance",
    "segue_waiting_without_deadline",
    "segue_lease_lapses_total",
    "segue_ladder_steps_total",
    "segue_contacts_while_closed_total",
    "segue_offers_made_total",
    "segue_offers_answered_total",
    "segue_queue_waiting",
    "segue_queue_open",
    "segue_agents",
    "segue_ai_request_seconds",
    "segue_ai_tokens_total",
    "segue_ai_cached_tokens_total",
    "segue_ai_cost_usd_micros_total",
    "segue_ai_requests_inflight",
    "segue_ai_fallbacks_total",
    "segue_dual_replies_total",
    "segue_ai_switched_off",
    "segue_messages_inbound_total",
    "segue_messages_outbound_total",
    "segue_messages_delivered_total",
    "segue_messages_read_total",
    "segue_messages_suppressed_total",
    "segue_inbound_duplicates_total",
    "segue_webhooks_rejected_total",
    "segue_rate_limited_total",
    "segue_delivery_failures_total",
    "segue_sends_in_doubt_total",
    "segue_outbox_depth",
    "segue_outbox_in_doubt",
    "segue_chat_sockets",
    "segue_spans_exported_total",
    "segue_spans_lost_total",
    "segue_actor_panics_total",
    "segue_parked_events",
    "segue_events_parked_total",
    "segue_commit_errors_total",
    "segue_reloads_total",
    "segue_recovery_parked_conversations",
    "segue_ready",
    "segue_build_info",
    "segue_label_overflows_total",
];

/// A scrape that was never scraped.
pub struct Truth {
    series: BTreeMap<Series, f64>,
    /// What happened and Segue has no series for.
    missing: BTreeSet<Series>,
}

/// The lines of a scrape.
fn read(scrape: &str) -> impl Iterator<Item = (Series, f64)> {
    let lines = scrape
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(|line| {
        let (series, value) = line.rsplit_once(' ').expect("a value");
        let (name, labels) = series.split_once('{').unwrap_or((series, ""));
        let labels = labels
            .trim_end_matches('}')
            .split("\",")
            .filter(|one| !one.is_empty());
        let labels = labels.map(|one| {
            let (label, value) = one.split_once("=\"").expect("label and value");
            (label.to_owned(), value.trim_end_matches('"').to_owned())
        });
        (
            (name.to_owned(), labels.collect()),
            value.parse().expect("a number"),
        )
    })
}

/// The family of a series, if the truth tells of it.
pub fn known(series: &str) -> Option<&'static str> {
    let ends = ["", "_bucket", "_sum", "_count"];
    let is = |family: &&&str| {
        ends.iter()
            .any(|end| series.strip_suffix(end) == Some(**family))
    };
    KNOWN.iter().find(is).copied()
}

impl Truth {
    /// Nothing has happened yet: every series that the first scrape of Segue has and we know of, at zero.
    pub fn nothing(scrape: &str) -> Self {
        let series = read(scrape).filter(|((name, _), _)| known(name).is_some());
        Self {
            series: series.map(|(series, _)| (series, 0.0)).collect(),
            missing: BTreeSet::new(),
        }
    }

    /// As a scrape.
    pub fn written(&self) -> String {
        let mut text = String::new();
        for ((name, labels), value) in &self.series {
            let labels: Vec<String> = labels
                .iter()
                .map(|(label, value)| format!("{label}=\"{value}\""))
                .collect();
            text += &format!("{name}{{{}}} {value}\n", labels.join(","));
        }
        text
    }

    /// What happened and cannot be seen in a scrape.
    pub fn missing(&self) -> Vec<String> {
        let told =
            |series: &Series| format!("it happened, and Segue has no series for it: {series:?}");
        self.missing.iter().map(told).collect()
    }

    /// `n` more of a series.
    pub fn add(&mut self, name: &str, labels: &[(&str, &str)], n: f64) {
        let labels: BTreeMap<_, _> = labels
            .iter()
            .map(|(l, v)| ((*l).to_owned(), (*v).to_owned()))
            .collect();
        let series = (name.to_owned(), labels);
        match self.series.get_mut(&series) {
            Some(value) => *value += n,
            None => {
                self.missing.insert(series);
            }
        }
    }

    /// One more observation of a histogram.
    pub fn observe(&mut self, name: &str, labels: &[(&str, &str)], seconds: f64) {
        self.add(&format!("{name}_sum"), labels, seconds);
        self.add(&format!("{name}_count"), labels, 1.0);
        let bucket = format!("{name}_bucket");
        let wanted: BTreeSet<(&str, &str)> = labels.iter().copied().collect();
        for ((series, has), value) in &mut self.series {
            let edge: f64 = match has.get("le").map(String::as_str) {
                Some("+Inf") => f64::INFINITY,
                Some(edge) => edge.parse().expect("a number"),
                None => continue,
            };
            let others: BTreeSet<(&str, &str)> = has
                .iter()
                .filter(|(label, _)| *label != "le")
                .map(|(l, v)| (l.as_str(), v.as_str()))
                .collect();
            if *series == bucket && others == wanted && seconds <= edge {
                *value += 1.0;
            }
        }
    }

    /// Everything that a conversation's trail tells.
    pub fn learn(&mut self, told: &Told) {
        let mut story = Story::of(told);
        for entry in &told.trail {
            story.follow(entry, self);
        }
        let channel = story.channel;
        let (view, mode) = (&told.view, word(&told.view["mode"]));
        if mode != "closed" {
            self.add("segue_conversations", &[("mode", mode)], 1.0);
        }
        if mode == "waiting" {
            self.add(
                "segue_queue_waiting",
                &[("queue", word(&view["queue"]))],
                1.0,
            );
            self.add(
                "segue_handoff_ghosts_current",
                &[],
                f64::from(u8::from(story.ghost)),
            );
        }
        for owed in view["outbox"].as_array().into_iter().flatten() {
            self.add("segue_outbox_depth", &[("channel", channel)], 1.0);
            let doubt = f64::from(u8::from(owed["state"] == "in_doubt"));
            self.add("segue_outbox_in_doubt", &[("channel", channel)], doubt);
        }
    }
}

fn word(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("no word: {value}"))
}

fn seconds(value: &Value) -> Option<f64> {
    value.as_f64().map(|ms| ms / 1e3)
}

/// What must be remembered while a trail is read.
struct Story<'a> {
    channel: &'a str,
    queue: String,
    reason: String,
    asked: bool,
    handed_off: bool,
    ghost: bool,
    handed_back: bool,
    /// What happened in the same commit so far: entries decided together have the same time.
    now: &'a str,
    kinds: Vec<&'a str>,
}

impl<'a> Story<'a> {
    fn of(told: &'a Told) -> Self {
        Self {
            channel: word(&told.view["medium"]),
            queue: String::new(),
            reason: String::new(),
            asked: false,
            handed_off: false,
            ghost: false,
            handed_back: false,
            now: "",
            kinds: Vec::new(),
        }
    }

    fn follow(&mut self, entry: &'a Value, truth: &mut Truth) {
        let (kind, at) = (word(&entry["kind"]), word(&entry["at"]));
        if at != self.now {
            (self.now, self.kinds) = (at, Vec::new());
        }
        match kind {
            "model_asked" | "model_answered" | "model_failed" | "draft_kept" => {
                self.model(kind, entry, truth)
            }
            "handoff_requested" | "handoff_settled" | "claimed" | "transferred" | "handed_back"
            | "lease_lapsed" => {
                self.handoff(kind, entry, truth);
            }
            "settled" => self.settled(entry, truth),
            _one_that_stands_alone => self.alone(kind, entry, truth),
        }
        self.kinds.push(kind);
    }

    fn alone(&mut self, kind: &str, entry: &Value, truth: &mut Truth) {
        let channel = [("channel", self.channel)];
        let with =
            |label: &'static str, value: &'a str| [("channel", self.channel), (label, value)];
        match kind {
            "opened" => {
                (self.asked, self.handed_off) = (false, false);
                if !["agent", "desk"].contains(&word(&entry["by"])) {
                    truth.add("segue_conversations_opened_total", &channel, 1.0);
                    truth.add("segue_conversations_eligible_total", &channel, 1.0);
                }
                if entry["reopened"] == true && entry["by"] == "customer" {
                    truth.add("segue_conversations_reopened_total", &channel, 1.0);
                }
            }
            "customer_wrote" => {
                let kind = match word(&entry["body"]["kind"]) {
                    "text" => "text",
                    "choice" => "interactive",
                    other => panic!("nobody sends {other} here"),
                };
                truth.add("segue_messages_inbound_total", &with("kind", kind), 1.0);
            }
            "human_wrote" => {
                self.ghost = false;
                if let Some(first) = seconds(&entry["first_response_ms"]) {
                    truth.observe("segue_handoff_first_response_seconds", &channel, first);
                }
                if let Some(reply) = seconds(&entry["reply_ms"]) {
                    truth.observe("segue_human_reply_seconds", &channel, reply);
                }
            }
            "system_wrote" if entry["class"] == "after_hours" => {
                truth.add("segue_contacts_while_closed_total", &channel, 1.0);
            }
            "ladder_stepped" => {
                let labels = [
                    ("channel", self.channel),
                    ("action", word(&entry["action"])),
                ];
                truth.add("segue_ladder_steps_total", &labels, 1.0);
            }
            "ghost_declared" => {
                self.ghost = true;
                let labels = [("channel", self.channel), ("cause", word(&entry["cause"]))];
                truth.add("segue_handoff_ghosts_total", &labels, 1.0);
            }
            "sla_evaluated" => {
                let result = if entry["met"] == true {
                    "met"
                } else {
                    "breached"
                };
                let clock = word(&entry["clock"]);
                let labels = [("clock", clock), ("result", result)];
                truth.add(
                    "segue_sla_evaluations_total",
                    &[&channel[..], &labels].concat(),
                    1.0,
                );
                let queue = [("queue", self.queue.as_str())];
                truth.add(
                    "segue_queue_sla_evaluations_total",
                    &[&queue[..], &labels].concat(),
                    1.0,
                );
            }
            "closed" => {
                let labels = [
                    ("channel", self.channel),
                    ("outcome", word(&entry["outcome"])),
                ];
                truth.add("segue_conversations_closed_total", &labels, 1.0);
                if self.asked && !self.handed_off {
                    truth.add("segue_conversations_contained_total", &channel, 1.0);
                }
                if let Some(held) = seconds(&entry["held_ms"]) {
                    truth.observe("segue_handoff_handle_seconds", &channel, held);
                }
            }
            "reviewed" => truth.add(
                "segue_handoff_reviews_total",
                &[("verdict", word(&entry["verdict"]))],
                1.0,
            ),
            "offer_made" => truth.add("segue_offers_made_total", &channel, 1.0),
            "offer_answered" => {
                let answer = if entry["accepted"] == true {
                    "accepted"
                } else {
                    "refused"
                };
                truth.add("segue_offers_answered_total", &with("answer", answer), 1.0);
            }
            _nobodys_figure => {}
        }
    }

    fn model(&mut self, kind: &str, entry: &Value, truth: &mut Truth) {
        let model = [("provider", "openai"), ("model", "gpt-x")];
        if kind == "model_asked" && !self.asked {
            self.asked = true;
            truth.add(
                "segue_conversations_ai_involved_total",
                &[("channel", self.channel)],
                1.0,
            );
        }
        let outcome = match kind {
            "model_answered" => Some("ok"),
            "model_failed" => Some(word(&entry["fault"])),
            _no_end_of_a_question => None,
        };
        if let Some(outcome) = outcome {
            let took = seconds(&entry["took_ms"]).expect("a time");
            let labels = [&model[..], &[("outcome", outcome)]].concat();
            truth.observe("segue_ai_request_seconds", &labels, took);
            let cause = match outcome {
                "ok" => None,
                "timeout" => Some("timeout"),
                "filtered" => Some("guardrail"),
                _another_fault => Some("error"),
            };
            if let Some(cause) = cause {
                truth.add("segue_ai_fallbacks_total", &[("cause", cause)], 1.0);
            }
        }
        let Some(usage) = entry["usage"].as_object() else {
            return;
        };
        let number = |field: &str| usage[field].as_f64().expect("a number");
        for way in ["input", "output"] {
            let labels = [&model[..], &[("kind", way)]].concat();
            truth.add("segue_ai_tokens_total", &labels, number(way));
        }
        truth.add("segue_ai_cached_tokens_total", &model, number("cached"));
        truth.add(
            "segue_ai_cost_usd_micros_total",
            &model,
            number("cost_micros"),
        );
    }

    fn handoff(&mut self, kind: &str, entry: &Value, truth: &mut Truth) {
        let channel = [("channel", self.channel)];
        let held = |truth: &mut Truth| {
            let held = seconds(&entry["held_ms"]).expect("a time");
            truth.observe("segue_handoff_handle_seconds", &channel, held);
        };
        match kind {
            "handoff_requested" => self.requested(entry, truth),
            "handoff_settled" => self.ended(entry, truth),
            "claimed" => {
                let taken = match (entry["from"].is_null(), entry["handoff"].is_null()) {
                    (false, _) => Some("forced"),
                    (true, true) => Some("unasked"),
                    (true, false) => None,
                };
                if let Some(kind) = taken {
                    let labels = [("channel", self.channel), ("kind", kind)];
                    truth.add("segue_conversations_taken_over_total", &labels, 1.0);
                }
                if !entry["from"].is_null() {
                    held(truth);
                }
            }
            "transferred" => {
                self.queue = word(&entry["queue"]).to_owned();
                if !entry["held_ms"].is_null() {
                    held(truth);
                    truth.add("segue_handoffs_transferred_total", &channel, 1.0);
                }
            }
            "handed_back" => {
                self.handed_back = true;
                let labels = [("channel", self.channel), ("by", word(&entry["by"]))];
                truth.add("segue_handoffs_handed_back_total", &labels, 1.0);
                if !entry["agent"].is_null() && !self.kinds.contains(&"lease_lapsed") {
                    held(truth);
                }
            }
            _lease_lapsed => {
                truth.add("segue_lease_lapses_total", &channel, 1.0);
                held(truth);
            }
        }
    }

    fn requested(&mut self, entry: &Value, truth: &mut Truth) {
        let channel = [("channel", self.channel)];
        let (reason, repeat) = (word(&entry["reason"]), entry["repeat"] == true);
        (self.queue, self.reason, self.ghost) =
            (word(&entry["queue"]).to_owned(), reason.to_owned(), false);
        let attempt = if repeat { "repeat" } else { "first" };
        let labels = [
            ("channel", self.channel),
            ("reason", reason),
            ("attempt", attempt),
        ];
        truth.add("segue_handoffs_requested_total", &labels, 1.0);
        truth.add(
            "segue_queue_handoffs_requested_total",
            &[("queue", &self.queue)],
            1.0,
        );
        if !repeat {
            let open = seconds(&entry["since_open_ms"]).expect("a time");
            truth.observe("segue_handoff_time_to_request_seconds", &channel, open);
        }
        if !self.handed_off {
            self.handed_off = true;
            truth.add("segue_conversations_handed_off_total", &channel, 1.0);
        }
        // A person who passes it on, or loses it, goes on with the promise that was made.
        if self.kinds.contains(&"lease_lapsed") || entry["rule"] == "agent.transfer" {
            truth.add("segue_handoffs_passed_on_total", &channel, 1.0);
        } else if self.handed_back {
            // Everything here happens within half an hour.
            truth.add("segue_handoffs_reescalated_total", &channel, 1.0);
        }
        let cause = match reason {
            "no_answer" | "low_confidence" | "guardrail" => reason,
            _no_fault_of_an_answer => return,
        };
        if self.kinds.contains(&"model_answered") {
            truth.add("segue_ai_fallbacks_total", &[("cause", cause)], 1.0);
        }
    }

    fn ended(&self, entry: &Value, truth: &mut Truth) {
        let channel = [("channel", self.channel)];
        let (outcome, waited) = (
            word(&entry["outcome"]),
            seconds(&entry["waited_ms"]).expect("a time"),
        );
        let labels = [("channel", self.channel), ("outcome", outcome)];
        truth.add("segue_handoffs_settled_total", &labels, 1.0);
        let labels = [("queue", self.queue.as_str()), ("outcome", outcome)];
        truth.add("segue_queue_handoffs_settled_total", &labels, 1.0);
        match outcome {
            "claimed" => {
                truth.observe("segue_handoff_claim_seconds", &channel, waited);
                truth.observe(
                    "segue_queue_claim_seconds",
                    &[("queue", &self.queue)],
                    waited,
                );
                truth.observe(
                    "segue_reason_claim_seconds",
                    &[("reason", &self.reason)],
                    waited,
                );
            }
            "abandoned" => truth.observe("segue_handoff_abandon_seconds", &channel, waited),
            _nobody_came => {}
        }
    }

    fn settled(&self, entry: &Value, truth: &mut Truth) {
        let channel = [("channel", self.channel)];
        let class = word(&entry["class"]);
        let with =
            |label: &'static str, value: &'a str| [("channel", self.channel), (label, value)];
        let cause = entry["cause"].as_str();
        match word(&entry["state"]) {
            "sent" => {
                let sender = match class {
                    "ai" => "ai",
                    "human" => "human",
                    _segue_itself => "system",
                };
                truth.add(
                    "segue_messages_outbound_total",
                    &with("sender", sender),
                    1.0,
                );
                if class == "ack" {
                    let after = seconds(&entry["after_ms"]).expect("a time");
                    truth.observe("segue_handoff_ack_seconds", &channel, after);
                }
            }
            "delivered" => truth.add("segue_messages_delivered_total", &channel, 1.0),
            "read" => truth.add("segue_messages_read_total", &channel, 1.0),
            "suppressed" => truth.add("segue_messages_suppressed_total", &[("class", class)], 1.0),
            "failed" => {
                let labels = [
                    ("channel", self.channel),
                    ("cause", cause.unwrap_or("other")),
                ];
                truth.add("segue_delivery_failures_total", &labels, 1.0);
            }
            "in_doubt" => {
                let outcome = match word(&entry["code"]) {
                    "repeated" => "repeated",
                    "stream_lost" => "stream_lost",
                    _given_up => "given_up",
                };
                truth.add("segue_sends_in_doubt_total", &with("outcome", outcome), 1.0);
                if let Some(cause) = cause {
                    let labels = [("channel", self.channel), ("cause", cause)];
                    truth.add("segue_delivery_failures_total", &labels, 1.0);
                }
            }
            _on_its_way => {}
        }
    }
}
