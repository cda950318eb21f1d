//! Who waits for what: every message from the moment it was intended to the moment it was answered.
//!
//! A message is told apart by its mark. The AI has to answer it, unless the conversation stood with people while it was
//! unanswered; then people have to. What was acknowledged and is owed by the AI when everything has come to rest is
//! *lost*. A message that reached a provider twice is a *duplicate*; one of the AI that reached it after a person had been
//! told that the conversation is theirs, and that the answer to the claim did not name, *came after a claim*.
//!
//! The book reads no clock and knows no channel; it belongs to one run and is bounded by [`OPEN_MAX`].

use std::collections::HashMap;
use std::time::{Duration, Instant};

pub mod checks;
pub mod standing;
pub mod struck;

pub use self::checks::{Checks, People};
use self::struck::Struck;
use super::tally::{Counts, Phase, Row, Stage, Tally};
use crate::ids::IdHash;

/// Unanswered messages that are followed at once; more are sent and not followed.
pub const OPEN_MAX: usize = 1_000_000;
/// Messages of one conversation by which a repetition is recognised.
const EFFECTS_MAX: usize = 64;

/// Where in the run something was intended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct When {
    /// The moment.
    pub at: Instant,
    /// The phase.
    pub phase: usize,
}

/// A message that is to be answered.
#[derive(Clone, Copy, Debug)]
struct Open {
    mark: u64,
    when: When,
    acknowledged: bool,
    /// People have to answer it.
    for_people: bool,
    /// It asked for a person, and no ticket was seen yet.
    wants_ticket: bool,
}

#[derive(Default, Debug)]
struct Customer {
    open: Vec<Open>,
    /// The conversation stands with people: it waits for one or has one.
    with_people: bool,
    /// It waits for one.
    waits: bool,
    /// It belongs to a person, who was told so at this moment; and the AI's messages that were named then.
    claimed: Option<(Instant, Vec<String>)>,
    /// What the provider heard lately, by its name's hash, and when first.
    effects: std::collections::VecDeque<(IdHash, Instant)>,
}

/// The book of a run.
#[derive(Debug)]
pub struct Book {
    /// What was measured.
    pub tally: Tally,
    /// What people did.
    pub people: People,
    checks: Checks,
    customers: HashMap<u64, Customer>,
    /// Replies of people on their way, by number.
    replies: HashMap<u64, When>,
    open: usize,
    begun: Instant,
    /// Whether providers are listened to.
    follows: bool,
    /// Whether agents are there.
    staffed: bool,
    /// What was made to go wrong, in the order of time.
    pub spells: Vec<Struck>,
    /// Statuses of refusals, and what else went wrong.
    pub faults: std::collections::BTreeMap<String, u64>,
}

/// What somebody said to a customer, as the provider heard it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Said {
    /// The AI, answering these messages.
    Ai(Vec<u64>),
    /// The AI, answering whatever is open.
    AiToAll,
    /// The AI or the system: the provider is not told which. Counts as an answer to whatever is open.
    Either,
    /// One of our people, with this reply.
    Person(u64),
    /// The system.
    System,
}

/// How something was heard.
#[derive(Clone, Copy, Debug)]
pub struct Sound<'a> {
    /// Conversation and message: a repetition has the same.
    pub effect: &'a str,
    /// The number of the message within its conversation.
    pub message: &'a str,
    /// When.
    pub at: Instant,
    /// When the server let go of it: a tab is told of what a conversation said, a provider is asked to say it.
    pub left: Instant,
}

impl Book {
    /// A run that begins at `begun` and takes `at_most` so long. `follows`: providers are listened to; `staffed`: there
    /// are agents.
    pub fn new(begun: Instant, at_most: Duration, follows: bool, staffed: bool) -> Self {
        Self {
            tally: Tally::new(at_most),
            people: People::default(),
            checks: Checks::default(),
            customers: HashMap::new(),
            replies: HashMap::new(),
            open: 0,
            begun,
            follows,
            staffed,
            spells: Vec::new(),
            faults: std::collections::BTreeMap::new(),
        }
    }

    /// Begins a phase; its number.
    pub fn begin(&mut self, rate: f64, long: Duration, warm_up: bool) -> usize {
        self.tally.phases.push(Phase {
            rate,
            long,
            warm_up,
            ..Phase::default()
        });
        self.tally.phases.len() - 1
    }

    /// The phase that is on.
    pub fn phase(&self) -> usize {
        self.tally.phases.len().saturating_sub(1)
    }

    fn row(&mut self, at: Instant) -> &mut Row {
        let since = at.saturating_duration_since(self.begun);
        self.tally.row(since)
    }

    fn count(&mut self, when: When, what: impl Fn(&mut Counts)) {
        what(&mut self.tally.phases[when.phase].counts);
        what(&mut self.row(when.at).counts);
    }

    /// A message is due and goes out.
    pub fn offered(&mut self, customer: u64, mark: u64, asks_for_person: bool, when: When) {
        self.count(when, |counts| counts.offered += 1);
        let awaited = self.follows || asks_for_person && self.staffed;
        if !awaited {
            return;
        }
        if self.open >= OPEN_MAX {
            self.checks.not_followed += 1;
            return;
        }
        self.open += 1;
        let one = self.customers.entry(customer).or_default();
        one.open.push(Open {
            mark,
            when,
            acknowledged: false,
            for_people: asks_for_person || one.with_people,
            wants_ticket: asks_for_person && self.staffed && !one.with_people,
        });
    }

    /// It could not be sent.
    pub fn not_sent(&mut self, customer: u64, mark: u64, when: When) {
        self.count(when, |counts| counts.not_sent += 1);
        self.forget(customer, mark);
    }

    /// The webhook was answered 2xx.
    pub fn acknowledged(
        &mut self,
        customer: u64,
        mark: u64,
        asked: bool,
        when: When,
        now: Instant,
    ) {
        let took = now.saturating_duration_since(when.at);
        self.count(when, |counts| counts.acknowledged += 1);
        self.people.asked_for += u64::from(asked);
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.row(when.at).acknowledged.saturating_record(micros);
        let phase = &mut self.tally.phases[when.phase];
        phase.latencies.record(Stage::Acknowledged, took);
        if let Some(open) = self.find(customer, mark) {
            open.acknowledged = true;
        }
    }

    /// The webhook was answered otherwise (`status`), or not at all: it need not be acted upon.
    pub fn refused(
        &mut self,
        customer: u64,
        mark: u64,
        when: When,
        status: Option<u16>,
        why: &str,
    ) {
        self.count(when, |counts| match status {
            Some(_) => counts.refused += 1,
            None => counts.failed += 1,
        });
        let kind = status.map_or_else(|| why.to_owned(), |status| format!("status {status}"));
        self.fault(kind);
        self.forget(customer, mark);
    }

    /// The run is over: what nothing is known of has failed.
    pub fn give_up(&mut self) {
        let mut undecided = 0;
        for phase in &mut self.tally.phases {
            let left = phase.counts.offered.saturating_sub(phase.counts.done());
            phase.counts.failed += left;
            undecided += left;
        }
        if undecided > 0 {
            *self
                .faults
                .entry("under way at the end".to_owned())
                .or_default() += undecided;
        }
    }

    /// Something went wrong, of this kind. Kinds are few: they are ours.
    pub fn fault(&mut self, kind: String) {
        *self.faults.entry(kind).or_default() += 1;
    }

    fn find(&mut self, customer: u64, mark: u64) -> Option<&mut Open> {
        let open = &mut self.customers.get_mut(&customer)?.open;
        open.iter_mut().find(|open| open.mark == mark)
    }

    fn forget(&mut self, customer: u64, mark: u64) {
        self.close(customer, |open| open.mark == mark);
    }

    /// Takes what `which` names out of what is open.
    fn close(&mut self, customer: u64, mut which: impl FnMut(&Open) -> bool) -> Vec<Open> {
        let Some(one) = self.customers.get_mut(&customer) else {
            return Vec::new();
        };
        let closed: Vec<Open> = one.open.extract_if(.., |open| which(open)).collect();
        self.open -= closed.len();
        closed
    }

    /// A provider, or the customer's own tab, heard `said`.
    pub fn heard(&mut self, customer: u64, said: &Said, sound: &Sound<'_>) {
        let now = sound.at;
        let one = self.customers.entry(customer).or_default();
        let effect = IdHash::of(sound.effect);
        let known = one.effects.iter().find(|(known, _)| *known == effect);
        if let Some((_, first)) = known.copied() {
            self.repeated(first);
            return;
        }
        if one.effects.len() == EFFECTS_MAX {
            one.effects.pop_front();
        }
        one.effects.push_back((effect, now));
        match said {
            Said::Ai(_) | Said::AiToAll | Said::Either => {
                if let Some((claimed, named)) = &one.claimed
                    && *said != Said::Either
                    && sound.left > *claimed
                    && !named.iter().any(|known| known == sound.message)
                {
                    self.checks.ai_after_claim += 1;
                }
                let closed = self.close(customer, |open| match said {
                    Said::Ai(marks) => marks.contains(&open.mark),
                    Said::AiToAll | Said::Either | Said::Person(_) | Said::System => {
                        !open.for_people
                    }
                });
                for open in closed {
                    let took = now.saturating_duration_since(open.when.at);
                    let phase = &mut self.tally.phases[open.when.phase];
                    phase.latencies.record(Stage::AiReply, took);
                    let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
                    let row = self.row(open.when.at);
                    row.ai_replies += 1;
                    row.ai_took.saturating_record(micros);
                }
            }
            Said::Person(number) => {
                let Some(when) = self.replies.remove(number) else {
                    return;
                };
                self.people.replies += 1;
                let took = now.saturating_duration_since(when.at);
                let phase = &mut self.tally.phases[when.phase];
                phase.latencies.record(Stage::HumanReply, took);
                self.row(when.at).human_replies += 1;
                self.close(customer, |open| {
                    open.for_people && !open.wants_ticket && open.when.at < when.at
                });
            }
            Said::System => {}
        }
    }

    /// The agents see the conversation; `with_people`: it waits for a person or has one, `waits`: the former.
    /// Says whether it is newly waiting.
    pub fn seen(&mut self, customer: u64, with_people: bool, waits: bool, now: Instant) -> bool {
        let one = self.customers.entry(customer).or_default();
        one.with_people = with_people;
        let waited = std::mem::replace(&mut one.waits, waits);
        if !with_people {
            one.claimed = None;
            return false;
        }
        let mut tickets = Vec::new();
        for open in &mut one.open {
            open.for_people = true;
            if std::mem::take(&mut open.wants_ticket) {
                tickets.push(open.when);
            }
        }
        for when in tickets {
            let took = now.saturating_duration_since(when.at);
            let phase = &mut self.tally.phases[when.phase];
            phase.latencies.record(Stage::Ticket, took);
        }
        let new = waits && !waited;
        self.people.tickets += u64::from(new);
        new
    }

    /// The agents see that a message of the customer was committed while the conversation stood with people.
    pub fn left_to_people(&mut self, customer: u64, mark: u64) {
        if let Some(open) = self.find(customer, mark) {
            open.for_people = true;
        }
    }

    /// A claim was answered; these messages of the AI may still arrive.
    pub fn claimed(&mut self, customer: u64, in_flight: Vec<String>, now: Instant) {
        self.people.claimed += 1;
        self.customers.entry(customer).or_default().claimed = Some((now, in_flight));
    }

    /// The conversation is about to be given up by our agent.
    pub fn releasing(&mut self, customer: u64) {
        if let Some(one) = self.customers.get_mut(&customer) {
            one.claimed = None;
        }
    }

    /// Reply `number` of a person is about to be written.
    pub fn replying(&mut self, number: u64, when: When) {
        if self.follows {
            self.replies.insert(number, when);
        }
    }

    /// The reply was refused.
    pub fn not_replied(&mut self, number: u64) {
        self.replies.remove(&number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::monotonic;

    struct World {
        book: Book,
        when: When,
    }

    impl World {
        fn new() -> Self {
            let begun = monotonic();
            let mut book = Book::new(begun, Duration::from_secs(10), true, true);
            let phase = book.begin(10.0, Duration::from_secs(10), false);
            Self {
                book,
                when: When { at: begun, phase },
            }
        }

        fn after(&self, millis: u64) -> Instant {
            self.when.at + Duration::from_millis(millis)
        }

        fn writes(&mut self, mark: u64, asks: bool) {
            self.book.offered(1, mark, asks, self.when);
            self.book
                .acknowledged(1, mark, asks, self.when, self.after(5));
        }

        fn claimed(&mut self, in_flight: &[&str], millis: u64) {
            let named = in_flight.iter().map(|one| (*one).to_owned()).collect();
            self.book.claimed(1, named, self.after(millis));
        }

        fn says(&mut self, said: &Said, message: &str, millis: u64) {
            self.shows(said, message, millis, millis);
        }

        /// A tab shows what the server let go of earlier.
        fn shows(&mut self, said: &Said, message: &str, left: u64, millis: u64) {
            let sound = Sound {
                effect: &format!("c=1&e={message}"),
                message,
                at: self.after(millis),
                left: self.after(left),
            };
            self.book.heard(1, said, &sound);
        }
    }

    #[test]
    fn an_answer_counts_from_the_intended_moment() {
        let mut world = World::new();
        world.writes(1, false);
        world.writes(2, false);
        world.says(&Said::Ai(vec![1, 2]), "1", 250);
        let (_, latencies) = world.book.tally.measured();
        let ai = latencies.of(Stage::AiReply);
        assert_eq!((ai.len(), ai.max() / 1_000), (2, 250));
        assert!(world.book.at_rest(true) && !world.book.checks().broken());
    }

    #[test]
    fn what_is_acknowledged_and_never_answered_is_lost() {
        let mut world = World::new();
        world.writes(1, false);
        world.writes(2, false);
        world.says(&Said::Ai(vec![1]), "1", 250);
        assert_eq!(world.book.checks().lost, 1);
        // Refused by the server: nobody promised anything.
        world.book.offered(1, 3, false, world.when);
        world.book.refused(1, 3, world.when, Some(503), "");
        assert_eq!(world.book.checks().lost, 1);
        assert_eq!(world.book.faults["status 503"], 1);
    }

    #[test]
    fn a_repetition_is_a_duplicate() {
        let mut world = World::new();
        world.writes(1, false);
        world.says(&Said::Ai(vec![1]), "1", 250);
        world.says(&Said::Ai(vec![1]), "1", 300);
        world.says(&Said::System, "2", 300);
        assert_eq!(world.book.checks().duplicates, 1);
    }

    #[test]
    fn the_ai_may_not_speak_after_a_claim_unless_it_was_named() {
        let check = |message: &str, expected: u64| {
            let mut world = World::new();
            world.writes(1, false);
            world.claimed(&["7"], 20);
            world.says(&Said::Ai(vec![1]), message, 50);
            assert_eq!(world.book.checks().ai_after_claim, expected, "{message}");
        };
        check("7", 0);
        check("8", 1);
        // Said before the claim, shown in the customer's tab after it.
        let mut world = World::new();
        world.writes(1, false);
        world.claimed(&[], 20);
        world.shows(&Said::Ai(vec![1]), "8", 19, 50);
        assert_eq!(world.book.checks().ai_after_claim, 0);
        // A notice of the system ("Ana is here now") looks the same where the provider is not told the class.
        let mut world = World::new();
        world.claimed(&[], 20);
        world.says(&Said::Either, "9", 50);
        assert_eq!(world.book.checks().ai_after_claim, 0);
        let mut world = World::new();
        world.claimed(&[], 20);
        world.book.releasing(1);
        world.says(&Said::Ai(vec![1]), "9", 50);
        assert_eq!(world.book.checks().ai_after_claim, 0);
    }

    #[test]
    fn a_request_is_lost_unless_the_agents_see_it() {
        let mut world = World::new();
        world.writes(1, false);
        world.writes(2, true);
        assert_eq!(world.book.checks().lost_handoffs, 1);
        let now = world.after(40);
        assert!(world.book.seen(1, true, true, now));
        assert!(!world.book.seen(1, true, true, now), "it waits already");
        assert!(!world.book.seen(1, true, false, now), "somebody has it");
        assert!(
            world.book.seen(1, true, true, now),
            "whoever had it is gone"
        );
        let checks = world.book.checks();
        assert_eq!(
            (checks.lost, checks.lost_handoffs, checks.left_to_people),
            (0, 0, 2)
        );
        let (_, latencies) = world.book.tally.measured();
        assert_eq!(latencies.of(Stage::Ticket).max() / 1_000, 40);
        let at = world.after(500);
        world.book.replying(77, When { at, phase: 0 });
        world.says(&Said::Person(77), "3", 530);
        let (_, latencies) = world.book.tally.measured();
        assert_eq!(latencies.of(Stage::HumanReply).max() / 1_000, 30);
        assert_eq!(world.book.checks().left_to_people, 0);
    }

    #[test]
    fn what_comes_after_a_handback_is_the_ais_again() {
        let mut world = World::new();
        let now = world.after(1);
        world.book.seen(1, true, false, now);
        world.book.seen(1, false, false, now);
        world.writes(1, false);
        assert_eq!(world.book.checks().lost, 1);
        world.book.left_to_people(1, 1);
        assert_eq!(world.book.checks().lost, 0);
    }
}
