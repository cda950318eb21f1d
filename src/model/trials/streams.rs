//! Answers that stream: shown by sentences, cut off, stopped, cancelled.

use super::*;

#[tokio::test]
async fn a_slow_stream_is_shown_by_sentences() {
    let events = ["We open", " at ten. ", "See", " you!"].map(chunk).to_vec();
    let done = vec!["data: [DONE]\n\n".to_owned()];
    let fake = fake(vec![Play::Stream(
        [events, done].concat(),
        Duration::from_millis(20),
        true,
    )])
    .await;
    let screen = Arc::new(Screen::default());
    let answer = streamed(settings(&fake.base), &screen)
        .await
        .expect("an answer");
    assert_eq!(
        *screen.shown.lock().expect("not poisoned"),
        ["We open at ten.", " See you!"]
    );
    assert_eq!(answer.text, "We open at ten. See you!");
    assert!(
        answer.usage.output >= 5,
        "estimated, as the server did not count"
    );
    assert_eq!(fake.asked.lock().expect("not poisoned")[0]["stream"], true);
}

#[tokio::test]
async fn a_stream_cut_before_anything_was_shown_is_asked_again() {
    let cut = Play::Stream(vec![chunk("We")], Duration::ZERO, false);
    let fake = fake(vec![cut, openai("We open at ten. Bye.")]).await;
    let screen = Arc::new(Screen::default());
    let answer = streamed(settings(&fake.base), &screen)
        .await
        .expect("an answer");
    assert_eq!(
        (answer.text.as_str(), times(&fake)),
        ("We open at ten. Bye.", 2)
    );
    assert_eq!(
        shown(&screen),
        answer.text,
        "a whole answer in place of a stream is shown all the same"
    );
}

#[tokio::test]
async fn a_stream_cut_after_something_was_shown_is_a_failure_with_what_came() {
    let fake = fake(vec![
        Play::Stream(vec![chunk("We open at ten. And we")], Duration::ZERO, false),
        openai("no"),
    ])
    .await;
    let screen = Arc::new(Screen::default());
    let failed = streamed(settings(&fake.base), &screen)
        .await
        .expect_err("cut");
    assert_eq!(
        (failed.fault, failed.partial.as_str()),
        (ModelFault::ServerError, "We open at ten. And we")
    );
    assert_eq!(
        (shown(&screen).as_str(), times(&fake)),
        ("We open at ten.", 1)
    );
    assert!(failed.usage.output > 0 && failed.usage.input > 0);
}

#[tokio::test]
async fn an_error_after_200_ends_the_stream_with_its_meaning() {
    let error = "data: {\"error\":{\"code\":429,\"message\":\"x\"}}\n\n".to_owned();
    let fake = fake(vec![Play::Stream(
        vec![chunk("One. Two"), error],
        Duration::ZERO,
        true,
    )])
    .await;
    let failed = streamed(settings(&fake.base), &Arc::new(Screen::default()))
        .await
        .expect_err("an error");
    assert_eq!(
        (failed.fault, failed.partial.as_str()),
        (ModelFault::RateLimited, "One. Two")
    );
}

#[tokio::test]
async fn the_tag_in_a_stream_never_shows_and_the_call_is_dropped() {
    let events = ["I cannot help. ", "ESC", "ALAR", "\n", "more"]
        .map(chunk)
        .to_vec();
    let fake = fake(vec![Play::Stream(events, Duration::from_millis(5), true)]).await;
    let screen = Arc::new(Screen::default());
    let answer = streamed(settings(&fake.base), &screen)
        .await
        .expect("a verdict");
    assert_eq!(
        answer.verdict,
        ModelVerdict::Escalate {
            reason: Reason::ToolCall,
            summary: String::new()
        }
    );
    assert_eq!(
        (answer.text.as_str(), shown(&screen).as_str()),
        ("I cannot help.", "I cannot help.")
    );
    eventually("the connection is dropped", || {
        fake.dropped.load(Ordering::SeqCst) == 1
    })
    .await;
}

#[tokio::test]
async fn cancelling_drops_the_connection_at_once() {
    let fake = fake(vec![Play::Stream(
        vec![chunk("One. Two. Thr")],
        Duration::ZERO,
        true,
    )])
    .await;
    let (screen, cancelled) = (Arc::new(Screen::default()), CancellationToken::new());
    let emit: Arc<dyn Emit> = screen.clone();
    let service = Arc::new(service(settings(&fake.base)));
    let token = cancelled.clone();
    let call = tokio::spawn(async move {
        service
            .answer(question("opening hours?"), Some(emit), token)
            .await
    });
    eventually("something is shown", || shown(&screen) == "One. Two.").await;
    let began = monotonic();
    cancelled.cancel();
    let failed = call.await.expect("no panic").expect_err("cancelled");
    assert!(began.elapsed() < Duration::from_millis(200));
    assert_eq!(
        (failed.fault, failed.partial.as_str()),
        (ModelFault::Cancelled, "One. Two. Thr")
    );
    assert!(
        failed.usage.cost_micros > 0,
        "what was read and said is charged"
    );
    eventually("the connection is dropped", || {
        fake.dropped.load(Ordering::SeqCst) == 1
    })
    .await;
}

#[tokio::test]
async fn a_stopped_stream_is_a_cancellation() {
    let fake = fake(vec![Play::Stream(
        vec![chunk("One. Two. Three. ")],
        Duration::ZERO,
        true,
    )])
    .await;
    let screen = Arc::new(Screen {
        stop_after: 1,
        ..Screen::default()
    });
    let failed = streamed(settings(&fake.base), &screen)
        .await
        .expect_err("stopped");
    assert_eq!(
        (failed.fault, shown(&screen).as_str()),
        (ModelFault::Cancelled, "One.")
    );
    assert_eq!(times(&fake), 1);
}
