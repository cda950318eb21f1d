//! Instructions of one message, for `valgrind --tool=callgrind`: what watching costs, which time is too noisy to tell.
//!
//! A whole Segue without its listeners: customers whose conversation a person has write again and again, many at once,
//! durably. `cargo bench --bench watched -- MESSAGES`; with no number it makes a few and says nothing of worth.
#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

use segue::app::App;
use segue::config::{Config, Environment};
use segue::conversation::event::Act;
use segue::conversation::message::{Body, Customer, Inbound, Medium};
use segue::conversation::words::Role;

/// Customers.
const CUSTOMERS: u64 = 256;
/// Messages at once.
const TOGETHER: u64 = 64;

fn inbound(customer: u64, n: u64) -> Inbound {
    Inbound {
        channel: "web".into(),
        medium: Medium::Webchat,
        from: Customer {
            address: format!("customer-{customer}"),
            name: None,
            language: Some("en".to_owned()),
        },
        to: String::new(),
        id: format!("m-{customer}-{n}"),
        sent_at: None,
        body: Body::Text("Is it on its way? I have been waiting since Tuesday.".to_owned()),
    }
}

async fn run(messages: u64) {
    let dir = tempfile::tempdir().expect("a directory");
    let text = "[server]\nlisten = \"127.0.0.1:0\"\nops_listen = \"127.0.0.1:0\"\n[storage]\ndata_dir = \"data\"\n\
                [channels.web]\nkind = \"webchat\"\n";
    let config = Config::parse("segue.toml", text, dir.path(), &Environment::default());
    let app = App::start(config.expect("good")).await.expect("it starts");
    let runtime = app.doors().runtime.clone();
    for customer in 0..CUSTOMERS {
        let first = runtime.deliver(inbound(customer, 0)).await;
        first.expect("taken");
        let id = runtime.conversation_id(&"web".into(), &format!("customer-{customer}"));
        let take = Act::TakeOver { force: false };
        let taken = runtime.act(id, "Ana".into(), Role::Agent, take, None).await;
        taken.expect("taken");
    }
    let mut n = 0;
    while n < messages {
        let together = (0..TOGETHER).map(|k| {
            let one = inbound((n + k) % CUSTOMERS, 1 + (n + k) / CUSTOMERS);
            runtime.deliver(one)
        });
        for done in futures_util::future::join_all(together).await {
            done.expect("taken");
        }
        n += TOGETHER;
    }
    println!("{n} messages");
    app.stop().await;
}

fn main() {
    let messages = std::env::args().skip(1).find_map(|one| one.parse().ok());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(run(messages.unwrap_or(128)));
}
