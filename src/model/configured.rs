//! One model as it is configured: its name, its slots, and how it is asked. It asks nobody itself.

use std::time::Duration;

use tokio::sync::Semaphore;
use tracing::Span;

use super::attempt::Remote;
use super::carrier::Carrier;
use super::settings::{ModelSettings, Provider};
use super::wire::Dialect;
use crate::conversation::question::Question;
use crate::trace;

/// The model cannot be used as configured.
#[derive(Debug, thiserror::Error)]
#[error("model `{model}`: {what}")]
pub struct NotReady {
    /// Its name in the configuration.
    pub model: String,
    /// What is wrong.
    pub what: String,
}

/// One of the models that are asked in turn.
pub(super) struct Model {
    pub(super) name: String,
    pub(super) slots: Semaphore,
    pub(super) kind: Kind,
}

/// How it is asked.
pub(super) enum Kind {
    Offline { delay: Duration },
    Remote(Box<Remote>),
}

impl Model {
    pub(super) fn new(settings: &ModelSettings) -> Result<Self, NotReady> {
        let not_ready = |what: String| NotReady {
            model: settings.name.clone(),
            what,
        };
        if settings.max_concurrent == 0 || settings.max_concurrent > Semaphore::MAX_PERMITS {
            return Err(not_ready("max_concurrent must be at least 1".to_owned()));
        }
        let dialect = match settings.provider {
            Provider::Offline => None,
            Provider::Anthropic => Some(Dialect::Anthropic {
                version: settings.api_version.clone(),
            }),
            Provider::OpenAi => Some(Dialect::OpenAi {
                limit: settings.token_field,
            }),
        };
        let kind = match dialect {
            None => Kind::Offline {
                delay: settings.offline_delay,
            },
            Some(_) if settings.max_tokens == 0 => {
                return Err(not_ready("max_tokens must be at least 1".to_owned()));
            }
            Some(dialect) => {
                let url = dialect.url(settings.base_url.as_deref());
                let carrier = Carrier::new(&url, &dialect.headers(settings.api_key.as_ref()))
                    .map_err(|error| not_ready(error.to_string()))?;
                Kind::Remote(Box::new(Remote {
                    carrier,
                    dialect,
                    name: settings.name.clone(),
                    max_tokens: settings.max_tokens,
                    prices: settings.prices,
                }))
            }
        };
        Ok(Self {
            name: settings.name.clone(),
            slots: Semaphore::new(settings.max_concurrent),
            kind,
        })
    }

    /// The span of one attempt at `question`.
    pub(super) fn span(&self, question: &Question, stream: bool) -> Span {
        let (provider, max_tokens) = match &self.kind {
            Kind::Offline { .. } => ("offline", None),
            Kind::Remote(remote) => {
                let provider = match &remote.dialect {
                    Dialect::Anthropic { .. } => "anthropic",
                    Dialect::OpenAi { .. } => "openai",
                };
                (provider, Some(remote.max_tokens))
            }
        };
        trace::chat(trace::Chat {
            conversation: &question.conversation,
            provider,
            model: &self.name,
            stream,
            max_tokens,
        })
    }
}
