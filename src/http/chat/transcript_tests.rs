//! What a customer sees of a trail, and that a tab which was torn off anywhere is shown exactly the rest.

use super::protocol::{Choice, Message};
use super::transcript::{LookedBack, Seen, Transcript};
use crate::clock::Timestamp;
use crate::conversation::message::{Attachment, Body};
use crate::conversation::trail::{Entry, Fact, RULES_VERSION};
use crate::conversation::words::{Class, MessageState, ModeName};
use crate::ids::{AskId, EffectId};

fn entry(n: u64, fact: Fact) -> Entry {
    Entry {
        n,
        at: Timestamp::from_millis(1_000 * i64::try_from(n).expect("small")),
        policy: 1,
        rules: RULES_VERSION,
        fact,
    }
}

fn wrote(id: &str, text: &str) -> Fact {
    Fact::CustomerWrote {
        id: format!("web:00:{id}"),
        body: Body::Text(text.into()),
        owner: ModeName::Ai,
    }
}

fn ai(effect: u64, text: &str, partial: bool) -> Fact {
    Fact::AiWrote {
        effect: EffectId(effect),
        ask: AskId(1),
        text: text.into(),
        sources: Vec::new(),
        partial,
    }
}

fn human(effect: u64, text: &str) -> Fact {
    let (effect, agent) = (EffectId(effect), "Ana".into());
    Fact::HumanWrote {
        effect,
        agent,
        text: text.into(),
        first_response_ms: None,
        reply_ms: None,
    }
}

fn system(effect: u64, class: Class, text: &str) -> Fact {
    let choices = vec![("yes".to_owned(), "Yes".to_owned())];
    Fact::SystemWrote {
        effect: EffectId(effect),
        class,
        text: text.into(),
        choices,
    }
}

fn settled(effect: u64, state: MessageState) -> Fact {
    Fact::Settled {
        effect: EffectId(effect),
        class: Class::Ai,
        state,
        provider_id: String::new(),
        code: String::new(),
        cause: None,
        attempts: 1,
        after_ms: 0,
    }
}

fn trail(facts: Vec<Fact>) -> Vec<Entry> {
    facts
        .into_iter()
        .zip(0..)
        .map(|(fact, n)| entry(n, fact))
        .collect()
}

/// What a tab shows that reads on from entry `from`, as `entry speaker text`.
fn shown(trail: &[Entry], from: usize) -> Vec<String> {
    let mut transcript = Transcript::default();
    let mut shown = Vec::new();
    for entry in &trail[from..] {
        let message = match transcript.read(entry) {
            Seen::Message(message) => message,
            Seen::Earlier(effect) => {
                let before = usize::try_from(entry.n).expect("small");
                match Transcript::look_back(effect, entry, &trail[..before]) {
                    LookedBack::Found(message) => message,
                    LookedBack::Shown | LookedBack::NotHere => continue,
                }
            }
            Seen::Nothing | Seen::Asked | Seen::OwnerChanged => continue,
        };
        shown.push(format!(
            "{} {:?} {}",
            message.entry, message.from, message.text
        ));
    }
    shown
}

fn check(facts: Vec<Fact>, expected: &[&str]) {
    let trail = trail(facts);
    let whole = shown(&trail, 0);
    assert_eq!(whole, expected);
    // Wherever a tab was torn off, it is shown exactly the rest.
    for from in 0..=trail.len() {
        let rest: Vec<String> = whole
            .iter()
            .filter(|line| number(line) >= from)
            .cloned()
            .collect();
        assert_eq!(shown(&trail, from), rest, "resumed before entry {from}");
    }
}

fn number(line: &str) -> usize {
    line.split(' ')
        .next()
        .and_then(|n| n.parse().ok())
        .expect("begins with its entry")
}

#[test]
fn a_message_is_shown_where_it_was_released() {
    check(
        vec![
            wrote("a", "hello"),
            ai(1, "hi", false),
            settled(1, MessageState::Sent),
            human(2, "I am Ana"),
            wrote("b", "oh"),
            settled(2, MessageState::Sent),
        ],
        &["0 You hello", "2 Ai hi", "4 You oh", "5 Human I am Ana"],
    );
}

#[test]
fn what_never_left_is_never_shown() {
    check(
        vec![
            ai(1, "too late", false),
            settled(1, MessageState::Suppressed),
            human(2, "lost"),
            settled(2, MessageState::Failed),
            system(3, Class::Ack, "still pending"),
            Fact::NoteWritten {
                agent: "Ana".into(),
                text: "private".into(),
            },
            wrote("a", "hello"),
        ],
        &["6 You hello"],
    );
}

#[test]
fn a_message_in_doubt_is_shown_once_when_it_is_surely_out() {
    check(
        vec![
            human(1, "hello"),
            settled(1, MessageState::InDoubt),
            settled(1, MessageState::Sent),
            settled(1, MessageState::Delivered),
            settled(1, MessageState::Read),
        ],
        &["2 Human hello"],
    );
}

#[test]
fn messages_leave_in_their_own_order_not_in_that_of_writing() {
    // A stream is written on the trail at its end, after what was decided meanwhile.
    check(
        vec![
            system(2, Class::Ack, "a person will help"),
            ai(1, "as I was say", true),
            settled(1, MessageState::Sent),
            settled(2, MessageState::Sent),
        ],
        &["2 Ai as I was say", "3 System a person will help"],
    );
}

#[test]
fn messages_carry_what_a_page_needs() {
    let trail = trail(vec![
        wrote("m-1", "<b>hello</b>"),
        human(4, "hi"),
        settled(4, MessageState::Sent),
        system(5, Class::Survey, "all well?"),
        settled(5, MessageState::Sent),
        ai(6, "cut", true),
        settled(6, MessageState::Sent),
    ]);
    let mut transcript = Transcript::default();
    let messages: Vec<Message> = trail
        .iter()
        .filter_map(|entry| match transcript.read(entry) {
            Seen::Message(message) => Some(message),
            Seen::Nothing | Seen::Earlier(_) | Seen::Asked | Seen::OwnerChanged => None,
        })
        .collect();
    let [own, person, survey, cut] = messages.as_slice() else {
        panic!("four messages: {messages:?}")
    };
    assert_eq!(
        (own.id.as_deref(), own.text.as_str(), own.effect),
        (Some("m-1"), "<b>hello</b>", None)
    );
    assert_eq!(
        (person.name.as_deref(), person.effect),
        (Some("Ana"), Some(4))
    );
    assert_eq!(
        person.at, "1970-01-01T00:00:02.000Z",
        "the time of its release"
    );
    assert_eq!(
        survey.choices,
        [Choice {
            id: "yes".into(),
            title: "Yes".into()
        }]
    );
    assert!(cut.partial && !person.partial);
}

#[test]
fn whoever_looks_on_learns_of_a_new_owner_and_of_thinking() {
    let mut transcript = Transcript::default();
    let asked = entry(
        0,
        Fact::ModelAsked {
            ask: AskId(1),
            messages: 1,
        },
    );
    assert_eq!(transcript.read(&asked), Seen::Asked);
    let kept = entry(
        1,
        Fact::Kept {
            agent: "Ana".into(),
        },
    );
    assert_eq!(transcript.read(&kept), Seen::Nothing);
    let lapsed = entry(
        2,
        Fact::LeaseLapsed {
            agent: "Ana".into(),
            held_ms: 1,
        },
    );
    assert_eq!(transcript.read(&lapsed), Seen::OwnerChanged);
}

#[test]
fn a_message_without_a_text_is_not_found() {
    let release = entry(5, settled(9, MessageState::Sent));
    let before = trail(vec![human(8, "another"), settled(8, MessageState::Sent)]);
    assert_eq!(
        Transcript::look_back(EffectId(9), &release, &before),
        LookedBack::NotHere
    );
}

#[test]
fn files_stand_with_their_message_however_far_back_it_was_written() {
    let url = format!(
        "/api/v1/media/m{}.png?name=map.png&bytes=42",
        "0a".repeat(32)
    );
    let files = vec![Attachment {
        url,
        content_type: "image/png".into(),
    }];
    let effect = EffectId(9);
    let trail = trail(vec![
        human(8, "before"),
        Fact::FilesAdded { effect, files },
        human(9, "the map"),
        human(10, "after"),
        settled(10, MessageState::Sent),
        settled(9, MessageState::Sent),
    ]);
    let mut transcript = Transcript::default();
    let mut files = Vec::new();
    for entry in &trail {
        if let Seen::Message(message) = transcript.read(entry) {
            files.push((message.text, message.files.len()));
        }
    }
    assert_eq!(files, [("after".to_owned(), 0), ("the map".to_owned(), 1)]);
    // Read back in pages: the first entry of one only tells the files of the second.
    assert_eq!(
        Transcript::look_back(effect, &trail[5], &trail[2..5]),
        LookedBack::NotHere
    );
    let LookedBack::Found(found) = Transcript::look_back(effect, &trail[5], &trail[1..3]) else {
        panic!("it stands there");
    };
    assert_eq!(found.files.len(), 1);
    let LookedBack::Found(first) = Transcript::look_back(EffectId(8), &trail[5], &trail[..2])
    else {
        panic!("it begins the trail");
    };
    assert_eq!(first.files.len(), 0);
}
