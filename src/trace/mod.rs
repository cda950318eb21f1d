//! WATCHING, one conversation at a time: log lines, and spans that show what led to what.
//!
//! ```text
//!  POST /webhooks/… ─▶ event customer_wrote ─▶ answer ─▶ chat MODEL
//!                                                │
//!                                                └─▶ event model_answered ─▶ send whatsapp ─▶ event send_settled
//! ```
//!
//! Every event of a conversation is one span. What it brings about happens later and elsewhere: spans do not contain
//! each other, each carries the [`Cause`] it came from. Spans stand at DEBUG: where nobody looks, making one is one
//! atomic load, and a [`Cause`] is nothing. With `[tracing]` they are exported ([`export`]).
//!
//! Here are ids, words of ours, codes and figures. What a customer wrote, their name and their address never are, nor is
//! any secret.

mod cause;
pub mod export;
mod handoff;
mod http;
pub mod log;
mod seldom;
mod spans;

use std::sync::atomic::{AtomicU8, Ordering};

pub use self::cause::Cause;
pub use self::handoff::{Promised, Settled};
pub use self::http::{called, carry, status};
pub use self::seldom::Seldom;
pub use self::spans::{
    Chat, Sending, Spent, answer, answered, chat, decided, ended, event, failed, finished,
    first_chunk, first_shown, held, send, spent, webhook,
};

/// Under this name spans are switched on and off in `SEGUE_LOG`.
pub const TARGET: &str = "segue::span";

const EXPORTING: u8 = 1;
const CONTINUES: u8 = 2;

static SWITCHES: AtomicU8 = AtomicU8::new(0);

/// Whether spans are exported.
pub fn is_on() -> bool {
    SWITCHES.load(Ordering::Relaxed) & EXPORTING != 0
}

/// Whether what began elsewhere is continued.
fn continues() -> bool {
    SWITCHES.load(Ordering::Relaxed) & CONTINUES != 0
}

/// From now on spans are exported.
fn switch_on(continues: bool) {
    let switches = if continues {
        EXPORTING | CONTINUES
    } else {
        EXPORTING
    };
    SWITCHES.store(switches, Ordering::Relaxed);
}
