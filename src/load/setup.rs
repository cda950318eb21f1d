//! Sets the scene of a run: the server, its customers' names, the providers, the people, the sender.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::net::TcpListener;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio_util::sync::CancellationToken;

use super::LoadError;
use super::agents;
use super::arrivals::Chance;
use super::book::Book;
use super::customers::Customers;
use super::faults::{Fault, Weather};
use super::hired::Hired;
use super::local::{House, Own, SharedOwn};
use super::pace::{Pacer, Shared};
use super::plan::{BACKLOG_MAX, Place, Plan};
use super::process;
use super::provider::Providers;
use super::sender::Sender;
use super::tabs::{STAY, Tabs};
use super::target::{Base, Target};
use super::wire;
use crate::clock::{Clock as _, SystemClock, monotonic};
use crate::config::{Config, Environment, Provider};
use crate::conversation::words::Role;

/// Everything that is running.
pub struct Scene {
    /// Keeps to the schedule.
    pub pacer: Pacer,
    /// The data directory of the server.
    pub data: PathBuf,
    /// What tells this run from all others.
    pub run: u64,
    /// The people.
    pub hired: Option<Hired>,
    /// The server, if it is ours.
    pub own: Option<SharedOwn>,
    /// Where providers and people live.
    pub runtime: Runtime,
    /// Ends them.
    pub over: CancellationToken,
    /// When it began, RFC 3339.
    pub began: String,
    /// When it began.
    pub begun: Instant,
    /// What has to be known to read the figures.
    pub notes: Vec<String>,
    /// What goes wrong at the moment.
    pub weather: Arc<Weather>,
    /// The providers, where they are listened to.
    pub providers: Option<Arc<Providers>>,
}

fn failed(fault: std::io::Error) -> LoadError {
    LoadError::new(format!("it cannot be set up: {fault}"), "")
}

/// Starts everything that is needed for `plan`; nothing is sent yet.
///
/// # Errors
/// What could not be started. What was, is ended again.
pub fn set(plan: &Plan, stop: &CancellationToken) -> Result<Scene, LoadError> {
    let (runtime, run) = (start_runtime()?, draw_run()?);
    let listener = listener(plan, &runtime)?;
    let address = listener
        .as_ref()
        .and_then(|listener| listener.local_addr().ok());
    let (own, config, base) = server(plan, address, run)?;
    let (target, mut notes) = target(plan, &config, base, address, run)?;
    let data = own
        .as_ref()
        .map_or(&config.storage.data_dir, |own| &own.data)
        .clone();
    let hired = match plan.agents() {
        0 => None,
        count => Some(Hired::hire(&data, Role::Agent, count, run)?),
    };
    if own.is_some() && process::file_system(&data).is_some_and(|kind| kind == "tmpfs") {
        notes.push("the data lay in memory (tmpfs): no disk is in these figures; name a place on one with --data DIR".to_owned());
    }
    let mut chance = Chance::new(plan.seed);
    let (begun, began) = (monotonic(), SystemClock::start().now().rfc3339());
    let listens = listener.is_some();
    let book = Book::new(begun, plan.at_most(), listens, hired.is_some());
    let (target, book): (_, Shared) = (Arc::new(target), Arc::new(Mutex::new(book)));
    let (over, weather) = (CancellationToken::new(), Arc::new(Weather::default()));
    let both = || (Arc::clone(&target), Arc::clone(&book));
    let entered = runtime.enter();
    // The customers' chance comes first: whatever else is there, the same seed is the same customers.
    let (customers, arrivals) = (chance.fork(), chance.fork());
    let providers = listener
        .map(|listener| {
            let ways = (plan, Arc::clone(&weather));
            Providers::start(listener, both(), ways, chance.fork(), over.clone())
        })
        .transpose()?;
    if let Some(hired) = &hired {
        agents::start(
            &hired.tokens,
            both(),
            (plan.staff, Arc::clone(&weather)),
            chance.fork(),
            over.clone(),
        )?;
    }
    let tabs = listens.then(|| Tabs::new(both(), Handle::current(), over.clone()));
    drop(entered);
    let pacer = Pacer {
        customers: Customers::new(plan.mix, customers),
        sender: Sender::start(&target.base, plan.connections, BACKLOG_MAX).map_err(failed)?,
        tabs,
        target,
        book,
        chance: arrivals,
        stop: stop.clone(),
        behind: Duration::ZERO,
    };
    Ok(Scene {
        pacer,
        data,
        run,
        hired,
        own: own.map(|own| Arc::new(Mutex::new(own))),
        runtime,
        over,
        weather,
        began,
        begun,
        notes,
        providers,
    })
}

fn start_runtime() -> Result<Runtime, LoadError> {
    Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("load")
        .enable_all()
        .build()
        .map_err(failed)
}

/// Draws what tells this run from all others.
fn draw_run() -> Result<u64, LoadError> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes)
        .map_err(|_| LoadError::new("the system gives no randomness", ""))?;
    Ok(u64::from_le_bytes(bytes))
}

/// Where providers are listened to, if anywhere.
fn listener(plan: &Plan, runtime: &Runtime) -> Result<Option<TcpListener>, LoadError> {
    let address = match &plan.place {
        Place::Own { .. } => SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        Place::Running {
            providers: Some(address),
            ..
        } => *address,
        Place::Running {
            providers: None, ..
        } => return Ok(None),
    };
    let mend = "another process listens there: choose another --provider-listen";
    let _inside = runtime.enter();
    crate::http::listen::bind(address)
        .map(Some)
        .map_err(|fault| LoadError::new(format!("{address}: {fault}"), mend))
}

/// The server: one of our own, or the one that runs.
fn server(
    plan: &Plan,
    providers: Option<SocketAddr>,
    run: u64,
) -> Result<(Option<Own>, Config, Base), LoadError> {
    let house = |providers, offline| House {
        providers,
        offline,
        hasty: plan.has_fault(Fault::AgentsVanish),
    };
    let (own, path, url) = match &plan.place {
        Place::Own { offline, data } => {
            let providers =
                providers.ok_or_else(|| LoadError::new("there are no providers", ""))?;
            let own = Own::start(data.as_deref(), house(providers, *offline), run)?;
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
        LoadError::usage(
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
    let lines = wire::lines(config, run);
    let mut notes = Vec::new();
    let known: Vec<String> = lines.iter().map(|line| line.name().to_owned()).collect();
    for wanted in &plan.channels {
        if !known.contains(wanted) {
            let what = format!("there is no channel `{wanted}` that can be driven");
            return Err(LoadError::usage(
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
        return Err(LoadError::usage(
            "no channel can be driven",
            "configure one, for instance [channels.web] kind = \"webchat\"",
        ));
    }
    let at = |address: SocketAddr| config.model.base_url.contains(&address.to_string());
    let echoes = config.model.provider == Provider::Openai && providers.is_some_and(at);
    if providers.is_some() && !echoes {
        notes.push("the model is not the built-in one: on Twilio anything but a person's words counts as its answer to all that was asked, and what it says after a claim is not recognised".to_owned());
    }
    if providers.is_none() {
        notes.push(
            "no --provider-listen: only webhooks are measured, nothing is known of answers"
                .to_owned(),
        );
    }
    if providers.is_some() && lines.iter().any(|line| line.kind() == "webchat") {
        notes.push(format!("a customer of the web chat posts, and listens on a socket of their own until {} s after the last that was to come", STAY.as_secs()));
    }
    let gathered = lines.iter().any(|line| line.kind() == "twilio");
    if gathered && providers.is_some() {
        notes.push("AI replies include the time for which a channel gathers what a customer writes at once (`burst`)".to_owned());
    }
    Ok((Target::new(base, lines, echoes, run), notes))
}
