//! The AI or the whole process switched off in the middle of it.

use std::time::Duration;

use segue::clock::monotonic;
use segue::conversation::policy::Switches;
use segue::conversation::trail::Fact;
use segue::conversation::words::ModeName;
use segue::runtime::{Runtime, Unavailable};
use tokio::task::JoinSet;

use crate::customer::Line;
use crate::model::Model;
use crate::{address, app, asks, begin, line, sections, trail, until, write};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn switched_off_the_ai_is_silent_at_once_and_stays_so_after_a_restart() {
    let (mut chance, dir, provider) = begin("switch", 2, 1..2).await;
    let model = Model::start(chance.fork(), 300, 301).await;
    let sections = sections(&provider.url(), &asks(&model));
    let app = app::start(dir.path(), &sections).await;
    let (first, runtime) = (line(&app), app.doors().runtime.clone());
    write(&first, 1, "a", "What are your opening hours?").await;
    until("a question to the model", || model.asked() == 1).await;
    runtime
        .switch("ana", |_| {
            Ok::<_, Unavailable>(Switches {
                all: false,
                ..Switches::default()
            })
        })
        .await
        .expect("stored");
    write(&first, 2, "a", "What are your opening hours?").await;
    tokio::time::sleep(Duration::from_millis(800)).await;
    people_were_promised(&runtime, &[1, 2]).await;
    app.stop().await;
    let app = app::start(dir.path(), &sections).await;
    write(&line(&app), 3, "a", "What are your opening hours?").await;
    tokio::time::sleep(Duration::from_millis(400)).await;
    people_were_promised(&app.doors().runtime, &[1, 2, 3]).await;
    assert_eq!(model.asked(), 1, "nobody is asked who may not answer");
    assert!(
        provider
            .taken()
            .iter()
            .all(|taken| !taken.text.contains("answer of the model"))
    );
    app.stop().await;
}

async fn people_were_promised(runtime: &Runtime, customers: &[usize]) {
    for n in customers {
        let id = runtime.conversation_id(&"sms".into(), &address(*n));
        let trail = trail(runtime, id).await;
        assert!(
            !trail
                .iter()
                .any(|entry| matches!(entry.fact, Fact::AiWrote { .. })),
            "{trail:?}"
        );
        let head = runtime.read(id).await.expect("readable").expect("there");
        assert_eq!(head.mode().name(), ModeName::Waiting, "{trail:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_in_the_middle_of_the_rush_loses_nothing_that_was_accepted() {
    let (mut chance, dir, provider) = begin("stop", 3, 10..300).await;
    let sections = sections(&provider.url(), "");
    let app = app::start(dir.path(), &sections).await;
    let line = line(&app);
    write(&line, 0, "a", "What are your opening hours?").await;
    let mut rush = JoinSet::new();
    let (accept, mut first) = tokio::sync::watch::channel(false);
    for n in 1..=200 {
        let (line, accept) = (line.clone(), accept.clone());
        rush.spawn(async move {
            let form = Line::form(
                &format!("SM{n}a"),
                &address(n),
                "What are your opening hours?",
            );
            let answered = line.post("/webhooks/sms", &form).await;
            let taken = answered.is_ok_and(|answer| answer.status().is_success());
            accept.send_if_modified(|accepted| taken && !std::mem::replace(accepted, true));
            (n, taken)
        });
    }
    // However slow the machine is: there is a rush, and something of it was accepted.
    first.changed().await.expect("somebody is accepted");
    tokio::time::sleep(chance.millis(0, 30)).await;
    let began = monotonic();
    app.stop().await;
    assert!(
        began.elapsed() < Duration::from_secs(20),
        "the stop took {:?}",
        began.elapsed()
    );
    let accepted: Vec<usize> = rush
        .join_all()
        .await
        .into_iter()
        .filter_map(|(n, ok)| ok.then_some(n))
        .collect();
    eprintln!(
        "stop: {} of 200 were accepted, in {:?}",
        accepted.len(),
        began.elapsed()
    );
    assert!(!accepted.is_empty());
    let app = app::start(dir.path(), &sections).await;
    let runtime = app.doors().runtime.clone();
    for n in accepted {
        let id = runtime.conversation_id(&"sms".into(), &address(n));
        let written = trail(&runtime, id).await;
        let written = written
            .iter()
            .filter(|entry| matches!(entry.fact, Fact::CustomerWrote { .. }))
            .count();
        assert_eq!(written, 1, "customer {n}");
    }
    app.stop().await;
}
