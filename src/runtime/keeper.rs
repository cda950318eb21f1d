//! The keeper of one conversation: decide, commit, answer, perform. It knows no rule and never waits for a commit.
//!
//! A decision is handed to the store together with its answer; the writer gives the answer once the decision, and with
//! it everything it rests on, is durable. What is to be performed comes back as [`Letter::Durable`] and is held against
//! the gate once more. A failed commit ends the keeper: the next letter wakes a new one from what is on disk. A panic in
//! `decide` costs that event only: it is parked for people and the conversation goes to them.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ractor::{Actor, ActorProcessingErr, ActorRef};
use tokio::sync::oneshot;

use super::figures::{self, News};
use super::letter::{Letter, Post};
use super::outward::{Asked, ended_ask, frames, hang_up, obey, perform};
use super::parking::{Why, for_parking, park};
use super::recall::{Forgotten, recall};
use super::router::Router;
use super::traced;
use super::window::Window;
use super::{Answered, Unavailable};
use crate::clock::monotonic;
use crate::conversation::decision::{Answer, Decision};
use crate::conversation::event::Event;
use crate::conversation::line::crowd::Waiter;
use crate::conversation::question::Line;
use crate::conversation::trail::{Entry, Fact};
use crate::conversation::words::ModeName;
use crate::conversation::{Conversation, HEAD_BYTES_ALARM, HEAD_BYTES_MAX};
use crate::ids::{AskId, ConversationId};
use crate::metrics::{Passivation, Standing};
use crate::store::{CommitError, Listing, Turn};
use crate::trace::{self, Cause, Promised};

/// The actor. Its state is [`Kept`].
pub struct Keeper;

/// What a keeper keeps.
pub struct Kept {
    pub(super) conversation: Conversation,
    generation: u64,
    pub(super) router: Router,
    submitted: u64,
    durable: Arc<AtomicU64>,
    /// The owner epoch, for sends that wait for a free line after their release was decided.
    pub(super) epoch: Arc<AtomicU64>,
    pub(super) asks: Vec<Asked>,
    /// The mode of the last turn handed to the store.
    mode: ModeName,
    /// The bytes of its head; 0 before the first.
    head_bytes: usize,
    /// The inbound ids that stand in the store and not in the head.
    pub(super) forgotten: Forgotten,
    /// What the AI is shown.
    window: Window,
    /// How it stood after the last turn handed to the store.
    pub(super) standing: Standing,
    /// The handoff that waits, while spans are exported.
    pub(super) promised: Option<Box<Promised>>,
    /// What the AI is told of the customer's other conversations, as of when the window was read last.
    pub(super) others: Option<Box<str>>,
}

impl Kept {
    /// Keeps `conversation`, as read under the store's `generation`, with what the AI is shown of it.
    pub(super) fn new(
        conversation: Conversation,
        (window, others): (Window, Option<Box<str>>),
        generation: u64,
        router: Router,
    ) -> Self {
        let mode = conversation.mode().name();
        let standing = figures::woken(&conversation, &router);
        let epoch = Arc::new(AtomicU64::new(conversation.common().epoch.0));
        Self {
            conversation,
            generation,
            router,
            submitted: 0,
            durable: Arc::default(),
            epoch,
            asks: Vec::new(),
            mode,
            head_bytes: 0,
            forgotten: Forgotten::Asked(0),
            window,
            standing,
            promised: None,
            others,
        }
    }

    /// What question `ask` shows, if it is at hand and durable.
    pub(super) fn shown_for(&self, ask: AskId) -> Option<Vec<Line>> {
        self.is_durable()
            .then(|| self.window.lines(ask, self.router.policy().window_entries))
            .flatten()
    }

    pub(super) fn id(&self) -> ConversationId {
        self.conversation.common().id
    }

    fn is_durable(&self) -> bool {
        self.durable.load(Ordering::Acquire) == self.submitted
    }
}

impl Actor for Keeper {
    type Msg = Letter;
    // Boxed: an actor's task has room for several copies of its state, for as long as it lives.
    type State = Box<Kept>;
    type Arguments = Box<Kept>;

    async fn pre_start(
        &self,
        _me: ActorRef<Letter>,
        kept: Box<Kept>,
    ) -> Result<Box<Kept>, ActorProcessingErr> {
        Ok(kept)
    }

    async fn handle(
        &self,
        me: ActorRef<Letter>,
        letter: Letter,
        kept: &mut Box<Kept>,
    ) -> Result<(), ActorProcessingErr> {
        match letter {
            Letter::Post(post) => handle(&me, post, kept).await,
            Letter::Durable(perform, cause) => {
                for one in perform {
                    self::perform(&me, one, &cause, kept);
                }
            }
            Letter::CommitFailed(error) => {
                tracing::warn!(conversation = %kept.id(), %error, "a commit failed; the keeper gives up");
                // What was to happen by itself, or was on its way in, is taken up again from what is on disk.
                kept.router.wake_soon(kept.id());
                me.stop(Some("commit failed".to_owned()));
            }
            Letter::WindowRead(window, others) => {
                kept.others = others;
                kept.window.replace_with(window, &kept.conversation);
            }
            Letter::Rest => kept.window.let_go(),
            Letter::Retire => {
                if kept.is_durable() && !kept.conversation.in_flight() && kept.asks.is_empty() {
                    let _ = me.drain();
                }
            }
        }
        Ok(())
    }

    /// Whoever is woken after this must find everything on disk.
    async fn post_stop(
        &self,
        me: ActorRef<Letter>,
        kept: &mut Box<Kept>,
    ) -> Result<(), ActorProcessingErr> {
        // Nobody is left to hear what the model says, or to shut a stream when a person takes over.
        hang_up(kept);
        if !kept.is_durable() {
            kept.router.barrier().await;
        }
        kept.router
            .metrics()
            .actor_passivated(if kept.router.is_stopping() {
                Passivation::Shutdown
            } else {
                Passivation::Idle
            });
        kept.router.slept(kept.id(), &me);
        Ok(())
    }
}

/// What stays of an event that is not to be decided.
pub(super) struct Aside {
    /// Why not.
    pub(super) why: Why,
    /// What kind of event.
    pub(super) name: &'static str,
    /// The event, if it has to be kept.
    pub(super) rescue: Option<Event>,
    /// Whoever waits.
    pub(super) post: Post,
}

/// Whether the head has grown past all bounds and this would make it grow on. What people and performers do is
/// decided all the same, so that it can become smaller again.
fn is_too_much(event: &Event, kept: &Kept) -> bool {
    kept.head_bytes > HEAD_BYTES_MAX
        && matches!(
            event,
            Event::CustomerWrote { .. } | Event::WrittenElsewhere { .. }
        )
}

// What is held across an `await` here is held by every actor's task, also while it is idle: keep it small.
async fn handle(me: &ActorRef<Letter>, mut post: Box<Post>, kept: &mut Kept) {
    if let Err(fault) = recall(&mut post.event, kept).await {
        tracing::warn!(conversation = %kept.id(), %fault, "remembered ids cannot be read");
        answer(post.reply, Err(Unavailable::Unread));
        return;
    }
    if let Some(aside) = turn(me, post, kept) {
        Box::pin(park(me, *aside, kept)).await;
    }
}

/// Decides and commits.
fn turn(me: &ActorRef<Letter>, mut post: Box<Post>, kept: &mut Kept) -> Option<Box<Aside>> {
    let began = monotonic();
    let waited = figures::taken_out(&mut post, began, kept);
    let rescue = for_parking(&post.event);
    let name = post.event.name();
    let span = traced::event(
        name,
        began.saturating_duration_since(post.at),
        &post.cause,
        kept,
    );
    let _within = span.enter();
    if is_too_much(&post.event, kept) {
        traced::parked(&span, "too_large");
        return Some(Box::new(Aside {
            why: Why::TooLarge,
            name,
            rescue,
            post: *post,
        }));
    }
    let (common, performer) = (kept.conversation.common(), kept.router.performer());
    performer
        .undelivered()
        .look(&post.event, &common.channel, common.id);
    let ends = ended_ask(&post.event);
    let event = std::mem::replace(&mut post.event, Event::DeadlinePassed);
    let decided = decide(event, kept);
    post.took = Some(figures::decided((name, waited), began, kept));
    match decided {
        Ok(decision) => {
            if let Some(ask) = ends {
                kept.asks.retain(|asked| asked.ask != ask);
            }
            traced::decided(&span, &decision, kept);
            tracing::debug!("decided");
            commit(me, decision, *post, kept);
            None
        }
        Err(_panicked) => {
            traced::parked(&span, "panicked");
            Some(Box::new(Aside {
                why: Why::Panicked,
                name,
                rescue,
                post: *post,
            }))
        }
    }
}

/// One step. A panic leaves the conversation half decided: whoever is told of one must not go on with it.
pub(super) fn decide(event: Event, kept: &mut Kept) -> std::thread::Result<Decision> {
    let (now, policy) = (kept.router.clock().now(), kept.router.policy());
    let (step, conversation) = (kept.router.step(), &mut kept.conversation);
    catch_unwind(AssertUnwindSafe(|| step(conversation, event, now, &policy)))
}

/// Hands the decision to the store, and the answer with it.
pub(super) fn commit(me: &ActorRef<Letter>, decision: Decision, post: Post, kept: &mut Kept) {
    kept.epoch
        .store(kept.conversation.common().epoch.0, Ordering::Release);
    let (mut given, mut perform) = (decision.answer.clone(), decision.perform.clone());
    let signals = decision.signals.clone();
    let mut turns = Vec::new();
    push_turn(decision, kept, &mut turns);
    for signal in signals {
        if let Some(follow_up) = obey(signal, kept) {
            name_what_was_shown(&mut given, &follow_up.entries);
            perform.extend_from_slice(&follow_up.perform);
            push_turn(follow_up, kept, &mut turns);
        }
    }
    let frames = frames(&turns, kept);
    if !turns.is_empty() {
        kept.submitted += 1;
    }
    let (number, durable, keeper) = (kept.submitted, Arc::clone(&kept.durable), me.clone());
    let (router, id) = (kept.router.clone(), kept.id());
    let news = News::of(&post, kept);
    let span = trace::held();
    let Post {
        reply,
        permit,
        place,
        ..
    } = post;
    let done = move |result: Result<_, CommitError>| {
        match result {
            Ok(_position) => {
                durable.fetch_max(number, Ordering::AcqRel);
                news.durable(router.metrics());
                answer(reply, Ok(given));
                for frame in frames {
                    router.hub().publish(id, frame);
                }
                if !perform.is_empty() {
                    let _ = keeper.cast(Letter::Durable(perform, Cause::of(&span)));
                }
            }
            Err(error) => {
                trace::failed(&span, "not_committed");
                answer(reply, Err(Unavailable::Store(error)));
                let _ = keeper.cast(Letter::CommitFailed(error));
            }
        }
        drop((permit, place));
    };
    kept.router
        .store()
        .submit(turns, kept.generation, Box::new(done));
}

/// A stream that a claim cut is known only now: whoever claimed is told what the customer saw of it.
fn name_what_was_shown(given: &mut Answer, cut: &[Entry]) {
    let Answer::Claimed { in_flight, .. } = given else {
        return;
    };
    for entry in cut {
        if let Fact::AiWrote { effect, text, .. } = &entry.fact
            && let Some((_, told)) = in_flight.iter_mut().find(|(one, _)| one == effect)
        {
            told.clone_from(text);
        }
    }
}

fn push_turn(decision: Decision, kept: &mut Kept, turns: &mut Vec<Turn>) {
    if !decision.changed {
        return;
    }
    kept.forgotten.extend(&decision.evicted);
    let conversation = &kept.conversation;
    match conversation.mode().name() {
        ModeName::Ai => kept.window.extend(&decision.entries),
        // The AI is not asked, or seldom.
        ModeName::Waiting | ModeName::Human | ModeName::Closed => kept.window.let_go(),
    }
    if kept.mode == ModeName::Waiting || conversation.mode().name() == ModeName::Waiting {
        let (place, now) = (Waiter::of(conversation), kept.router.clock().now());
        kept.router.policy().crowds.stands(kept.id(), place, now);
    }
    let head = conversation.encode();
    kept.head_bytes = head.len();
    if head.len() > HEAD_BYTES_ALARM {
        tracing::error!(conversation = %kept.id(), bytes = head.len(), "a head is far too large");
    }
    turns.push(Turn {
        conversation: kept.id(),
        medium: conversation.common().medium,
        was: kept.mode,
        rev: conversation.rev(),
        head,
        entries: decision.entries,
        due: conversation.due(),
        listing: Listing {
            mode: conversation.mode().name(),
            since: conversation.common().mode_since,
        },
        evicted: decision.evicted,
    });
    kept.mode = kept.conversation.mode().name();
}

pub(super) fn answer(reply: Option<oneshot::Sender<Answered>>, answer: Answered) {
    if let Some(reply) = reply {
        // Whoever asked may have gone away; what was decided stands all the same.
        let _ = reply.send(answer);
    }
}
