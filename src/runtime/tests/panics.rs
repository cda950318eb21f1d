//! Steps that panic: each costs one event, which is kept for people, and nothing of what was there before.

use std::sync::Once;

use super::*;

/// Panics here are meant: they are not to fill the report of a test run.
fn hush() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if info.payload_as_str() != Some("as the test wants it") {
                usual(info);
            }
        }));
    });
}

/// Decides first, so that the conversation is left half changed, then panics.
fn and_panic(
    conversation: &mut Conversation,
    event: Event,
    now: Timestamp,
    policy: &Policy,
) -> Decision {
    hush();
    conversation.decide(event, now, policy);
    panic!("as the test wants it")
}

fn panics_on_boom(
    conversation: &mut Conversation,
    event: Event,
    now: Timestamp,
    policy: &Policy,
) -> Decision {
    match &event {
        Event::CustomerWrote { inbound, .. } if inbound.body.text().contains("boom") => {
            and_panic(conversation, event, now, policy)
        }
        _any_other => conversation.decide(event, now, policy),
    }
}

#[tokio::test]
async fn a_panic_costs_one_event_which_is_kept_for_people() {
    let bed = Bed::new(panics_on_boom, Duration::ZERO).await;
    for who in ["eva", "zoe"] {
        assert_eq!(
            bed.write(who, "what are your opening hours?").await,
            Ok(Answer::Accepted)
        );
        bed.until(who, is_answer).await;
    }
    let before = bed.facts("eva").await;
    assert_eq!(
        bed.write("eva", "boom").await,
        Ok(Answer::Accepted),
        "the provider need not repeat"
    );
    let after = bed.facts("eva").await;
    assert_eq!(
        &after[..before.len()],
        before,
        "what was there is untouched"
    );
    let Some(Fact::EventParked { event, parked }) = after.get(before.len()) else {
        panic!("{after:?}")
    };
    assert_eq!(event, "customer_wrote");
    let kept = bed.runtime.store().parked(0, 10).expect("readable");
    assert_eq!(kept.len(), 1);
    assert_eq!(
        (kept[0].id, kept[0].origin.as_str()),
        (*parked, bed.id("eva").to_string().as_str())
    );
    assert!(String::from_utf8_lossy(&kept[0].raw).contains("boom"));
    let promised = |fact: &Fact| {
        matches!(
            fact,
            Fact::HandoffRequested {
                reason: Reason::Policy,
                ..
            }
        )
    };
    assert!(after.iter().any(promised), "{after:?}");
    assert_eq!(bed.mode("eva").await, ModeName::Waiting);
    // The conversation goes on, and so do the others.
    assert_eq!(
        bed.write("eva", "are you there?").await,
        Ok(Answer::Accepted)
    );
    assert_eq!(
        bed.facts("eva")
            .await
            .iter()
            .filter(|fact| is_written(fact))
            .count(),
        2
    );
    assert!(matches!(
        bed.act("eva", Act::Claim { force: false }).await,
        Ok(Answer::Claimed { .. })
    ));
    assert_eq!(bed.mode("zoe").await, ModeName::Ai);
}

#[tokio::test]
async fn a_panic_at_the_very_first_message_opens_the_conversation_for_people() {
    let bed = Bed::new(panics_on_boom, Duration::ZERO).await;
    assert_eq!(bed.write("eva", "boom").await, Ok(Answer::Accepted));
    assert_eq!(bed.mode("eva").await, ModeName::Waiting);
    assert_eq!(bed.runtime.store().parked_count(), Ok(1));
}

fn panics_on_deadlines(
    conversation: &mut Conversation,
    event: Event,
    now: Timestamp,
    policy: &Policy,
) -> Decision {
    match &event {
        Event::DeadlinePassed => and_panic(conversation, event, now, policy),
        _any_other => conversation.decide(event, now, policy),
    }
}

#[tokio::test]
async fn a_deadline_that_panics_is_struck_and_the_conversation_goes_to_people() {
    let bed = Bed::new(panics_on_deadlines, Duration::ZERO).await;
    assert_eq!(
        bed.write("eva", "what are your opening hours?").await,
        Ok(Answer::Accepted)
    );
    bed.until("eva", |fact| matches!(fact, Fact::EventParked { .. }))
        .await;
    assert_eq!(bed.mode("eva").await, ModeName::Waiting);
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(
        bed.runtime.store().parked_count(),
        Ok(1),
        "once, not again and again"
    );
}

fn panics_on_boom_and_on_its_rescue(
    conversation: &mut Conversation,
    event: Event,
    now: Timestamp,
    policy: &Policy,
) -> Decision {
    match &event {
        Event::Faulted { .. } => and_panic(conversation, event, now, policy),
        _any_other => panics_on_boom(conversation, event, now, policy),
    }
}

#[tokio::test]
async fn a_keeper_that_ends_hangs_up_on_the_model_and_shuts_its_streams() {
    let bed = Bed::new(panics_on_boom_and_on_its_rescue, Duration::from_secs(60)).await;
    let mut frames = bed.runtime.hub().subscribe(bed.id("eva"));
    let asked = bed.write("eva", "what are your opening hours?").await;
    assert_eq!(asked, Ok(Answer::Accepted));
    bed.until("eva", |fact| matches!(fact, Fact::ModelAsked { .. }))
        .await;
    assert_eq!(bed.write("eva", "boom").await, Err(Unavailable::Lost));
    let cut = async {
        loop {
            if let Frame::StreamCut { .. } = frames.recv().await.expect("the hub is open") {
                break;
            }
        }
    };
    let cut = tokio::time::timeout(Duration::from_secs(5), cut).await;
    assert!(cut.is_ok(), "the stream is still open");
}

fn panics_on_stopped_streams(
    conversation: &mut Conversation,
    event: Event,
    now: Timestamp,
    policy: &Policy,
) -> Decision {
    match &event {
        Event::StreamStopped { .. } => and_panic(conversation, event, now, policy),
        _any_other => conversation.decide(event, now, policy),
    }
}

#[tokio::test]
async fn a_panic_beside_a_takeover_leaves_the_takeover_whole() {
    let bed = Bed::new(panics_on_stopped_streams, Duration::from_secs(60)).await;
    assert_eq!(
        bed.write("eva", "what are your opening hours?").await,
        Ok(Answer::Accepted)
    );
    bed.until("eva", |fact| matches!(fact, Fact::ModelAsked { .. }))
        .await;
    let taken = bed.act("eva", Act::TakeOver { force: false }).await;
    assert!(matches!(taken, Ok(Answer::Claimed { .. })), "{taken:?}");
    assert_eq!(bed.write("eva", "hello?").await, Ok(Answer::Accepted));
    assert_eq!(bed.mode("eva").await, ModeName::Human);
    let reply = bed
        .act(
            "eva",
            Act::Reply {
                text: "Hello Eva.".to_owned(),
                epoch: None,
            },
        )
        .await;
    assert!(matches!(reply, Ok(Answer::Wrote { .. })), "{reply:?}");
}

/// Whether the fault of [`panics_until_mended`] is still there.
static FAULTY: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(true);

fn panics_until_mended(
    conversation: &mut Conversation,
    event: Event,
    now: Timestamp,
    policy: &Policy,
) -> Decision {
    if FAULTY.load(std::sync::atomic::Ordering::SeqCst) {
        panics_on_boom(conversation, event, now, policy)
    } else {
        conversation.decide(event, now, policy)
    }
}

#[tokio::test]
async fn a_parked_event_is_taken_up_again_and_stays_parked_while_it_fails() {
    let bed = Bed::new(panics_until_mended, Duration::ZERO).await;
    assert_eq!(bed.write("eva", "boom").await, Ok(Answer::Accepted));
    bed.until("eva", |fact| matches!(fact, Fact::Settled { .. }))
        .await;
    let before = bed.facts("eva").await;
    let parked = bed
        .runtime
        .store()
        .parked(0, 10)
        .expect("readable")
        .remove(0);
    let failed = Ok(Retried::Failed("deciding panicked".to_owned()));
    assert_eq!(bed.runtime.retry(&parked).await, failed);
    assert_eq!(bed.runtime.store().parked_count(), Ok(1), "not once more");
    assert_eq!(bed.facts("eva").await, before, "nothing happened");
    // The same where nothing of the conversation is on disk.
    let mut nobody = parked.clone();
    nobody.origin = bed.id("zoe").to_string();
    assert_eq!(bed.runtime.retry(&nobody).await, failed);
    FAULTY.store(false, std::sync::atomic::Ordering::SeqCst);
    for _again in 0..2 {
        assert_eq!(bed.runtime.retry(&parked).await, Ok(Retried::Done));
        let facts = bed.facts("eva").await;
        let said =
            |fact: &Fact| matches!(fact, Fact::CustomerWrote { body, .. } if body.text() == "boom");
        assert_eq!(
            facts.iter().filter(|fact| said(fact)).count(),
            1,
            "{facts:?}"
        );
    }
    let mut other = parked;
    other.kind = "damaged_head".to_owned();
    other.raw = vec![0, 159, 146];
    assert_eq!(bed.runtime.retry(&other).await, Ok(Retried::Never));
}
