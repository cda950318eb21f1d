//! One open tab's view of its thread: the backlog, then what happens, in order, without gaps and without repetition.
//!
//! Everything that stays is read from the trail, also live: the hub only rings ([`Frame::Moved`]) when the trail has
//! grown. It listens before it reads, so nothing falls between; a slow tab that missed rings reads on from where it
//! was. Only what passes by comes from the hub itself: typing, and the pieces of an answer that is being written. A
//! piece is shown only if all before it were; a tab that joins in the middle sees dots, and then the whole answer.
//!
//! While a person is waited for it also tells how the line stands, whenever that changes.
//!
//! It never writes, and it ends when nobody takes what it tells.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::mpsc;

use super::protocol::{Message, ToVisitor};
use super::transcript::{LookedBack, Seen, Transcript};
use super::visitor::Visitor;
use crate::clock::Timestamp;
use crate::conversation::Conversation;
use crate::conversation::line::{Standing, standing};
use crate::conversation::trail::Entry;
use crate::conversation::words::ModeName;
use crate::ids::{ConversationId, EffectId};
use crate::runtime::{Frame, Runtime};
use crate::store::LoadError;

/// Entries read at once.
const PAGE: usize = 128;
/// How many pages are looked back for a message that was released long after it was written. What is owed is bounded,
/// so it is never that far; the limit is for a damaged trail.
const PAGES_BACK_MAX: usize = 64;
/// What may be told and not yet taken; beyond it the tab is read no further.
const UNTAKEN_MAX: usize = 32;
/// How long a sign that a person is typing is believed, in seconds.
const TYPING_S: u32 = 6;
/// How long the AI is believed to think, in seconds; its answer or a person comes before.
const THINKING_S: u32 = 30;
/// How often it is looked how the line stands; nothing is read for it.
const LOOK_EVERY: Duration = Duration::from_secs(3);
/// How often and how many times a trail that cannot be read just now is tried again.
const READ_AGAIN_AFTER: Duration = Duration::from_millis(500);
const READS_MAX: u32 = 10;

/// Begins to follow a thread. `last`: the highest entry that the tab has shown. The first thing told is the welcome;
/// the channel ends when the house closes or the thread cannot be read.
pub fn follow(
    runtime: Runtime,
    id: ConversationId,
    visitor: &Visitor,
    last: Option<u64>,
) -> mpsc::Receiver<ToVisitor> {
    let (tell, told) = mpsc::channel(UNTAKEN_MAX);
    let frames = runtime.hub().subscribe(id);
    let thread = Thread {
        runtime: runtime.clone(),
        id,
        tell,
        next: 0,
        transcript: Transcript::default(),
        who: Who::default(),
        wait: None,
        told: Standing::default(),
        streams: Streams::default(),
    };
    let secret = visitor.reveal();
    tokio::spawn(async move {
        // Boxed: the listener lives in there, and has to be gone before the hub is told.
        let over = Box::pin(thread.run(frames, secret, last)).await;
        runtime.hub().leave(id);
        if let Err(Over::Unreadable(fault)) = over {
            tracing::warn!(conversation = %id, %fault, "a thread cannot be shown");
        }
    });
    told
}

struct Thread {
    runtime: Runtime,
    id: ConversationId,
    tell: mpsc::Sender<ToVisitor>,
    /// The first entry that was not read yet.
    next: u64,
    transcript: Transcript,
    who: Who,
    /// The conversation as it was when a person was last asked for, while one is waited for.
    wait: Option<Box<Conversation>>,
    /// How the line stands, as the tab was last told.
    told: Standing,
    streams: Streams,
}

/// Who answers, as the tab was last told.
#[derive(Clone, PartialEq, Eq, Default)]
struct Who {
    mode: Option<ModeName>,
    name: Option<String>,
    may_end: bool,
}

/// Why nothing more is told.
enum Over {
    /// Nobody takes it.
    Gone,
    /// The trail cannot be read.
    Unreadable(LoadError),
}

impl Thread {
    async fn run(
        mut self,
        mut frames: Receiver<Frame>,
        secret: String,
        last: Option<u64>,
    ) -> Result<(), Over> {
        self.welcome(secret, last).await?;
        self.tell_line().await?;
        self.catch_up().await?;
        let closing = self.runtime.router().closing().clone();
        let mut look = tokio::time::interval(LOOK_EVERY);
        loop {
            let frame = tokio::select! {
                () = self.tell.closed() => return Ok(()),
                () = closing.cancelled() => return Ok(()),
                _ = look.tick(), if self.wait.is_some() => {
                    self.tell_line().await?;
                    continue;
                }
                frame = frames.recv() => frame,
            };
            match frame {
                Ok(frame) => self.show(frame).await?,
                Err(RecvError::Lagged(_)) => self.catch_up().await?,
                Err(RecvError::Closed) => return Ok(()),
            }
        }
    }

    async fn say(&self, told: ToVisitor) -> Result<(), Over> {
        self.tell.send(told).await.map_err(|_| Over::Gone)
    }

    async fn welcome(&mut self, visitor: String, last: Option<u64>) -> Result<(), Over> {
        // A tab that has shown what does not exist (a restored backup, another house) begins anew.
        let after = match last {
            Some(last) if !self.page(last, 1).await?.is_empty() => Some(last),
            Some(_) | None => None,
        };
        self.next = after.map_or(0, |after| after + 1);
        self.who = self.ask_who().await?;
        let Who {
            mode,
            name,
            may_end,
        } = self.who.clone();
        self.say(ToVisitor::Welcome {
            visitor,
            mode,
            name,
            may_end,
            after,
        })
        .await
    }

    /// Tells what the trail holds from where the tab is.
    async fn catch_up(&mut self) -> Result<(), Over> {
        loop {
            let page = self.page(self.next, PAGE).await?;
            let (mut thinking, mut owner_changed) = (false, false);
            for entry in &page {
                let message = match self.transcript.read(entry) {
                    Seen::Nothing => None,
                    Seen::Message(message) => Some(message),
                    Seen::Earlier(effect) => self.look_back(effect, entry).await?,
                    Seen::Asked => {
                        thinking = true;
                        None
                    }
                    Seen::OwnerChanged => {
                        owner_changed = true;
                        None
                    }
                };
                if let Some(message) = message {
                    thinking &= message.effect.is_none();
                    self.tell_message(message).await?;
                }
                self.next = entry.n + 1;
            }
            if owner_changed {
                self.tell_who().await?;
            }
            if page.len() < PAGE {
                if thinking && self.who.mode == Some(ModeName::Ai) {
                    self.say(ToVisitor::Typing {
                        name: None,
                        seconds: THINKING_S,
                    })
                    .await?;
                }
                return Ok(());
            }
        }
    }

    async fn tell_message(&mut self, message: Message) -> Result<(), Over> {
        if let Some(effect) = message.effect {
            self.streams.replaced(EffectId(effect));
        }
        self.say(ToVisitor::Message(message)).await
    }

    /// A message released long after it was written; none if it was shown before.
    async fn look_back(&self, effect: EffectId, release: &Entry) -> Result<Option<Message>, Over> {
        let mut before = release.n;
        for _ in 0..PAGES_BACK_MAX {
            let from = before.saturating_sub(PAGE as u64);
            // And the one before, which tells the files of the first.
            let mut page = self.page(from.saturating_sub(1), PAGE + 1).await?;
            page.retain(|entry| entry.n < before);
            match Transcript::look_back(effect, release, &page) {
                LookedBack::Found(message) => return Ok(Some(message)),
                LookedBack::Shown => return Ok(None),
                LookedBack::NotHere if from == 0 || page.is_empty() => break,
                LookedBack::NotHere => before = from,
            }
        }
        tracing::warn!(conversation = %self.id, entry = release.n, "a released message has no text on the trail");
        Ok(None)
    }

    async fn tell_who(&mut self) -> Result<(), Over> {
        let who = self.ask_who().await?;
        if who == self.who {
            return Ok(());
        }
        self.who = who.clone();
        self.say(ToVisitor::Who {
            mode: who.mode,
            name: who.name,
            may_end: who.may_end,
        })
        .await?;
        self.tell_line().await
    }

    async fn ask_who(&mut self) -> Result<Who, Over> {
        let head = self.runtime.read(self.id).await.map_err(Over::Unreadable)?;
        let policy = self.runtime.policy();
        let who = head.as_ref().map_or_else(Who::default, |head| Who {
            mode: Some(head.mode().name()),
            name: head.assignee().map(|agent| agent.as_str().to_owned()),
            may_end: head.mode().name() == ModeName::Human
                && policy.queue_rules_of(head.common()).customer_may_end,
        });
        self.wait = head
            .filter(|_| who.mode == Some(ModeName::Waiting))
            .map(Box::new);
        Ok(who)
    }

    /// Tells how the line stands, if that is another than last told.
    async fn tell_line(&mut self) -> Result<(), Over> {
        let wait = self.wait.as_ref();
        let stands = wait
            .and_then(|wait| standing(wait, &self.runtime.policy(), self.runtime.now()))
            .unwrap_or_default();
        if stands == std::mem::replace(&mut self.told, stands) || wait.is_none() {
            return Ok(());
        }
        self.say(ToVisitor::Line {
            position: stands.position,
            minutes: stands.minutes,
            closed: stands.closed,
            opens_at: stands.opens.map(Timestamp::rfc3339),
        })
        .await
    }

    async fn show(&mut self, frame: Frame) -> Result<(), Over> {
        match frame {
            Frame::Moved { last } if last < self.next => Ok(()),
            Frame::Moved { .. } => self.catch_up().await,
            Frame::Streamed { effect, at, text } => {
                match self.streams.piece(effect, at, text.len()) {
                    Piece::Next => {
                        self.say(ToVisitor::Streamed {
                            effect: effect.0,
                            text,
                        })
                        .await
                    }
                    Piece::Torn => self.say(ToVisitor::StreamCut { effect: effect.0 }).await,
                    Piece::Missed => {
                        self.say(ToVisitor::Typing {
                            name: None,
                            seconds: THINKING_S,
                        })
                        .await
                    }
                    Piece::Late => Ok(()),
                }
            }
            Frame::StreamCut { effect } => match self.streams.cut(effect) {
                true => self.say(ToVisitor::StreamCut { effect: effect.0 }).await,
                false => Ok(()),
            },
            Frame::Typing { agent } => {
                self.say(ToVisitor::Typing {
                    name: Some(agent),
                    seconds: TYPING_S,
                })
                .await
            }
            // Both stand on the trail, which rings by itself once they do.
            Frame::Message { .. } | Frame::Echo { .. } => Ok(()),
        }
    }

    /// Entries from `from` on. A store that cannot be read just now is asked again for a while.
    async fn page(&self, from: u64, limit: usize) -> Result<Vec<Entry>, Over> {
        let mut reads = 1;
        loop {
            match self.runtime.trail(self.id, from, limit).await {
                Ok(page) => return Ok(page),
                Err(LoadError::Retry(_)) if reads < READS_MAX => reads += 1,
                Err(fault) => return Err(Over::Unreadable(fault)),
            }
            tokio::time::sleep(READ_AGAIN_AFTER).await;
        }
    }
}

/// The answers that are being written, as far as this tab has seen them.
#[derive(Default)]
struct Streams {
    /// How much of each was shown, in bytes; none: a piece was missed and nothing more of it is shown.
    open: BTreeMap<EffectId, Option<usize>>,
    /// The newest message of ours that was shown whole.
    whole: Option<EffectId>,
}

/// What a piece of an answer is to this tab.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Piece {
    /// The next one.
    Next,
    /// The first after a missed one, and something was shown: take it back.
    Torn,
    /// Its beginning was missed.
    Missed,
    /// The whole was shown already, or it was given up.
    Late,
}

impl Streams {
    fn piece(&mut self, effect: EffectId, at: usize, len: usize) -> Piece {
        if self.whole.is_some_and(|whole| effect <= whole) {
            return Piece::Late;
        }
        match self.open.insert(effect, None) {
            Some(None) => Piece::Late,
            None if at > 0 => Piece::Missed,
            Some(Some(shown)) if at != shown => Piece::Torn,
            None | Some(Some(_)) => {
                self.open.insert(effect, Some(at + len));
                Piece::Next
            }
        }
    }

    /// The stream ended. Whether the tab shows any of it.
    fn cut(&mut self, effect: EffectId) -> bool {
        self.open.remove(&effect).flatten().is_some()
    }

    fn replaced(&mut self, effect: EffectId) {
        self.whole = self.whole.max(Some(effect));
        // One message of ours is under way at a time: whatever was streamed before this one is over.
        self.open.retain(|open, _| *open > effect);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: EffectId = EffectId(1);

    #[test]
    fn pieces_are_shown_in_order_from_the_first() {
        let mut streams = Streams::default();
        assert_eq!(streams.piece(FIRST, 0, 3), Piece::Next);
        assert_eq!(streams.piece(FIRST, 3, 4), Piece::Next);
        assert_eq!(streams.piece(EffectId(2), 0, 1), Piece::Next);
        assert_eq!(streams.piece(FIRST, 7, 1), Piece::Next);
        assert!(streams.cut(FIRST));
        assert!(!streams.cut(FIRST));
    }

    #[test]
    fn a_tab_that_joins_in_the_middle_waits_for_the_whole() {
        let mut streams = Streams::default();
        assert_eq!(streams.piece(FIRST, 5, 3), Piece::Missed);
        assert_eq!(streams.piece(FIRST, 8, 3), Piece::Late);
        assert!(!streams.cut(FIRST), "nothing of it is shown");
    }

    #[test]
    fn a_missed_piece_takes_the_stream_back() {
        let mut streams = Streams::default();
        assert_eq!(streams.piece(FIRST, 0, 3), Piece::Next);
        assert_eq!(streams.piece(FIRST, 9, 3), Piece::Torn);
        assert_eq!(streams.piece(FIRST, 12, 3), Piece::Late);
    }

    #[test]
    fn a_piece_that_comes_after_the_whole_is_late() {
        let mut streams = Streams::default();
        assert_eq!(streams.piece(FIRST, 0, 3), Piece::Next);
        streams.replaced(FIRST);
        assert_eq!(streams.piece(FIRST, 3, 3), Piece::Late);
        assert_eq!(streams.piece(EffectId(2), 0, 3), Piece::Next);
        assert!(streams.open.len() == 1, "what is over is forgotten");
    }
}
