//! From the configuration's sections to the rooms' own settings.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use super::follow::pinned;
use crate::channel::carrier::{Carrier, CarrierError, Timeouts};
use crate::channel::http::{Http, HttpSettings};
use crate::channel::registry::{Channels, Kind, NameTaken};
use crate::channel::twilio::{Sender, Twilio, TwilioSettings};
use crate::channel::webchat::WebChat;
use crate::config::{ChannelKind, Config, ModelPrices, Provider, TwilioSection, TwilioSender};
use crate::conversation::Mode;
use crate::conversation::policy::{Policy, Switches};
use crate::conversation::words::ModeName;
use crate::desk::Desk;
use crate::http::limit::{Rate, Rates};
use crate::ids::ChannelName;
use crate::knowledge::{Knowledge, KnowledgeError};
use crate::metrics::{Metrics, ModelLabel, Names, Standing};
use crate::model::guard::TAG_DEFAULT;
use crate::model::settings::{ModelSettings, Prices, Provider as Answerer};
use crate::model::{NotReady, Service};
use crate::runtime::{Performer, SWITCHES};
use crate::store::{CommitError, LoadError, Store};

/// Calls to providers at once.
const CALLS_MAX: usize = 256;
/// Rows of a list read at once.
const LIST_PAGE: usize = 1_000;
/// How long a conversation stays in memory after its last event.
const IDLE_AFTER: Duration = Duration::from_secs(300);

/// A part cannot be built from the configuration.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// Two channels share a name.
    #[error(transparent)]
    Channel(#[from] NameTaken),
    /// The HTTP client cannot be made.
    #[error("the HTTP client cannot be made: {0}")]
    Carrier(#[from] CarrierError),
    /// The model cannot be asked.
    #[error("the model cannot be used: {0}")]
    Model(#[from] NotReady),
    /// The knowledge base cannot be read.
    #[error("the knowledge base cannot be read: {0}")]
    Knowledge(#[from] KnowledgeError),
}

/// The URL under which the outside world sees the public listener, without a trailing slash.
pub fn public_url(config: &Config, bound: SocketAddr) -> String {
    let url = config
        .server
        .public_url
        .clone()
        .unwrap_or_else(|| format!("http://{bound}"));
    url.trim_end_matches('/').to_owned()
}

/// How long a conversation stays in memory after its last event. `SEGUE_IDLE_AFTER_MS` shortens it for tests of waking.
pub fn idle_after() -> Duration {
    let millis = std::env::var("SEGUE_IDLE_AFTER_MS")
        .ok()
        .and_then(|text| text.parse().ok());
    millis.map_or(IDLE_AFTER, Duration::from_millis)
}

/// Channels, carrier and model.
///
/// # Errors
/// [`BuildError`].
pub fn performer(
    config: &Config,
    public_url: &str,
    metrics: Arc<Metrics>,
) -> Result<Performer, BuildError> {
    crate::channel::carrier::install_crypto();
    let carrier = Carrier::new(Timeouts::default(), CALLS_MAX)?;
    let knowledge = knowledge(config)?;
    let model = Service::new(model(config), Arc::new(knowledge))?;
    let channels = channels(config, public_url)?;
    let provider = config.model.provider.as_str();
    Ok(Performer::new(channels, carrier, model, provider, metrics))
}

/// A model that was configured speaks for a real business: it is never given the shop that was invented for the
/// demonstration.
fn knowledge(config: &Config) -> Result<Knowledge, KnowledgeError> {
    match (&config.knowledge.dir, config.model.provider) {
        (Some(dir), _) => Knowledge::from_dir(dir),
        (None, Provider::Offline) => Ok(Knowledge::sample()),
        (None, Provider::Anthropic | Provider::Openai) => Ok(Knowledge::empty()),
    }
}

fn channels(config: &Config, public_url: &str) -> Result<Channels, NameTaken> {
    let mut channels = Channels::default();
    for (name, section) in &config.channels {
        match &section.kind {
            ChannelKind::Twilio(twilio) => {
                let twilio = Twilio::new(self::twilio(name, twilio, public_url));
                channels.add(Kind::Twilio, Arc::new(twilio))?;
            }
            ChannelKind::Http(http) => {
                let settings = HttpSettings {
                    name: name.clone(),
                    token: http.token.clone(),
                    callback_url: http.callback_url.clone(),
                    callback_secret: http.callback_secret.clone(),
                };
                channels.add_http(Arc::new(Http::new(settings)))?;
            }
            ChannelKind::Webchat(_) => {
                channels.add(Kind::Webchat, Arc::new(WebChat::new(name.clone())))?
            }
        }
    }
    Ok(channels)
}

fn twilio(name: &ChannelName, section: &TwilioSection, public_url: &str) -> TwilioSettings {
    TwilioSettings {
        name: name.clone(),
        account_sid: section.account_sid.clone(),
        auth_tokens: section.auth_tokens.clone(),
        shared_keys: section.shared_keys.clone(),
        sender: match &section.sender {
            TwilioSender::From(from) => Sender::From(from.clone()),
            TwilioSender::MessagingService(sid) => Sender::MessagingServiceSid(sid.clone()),
        },
        public_url: public_url.to_owned(),
        status_path: None,
        api_base_url: section.api_base_url.clone(),
    }
}

fn model(config: &Config) -> ModelSettings {
    let section = &config.model;
    let settings = |name: &str| ModelSettings {
        provider: match section.provider {
            Provider::Offline => Answerer::Offline,
            Provider::Anthropic => Answerer::Anthropic,
            Provider::Openai => Answerer::OpenAi,
        },
        name: name.to_owned(),
        api_key: section.api_key.clone(),
        base_url: (section.provider != Provider::Offline).then(|| section.base_url.clone()),
        timeout: section.patience.timeout,
        max_concurrent: section.max_concurrent,
        system_prompt: section.system_prompt.clone(),
        handoff_tag: section
            .handoff_tag
            .clone()
            .unwrap_or_else(|| TAG_DEFAULT.to_owned()),
        prices: section.prices.get(name).map_or_else(Prices::default, price),
        top_k: config.knowledge.top_k,
        min_score: config.knowledge.min_score,
        // the bundled sample is about nobody's business: what it lacks says nothing
        grounded: config.knowledge.dir.is_some(),
        assess: section.assess,
        ..ModelSettings::default()
    };
    let fallback = section.fallback.iter().map(|name| settings(name)).collect();
    ModelSettings {
        fallback,
        ..settings(model_name(config))
    }
}

/// The first model's name, on the trail and in figures. The configuration has none for the offline answerer.
fn model_name(config: &Config) -> &str {
    match config.model.provider {
        Provider::Offline => Provider::Offline.as_str(),
        Provider::Anthropic | Provider::Openai => &config.model.name,
    }
}

fn price(prices: &ModelPrices) -> Prices {
    Prices {
        input: prices.input,
        output: prices.output,
        cached: prices.cached,
    }
}

/// The rules, with the switches as they were left.
///
/// # Errors
/// [`LoadError`] when the store cannot be read.
pub fn policy(config: &Config, store: &Store, desk: &Desk) -> Result<Policy, LoadError> {
    let mut policy = config.policy();
    if let Some(bytes) = store.setting(SWITCHES)? {
        let unreadable =
            |fault: serde_json::Error| LoadError::Corrupt(format!("the AI switches: {fault}"));
        policy.switches = serde_json::from_slice::<Switches>(&bytes).map_err(unreadable)?;
    }
    keep(&policy, store)?;
    for hash in pinned(desk) {
        if hash == policy.hash {
            continue;
        }
        match store
            .policy(hash)?
            .map(|bytes| serde_json::from_slice::<Policy>(&bytes))
        {
            Some(Ok(earlier)) => {
                policy.earlier.insert(hash, earlier.all_queues());
            }
            Some(Err(_)) | None => {
                tracing::warn!(
                    policy = format!("{hash:016x}"),
                    "an earlier policy cannot be read; its handoffs go on by the newest one"
                );
            }
        }
    }
    Ok(policy)
}

/// Stores `policy` under its hash.
///
/// # Errors
/// [`CommitError`] when the store does not take it.
pub fn keep(policy: &Policy, store: &Store) -> Result<(), CommitError> {
    let bytes = serde_json::to_vec(policy).expect("a policy is plain data");
    store.put_policy(policy.hash, &bytes)
}

/// How often one party may come.
pub fn rates(config: &Config, metrics: Arc<Metrics>) -> Rates {
    let limits = &config.limits;
    let rate = |rate: Option<crate::config::Rate>| {
        // A rate of nothing is a fault of the configuration and does not get here.
        rate.and_then(|rate| {
            Some(Rate {
                count: NonZeroU32::new(rate.count)?,
                per: rate.per,
            })
        })
    };
    let (address, customer, token) = (limits.per_address, limits.per_customer, limits.per_token);
    Rates::new(rate(address), rate(customer), rate(token), metrics)
}

/// From where browsers may open the web chats.
pub fn chat_origins(config: &Config) -> BTreeMap<ChannelName, Vec<String>> {
    let origins = config
        .channels
        .iter()
        .filter_map(|(name, section)| match &section.kind {
            ChannelKind::Webchat(webchat) => Some((name.clone(), webchat.allowed_origins.clone())),
            ChannelKind::Twilio(_) | ChannelKind::Http(_) => None,
        });
    origins.collect()
}

/// The longest file that a customer may send in each web chat, in bytes.
pub fn chat_upload_bytes(config: &Config) -> BTreeMap<ChannelName, u64> {
    let limits = config
        .channels
        .iter()
        .filter_map(|(name, section)| match &section.kind {
            ChannelKind::Webchat(webchat) => {
                Some((name.clone(), u64::from(webchat.upload_mb) * 1024 * 1024))
            }
            ChannelKind::Twilio(_) | ChannelKind::Http(_) => None,
        });
    limits.collect()
}

/// The names that get labels of their own.
pub fn metric_names(config: &Config) -> Names {
    let label = |name: &str| ModelLabel {
        provider: config.model.provider.as_str().to_owned(),
        model: name.to_owned(),
    };
    let models = std::iter::once(model_name(config))
        .chain(config.model.fallback.iter().map(String::as_str))
        .map(label)
        .collect();
    let first = config.default_queue.as_str().to_owned();
    let others = config
        .queues
        .keys()
        .map(|queue| queue.as_str().to_owned())
        .filter(|queue| *queue != first);
    Names {
        queues: std::iter::once(first.clone()).chain(others).collect(),
        models,
    }
}

/// Tells the figures what waits for a person or has one; answers how many wait. Before anything is committed.
pub fn with_people(desk: &Desk, metrics: &Metrics) -> usize {
    for mode in [ModeName::Waiting, ModeName::Human] {
        for seen in desk.board().all(mode) {
            let Some(conversation) = seen.conversation() else {
                continue;
            };
            // Replies that were parked before the start; what is owed beside them is told as soon as it wakes.
            let standing = Standing::of(conversation);
            if standing.owes() {
                let common = conversation.common();
                metrics.stands(common.id, common.medium, standing, standing);
            }
            let handoff = match conversation.mode() {
                Mode::Waiting(waiting) => Some(waiting.handoff()),
                Mode::Human(human) => human.handoff(),
                Mode::Ai(_) | Mode::Closed(_) => None,
            };
            if let Some(handoff) = handoff {
                let queue = &conversation.common().queue;
                metrics.take_up(seen.conversation_id(), queue, handoff.reason);
            }
        }
    }
    desk.board().count(ModeName::Waiting)
}

/// How many open conversations the AI holds, read once at the start.
///
/// # Errors
/// [`LoadError`] when the store cannot be read.
pub fn held_by_ai(store: &Store) -> Result<usize, LoadError> {
    let (mut count, mut after) = (0, None);
    loop {
        let page = store.list(ModeName::Ai, after, LIST_PAGE)?;
        let Some(last) = page.last() else {
            return Ok(count);
        };
        after = Some(*last);
        count += page.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Environment;

    #[test]
    fn the_offline_answerer_has_a_name_wherever_it_is_told() {
        let config = Config::demonstration();
        assert_eq!(model(&config).name, "offline");
        let models = metric_names(&config).models;
        let told: Vec<_> = models
            .iter()
            .map(|one| (one.provider.as_str(), one.model.as_str()))
            .collect();
        assert_eq!(told, [("offline", "offline")]);
    }

    #[test]
    fn a_model_is_never_given_the_invented_shop() {
        let chunks = |text: &str| {
            let environment: Environment = std::iter::empty::<(&str, &str)>().collect();
            let config = Config::parse("t.toml", text, std::path::Path::new(""), &environment)
                .expect("no faults");
            knowledge(&config).expect("nothing to read").len()
        };
        assert!(chunks("") > 0, "the demonstration has something to say");
        assert_eq!(
            chunks("[model]\nprovider = \"openai\"\nname = \"m\"\napi_key = \"k\"\n"),
            0
        );
    }

    #[test]
    fn prices_score_and_tag_reach_the_model() {
        let text = "[model]\nprovider = \"openai\"\nname = \"m\"\napi_key = \"k\"\nfallback = [\"f\", \"g\"]\n\
                    prices = { input = 3.0, output = 15.0, cached = 0.3 }\n\
                    [model.prices_of.g]\ninput = 1\noutput = 2\n[knowledge]\nmin_score = 120\n";
        let environment: Environment = std::iter::empty::<(&str, &str)>().collect();
        let config = Config::parse("t.toml", text, std::path::Path::new(""), &environment)
            .expect("no faults");
        let settings = model(&config);
        let prices = |input, output, cached| Prices {
            input,
            output,
            cached,
        };
        assert_eq!(settings.prices, prices(3_000_000, 15_000_000, 300_000));
        assert_eq!(settings.fallback[0].prices, Prices::default());
        assert_eq!(
            settings.fallback[1].prices,
            prices(1_000_000, 2_000_000, 1_000_000)
        );
        assert_eq!(settings.min_score, 120);
        assert_eq!(settings.handoff_tag, TAG_DEFAULT);
        assert_eq!(settings.api_key, Some("k".into()));
    }
}
