//! Answers questions: finds what is known, asks the model, tries again where that can help, and asks the next one.
//!
//! All of it happens within one total time. A model is asked at most twice and only while nothing of an answer was
//! shown; after that a failure is a failure. Waiting for a free slot counts into the time. A question nobody wants any
//! more is dropped at once, with its connection. It decides nothing about the conversation and keeps nothing of it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use super::attempt::{Answer, Ask, Failed, sum};
use super::carrier::Until;
use super::configured::{Kind, Model, NotReady};
use super::guard::Guard;
use super::leads::Leads;
use super::library::{Edition, Library};
use super::offline;
use super::prompt;
use super::refusal::Refused;
use super::retrieve::retrieve;
use super::sentences;
use super::settings::{ModelSettings, Provider};
use super::trouble::Trouble;
use super::{Answered, Emit};
use crate::clock::monotonic;
use crate::conversation::question::{Grounds, ModelAnswer, ModelFailure, ModelVerdict, Question};
use crate::conversation::trail::{Source, Usage};
use crate::conversation::words::ModelFault;
use crate::knowledge::{Hit, Knowledge};
use crate::trace;

/// The pause before the second attempt where the provider asked for none.
const RETRY_PAUSE: Duration = Duration::from_millis(250);
/// The longest pause a provider may ask for while another model could answer instead.
const RETRY_PAUSE_MAX: Duration = Duration::from_secs(2);
/// The part of the time left that a model gets to begin its answer while others stand behind it, in percent.
const SHARE_PERCENT: u32 = 60;
/// The most models in a row.
pub const MODELS_MAX: usize = 8;

/// Whatever answers questions; share it behind an `Arc`.
pub struct Service {
    models: Vec<Model>,
    /// Of each model.
    troubles: Vec<Trouble>,
    library: Library,
    guard: Guard,
    timeout: Duration,
    top_k: usize,
    min_score: u32,
    grounded: bool,
    assess: bool,
}

impl std::fmt::Debug for Service {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<&str> = self
            .models
            .iter()
            .map(|model| model.name.as_str())
            .collect();
        f.debug_struct("Service")
            .field("models", &names)
            .finish_non_exhaustive()
    }
}

/// One question on its way, with what all attempts share.
struct Asked<'a> {
    question: &'a Question,
    edition: Arc<Edition>,
    hits: Vec<Hit>,
    /// What the answer is held against, where it should rest on that.
    grounds: Option<Grounds>,
    guard: Guard,
    emit: Option<&'a dyn Emit>,
    cancelled: &'a CancellationToken,
    began: Instant,
    deadline: Instant,
}

impl Service {
    /// Sets up the first model and its fallbacks. Calls nobody.
    ///
    /// # Errors
    /// [`NotReady`] names the model and what is wrong with its settings.
    pub fn new(settings: ModelSettings, knowledge: Arc<Knowledge>) -> Result<Self, NotReady> {
        let not_ready = |what: &str| NotReady {
            model: settings.name.clone(),
            what: what.to_owned(),
        };
        let guard =
            Guard::new(&settings.handoff_tag).map_err(|error| not_ready(&error.to_string()))?;
        if settings.fallback.len() >= MODELS_MAX {
            return Err(not_ready("too many fallback models"));
        }
        if settings.timeout.is_zero() {
            return Err(not_ready("timeout must not be zero"));
        }
        let models: Result<Vec<Model>, NotReady> = std::iter::once(&settings)
            .chain(&settings.fallback)
            .map(Model::new)
            .collect();
        let models = models?;
        Ok(Self {
            troubles: models.iter().map(|_| Trouble::default()).collect(),
            models,
            library: Library::new(
                settings.system_prompt.clone(),
                settings.handoff_tag.clone(),
                settings.assess,
                knowledge,
            ),
            guard,
            timeout: settings.timeout,
            top_k: settings.top_k,
            min_score: settings.min_score,
            // sentences out of the knowledge base are grounded as they stand; see `missed` for the rest
            grounded: settings.grounded && settings.provider != Provider::Offline,
            assess: settings.assess,
        })
    }

    /// Answers from another knowledge base, from the next question on.
    pub fn set_knowledge(&self, knowledge: Arc<Knowledge>) {
        self.library.replace(knowledge);
    }

    /// Answers `question`. With `emit` the answer is streamed, and [`ModelAnswer::text`] is what was shown, also when
    /// the verdict is to fetch a person; without, that text is empty then. Firing `cancelled` drops the call at once.
    ///
    /// # Errors
    /// [`ModelFailure`] after all that may be tried was tried, or at once after something was shown. Its `partial` is
    /// everything that came, shown or not; usage that no provider counted is estimated from the bytes.
    pub async fn answer(
        &self,
        question: Question,
        emit: Option<Arc<dyn Emit>>,
        cancelled: CancellationToken,
    ) -> Answered {
        let began = monotonic();
        let edition = self.library.now();
        let hits = retrieve(&edition.knowledge, &question, self.top_k, self.min_score);
        let grounds = self.grounded.then(|| Grounds {
            asked: prompt::open_question(&question),
            passages: hits.iter().map(|hit| hit.text.clone()).collect(),
            given: prompt::given(&edition.stable, &question),
        });
        let asked = Asked {
            guard: self.guard.under(question.rules.clone(), grounds.clone()),
            edition,
            hits,
            grounds,
            question: &question,
            emit: emit.as_deref(),
            cancelled: &cancelled,
            began,
            deadline: began + self.timeout,
        };
        let mut spent = Usage::default();
        let mut last = None;
        for (at, model) in self.models.iter().enumerate() {
            let behind = self.models.len() - at - 1;
            match self.ask(model, behind, &asked, &mut spent).await {
                Ok(answer) => return Ok(answered(&asked, model, spent, answer)),
                Err(failed) => {
                    self.troubles[at].failed(&model.name, question.conversation, &failed.why);
                    let over = failed.shown
                        || !may_fall_back(failed.why.fault)
                        || monotonic() >= asked.deadline;
                    last = Some(failed);
                    if over {
                        break;
                    }
                }
            }
        }
        let failed = last.expect("there is at least one model");
        Err(ModelFailure {
            fault: failed.why.fault,
            took_ms: millis(began),
            partial: failed.partial,
            usage: spent,
            detail: failed.why.detail,
        })
    }

    /// Asks one model, and once more if that may help.
    async fn ask(
        &self,
        model: &Model,
        behind: usize,
        asked: &Asked<'_>,
        spent: &mut Usage,
    ) -> Result<Answer, Failed> {
        let left = asked.deadline.saturating_duration_since(monotonic());
        let patience = match behind {
            0 => asked.deadline,
            _ => monotonic() + left * SHARE_PERCENT / 100,
        };
        let first = match self.once(model, asked, patience, spent).await {
            Ok(answer) => return Ok(answer),
            Err(failed) => failed,
        };
        let pause = first.why.after.unwrap_or(RETRY_PAUSE);
        let late = monotonic() + pause >= patience || (behind > 0 && pause > RETRY_PAUSE_MAX);
        if first.shown || !first.why.retry || late || first.why.fault == ModelFault::Timeout {
            return Err(first);
        }
        let until = Until {
            deadline: patience,
            cancelled: asked.cancelled,
        };
        if let Err(why) = until
            .wait("pausing before another attempt", tokio::time::sleep(pause))
            .await
        {
            return Err(Failed { why, ..first });
        }
        self.once(model, asked, patience, spent).await
    }

    /// One attempt, from the wait for a slot on.
    async fn once(
        &self,
        model: &Model,
        asked: &Asked<'_>,
        patience: Instant,
        spent: &mut Usage,
    ) -> Result<Answer, Failed> {
        let until = Until {
            deadline: patience,
            cancelled: asked.cancelled,
        };
        let nothing = |why: Refused| Failed {
            why,
            shown: false,
            partial: String::new(),
            usage: Usage::default(),
        };
        let slot = until
            .wait("waiting for a free slot", model.slots.acquire())
            .await
            .map_err(nothing)?;
        let _slot = slot.expect("the semaphore is never closed");
        let span = model.span(asked.question, asked.emit.is_some());
        let result = match &model.kind {
            Kind::Offline { delay } => {
                until
                    .wait("waiting as configured", tokio::time::sleep(*delay))
                    .await
                    .map_err(nothing)?;
                span.in_scope(|| self.offline(asked))
            }
            Kind::Remote(remote) => {
                let mut prompt =
                    prompt::compose(&asked.edition.stable, asked.question, &asked.hits);
                let rules = &asked.question.rules;
                prompt.assess = self.assess.then(|| Leads::of(rules.spec()));
                let ask = Ask {
                    prompt: &prompt,
                    guard: &asked.guard,
                    emit: asked.emit,
                    cancelled: asked.cancelled,
                    began: monotonic(),
                    patience,
                    deadline: asked.deadline,
                };
                remote.ask(ask).instrument(span.clone()).await
            }
        };
        let usage = match &result {
            Ok(answer) => answer.usage,
            Err(failed) => {
                trace::failed(&span, failed.why.fault.as_str());
                failed.usage
            }
        };
        trace::spent(
            &span,
            trace::Spent {
                input: usage.input,
                cached: usage.cached,
                output: usage.output,
            },
        );
        *spent = sum(*spent, usage);
        result
    }

    fn offline(&self, asked: &Asked<'_>) -> Result<Answer, Failed> {
        let said = offline::answer(asked.question, &asked.hits, &asked.edition.knowledge);
        if let Some(emit) = asked.emit {
            let mut shown = String::new();
            for sentence in sentences::split(&said.text) {
                if !emit.emit(&sentence) {
                    return Err(Failed {
                        why: Refused::new(
                            ModelFault::Cancelled,
                            "the stream to the customer was stopped",
                        ),
                        shown: true,
                        partial: shown,
                        usage: Usage::default(),
                    });
                }
                shown.push_str(&sentence);
            }
        }
        Ok(Answer {
            text: said.text,
            verdict: said.verdict,
            tools: Vec::new(),
            usage: Usage::default(),
            confidence: said.confidence,
        })
    }
}

/// Whether another model may answer where this one failed. A wrong key or a request that one model refuses says nothing
/// about the next; an answer that a filter held back does, and a person should see it.
fn may_fall_back(fault: ModelFault) -> bool {
    match fault {
        ModelFault::Timeout
        | ModelFault::RateLimited
        | ModelFault::ServerError
        | ModelFault::Auth
        | ModelFault::BadRequest => true,
        ModelFault::Cancelled | ModelFault::Filtered => false,
    }
}

fn answered(asked: &Asked<'_>, model: &Model, spent: Usage, answer: Answer) -> ModelAnswer {
    let missed = missed(asked, model, &answer);
    ModelAnswer {
        text: match (&answer.verdict, asked.emit) {
            (ModelVerdict::Escalate { .. }, None) => String::new(),
            (ModelVerdict::Escalate { .. }, Some(_)) | (ModelVerdict::Reply, _) => answer.text,
        },
        verdict: answer.verdict,
        model: model.name.clone(),
        usage: spent,
        took_ms: millis(asked.began),
        tools: answer.tools,
        sources: asked
            .hits
            .iter()
            .map(|hit| Source {
                chunk: hit.id.clone(),
                score: hit.score,
            })
            .collect(),
        confidence: answer.confidence,
        grounds: asked.grounds.clone().or(missed),
    }
}

/// That the answerer which needs nobody knows nothing: it looked, and nothing relevant is behind what it says.
fn missed(asked: &Asked<'_>, model: &Model, answer: &Answer) -> Option<Grounds> {
    let offline = match model.kind {
        Kind::Offline { .. } => true,
        Kind::Remote(_) => false,
    };
    // a greeting has no confidence, and what asks for a person itself is no answer
    let knows_nothing = asked.hits.is_empty() && answer.confidence == Some(0);
    let missed = offline && knows_nothing && answer.verdict == ModelVerdict::Reply;
    missed.then(|| Grounds {
        asked: prompt::open_question(asked.question),
        passages: Vec::new(),
        given: String::new(),
    })
}

fn millis(since: Instant) -> u64 {
    u64::try_from(monotonic().saturating_duration_since(since).as_millis()).unwrap_or(u64::MAX)
}
