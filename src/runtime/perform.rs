//! Doing what was decided: messages to providers, questions to the model. Never anything that is not committed.
//!
//! Each attempt is made once; what came of it goes back to the conversation as a new event. A send that has to wait for
//! a free line looks at the owner epoch once more before its first byte leaves, and before every further part.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use ractor::ActorRef;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use super::letter::Letter;
use super::router::Router;
use super::streaming::StreamCell;
use super::traced;
use super::undelivered::Undelivered;
use super::window::{self, Window};
use super::{Frame, blocking, others};
use crate::channel::carrier::Carrier;
use crate::channel::circuit::Circuit;
use crate::channel::registry::Channels;
use crate::channel::{Dispatch, Outbound};
use crate::clock::monotonic;
use crate::conversation::event::Event;
use crate::conversation::message::{Attempt, FailureCause, Medium, Retry};
use crate::conversation::question::{Line, ModelFailure, Question, arranged, lines};
use crate::conversation::trail::Usage;
use crate::conversation::words::{Class, ModelFault};
use crate::conversation::{Conversation, Outgoing};
use crate::ids::{AskId, ConversationId, EffectId};
use crate::metrics::Metrics;
use crate::model::{Emit, Service};
use crate::store::LoadError;
use crate::trace::{self, Cause};

/// The longest that a message waits for a free line after its release. Then it is known not to have left, and is tried
/// again soon: nothing may still wait here when the conversation takes it for lost.
const LINE_WITHIN: Duration = Duration::from_secs(10);

/// See the head of this file. Cheap to clone.
#[derive(Clone)]
pub struct Performer {
    channels: Arc<Channels>,
    carrier: Arc<Carrier>,
    model: Arc<Service>,
    provider: Arc<str>,
    metrics: Arc<Metrics>,
    under_way: Arc<AtomicUsize>,
    undelivered: Undelivered,
}

/// How far a send got at once.
pub enum Sending {
    /// Its outcome is known already.
    Done(Attempt),
    /// Its outcome will come as an event.
    Under,
}

impl Performer {
    /// Sends through `channels` with `carrier`, asks the `model` of `provider`.
    pub fn new(
        channels: Channels,
        carrier: Carrier,
        model: Service,
        provider: &str,
        metrics: Arc<Metrics>,
    ) -> Self {
        Self {
            channels: Arc::new(channels),
            carrier: Arc::new(carrier),
            model: Arc::new(model),
            provider: provider.into(),
            metrics,
            under_way: Arc::default(),
            undelivered: Undelivered::default(),
        }
    }

    /// The channels.
    pub fn shared_channels(&self) -> Arc<Channels> {
        Arc::clone(&self.channels)
    }

    /// The hosts whose last call failed with their circuits, and how often a circuit has opened.
    pub fn circuits(&self) -> (Vec<(String, Circuit)>, u64) {
        (self.carrier.troubled(), self.carrier.circuit_opens())
    }

    /// The channels whose messages do not get through.
    pub(super) fn undelivered(&self) -> &Undelivered {
        &self.undelivered
    }

    /// The model.
    pub fn shared_model(&self) -> Arc<Service> {
        Arc::clone(&self.model)
    }

    /// Makes one attempt to send `outgoing`. None: it may not leave after all.
    pub(super) fn send(
        &self,
        router: &Router,
        conversation: &Conversation,
        outgoing: Outgoing<'_>,
        epoch: &Arc<AtomicU64>,
        cause: &Cause,
    ) -> Option<Sending> {
        let common = conversation.common();
        let Some(channel) = self.channels.get(&common.channel).cloned() else {
            return Some(rejected("no_channel", FailureCause::Other));
        };
        let outbound = Outbound {
            conversation: common.id,
            effect: outgoing.effect,
            to: &common.customer.address,
            from: &common.ours,
            medium: common.medium,
            class: outgoing.class,
            agent: outgoing.agent.map(|agent| agent.as_str()),
            text: outgoing.text,
            choices: outgoing.choices,
        };
        let calls = match channel.compose(&outbound) {
            Ok(Dispatch::Calls(calls)) => calls,
            Ok(Dispatch::Push) => {
                router.hub().publish(common.id, message_frame(&outgoing));
                return Some(Sending::Done(Attempt::Accepted {
                    provider_id: String::new(),
                }));
            }
            Err(fault) => {
                tracing::warn!(conversation = %common.id, code = fault.code, "a message cannot be composed");
                let (code, cause, retry) = (fault.code.to_owned(), fault.cause, fault.retry);
                return Some(Sending::Done(Attempt::Rejected { code, cause, retry }));
            }
        };
        let gate = (outgoing.class == Class::Ai)
            .then(|| (Arc::clone(epoch), epoch.load(Ordering::Acquire)));
        let (id, effect, router, me) = (common.id, outgoing.effect, router.clone(), self.clone());
        let (medium, attempts) = (common.medium, outgoing.attempts);
        let busy = Busy::begin(&self.under_way);
        let sending = trace::Sending {
            conversation: &id,
            channel: medium.as_str(),
            class: outgoing.class.as_str(),
            message: effect.0,
            attempt: attempts,
        };
        let span = trace::send(sending, cause);
        let within = span.clone();
        let sent = async move {
            let event = me
                .carry((medium, effect, attempts), channel.as_ref(), &calls, gate)
                .await;
            traced::sent(&span, &event);
            router.tell(id, event);
            drop(busy);
        };
        tokio::spawn(sent.instrument(within));
        Some(Sending::Under)
    }

    async fn carry(
        &self,
        (medium, effect, attempts): (Medium, EffectId, u16),
        channel: &dyn crate::channel::Channel,
        calls: &[crate::channel::Call],
        gate: Option<(Arc<AtomicU64>, u64)>,
    ) -> Event {
        let Ok(slot) = self.carrier.slot_within(LINE_WITHIN).await else {
            let attempt = Attempt::Rejected {
                code: "busy".to_owned(),
                cause: FailureCause::RateLimited,
                retry: Retry::Soon,
            };
            return Event::SendSettled { effect, attempt };
        };
        let may_leave = || {
            let moved = |(epoch, decided): &(Arc<AtomicU64>, u64)| {
                epoch.load(Ordering::Acquire) != *decided
            };
            !gate.as_ref().is_some_and(moved)
        };
        if !may_leave() {
            return Event::SendSuppressed { effect };
        }
        let began = monotonic();
        let carried = self.carrier.carry_in(slot, channel, calls, may_leave);
        let attempt = carried.await;
        self.metrics
            .delivery_attempt(medium, began.elapsed(), attempts);
        Event::SendSettled { effect, attempt }
    }

    /// Asks the model. What it says comes back as an event.
    pub(super) fn ask(
        &self,
        router: &Router,
        keeper: &ActorRef<Letter>,
        conversation: &Conversation,
        asking: Asking,
    ) {
        let common = conversation.common();
        let (id, language, customer) = (
            common.id,
            router.policy().language_of(common).map(str::to_owned),
            common.customer.name.clone(),
        );
        let messages = conversation.messages_asked();
        // Looked up anew whenever the store is read in any case.
        let elsewhere = match asking.at_hand {
            Some(_) => Vec::new(),
            None => others::ids(router.store(), &router.policy(), conversation),
        };
        let (me, router, keeper) = (self.clone(), router.clone(), keeper.clone());
        let channel = common.medium.as_str();
        let span = trace::answer(&id, channel, asking.ask.0, &asking.cause);
        let within = span.clone();
        let asked = async move {
            let Asking {
                ask,
                at_hand,
                others,
                stream,
                cancel,
                cause: _,
            } = asking;
            let shown = match at_hand {
                Some(lines) => Ok((lines, others)),
                None => read_window(&router, &keeper, (id, ask), elsewhere).await,
            };
            let (lines, others) = match shown {
                Ok(shown) => shown,
                Err(fault) => {
                    let failure = unread(&fault.to_string());
                    router.tell(id, Event::ModelFailed { ask, failure });
                    return;
                }
            };
            let question = Question {
                conversation: id,
                ask,
                lines: arranged(lines, messages),
                messages,
                others,
                language,
                customer,
                rules: router.policy().triage.clone(),
            };
            let _in_flight = me.metrics.ai_inflight(&me.provider);
            let emit = stream.clone().map(|cell| cell as Arc<dyn Emit>);
            let event = match me.model.answer(question, emit, cancel).await {
                Ok(answer) => {
                    if let Some(took) = stream.and_then(|cell| cell.first_after()) {
                        me.metrics.ai_first_chunk(&answer.model, took);
                        trace::first_shown(&span, took);
                    }
                    Event::ModelAnswered { ask, answer }
                }
                Err(failure) => {
                    tracing::debug!(conversation = %id, fault = %failure.fault, detail = failure.detail, "no answer");
                    Event::ModelFailed { ask, failure }
                }
            };
            traced::answered(&span, &event);
            router.tell(id, event);
        };
        tokio::spawn(asked.instrument(within));
    }

    /// Waits until nothing is on its way to a provider any more, for at most `patience`.
    pub(super) async fn settle(&self, patience: Duration) {
        let until = crate::clock::monotonic() + patience;
        while self.under_way.load(Ordering::Acquire) > 0 && crate::clock::monotonic() < until {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// How many messages are on their way to providers.
    pub fn under_way(&self) -> usize {
        self.under_way.load(Ordering::Relaxed)
    }
}

/// A question on its way to the model.
pub(super) struct Asking {
    /// Which.
    pub(super) ask: AskId,
    /// What it shows, if the keeper has it at hand.
    pub(super) at_hand: Option<Vec<Line>>,
    /// What is told of the customer's other conversations.
    pub(super) others: Option<Box<str>>,
    /// Where the answer is shown while it comes, if it is.
    pub(super) stream: Option<Arc<StreamCell>>,
    /// Fired when nobody wants the answer any more.
    pub(super) cancel: CancellationToken,
    /// The event that led to it.
    pub(super) cause: Cause,
}

/// Reads what the AI is shown from the store, with what it is told of the customer's conversations `elsewhere`, and leaves
/// both with the keeper for the next question.
async fn read_window(
    router: &Router,
    keeper: &ActorRef<Letter>,
    (id, ask): (ConversationId, AskId),
    elsewhere: Vec<ConversationId>,
) -> Result<(Vec<Line>, Option<Box<str>>), LoadError> {
    let (store, entries) = (router.store().clone(), router.policy().window_entries);
    let read = move || {
        let recent = window::read(&store, id, ask, entries)?;
        // They are no reason to keep anybody waiting: what cannot be read is not told.
        let others = others::read(&store, &elsewhere);
        Ok((recent, others.ok().as_deref().and_then(others::told)))
    };
    let (recent, others) = blocking(read).await?;
    if let Some(last) = recent.last() {
        let window = Window::of(&recent, last.n + 1, entries);
        // A keeper that is gone needs none.
        let _ = keeper.cast(Letter::WindowRead(window, others.clone()));
    }
    Ok((lines(window::up_to(&recent, ask)), others))
}

/// Counts a send from its release to its outcome.
struct Busy(Arc<AtomicUsize>);

impl Busy {
    fn begin(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::AcqRel);
        Self(Arc::clone(count))
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

fn rejected(code: &str, cause: FailureCause) -> Sending {
    Sending::Done(Attempt::Rejected {
        code: code.to_owned(),
        cause,
        retry: Retry::Never,
    })
}

fn unread(detail: &str) -> ModelFailure {
    ModelFailure {
        fault: ModelFault::ServerError,
        took_ms: 0,
        partial: String::new(),
        usage: Usage::default(),
        detail: detail.to_owned(),
    }
}

fn message_frame(outgoing: &Outgoing<'_>) -> Frame {
    Frame::Message {
        entry: outgoing.entry,
        effect: outgoing.effect,
        class: outgoing.class,
        agent: outgoing.agent.map(|agent| agent.as_str().to_owned()),
        text: outgoing.text.to_owned(),
        choices: outgoing.choices.to_vec(),
    }
}
