//! What a model does wrong, and who answers then: pauses, refusals, silence, the next model.

use super::*;

#[tokio::test]
async fn a_busy_model_is_asked_once_more_after_the_pause_it_wants() {
    let fake = fake(vec![Play::Busy(429, "0.3"), openai("Yes.")]).await;
    let began = monotonic();
    let answer = ask(settings(&fake.base)).await.expect("an answer");
    assert_eq!(answer.text, "Yes.");
    assert!(began.elapsed() >= Duration::from_millis(300));
    assert_eq!(times(&fake), 2);
}

#[tokio::test]
async fn a_pause_beyond_the_time_left_is_not_waited_for() {
    let fake = fake(vec![Play::Busy(429, "60")]).await;
    let began = monotonic();
    let failed = ask(settings(&fake.base)).await.expect_err("busy");
    assert_eq!(
        (failed.fault, failed.detail.as_str()),
        (ModelFault::RateLimited, "http 429")
    );
    assert!(began.elapsed() < Duration::from_secs(1));
    assert_eq!(times(&fake), 1);
}

#[tokio::test]
async fn a_refused_key_is_not_tried_again_and_never_shown() {
    let fake = fake(vec![Play::Whole(
        401,
        "application/json",
        r#"{"error":{"message":"bad key sk-secret"}}"#.to_owned(),
    )])
    .await;
    let failed = ask(settings(&fake.base)).await.expect_err("refused");
    assert_eq!((failed.fault, times(&fake)), (ModelFault::Auth, 1));
    assert!(!format!("{failed:?}").contains("sk-secret"));
}

#[tokio::test]
async fn the_next_model_answers_when_the_first_cannot() {
    let (broken, good) = (
        fake(vec![Play::Busy(529, "0")]).await,
        fake(vec![openai("From the second.")]).await,
    );
    let second = ModelSettings {
        name: "second".to_owned(),
        ..settings(&good.base)
    };
    let answer = ask(ModelSettings {
        fallback: vec![second],
        ..settings(&broken.base)
    })
    .await
    .expect("an answer");
    assert_eq!(
        (answer.model.as_str(), answer.text.as_str()),
        ("second", "From the second.")
    );
    assert_eq!((times(&broken), times(&good)), (2, 1));
}

#[tokio::test]
async fn a_silent_model_leaves_time_for_the_next_one() {
    let silent = fake(vec![Play::Silence]).await;
    let offline = ModelSettings {
        name: "offline".to_owned(),
        ..ModelSettings::default()
    };
    let answer = ask(ModelSettings {
        fallback: vec![offline],
        ..settings(&silent.base)
    })
    .await
    .expect("an answer");
    assert_eq!(answer.model, "offline");
    assert!(answer.text.contains("10:00"), "{}", answer.text);
    assert!((900..1_400).contains(&answer.took_ms), "{}", answer.took_ms);
    assert!(
        answer.usage.input > 0,
        "the silent model is assumed to have read the question"
    );
}

#[tokio::test]
async fn a_silent_model_times_out() {
    let fake = fake(vec![Play::Silence]).await;
    let failed = ask(ModelSettings {
        timeout: Duration::from_millis(200),
        ..settings(&fake.base)
    })
    .await
    .expect_err("late");
    assert_eq!(failed.fault, ModelFault::Timeout);
    assert!((200..1_000).contains(&failed.took_ms), "{}", failed.took_ms);
    assert_eq!(times(&fake), 1);
}

#[tokio::test]
async fn nobody_there_is_a_server_error() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let base = format!("http://{}", listener.local_addr().expect("an address"));
    drop(listener);
    let failed = ask(settings(&base)).await.expect_err("nobody");
    assert_eq!(
        (failed.fault, failed.detail.as_str()),
        (
            ModelFault::ServerError,
            "cannot connect to the model's server"
        )
    );
    assert_eq!(failed.usage, crate::conversation::trail::Usage::default());
}

#[tokio::test]
async fn a_filtered_answer_goes_to_nobody_else() {
    let body = r#"{"choices":[{"message":{"content":""},"finish_reason":"content_filter"}]}"#;
    let first = fake(vec![Play::Whole(200, "application/json", body.to_owned())]).await;
    let second = fake(vec![openai("x")]).await;
    let failed = ask(ModelSettings {
        fallback: vec![settings(&second.base)],
        ..settings(&first.base)
    })
    .await;
    assert_eq!(
        failed.map_err(|failed| failed.fault),
        Err(ModelFault::Filtered)
    );
    assert_eq!((times(&first), times(&second)), (1, 0));
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_a_huge_body_is_given_up() {
    let elsewhere = fake(vec![openai("x")]).await;
    let here = fake(vec![Play::Elsewhere(elsewhere.base.clone())]).await;
    assert_eq!(
        ask(settings(&here.base)).await.map_err(|f| f.fault),
        Err(ModelFault::BadRequest)
    );
    assert_eq!(
        (times(&here), times(&elsewhere)),
        (1, 0),
        "the key stays here"
    );
    let huge = fake(vec![Play::Whole(
        200,
        "application/json",
        "x".repeat(super::super::carrier::BODY_BYTES_MAX + 1),
    )])
    .await;
    let failed = ask(settings(&huge.base)).await.expect_err("too long");
    assert_eq!(failed.detail, "the answer is too long");
}
