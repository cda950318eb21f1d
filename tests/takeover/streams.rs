//! Races against a stream: it stops, and the trail holds what was shown.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use segue::conversation::decision::Answer;
use segue::conversation::event::Act;
use segue::conversation::message::{Body, Customer, Inbound, Medium};
use segue::conversation::policy::Switches;
use segue::conversation::trail::{Entry, Fact};
use segue::conversation::words::ModeName;
use segue::ids::{ConversationId, EffectId};
use segue::runtime::{Frame, Runtime, Unavailable};
use tokio::sync::Semaphore;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::TryRecvError;
use tokio::task::JoinSet;

use crate::chance::Chance;
use crate::model::Model;
use crate::{AT_ONCE, act, app, asks, sections, trail};

/// Races against a stream.
const STREAMS: usize = 96;

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
