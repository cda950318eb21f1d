//! A run from beginning to end: the server, the people, the steps or the search, coming to rest, the report.
//!
//! Blocks its thread, which is the one that keeps to the schedule; providers and people live on a runtime of their own.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Runtime};
use tokio_util::sync::CancellationToken;

use super::LoadError;
use super::agents::{self, Hired};
use super::arrivals::Chance;
use super::book::Book;
use super::customers::Customers;
use super::find::Search;
use super::local::Own;
use super::pace::{Pacer, Shared, open};
use super::plan::{BACKLOG_MAX, Place, Plan, Shape};
use super::process;
use super::provider::{self, Providers};
use super::report::{self, Cost, Found, Report};
use super::sender::Sender;
use super::target::{Base, Target};
use super::view::View;
use super::wire;
use crate::clock::{Clock as _, SystemClock, monotonic};
use crate::config::{Config, Environment, Provider};

/// What of a step may go wrong and the rate still be kept: one in a thousand.
const KEPT_BAD_MAX: f64 = 0.001;
/// What of a step has to be acknowledged before it is over for the rate to be kept.
const KEPT_DONE_MIN: f64 = 0.98;
/// How long answers are waited for after the run was ended by hand.
const HASTE: Duration = Duration::from_secs(3);
/// The longest rest between two trials of a search.
const REST_MAX: Duration = Duration::from_secs(10);

/// Everything that is running.
struct Stage {
    pacer: Pacer,
    hired: Option<Hired>,
    own: Option<Own>,
    runtime: Runtime,
    /// Ends providers and people.
    over: CancellationToken,
    began: String,
    begun: Instant,
    notes: Vec<String>,
    providers: Option<Arc<Providers>>,
}

/// Runs `plan`. `stop` ends it early.
///
/// # Errors
/// What kept it from beginning. What goes wrong later is in the report.
pub fn run(plan: &Plan, stop: &CancellationToken) -> Result<Report, LoadError> {
    plan.check()?;
    let mut stage = set(plan, stop)?;
    let view = View::start(Arc::clone(&stage.pacer.book), stage.begun, plan.at_most());
    let (kept, found) = match &plan.shape {
        Shape::Steps(rates) => {
            steps(plan, rates, &mut stage.pacer);
            (Vec::new(), None)
        }
        Shape::Find { first, p99 } => find(plan, *first, *p99, &mut stage.pacer),
    };
    rest(
        &stage.pacer,
        if stop.is_cancelled() {
            HASTE
        } else {
            plan.drain
        },
    );
    drop(view);
    let report = tell(plan, &mut stage, &kept, found);
    stage.over.cancel();
    drop(stage.hired.take());
    drop(stage.own.take());
    stage.runtime.shutdown_timeout(Duration::from_secs(2));
    Ok(report)
}

fn set(plan: &Plan, stop: &CancellationToken) -> Result<Stage, LoadError> {
    let failed =
        |fault: std::io::Error| LoadError::new(format!("it cannot be set up: {fault}"), "");
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("load")
        .enable_all()
        .build()
        .map_err(failed)?;
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes)
        .map_err(|_| LoadError::new("the system gives no randomness", ""))?;
    let run = u64::from_le_bytes(bytes);
    let listen = match &plan.place {
        Place::Own { .. } => Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))),
        Place::Running { providers, .. } => *providers,
    };
    let listener = listen.map(|address| {
        let bound = runtime.block_on(provider::bind(address));
        let mend = "another process listens there: choose another --provider-listen";
        bound.map_err(|fault| LoadError::new(format!("{address}: {fault}"), mend))
    });
    let listener = listener.transpose()?;
    let address = listener
        .as_ref()
        .and_then(|listener| listener.local_addr().ok());
    let (own, config, base) = server(plan, address, run)?;
    let (target, mut notes) = target(plan, &config, base, address, run)?;
    let data = own
        .as_ref()
        .map_or(&config.storage.data_dir, |own| &own.data);
    let hired = match plan.agents() {
        0 => None,
        count => Some(Hired::hire(data, count, run)?),
    };
    if own.is_some() && process::file_system(data).is_some_and(|kind| kind == "tmpfs") {
        notes.push("the data lay in memory (tmpfs): no disk is in these figures; name a place on one with --data DIR".to_owned());
    }
    let mut chance = Chance::new(plan.seed);
    let begun = monotonic();
    let book = Book::new(begun, plan.at_most(), listener.is_some(), hired.is_some());
    let book: Shared = Arc::new(Mutex::new(book));
    let (target, over) = (Arc::new(target), CancellationToken::new());
    let both = || (Arc::clone(&target), Arc::clone(&book));
    let entered = runtime.enter();
    let providers = listener.map(|listener| {
        let behaviour = (plan.providers, plan.model);
        Providers::start(listener, both(), behaviour, chance.fork(), over.clone())
    });
    if let Some(hired) = &hired {
        agents::start(
            &hired.tokens,
            both(),
            plan.staff,
            chance.fork(),
            over.clone(),
        )?;
    }
    drop(entered);
    let pacer = Pacer {
        customers: Customers::new(plan.mix, chance.fork()),
        sender: Sender::start(&target.base, plan.connections, BACKLOG_MAX).map_err(failed)?,
        target,
        book,
        chance,
        stop: stop.clone(),
        behind: Duration::ZERO,
    };
    let began = SystemClock::start().now().rfc3339();
    Ok(Stage {
        pacer,
        hired,
        own,
        runtime,
        over,
        began,
        begun,
        notes,
        providers,
    })
}

/// The server: one of our own, or the one that runs.
fn server(
    plan: &Plan,
    providers: Option<SocketAddr>,
    run: u64,
) -> Result<(Option<Own>, Config, Base), LoadError> {
    let (own, path, url) = match &plan.place {
        Place::Own { offline, data } => {
            let providers =
                providers.ok_or_else(|| LoadError::new("there are no providers", ""))?;
            let own = Own::start(data.as_deref(), *offline, providers, run)?;
            let (path, url) = (own.config.clone(), Some(own.url.clone()));
            (Some(own), path, url)
        }
        Place::Running { url, config, .. } => (None, config.clone(), url.clone()),
    };
    let environment = match own {
        Some(_) => Environment::default(),
        None => Environment::of_process(),
    };
    let config = Config::load(Some(&path), &environment).map_err(|faults| {
        LoadError::new(
            faults.to_string(),
            "name the configuration of the running server: --config FILE",
        )
    })?;
    let url = url.unwrap_or_else(|| format!("http://{}", config.server.listen));
    let base = Base::read(&url, plan.allow_remote)?;
    Ok((own, config, base))
}

fn target(
    plan: &Plan,
    config: &Config,
    base: Base,
    providers: Option<SocketAddr>,
    run: u64,
) -> Result<(Target, Vec<String>), LoadError> {
    let (lines, others) = wire::lines(config);
    let mut notes = Vec::new();
    if !others.is_empty() {
        notes.push(format!(
            "not driven, because they have no webhooks: {}",
            others.join(", ")
        ));
    }
    let known: Vec<String> = lines.iter().map(|line| line.name().to_owned()).collect();
    for wanted in &plan.channels {
        if !known.contains(wanted) {
            let what = format!("there is no channel `{wanted}` that can be driven");
            return Err(LoadError::new(
                what,
                format!("one of: {}", known.join(", ")),
            ));
        }
    }
    let wanted =
        |name: &str| plan.channels.is_empty() || plan.channels.iter().any(|one| one == name);
    let lines: Vec<_> = lines
        .into_iter()
        .filter(|line| wanted(line.name()))
        .collect();
    if lines.is_empty() {
        return Err(LoadError::new(
            "no channel can be driven",
            "configure one of kind \"twilio\" or \"http\"",
        ));
    }
    let at = |address: SocketAddr| config.model.base_url.contains(&address.to_string());
    let echoes = config.model.provider == Provider::Openai && providers.is_some_and(at);
    if providers.is_some() && !echoes {
        notes.push("the model is not the built-in one: an answer on Twilio counts for all that the customer had asked".to_owned());
    }
    if providers.is_none() {
        notes.push(
            "no --provider-listen: only webhooks are measured, nothing is known of answers"
                .to_owned(),
        );
    }
    let gathered = lines.iter().any(|line| line.kind() == "twilio");
    if gathered && providers.is_some() {
        notes.push("AI replies include the time for which a channel gathers what a customer writes at once (`burst`)".to_owned());
    }
    Ok((Target::new(base, lines, echoes, run), notes))
}

fn steps(plan: &Plan, rates: &[f64], pacer: &mut Pacer) {
    for rate in rates {
        if !one(plan, *rate, pacer) {
            return;
        }
    }
}

/// Warms up, then measures. False: ended early.
fn one(plan: &Plan, rate: f64, pacer: &mut Pacer) -> bool {
    for (long, warm_up) in [(plan.warm_up, true), (plan.step, false)] {
        if long.is_zero() {
            continue;
        }
        let phase = open(&pacer.book).begin(rate, long, warm_up);
        if !pacer.drive(rate, long, phase) {
            return false;
        }
    }
    true
}

type Kept = Vec<(usize, bool)>;

fn find(plan: &Plan, first: f64, p99: Duration, pacer: &mut Pacer) -> (Kept, Option<Found>) {
    let mut search = Search::new(first, plan.rate_max());
    let mut all = Vec::new();
    while let Some(rate) = search.next() {
        let whole = one(plan, rate, pacer);
        rest(pacer, plan.drain.min(REST_MAX));
        if !whole {
            break;
        }
        let (phase, kept) = {
            let book = open(&pacer.book);
            (book.phase(), keeps(&book, p99))
        };
        all.push((phase, kept));
        search.told(rate, kept);
    }
    let found = Found {
        p99: p99.as_secs_f64() * 1_000.0,
        rate: search.found(),
    };
    (all, Some(found))
}

/// Whether the last phase kept the objective.
fn keeps(book: &Book, p99: Duration) -> bool {
    let Some(phase) = book.tally.phases.last() else {
        return false;
    };
    let offered = phase.counts.offered as f64;
    let took = phase
        .latencies
        .of(super::tally::Stage::Acknowledged)
        .value_at_percentile(99.0);
    let most = u64::try_from(p99.as_micros()).unwrap_or(u64::MAX);
    // Messages still under way at the end are as many as the objective itself allows, however short the step.
    let under_way = phase.rate * p99.as_secs_f64();
    took <= most
        && phase.counts.bad() as f64 <= offered * KEPT_BAD_MAX
        && phase.in_time as f64 + under_way >= offered * KEPT_DONE_MIN
}

/// Waits until nothing is on its way any more, for at most `long`.
fn rest(pacer: &Pacer, long: Duration) {
    let until = monotonic() + long;
    while monotonic() < until {
        let (busy, waiting) = pacer.sender.under_way();
        if busy == 0 && waiting == 0 && open(&pacer.book).at_rest() {
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn tell(plan: &Plan, stage: &mut Stage, kept: &Kept, found: Option<Found>) -> Report {
    let mut book = open(&stage.pacer.book);
    book.give_up();
    let (counts, latencies) = book.tally.measured();
    let verdict = |n: usize| {
        kept.iter()
            .find(|(phase, _)| *phase == n)
            .map(|(_, kept)| *kept)
    };
    let phases = book.tally.phases.iter().enumerate();
    let mut report = Report {
        version: env!("CARGO_PKG_VERSION"),
        began: stage.began.clone(),
        ended_early: stage.pacer.stop.is_cancelled(),
        passed: true,
        problems: Vec::new(),
        notes: std::mem::take(&mut stage.notes),
        settings: settings(
            plan,
            &stage.pacer.target,
            stage.hired.as_ref().map_or(0, |hired| hired.tokens.len()),
        ),
        steps: phases
            .map(|(n, phase)| report::step(phase, verdict(n)))
            .collect(),
        counts,
        stages: report::stages(&latencies),
        checks: book.checks(),
        people: book.people,
        faults: book.faults.clone(),
        series: report::series(&book),
        found,
        server: stage.own.as_ref().and_then(|own| cost(own, &book)),
    };
    drop(book);
    if stage.pacer.behind > Duration::from_millis(20) {
        report.notes.push(format!(
            "the load itself was behind its schedule by up to {}: latencies count that",
            report::show_millis(stage.pacer.behind.as_secs_f64() * 1_000.0)
        ));
    }
    if let Some((asked, heard)) = stage
        .providers
        .as_ref()
        .map(|providers| providers.counted())
    {
        report
            .settings
            .insert("calls to the model", asked.to_string());
        report
            .settings
            .insert("calls to providers", heard.to_string());
    }
    report.problems = problems(plan, &report);
    report.passed = report.problems.is_empty();
    report
}

fn cost(own: &Own, book: &Book) -> Option<Cost> {
    let (cpu, memory) = (process::cpu(own.pid())?, process::memory(own.pid())?);
    let all: u64 = book
        .tally
        .phases
        .iter()
        .map(|phase| phase.counts.acknowledged)
        .sum();
    let mib = |bytes: u64| bytes as f64 / (1024.0 * 1024.0);
    Some(Cost {
        cpu_seconds: cpu.as_secs_f64(),
        cpu_us_per_message: cpu.as_secs_f64() * 1e6 / all.max(1) as f64,
        memory_mib: mib(memory.0),
        memory_max_mib: mib(memory.1),
        file_system: process::file_system(&own.data),
    })
}

fn problems(plan: &Plan, report: &Report) -> Vec<String> {
    let mut problems = Vec::new();
    let checks = &report.checks;
    let mut broken = |count: u64, what: &str| {
        if count > 0 {
            problems.push(format!("{count} {what}"));
        }
    };
    broken(checks.duplicates, "messages reached a provider twice");
    broken(
        checks.ai_after_claim,
        "messages of the AI came after a person had claimed the conversation",
    );
    // Who ended it by hand did not let it come to rest.
    if !report.ended_early {
        broken(checks.lost, "messages were acknowledged and never answered");
        broken(
            checks.lost_handoffs,
            "requests for a person were acknowledged and never seen by the agents",
        );
    }
    match (&plan.shape, &report.found) {
        // Beyond the highest rate things have to go wrong.
        (Shape::Find { .. }, Some(Found { rate: None, .. })) if !report.ended_early => {
            problems.push("not even the lowest rate kept the objective".to_owned());
        }
        (Shape::Find { .. }, _) => {}
        (Shape::Steps(_), _) => {
            let share = report.counts.bad() as f64 / report.counts.offered.max(1) as f64;
            if share > plan.errors_max {
                problems.push(format!(
                    "{:.2} % of the messages were refused, failed or not sent, more than {:.2} %",
                    share * 100.0,
                    plan.errors_max * 100.0
                ));
            }
        }
    }
    if report.counts.acknowledged == 0 {
        problems.push("nothing was acknowledged".to_owned());
    }
    problems
}

fn settings(
    plan: &Plan,
    target: &Target,
    agents: usize,
) -> std::collections::BTreeMap<&'static str, String> {
    let show = crate::config::show;
    let percent = |share: f64| format!("{:.1} %", share * 100.0);
    let lines: Vec<String> = target
        .lines
        .iter()
        .map(|line| format!("{} ({})", line.name(), line.kind()))
        .collect();
    let rate = match &plan.shape {
        Shape::Steps(rates) => {
            let rates: Vec<String> = rates.iter().map(|rate| report::show_rate(*rate)).collect();
            format!("{} messages/s", rates.join(", "))
        }
        Shape::Find { first, p99 } => format!(
            "the highest with p99 ≤ {}, from {}/s",
            show(*p99),
            report::show_rate(*first)
        ),
    };
    let behaviour = |of: super::plan::Behaviour| {
        format!(
            "{} on average, {} fail",
            show(of.latency),
            percent(of.errors)
        )
    };
    std::collections::BTreeMap::from([
        (
            "target",
            match &plan.place {
                Place::Own { .. } => "a server of its own, on this machine".to_owned(),
                Place::Running { .. } => target.base.url.clone(),
            },
        ),
        ("channels", lines.join(", ")),
        ("rate", rate),
        (
            "step",
            format!(
                "{} after {} of warming up",
                show(plan.step),
                show(plan.warm_up)
            ),
        ),
        (
            "customers",
            format!(
                "{}, of them {} at a time",
                plan.mix.conversations, plan.mix.active
            ),
        ),
        (
            "messages per conversation",
            format!("{:.1} on average", plan.mix.messages),
        ),
        (
            "conversations that ask for a person",
            percent(plan.mix.handoffs),
        ),
        (
            "bursts",
            format!(
                "{} of the messages begin one of {}",
                percent(plan.mix.bursts),
                plan.mix.burst_size
            ),
        ),
        (
            "agents",
            format!("{agents}, thinking {} on average", show(plan.staff.think)),
        ),
        ("connections", plan.connections.to_string()),
        ("built-in model", behaviour(plan.model)),
        ("built-in providers", behaviour(plan.providers)),
        ("seed", plan.seed.to_string()),
    ])
}
