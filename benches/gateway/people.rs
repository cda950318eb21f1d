//! Conversations that are known before anything is measured: made by the core itself, kept by the store in bulk.
//!
//! Nothing is invented: every head and every entry is what `Conversation::decide` made of the events that a
//! customer, the model and a person brought about.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use segue::clock::{Clock, SystemClock, Timestamp};
use segue::conversation::Conversation;
use segue::conversation::decision::Perform;
use segue::conversation::event::{Act, Event};
use segue::conversation::message::{Attempt, Body, Customer, Inbound, Medium};
use segue::conversation::policy::Policy;
use segue::conversation::question::{ModelAnswer, ModelVerdict};
use segue::conversation::trail::{Entry, Usage};
use segue::conversation::words::{ModeName, Role};
use segue::ids::{ChannelName, ConversationId, IdHash};
use segue::store::{Listing, Observer, Options, Position, Store, Turn};

/// Turns handed in at once.
const CHUNK: usize = 512;
/// Turns after which everything is applied, so that the tail stays small.
const SETTLE_EVERY: usize = 32 * 1_024;
/// What customers say: about as long as a message on a telephone is.
pub const WORDS: &str =
    "Hola, mi pedido 4711 no ha llegado todavia. Alguien puede mirarlo por favor?";
/// What they are answered.
const ANSWER: &str =
    "Claro, lo miro ahora mismo: el pedido salio ayer del almacen y llega manana por la manana.";

/// Who holds a conversation when the measuring begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Holder {
    /// A person.
    Person,
    /// The AI, which has answered.
    Ai,
    /// Nobody: it was resolved.
    Nobody,
}

/// Conversations of one kind.
#[derive(Clone, Copy, Debug)]
pub struct Crowd {
    /// The number of the first customer.
    pub first: u64,
    /// How many.
    pub count: u64,
    /// Messages of both sides together.
    pub messages: u32,
    /// Who holds them.
    pub holder: Holder,
}

/// The address of customer number `n`.
pub fn address(n: u64) -> String {
    format!("whatsapp:+1{:010}", 2_000_000_000 + n)
}

/// When stories take place.
pub const NOW: Timestamp = Timestamp::from_millis(1_795_000_000_000);

/// The day of one customer, told by the core.
pub struct Story<'a> {
    /// The conversation as it is now.
    pub conversation: Conversation,
    entries: Vec<Entry>,
    evicted: Vec<IdHash>,
    policy: &'a Policy,
    now: Timestamp,
    said: u64,
}

impl<'a> Story<'a> {
    /// Customer number `n` of `channel`, who has not written yet.
    pub fn new(
        key: &[u8; 32],
        channel: &ChannelName,
        n: u64,
        policy: &'a Policy,
        now: Timestamp,
    ) -> Self {
        let address = address(n);
        let id = ConversationId::derive(key, channel.as_str(), &address);
        let conversation =
            Conversation::for_inbound(id, &inbound(channel, &address, String::new()), policy);
        Self::resumed(conversation, policy, now, 0)
    }

    /// That of customer 1 of `channel`: `messages` of both sides, and a person holds it.
    pub fn with_a_person(channel: &ChannelName, policy: &'a Policy, messages: u32) -> Self {
        let mut story = Self::new(&[7; 32], channel, 1, policy, NOW);
        story.tell(Crowd {
            first: 1,
            count: 1,
            messages,
            holder: Holder::Person,
        });
        story
    }

    /// A conversation that is known already goes on at `now`. Its customer's next messages are number `said` and on,
    /// which must be new.
    pub fn resumed(
        conversation: Conversation,
        policy: &'a Policy,
        now: Timestamp,
        said: u64,
    ) -> Self {
        Self {
            conversation,
            entries: Vec::new(),
            evicted: Vec::new(),
            policy,
            now,
            said,
        }
    }

    /// Told in full: `messages` of both sides, then whoever holds it.
    pub fn tell(&mut self, crowd: Crowd) {
        self.customer();
        if crowd.holder == Holder::Person {
            self.act(Act::TakeOver { force: false });
        }
        for n in 1..crowd.messages {
            match (n % 2, crowd.holder) {
                (0, _) => self.customer(),
                (_, Holder::Person) => self.act(Act::Reply {
                    text: ANSWER.to_owned(),
                    epoch: None,
                }),
                (_, Holder::Ai | Holder::Nobody) => self.wait(Duration::from_secs(60)),
            }
        }
        if crowd.holder == Holder::Nobody {
            self.act(Act::TakeOver { force: false });
            self.act(Act::Resolve {
                outcome: None,
                note: String::new(),
            });
        }
    }

    /// The customer writes.
    pub fn customer(&mut self) {
        let common = self.conversation.common();
        let (channel, address) = (common.channel.clone(), common.customer.address.clone());
        self.said += 1;
        let id = format!(
            "SM{:016x}{:016x}",
            (IdHash::of(&address).0 >> 32),
            self.said
        );
        let inbound = inbound(&channel, &address, id);
        self.step(Event::CustomerWrote {
            inbound,
            seen_before: false,
        });
    }

    fn act(&mut self, act: Act) {
        self.step(Event::Acted {
            agent: "ana".into(),
            role: Role::Lead,
            act,
            key: None,
        });
    }

    fn wait(&mut self, long: Duration) {
        self.now = self.now + long;
        self.step(Event::DeadlinePassed);
    }

    fn step(&mut self, event: Event) {
        let decision = self.conversation.decide(event, self.now, self.policy);
        self.entries.extend(decision.entries);
        self.evicted.extend(decision.evicted);
        for perform in decision.perform {
            match perform {
                Perform::Send(effect) => {
                    let attempt = Attempt::Accepted {
                        provider_id: format!("SM{:032x}", effect.0),
                    };
                    self.step(Event::SendSettled { effect, attempt });
                }
                Perform::Ask { ask, .. } => self.step(Event::ModelAnswered {
                    ask,
                    answer: answer(),
                }),
            }
        }
    }

    /// What the store is to keep of it. What was told so far counts as one turn.
    pub fn turn(&mut self) -> Turn {
        let conversation = &self.conversation;
        let mode = conversation.mode().name();
        Turn {
            conversation: conversation.common().id,
            medium: conversation.common().medium,
            was: ModeName::Closed,
            rev: conversation.rev(),
            head: conversation.encode(),
            entries: std::mem::take(&mut self.entries),
            due: conversation.due(),
            listing: Listing {
                mode,
                since: conversation.common().mode_since,
            },
            evicted: std::mem::take(&mut self.evicted),
        }
    }
}

/// A message of a customer.
pub fn inbound(channel: &ChannelName, address: &str, id: String) -> Inbound {
    Inbound {
        channel: channel.clone(),
        medium: Medium::Whatsapp,
        from: Customer {
            address: address.to_owned(),
            name: Some("Ana Perez".to_owned()),
            language: None,
        },
        to: "whatsapp:+14155238886".to_owned(),
        id,
        sent_at: None,
        body: Body::Text(WORDS.to_owned()),
    }
}

fn answer() -> ModelAnswer {
    ModelAnswer {
        text: ANSWER.to_owned(),
        verdict: ModelVerdict::Reply,
        model: "bench".to_owned(),
        usage: Usage::default(),
        took_ms: 800,
        tools: Vec::new(),
        sources: Vec::new(),
        confidence: None,
        grounds: None,
    }
}

/// Observes nothing.
pub struct Nobody;

impl Observer for Nobody {
    fn committed(&self, _: Position, _: &[Arc<Turn>]) {}
}

/// Makes a store in `dir` that knows `crowds`.
pub fn fill(dir: &Path, channel: &ChannelName, policy: &Policy, crowds: &[Crowd]) {
    // Long enough ago that every wait of a story is over by now.
    let began = SystemClock::start().now() - Duration::from_secs(600);
    fill_from(dir, channel, policy, crowds, |_| began);
}

/// The same, where the story of customer number `n` began at `began(n)`.
pub fn fill_from(
    dir: &Path,
    channel: &ChannelName,
    policy: &Policy,
    crowds: &[Crowd],
    began: impl Fn(u64) -> Timestamp,
) {
    let options = Options {
        apply: false,
        tail_bytes_max: 1,
        free_bytes_min: 0,
        ..Options::default()
    };
    let (store, _) = Store::open(dir, options, Arc::new(Nobody)).expect("a new store opens");
    let (mut chunk, mut since_settled) = (Vec::with_capacity(CHUNK), 0);
    for crowd in crowds {
        for n in crowd.first..crowd.first + crowd.count {
            let mut story = Story::new(store.key(), channel, n, policy, began(n));
            story.tell(*crowd);
            chunk.push(story.turn());
            if chunk.len() == CHUNK {
                since_settled += CHUNK;
                submit(&store, std::mem::take(&mut chunk));
                if since_settled >= SETTLE_EVERY {
                    since_settled = 0;
                    store.settle().expect("the disk has room");
                }
            }
        }
    }
    submit(&store, chunk);
    store.settle().expect("the disk has room");
    assert_eq!(
        store.shutdown(Duration::from_secs(60)),
        0,
        "everything is applied"
    );
}

/// Commits `turns`; returns when they are durable.
pub fn submit(store: &Store, turns: Vec<Turn>) {
    let (tell, told) = sync_channel(1);
    let done = move |result| tell.send(result).expect("the filler listens");
    store.submit(turns, store.generation(), Box::new(done));
    told.recv().expect("an answer").expect("a commit");
}
