//! Who writes what: the population, the conversations that are going on, and the mix. Pure.
//!
//! At any moment `active` customers have a conversation going on; whoever has said everything leaves, and the next one
//! of the population begins. A burst is a customer whose next few messages follow at once: they take the next arrivals
//! of the same schedule, so the rate stays what it was. Every text carries its message's mark (`zq…`), by which an answer
//! is recognised, and texts differ, so that nothing takes them for repetition.

use std::collections::HashMap;

use super::arrivals::Chance;

/// What a message is recognised by, before its number: letters that begin no word.
const MARK: &str = "zq";
/// What a person's reply is recognised by.
const REPLY: &str = "zp";

/// How customers behave.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Mix {
    /// Customers there are.
    pub conversations: u64,
    /// Of them, with a conversation going on.
    pub active: u64,
    /// Messages of a customer in one conversation, on average.
    pub messages: f64,
    /// Conversations in which a person is asked for, 0 to 1.
    pub handoffs: f64,
    /// Messages with which a burst begins, 0 to 1.
    pub bursts: f64,
    /// Messages of a burst.
    pub burst_size: u32,
}

/// A message that is to be written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Letter {
    /// Whose; below [`Mix::conversations`].
    pub customer: u64,
    /// Its number, unique within the run.
    pub mark: u64,
    /// Whether it asks for a person.
    pub asks_for_person: bool,
    /// What it says.
    pub text: String,
}

#[derive(Clone, Copy, Debug)]
struct Active {
    customer: u64,
    left: u32,
    /// Asks for a person when so many messages are left.
    asks_at: Option<u32>,
}

/// The customers of a run.
#[derive(Debug)]
pub struct Customers {
    mix: Mix,
    chance: Chance,
    active: Vec<Active>,
    next_customer: u64,
    next_mark: u64,
    /// Who is in the middle of a burst, and for how many more messages.
    bursting: Option<(usize, u32)>,
    /// Which question each customer asks next: whoever asks the same again and again is offered a person, not answered.
    next_question: HashMap<u64, u8>,
}

impl Customers {
    /// The customers of `mix`, none of whom has written yet.
    pub fn new(mix: Mix, chance: Chance) -> Self {
        let mut customers = Self {
            mix,
            chance,
            active: Vec::new(),
            next_customer: 0,
            next_mark: 1,
            bursting: None,
            next_question: HashMap::new(),
        };
        let active = mix.active.clamp(1, mix.conversations.max(1));
        for _ in 0..active {
            let one = customers.begin();
            customers.active.push(one);
        }
        customers
    }

    /// The next message.
    pub fn letter(&mut self) -> Letter {
        let at = match self.bursting.take() {
            Some((at, left)) => {
                self.bursting = (left > 1).then_some((at, left - 1));
                at
            }
            None => {
                let at = self.chance.below(self.active.len() as u64) as usize;
                if self.mix.burst_size > 1 && self.chance.is(self.mix.bursts) {
                    self.bursting = Some((at, self.mix.burst_size - 1));
                }
                at
            }
        };
        let mark = self.next_mark;
        self.next_mark += 1;
        let one = &mut self.active[at];
        let asks_for_person = one.asks_at == Some(one.left);
        let customer = one.customer;
        one.left = one.left.saturating_sub(1);
        if one.left == 0 {
            // A burst goes on with whoever comes in their place: the arrivals are not lost.
            self.active[at] = self.begin();
        }
        let what = match asks_for_person {
            true => "I want to talk to a person, please.",
            false => self.question(customer),
        };
        Letter {
            customer,
            mark,
            asks_for_person,
            text: format!("{what} {MARK}{mark}"),
        }
    }

    fn question(&mut self, customer: u64) -> &'static str {
        let next = self.next_question.entry(customer).or_default();
        let question = QUESTIONS[usize::from(*next)];
        *next = (*next + 1) % QUESTIONS.len() as u8;
        question
    }

    fn begin(&mut self) -> Active {
        let customer = self.next_customer;
        self.next_customer = (customer + 1) % self.mix.conversations.max(1);
        let left = self.chance.geometric(self.mix.messages);
        let asks = self.chance.is(self.mix.handoffs);
        let asks_at = asks.then(|| 1 + self.chance.below(u64::from(left)) as u32);
        Active {
            customer,
            left,
            asks_at,
        }
    }
}

/// Ordinary ones: no rule of triage takes them from the model.
const QUESTIONS: [&str; 12] = [
    "Where is my parcel?",
    "What are your opening hours?",
    "Do you deliver on Saturdays?",
    "How long does shipping take?",
    "Can I pay by invoice?",
    "My order has not arrived yet.",
    "How do I return a pair of shoes?",
    "Which sizes of the blue jacket are left?",
    "Is the lamp in stock again?",
    "How much is express delivery?",
    "May I change the address of my order?",
    "Is there a discount for students?",
];

/// What a person writes, recognisable by `number`.
pub fn reply(number: u64) -> String {
    format!("I have looked at it for you, it is settled. {REPLY}{number}")
}

/// The number of a person's reply, if `text` holds one.
pub fn reply_number(text: &str) -> Option<u64> {
    numbers(text, REPLY).next()
}

/// The marks in `text`, in the order in which they stand.
pub fn marks(text: &str) -> impl Iterator<Item = u64> {
    numbers(text, MARK)
}

/// How an answer names the messages it is for.
pub fn naming(marks: &[u64]) -> String {
    let named: Vec<String> = marks.iter().map(|mark| format!("{MARK}{mark}")).collect();
    named.join(" ")
}

fn numbers<'a>(text: &'a str, before: &'static str) -> impl Iterator<Item = u64> + 'a {
    text.match_indices(before).filter_map(move |(at, _)| {
        let rest = &text[at + before.len()..];
        let digits = rest
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(rest.len());
        rest[..digits].parse().ok()
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::triage::phrases::Phrases;

    const MIX: Mix = Mix {
        conversations: 1_000,
        active: 50,
        messages: 5.0,
        handoffs: 0.1,
        bursts: 0.1,
        burst_size: 3,
    };

    fn letters(mix: Mix, count: usize) -> Vec<Letter> {
        let mut customers = Customers::new(mix, Chance::new(1));
        (0..count).map(|_| customers.letter()).collect()
    }

    #[test]
    fn the_mix_comes_out_as_asked() {
        let all = letters(MIX, 20_000);
        let asking = all.iter().filter(|letter| letter.asks_for_person).count();
        // 20,000 messages are 4,000 conversations.
        assert!((300..500).contains(&asking), "{asking} asked for a person");
        assert!(all.iter().all(|letter| letter.customer < MIX.conversations));
        let together = all
            .windows(2)
            .filter(|two| two[0].customer == two[1].customer)
            .count();
        assert!(together > 2_000, "{together} in bursts");
        let none = Mix {
            bursts: 0.0,
            active: 500,
            ..MIX
        };
        let together = letters(none, 5_000)
            .windows(2)
            .filter(|two| two[0].customer == two[1].customer)
            .count();
        assert!(together < 100, "{together} by chance");
    }

    #[test]
    fn no_two_messages_have_the_same_mark_and_no_conversation_has_two_customers() {
        let all = letters(MIX, 5_000);
        assert!(all.windows(2).all(|two| two[0].mark + 1 == two[1].mark));
        let mut by_customer = BTreeMap::<u64, usize>::new();
        for letter in &all {
            *by_customer.entry(letter.customer).or_default() += 1;
        }
        assert!(by_customer.len() > 500, "{} wrote", by_customer.len());
    }

    #[test]
    fn only_who_asks_for_a_person_is_taken_to_ask_for_one() {
        let phrases = Phrases::default();
        for letter in letters(MIX, 500) {
            let asks = phrases.wants_person(&letter.text, None).is_some();
            assert_eq!(asks, letter.asks_for_person, "{}", letter.text);
        }
        assert!(phrases.ends_human(QUESTIONS[0], None).is_none());
    }

    #[test]
    fn marks_are_found_wherever_they_stand() {
        let text = format!("About {}: yes.\nzq x zq9x", naming(&[12, 345]));
        assert_eq!(marks(&text).collect::<Vec<_>>(), [12, 345, 9]);
        assert_eq!(reply_number(&format!("Ana: {}", reply(77))), Some(77));
        assert_eq!(reply_number("none"), None);
    }
}
