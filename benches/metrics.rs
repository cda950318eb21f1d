//! What watching costs: counting one stored turn, and writing one scrape.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use segue::clock::Timestamp;
use segue::conversation::message::{Body, Medium};
use segue::conversation::trail::{Entry, Fact};
use segue::conversation::words::{Class, MessageState, ModeName};
use segue::ids::{ConversationId, EffectId};
use segue::metrics::{Figures, Metrics, ModelLabel, Names, QueueFigure};

const ID: ConversationId = ConversationId::from_bytes([9; 16]);

fn names() -> Names {
    let model = |provider: &str, model: &str| ModelLabel {
        provider: provider.to_owned(),
        model: model.to_owned(),
    };
    Names {
        queues: vec!["general".to_owned(), "sales".to_owned()],
        models: vec![model("openai", "gpt-x"), model("anthropic", "claude-x")],
    }
}

fn entry(fact: Fact) -> Entry {
    Entry {
        n: 7,
        at: Timestamp::ZERO,
        policy: 1,
        rules: 1,
        fact,
    }
}

fn committed(c: &mut Criterion) {
    let metrics = Metrics::new(&names());
    let wrote = [entry(Fact::CustomerWrote {
        id: "SM0123456789abcdef".into(),
        body: Body::Text("Is it on its way?".into()),
        owner: ModeName::Human,
    })];
    c.bench_function("committed, customer wrote", |b| {
        b.iter(|| metrics.committed(ID, Medium::Sms, black_box(&wrote)));
    });
    let sent = |class| {
        [entry(Fact::Settled {
            effect: EffectId(3),
            class,
            state: MessageState::Sent,
            provider_id: "SM0123456789abcdef".into(),
            code: String::new(),
            cause: None,
            attempts: 1,
            after_ms: 40,
        })]
    };
    let human = sent(Class::Human);
    c.bench_function("committed, person's message sent", |b| {
        b.iter(|| metrics.committed(ID, Medium::Sms, black_box(&human)));
    });
    let ai = sent(Class::Ai);
    c.bench_function("committed, AI message sent (duel watch)", |b| {
        b.iter(|| metrics.committed(ID, Medium::Sms, black_box(&ai)));
    });
}

fn render(c: &mut Criterion) {
    let metrics = Metrics::new(&names());
    let figures = Figures {
        queues: vec![QueueFigure {
            queue: "general".into(),
            waiting: 3,
            oldest: std::time::Duration::from_secs(9),
            open: true,
        }],
        ..Figures::default()
    };
    let text = metrics.render(&figures);
    let samples = text
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .count();
    let name = format!("render, {samples} samples, {} bytes", text.len());
    c.bench_function(&name, |b| b.iter(|| black_box(metrics.render(&figures))));
    c.bench_function("upkeep, nothing gathered", |b| {
        b.iter(|| metrics.run_upkeep())
    });
    c.bench_function("make every handle", |b| {
        b.iter(|| Metrics::new(black_box(&names())))
    });
}

criterion_group!(benches, committed, render);
criterion_main!(benches);
