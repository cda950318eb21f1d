//! Follows what people change while Segue runs: the configuration and the folder of knowledge.
//!
//! Looked at every few seconds, and at once on SIGHUP. A change is read whole and checked first: one with faults is
//! refused, said and counted, and what was in force stays. Rules, texts and opening hours are put in force from the next
//! event on; whatever needs a restart (addresses, credentials, the model, channels that come or go) is named. The files
//! are looked at, not watched: that works on every file system, and a file that is still being written is left alone.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::Signal;
use tokio_util::sync::CancellationToken;

use crate::config::{Config, Environment, LogLevel};
use crate::conversation::policy::Policy;
use crate::conversation::words::ModeName;
use crate::desk::Desk;
use crate::http::Doors;
use crate::knowledge::{DEPTH_MAX, Knowledge};
use crate::metrics::Reloaded;
use crate::model::Service;

/// How often it is looked.
const EVERY: Duration = Duration::from_secs(2);
/// Files of knowledge that are looked at; a folder with more is one that was named by mistake.
const FILES_MAX: usize = 10_000;

/// See the head of this file.
pub struct Follower {
    /// Where what changes is put in force.
    pub doors: Doors,
    /// Who answers from the knowledge.
    pub model: Arc<Service>,
    /// What the process was started with, as far as it can still be changed: what it runs by now.
    pub config: Config,
    /// The configuration file; none: there is nothing to follow but the knowledge.
    pub path: Option<PathBuf>,
}

/// What files look like from outside: when one of them was changed, this is another one.
type Look = BTreeMap<PathBuf, (u64, Option<std::time::SystemTime>)>;

/// One thing that is looked at.
struct Watched {
    /// What is in force was read when it looked like this.
    read: Look,
    /// How it looked last.
    last: Look,
}

impl Watched {
    fn new(look: Look) -> Self {
        Self {
            read: look.clone(),
            last: look,
        }
    }

    /// Whether it has changed and come to rest.
    fn is_due(&mut self, look: Look) -> bool {
        let rests = look == self.last;
        let due = rests && look != self.read;
        if due {
            self.read.clone_from(&look);
        }
        self.last = look;
        due
    }
}

impl Follower {
    /// Until `stop`.
    pub async fn run(mut self, mut hangup: Signal, stop: CancellationToken) {
        let began = self.written().await;
        let (config, knowledge) = self.look().await;
        let (mut config, mut knowledge) = (Watched::new(config), Watched::new(knowledge));
        self.catch_up(&began).await;
        loop {
            let asked = tokio::select! {
                () = stop.cancelled() => return,
                sign = hangup.recv() => sign.is_some(),
                () = tokio::time::sleep(EVERY) => false,
            };
            let looks = self.look().await;
            if config.is_due(looks.0) || asked {
                self.read_config(&began).await;
            }
            if knowledge.is_due(looks.1) || asked {
                self.read_knowledge().await;
            }
        }
    }

    /// Puts in force what was written between the reading of the configuration and now: nobody would notice it later.
    async fn catch_up(&mut self, began: &Config) {
        let running = self.doors.runtime.policy();
        let says = with_channels_of(&running, began.policy());
        if self.path.is_some()
            && says.hash != running.hash
            && let Some(done) = self.put_in_force(began.clone(), began).await
        {
            self.doors.metrics.reloaded(Reloaded::Config, !done);
        }
    }

    async fn look(&self) -> (Look, Look) {
        let (path, dir) = (self.path.clone(), self.config.knowledge.dir.clone());
        let phrases = self.config.phrases_file.clone().filter(|_| path.is_some());
        let looked = tokio::task::spawn_blocking(move || {
            let (mut config, mut knowledge) = (Look::new(), Look::new());
            for path in path.into_iter().chain(phrases) {
                look_at(&path, 0, &mut config);
            }
            if let Some(dir) = dir {
                look_at(&dir, 0, &mut knowledge);
            }
            (config, knowledge)
        });
        looked.await.unwrap_or_default()
    }

    /// What the file says as this begins. What runs may differ from it: the command line goes before the file.
    async fn written(&self) -> Config {
        let path = self.path.clone();
        let read = tokio::task::spawn_blocking(move || {
            Config::load(path.as_deref(), &Environment::of_process())
        });
        match read.await {
            Ok(Ok(config)) => config,
            Ok(Err(_)) | Err(_) => self.config.clone(),
        }
    }

    async fn read_config(&mut self, began: &Config) {
        let Some(path) = self.path.clone() else {
            return;
        };
        let read = tokio::task::spawn_blocking(move || {
            // A file that is being replaced is empty for a moment, and would read as the defaults.
            if says_nothing(&path) {
                tracing::error!(
                    "the configuration is empty: it is not put in force, what ran goes on"
                );
                return None;
            }
            Some(Config::load(Some(&path), &Environment::of_process()))
        });
        let metrics = Arc::clone(&self.doors.metrics);
        match read.await {
            Ok(None) => metrics.reloaded(Reloaded::Config, true),
            Ok(Some(Ok(config))) => {
                let done = self.put_in_force(config, began).await;
                if let Some(done) = done {
                    metrics.reloaded(Reloaded::Config, !done);
                }
            }
            Ok(Some(Err(faults))) => {
                tracing::error!(
                    "the changed configuration is not put in force, what ran goes on:\n{faults}"
                );
                metrics.reloaded(Reloaded::Config, true);
            }
            Err(_panicked) => {}
        }
    }

    /// Whether it was done; none: nothing of it has changed. `began`: what the file said when the process began.
    async fn put_in_force(&mut self, config: Config, began: &Config) -> Option<bool> {
        self.config.phrases_file.clone_from(&config.phrases_file);
        let later = needs_restart(began, &config);
        if !later.is_empty() {
            tracing::warn!(sections = later.join(", "), "these changes need a restart");
        }
        let log = self.follow_log(config.log.level);
        let moved = config.knowledge.dir != self.config.knowledge.dir;
        self.config.knowledge.dir.clone_from(&config.knowledge.dir);
        if moved {
            self.read_knowledge().await;
        }
        let runtime = &self.doors.runtime;
        let last = runtime.policy();
        let policy = with_channels_of(&last, config.policy());
        if policy.hash == last.hash {
            tracing::info!("the configuration was read again: the rules are the same");
            return log.then_some(true);
        }
        let (store, kept) = (runtime.store().clone(), policy.clone());
        let stored = crate::runtime::blocking(move || Ok(super::build::keep(&kept, &store))).await;
        if !matches!(stored, Ok(Ok(()))) {
            tracing::error!("the changed rules could not be stored, what ran goes on");
            return Some(false);
        }
        let desk = self.doors.desk.clone();
        let pinned = tokio::task::spawn_blocking(move || pinned(&desk)).await;
        let pinned = pinned.unwrap_or_default();
        let hash = format!("{:016x}", policy.hash);
        runtime
            .replace_policy(policy, |hash| pinned.contains(&hash))
            .await;
        tracing::info!(policy = hash, "changed rules are in force");
        Some(true)
    }

    /// Whether lines are logged from another level on now.
    fn follow_log(&mut self, level: LogLevel) -> bool {
        if self.config.log.level == level {
            return false;
        }
        self.config.log.level = level;
        let set = crate::trace::log::set_level(level.as_str());
        if set {
            tracing::info!(
                level = level.as_str(),
                "the level of the log is another one"
            );
        } else {
            let variable = crate::trace::log::VARIABLE;
            tracing::warn!("the level of the log stays: {variable} decides it");
        }
        set
    }

    async fn read_knowledge(&self) {
        let Some(dir) = self.config.knowledge.dir.clone() else {
            return;
        };
        let read = tokio::task::spawn_blocking(move || Knowledge::from_dir(&dir)).await;
        match read {
            Ok(Ok(knowledge)) => {
                let chunks = knowledge.len();
                self.model.set_knowledge(Arc::new(knowledge));
                self.doors.metrics.reloaded(Reloaded::Knowledge, false);
                tracing::info!(chunks, "changed knowledge is in force");
            }
            Ok(Err(fault)) => {
                let hint = fault.hint();
                tracing::error!(%fault, hint, "the changed knowledge is not put in force, what was known goes on");
                self.doors.metrics.reloaded(Reloaded::Knowledge, true);
            }
            Err(_panicked) => {}
        }
    }
}

/// The policies that open handoffs go by.
pub(super) fn pinned(desk: &Desk) -> BTreeSet<u64> {
    [ModeName::Waiting, ModeName::Human]
        .into_iter()
        .flat_map(|mode| desk.board().all(mode))
        .filter_map(|seen| seen.conversation()?.pinned())
        .collect()
}

/// `policy` for the channels that run: those that are new wait for a restart, those that are gone stay until then.
fn with_channels_of(running: &Policy, mut policy: Policy) -> Policy {
    policy
        .channels
        .retain(|name, _| running.channels.contains_key(name));
    for (name, channel) in &running.channels {
        policy
            .channels
            .entry(name.clone())
            .or_insert_with(|| channel.clone());
    }
    policy.sealed()
}

/// The sections whose changes are not taken up while it runs.
fn needs_restart(now: &Config, next: &Config) -> Vec<&'static str> {
    let kinds = |config: &Config| {
        let kinds = config.channels.iter();
        kinds
            .map(|(name, channel)| (name.clone(), channel.kind.clone()))
            .collect::<Vec<_>>()
    };
    let mut model = next.model.clone();
    model.patience = now.model.patience;
    let search = |config: &Config| (config.knowledge.top_k, config.knowledge.min_score);
    let differs = [
        ("server", now.server != next.server),
        ("storage", now.storage != next.storage),
        ("channels", kinds(now) != kinds(next)),
        ("model", now.model != model),
        ("knowledge", search(now) != search(next)),
        ("limits", now.limits != next.limits),
        ("log", now.log.format != next.log.format),
        ("metrics", now.metrics != next.metrics),
        ("tracing", now.tracing != next.tracing),
    ];
    differs
        .into_iter()
        .filter_map(|(name, differs)| differs.then_some(name))
        .collect()
}

fn look_at(path: &Path, depth: usize, look: &mut Look) {
    let hidden = path
        .file_name()
        .is_some_and(|name| name.to_string_lossy().starts_with('.'));
    let Ok(found) = std::fs::metadata(path) else {
        return;
    };
    if look.len() >= FILES_MAX || depth > DEPTH_MAX + 1 || (hidden && depth > 0) {
        return;
    }
    if !found.is_dir() {
        look.insert(path.to_owned(), (found.len(), found.modified().ok()));
        return;
    }
    let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
    for entry in entries {
        look_at(&entry.path(), depth + 1, look);
    }
}

/// Whether a file that can be read holds nothing but comments.
fn says_nothing(path: &Path) -> bool {
    std::fs::read_to_string(path).is_ok_and(|text| {
        text.lines()
            .map(str::trim)
            .all(|line| line.is_empty() || line.starts_with('#'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_still_being_written_is_left_alone() {
        let dir = tempfile::tempdir().expect("a directory");
        let look = || {
            let mut look = Look::new();
            look_at(dir.path(), 0, &mut look);
            look
        };
        let write = |text: &str| std::fs::write(dir.path().join("a.md"), text).expect("written");
        write("one");
        let mut watched = Watched::new(look());
        assert!(!watched.is_due(look()), "nothing has changed");
        write("two and more");
        assert!(!watched.is_due(look()), "it may still be written");
        assert!(watched.is_due(look()), "it has come to rest");
        assert!(!watched.is_due(look()), "once");
        std::fs::write(dir.path().join(".hidden"), "x").expect("written");
        assert!(!watched.is_due(look()) && !watched.is_due(look()));
    }

    #[test]
    fn what_needs_a_restart_is_named() {
        let base = Config::demonstration();
        let check = |change: fn(&mut Config), named: &[&str]| {
            let mut next = base.clone();
            change(&mut next);
            assert_eq!(needs_restart(&base, &next), named);
        };
        check(|_| {}, &[]);
        check(|config| config.model.patience.timeout *= 2, &[]);
        check(|config| config.queues.clear(), &[]);
        check(|config| config.model.name.push('x'), &["model"]);
        check(|config| config.channels.clear(), &["channels"]);
        check(
            |config| {
                config.server.max_in_flight += 1;
                config.knowledge.top_k += 1;
            },
            &["server", "knowledge"],
        );
    }
}
