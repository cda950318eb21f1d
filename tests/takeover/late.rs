//! Answers that come late: held back before a free line, hung up on at the model.

use std::collections::BTreeSet;
use std::time::Duration;

use segue::clock::monotonic;
use segue::conversation::event::{Act, Event};
use segue::conversation::question::{ModelAnswer, ModelVerdict};
use segue::conversation::trail::{Fact, Usage};
use segue::ids::AskId;
use tokio::task::JoinSet;

use crate::model::Model;
use crate::{act, address, app, asks, begin, line, sections, trail, until, write};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_waits_for_a_free_line_is_held_back_by_a_takeover() {
    const LINES: usize = 256;
    const CUSTOMERS: usize = 300;
    let (_, dir, provider) = begin("lines", 1, 3_000..3_001).await;
    let app = app::start(dir.path(), &sections(&provider.url(), "")).await;
    let (line, runtime) = (line(&app), app.doors().runtime.clone());
    let mut writers = JoinSet::new();
    for n in 0..CUSTOMERS {
        let line = line.clone();
        writers.spawn(async move { write(&line, n, "a", "What are your opening hours?").await });
    }
    writers.join_all().await;
    until("every line being busy", || provider.taken().len() == LINES).await;
    let id = |n| runtime.conversation_id(&"sms".into(), &address(n));
    let all_answered = async {
        for n in 0..CUSTOMERS {
            while !trail(&runtime, id(n))
                .await
                .iter()
                .any(|entry| matches!(entry.fact, Fact::AiWrote { .. }))
            {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(5), all_answered)
        .await
        .expect("every answer is decided");
    let mut claims = JoinSet::new();
    for n in 0..CUSTOMERS {
        let (runtime, id) = (runtime.clone(), id(n));
        claims.spawn(async move { act(&runtime, id, "Ana", Act::TakeOver { force: false }).await });
    }
    claims.join_all().await;
    let claimed = monotonic();
    tokio::time::sleep(Duration::from_millis(3_500)).await;
    let mut ai = BTreeSet::new();
    for n in 0..CUSTOMERS {
        for entry in trail(&runtime, id(n)).await {
            if let Fact::AiWrote { effect, .. } = entry.fact {
                ai.insert((id(n), effect));
            }
        }
    }
    let of_ai: Vec<_> = provider
        .taken()
        .into_iter()
        .filter(|taken| ai.contains(&(taken.conversation, taken.effect)))
        .collect();
    assert_eq!(
        (ai.len(), of_ai.len()),
        (CUSTOMERS, LINES),
        "those that had no line yet never got one"
    );
    assert!(
        of_ai
            .iter()
            .all(|taken| taken.at < claimed && !taken.text.is_empty())
    );
    assert!(
        provider.taken().len() > LINES,
        "the people were announced where the line was free"
    );
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_takeover_hangs_up_on_the_model_and_its_late_answer_never_speaks() {
    let (mut chance, dir, provider) = begin("late", 2, 1..2).await;
    let model = Model::start(chance.fork(), 20_000, 20_001).await;
    let app = app::start(dir.path(), &sections(&provider.url(), &asks(&model))).await;
    let (line, runtime) = (line(&app), app.doors().runtime.clone());
    write(&line, 1, "a", "What are your opening hours?").await;
    until("a question to the model", || model.asked() == 1).await;
    let id = runtime.conversation_id(&"sms".into(), &address(1));
    act(&runtime, id, "Ana", Act::TakeOver { force: false }).await;
    // As if the model had answered at the very moment of the takeover.
    let answer = ModelAnswer {
        text: "The late answer.".to_owned(),
        verdict: ModelVerdict::Reply,
        model: "slow".to_owned(),
        usage: Usage::default(),
        took_ms: 1,
        tools: Vec::new(),
        sources: Vec::new(),
        confidence: None,
        grounds: None,
    };
    runtime.router().tell(
        id,
        Event::ModelAnswered {
            ask: AskId(1),
            answer,
        },
    );
    until("hanging up on the model", || model.hung_up() == 1).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    let trail = trail(&runtime, id).await;
    let drafts = trail
        .iter()
        .filter(|entry| matches!(entry.fact, Fact::DraftKept { ask: AskId(1), .. }));
    assert_eq!(drafts.count(), 1, "the draft is kept once: {trail:?}");
    assert!(
        !trail
            .iter()
            .any(|entry| matches!(entry.fact, Fact::AiWrote { .. })),
        "{trail:?}"
    );
    let said: Vec<String> = provider
        .taken()
        .into_iter()
        .map(|taken| taken.text)
        .collect();
    assert!(
        said.iter().all(|text| !text.contains("late answer")),
        "{said:?}"
    );
    assert!(
        said.iter().any(|text| text.contains("Ana")),
        "the person was announced: {said:?}"
    );
    app.stop().await;
}
