//! One record for each handoff: from its request to its end, and who was missed.

use segue::clock::Timestamp;
use segue::conversation::event::Act;
use segue::conversation::words::{Outcome, Reason, Verdict};
use segue::learning::fold;
use segue::learning::record::{Ended, Handoff};
use segue::learning::source::Facts;

use crate::stories::{MINUTE, Says, Story, morning, policy};

#[test]
fn a_handoff_is_told_from_its_request_to_its_end() {
    let stories = morning(&policy(), Timestamp::from_millis(1_795_000_000_000));
    let record = stories["ana"].record();
    let [first, second] = &record.handoffs[..] else {
        panic!("{:?}", record.handoffs)
    };
    assert_eq!(first.reason, Reason::UserRequest);
    assert_eq!(first.claimed.as_ref().expect("claimed").0.as_str(), "Max");
    assert_eq!(first.claimed_after_ms(), Some(60_000));
    assert_eq!(first.replied_after_ms(), Some(90_000));
    assert_eq!(first.said, ["Hello, this is Max."]);
    assert_eq!(first.words.len(), 2);
    assert!(matches!(first.ended, Some((Ended::HandedBack(_), _))));
    assert_eq!(first.note, "a new lamp is on its way");
    assert_eq!(first.back_after_ms, Some(600_000));
    let verdict = |one: &Handoff| one.verdict.as_ref().map(|given| given.verdict);
    assert_eq!(
        verdict(first),
        Some(Verdict::Unnecessary),
        "the newest counts"
    );
    assert_eq!(
        verdict(second),
        Some(Verdict::Justified),
        "the newest handoff is meant"
    );
    assert_eq!(second.claimed_after_ms(), Some(120_000));
    assert_eq!(
        second.ended.map(|(how, _)| how),
        Some(Ended::Closed(Outcome::HumanResolved))
    );
    assert_eq!(record.verdict, None);
}

#[test]
fn a_promise_that_nobody_came_for_is_a_ghost() {
    let stories = morning(&policy(), Timestamp::from_millis(1_795_000_000_000));
    let ben = stories["ben"].record();
    assert!(ben.handoffs[0].is_ghost());
    assert_eq!(
        ben.handoffs[0].ended.map(|(how, _)| how),
        Some(Ended::Apologised)
    );
    let late = Story::of("gus", &policy(), Timestamp::from_millis(1_795_000_000_000))
        .says("I want to talk to a person")
        .after(6 * MINUTE)
        .claim("Max")
        .record();
    assert!(
        late.handoffs[0].late && !late.handoffs[0].is_ghost(),
        "late is no ghost"
    );
}

#[test]
fn what_is_passed_on_goes_on_with_the_same_promise() {
    let record = Story::of("gus", &policy(), Timestamp::from_millis(1_795_000_000_000))
        .says("I want to talk to a person")
        .claim("Max")
        .after(MINUTE)
        .act(
            "Max",
            Act::Transfer {
                queue: None,
                to: Some("Eva".into()),
            },
        )
        .after(MINUTE)
        .claim("Eva")
        .reply("Eva", "Hello")
        .record();
    let told: Vec<_> = record
        .handoffs
        .iter()
        .map(|one| (one.passed_on, one.replies))
        .collect();
    assert_eq!(told, [(false, 0), (true, 1)]);
    assert_eq!(
        record.handoffs[0].ended.map(|(how, _)| how),
        Some(Ended::PassedOn)
    );
    assert_eq!(record.handoffs[1].ended, None);
}

#[test]
fn who_falls_silent_after_no_answer_may_have_been_missed() {
    let began = Timestamp::from_millis(1_795_000_000_000);
    let story = |model| Story::of("gus", &policy(), began).model(model);
    let check = |story: Story, silent: bool| {
        assert_eq!(
            story.record().silence.is_some(),
            silent,
            "{:?}",
            story.entries
        );
    };
    let asked = "where is the receipt of my last order";
    check(story(Says::Nothing).says(asked), true);
    check(story(Says::Knows).says(asked), false);
    check(
        story(Says::Nothing)
            .says(asked)
            .model(Says::Knows)
            .says("and the shipping?"),
        false,
    );
    check(
        story(Says::Nothing)
            .says(asked)
            .says("I want to talk to a person"),
        false,
    );
    check(
        story(Says::Nothing)
            .says(asked)
            .act("Max", Act::TakeOver { force: false }),
        false,
    );
    check(story(Says::Nothing).says(asked).resolve("Max"), false);
    let just_now = story(Says::Nothing).says(asked);
    let facts = Facts::of(&just_now.conversation);
    let record = fold(facts, &just_now.entries, began, just_now.now + 29 * MINUTE);
    assert_eq!(record.silence, None, "they may still be reading");
}
