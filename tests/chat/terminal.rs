//! The terminal client.

use segue::cli::chat::ChatArguments;
use segue::cli::screen::Screen;
use segue::cli::talk::talk;

use crate::{House, PATIENCE};

fn arguments(url: String, visitor: Option<std::path::PathBuf>) -> ChatArguments {
    ChatArguments {
        url,
        channel: "web".into(),
        name: Some("Eva".into()),
        language: None,
        visitor,
        wait: 1,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_terminal_client_holds_a_scripted_talk_and_finds_it_again() {
    let house = House::open().await;
    let url = house.url("http", "");
    let kept = house._dir.path().join("visitor");
    let script = "How long does shipping take?\nI would like to talk to a person\n";
    let mut shown = Vec::new();
    let screen = Screen::new(&mut shown, false);
    let asked = arguments(url.clone(), Some(kept.clone()));
    let talking = talk(&asked, script.as_bytes(), false, screen);
    tokio::time::timeout(PATIENCE, talking)
        .await
        .expect("in time")
        .expect("it works");
    let first = String::from_utf8(shown).expect("text");
    let lines: Vec<&str> = first.lines().collect();
    assert!(
        lines.iter().any(|line| line.starts_with("Assistant: ")),
        "{first}"
    );
    assert!(
        lines
            .iter()
            .any(|line| line.starts_with("* ") || line.starts_with("*: ")),
        "{first}"
    );
    assert!(lines.contains(&"-- waiting for a person --"), "{first}");

    let mut shown = Vec::new();
    let screen = Screen::new(&mut shown, false);
    let talking = talk(&asked, &b""[..], false, screen);
    tokio::time::timeout(PATIENCE, talking)
        .await
        .expect("in time")
        .expect("it works");
    let again = String::from_utf8(shown).expect("text");
    assert!(
        again.contains("You: How long does shipping take?\nAssistant: "),
        "{again}"
    );
    house.app.stop().await;
}

#[tokio::test]
async fn the_terminal_client_says_when_nobody_is_there() {
    let screen = Screen::new(Vec::new(), false);
    let done = talk(
        &arguments("http://127.0.0.1:9".into(), None),
        &b"hello\n"[..],
        false,
        screen,
    )
    .await;
    assert!(
        matches!(done, Err(segue::cli::chat::ChatError::Connect { .. })),
        "{done:?}"
    );
}
