//! Who is connected, and how fast they may talk.
//!
//! A visitor may have a few tabs open and may write at a steady pace with a burst before it; both are counted per
//! conversation, whatever the transport, so that more tabs do not buy more messages. The house has a limit as well.
//! Counts live in memory only: a restart forgives.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::ids::ConversationId;

/// Tabs that one visitor may have open at once; a person has two or three.
pub const TABS_MAX: usize = 8;
/// Open web chats of the process; more are told to come back. Each costs some 30 KiB.
pub const OPEN_MAX: usize = 10_000;
/// One message each so often, on average: five a second, more than anybody types.
const PACE: Duration = Duration::from_millis(200);
/// How many messages may come at once before the pace holds.
const BURST: u32 = 10;
/// One report on what was shown each so often, on average: a page gathers what it has to say for about as long.
const REPORTS: Duration = Duration::from_millis(500);
/// Visitors remembered at once, connected or only lately seen.
const KNOWN_MAX: usize = 4 * OPEN_MAX;

/// All seats. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Seats {
    book: Arc<Mutex<Book>>,
}

#[derive(Debug, Default)]
struct Book {
    known: HashMap<ConversationId, Known>,
    open: usize,
}

#[derive(Debug)]
struct Known {
    tabs: usize,
    /// When all that was written would have been written at the steady pace.
    caught_up_at: Instant,
    /// The same for what was reported.
    reported_at: Instant,
}

/// There is no seat.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NoSeat {
    /// This visitor has enough tabs open.
    #[error("this chat is open in too many tabs")]
    TooManyTabs,
    /// The house is full.
    #[error("too many chats are open")]
    Full,
}

/// An open tab; given back when dropped.
#[derive(Debug)]
pub struct Seat {
    seats: Seats,
    id: ConversationId,
}

impl Seats {
    /// Takes a seat for one more tab.
    ///
    /// # Errors
    /// [`NoSeat`].
    pub fn take(&self, id: ConversationId, now: Instant) -> Result<Seat, NoSeat> {
        let mut book = self
            .book
            .lock()
            .expect("nobody panics while holding the book");
        if book.open >= OPEN_MAX {
            return Err(NoSeat::Full);
        }
        let known = book.known(id, now).ok_or(NoSeat::Full)?;
        if known.tabs >= TABS_MAX {
            return Err(NoSeat::TooManyTabs);
        }
        known.tabs += 1;
        book.open += 1;
        Ok(Seat {
            seats: self.clone(),
            id,
        })
    }

    /// Whether one more message may come now; else after how long.
    ///
    /// # Errors
    /// The wait.
    pub fn pace(&self, id: ConversationId, now: Instant) -> Result<(), Duration> {
        self.keep_pace(id, now, PACE, |known| &mut known.caught_up_at)
    }

    /// The same for reports on what was shown: they take nothing of what the customer may write.
    ///
    /// # Errors
    /// The wait.
    pub fn pace_reports(&self, id: ConversationId, now: Instant) -> Result<(), Duration> {
        self.keep_pace(id, now, REPORTS, |known| &mut known.reported_at)
    }

    fn keep_pace(
        &self,
        id: ConversationId,
        now: Instant,
        each: Duration,
        of: impl FnOnce(&mut Known) -> &mut Instant,
    ) -> Result<(), Duration> {
        let mut book = self
            .book
            .lock()
            .expect("nobody panics while holding the book");
        let known = book.known(id, now).ok_or(Duration::from_secs(1))?;
        let caught_up_at = of(known);
        let next = (*caught_up_at).max(now) + each;
        let allowed = now + each * BURST;
        if next > allowed {
            return Err(next - allowed);
        }
        *caught_up_at = next;
        Ok(())
    }

    /// How many tabs are open.
    #[cfg(test)]
    pub fn open(&self) -> usize {
        self.book
            .lock()
            .expect("nobody panics while holding the book")
            .open
    }
}

impl Book {
    /// The visitor's line; none when too many visitors are known already.
    fn known(&mut self, id: ConversationId, now: Instant) -> Option<&mut Known> {
        if self.known.len() >= KNOWN_MAX && !self.known.contains_key(&id) {
            self.known.retain(|_, known| {
                known.tabs > 0 || known.caught_up_at.max(known.reported_at) > now
            });
            if self.known.len() >= KNOWN_MAX {
                return None;
            }
        }
        Some(self.known.entry(id).or_insert(Known {
            tabs: 0,
            caught_up_at: now,
            reported_at: now,
        }))
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut book = self
            .seats
            .book
            .lock()
            .expect("nobody panics while holding the book");
        book.open -= 1;
        // The line itself stays until room is needed: whoever reconnects has not earned a new burst.
        if let Some(known) = book.known.get_mut(&self.id) {
            known.tabs -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::monotonic;

    fn visitor(n: u8) -> ConversationId {
        ConversationId::from_bytes([n; 16])
    }

    #[test]
    fn a_burst_is_taken_and_then_the_pace_holds() {
        let (seats, now) = (Seats::default(), monotonic());
        let taken = (0..50)
            .filter(|_| seats.pace(visitor(1), now).is_ok())
            .count();
        assert_eq!(taken, 10);
        assert_eq!(seats.pace(visitor(1), now), Err(PACE));
        assert_eq!(seats.pace(visitor(1), now + PACE), Ok(()));
        assert!(seats.pace(visitor(1), now + PACE).is_err());
        assert_eq!(
            seats.pace(visitor(2), now),
            Ok(()),
            "others are not held up"
        );
    }

    #[test]
    fn reports_have_a_pace_of_their_own() {
        let (seats, now) = (Seats::default(), monotonic());
        let reports = (0..50).filter(|_| seats.pace_reports(visitor(1), now).is_ok());
        assert_eq!(reports.count(), 10);
        assert_eq!(seats.pace_reports(visitor(1), now), Err(REPORTS));
        assert_eq!(seats.pace(visitor(1), now), Ok(()), "messages still come");
    }

    #[test]
    fn a_refused_message_does_not_lengthen_the_wait() {
        let (seats, now) = (Seats::default(), monotonic());
        for _ in 0..1000 {
            let _ = seats.pace(visitor(1), now);
        }
        assert_eq!(seats.pace(visitor(1), now), Err(PACE));
    }

    #[test]
    fn tabs_are_bounded_and_given_back() {
        let (seats, now) = (Seats::default(), monotonic());
        let mut open: Vec<_> = (0..TABS_MAX)
            .map(|_| seats.take(visitor(1), now).expect("room"))
            .collect();
        assert_eq!(seats.take(visitor(1), now).err(), Some(NoSeat::TooManyTabs));
        open.pop();
        assert!(
            seats.take(visitor(1), now).is_ok(),
            "and given back at once"
        );
        assert_eq!(seats.open(), TABS_MAX - 1);
    }

    #[test]
    fn reconnecting_earns_no_new_burst() {
        let (seats, now) = (Seats::default(), monotonic());
        for _ in 0..10 {
            let seat = seats.take(visitor(1), now).expect("room");
            assert_eq!(seats.pace(visitor(1), now), Ok(()));
            drop(seat);
        }
        assert!(seats.pace(visitor(1), now).is_err());
    }

    #[test]
    fn visitors_who_left_make_room_for_others() {
        let (seats, now) = (Seats::default(), monotonic());
        let many = |n: usize| ConversationId::from_bytes((n as u128).to_be_bytes());
        for n in 0..KNOWN_MAX {
            assert_eq!(seats.pace(many(n), now), Ok(()));
        }
        assert!(
            seats.pace(many(KNOWN_MAX), now).is_err(),
            "everybody has just written"
        );
        assert_eq!(seats.pace(many(KNOWN_MAX), now + PACE), Ok(()));
    }
}
