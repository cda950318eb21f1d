//! `segue load`: arguments into a plan, a run, its result on stdout and in files.

use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, ValueEnum};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::{complain, say};
use crate::load::customers::Mix;
use crate::load::faults::{Fault, read};
use crate::load::plan::{Behaviour, Place, Plan, Shape, Staff};
use crate::load::report::{html, text};
use crate::load::soak::{SHARE, SoakPlan};
use crate::load::spelled::{rates, share, time};
use crate::load::{LoadError, course, process};

/// What the command is for, at length.
pub const ABOUT: &str = "\
Sends messages of customers as their providers would, signed, at a rate of its own: a Poisson process, kept to whatever
the server does. Every latency counts from the moment at which a message was meant to be sent, so waiting in line is in
it. It plays the providers, the model and the agents too, and checks that nothing is lost, repeated, or said by the AI
after a person has claimed. It ends by itself; Ctrl-C (or SIGTERM) ends it early and reports what was measured so far.

Without --target and --config it starts a server of its own, with temporary data, and removes both at the end:
  segue load --rate 200 --duration 30s --report load.html
  segue load --rate 100,200,400 --duration 20s
  segue load --find-max --p99 50ms
  segue load --rate 500 --soak 20m --faults model,providers,agents,kill
  segue load --find-max --soak 20m          # at 70 % of the highest rate that was found

Against a running server it needs that server's configuration, for the names and secrets of its channels. Point its
channels (api_base_url, callback_url) and its model (provider = \"openai\", base_url = \"http://ADDR/v1\") at the address
given with --provider-listen; agents are added through its data directory and removed afterwards:
  segue load --config segue.toml --target http://127.0.0.1:8080 --provider-listen 127.0.0.1:4010 --rate 100

TIME is 30 or 30s, 250ms, 5m. SHARE is 5% or 0.05.
Exit code: 0 fine, 1 something is wrong (too many errors, something lost or repeated, the objective missed), 2 wrong usage.";

/// Put a server under load and measure it.
#[derive(Args, Debug)]
pub struct LoadArguments {
    /// The running server; only of this machine. Without it: where the configuration says that it listens.
    #[arg(long, value_name = "URL", help_heading = "Where to")]
    target: Option<String>,
    /// The configuration of the running server. Neither this nor --target: a server of its own is started.
    #[arg(long, value_name = "FILE", help_heading = "Where to")]
    config: Option<PathBuf>,
    /// Where the built-in providers and model listen for a running server. Without it only webhooks are measured.
    #[arg(long, value_name = "ADDR", help_heading = "Where to")]
    provider_listen: Option<SocketAddr>,
    /// Only these channels, by name; all unless given.
    #[arg(
        long,
        value_name = "NAME,…",
        value_delimiter = ',',
        help_heading = "Where to"
    )]
    channels: Vec<String>,
    /// Load another machine. Make sure that it is yours.
    #[arg(long, help_heading = "Where to")]
    allow_remote: bool,
    /// Where the server of its own keeps its data; the system's temporary directory unless given.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["target", "config"], help_heading = "Where to")]
    data: Option<PathBuf>,
    /// The server of its own answers from its sample knowledge and not from the built-in model.
    #[arg(long, conflicts_with_all = ["target", "config"], help_heading = "Where to")]
    offline: bool,

    /// Messages per second; several, separated by commas, are steps one after the other [default: 50; with --find-max: where to begin, 25]
    #[arg(long, value_name = "N,…", value_parser = rates_of, help_heading = "How much")]
    rate: Option<Rates>,
    /// How long it lasts, each step of several: 30, 30s, 5m.
    #[arg(long, visible_alias = "step-for", value_name = "TIME", value_parser = time, default_value = "20s", help_heading = "How much")]
    duration: Duration,
    /// The same rate before each step, not measured.
    #[arg(long, value_name = "TIME", value_parser = time, default_value = "3s", help_heading = "How much")]
    warm_up: Duration,
    /// How long answers are waited for at the end, at most.
    #[arg(long, value_name = "TIME", value_parser = time, default_value = "30s", help_heading = "How much")]
    drain: Duration,
    /// Webhooks under way at once; more wait in line, up to 10,000, and then count as not sent.
    #[arg(
        long,
        value_name = "N",
        default_value_t = 256,
        help_heading = "How much"
    )]
    connections: usize,
    /// Find the highest rate that keeps --p99: doubles, then halves the interval; --duration is that of one trial.
    #[arg(long, help_heading = "How much")]
    find_max: bool,
    /// The objective of --find-max: 99 % of the webhooks are acknowledged within it, at most 0.1 % fail, and 98 % are done in time.
    #[arg(long, value_name = "TIME", value_parser = time, default_value = "50ms", requires = "find_max", help_heading = "How much")]
    p99: Duration,
    /// A soak: this long at one rate (--rate, or a share of what --find-max finds) with faults sprinkled; the report has memory and latency by the minute.
    #[arg(long, value_name = "TIME", value_parser = time, help_heading = "How much")]
    soak: Option<Duration>,
    /// The rate of a soak after --find-max, as a share of what was found.
    #[arg(long, value_name = "SHARE", value_parser = share, default_value_t = SHARE, requires = "soak", help_heading = "How much")]
    soak_share: f64,
    /// What goes wrong in a soak, in spells: model, providers, agents (they go away), kill (kill -9 and a new start; only a server of its own); or none.
    #[arg(long, value_name = "FAULT,…", value_parser = faults_of, default_value = "model,providers,agents", requires = "soak", help_heading = "How much")]
    faults: Faults,
    /// The share of messages that may be refused, fail or not be sent before the exit code is 1.
    #[arg(long, value_name = "SHARE", value_parser = share, default_value = "1%", help_heading = "How much")]
    max_errors: f64,

    /// Customers there are.
    #[arg(
        long,
        value_name = "N",
        default_value_t = 100_000,
        help_heading = "Who writes"
    )]
    conversations: u64,
    /// Of them, with a conversation going on at any moment [default: 1000, or all if there are fewer]
    #[arg(long, value_name = "N", help_heading = "Who writes")]
    active: Option<u64>,
    /// Messages of a customer in one conversation, on average.
    #[arg(
        long,
        value_name = "N",
        default_value_t = 5.0,
        help_heading = "Who writes"
    )]
    messages: f64,
    /// The share of conversations in which the customer asks for a person.
    #[arg(long, value_name = "SHARE", value_parser = share, default_value = "10%", help_heading = "Who writes")]
    handoffs: f64,
    /// The share of messages that are followed by more of the same customer at once.
    #[arg(long, value_name = "SHARE", value_parser = share, default_value = "10%", help_heading = "Who writes")]
    bursts: f64,
    /// Messages of a burst.
    #[arg(
        long,
        value_name = "N",
        default_value_t = 3,
        help_heading = "Who writes"
    )]
    burst_size: u32,
    /// What all chance comes from; the same seed is the same course.
    #[arg(
        long,
        value_name = "N",
        default_value_t = 1,
        help_heading = "Who writes"
    )]
    seed: u64,

    /// Agents who claim and reply; 0: nobody [default: as many as the rate needs]
    #[arg(long, value_name = "N", help_heading = "Who answers")]
    agents: Option<usize>,
    /// How long an agent thinks before each act, on average.
    #[arg(long, value_name = "TIME", value_parser = time, default_value = "1s", help_heading = "Who answers")]
    think: Duration,
    /// The share of conversations that an agent resolves; the others are handed back to the AI.
    #[arg(long, value_name = "SHARE", value_parser = share, default_value = "50%", help_heading = "Who answers")]
    resolve: f64,
    /// How long the built-in model takes: half of it always, the rest by chance.
    #[arg(long, value_name = "TIME", value_parser = time, default_value = "300ms", help_heading = "Who answers")]
    model_latency: Duration,
    /// The share of calls to the model that fail.
    #[arg(long, value_name = "SHARE", value_parser = share, default_value = "0", help_heading = "Who answers")]
    model_errors: f64,
    /// How long the built-in providers take to accept a message: half of it always, the rest by chance.
    #[arg(long, value_name = "TIME", value_parser = time, default_value = "20ms", help_heading = "Who answers")]
    provider_latency: Duration,
    /// The share of messages that the providers refuse for the moment.
    #[arg(long, value_name = "SHARE", value_parser = share, default_value = "0", help_heading = "Who answers")]
    provider_errors: f64,
    /// The share of messages whose delivery the providers report, as `sent` and as `delivered`: webhooks on top of the rate.
    #[arg(long, value_name = "SHARE", value_parser = share, default_value = "100%", help_heading = "Who answers")]
    receipts: f64,

    /// What is printed at the end.
    #[arg(long, value_enum, default_value_t = Format::Text, help_heading = "The result")]
    format: Format,
    /// Also write one page with plots, which loads nothing from anywhere.
    #[arg(long, value_name = "FILE.html", help_heading = "The result")]
    report: Option<PathBuf>,
}

/// What is printed at the end.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Format {
    /// Tables.
    Text,
    /// One JSON object.
    Json,
}

/// Rates; a type of its own, so that a comma does not make several arguments.
#[derive(Clone, Debug)]
struct Rates(Vec<f64>);

fn rates_of(text: &str) -> Result<Rates, String> {
    rates(text).map(Rates)
}

/// Faults, for the same reason.
#[derive(Clone, Debug)]
struct Faults(Vec<Fault>);

fn faults_of(text: &str) -> Result<Faults, String> {
    read(text).map(Faults)
}

/// Runs it. Exit 0, 1 or 2.
pub fn run(arguments: &LoadArguments) -> ExitCode {
    let plan = match plan(arguments) {
        Ok(plan) => plan,
        Err(fault) => return failed(&fault),
    };
    if let Err(fault) = plan.check() {
        return failed(&fault);
    }
    // Before anything is measured: twenty minutes later it would be too late.
    if let Some(path) = &arguments.report
        && let Err(fault) = File::options().create(true).append(true).open(path)
    {
        return unwritable(path, &fault);
    }
    let stop = CancellationToken::new();
    listen(&stop);
    let report = match course::run(&plan, &stop) {
        Ok(report) => report,
        Err(fault) => return failed(&fault),
    };
    let said = tell(arguments.format, &report);
    if let Some(path) = &arguments.report
        && let Err(fault) = std::fs::write(path, html::write(&report))
    {
        return unwritable(path, &fault);
    }
    match (report.passed, said) {
        (true, Ok(())) => ExitCode::SUCCESS,
        (true, Err(code)) => code,
        (false, Ok(()) | Err(_)) => ExitCode::FAILURE,
    }
}

fn unwritable(path: &Path, fault: &std::io::Error) -> ExitCode {
    complain(
        &format!("`{}` cannot be written: {fault}", path.display()),
        "name another file with --report",
    );
    ExitCode::FAILURE
}

fn failed(fault: &LoadError) -> ExitCode {
    complain(&fault.what, &fault.mend);
    match fault.usage {
        true => ExitCode::from(2),
        false => ExitCode::FAILURE,
    }
}

fn tell(format: Format, report: &crate::load::report::Report) -> Result<(), ExitCode> {
    match format {
        Format::Text => say(&text::write(report)),
        Format::Json => {
            let json = serde_json::to_string_pretty(report);
            say(&format!("{}\n", json.expect("numbers and texts are JSON")))
        }
    }
}

/// Ctrl-C, SIGTERM and a terminal that is closed end the run early; what follows then is bounded by seconds. A load that
/// were just ended by them would leave its server running, or its people behind.
fn listen(stop: &CancellationToken) {
    let stop = stop.clone();
    let wait = move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        let Ok(runtime) = runtime else { return };
        if runtime.block_on(told_to_end()).is_ok() {
            stop.cancel();
        }
    };
    // Without it these signals do what they always do.
    let _thread = std::thread::Builder::new()
        .name("load-signal".to_owned())
        .spawn(wait);
}

async fn told_to_end() -> std::io::Result<()> {
    let mut terminated = signal(SignalKind::terminate())?;
    // Under `nohup` a closed terminal is to change nothing, and a handler would.
    let mut hung_up = match process::ignores_hangup() {
        true => None,
        false => Some(signal(SignalKind::hangup())?),
    };
    let left = async {
        match &mut hung_up {
            Some(hung_up) => hung_up.recv().await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        told = tokio::signal::ctrl_c() => told?,
        _told = terminated.recv() => {}
        _told = left => {}
    }
    Ok(())
}

fn plan(arguments: &LoadArguments) -> Result<Plan, LoadError> {
    let all = arguments;
    let place = match (&all.target, &all.config) {
        (None, None) => Place::Own {
            offline: all.offline,
            data: all.data.clone(),
        },
        (Some(_), None) => {
            return Err(LoadError::usage(
                "a running server's webhooks are signed, and its secrets are not known",
                "name its configuration: --config segue.toml",
            ));
        }
        (url, Some(config)) => Place::Running {
            url: url.clone(),
            config: config.clone(),
            providers: all.provider_listen,
        },
    };
    let rates = all.rate.as_ref().map(|rates| rates.0.clone());
    let shape = match all.find_max {
        true => Shape::Find {
            first: rates
                .and_then(|rates| rates.first().copied())
                .unwrap_or(25.0),
            p99: all.p99,
        },
        false => Shape::Steps(rates.unwrap_or_else(|| vec![50.0])),
    };
    Ok(Plan {
        place,
        shape,
        step: all.duration,
        soak: all.soak.map(|long| SoakPlan {
            long,
            share: all.soak_share,
            faults: all.faults.0.clone(),
        }),
        warm_up: all.warm_up,
        drain: all.drain,
        mix: Mix {
            conversations: all.conversations,
            active: all.active.unwrap_or_else(|| all.conversations.min(1_000)),
            messages: all.messages,
            handoffs: all.handoffs,
            bursts: all.bursts,
            burst_size: all.burst_size,
        },
        connections: all.connections,
        staff: Staff {
            count: all.agents,
            think: all.think,
            resolve: all.resolve,
        },
        providers: Behaviour {
            latency: all.provider_latency,
            errors: all.provider_errors,
        },
        model: Behaviour {
            latency: all.model_latency,
            errors: all.model_errors,
        },
        receipts: all.receipts,
        channels: all.channels.clone(),
        seed: all.seed,
        allow_remote: all.allow_remote,
        errors_max: all.max_errors,
    })
}
