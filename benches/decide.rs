//! How long one step takes: `cargo bench --bench decide`.

use std::hint::black_box;
use std::time::Duration;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use segue::clock::Timestamp;
use segue::conversation::Conversation;
use segue::conversation::event::{Act, Event};
use segue::conversation::message::{Attempt, Body, Customer, Inbound, Medium};
use segue::conversation::policy::{ChannelPolicy, Policy};
use segue::conversation::question::{ModelAnswer, ModelVerdict};
use segue::conversation::trail::Usage;
use segue::conversation::words::Role;
use segue::ids::{AskId, ConversationId, EffectId};
use segue::triage::Settings;

const NOW: Timestamp = Timestamp::from_millis(1_767_603_600_000);

fn policy() -> Policy {
    let mut policy = Policy::default();
    let web = ChannelPolicy::of(Medium::Http, "support".into());
    policy.channels.insert("web".into(), web);
    // The bench's customer says the same again and again, and would be offered a person for that.
    let mut spec = policy.triage.spec().clone();
    spec.thresholds.repeated = 0;
    policy.triage = Settings::of(spec);
    policy.sealed()
}

fn wrote(id: &str, text: &str) -> Event {
    let from = Customer {
        address: "+15005550006".into(),
        name: Some("Rosa".into()),
        language: Some("en".into()),
    };
    Event::CustomerWrote {
        inbound: Inbound {
            channel: "web".into(),
            medium: Medium::Http,
            from,
            to: String::new(),
            id: id.into(),
            sent_at: None,
            body: Body::Text(text.into()),
        },
        seen_before: false,
    }
}

fn answered(ask: u64) -> Event {
    Event::ModelAnswered {
        ask: AskId(ask),
        answer: ModelAnswer {
            text: "Your parcel leaves us today and reaches you within three working days.".into(),
            verdict: ModelVerdict::Reply,
            model: "sample".into(),
            usage: Usage::default(),
            took_ms: 900,
            tools: Vec::new(),
            sources: Vec::new(),
            confidence: None,
            grounds: None,
        },
    }
}

fn ana(act: Act) -> Event {
    Event::Acted {
        agent: "Ana".into(),
        role: Role::Agent,
        act,
        key: None,
    }
}

/// Somewhere in the middle of its life: full memories of ids and of what was sent.
fn lived(policy: &Policy) -> (Conversation, Timestamp) {
    let address = "+15005550006".to_owned();
    let id = ConversationId::derive(&[7; 32], "web", &address);
    let customer = Customer {
        address,
        name: None,
        language: Some("en".into()),
    };
    let (web, support) = ("web".into(), "support".into());
    let mut c = Conversation::new(id, web, Medium::Http, customer, String::new(), support);
    let mut now = NOW;
    for n in 0..80 {
        now = now + Duration::from_secs(5);
        let id = format!("SM{n:032}");
        c.decide(wrote(&id, "where is my parcel?"), now, policy);
        c.decide(answered(n + 1), now, policy);
        let provider_id = format!("SM{n}");
        let attempt = Attempt::Accepted { provider_id };
        let effect = EffectId(n + 1);
        c.decide(Event::SendSettled { effect, attempt }, now, policy);
    }
    assert!(c.common().outbox.is_clear());
    (c, now)
}

fn decide(bench: &mut Criterion) {
    let policy = policy();
    let (in_ai, now) = lived(&policy);
    let mut asked = in_ai.clone();
    asked.decide(wrote("next", "and the other one?"), now, &policy);
    let mut in_human = in_ai.clone();
    in_human.decide(ana(Act::TakeOver { force: false }), now, &policy);
    let step = |name: &str, bench: &mut Criterion, from: &Conversation, event: &Event| {
        bench.bench_function(name, |timer| {
            timer.iter_batched_ref(
                || (from.clone(), event.clone()),
                |(c, event)| {
                    let event = std::mem::replace(event, Event::DeadlinePassed);
                    black_box(c.decide(event, now, &policy))
                },
                BatchSize::SmallInput,
            );
        });
    };
    step(
        "customer message, human mode",
        bench,
        &in_human,
        &wrote("x", "thank you, and when?"),
    );
    step(
        "customer message, ai mode",
        bench,
        &in_ai,
        &wrote("x", "thank you, and when?"),
    );
    step(
        "duplicate",
        bench,
        &in_ai,
        &wrote("SM00000000000000000000000000000079", "again"),
    );
    step("answer of the model", bench, &asked, &answered(81));
    step("claim", bench, &in_ai, &ana(Act::TakeOver { force: false }));
    step(
        "deadline, nothing due",
        bench,
        &in_human,
        &Event::DeadlinePassed,
    );
    let bytes = in_human.encode();
    bench.bench_function("encode a head", |timer| {
        timer.iter(|| black_box(&in_human).encode());
    });
    bench.bench_function("decode a head", |timer| {
        timer.iter(|| Conversation::decode(black_box(&bytes)));
    });
}

criterion_group!(benches, decide);
criterion_main!(benches);
