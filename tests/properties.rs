//! Laws that hold after every step of every conversation: 20,000 random histories of 100 steps.
//!
//! A history is a seed and a list of numbers; what a number means depends on what has happened, so that any part of a
//! history can be left out and it still means something. A broken law is shown with the shortest history found and its
//! seed; `SEGUE_SEED=0x… cargo test --test properties replay` runs that one alone.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a law looks only at the facts that it is about"
)]

#[path = "properties/laws.rs"]
mod laws;
#[path = "properties/world.rs"]
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use segue::clock::Timestamp;
use segue::conversation::decision::{Answer, Perform};
use segue::conversation::event::{Act, Event};
use segue::conversation::message::{Attempt, Body, Customer, FailureCause, Inbound, Medium, Retry};
use segue::conversation::policy::Policy;
use segue::conversation::words::{ModeName, Role};
use segue::conversation::{Conversation, LINE_MAX};
use segue::ids::{ConversationId, EffectId};

use world::World;

/// Histories in one test; there are four, so that two cores have something to do.
const HISTORIES: u64 = 5_000;
const STEPS: usize = 100;

/// SplitMix64: small, fast, and the same everywhere.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

fn history(seed: u64) -> Vec<u64> {
    let mut dice = Dice(seed);
    (0..STEPS).map(|_| dice.roll()).collect()
}

/// Runs a history; an `Err` names the step and the law.
fn run(seed: u64, numbers: &[u64]) -> Result<(), (usize, String)> {
    let mut world = World::new(seed);
    for (at, number) in numbers.iter().enumerate() {
        match catch_unwind(AssertUnwindSafe(|| world.step(*number))) {
            Ok(Ok(())) => {}
            Ok(Err(law)) => return Err((at, law)),
            Err(_) => return Err((at, "it panicked".to_owned())),
        }
    }
    Ok(())
}

/// Leaves out whatever is not needed for breaking a law.
fn shrink(seed: u64, mut numbers: Vec<u64>, mut at: usize) -> Vec<u64> {
    loop {
        numbers.truncate(at + 1);
        let shorter = (0..numbers.len()).find_map(|place| {
            let mut fewer = numbers.clone();
            fewer.remove(place);
            run(seed, &fewer).err().map(|(at, _)| (fewer, at))
        });
        match shorter {
            Some((fewer, now_at)) => (numbers, at) = (fewer, now_at),
            None => return numbers,
        }
    }
}

fn report(seed: u64, numbers: Vec<u64>, at: usize) -> String {
    let shortest = shrink(seed, numbers, at);
    let mut world = World::new(seed);
    world.tells = true;
    let mut told = format!("seed {seed:#x}, {} steps:\n", shortest.len());
    for number in &shortest {
        let broken = catch_unwind(AssertUnwindSafe(|| world.step(*number)));
        told.push_str(&format!("  {}\n", world.told));
        match broken {
            Ok(Ok(())) => {}
            Ok(Err(law)) => told.push_str(&format!("  BROKEN: {law}\n")),
            Err(_) => told.push_str("  BROKEN: it panicked\n"),
        }
    }
    told.push_str(&format!("  now: {:#?}", world.conversation.mode()));
    told
}

fn hold(first: u64) {
    for seed in first..first + HISTORIES {
        let numbers = history(seed);
        if let Err((at, _)) = run(seed, &numbers) {
            panic!("{}", report(seed, numbers, at));
        }
    }
}

#[test]
fn the_laws_hold_in_the_first_quarter() {
    hold(0);
}

#[test]
fn the_laws_hold_in_the_second_quarter() {
    hold(1 << 32);
}

#[test]
fn the_laws_hold_in_the_third_quarter() {
    hold(2 << 32);
}

#[test]
fn the_laws_hold_in_the_fourth_quarter() {
    hold(3 << 32);
}

#[test]
fn long_histories_stay_bounded() {
    for seed in 0..35 {
        let mut dice = Dice(seed);
        let numbers: Vec<u64> = (0..5_000).map(|_| dice.roll()).collect();
        if let Err((at, _)) = run(seed, &numbers) {
            panic!("{}", report(seed, numbers, at));
        }
    }
}

/// Nothing leaves for ten minutes, and the customer goes in and out of the queue: the line is full and stays full.
#[test]
fn a_flood_behind_a_stuck_message_stays_bounded() {
    let mut world = World::new(0);
    world.wrote("first".into(), "human", false).expect("lawful");
    let attempt = Attempt::Rejected {
        code: "429".into(),
        cause: FailureCause::RateLimited,
        retry: Retry::After(u64::MAX),
    };
    let take = ana(Act::TakeOver { force: false });
    world.decide(take.clone()).expect("lawful");
    let effect = world
        .conversation
        .common()
        .outbox
        .owed()
        .next()
        .expect("owed")
        .effect;
    world
        .decide(Event::SendSettled { effect, attempt })
        .expect("lawful");
    for n in 0..300 {
        world
            .wrote(format!("out{n}"), "/end", false)
            .expect("lawful");
        world
            .wrote(format!("in{n}"), "human", false)
            .expect("lawful");
        world.decide(take.clone()).expect("lawful");
        let note = "again".to_owned();
        world
            .decide(ana(Act::HandBack { note, seen: None }))
            .expect("lawful");
    }
    let owed = world.conversation.common().outbox.owed().count();
    assert_eq!(owed, LINE_MAX, "the line is full");
    world.wrote("last".into(), "human", false).expect("lawful");
    assert_eq!(world.conversation.mode().name(), ModeName::Waiting);
    let stepped = world.trail.iter().rev().take(8);
    let moved = stepped
        .filter(|entry| world::kind(&entry.fact) == "ladder")
        .count();
    assert_eq!(
        moved, 1,
        "an acknowledgement that finds no room moves the ladder"
    );
}

#[test]
fn replay_a_seed() {
    let seed = std::env::var("SEGUE_SEED").ok();
    let seed = seed.as_deref().map(|text| {
        let digits = text.trim_start_matches("0x");
        u64::from_str_radix(digits, 16).expect("SEGUE_SEED is hexadecimal")
    });
    let seed = seed.unwrap_or(42);
    let numbers = history(seed);
    if let Err((at, _)) = run(seed, &numbers) {
        panic!("{}", report(seed, numbers, at));
    }
}

/// The histories must reach every corner, or the laws say little.
#[test]
fn the_histories_reach_every_mode_and_outcome() {
    let mut seen = std::collections::BTreeMap::<String, u32>::new();
    for seed in 0..400 {
        let mut world = World::new(seed);
        for number in history(seed) {
            world.step(number).expect("the laws hold");
            *seen
                .entry(world.conversation.mode().name().to_string())
                .or_default() += 1;
        }
        for entry in &world.trail {
            *seen.entry(world::kind(&entry.fact)).or_default() += 1;
        }
    }
    let often = |what: &str, least: u32| {
        let count = seen.get(what).copied().unwrap_or_default();
        assert!(
            count >= least,
            "{what}: {count} times, wanted {least}; {seen:#?}"
        );
    };
    for mode in ModeName::ALL {
        often(mode.as_str(), 2_000);
    }
    for (what, least) in [
        ("claimed", 300),
        ("claimed by force", 20),
        ("transferred", 50),
        ("handed back", 200),
        ("lapsed", 20),
        ("ladder", 100),
        ("timed_out", 20),
        ("cancelled", 20),
        ("in_doubt", 50),
        ("failed", 50),
        ("suppressed", 100),
        ("delivered", 50),
        ("draft", 50),
        ("cut off", 5),
        ("event parked", 20),
        ("parked", 15),
        ("reply unparked", 8),
        ("reply given up", 3),
        ("closed", 200),
        ("ai wrote", 100),
        ("human wrote", 200),
        ("asked if done", 50),
    ] {
        often(what, least);
    }
}

fn sample(id: u32, text: &str) -> Event {
    Event::CustomerWrote {
        inbound: Inbound {
            channel: "web".into(),
            medium: Medium::Http,
            from: Customer {
                address: "+15005550006".into(),
                name: Some("Rosa".into()),
                language: None,
            },
            to: String::new(),
            id: format!("SM00000000000000000000000000{id:06}"),
            sent_at: None,
            body: Body::Text(text.to_owned()),
        },
        seen_before: false,
    }
}

fn ana(act: Act) -> Event {
    Event::Acted {
        agent: "Ana".into(),
        role: Role::Agent,
        act,
        key: None,
    }
}

/// Decides, and lets every send succeed at once.
fn go(c: &mut Conversation, event: Event, now: Timestamp, policy: &Policy) -> (Answer, usize) {
    let decision = c.decide(event, now, policy);
    let mut entries = decision.entries.len();
    let mut sends: Vec<EffectId> = Vec::new();
    let sent = |performed: &[Perform]| -> Vec<EffectId> {
        let send = |perform: &Perform| match perform {
            Perform::Send(effect) => Some(*effect),
            Perform::Ask { .. } => None,
        };
        performed.iter().filter_map(send).collect()
    };
    sends.extend(sent(&decision.perform));
    while let Some(effect) = sends.pop() {
        let provider_id = format!("SM{effect}");
        let attempt = Attempt::Accepted { provider_id };
        let next = c.decide(Event::SendSettled { effect, attempt }, now, policy);
        entries += next.entries.len();
        sends.extend(sent(&next.perform));
    }
    (decision.answer, entries)
}

#[test]
fn a_hundred_handoffs_and_handbacks_neither_loop_nor_grow() {
    let mut policy = Policy::default();
    let web = segue::conversation::policy::ChannelPolicy::of(Medium::Http, "support".into());
    policy.channels.insert("web".into(), web);
    let policy = policy.sealed();
    let id = ConversationId::derive(&[7; 32], "web", "+15005550006");
    let mut now = Timestamp::from_millis(1_767_603_600_000);
    let Event::CustomerWrote { inbound, .. } = sample(0, "") else {
        unreachable!("a sample is a message");
    };
    let mut c = Conversation::for_inbound(id, &inbound, &policy);
    let mut sizes = Vec::new();
    let mut entries_per_cycle = Vec::new();
    for cycle in 0..100 {
        let mut entries = 0;
        let mut step = |c: &mut Conversation, event| {
            now = now + Duration::from_secs(10);
            let (answer, new) = go(c, event, now, &policy);
            assert!(!matches!(answer, Answer::Refused(_)), "{answer:?}");
            entries += new;
        };
        step(&mut c, sample(2 * cycle, "let me talk to a human"));
        assert_eq!(c.mode().name(), ModeName::Waiting);
        step(&mut c, ana(Act::Claim { force: false }));
        step(&mut c, sample(2 * cycle + 1, "it is about my invoice"));
        let text = "Done.".to_owned();
        step(&mut c, ana(Act::Reply { text, epoch: None }));
        let note = "corrected the invoice".to_owned();
        step(&mut c, ana(Act::HandBack { note, seen: None }));
        assert_eq!(c.mode().name(), ModeName::Ai);
        assert!(c.common().outbox.is_clear(), "nothing is left behind");
        sizes.push(c.encode().len());
        entries_per_cycle.push(entries);
    }
    let largest = sizes.iter().max().copied().unwrap_or_default();
    assert!(largest <= 1_536, "a head of {largest} bytes");
    // full memories from the 40th cycle on: nothing grows but the digits of counters
    assert!(sizes[99] <= sizes[40] + 24, "{sizes:?}");
    assert!(
        entries_per_cycle[1..]
            .iter()
            .all(|n| *n == entries_per_cycle[1])
    );
    assert_eq!(c.common().epoch.0, 1 + 3 * 100);
}
