//! `kill -9` at random moments, under full load, again and again: nothing acknowledged is lost, nothing is taken twice,
//! what was promised happens, and what may have gone out twice is marked.
//!
//! The real binary is driven over HTTP by customers whose provider repeats what was not answered, and looked at after
//! every kill through a copy of its data directory. `SEGUE_SEED` repeats a run, `SEGUE_KILLS` makes it longer.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "an audit looks for a few facts among many"
)]

#[path = "world/app.rs"]
mod app;
#[path = "world/chance.rs"]
mod chance;
#[path = "world/customer.rs"]
mod customer;
#[path = "world/house.rs"]
mod house;
#[path = "world/provider.rs"]
mod provider;
#[path = "world/records.rs"]
mod records;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use segue::clock::{Clock, SystemClock, Timestamp, monotonic};
use segue::conversation::trail::{Entry, Fact};
use segue::conversation::words::{MessageState, ModeName};
use segue::ids::{ConversationId, EffectId};
use tempfile::TempDir;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use self::chance::Chance;
use self::customer::Line;
use self::house::House;
use self::provider::{Pace, Provider};
use self::records::Records;

const KILLS: usize = 22;
/// Connections, and customers of each at the beginning; with every kill each gets one more.
const CONNECTIONS: usize = 8;
const CUSTOMERS: usize = 6;
/// A released message without an outcome is repeated after 30 s: what the last kill left in doubt is settled by then.
const DOUBT_IS_OVER: Duration = Duration::from_secs(33);
/// Once nothing has been sent for so long, nothing more will be.
const QUIET: Duration = Duration::from_secs(3);
/// How late a step of the ladder may come, in time that the process was up.
const LATE_MAX: Duration = Duration::from_secs(2);

fn configuration(dir: &Path, port: u16, provider: &str) {
    let text = format!(
        r#"
        [server]
        listen = "127.0.0.1:{port}"
        ops_listen = "127.0.0.1:0"
        [storage]
        data_dir = "data"
        cache_mb = 32
        {}
        [channels.gate]
        kind = "http"
        token = "gate-token"
        callback_url = "{provider}/callback"
        callback_secret = "gate-secret"
        [queues.support]
        claim_within = "2s"
        ladder = [{{ after = "2s", do = "notify" }}, {{ after = "4s", do = "apologise" }}]
        [log]
        level = "warn"
        "#,
        channel(provider),
    );
    fs::write(dir.join("segue.toml"), text).expect("written");
}

fn channel(provider: &str) -> String {
    format!(
        r#"
        [channels.sms]
        kind = "twilio"
        account_sid = "AC00000000000000000000000000000000"
        auth_token = "{}"
        from = "{}"
        api_base_url = "{provider}"
        burst = {{ quiet_ms = 15, max_ms = 120 }}
        "#,
        customer::AUTH_TOKEN,
        customer::OURS,
    )
}

/// A customer: which channel, which address.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Customer(usize);

impl Customer {
    fn on_gate(self) -> bool {
        self.0 % 6 == 5
    }

    fn channel(self) -> &'static str {
        if self.on_gate() { "gate" } else { "sms" }
    }

    fn address(self) -> String {
        if self.on_gate() {
            format!("guest-{}", self.0)
        } else {
            format!("+1700{:07}", self.0)
        }
    }

    /// The id of the customer's message `n`, as the provider numbers it.
    fn message(self, n: u64) -> String {
        format!("SM{:04}x{n:06}", self.0)
    }

    fn text(self, n: u64) -> String {
        match (self.0 as u64 + n) % 17 {
            3 => format!("I want to talk to a human please ({n})"),
            8 => format!("¿A qué hora abren? ({n})"),
            _ => format!("What are your opening hours? ({n})"),
        }
    }
}

/// How far a customer is: messages that were posted, and of those the ones answered 2xx. Numbered from 1, one at a time.
#[derive(Clone, Copy, Default)]
struct Progress {
    posted: u64,
    accepted: u64,
}

/// What the customers know.
#[derive(Default)]
struct Book {
    progress: Mutex<Vec<Progress>>,
    repeated: Mutex<u64>,
}

impl Book {
    fn with<T>(&self, look: impl FnOnce(&mut Vec<Progress>) -> T) -> T {
        look(&mut self.progress.lock().expect("no panic"))
    }

    fn more_customers(&self, many: usize) {
        self.with(|all| all.resize(all.len() + many, Progress::default()));
    }

    fn progress(&self) -> Vec<Progress> {
        self.with(|all| all.clone())
    }
}

/// Posts a message once. True: 2xx.
async fn post(line: &Line, customer: Customer, n: u64) -> bool {
    let (id, text) = (customer.message(n), customer.text(n));
    let status = if customer.on_gate() {
        let body = serde_json::json!({ "channel": "gate", "from": customer.address(), "id": id, "text": text });
        let url = format!("{}/api/v1/messages", line.base);
        let request = line.client.post(url).bearer_auth("gate-token").json(&body);
        request.send().await.map(|response| response.status())
    } else {
        let form = Line::form(&id, &customer.address(), &text);
        let answered = line.post("/webhooks/sms", &form).await;
        answered.map(|response| response.status())
    };
    match status {
        Ok(status) if status.is_success() => true,
        Ok(status) if matches!(status.as_u16(), 429 | 503) => false,
        Ok(status) => panic!("{id} was answered {status}"),
        Err(_cut_off) => false,
    }
}

/// Writes for the customers of one connection, as fast as answers come, until told to stop. What is not answered 2xx
/// is posted again under the same id; one in ten is repeated on purpose, half of those at the same time.
async fn write(
    connection: usize,
    line: Line,
    book: Arc<Book>,
    mut chance: Chance,
    stop: CancellationToken,
) {
    while !stop.is_cancelled() {
        let customers = book.with(|all| all.len()) / CONNECTIONS;
        // The newest are the likeliest: older ones may be stuck behind a message in doubt.
        let newest = customers as u64
            - chance
                .below(customers as u64)
                .min(chance.below(customers as u64))
            - 1;
        let customer = Customer(newest as usize * CONNECTIONS + connection);
        let n = book.with(|all| {
            all[customer.0].posted += 1;
            all[customer.0].posted
        });
        let twice = chance.once_in(20);
        loop {
            let first = post(&line, customer, n);
            let accepted = if twice {
                let (one, other) = tokio::join!(first, post(&line, customer, n));
                one || other
            } else {
                first.await
            };
            if accepted {
                break;
            }
            tokio::time::sleep(chance.millis(5, 25)).await;
        }
        book.with(|all| all[customer.0].accepted = n);
        let again = chance.once_in(20);
        if again {
            post(&line, customer, 1 + chance.below(n)).await;
        }
        *book.repeated.lock().expect("no panic") += u64::from(twice) + u64::from(again);
    }
}

/// Reports every other delivery, as the provider does: once, whether or not anybody listens.
async fn report(provider: Provider, line: Line, stop: CancellationToken) {
    let mut reported = 0;
    while !stop.is_cancelled() {
        tokio::time::sleep(Duration::from_millis(30)).await;
        let taken = provider.taken();
        for taken in taken[reported..]
            .iter()
            .filter(|taken| taken.effect.0 % 2 == 0)
        {
            let Some(path) = taken.status_url.strip_prefix(&line.base) else {
                continue;
            };
            let form = delivered(taken.conversation, taken.effect);
            let _whatever_comes_of_it = line.post(path, &form).await;
        }
        reported = taken.len();
    }
}

fn delivered(conversation: ConversationId, effect: EffectId) -> String {
    form_urlencoded::Serializer::new(String::new())
        .append_pair("MessageSid", &format!("SM{conversation}{effect}"))
        .append_pair("MessageStatus", "delivered")
        .append_pair("From", customer::OURS)
        .append_pair("To", "+17000000000")
        .finish()
}

/// When the process took requests: from its being ready to its end.
type Uptime = Vec<(Timestamp, Timestamp)>;

/// How much of the time between the two the process was up.
fn up_between(uptime: &Uptime, from: Timestamp, to: Timestamp) -> Duration {
    let spans = uptime
        .iter()
        .map(|(ready, end)| (*end).min(to).since((*ready).max(from)));
    spans.sum()
}

/// What one look at the disk found.
#[derive(Default, Debug)]
struct Found {
    messages: usize,
    answers: usize,
    handoffs: usize,
    in_doubt: usize,
}

/// What must hold after every kill.
fn audit(records: &Records, progress: &[Progress], provider: &Provider) -> Found {
    let taken: BTreeSet<(ConversationId, EffectId)> = provider
        .taken()
        .iter()
        .map(|taken| (taken.conversation, taken.effect))
        .collect();
    let mut found = Found::default();
    for (at, progress) in progress.iter().enumerate() {
        let customer = Customer(at);
        let id = records.id(customer.channel(), &customer.address());
        let trail = records.trail(id);
        let numbers = trail.iter().map(|entry| entry.n);
        assert!(
            numbers.eq(0..trail.len() as u64),
            "{customer:?}: the trail has gaps"
        );
        let written: Vec<&str> = trail.iter().filter_map(written).collect();
        let expected: Vec<String> = (1..=written.len() as u64)
            .map(|n| customer.message(n))
            .collect();
        assert_eq!(
            written, expected,
            "{customer:?}: lost, repeated or out of order"
        );
        let kept = written.len() as u64;
        assert!(
            (progress.accepted..=progress.posted).contains(&kept),
            "{customer:?}: {} accepted, {} posted, {kept} on disk",
            progress.accepted,
            progress.posted
        );
        found.messages += written.len();
        for entry in &trail {
            match &entry.fact {
                Fact::Settled {
                    effect,
                    state: MessageState::Sent | MessageState::Delivered,
                    ..
                } => {
                    assert!(
                        taken.contains(&(id, *effect)),
                        "{customer:?}: {effect} is settled and was never sent"
                    );
                }
                Fact::Settled {
                    state: MessageState::InDoubt,
                    ..
                } => found.in_doubt += 1,
                Fact::AiWrote { .. } => found.answers += 1,
                Fact::HandoffRequested { .. } => found.handoffs += 1,
                _whatever_else => {}
            }
        }
    }
    assert_eq!(records.parked(), 0, "nothing here makes a decision panic");
    found
}

fn written(entry: &Entry) -> Option<&str> {
    match &entry.fact {
        Fact::CustomerWrote { id, .. } => Some(id),
        _anything_else => None,
    }
}

/// What must hold once everything has come to rest.
fn audit_at_rest(
    records: &Records,
    customers: usize,
    provider: &Provider,
    uptime: &Uptime,
) -> (usize, Duration) {
    let mut deliveries: HashMap<(ConversationId, EffectId), Vec<String>> = HashMap::new();
    let mut newest: HashMap<ConversationId, EffectId> = HashMap::new();
    for taken in provider.taken() {
        let copies = deliveries
            .entry((taken.conversation, taken.effect))
            .or_default();
        if copies.is_empty() {
            let before = newest.insert(taken.conversation, taken.effect);
            assert!(
                before < Some(taken.effect),
                "{}: {} left after {before:?}",
                taken.conversation,
                taken.effect
            );
        }
        copies.push(taken.text);
    }
    let (mut repeated, mut latest) = (0, Duration::ZERO);
    for customer in (0..customers).map(Customer) {
        let id = records.id(customer.channel(), &customer.address());
        let trail = records.trail(id);
        let Some(head) = records.head(id) else {
            assert!(trail.is_empty(), "{customer:?} has a trail and no head");
            continue;
        };
        assert!(
            head.common().outbox.is_clear(),
            "{customer:?}: {:?}",
            head.common().outbox
        );
        assert_ne!(
            head.mode().name(),
            ModeName::Waiting,
            "{customer:?} waits for ever"
        );
        every_question_was_acted_upon(customer, &trail);
        latest = latest.max(latest_step(customer, &trail, uptime));
        let doubted = every_message_was_settled(customer, &trail);
        for ((_, effect), copies) in deliveries
            .iter()
            .filter(|((of, _), copies)| *of == id && copies.len() > 1)
        {
            repeated += copies.len() - 1;
            assert!(
                doubted.contains(effect),
                "{customer:?}: {effect} went out {} times, unmarked",
                copies.len()
            );
            assert!(
                copies.iter().all(|copy| *copy == copies[0]),
                "{customer:?}: {effect} changed: {copies:?}"
            );
        }
    }
    (repeated, latest)
}

/// Whatever the customer wrote to the AI was followed by an answer, or by the offer or the promise of a person.
fn every_question_was_acted_upon(customer: Customer, trail: &[Entry]) {
    let mut open = None;
    for entry in trail {
        match &entry.fact {
            Fact::CustomerWrote {
                id,
                owner: ModeName::Ai | ModeName::Closed,
                ..
            } => open = Some(id),
            Fact::AiWrote { .. } | Fact::OfferMade { .. } | Fact::HandoffRequested { .. } => {
                open = None;
            }
            _whatever_else => {}
        }
    }
    assert_eq!(open, None, "{customer:?} was not answered");
}

/// How late the latest step of a ladder came, in time that the process was up.
fn latest_step(customer: Customer, trail: &[Entry], uptime: &Uptime) -> Duration {
    let mut deadline = None;
    let mut latest = Duration::ZERO;
    for entry in trail {
        let next = match &entry.fact {
            Fact::HandoffRequested { deadline, .. } | Fact::LadderStepped { deadline, .. } => {
                Some(*deadline)
            }
            Fact::HandoffSettled { .. } => None,
            _whatever_else => continue,
        };
        if let Some(deadline) = deadline {
            let late = up_between(uptime, deadline, entry.at);
            assert!(
                late <= LATE_MAX,
                "{customer:?}: {:?} came {late:?} late",
                entry.fact
            );
            latest = latest.max(late);
        }
        deadline = next;
    }
    assert_eq!(deadline, None, "{customer:?} still waits");
    latest
}

/// Every message to the customer has an outcome; returns those marked as possibly sent twice.
fn every_message_was_settled(customer: Customer, trail: &[Entry]) -> BTreeSet<EffectId> {
    let (mut open, mut doubted) = (BTreeMap::new(), BTreeSet::new());
    for entry in trail {
        match &entry.fact {
            Fact::AiWrote { effect, text, .. } | Fact::SystemWrote { effect, text, .. } => {
                open.insert(*effect, text.clone());
            }
            Fact::Settled { effect, state, .. } => {
                open.remove(effect);
                if *state == MessageState::InDoubt {
                    doubted.insert(*effect);
                }
            }
            _whatever_else => {}
        }
    }
    assert!(
        open.is_empty(),
        "{customer:?}: nobody knows what became of {open:?}"
    );
    doubted
}

/// Everything that a run is about.
struct Siege {
    dir: TempDir,
    provider: Provider,
    line: Line,
    book: Arc<Book>,
    clock: SystemClock,
    uptime: Uptime,
}

impl Siege {
    async fn lay(chance: &mut Chance) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let pace = Pace {
            once_in: 4,
            from: 20,
            to: 250,
        };
        let provider = Provider::start(chance.fork(), pace).await;
        let port = house::free_port();
        configuration(dir.path(), port, &provider.url());
        let book = Arc::new(Book::default());
        book.more_customers(CUSTOMERS * CONNECTIONS);
        Self {
            dir,
            provider,
            line: Line::to(format!("http://127.0.0.1:{port}")),
            book,
            clock: SystemClock::start(),
            uptime: Uptime::new(),
        }
    }

    fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    /// Whoever writes, one for each connection.
    fn writers(&self, chance: &mut Chance, stop: &CancellationToken) -> JoinSet<()> {
        let mut writers = JoinSet::new();
        for at in 0..CONNECTIONS {
            let (line, book) = (self.line.clone(), Arc::clone(&self.book));
            writers.spawn(write(at, line, book, chance.fork(), stop.clone()));
        }
        writers
    }

    /// Starts it, kills it after `patience` and looks at the disk. `blind`: counted from the start of the process,
    /// whether or not it is up by then.
    async fn kill(&mut self, blind: bool, patience: Duration) {
        let wait = blind.then_some(patience);
        let (ready, house) = in_the_way(self.dir.path(), wait, &self.clock).await;
        if !blind {
            tokio::time::sleep(patience).await;
        }
        house.kill9();
        if let Some(ready) = ready {
            self.uptime.push((ready, self.clock.now()));
        }
        let (progress, provider) = (self.book.progress(), self.provider.clone());
        let data = self.data();
        if data.join("journal.redb").exists() {
            let look = move || audit(&Records::copied(&data), &progress, &provider);
            let looked = tokio::task::spawn_blocking(look).await;
            looked.expect("the audit holds");
        }
        self.book.more_customers(CONNECTIONS);
    }

    /// Waits until nothing more is sent, and everything that was in doubt since `killed` is settled.
    async fn rest(&self, killed: Instant) {
        let last = || self.provider.taken().last().map(|last| last.at);
        while killed.elapsed() < DOUBT_IS_OVER || last().is_some_and(|at| at.elapsed() < QUIET) {
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_however_often_it_is_killed() {
    let mut chance = Chance::of_this_run("kill9");
    let kills = std::env::var("SEGUE_KILLS").ok();
    let kills = kills.and_then(|kills| kills.parse().ok()).unwrap_or(KILLS);
    let (mut siege, began) = (Siege::lay(&mut chance).await, monotonic());
    let (written, reported) = (CancellationToken::new(), CancellationToken::new());
    let writers = siege.writers(&mut chance, &written);
    let reporter = report(siege.provider.clone(), siege.line.clone(), reported.clone());
    let reporter = tokio::spawn(reporter);
    for kill in 0..kills {
        siege.kill(kill % 4 == 3, chance.millis(30, 700)).await;
    }
    let killed = monotonic();
    let (ready, house) = in_the_way(siege.dir.path(), None, &siege.clock).await;
    tokio::time::sleep(Duration::from_millis(700)).await;
    written.cancel();
    writers.join_all().await;
    siege.rest(killed).await;
    reported.cancel();
    reporter.await.expect("the reporter ends");
    let ended = house.terminate();
    assert!(ended.success(), "{}", house::said(siege.dir.path()));
    let up = (ready.expect("it was waited for"), siege.clock.now());
    siege.uptime.push(up);
    let progress = siege.book.progress();
    assert!(progress.iter().all(|one| one.accepted == one.posted));
    let records = Records::copied(&siege.data());
    let found = audit(&records, &progress, &siege.provider);
    let customers = progress.len();
    let (repeated, latest) = audit_at_rest(&records, customers, &siege.provider, &siege.uptime);
    eprintln!(
        "kill9: {} messages ({} repeated on purpose) of {customers} customers, {} answers, {} handoffs, {} deliveries; \
         {kills} kills in {:?}; {} in doubt, {repeated} delivered twice; the latest step of a ladder came {latest:?} late",
        found.messages,
        siege.book.repeated.lock().expect("no panic"),
        found.answers,
        found.handoffs,
        siege.provider.taken().len(),
        began.elapsed(),
        found.in_doubt,
    );
    let loud = found.answers > kills && found.handoffs > 0;
    assert!(loud, "{found:?}: the run was too quiet to mean anything");
}

/// Starts it and waits until it is ready, or only for so long.
async fn in_the_way(
    dir: &Path,
    patience: Option<Duration>,
    clock: &SystemClock,
) -> (Option<Timestamp>, House) {
    let dir = dir.to_owned();
    let started = tokio::task::spawn_blocking(move || {
        let house = House::start(&dir);
        let ready = match patience {
            Some(patience) => {
                let until = monotonic() + patience;
                let ready = house.is_ready_within(patience);
                std::thread::sleep(until.saturating_duration_since(monotonic()));
                ready
            }
            None => {
                house.wait_ready(&dir);
                true
            }
        };
        (ready, house)
    });
    let (ready, house) = started.await.expect("it is started");
    (ready.then(|| clock.now()), house)
}

/// Killed while the provider has a message and has not answered: what becomes of it is learnt from the report.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_report_after_the_restart_tells_that_a_message_had_left() {
    let dir = tempfile::tempdir().expect("a directory");
    let (dir, mut chance) = (dir.path(), Chance::of_this_run("report"));
    let pace = Pace {
        once_in: 1,
        from: 20_000,
        to: 20_001,
    };
    let provider = Provider::start(chance.fork(), pace).await;
    let port = house::free_port();
    configuration(dir, port, &provider.url());
    let clock = SystemClock::start();
    let (_, house) = in_the_way(dir, None, &clock).await;
    let line = Line::to(format!("http://127.0.0.1:{port}"));
    let customer = Customer(1);
    assert!(post(&line, customer, 1).await);
    while provider.taken().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    house.kill9();
    let taken = provider.taken().remove(0);
    let app = app::start(dir, &channel(&provider.url())).await;
    let line = Line::to(format!("http://{}", app.public_address()));
    let path = format!(
        "/webhooks/sms/status?c={}&e={}",
        taken.conversation, taken.effect
    );
    let form = delivered(taken.conversation, taken.effect);
    let answered = line.post(&path, &form).await.expect("an answer");
    assert!(answered.status().is_success());
    let trail = app.doors().runtime.trail(taken.conversation, 0, 100).await;
    let states: Vec<MessageState> = trail
        .expect("a trail")
        .iter()
        .filter_map(|entry| match &entry.fact {
            Fact::Settled { effect, state, .. } if *effect == taken.effect => Some(*state),
            _anything_else => None,
        })
        .collect();
    assert_eq!(
        states.last(),
        Some(&MessageState::Delivered),
        "settled by the report, not doubted: {states:?}"
    );
    app.stop().await;
}
