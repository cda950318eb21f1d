//! Bytes that version 1 has written: every later version must read them.
//!
//! Beside each head and each piece of trail stands what it holds, as JSON. Files that exist are never written again: a
//! change that cannot read them needs a new version number and a way to read the old one. `WRITE_FORMAT=1` writes only
//! what is missing. (Until the first release, a wanted change of the format is made by deleting the files first.)

use std::path::{Path, PathBuf};
use std::time::Duration;

use segue::clock::Timestamp;
use segue::conversation::decision::Perform;
use segue::conversation::event::{Act, Edit, Event};
use segue::conversation::message::{Attempt, Body, Customer, Inbound, Medium, Report, ReportState};
use segue::conversation::policy::{ChannelPolicy, Policy};
use segue::conversation::question::{ModelAnswer, ModelVerdict};
use segue::conversation::trail::{Entry, Source, Usage};
use segue::conversation::words::Role;
use segue::conversation::{Conversation, HEAD_VERSION};
use segue::ids::{AskId, ConversationId, EffectId, IdHash};

/// Plays a short history and keeps the head at each of its turns.
struct Writer {
    conversation: Conversation,
    policy: Policy,
    trail: Vec<Entry>,
    now: Timestamp,
    last: EffectId,
    heads: Vec<(&'static str, Conversation)>,
}

impl Writer {
    fn new() -> Self {
        let mut policy = Policy::default();
        let mut web = ChannelPolicy::of(Medium::Webchat, "support".into());
        web.streams = false;
        policy.channels.insert("web".into(), web);
        let queue = policy
            .queues
            .get_mut(&policy.default_queue)
            .expect("there is one");
        queue.ai_while_waiting = true;
        let address = "visitor-1".to_owned();
        let id = ConversationId::derive(&[7; 32], "web", &address);
        let customer = Customer {
            address,
            name: Some("Rosa".into()),
            language: Some("es-mx".into()),
        };
        let (web, support) = ("web".into(), "support".into());
        let conversation =
            Conversation::new(id, web, Medium::Webchat, customer, "ours".into(), support);
        Self {
            conversation,
            policy: policy.sealed(),
            trail: Vec::new(),
            now: Timestamp::from_millis(1_767_603_600_000),
            last: EffectId(0),
            heads: Vec::new(),
        }
    }

    fn go(&mut self, event: Event) {
        self.now = self.now + Duration::from_millis(1_250);
        let decision = self.conversation.decide(event, self.now, &self.policy);
        self.trail.extend(decision.entries);
        for perform in decision.perform {
            if let Perform::Send(effect) = perform {
                self.last = effect;
            }
        }
    }

    fn keep(&mut self, name: &'static str) {
        self.heads.push((name, self.conversation.clone()));
    }

    fn writes(&mut self, id: &str, text: &str) {
        let from = self.conversation.common().customer.clone();
        self.go(Event::CustomerWrote {
            inbound: Inbound {
                channel: "web".into(),
                medium: Medium::Webchat,
                from,
                to: "ours".into(),
                id: id.into(),
                sent_at: None,
                body: Body::Text(text.into()),
            },
            seen_before: false,
        });
        self.go(Event::DeadlinePassed);
    }

    fn ana(&mut self, act: Act) {
        let key = IdHash::of(act.name());
        self.go(Event::Acted {
            agent: "Ana".into(),
            role: Role::Lead,
            act,
            key: Some((key, IdHash(7))),
        });
    }

    fn sent(&mut self, attempt: Attempt) {
        let effect = self.last;
        self.go(Event::SendSettled { effect, attempt });
    }

    fn accepted(&mut self) {
        let provider_id = "SM1".into();
        self.sent(Attempt::Accepted { provider_id });
    }

    fn answers(&mut self, ask: u64, text: &str) {
        let answer = ModelAnswer {
            text: text.into(),
            verdict: ModelVerdict::Reply,
            model: "sample".into(),
            usage: Usage {
                input: 900,
                cached: 100,
                output: 40,
                cost_micros: 3_300,
            },
            took_ms: 1_200,
            tools: vec![("look_up".into(), "{\"order\":7}".into())],
            sources: vec![Source {
                chunk: "shipping.md#times".into(),
                score: 713,
            }],
            confidence: Some(80),
            grounds: None,
        };
        let ask = AskId(ask);
        self.go(Event::ModelAnswered { ask, answer });
    }

    /// A history that passes through every mode and leaves something in every field.
    fn all(mut self) -> Self {
        self.keep("new");
        self.writes("a", "¿cuándo llega?");
        self.keep("ai_asking");
        self.answers(1, "Mañana.");
        self.keep("ai_answer_in_flight");
        let detail = "connection lost".into();
        self.sent(Attempt::Unknown { detail });
        self.keep("ai_answer_in_doubt");
        let (conversation, effect) = (self.conversation.common().id, self.last);
        self.go(Event::Reported(Report {
            effect: Some((conversation, effect)),
            provider_id: "SM1".into(),
            state: ReportState::Delivered,
            code: None,
            failure: None,
        }));
        self.writes("b", "quiero hablar con una persona");
        self.accepted();
        self.writes("c", "¿y el precio?");
        self.keep("waiting_in_company");
        self.ana(Act::Claim { force: false });
        self.answers(2, "Cuarenta.");
        self.accepted();
        self.ana(Act::Reply {
            text: "Soy Ana.".into(),
            epoch: None,
        });
        self.ana(Act::Edit(Edit {
            tags: Some(vec!["vip".into()]),
            attributes: vec![("order".into(), Some("7".into()))],
            priority: Some(3),
            ..Edit::default()
        }));
        self.keep("human_replying");
        self.accepted();
        self.now = self.now + Duration::from_mins(30);
        self.go(Event::DeadlinePassed);
        self.keep("human_asked_if_done");
        self.ana(Act::Transfer {
            queue: None,
            to: Some("Ben".into()),
        });
        self.keep("waiting_for_one_person");
        let note = "resuelto".into();
        self.ana(Act::Resolve {
            outcome: None,
            note,
        });
        self.accepted();
        self.keep("closed");
        self
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/format/v1")
}

fn write_new(name: &str, bytes: &[u8]) {
    let path = folder().join(name);
    if std::env::var_os("WRITE_FORMAT").is_some() && !path.exists() {
        std::fs::write(&path, bytes).expect("written");
    }
}

fn read(name: &str) -> Vec<u8> {
    std::fs::read(folder().join(name)).unwrap_or_else(|fault| panic!("{name}: {fault}"))
}

fn described(name: &str) -> serde_json::Value {
    serde_json::from_slice(&read(name)).expect("a description is JSON")
}

fn pretty(value: &impl serde::Serialize) -> Vec<u8> {
    let mut text = serde_json::to_vec_pretty(value).expect("plain data");
    text.push(b'\n');
    text
}

#[test]
fn heads_of_version_1_are_read_as_what_they_were() {
    let writer = Writer::new().all();
    assert_eq!(writer.heads.len(), 9);
    for (name, head) in &writer.heads {
        write_new(&format!("{name}.bin"), &head.encode());
        write_new(&format!("{name}.json"), &pretty(head));
        let bytes = read(&format!("{name}.bin"));
        let woken = Conversation::decode(&bytes).unwrap_or_else(|fault| panic!("{name}: {fault}"));
        let holds = serde_json::to_value(&woken).expect("plain data");
        assert_eq!(holds, described(&format!("{name}.json")), "{name}");
        if HEAD_VERSION == 1 {
            assert_eq!(
                woken.encode(),
                bytes,
                "{name} is written otherwise under the same version"
            );
        }
    }
}

#[test]
fn a_trail_of_version_1_is_read_as_what_it_was() {
    let trail = Writer::new().all().trail;
    write_new(
        "trail.bin",
        &postcard::to_stdvec(&trail).expect("plain data"),
    );
    write_new("trail.json", &pretty(&trail));
    let read: Vec<Entry> = postcard::from_bytes(&read("trail.bin")).expect("a trail");
    let holds = serde_json::to_value(&read).expect("plain data");
    assert_eq!(holds, described("trail.json"));
}

#[test]
fn what_is_no_head_is_refused_with_a_reason() {
    let check = |bytes: &[u8], said: &str| {
        let fault = Conversation::decode(bytes).expect_err("refused");
        assert!(fault.to_string().starts_with(said), "{fault}");
    };
    check(&[], "not a conversation");
    check(&[0, 1, 2], "not a conversation");
    check(
        &[HEAD_VERSION + 1, 1],
        "written by a newer version (format 2",
    );
    let head = read("waiting_in_company.bin");
    for end in 0..head.len() {
        check(&head[..end], "not a conversation");
    }
}
