//! The listeners: extract, call, map. No rule about conversations lives here.
//!
//! Two listeners: the public one (webhooks, web chat, inbox, API) and the operations one (metrics, health, status), so
//! that figures are never on the internet by accident.

pub mod api;
pub mod body;
pub mod chat;
pub mod departed;
pub mod forwarded;
mod guard;
mod inbox;
pub mod limit;
pub mod listen;
mod media;
pub mod ops;
mod peers;
pub mod problem;
pub mod status;
mod table;
mod upload;
mod webhook;
mod whys;

use std::sync::Arc;

use axum::Router;

use crate::channel::registry::Channels;
use crate::desk::Desk;
use crate::metrics::Metrics;
use crate::runtime::Runtime;
use crate::store::media::Shelf;

/// What every handler of the public listener may use. Cheap to clone.
#[derive(Clone)]
pub struct Doors {
    /// Conversations.
    pub runtime: Runtime,
    /// People on our side: board, event stream, tokens, presence.
    pub desk: Desk,
    /// Translators.
    pub channels: Arc<Channels>,
    /// What handlers keep to.
    pub limits: Arc<Limits>,
    /// Figures.
    pub metrics: Arc<Metrics>,
    /// How often one party may come.
    pub rates: Arc<limit::Rates>,
    /// Files of customers.
    pub media: Shelf,
}

/// The public listener.
pub fn routes(doors: Doors) -> Router {
    let proxies = doors.limits.proxies.clone();
    let pages = Router::new()
        .merge(chat::routes())
        .merge(inbox::routes())
        .route(
            "/",
            axum::routing::get(|| async { axum::response::Redirect::temporary("/chat") }),
        )
        .layer(axum::middleware::map_response(guard::guard));
    let routes = Router::new()
        .merge(webhook::routes(Arc::new(doors.clone())))
        .merge(pages)
        .merge(api::routes())
        .fallback(guard::nowhere)
        .with_state(doors);
    if proxies.is_empty() {
        return routes;
    }
    routes.layer(axum::middleware::from_fn_with_state(
        proxies,
        forwarded::see_client,
    ))
}

/// What handlers keep to: numbers of the configuration, and what they share.
#[derive(Clone, Debug)]
pub struct Limits {
    /// The URL under which the outside world sees this listener, without a trailing slash.
    pub public_url: String,
    /// The proxies whose word on where a request comes from is believed.
    pub proxies: forwarded::Proxies,
    /// The longest body taken, in bytes.
    pub body_bytes_max: usize,
    /// How much may be kept of bodies that are being read, all together.
    pub bodies: body::Budget,
    /// Open sockets of web chats: before the process ends they are told so.
    pub sockets: tokio_util::task::TaskTracker,
    /// Origins from which a browser may open the web chat of an instance; empty: only our own.
    pub chat_origins: std::collections::BTreeMap<crate::ids::ChannelName, Vec<String>>,
    /// The longest file that may be sent in the web chat of an instance, in bytes; 0: none.
    pub chat_upload_bytes: std::collections::BTreeMap<crate::ids::ChannelName, u64>,
    /// Room for files that staff send at once.
    pub staff_uploads: Arc<tokio::sync::Semaphore>,
}

/// How many files of staff come in at once: each holds one piece in memory.
pub const STAFF_UPLOADS_MAX: usize = 32;

impl Limits {
    /// The longest file that may be sent there, in bytes; 0: none.
    pub fn upload_bytes(&self, channel: &crate::ids::ChannelName) -> u64 {
        self.chat_upload_bytes.get(channel).copied().unwrap_or(0)
    }
}
