//! Customers' stories, told to the core itself: the trails that all figures here are made of.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use segue::clock::Timestamp;
use segue::conversation::Conversation;
use segue::conversation::decision::Perform;
use segue::conversation::event::{Act, Event};
use segue::conversation::message::{Attempt, Body, Customer, Inbound, Medium};
use segue::conversation::policy::{ChannelPolicy, Policy};
use segue::conversation::question::{ModelAnswer, ModelVerdict};
use segue::conversation::trail::{Entry, Source, Usage};
use segue::conversation::words::{ModeName, Reason, Role, Verdict};
use segue::ids::{ConversationId, HandoffId};
use segue::learning::fold;
use segue::learning::record::Record;
use segue::learning::source::Facts;
use segue::store::{Listing, Turn};

pub const SECOND: Duration = Duration::from_secs(1);
pub const MINUTE: Duration = Duration::from_mins(1);

/// What the model says next.
#[derive(Clone, Copy)]
pub enum Says {
    /// An answer with knowledge behind it.
    Knows,
    /// "I don't know."
    Nothing,
    /// A person is needed.
    Escalates,
}

/// One customer's story, told to the core.
pub struct Story {
    pub conversation: Conversation,
    pub entries: Vec<Entry>,
    pub policy: Arc<Policy>,
    pub now: Timestamp,
    pub said: u64,
    pub model: Says,
}

pub fn policy() -> Arc<Policy> {
    let mut policy = Policy::default();
    let http = ChannelPolicy::of(Medium::Http, "support".into());
    policy.channels.insert("gateway".into(), http);
    Arc::new(policy.sealed())
}

impl Story {
    pub fn of(name: &str, policy: &Arc<Policy>, began: Timestamp) -> Self {
        let id = ConversationId::derive(&[7; 32], "gateway", name);
        let from = Customer {
            address: name.to_owned(),
            name: Some(format!("{name} Secretname")),
            language: Some("en".to_owned()),
        };
        let (channel, queue) = ("gateway".into(), "support".into());
        let conversation = Conversation::new(id, channel, Medium::Http, from, String::new(), queue);
        Self {
            conversation,
            entries: Vec::new(),
            policy: Arc::clone(policy),
            now: began,
            said: 0,
            model: Says::Knows,
        }
    }

    pub fn says(mut self, text: &str) -> Self {
        self.said += 1;
        let inbound = Inbound {
            channel: "gateway".into(),
            medium: Medium::Http,
            from: self.conversation.common().customer.clone(),
            to: String::new(),
            id: format!("m{}", self.said),
            sent_at: None,
            body: Body::Text(text.to_owned()),
        };
        self.step(Event::CustomerWrote {
            inbound,
            seen_before: false,
        });
        self
    }

    pub fn model(mut self, model: Says) -> Self {
        self.model = model;
        self
    }

    pub fn after(mut self, long: Duration) -> Self {
        self.now = self.now + long;
        self.step(Event::DeadlinePassed);
        self
    }

    pub fn act(mut self, agent: &str, act: Act) -> Self {
        self.step(Event::Acted {
            agent: agent.into(),
            role: Role::Lead,
            act,
            key: None,
        });
        self
    }

    pub fn claim(self, agent: &str) -> Self {
        self.act(agent, Act::Claim { force: false })
    }

    pub fn reply(self, agent: &str, text: &str) -> Self {
        let (text, epoch) = (text.to_owned(), None);
        self.act(agent, Act::Reply { text, epoch })
    }

    fn hand_back(self, agent: &str, note: &str) -> Self {
        let (note, seen) = (note.to_owned(), None);
        self.act(agent, Act::HandBack { note, seen })
    }

    pub fn resolve(self, agent: &str) -> Self {
        let (outcome, note) = (None, "done".to_owned());
        self.act(agent, Act::Resolve { outcome, note })
    }

    fn review(self, handoff: Option<u64>, verdict: Verdict) -> Self {
        let handoff = handoff.map(HandoffId);
        self.act("Lea", Act::Review { handoff, verdict })
    }

    fn step(&mut self, event: Event) {
        let decision = self.conversation.decide(event, self.now, &self.policy);
        self.entries.extend(decision.entries);
        for perform in decision.perform {
            match perform {
                Perform::Send(effect) => {
                    let provider_id = format!("secret-{}", effect.0);
                    let attempt = Attempt::Accepted { provider_id };
                    self.step(Event::SendSettled { effect, attempt });
                }
                Perform::Ask { ask, .. } => {
                    let answer = self.answer();
                    self.step(Event::ModelAnswered { ask, answer });
                }
            }
        }
    }

    fn answer(&self) -> ModelAnswer {
        let (text, verdict, confidence) = match self.model {
            Says::Knows => ("It takes two days.", ModelVerdict::Reply, Some(80)),
            Says::Nothing => ("I do not know.", ModelVerdict::Reply, Some(0)),
            Says::Escalates => {
                let (reason, summary) = (Reason::LowConfidence, "invoice".to_owned());
                ("", ModelVerdict::Escalate { reason, summary }, None)
            }
        };
        let source = Source {
            chunk: "shipping.md#times".to_owned(),
            score: 700,
        };
        let knows = matches!(self.model, Says::Knows);
        ModelAnswer {
            text: text.to_owned(),
            verdict,
            model: "test".to_owned(),
            usage: Usage::default(),
            took_ms: 10,
            tools: Vec::new(),
            sources: Vec::from_iter(knows.then_some(source)),
            confidence,
            grounds: None,
        }
    }

    pub fn record(&self) -> Record {
        let facts = Facts::of(&self.conversation);
        fold(
            facts,
            &self.entries,
            Timestamp::ZERO,
            self.now + 60 * MINUTE,
        )
    }

    pub fn turn(&self) -> Turn {
        let conversation = &self.conversation;
        Turn {
            conversation: conversation.common().id,
            medium: Medium::Http,
            was: ModeName::Closed,
            rev: 1,
            head: conversation.encode(),
            entries: self.entries.clone(),
            due: conversation.due(),
            listing: Listing {
                mode: conversation.mode().name(),
                since: conversation.common().mode_since,
            },
            evicted: Vec::new(),
        }
    }
}

/// Six customers of one morning.
pub fn morning(policy: &Arc<Policy>, began: Timestamp) -> BTreeMap<&'static str, Story> {
    let story = |name: &'static str| Story::of(name, policy, began);
    let ana = story("ana")
        .says("The parcel with my lamp is broken")
        .says("I want to talk to a person")
        .after(MINUTE)
        .claim("Max")
        .after(30 * SECOND)
        .reply("Max", "Hello, this is Max.")
        .after(4 * MINUTE)
        .hand_back("Max", "a new lamp is on its way")
        .after(10 * MINUTE)
        .says("real person please")
        .after(2 * MINUTE)
        .claim("Eva")
        .resolve("Eva")
        .review(Some(1), Verdict::Justified)
        .review(Some(1), Verdict::Unnecessary)
        .review(None, Verdict::Justified);
    let ben = story("ben")
        .says("I want to talk to a person")
        .after(5 * MINUTE)
        .after(5 * MINUTE);
    let cleo = story("cleo")
        .model(Says::Nothing)
        .says("where is the receipt of my last order");
    let dora = story("dora").says("how long does shipping take to France");
    let eli = story("eli")
        .says("how long does shipping take with a broken lamp")
        .model(Says::Escalates)
        .says("and what about the invoice of the lamp")
        .after(30 * SECOND)
        .claim("Max")
        .resolve("Max");
    let fay = story("fay")
        .says("is the parcel insured on its way")
        .after(MINUTE)
        .says("I asked something else")
        .review(None, Verdict::Missed);
    BTreeMap::from([
        ("ana", ana),
        ("ben", ben),
        ("cleo", cleo),
        ("dora", dora),
        ("eli", eli),
        ("fay", fay),
    ])
}
