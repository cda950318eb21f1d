//! Races of people against the AI and against each other, with answers sent whole.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use segue::clock::monotonic;
use segue::conversation::decision::{Answer, Refusal};
use segue::conversation::event::Act;
use segue::conversation::trail::{CancelCause, Entry, Fact};
use segue::conversation::words::MessageState;
use segue::ids::{AgentName, ConversationId, EffectId};
use segue::runtime::Runtime;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::chance::Chance;
use crate::customer::Line;
use crate::model::Model;
use crate::{AT_ONCE, act, address, app, asks, begin, line, sections, trail, write};

/// Races of a person against the AI.
const RACES: usize = 240;

/// How a race ended.
struct Taken {
    id: ConversationId,
    at: Instant,
    in_flight: Vec<EffectId>,
}

/// The customer `n` writes, and a person takes over at some moment after that.
async fn race(n: usize, line: Line, runtime: Runtime, mut chance: Chance) -> Taken {
    write(&line, n, "a", "What are your opening hours?").await;
    if chance.once_in(3) {
        tokio::time::sleep(chance.millis(0, 60)).await;
        write(&line, n, "b", "And on Sundays?").await;
    }
    if !chance.once_in(8) {
        tokio::time::sleep(chance.millis(0, 220)).await;
    }
    let id = runtime.conversation_id(&"sms".into(), &address(n));
    let answer = act(&runtime, id, "Ana", Act::TakeOver { force: false }).await;
    let at = monotonic();
    let Answer::Claimed { in_flight, .. } = answer else {
        panic!("{answer:?}")
    };
    Taken {
        id,
        at,
        in_flight: in_flight.into_iter().map(|(effect, _)| effect).collect(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_of_the_ai_leaves_after_a_takeover_that_was_not_named_in_its_answer() {
    let (mut chance, dir, provider) = begin("takeover", 2, 5..80).await;
    let model = Model::start(chance.fork(), 0, 140).await;
    let app = app::start(dir.path(), &sections(&provider.url(), &asks(&model))).await;
    let (line, runtime) = (line(&app), app.doors().runtime.clone());
    let (places, mut races) = (Arc::new(Semaphore::new(AT_ONCE)), JoinSet::new());
    for n in 0..RACES {
        let (line, runtime, places, chance) = (
            line.clone(),
            runtime.clone(),
            Arc::clone(&places),
            chance.fork(),
        );
        races.spawn(async move {
            let _place = places.acquire_owned().await.expect("nobody closes it");
            race(n, line, runtime, chance).await
        });
    }
    let races = races.join_all().await;
    // Longer than the slowest model and the slowest provider together.
    tokio::time::sleep(Duration::from_millis(700)).await;
    let mut deliveries: HashMap<(ConversationId, EffectId), Vec<Instant>> = HashMap::new();
    for taken in provider.taken() {
        assert!(
            taken.status_url.starts_with(&line.base),
            "{}",
            taken.status_url
        );
        deliveries
            .entry((taken.conversation, taken.effect))
            .or_default()
            .push(taken.at);
    }
    let mut ends = BTreeMap::<&str, usize>::new();
    for race in &races {
        let trail = trail(&runtime, race.id).await;
        let end = how_it_ended(race, &trail, &deliveries);
        *ends.entry(end).or_default() += 1;
    }
    eprintln!(
        "takeover: {ends:?}, {} of {} calls to the model were hung up",
        model.hung_up(),
        model.asked()
    );
    for end in [
        "before the model was asked",
        "while the model was thinking",
        "while an answer was on its way",
        "after the answer",
    ] {
        assert!(ends.contains_key(end), "no takeover came {end}: {ends:?}");
    }
    app.stop().await;
}

/// Checks one race, and says when the person came.
fn how_it_ended(
    race: &Taken,
    trail: &[Entry],
    deliveries: &HashMap<(ConversationId, EffectId), Vec<Instant>>,
) -> &'static str {
    let claimed = trail
        .iter()
        .find(|entry| matches!(entry.fact, Fact::Claimed { .. }))
        .expect("it was claimed")
        .n;
    let (mut asked, mut said, mut thinking) = (false, false, false);
    for entry in trail {
        match &entry.fact {
            Fact::AiWrote { effect, text, .. } => {
                assert!(
                    entry.n < claimed,
                    "{}: `{text}` was decided after the claim",
                    race.id
                );
                said = true;
                let late = deliveries
                    .get(&(race.id, *effect))
                    .into_iter()
                    .flatten()
                    .filter(|at| **at > race.at);
                assert!(
                    late.count() == 0 || race.in_flight.contains(effect),
                    "{}: {effect} was not named",
                    race.id
                );
                let times = deliveries.get(&(race.id, *effect)).map_or(0, Vec::len);
                assert!(times <= 1, "{}: {effect} left {times} times", race.id);
            }
            Fact::Settled {
                effect,
                state: MessageState::Suppressed,
                ..
            } => {
                assert!(
                    !deliveries.contains_key(&(race.id, *effect)),
                    "{}: {effect} left all the same",
                    race.id
                );
            }
            Fact::AskCancelled {
                cause: CancelCause::Ownership,
                ..
            } => thinking = true,
            Fact::ModelAsked { .. } => asked = true,
            _whatever_else => {}
        }
    }
    let ours = race
        .in_flight
        .iter()
        .all(|effect| deliveries.contains_key(&(race.id, *effect)));
    match (asked, thinking, race.in_flight.is_empty(), said) {
        (false, ..) => "before the model was asked",
        (_, true, ..) => "while the model was thinking",
        (_, _, false, _) if ours => "while an answer was on its way",
        (_, _, false, _) => "before an answer left",
        (.., true) => "after the answer",
        (.., false) => "between two questions",
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_fifty_who_claim_at_once_one_wins_and_the_others_are_told_who() {
    let (_, dir, provider) = begin("claims", 2, 1..20).await;
    let app = app::start(dir.path(), &sections(&provider.url(), "")).await;
    let (line, runtime) = (line(&app), app.doors().runtime.clone());
    for n in 0..10 {
        write(&line, n, "a", "I want to talk to a human").await;
        let id = runtime.conversation_id(&"sms".into(), &address(n));
        let mut claims = JoinSet::new();
        for agent in 0..50 {
            let runtime = runtime.clone();
            let how = if agent % 5 == 0 {
                Act::TakeOver { force: false }
            } else {
                Act::Claim { force: false }
            };
            claims.spawn(async move {
                (
                    agent,
                    act(&runtime, id, &format!("agent-{agent}"), how).await,
                )
            });
        }
        let (mut winners, mut told) = (Vec::new(), BTreeSet::new());
        for (agent, answer) in claims.join_all().await {
            match answer {
                Answer::Claimed { .. } => winners.push(format!("agent-{agent}")),
                Answer::Refused(Refusal::Taken { by, .. }) => {
                    let _ = told.insert(by.as_str().to_owned());
                }
                other => panic!("agent-{agent} was told {other:?}"),
            }
        }
        assert_eq!(winners.len(), 1, "{winners:?}");
        assert_eq!(told, BTreeSet::from([winners[0].clone()]));
        let owner = runtime.read(id).await.expect("readable").expect("there");
        assert_eq!(
            owner.assignee().map(AgentName::as_str),
            Some(winners[0].as_str())
        );
    }
    app.stop().await;
}
