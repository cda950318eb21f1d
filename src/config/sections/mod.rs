//! One file for each part of the configuration: its struct, its defaults, its limits, its reading.

pub mod calendars;
pub mod channels;
pub mod house;
pub mod model;
mod phrases_file;
pub mod queues;
pub mod routing;
mod signs;
pub mod tracing;
pub mod triage;
mod windows;
pub mod words;

pub use self::tracing::TracingSection;
pub use channels::{
    ChannelKind, ChannelSection, HttpSection, TwilioSection, TwilioSender, WebchatSection,
};
pub use house::{
    LimitsSection, LogFormat, LogLevel, LogSection, MetricsSection, ServerSection, StorageSection,
};
pub use model::{KnowledgeSection, ModelPrices, ModelSection, Provider};
