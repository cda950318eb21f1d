//! The AI: how long models take, what they cost, and which of their answers never reached anybody.
//!
//! Models are labelled from the configured list; anything else is `other`, and counted as folded. The trail does not say
//! which model failed or wrote a late draft: those are put to the primary model, where every question starts.

use std::time::Duration;

use ::metrics::{Counter, Gauge, Histogram};

use super::catalogue as cat;
use super::funnel::seconds;
use super::labels::{
    Dropped, Fallback, MODELS_MAX, ModelLabel, ModelOutcome, OTHER, PROVIDERS_MAX, TokenKind,
    is_model,
};
use super::register::{Register, each};
use crate::conversation::trail::Usage;
use crate::conversation::words::ModelFault;

/// What is counted for each model.
#[derive(Debug)]
struct Lane {
    label: ModelLabel,
    request: [Histogram; ModelOutcome::ALL.len()],
    first_chunk: Histogram,
    tokens: [Counter; TokenKind::ALL.len()],
    cached: Counter,
    cost: Counter,
}

/// The handles of the AI.
#[derive(Debug)]
pub(super) struct Ai {
    /// The configured models, the primary first; then `other`.
    lanes: Vec<Lane>,
    inflight: Vec<(String, Gauge)>,
    fallbacks: [Counter; Fallback::ALL.len()],
    dropped: [Counter; Dropped::ALL.len()],
    dual_replies: Counter,
    overflows: Counter,
}

/// A question under way; no longer once dropped, also when its future is.
#[derive(Debug)]
#[must_use = "the question counts as under way only while this is held"]
pub struct InFlight(Gauge);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.decrement(1.0);
    }
}

impl Ai {
    pub(super) fn new(r: &Register, models: &[ModelLabel], overflows: Counter) -> Self {
        let mut providers: Vec<&str> = Vec::new();
        let mut lanes = Vec::new();
        for label in models.iter().take(MODELS_MAX) {
            if !providers.contains(&label.provider.as_str()) && providers.len() < PROVIDERS_MAX {
                providers.push(&label.provider);
            }
            let provider = if providers.contains(&label.provider.as_str()) {
                &label.provider
            } else {
                overflows.increment(1);
                OTHER
            };
            lanes.push(Lane::new(r, provider, &label.model));
        }
        lanes.push(Lane::new(r, OTHER, OTHER));
        let inflight = providers
            .iter()
            .copied()
            .chain([OTHER])
            .map(|provider| {
                let gauge = r.gauge(&cat::AI_INFLIGHT, &[provider]);
                (provider.to_owned(), gauge)
            })
            .collect();
        Self {
            lanes,
            inflight,
            fallbacks: each(Fallback::ALL, |cause| {
                r.counter(&cat::AI_FALLBACKS, &[cause.as_str()])
            }),
            dropped: each(Dropped::ALL, |cause| {
                r.counter(&cat::AI_SUPPRESSED, &[cause.as_str()])
            }),
            dual_replies: r.counter(&cat::DUAL_REPLIES, &[]),
            overflows,
        }
    }

    /// The lane of a model, by the name its answer carries.
    fn lane(&self, model: &str) -> &Lane {
        let known = self.lanes.iter().find(|lane| lane.label.model == model);
        let dated = || {
            let mut lanes = self.lanes.iter();
            lanes.find(|lane| is_model(&lane.label.model, model))
        };
        known.or_else(dated).unwrap_or_else(|| {
            self.overflows.increment(1);
            self.other()
        })
    }

    fn other(&self) -> &Lane {
        self.lanes.last().expect("`other` is always there")
    }

    fn primary(&self) -> &Lane {
        self.lanes.first().expect("`other` is always there")
    }

    pub(super) fn answered(&self, model: &str, usage: Usage, took_ms: u64) {
        let lane = self.lane(model);
        lane.request[ModelOutcome::Ok as usize].record(seconds(took_ms));
        lane.spent(usage);
    }

    pub(super) fn failed(&self, fault: ModelFault, took_ms: u64) {
        self.primary().request[ModelOutcome::from(fault) as usize].record(seconds(took_ms));
        self.fell_back(Fallback::of_fault(fault));
    }

    pub(super) fn draft(&self, usage: Usage) {
        self.primary().spent(usage);
    }

    pub(super) fn fell_back(&self, cause: Fallback) {
        self.fallbacks[cause as usize].increment(1);
    }

    pub(super) fn dropped(&self, cause: Dropped) {
        self.dropped[cause as usize].increment(1);
    }

    pub(super) fn dual_replies(&self, n: u64) {
        self.dual_replies.increment(n);
    }

    pub(super) fn first_chunk(&self, model: &str, took: Duration) {
        self.lane(model).first_chunk.record(took.as_secs_f64());
    }

    pub(super) fn inflight(&self, provider: &str) -> InFlight {
        let known = self.inflight.iter().find(|(name, _)| name == provider);
        let (_, gauge) = known.unwrap_or_else(|| {
            self.overflows.increment(1);
            self.inflight.last().expect("`other` is always there")
        });
        gauge.increment(1.0);
        InFlight(gauge.clone())
    }
}

impl Lane {
    fn new(r: &Register, provider: &str, model: &str) -> Self {
        Self {
            request: each(ModelOutcome::ALL, |outcome| {
                r.histogram(&cat::AI_REQUEST, &[provider, model, outcome.as_str()])
            }),
            first_chunk: r.histogram(&cat::AI_FIRST_CHUNK, &[provider, model]),
            tokens: each(TokenKind::ALL, |kind| {
                r.counter(&cat::AI_TOKENS, &[provider, model, kind.as_str()])
            }),
            cached: r.counter(&cat::AI_CACHED, &[provider, model]),
            cost: r.counter(&cat::AI_COST, &[provider, model]),
            label: ModelLabel {
                provider: provider.to_owned(),
                model: model.to_owned(),
            },
        }
    }

    fn spent(&self, usage: Usage) {
        self.tokens[TokenKind::Input as usize].increment(usage.input);
        self.tokens[TokenKind::Output as usize].increment(usage.output);
        self.cached.increment(usage.cached);
        self.cost.increment(usage.cost_micros);
    }
}
