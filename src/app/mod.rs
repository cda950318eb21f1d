//! The only place that knows every room: builds them, wires them, starts and stops them. No logic of its own.

mod audit;
mod build;
mod crowds;
mod follow;
mod insight;
mod ledger;
mod media;
mod observers;
mod offers;
mod pulse;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::signal::unix::Signal;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::clock::{Clock, SystemClock};
use crate::config::Config;
use crate::desk::Desk;
use crate::http::{Doors, Limits, listen, ops};
use crate::metrics::{Metrics, Sight};
use crate::model::Service;
use crate::runtime::{Hub, Router, Runtime, Wheel};
use crate::store::media::Shelf;
use crate::store::{LoadError, OpenError, Recovered, Store};

use self::audit::Audit;
use self::follow::Follower;
use self::insight::Insight;
use self::observers::Observers;
use self::pulse::Pulse;

pub use self::build::BuildError;

/// How long a stop may take before it is cut short.
const STOP_WITHIN: Duration = Duration::from_secs(20);
/// How long open web chats have to hear that the house restarts.
const GOODBYE_WITHIN: Duration = Duration::from_secs(1);
/// How often the figures are tidied up.
const UPKEEP_EVERY: Duration = Duration::from_secs(5);
/// A step of the wall clock against the monotonic one above this is alarmed, in milliseconds.
const DRIFT_MAX_MS: i64 = 5_000;

/// Why Segue could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The data directory cannot be opened.
    #[error("the data directory `{dir}` cannot be opened: {fault}")]
    Store {
        /// Which.
        dir: String,
        /// Why.
        fault: OpenError,
    },
    /// An address cannot be listened on.
    #[error("cannot listen on {address}: {fault}")]
    Listen {
        /// Which.
        address: SocketAddr,
        /// Why.
        fault: std::io::Error,
    },
    /// A part cannot be built from the configuration.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// What is in the store cannot be read.
    #[error("the store cannot be read: {0}")]
    Unread(String),
    /// The control socket cannot be made.
    #[error("the control socket cannot be made: {0}")]
    Control(std::io::Error),
    /// The actor tree cannot be grown.
    #[error("the actors cannot be started: {0}")]
    Actors(String),
}

/// A running Segue.
pub struct App {
    doors: Doors,
    model: Arc<Service>,
    config: Config,
    metrics: Arc<Metrics>,
    recovered: Recovered,
    public: SocketAddr,
    ops: SocketAddr,
    stop: CancellationToken,
    tasks: Vec<JoinHandle<()>>,
    broken: CancellationToken,
}

impl App {
    /// Opens the store, wires the rooms, binds the listeners and takes up what is due.
    ///
    /// # Errors
    /// [`StartError`]; nothing is left running then.
    pub async fn start(config: Config) -> Result<Self, StartError> {
        let clock = Arc::new(SystemClock::start());
        let metrics = Arc::new(Metrics::new(&build::metric_names(&config)));
        let wheel = Wheel::new(Arc::clone(&clock) as Arc<dyn Clock>);
        let observers = Arc::new(Observers::new(wheel.clone(), Arc::clone(&metrics)));
        let broken = CancellationToken::new();
        let (store, recovered) = open_store(&config, &clock, &observers, &broken).await?;
        let desk = Desk::open(&store, Arc::clone(&clock) as Arc<dyn Clock>).map_err(unread)?;
        observers.watch(desk.feed().clone());
        observers.begin_with(build::held_by_ai(&store).map_err(unread)?);
        observers
            .ledger()
            .begin_with(build::with_people(&desk, &metrics));
        // Bound before the rest is built: a port that is taken must not cost a half-started process.
        let public = bind(config.server.listen)?;
        let ops = bind(config.server.ops_listen)?;
        let addresses = (
            address(&public, config.server.listen),
            address(&ops, config.server.ops_listen),
        );
        let (doors, model) =
            wire(&config, addresses.0, (store, desk, wheel), &clock, &metrics).await?;
        let stop = CancellationToken::new();
        let control = crate::control::listen(&config.storage.data_dir, doors.clone(), stop.clone());
        let mut tasks = vec![control.await.map_err(StartError::Control)?];
        doors.runtime.router().start();
        crate::http::departed::let_go_of_all(&doors).await;
        let (audit, pulse) = (
            Arc::new(Audit::default()),
            Arc::new(Pulse::of_this_runtime()),
        );
        let insight = Insight {
            doors: doors.clone(),
            observers,
            recovered,
            audit: Arc::clone(&audit),
            pulse: Arc::clone(&pulse),
        };
        tasks.extend(serve((public, ops), &doors, insight, &stop));
        tasks.push(tokio::spawn(upkeep(
            Arc::clone(&metrics),
            clock,
            pulse,
            stop.clone(),
        )));
        tasks.push(tokio::spawn(audit::run(doors.clone(), audit, stop.clone())));
        tasks.push(tokio::spawn(offers::run(doors.clone(), stop.clone())));
        tasks.push(tokio::spawn(crowds::run(doors.clone(), stop.clone())));
        tasks.push(tokio::spawn(media::run(doors.clone(), stop.clone())));
        Ok(Self {
            doors,
            model,
            config,
            metrics,
            recovered,
            public: addresses.0,
            ops: addresses.1,
            stop,
            tasks,
            broken,
        })
    }

    /// Follows changes of the configuration at `path` and of the knowledge from now on, and reads both again on
    /// `hangup`.
    pub fn follow(&mut self, path: Option<PathBuf>, hangup: Signal) {
        let follower = Follower {
            doors: self.doors.clone(),
            model: Arc::clone(&self.model),
            config: self.config.clone(),
            path,
        };
        let following = follower.run(hangup, self.stop.clone());
        self.tasks.push(tokio::spawn(following));
    }

    /// Where customers, agents and providers knock.
    pub fn public_address(&self) -> SocketAddr {
        self.public
    }

    /// Where figures and health are.
    pub fn ops_address(&self) -> SocketAddr {
        self.ops
    }

    /// What the rooms offer.
    pub fn doors(&self) -> &Doors {
        &self.doors
    }

    /// The figures.
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// What was found in the store.
    pub fn recovered(&self) -> Recovered {
        self.recovered
    }

    /// Resolves when the disk has failed and the process must end.
    pub async fn broken(&self) {
        self.broken.cancelled().await;
    }

    /// Closes the listeners, finishes what was accepted, applies what is committed, closes the files. Bounded in time:
    /// whatever does not finish is on disk and is taken up by the next start.
    pub async fn stop(self) {
        let router = self.doors.runtime.router().clone();
        router.begin_stop();
        self.stop.cancel();
        // The listener does not wait for them: a socket is none of its connections any more.
        let sockets = self.doors.limits.sockets.clone();
        sockets.close();
        let _all_told = tokio::time::timeout(GOODBYE_WITHIN, sockets.wait()).await;
        for task in self.tasks {
            let _ended = tokio::time::timeout(STOP_WITHIN, task).await;
        }
        router.stop(STOP_WITHIN / 4).await;
        let store = self.doors.runtime.store().clone();
        let closing = tokio::task::spawn_blocking(move || store.shutdown(STOP_WITHIN / 4));
        if let Ok(left) = closing.await {
            tracing::info!(left, "the store is closed");
        }
    }
}

fn unread(fault: LoadError) -> StartError {
    StartError::Unread(fault.to_string())
}

/// From the opened store to the doors that every listener uses. Nothing runs yet.
async fn wire(
    config: &Config,
    public: SocketAddr,
    (store, desk, wheel): (Store, Desk, Wheel),
    clock: &Arc<SystemClock>,
    metrics: &Arc<Metrics>,
) -> Result<(Doors, Arc<Service>), StartError> {
    let public_url = build::public_url(config, public);
    let performer = build::performer(config, &public_url, Arc::clone(metrics))?;
    let (channels, model) = (performer.shared_channels(), performer.shared_model());
    let parts = crate::runtime::Parts {
        policy: build::policy(config, &store, &desk).map_err(unread)?,
        store,
        clock: Arc::clone(clock) as Arc<dyn Clock>,
        performer,
        wheel,
        hub: Hub::default(),
        in_flight_max: config.server.max_in_flight,
        idle_after: build::idle_after(),
        metrics: Arc::clone(metrics),
        step: crate::conversation::Conversation::decide,
    };
    let router = Router::new(parts)
        .await
        .map_err(|fault| StartError::Actors(fault.to_string()))?;
    let doors = Doors {
        runtime: Runtime::new(router),
        desk,
        channels,
        limits: Arc::new(Limits {
            public_url,
            proxies: crate::http::forwarded::Proxies::new(config.server.trusted_proxies.clone()),
            body_bytes_max: config.server.body_limit_bytes,
            bodies: crate::http::body::Budget::default(),
            sockets: tokio_util::task::TaskTracker::new(),
            chat_origins: build::chat_origins(config),
            chat_upload_bytes: build::chat_upload_bytes(config),
            staff_uploads: Arc::new(tokio::sync::Semaphore::new(crate::http::STAFF_UPLOADS_MAX)),
        }),
        metrics: Arc::clone(metrics),
        rates: Arc::new(build::rates(config, Arc::clone(metrics))),
        media: open_shelf(config).await?,
    };
    Ok((doors, model))
}

/// Both listeners, until `stop`.
fn serve(
    (public, ops): (TcpListener, TcpListener),
    doors: &Doors,
    insight: Insight,
    stop: &CancellationToken,
) -> [JoinHandle<()>; 2] {
    let routes = crate::http::routes(doors.clone());
    let insight = Arc::new(insight);
    let watched = ops::router(ops::Ops {
        metrics: Arc::clone(&doors.metrics),
        sight: Arc::clone(&insight) as Arc<dyn Sight>,
        readiness: insight,
    });
    let (long, short) = (STOP_WITHIN / 2, Duration::from_secs(1));
    [
        tokio::spawn(listen::serve_behind(
            doors.limits.proxies.clone(),
            public,
            routes,
            stop.clone(),
            long,
        )),
        tokio::spawn(listen::serve(ops, watched, stop.clone(), short)),
    ]
}

async fn open_store(
    config: &Config,
    clock: &Arc<SystemClock>,
    observers: &Arc<Observers>,
    broken: &CancellationToken,
) -> Result<(Store, Recovered), StartError> {
    let dir = config.storage.data_dir.clone();
    let broken = broken.clone();
    let options = crate::store::Options {
        cache_mb: config.storage.cache_mb,
        retention: config.storage.retention(),
        clock: Arc::clone(clock) as Arc<dyn Clock>,
        on_fatal: Arc::new(move |why| {
            tracing::error!(why, "the disk has failed; the process ends");
            broken.cancel();
        }),
        ..crate::store::Options::default()
    };
    let observer = Arc::clone(observers) as Arc<dyn crate::store::Observer>;
    let opened = tokio::task::spawn_blocking(move || Store::open(&dir, options, observer)).await;
    let opened = opened.map_err(|fault| StartError::Unread(fault.to_string()))?;
    opened.map_err(|fault| StartError::Store {
        dir: config.storage.data_dir.display().to_string(),
        fault,
    })
}

async fn open_shelf(config: &Config) -> Result<Shelf, StartError> {
    let dir = config.storage.data_dir.clone();
    let opened = tokio::task::spawn_blocking(move || Shelf::open(&dir)).await;
    let opened = opened.map_err(|fault| StartError::Unread(fault.to_string()))?;
    opened.map_err(|fault| StartError::Unread(format!("the files of customers: {fault}")))
}

fn bind(address: SocketAddr) -> Result<TcpListener, StartError> {
    listen::bind(address).map_err(|fault| StartError::Listen { address, fault })
}

fn address(listener: &TcpListener, asked: SocketAddr) -> SocketAddr {
    listener.local_addr().unwrap_or(asked)
}

async fn upkeep(
    metrics: Arc<Metrics>,
    clock: Arc<SystemClock>,
    pulse: Arc<Pulse>,
    stop: CancellationToken,
) {
    let mut drift = clock.drift();
    while !stop.is_cancelled() {
        let _either = tokio::time::timeout(UPKEEP_EVERY, stop.cancelled()).await;
        metrics.run_upkeep();
        pulse.beat();
        let now = clock.drift();
        if (now - drift).abs() > DRIFT_MAX_MS {
            metrics.clock_stepped();
            tracing::error!(
                by_ms = now - drift,
                "the system's clock was moved; deadlines follow the monotonic clock"
            );
            drift = now;
        }
    }
}
