//! Customers of the web chat who write without a browser.

use std::sync::atomic::{AtomicU64, Ordering};

use segue::app::App;
use segue::conversation::message::{Body, Customer, Inbound, Medium};
use segue::ids::ConversationId;

/// Each message has an id of its own, also after a restart on the same data.
static SENT: AtomicU64 = AtomicU64::new(0);

/// Somebody writes; the conversation's id.
pub async fn write_as(app: &App, from: &str, name: Option<&str>, text: &str) -> ConversationId {
    let runtime = &app.doors().runtime;
    let inbound = Inbound {
        channel: "web".into(),
        medium: Medium::Webchat,
        from: Customer {
            address: from.into(),
            name: name.map(Into::into),
            language: Some("en".into()),
        },
        to: String::new(),
        id: format!("m{}", SENT.fetch_add(1, Ordering::Relaxed)),
        sent_at: None,
        body: Body::Text(text.into()),
    };
    runtime.deliver(inbound).await.expect("delivered");
    runtime.conversation_id(&"web".into(), from)
}

/// Words that ask for a person.
pub const FOR_A_PERSON: &str = "I want to talk to a human";
