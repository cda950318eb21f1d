//! What is wanted, checked as a whole before anything is started. Pure.
//!
//! Everything is bounded here: the rate, the time, the customers, the connections, the people. So is the place: only
//! this machine, unless somebody says otherwise in so many words.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::LoadError;
use super::customers::Mix;
use super::faults::Fault;
use super::find::TRIALS_MAX;
use super::soak::SoakPlan;

/// The highest rate, in messages per second: more than one generator thread signs.
pub const RATE_MAX: f64 = 100_000.0;
/// The longest step, and the longest time for warming up or coming to rest.
pub const LONG_MAX: Duration = Duration::from_hours(4);
/// The most steps.
pub const STEPS_MAX: usize = 50;
/// The most customers: seven digits of an address tell them apart.
pub const CUSTOMERS_MAX: u64 = 10_000_000;
/// The most connections: below the usual limit of open files of both sides.
pub const CONNECTIONS_MAX: usize = 4_096;
/// The most people.
pub const AGENTS_MAX: usize = 500;
/// The shortest soak: every fault that there is comes once.
pub const SOAK_MIN: Duration = Duration::from_secs(10);
/// Answers are waited for at least so long after a server was killed: what was on its way then stays in doubt for half
/// a minute, and is told once more.
const DRAIN_AFTER_KILL: Duration = Duration::from_secs(60);
/// Messages that wait for a connection; more are counted as not sent.
pub const BACKLOG_MAX: usize = 10_000;

/// Where the load goes.
#[derive(Clone, PartialEq, Debug)]
pub enum Place {
    /// A server of our own, started for this and removed with its data.
    Own {
        /// Answers come from the built-in offline answerer and not from the built-in model.
        offline: bool,
        /// Where its data directory is made; none: among the system's temporary files.
        data: Option<PathBuf>,
    },
    /// A server that runs.
    Running {
        /// Its URL; none: where its configuration says that it listens.
        url: Option<String>,
        /// Its configuration: names, kinds and secrets of its channels.
        config: PathBuf,
        /// Where the built-in providers and the built-in model listen; none: only webhooks are measured.
        providers: Option<SocketAddr>,
    },
}

/// How much.
#[derive(Clone, PartialEq, Debug)]
pub enum Shape {
    /// These rates one after the other, each as long as [`Plan::step`].
    Steps(Vec<f64>),
    /// The highest rate that keeps the objective.
    Find {
        /// Where it begins.
        first: f64,
        /// Acknowledgements take at most so long, 99 % of them.
        p99: Duration,
    },
}

/// How the built-in providers and the built-in model behave.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Behaviour {
    /// How long an answer takes on average: half of it always, the rest by chance.
    pub latency: Duration,
    /// How many calls fail, 0 to 1.
    pub errors: f64,
}

/// How people work.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Staff {
    /// How many; none: as many as the rate needs.
    pub count: Option<usize>,
    /// How long they think before they write, on average.
    pub think: Duration,
    /// How often they resolve a conversation instead of giving it back, 0 to 1.
    pub resolve: f64,
}

/// A whole load.
#[derive(Clone, PartialEq, Debug)]
pub struct Plan {
    /// Where to.
    pub place: Place,
    /// How much.
    pub shape: Shape,
    /// How long a step is.
    pub step: Duration,
    /// A long time at one rate, after the steps' or the search's place; none: just those.
    pub soak: Option<SoakPlan>,
    /// How long each step is preceded by the same rate unmeasured.
    pub warm_up: Duration,
    /// The longest time that answers are waited for at the end.
    pub drain: Duration,
    /// Who writes.
    pub mix: Mix,
    /// Webhooks under way at once.
    pub connections: usize,
    /// Who answers.
    pub staff: Staff,
    /// The providers.
    pub providers: Behaviour,
    /// The model.
    pub model: Behaviour,
    /// The share of messages whose delivery the providers report, 0 to 1.
    pub receipts: f64,
    /// Only these channels; empty: all.
    pub channels: Vec<String>,
    /// What all chance comes from.
    pub seed: u64,
    /// Whether another machine may be the target.
    pub allow_remote: bool,
    /// The largest share of messages that may fail, 0 to 1.
    pub errors_max: f64,
}

impl Plan {
    /// Checks what one option alone cannot tell.
    ///
    /// # Errors
    /// The first thing that is wrong, and how to mend it.
    pub fn check(&self) -> Result<(), LoadError> {
        let wrong = |what: &str, mend: String| Err(LoadError::usage(what, mend));
        if self.step < Duration::from_secs(1) {
            return wrong(
                "a step is shorter than a second",
                "--duration 10s".to_owned(),
            );
        }
        if self.mix.conversations == 0 || self.mix.conversations > CUSTOMERS_MAX {
            return wrong(
                "that many customers cannot be told apart",
                format!("--conversations is 1 to {CUSTOMERS_MAX}"),
            );
        }
        if self.mix.active == 0 || self.mix.active > self.mix.conversations {
            let mend = format!(
                "--active is 1 to --conversations, which is {}",
                self.mix.conversations
            );
            return wrong("more customers are active than there are", mend);
        }
        if !(1.0..=1_000.0).contains(&self.mix.messages) {
            return wrong(
                "a conversation has no such number of messages",
                "--messages is 1 to 1000".to_owned(),
            );
        }
        if !(1..=100).contains(&self.mix.burst_size) {
            return wrong(
                "a burst has no such number of messages",
                "--burst-size is 1 to 100".to_owned(),
            );
        }
        if self.connections == 0 || self.connections > CONNECTIONS_MAX {
            return wrong(
                "that many connections cannot be had",
                format!("--connections is 1 to {CONNECTIONS_MAX}"),
            );
        }
        if self.staff.count.is_some_and(|count| count > AGENTS_MAX) {
            return wrong(
                "that many agents cannot be had",
                format!("--agents is at most {AGENTS_MAX}"),
            );
        }
        if let Some(soak) = &self.soak {
            self.check_soak(soak)?;
        }
        if let Shape::Find { p99, .. } = self.shape
            && p99.is_zero()
        {
            return wrong(
                "nothing is acknowledged in no time",
                "--p99 50ms".to_owned(),
            );
        }
        if let Place::Running {
            providers: Some(address),
            ..
        } = &self.place
            && !address.ip().is_loopback()
            && !self.allow_remote
        {
            let what = format!("--provider-listen {address} can be reached from other machines");
            return wrong(
                &what,
                "listen on 127.0.0.1, or say --allow-remote".to_owned(),
            );
        }
        Ok(())
    }

    /// The longest time that answers are waited for at the end.
    pub fn rest(&self) -> Duration {
        match self.has_fault(Fault::Kill) {
            true => self.drain.max(DRAIN_AFTER_KILL),
            false => self.drain,
        }
    }

    /// Whether this is to go wrong.
    pub fn has_fault(&self, fault: Fault) -> bool {
        let faults = self.soak.as_ref().map(|soak| &soak.faults);
        faults.is_some_and(|faults| faults.contains(&fault))
    }

    fn check_soak(&self, soak: &SoakPlan) -> Result<(), LoadError> {
        let wrong = |what: &str, mend: &str| Err(LoadError::usage(what, mend));
        if matches!(&self.shape, Shape::Steps(rates) if rates.len() != 1) {
            return wrong("a soak has one rate", "--rate 200, or --find-max");
        }
        if soak.long < SOAK_MIN {
            return wrong("a soak is longer than that", "--soak 20m");
        }
        let ours = matches!(self.place, Place::Own { .. });
        if soak.faults.contains(&Fault::Kill) && !ours {
            let what = "only a server of the load's own is killed";
            return wrong(
                what,
                "leave out --target and --config, or say --faults model,providers,agents",
            );
        }
        Ok(())
    }

    /// The longest it can take, but for starting and stopping.
    pub fn at_most(&self) -> Duration {
        let one = self.warm_up + self.step;
        let soak = self
            .soak
            .as_ref()
            .map(|soak| self.warm_up + soak.long + self.rest());
        match &self.shape {
            Shape::Steps(_) if let Some(soak) = soak => soak,
            Shape::Steps(rates) => {
                one * u32::try_from(rates.len()).unwrap_or(u32::MAX) + self.drain
            }
            // between trials everything comes to rest
            Shape::Find { .. } => (one + self.drain) * TRIALS_MAX as u32 + soak.unwrap_or_default(),
        }
    }

    /// The highest rate there can be.
    pub fn rate_max(&self) -> f64 {
        match &self.shape {
            Shape::Steps(rates) => rates.iter().copied().fold(0.0, f64::max),
            Shape::Find { .. } => RATE_MAX,
        }
    }

    /// How many people there are: as many as are said, or half as many again as the highest rate keeps busy.
    pub fn agents(&self) -> usize {
        let rate = match &self.shape {
            Shape::Steps(_) => self.rate_max(),
            // Where the search ends nobody knows: enough for a thousand messages a second.
            Shape::Find { .. } => 1_000.0,
        };
        if self.mix.handoffs == 0.0 {
            return 0;
        }
        self.staff.count.unwrap_or_else(|| {
            let handoffs = rate * self.mix.handoffs / self.mix.messages;
            // think, write; think, give back; and what calls take
            let busy = 2.0 * self.staff.think.as_secs_f64() + 0.2;
            ((handoffs * busy * 1.5).ceil() as usize + 2).min(100)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan() -> Plan {
        let behaviour = Behaviour {
            latency: Duration::ZERO,
            errors: 0.0,
        };
        Plan {
            place: Place::Own {
                offline: false,
                data: None,
            },
            shape: Shape::Steps(vec![100.0, 200.0]),
            step: Duration::from_secs(10),
            soak: None,
            warm_up: Duration::from_secs(2),
            drain: Duration::from_secs(20),
            mix: Mix {
                conversations: 1_000,
                active: 100,
                messages: 5.0,
                handoffs: 0.1,
                bursts: 0.1,
                burst_size: 3,
            },
            connections: 64,
            staff: Staff {
                count: None,
                think: Duration::from_secs(1),
                resolve: 0.5,
            },
            providers: behaviour,
            model: behaviour,
            receipts: 1.0,
            channels: Vec::new(),
            seed: 1,
            allow_remote: false,
            errors_max: 0.01,
        }
    }

    #[test]
    fn a_plan_is_checked_as_a_whole() {
        let check = |change: &dyn Fn(&mut Plan), hint: &str| {
            let mut plan = plan();
            assert!(plan.check().is_ok());
            change(&mut plan);
            let fault = plan.check().expect_err(hint);
            assert!(fault.mend.contains(hint), "{fault}: {}", fault.mend);
        };
        check(&|plan| plan.step = Duration::ZERO, "--duration");
        check(&|plan| plan.mix.conversations = 0, "--conversations");
        check(
            &|plan| plan.mix.active = 1_001,
            "--active is 1 to --conversations, which is 1000",
        );
        check(&|plan| plan.mix.messages = 0.0, "--messages");
        check(&|plan| plan.mix.burst_size = 0, "--burst-size");
        check(&|plan| plan.connections = 100_000, "--connections");
        check(&|plan| plan.staff.count = Some(10_000), "--agents");
        let soak = |plan: &mut Plan, seconds, faults: &[Fault]| {
            plan.shape = Shape::Steps(vec![10.0]);
            plan.soak = Some(SoakPlan {
                long: Duration::from_secs(seconds),
                share: 0.7,
                faults: faults.to_vec(),
            });
        };
        check(&|plan| soak(plan, 1, &[]), "--soak 20m");
        let steps = |plan: &mut Plan| {
            soak(plan, 60, &[]);
            plan.shape = Shape::Steps(vec![1.0, 2.0]);
        };
        check(&steps, "--rate 200, or --find-max");
        let away = |plan: &mut Plan| {
            soak(plan, 60, &[Fault::Kill]);
            plan.place = Place::Running {
                url: None,
                config: PathBuf::new(),
                providers: None,
            };
        };
        check(&away, "--faults model,providers,agents");
        check(
            &|plan| {
                plan.shape = Shape::Find {
                    first: 1.0,
                    p99: Duration::ZERO,
                }
            },
            "--p99 50ms",
        );
        let remote = |plan: &mut Plan| {
            let providers = Some("10.0.0.1:4010".parse().expect("an address"));
            plan.place = Place::Running {
                url: None,
                config: PathBuf::new(),
                providers,
            };
        };
        check(&remote, "--allow-remote");
    }

    #[test]
    fn people_are_as_many_as_the_rate_needs() {
        let mut plan = plan();
        // 200 a second are 40 conversations, 4 handoffs, each 2.2 s of somebody's time.
        assert_eq!(plan.agents(), 16);
        plan.staff.count = Some(3);
        assert_eq!(plan.agents(), 3);
        plan.mix.handoffs = 0.0;
        assert_eq!(plan.agents(), 0);
        assert_eq!(plan.at_most(), Duration::from_secs(44));
    }
}
