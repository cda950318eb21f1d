//! Segue, a conversation runtime.
pub mod app;
pub mod channel;
pub mod cli;
pub mod clock;
pub mod config;
pub mod control;
pub mod conversation;
pub mod desk;
pub mod http;
pub mod ids;
pub mod knowledge;
pub mod metrics;
pub mod model;
pub mod runtime;
pub mod secret;
pub mod store;
pub mod triage;
