//! The shell with something in it that goes wrong: a step that panics, a commit that is refused.
//!
//! Everything is real but the step: store, actors, wheel, offline answerer.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a trap looks for one event and lets the others pass"
)]

mod panics;

use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;

use super::*;
use crate::channel::carrier::{Carrier, Timeouts};
use crate::channel::registry::{Channels, Kind};
use crate::channel::webchat::WebChat;
use crate::clock::{Clock, SystemClock, monotonic};
use crate::conversation::decision::Decision;
use crate::conversation::message::{Body, Customer, Medium};
use crate::conversation::trail::Fact;
use crate::conversation::words::{ModeName, Reason};
use crate::knowledge::Knowledge;
use crate::metrics::{Metrics, Names};
use crate::model::Service;
use crate::model::settings::{ModelSettings, Provider};
use crate::store::{Listing, Observer, Options, Position, Turn};

struct Winds(Wheel);

impl Observer for Winds {
    fn committed(&self, _: Position, turns: &[Arc<Turn>]) {
        turns
            .iter()
            .for_each(|turn| self.0.set(turn.conversation, turn.due));
    }
}

struct Bed {
    runtime: Runtime,
    _dir: TempDir,
}

impl Bed {
    /// A web chat whose model takes `thinks`, decided by `step`.
    async fn new(step: Step, thinks: Duration) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::start());
        let wheel = Wheel::new(Arc::clone(&clock));
        // Nothing is applied: the store then compares every revision with the one before, and a step that was lost or
        // doubled shows at once.
        let options = Options {
            cache_mb: 32,
            free_bytes_min: 0,
            clock: Arc::clone(&clock),
            apply: false,
            ..Options::default()
        };
        let (store, _) =
            Store::open(dir.path(), options, Arc::new(Winds(wheel.clone()))).expect("a store");
        let mut channels = Channels::default();
        channels
            .add(Kind::Webchat, Arc::new(WebChat::new("web".into())))
            .expect("one channel");
        let carrier = Carrier::new(Timeouts::default(), 8).expect("a carrier");
        let settings = ModelSettings {
            provider: Provider::Offline,
            offline_delay: thinks,
            ..ModelSettings::default()
        };
        let model = Service::new(settings, Arc::new(Knowledge::sample())).expect("a model");
        let metrics = Arc::new(Metrics::new(&Names::default()));
        let parts = Parts {
            store,
            clock,
            policy: Policy::default(),
            performer: Performer::new(channels, carrier, model, "offline", Arc::clone(&metrics)),
            wheel,
            hub: Hub::default(),
            in_flight_max: 1_024,
            idle_after: Duration::from_secs(300),
            metrics,
            step,
        };
        let router = Router::new(parts).await.expect("a tree");
        router.start();
        Self {
            runtime: Runtime::new(router),
            _dir: dir,
        }
    }

    fn id(&self, who: &str) -> ConversationId {
        self.runtime.conversation_id(&"web".into(), who)
    }

    async fn write(&self, who: &str, text: &str) -> Answered {
        let inbound = Inbound {
            channel: "web".into(),
            medium: Medium::Webchat,
            from: Customer {
                address: who.to_owned(),
                name: None,
                language: None,
            },
            to: String::new(),
            id: text.to_owned(),
            sent_at: None,
            body: Body::Text(text.to_owned()),
        };
        self.runtime.deliver(inbound).await
    }

    async fn act(&self, who: &str, act: Act) -> Answered {
        self.runtime
            .act(self.id(who), "ana".into(), Role::Agent, act, None)
            .await
    }

    async fn facts(&self, who: &str) -> Vec<Fact> {
        let trail = self
            .runtime
            .trail(self.id(who), 0, 1_000)
            .await
            .expect("a trail");
        assert!(
            trail.iter().map(|entry| entry.n).eq(0..trail.len() as u64),
            "{trail:?}"
        );
        trail.into_iter().map(|entry| entry.fact).collect()
    }

    async fn mode(&self, who: &str) -> ModeName {
        self.runtime
            .read(self.id(who))
            .await
            .expect("readable")
            .expect("there")
            .mode()
            .name()
    }

    /// Waits until the trail has it, for at most five seconds.
    async fn until(&self, who: &str, holds: impl Fn(&Fact) -> bool) {
        let end = monotonic() + Duration::from_secs(5);
        while !self.facts(who).await.iter().any(&holds) {
            assert!(
                monotonic() < end,
                "it does not come to pass: {:?}",
                self.facts(who).await
            );
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

fn is_written(fact: &Fact) -> bool {
    matches!(fact, Fact::CustomerWrote { .. })
}

fn is_answer(fact: &Fact) -> bool {
    matches!(fact, Fact::AiWrote { .. })
}

/// Commits a note in `who`'s conversation past its keeper, as nobody but a second process could.
async fn commit_beside(bed: &Bed, who: &str) {
    let (id, store) = (bed.id(who), bed.runtime.store().clone());
    let mut conversation = bed
        .runtime
        .read(id)
        .await
        .expect("readable")
        .expect("there");
    let act = Act::Note {
        text: "from beside".to_owned(),
    };
    let event = Event::Acted {
        agent: "ana".into(),
        role: Role::Agent,
        act,
        key: None,
    };
    let decision = conversation.decide(event, bed.runtime.now(), &bed.runtime.policy());
    let turn = Turn {
        conversation: id,
        medium: Medium::Webchat,
        was: conversation.mode().name(),
        rev: conversation.rev(),
        head: conversation.encode(),
        entries: decision.entries,
        due: conversation.due(),
        listing: Listing {
            mode: conversation.mode().name(),
            since: conversation.common().mode_since,
        },
        evicted: decision.evicted,
    };
    let (tell, told) = tokio::sync::oneshot::channel();
    store.submit(
        vec![turn],
        store.generation(),
        Box::new(|done| {
            let _ = tell.send(done);
        }),
    );
    told.await
        .expect("an answer")
        .expect("the keeper was slower");
}

#[tokio::test]
async fn after_a_refused_commit_what_was_due_is_taken_up_again() {
    let bed = Bed::new(Conversation::decide, Duration::ZERO).await;
    assert_eq!(
        bed.write("eva", "what are your opening hours?").await,
        Ok(Answer::Accepted)
    );
    // The keeper's next step, when the burst is quiet, rests on a revision that is no longer the newest.
    commit_beside(&bed, "eva").await;
    bed.until("eva", is_answer).await;
}

#[tokio::test]
async fn a_first_message_is_never_taken_for_something_about_nobody() {
    let bed = Bed::new(Conversation::decide, Duration::ZERO).await;
    for n in 0..300 {
        let who = format!("visitor-{n}");
        let (acted, written) = tokio::join!(bed.act(&who, Act::Typing), async {
            for _ in 0..n % 8 {
                tokio::task::yield_now().await;
            }
            bed.write(&who, "hello").await
        });
        assert_eq!(written, Ok(Answer::Accepted), "beside {acted:?}");
        assert_eq!(
            bed.facts(&who)
                .await
                .iter()
                .filter(|fact| is_written(fact))
                .count(),
            1
        );
    }
}

#[tokio::test]
async fn what_is_said_to_a_conversation_that_has_grown_too_large_is_kept_for_people() {
    let bed = Bed::new(Conversation::decide, Duration::ZERO).await;
    let named = |id: &str| Inbound {
        channel: "web".into(),
        medium: Medium::Webchat,
        from: Customer {
            address: "eva".to_owned(),
            name: Some("E".repeat(crate::conversation::HEAD_BYTES_MAX)),
            language: None,
        },
        to: String::new(),
        id: id.to_owned(),
        sent_at: None,
        body: Body::Text(id.to_owned()),
    };
    for (id, parked) in [("one", 0), ("two", 1), ("three", 2)] {
        let answered = bed.runtime.deliver(named(id)).await;
        assert_eq!(answered, Ok(Answer::Accepted), "{id}");
        assert_eq!(bed.runtime.store().parked_count(), Ok(parked), "{id}");
    }
    assert_eq!(bed.mode("eva").await, ModeName::Waiting);
    assert!(matches!(
        bed.act("eva", Act::Claim { force: false }).await,
        Ok(Answer::Claimed { .. })
    ));
}

#[tokio::test]
async fn whoever_waits_and_no_clock_watches_is_found_and_put_back() {
    let bed = Bed::new(Conversation::decide, Duration::ZERO).await;
    let (router, id) = (bed.runtime.router(), bed.id("eva"));
    bed.write("eva", "I want to talk to a human")
        .await
        .expect("taken");
    let is_sent = |fact: &Fact| matches!(fact, Fact::Settled { .. });
    bed.until("eva", is_sent).await;
    let loaded = bed.runtime.store().load(id, 0).expect("readable");
    let due = loaded.expect("there").due;
    assert!(due.is_some(), "a wait has a deadline");
    assert!(router.is_watched(id, due));
    router.wheel().set(id, None);
    assert!(!router.is_watched(id, due));
    assert!(!router.is_watched(id, None));
    router.watch(id, due);
    assert!(router.is_watched(id, due));
    let far = due.map(|due| due + Duration::from_hours(1));
    assert!(
        router.is_watched(id, far),
        "the due index will tell in time"
    );
}

#[tokio::test]
async fn a_report_that_wakes_nobody_is_counted_all_the_same() {
    let bed = Bed::new(Conversation::decide, Duration::ZERO).await;
    while !bed.runtime.router().has_looked() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let report = Report {
        effect: Some((bed.id("eva"), crate::ids::EffectId(1))),
        provider_id: "SM1".to_owned(),
        state: crate::conversation::message::ReportState::Delivered,
        code: None,
        failure: None,
    };
    let told = bed.runtime.report(Medium::Sms, report).await;
    assert_eq!(told, Ok(Answer::Ignored));
    let figures = bed
        .runtime
        .router()
        .metrics()
        .render(&crate::metrics::Figures::default());
    let check = |series: &str| {
        assert!(
            figures.lines().any(|line| line == series),
            "{series} in {figures}"
        );
    };
    check("segue_messages_inbound_total{channel=\"sms\",kind=\"status\"} 1");
    check("segue_messages_delivered_total{channel=\"sms\"} 1");
}

#[tokio::test]
async fn the_model_is_shown_every_message_it_is_asked_however_long_the_flurry() {
    let bed = Bed::new(Conversation::decide, Duration::from_secs(60)).await;
    // One more, and the question would be let finish beside it.
    const MESSAGES: u32 = 4;
    let asked = |messages: u32| move |fact: &Fact| matches!(fact, Fact::ModelAsked { messages: all, .. } if *all == messages);
    for n in 1..=MESSAGES {
        bed.write("kim", &format!("Hello? {n}"))
            .await
            .expect("taken");
        // Each overtakes the question before it.
        bed.until("kim", asked(n)).await;
    }
    let facts = bed.facts("kim").await;
    let last = facts.iter().rev().find_map(|fact| match fact {
        Fact::ModelAsked { ask, .. } => Some(*ask),
        _any_other => None,
    });
    let (store, id) = (bed.runtime.store().clone(), bed.id("kim"));
    let shown = window::read(&store, id, last.expect("asked"), 4).expect("readable");
    let shown = shown.iter().filter(|entry| is_written(&entry.fact)).count();
    assert_eq!(shown, MESSAGES as usize);
}
