//! The offline answerer behind the same service: it streams, waits, is cancelled, and says what its answers rest on.

use super::*;

#[tokio::test]
async fn the_offline_answerer_streams_waits_and_can_be_cancelled() {
    let offline = |delay| ModelSettings {
        offline_delay: Duration::from_millis(delay),
        ..ModelSettings::default()
    };
    let screen = Arc::new(Screen::default());
    let answer = streamed(offline(50), &screen).await.expect("an answer");
    assert!(
        answer.took_ms >= 50 && answer.confidence.is_some_and(|percent| percent > 35),
        "{answer:?}"
    );
    assert!(shown(&screen).starts_with("The shop is open Monday") && shown(&screen) == answer.text);
    assert!(screen.shown.lock().expect("not poisoned").len() > 1);
    let cancelled = CancellationToken::new();
    cancelled.cancel();
    let failed = service(offline(10_000))
        .answer(question("x"), None, cancelled)
        .await
        .expect_err("cancelled");
    assert_eq!(failed.fault, ModelFault::Cancelled);
}

#[tokio::test]
async fn what_the_offline_answerer_does_not_know_rests_on_nothing() {
    let offline = || ModelSettings {
        provider: Provider::Offline,
        ..ModelSettings::default()
    };
    let check = async |asked: &str, grounds: Option<Grounds>| {
        let stop = CancellationToken::new();
        let answer = service(offline()).answer(question(asked), None, stop).await;
        assert_eq!(answer.expect("an answer").grounds, grounds, "{asked}");
    };
    let unknown = "Who won the world cup?";
    let nothing = Grounds {
        asked: unknown.to_owned(),
        ..Grounds::default()
    };
    check(unknown, Some(nothing)).await;
    check("hello", None).await;
    check("When are you open on Saturday?", None).await;
}

#[tokio::test]
async fn a_follow_up_is_searched_with_what_it_follows() {
    let mut followed = question("how much is the Halo floor lamp?");
    followed.lines.extend([
        Line::Ai("149 EUR.".to_owned()),
        Line::Customer("and for that?".to_owned()),
    ]);
    let service = service(ModelSettings::default());
    let answer = service
        .answer(followed, None, CancellationToken::new())
        .await
        .expect("an answer");
    assert_eq!(
        answer.sources.first().map(|source| source.chunk.as_str()),
        Some("prices.md#floor-lamps")
    );
}
