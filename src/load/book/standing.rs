//! How things stand in the book: what is still on its way, what was lost, and which messages nobody answered.

use super::{Book, Checks, Open, When};

/// A message that was acknowledged and that nobody answered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Unanswered {
    /// Whose.
    pub customer: u64,
    /// Its mark.
    pub mark: u64,
    /// When it was intended.
    pub when: When,
    /// It asked for a person whom nobody of ours saw it ask for; otherwise the AI owes the answer.
    pub wants_ticket: bool,
}

impl Book {
    /// Messages that were acknowledged and that the AI owes an answer to; and requests without a ticket.
    pub fn owed(&self) -> (u64, u64) {
        let all = self.customers.values().flat_map(|one| &one.open);
        let (mut ai, mut tickets) = (0, 0);
        for open in all.filter(|open| open.acknowledged) {
            ai += u64::from(self.follows && !open.for_people);
            tickets += u64::from(open.wants_ticket);
        }
        (ai, tickets)
    }

    /// Whether nothing is on its way any more: no answer of the AI, no ticket; with `people` none of them at work either.
    pub fn at_rest(&self, people: bool) -> bool {
        let waits = |open: &Open| !open.for_people || open.wants_ticket;
        let mut all = self.customers.values();
        let busy =
            all.any(|one| people && self.staffed && one.with_people || one.open.iter().any(waits));
        !busy && (!people || self.replies.is_empty())
    }

    /// Whether more may come for this customer: something is unanswered, or people have the conversation.
    pub fn awaits(&self, customer: u64) -> bool {
        let one = self.customers.get(&customer);
        one.is_some_and(|one| one.with_people || !one.open.is_empty())
    }

    /// Unanswered messages.
    pub fn open(&self) -> usize {
        self.open
    }

    /// What was found out, as things stand.
    pub fn checks(&self) -> Checks {
        let (lost, lost_handoffs) = self.owed();
        let all = self.customers.values().flat_map(|one| &one.open);
        let people = all.filter(|open| open.acknowledged && open.for_people && !open.wants_ticket);
        Checks {
            lost,
            lost_handoffs,
            left_to_people: people.count() as u64,
            ..self.checks
        }
    }

    /// What the AI owes an answer to and requests without a ticket, the oldest first, at most `most` of them.
    pub fn unanswered(&self, most: usize) -> Vec<Unanswered> {
        let mut all: Vec<Unanswered> = Vec::new();
        for (customer, one) in &self.customers {
            let owed = |open: &&Open| open.acknowledged && self.is_owed(open);
            all.extend(one.open.iter().filter(owed).map(|open| Unanswered {
                customer: *customer,
                mark: open.mark,
                when: open.when,
                wants_ticket: open.wants_ticket,
            }));
        }
        all.sort_by_key(|one| one.mark);
        all.truncate(most);
        all
    }

    fn is_owed(&self, open: &Open) -> bool {
        self.follows && !open.for_people || open.wants_ticket
    }
}
