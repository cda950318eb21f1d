//! Faults sprinkled over a long run: spells in which something goes wrong, one after the other, with fair weather between.
//!
//! A spell comes once a minute and lasts a quarter of one (less in a short run); which comes when follows from the run's
//! seed, and everything that was asked for comes before anything comes again. The last part of a run is left fair, so
//! that it can be seen whether everything recovers. Killing is for a server of our own only.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use super::LoadError;
use super::arrivals::Chance;
use super::local::{SharedOwn, lock};
use super::pace::{Shared, open};
use super::plan::Behaviour;
use crate::clock::monotonic;

/// A spell comes each so often, in a run that is long enough for ten of them.
const EVERY: Duration = Duration::from_secs(60);
/// The part of a run that is left fair at its end: one fifth.
const FAIR_END: u32 = 5;
/// Calls to the model that fail in such a spell: each ends with people, and people are few.
const MODEL_FAILS: f64 = 0.02;
/// Messages that a provider refuses in such a spell: they are tried again.
const PROVIDER_REFUSES: f64 = 0.2;
/// How slow a slow model and a slow provider are, on average.
const MODEL_SLOW: Duration = Duration::from_secs(3);
const PROVIDER_SLOW: Duration = Duration::from_millis(500);
/// Agents who go away for good after a claim in such a spell.
const VANISH: f64 = 0.3;

/// Something that goes wrong.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Fault {
    /// The model answers with an error now and then.
    ModelFails,
    /// The model takes seconds.
    ModelSlow,
    /// The providers refuse for the moment, now and then.
    ProviderRefuses,
    /// The providers take half a second.
    ProviderSlow,
    /// Agents claim and go away without a word.
    AgentsVanish,
    /// The server is killed (SIGKILL) and started again on its data.
    Kill,
}

impl Fault {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::ModelFails,
        Self::ModelSlow,
        Self::ProviderRefuses,
        Self::ProviderSlow,
        Self::AgentsVanish,
        Self::Kill,
    ];

    /// Its name in reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ModelFails => "model fails",
            Self::ModelSlow => "slow model",
            Self::ProviderRefuses => "providers refuse",
            Self::ProviderSlow => "slow providers",
            Self::AgentsVanish => "agents vanish",
            Self::Kill => "kill -9",
        }
    }
}

/// `model,providers,agents,kill`; `none`: nothing goes wrong.
///
/// # Errors
/// What is wrong.
pub fn read(text: &str) -> Result<Vec<Fault>, String> {
    let mut all = Vec::new();
    for word in text.split(',').map(str::trim) {
        match word {
            "model" => all.extend([Fault::ModelFails, Fault::ModelSlow]),
            "providers" => all.extend([Fault::ProviderRefuses, Fault::ProviderSlow]),
            "agents" => all.push(Fault::AgentsVanish),
            "kill" => all.push(Fault::Kill),
            "none" => {}
            _ => {
                return Err(format!(
                    "`{word}` is none of model, providers, agents, kill, none"
                ));
            }
        }
    }
    all.sort_unstable();
    all.dedup();
    Ok(all)
}

/// A stretch in which something goes wrong.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Spell {
    /// What.
    pub fault: Fault,
    /// From when on, since the beginning of the run it belongs to.
    pub from: Duration,
    /// How long; a kill takes as long as it takes.
    pub long: Duration,
}

/// The spells of a run that lasts `long`. Pure.
pub fn spells(faults: &[Fault], long: Duration, chance: &mut Chance) -> Vec<Spell> {
    let every = EVERY.min(long / 10);
    let end = long - long / FAIR_END;
    let (mut spells, mut bag, mut from) = (Vec::new(), Vec::new(), every / 2);
    while from + every / 4 <= end && !faults.is_empty() {
        if bag.is_empty() {
            bag = faults.to_vec();
        }
        let fault = bag.swap_remove(chance.below(bag.len() as u64) as usize);
        spells.push(Spell {
            fault,
            from,
            long: every / 4,
        });
        from += every;
    }
    spells
}

/// What goes wrong at the moment, for everybody who acts it.
#[derive(Debug, Default)]
pub struct Weather(AtomicUsize);

impl Weather {
    fn set(&self, fault: Option<Fault>) {
        let at = fault.map_or(0, |fault| fault as usize + 1);
        self.0.store(at, Ordering::Relaxed);
    }

    fn now(&self) -> Option<Fault> {
        let at = self.0.load(Ordering::Relaxed).checked_sub(1)?;
        Fault::ALL.get(at).copied()
    }

    /// How the model behaves, whose usual way is `usual`.
    pub fn model(&self, usual: Behaviour) -> Behaviour {
        match self.now() {
            Some(Fault::ModelFails) => failing(usual, MODEL_FAILS),
            Some(Fault::ModelSlow) => slow(usual, MODEL_SLOW),
            Some(
                Fault::ProviderRefuses | Fault::ProviderSlow | Fault::AgentsVanish | Fault::Kill,
            )
            | None => usual,
        }
    }

    /// How the providers behave, whose usual way is `usual`.
    pub fn providers(&self, usual: Behaviour) -> Behaviour {
        match self.now() {
            Some(Fault::ProviderRefuses) => failing(usual, PROVIDER_REFUSES),
            Some(Fault::ProviderSlow) => slow(usual, PROVIDER_SLOW),
            Some(Fault::ModelFails | Fault::ModelSlow | Fault::AgentsVanish | Fault::Kill)
            | None => usual,
        }
    }

    /// How often an agent goes away after a claim.
    pub fn vanish(&self) -> f64 {
        match self.now() {
            Some(Fault::AgentsVanish) => VANISH,
            Some(
                Fault::ModelFails
                | Fault::ModelSlow
                | Fault::ProviderRefuses
                | Fault::ProviderSlow
                | Fault::Kill,
            )
            | None => 0.0,
        }
    }
}

fn failing(usual: Behaviour, errors: f64) -> Behaviour {
    Behaviour {
        errors: usual.errors.max(errors),
        ..usual
    }
}

fn slow(usual: Behaviour, latency: Duration) -> Behaviour {
    Behaviour {
        latency: usual.latency.max(latency),
        ..usual
    }
}

/// Lets the weather change, on a thread of its own.
pub struct Storm {
    over: CancellationToken,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Storm {
    /// Begins now; `own` is the server that is killed.
    ///
    /// # Errors
    /// When there is no thread to be had.
    pub fn start(
        spells: Vec<Spell>,
        (weather, book): (Arc<Weather>, Shared),
        own: Option<SharedOwn>,
    ) -> Result<Self, LoadError> {
        let over = CancellationToken::new();
        let until = over.clone();
        let begun = monotonic();
        let blow = move || {
            for spell in spells {
                if !sleep_until(begun + spell.from, &until) {
                    return;
                }
                open(&book).spell(spell.fault, monotonic());
                if spell.fault == Fault::Kill {
                    if let Some(own) = &own {
                        kill(own, &book);
                    }
                    continue;
                }
                weather.set(Some(spell.fault));
                let whole = sleep_until(begun + spell.from + spell.long, &until);
                weather.set(None);
                if !whole {
                    return;
                }
            }
        };
        let thread = std::thread::Builder::new()
            .name("load-faults".to_owned())
            .spawn(blow)
            .map_err(|fault| LoadError::new(format!("no thread: {fault}"), ""))?;
        Ok(Self {
            over,
            thread: Some(thread),
        })
    }
}

impl Drop for Storm {
    fn drop(&mut self) {
        self.over.cancel();
        if let Some(thread) = self.thread.take() {
            let _ended = thread.join();
        }
    }
}

fn kill(own: &SharedOwn, book: &Shared) {
    let came = lock(own).crash();
    match came {
        Ok(away) => open(book).came_back(away),
        Err(why) => open(book).fault(format!("the server did not start again: {why}")),
    }
}

/// False: it was ended before.
fn sleep_until(moment: Instant, over: &CancellationToken) -> bool {
    const NAP: Duration = Duration::from_millis(50);
    while !over.is_cancelled() {
        let left = moment.saturating_duration_since(monotonic());
        if left.is_zero() {
            return true;
        }
        std::thread::sleep(left.min(NAP));
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_comes_once_before_anything_comes_again_and_the_end_is_fair() {
        let check = |seconds: u64, count: usize| {
            let long = Duration::from_secs(seconds);
            let spells = spells(&Fault::ALL, long, &mut Chance::new(3));
            assert_eq!(spells.len(), count, "{seconds} s");
            let mut first: Vec<Fault> = spells.iter().take(6).map(|spell| spell.fault).collect();
            first.sort_unstable();
            assert_eq!(first, Fault::ALL, "{seconds} s");
            let last = spells.last().expect("some");
            assert!(last.from + last.long <= long * 4 / 5, "{last:?}");
            let apart = |two: &[Spell]| two[0].from + two[0].long < two[1].from;
            assert!(spells.windows(2).all(apart), "{spells:?}");
        };
        check(1_200, 16);
        check(120, 8);
        assert_eq!(
            spells(&[], Duration::from_secs(60), &mut Chance::new(1)),
            []
        );
    }

    #[test]
    fn faults_are_read() {
        assert_eq!(read("none"), Ok(Vec::new()));
        assert_eq!(
            read("kill, model"),
            Ok(vec![Fault::ModelFails, Fault::ModelSlow, Fault::Kill])
        );
        let wrong = read("rain").expect_err("no fault of ours");
        assert!(wrong.contains("model, providers, agents, kill"), "{wrong}");
    }

    #[test]
    fn the_weather_changes_only_what_it_is_about() {
        let usual = Behaviour {
            latency: Duration::from_millis(20),
            errors: 0.0,
        };
        let weather = Weather::default();
        let check = |fault: Option<Fault>, model: bool, providers: bool, vanish: bool| {
            weather.set(fault);
            let changed = (
                weather.model(usual) != usual,
                weather.providers(usual) != usual,
                weather.vanish() > 0.0,
            );
            assert_eq!(changed, (model, providers, vanish), "{fault:?}");
        };
        check(None, false, false, false);
        check(Some(Fault::ModelFails), true, false, false);
        check(Some(Fault::ModelSlow), true, false, false);
        check(Some(Fault::ProviderRefuses), false, true, false);
        check(Some(Fault::ProviderSlow), false, true, false);
        check(Some(Fault::AgentsVanish), false, false, true);
        check(Some(Fault::Kill), false, false, false);
    }
}
