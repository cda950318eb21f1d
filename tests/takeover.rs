//! One voice: once a person has taken a conversation, the AI is silent in it, whatever it was about to say.
//!
//! Segue runs in this process, between a provider and a model on loopback that take a random time. `SEGUE_SEED` repeats a
//! run as far as the scheduler lets it.
#![expect(
    clippy::wildcard_enum_match_arm,
    clippy::too_many_lines,
    clippy::wrong_self_convention,
    reason = "a story in one piece; it looks for single facts and lets the others pass"
)]

#[path = "world/app.rs"]
mod app;
#[path = "world/chance.rs"]
mod chance;
#[path = "world/customer.rs"]
mod customer;
#[path = "world/model.rs"]
mod model;
#[path = "world/provider.rs"]
mod provider;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use segue::app::App;
use segue::clock::monotonic;
use segue::conversation::decision::{Answer, Refusal};
use segue::conversation::event::{Act, Event};
use segue::conversation::message::{Body, Customer, Inbound, Medium};
use segue::conversation::policy::Switches;
use segue::conversation::question::{ModelAnswer, ModelVerdict};
use segue::conversation::trail::{CancelCause, Entry, Fact, Usage};
use segue::conversation::words::{MessageState, ModeName, Role};
use segue::ids::{AgentName, AskId, ConversationId, EffectId};
use segue::runtime::{Frame, Runtime, Unavailable};
use tokio::sync::Semaphore;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::TryRecvError;
use tokio::task::JoinSet;

use self::chance::Chance;
use self::customer::Line;
use self::model::Model;
use self::provider::{Pace, Provider};

/// Races of a person against the AI.
const RACES: usize = 240;
/// Races against a stream.
const STREAMS: usize = 96;
/// Races at once.
const AT_ONCE: usize = 24;

fn sections(provider: &str, model: &str) -> String {
    format!(
        r#"
        [channels.sms]
        kind = "twilio"
        account_sid = "AC00000000000000000000000000000000"
        auth_token = "{}"
        from = "{}"
        api_base_url = "{provider}"
        burst = {{ quiet_ms = 20, max_ms = 80 }}
        [channels.web]
        kind = "webchat"
        burst = {{ quiet_ms = 0, max_ms = 50 }}
        {model}
        "#,
        customer::AUTH_TOKEN,
        customer::OURS,
    )
}

fn asks(model: &Model) -> String {
    format!(
        "[model]\nprovider = \"openai\"\nname = \"slow\"\nbase_url = \"{}\"\nmax_concurrent = 500",
        model.url()
    )
}

fn line(app: &App) -> Line {
    Line::to(format!("http://{}", app.public_address()))
}

fn address(n: usize) -> String {
    format!("+1700{n:07}")
}

async fn write(line: &Line, n: usize, id: &str, text: &str) {
    let form = Line::form(&format!("SM{n}{id}"), &address(n), text);
    let answered = line.post("/webhooks/sms", &form).await.expect("an answer");
    assert!(answered.status().is_success(), "{}", answered.status());
}

async fn act(runtime: &Runtime, id: ConversationId, who: &str, act: Act) -> Answer {
    let answer = runtime
        .act(id, AgentName::from(who), Role::Agent, act, None)
        .await;
    answer.expect("the store takes it")
}

async fn trail(runtime: &Runtime, id: ConversationId) -> Vec<Entry> {
    runtime.trail(id, 0, 10_000).await.expect("a trail")
}

/// Waits until `done`, for at most five seconds.
async fn until(what: &str, mut done: impl FnMut() -> bool) {
    let end = monotonic() + Duration::from_secs(5);
    while !done() {
        assert!(monotonic() < end, "{what} does not happen");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

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
    let mut chance = Chance::of_this_run("takeover");
    let dir = tempfile::tempdir().expect("a directory");
    let provider = Provider::start(
        chance.fork(),
        Pace {
            once_in: 2,
            from: 5,
            to: 80,
        },
    )
    .await;
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
async fn an_answer_that_waits_for_a_free_line_is_held_back_by_a_takeover() {
    const LINES: usize = 256;
    const CUSTOMERS: usize = 300;
    let mut chance = Chance::of_this_run("lines");
    let dir = tempfile::tempdir().expect("a directory");
    let provider = Provider::start(
        chance.fork(),
        Pace {
            once_in: 1,
            from: 3_000,
            to: 3_001,
        },
    )
    .await;
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

fn visitor(n: usize, id: &str, text: &str) -> Inbound {
    Inbound {
        channel: "web".into(),
        medium: Medium::Webchat,
        from: Customer {
            address: format!("visitor-{n}"),
            name: None,
            language: None,
        },
        to: String::new(),
        id: format!("{n}-{id}"),
        sent_at: None,
        body: Body::Text(text.to_owned()),
    }
}

/// What an open browser was shown until now.
fn shown(frames: &mut Receiver<Frame>) -> Vec<Frame> {
    let mut all = Vec::new();
    loop {
        match frames.try_recv() {
            Ok(frame) => all.push(frame),
            Err(TryRecvError::Empty | TryRecvError::Closed) => return all,
            Err(TryRecvError::Lagged(missed)) => panic!("{missed} frames were missed"),
        }
    }
}

/// A visitor asks, and a person takes over at some moment of the stream. Returns what was shown before and after.
async fn stream_race(
    n: usize,
    runtime: Runtime,
    mut chance: Chance,
) -> (ConversationId, Vec<Frame>, Vec<Frame>) {
    let inbound = visitor(n, "a", "What are your opening hours?");
    let id = runtime.conversation_id(&inbound.channel, &inbound.from.address);
    let mut frames = runtime.hub().subscribe(id);
    runtime.deliver(inbound).await.expect("stored");
    tokio::time::sleep(chance.millis(0, 160)).await;
    let answer = act(&runtime, id, "Ana", Act::TakeOver { force: false }).await;
    let before = shown(&mut frames);
    let Answer::Claimed { in_flight, .. } = answer else {
        panic!("{answer:?}")
    };
    let seen = streamed(id, &before);
    for (effect, text) in in_flight {
        assert_eq!(text, seen.get(&effect).cloned().unwrap_or_default());
    }
    // Longer than the longest stream.
    tokio::time::sleep(Duration::from_millis(350)).await;
    (id, before, shown(&mut frames))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_stops_before_the_takeover_is_answered_and_the_trail_holds_what_was_shown() {
    let mut chance = Chance::of_this_run("streams");
    let dir = tempfile::tempdir().expect("a directory");
    let model = Model::start(chance.fork(), 10, 160).await;
    let app = app::start(dir.path(), &sections("http://127.0.0.1:9", &asks(&model))).await;
    let runtime = app.doors().runtime.clone();
    let (places, mut races) = (Arc::new(Semaphore::new(AT_ONCE)), JoinSet::new());
    for n in 0..STREAMS {
        let (runtime, places, chance) = (runtime.clone(), Arc::clone(&places), chance.fork());
        races.spawn(async move {
            let _place = places.acquire_owned().await.expect("nobody closes it");
            stream_race(n, runtime, chance).await
        });
    }
    let (mut cut, mut whole, mut silent) = (0, 0, 0);
    for (id, before, after) in races.join_all().await {
        let late = after
            .iter()
            .find(|frame| matches!(frame, Frame::Streamed { .. }));
        assert_eq!(late, None, "{id}: shown after the takeover was answered");
        let streamed = streamed(id, &before);
        let kept: BTreeMap<EffectId, (String, bool)> = trail(&runtime, id)
            .await
            .iter()
            .filter_map(written)
            .collect();
        let kept_texts: BTreeMap<EffectId, String> = kept
            .iter()
            .map(|(effect, (text, _))| (*effect, text.clone()))
            .collect();
        assert_eq!(
            kept_texts, streamed,
            "{id}: the trail and the browser differ"
        );
        match kept.values().next() {
            Some((_, true)) => cut += 1,
            Some((_, false)) => whole += 1,
            None => silent += 1,
        }
    }
    eprintln!(
        "streams: {cut} cut, {whole} whole, {silent} not begun; {} hung up",
        model.hung_up()
    );
    assert!(
        cut >= 8 && whole >= 1 && silent >= 1,
        "the takeovers did not meet the streams"
    );
    assert!(
        model.hung_up() >= cut,
        "a cut stream is not read to its end"
    );
    app.stop().await;
}

/// The streams in `frames`, put together again; nothing may follow a cut, and no piece may be missing.
fn streamed(id: ConversationId, frames: &[Frame]) -> BTreeMap<EffectId, String> {
    let (mut texts, mut cut) = (BTreeMap::<EffectId, String>::new(), BTreeSet::new());
    for frame in frames {
        match frame {
            Frame::Streamed { effect, at, text } => {
                assert!(
                    !cut.contains(effect),
                    "{id}: {effect} went on after its end"
                );
                let so_far = texts.entry(*effect).or_default();
                assert_eq!(so_far.len(), *at, "{id}: a piece of {effect} is missing");
                so_far.push_str(text);
            }
            Frame::StreamCut { effect } => drop(cut.insert(*effect)),
            Frame::Message { .. }
            | Frame::Typing { .. }
            | Frame::Moved { .. }
            | Frame::Echo { .. } => {}
        }
    }
    texts
}

fn written(entry: &Entry) -> Option<(EffectId, (String, bool))> {
    match &entry.fact {
        Fact::AiWrote {
            effect,
            text,
            partial,
            ..
        } => Some((*effect, (text.clone(), *partial))),
        _anything_else => None,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_fifty_who_claim_at_once_one_wins_and_the_others_are_told_who() {
    let mut chance = Chance::of_this_run("claims");
    let dir = tempfile::tempdir().expect("a directory");
    let provider = Provider::start(
        chance.fork(),
        Pace {
            once_in: 2,
            from: 1,
            to: 20,
        },
    )
    .await;
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_takeover_hangs_up_on_the_model_and_its_late_answer_never_speaks() {
    let mut chance = Chance::of_this_run("late");
    let dir = tempfile::tempdir().expect("a directory");
    let provider = Provider::start(
        chance.fork(),
        Pace {
            once_in: 2,
            from: 1,
            to: 2,
        },
    )
    .await;
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn switched_off_the_ai_is_silent_at_once_and_stays_so_after_a_restart() {
    let mut chance = Chance::of_this_run("switch");
    let dir = tempfile::tempdir().expect("a directory");
    let provider = Provider::start(
        chance.fork(),
        Pace {
            once_in: 2,
            from: 1,
            to: 2,
        },
    )
    .await;
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn once_the_ai_is_switched_off_no_stream_shows_anything_more() {
    let mut chance = Chance::of_this_run("switch streams");
    let dir = tempfile::tempdir().expect("a directory");
    // Twelve sentences, one in 100 ms.
    let model = Model::start(chance.fork(), 1_000, 1_001).await;
    let app = app::start(dir.path(), &sections("http://127.0.0.1:9", &asks(&model))).await;
    let runtime = app.doors().runtime.clone();
    let mut talks = Vec::new();
    for n in 0..8 {
        let inbound = visitor(n, "a", "What are your opening hours?");
        let id = runtime.conversation_id(&inbound.channel, &inbound.from.address);
        talks.push((id, runtime.hub().subscribe(id)));
        runtime.deliver(inbound).await.expect("stored");
    }
    tokio::time::sleep(Duration::from_millis(600)).await;
    let off = Switches {
        all: false,
        ..Switches::default()
    };
    let turned = runtime.switch("ana", |_| Ok::<_, Unavailable>(off)).await;
    assert!(turned.is_ok_and(|switches| !switches.all));
    let before: Vec<_> = talks.iter_mut().map(|(_, frames)| shown(frames)).collect();
    tokio::time::sleep(Duration::from_millis(1_000)).await;
    for ((id, mut frames), before) in talks.into_iter().zip(before) {
        let cut = |frame: &Frame| matches!(frame, Frame::StreamCut { .. });
        assert!(before.iter().any(cut), "{id}: {before:?}");
        let late = shown(&mut frames);
        let shows = |frame: &&Frame| matches!(frame, Frame::Streamed { .. });
        assert_eq!(
            late.iter().find(shows),
            None,
            "{id}: shown after the switch"
        );
        let trail = trail(&runtime, id).await;
        let kept: BTreeMap<_, _> = trail.iter().filter_map(written).collect();
        let seen = streamed(id, &before)
            .into_iter()
            .map(|(effect, text)| (effect, (text, true)))
            .collect();
        assert_eq!(kept, seen, "{id}: the trail holds what was seen, as a part");
        assert!(!kept.is_empty(), "{id}: it had begun");
        let head = runtime.read(id).await.expect("readable").expect("there");
        assert_eq!(head.mode().name(), ModeName::Waiting, "{trail:?}");
    }
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
    let mut chance = Chance::of_this_run("stop");
    let dir = tempfile::tempdir().expect("a directory");
    let provider = Provider::start(
        chance.fork(),
        Pace {
            once_in: 3,
            from: 10,
            to: 300,
        },
    )
    .await;
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
