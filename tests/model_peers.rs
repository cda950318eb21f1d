//! Both wire formats against two servers that others wrote: aimock (npm) and the litellm proxy (PyPI).

mod peers {
    pub mod install;
    pub mod node;
    pub mod python;
    pub mod skip;
}

use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use segue::clock::monotonic;
use segue::conversation::question::{Line, ModelAnswer, ModelVerdict, Question};
use segue::conversation::words::{ModelFault, Reason};
use segue::ids::{AskId, ConversationId};
use segue::knowledge::Knowledge;
use segue::model::settings::{ModelSettings, Provider};
use segue::model::{Answered, Emit, Service};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use peers::install::{Missing, ours};
use peers::skip::skipped;
use peers::{node, python};

/// The longest a peer may take to answer its first request.
const START_MAX: Duration = Duration::from_secs(60);

/// A peer's process; ends with the test.
struct Peer {
    child: Child,
    base: String,
}

impl Drop for Peer {
    fn drop(&mut self) {
        // it may be gone already
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
}

fn http() -> reqwest::Client {
    segue::model::install_crypto();
    reqwest::Client::builder()
        .no_proxy()
        .timeout(Duration::from_secs(5))
        .build()
        .expect("a client")
}

async fn started(
    mut command: Command,
    log: &Path,
    port: u16,
    ready: &str,
) -> Result<Peer, Missing> {
    let file = File::create(log).map_err(|error| error.to_string())?;
    let errors = file.try_clone().map_err(|error| error.to_string())?;
    let child = command
        .stdin(Stdio::null())
        .stdout(file)
        .stderr(errors)
        .spawn()
        .map_err(|error| error.to_string())?;
    let mut peer = Peer {
        child,
        base: format!("http://127.0.0.1:{port}"),
    };
    let (client, began) = (http(), monotonic());
    loop {
        if client
            .get(format!("{}{ready}", peer.base))
            .send()
            .await
            .is_ok_and(|answer| answer.status().is_success())
        {
            return Ok(peer);
        }
        if let Ok(Some(status)) = peer.child.try_wait() {
            return Err(format!("it ended ({status}), see {}", log.display()));
        }
        if began.elapsed() > START_MAX {
            return Err(format!("it did not start within {} s", START_MAX.as_secs()));
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn aimock() -> Result<Peer, Missing> {
    let files = ["package.json", "package-lock.json"];
    let place = node::place("aimock", "aimock", "package-lock.json", &files)?;
    let port = free_port();
    let mut node = Command::new("node");
    node.arg(place.join("node_modules/@copilotkit/aimock/dist/cli.js"))
        .args(["--strict", "-p", &port.to_string(), "-f"])
        .arg(ours("aimock/fixtures.json"));
    started(node, &place.join("run.log"), port, "/__aimock/journal").await
}

async fn litellm() -> Result<Peer, Missing> {
    let bin = python::bin("litellm", "litellm")?;
    let port = free_port();
    let mut proxy = Command::new(bin.join("litellm"));
    proxy
        .args([
            "--host",
            "127.0.0.1",
            "--port",
            &port.to_string(),
            "--config",
        ])
        .arg(ours("litellm/config.yaml"))
        .env("LITELLM_LOCAL_MODEL_COST_MAP", "True")
        .current_dir(&bin);
    started(proxy, &bin.join("run.log"), port, "/health/liveliness").await
}

/// What a customer saw of a stream.
#[derive(Default)]
struct Screen(Mutex<Vec<String>>);

impl Emit for Screen {
    fn emit(&self, text: &str) -> bool {
        self.0.lock().expect("not poisoned").push(text.to_owned());
        true
    }
}

impl Screen {
    fn text(&self) -> String {
        self.0.lock().expect("not poisoned").concat()
    }
}

/// One way of asking: a wire format, streamed or whole.
#[derive(Clone, Copy, Debug)]
struct Way {
    provider: Provider,
    stream: bool,
}

const WAYS: [Way; 4] = [
    Way {
        provider: Provider::Anthropic,
        stream: false,
    },
    Way {
        provider: Provider::Anthropic,
        stream: true,
    },
    Way {
        provider: Provider::OpenAi,
        stream: false,
    },
    Way {
        provider: Provider::OpenAi,
        stream: true,
    },
];

async fn ask(peer: &Peer, way: Way, name: &str, text: &str) -> (Answered, String) {
    let base = match way.provider {
        Provider::OpenAi => format!("{}/v1", peer.base),
        Provider::Anthropic | Provider::Offline => peer.base.clone(),
    };
    let settings = ModelSettings {
        provider: way.provider,
        name: name.to_owned(),
        api_key: Some("sk-local-1234".into()),
        base_url: Some(base),
        timeout: Duration::from_secs(10),
        ..ModelSettings::default()
    };
    let service = Service::new(settings, Arc::new(Knowledge::sample())).expect("good settings");
    let question = Question {
        conversation: ConversationId::from_bytes([1; 16]),
        ask: AskId(1),
        lines: vec![
            Line::Ai("Welcome!".to_owned()),
            Line::Customer("good day".to_owned()),
            Line::Customer(text.to_owned()),
        ],
        messages: 2,
        others: None,
        language: None,
        customer: None,
        rules: segue::triage::Settings::default(),
    };
    let screen = Arc::new(Screen::default());
    let emit: Arc<dyn Emit> = screen.clone();
    let answer = service
        .answer(
            question,
            way.stream.then_some(emit),
            CancellationToken::new(),
        )
        .await;
    (answer, screen.text())
}

async fn answers(peer: &Peer, way: Way, name: &str, text: &str, want: &str) -> ModelAnswer {
    let (answer, shown) = ask(peer, way, name, text).await;
    let answer = answer.unwrap_or_else(|failed| panic!("{way:?} {text}: {failed:?}"));
    assert_eq!(
        (answer.text.as_str(), &answer.verdict),
        (want, &ModelVerdict::Reply),
        "{way:?} {text}"
    );
    assert_eq!(shown, if way.stream { want } else { "" }, "{way:?} {text}");
    assert!(
        answer.usage.input > 0 && answer.usage.output > 0,
        "{way:?}: {:?}",
        answer.usage
    );
    answer
}

async fn escalates(peer: &Peer, way: Way, text: &str, reason: Reason, summary: &str, seen: &str) {
    let (answer, shown) = ask(peer, way, "claude-haiku-5-5", text).await;
    let answer = answer.unwrap_or_else(|failed| panic!("{way:?} {text}: {failed:?}"));
    let want = ModelVerdict::Escalate {
        reason,
        summary: summary.to_owned(),
    };
    assert_eq!(answer.verdict, want, "{way:?} {text}");
    assert_eq!(shown, if way.stream { seen } else { "" }, "{way:?} {text}");
    assert_eq!(answer.text, shown, "{way:?} {text}");
}

async fn fails(peer: &Peer, way: Way, name: &str, text: &str, fault: ModelFault, requests: usize) {
    let before = journal(peer).await.len();
    let (answer, shown) = ask(peer, way, name, text).await;
    let failed = answer.expect_err("a failure");
    assert_eq!(
        (failed.fault, shown.as_str()),
        (fault, ""),
        "{way:?} {text}: {failed:?}"
    );
    assert!(!failed.detail.contains("slow down"), "{failed:?}");
    assert_eq!(
        journal(peer).await.len() - before,
        requests,
        "{way:?} {text}"
    );
}

/// A stream that the server cuts after the customer has seen its first sentence.
async fn is_cut(peer: &Peer, way: Way) {
    let (answer, shown) = ask(peer, way, "claude-haiku-5-5", "trunc").await;
    let failed = answer.expect_err("cut");
    assert_eq!(
        (failed.fault, shown.as_str()),
        (ModelFault::ServerError, "A first sentence."),
        "{way:?}"
    );
    assert!(
        failed.partial.starts_with("A first sentence. A second"),
        "{way:?}: {failed:?}"
    );
    assert!(failed.usage.output > 0, "{way:?}");
}

/// Every request that aimock saw; nothing where a peer keeps no journal.
async fn journal(peer: &Peer) -> Vec<Value> {
    let Ok(answer) = http()
        .get(format!("{}/__aimock/journal", peer.base))
        .send()
        .await
    else {
        return Vec::new();
    };
    match answer.json().await {
        Ok(Value::Array(entries)) => entries,
        Ok(Value::Object(mut map)) => {
            match map.remove("entries").or_else(|| map.remove("requests")) {
                Some(Value::Array(entries)) => entries,
                Some(_) | None => Vec::new(),
            }
        }
        Ok(_) | Err(_) => Vec::new(),
    }
}

fn check_wire(entries: &[Value]) {
    let (mut anthropic, mut openai) = (0, 0);
    for entry in entries {
        let (path, body, headers) = (&entry["path"], &entry["body"], &entry["headers"]);
        for refused in ["temperature", "top_p", "top_k"] {
            assert!(body.get(refused).is_none_or(Value::is_null), "{refused}");
        }
        match path.as_str() {
            Some("/v1/messages") => {
                anthropic += 1;
                assert_eq!(headers["anthropic-version"], "2026-10-21");
                assert!(
                    headers.get("x-api-key").is_some() && headers.get("authorization").is_none()
                );
            }
            Some("/v1/chat/completions") => {
                openai += 1;
                assert!(
                    headers.get("authorization").is_some() && headers.get("x-api-key").is_none()
                );
            }
            other => panic!("an unexpected request to {other:?}"),
        }
        let roles: Vec<&str> = body["messages"]
            .as_array()
            .expect("messages")
            .iter()
            .filter_map(|message| message["role"].as_str())
            .filter(|role| *role != "system")
            .collect();
        assert_eq!(roles, ["user", "assistant", "user"]);
        let names = body["tools"].to_string();
        assert!(
            names.contains("\"escalate\"") && names.contains("\"not_sure\""),
            "{names}"
        );
    }
    assert!(
        anthropic > 10 && openai > 10,
        "{anthropic} and {openai} requests"
    );
}

#[tokio::test]
async fn aimock_understands_us_and_we_understand_it() {
    let peer = match aimock().await {
        Ok(peer) => peer,
        Err(why) => return skipped("aimock", &why),
    };
    for way in WAYS {
        let name = "claude-haiku-5-5";
        answers(
            &peer,
            way,
            name,
            "hello",
            "¡Hola! How can I help? Just ask.",
        )
        .await;
        escalates(
            &peer,
            way,
            "a person please",
            Reason::UserRequest,
            "wants a person",
            "",
        )
        .await;
        escalates(
            &peer,
            way,
            "what voltage",
            Reason::LowConfidence,
            "which voltage?",
            "",
        )
        .await;
        // a whole answer is summed up whole; of a stream only the sentence held back
        let summary = if way.stream { "" } else { "I cannot say." };
        escalates(
            &peer,
            way,
            "lawyer",
            Reason::ToolCall,
            summary,
            "I cannot say.",
        )
        .await;
        let held = "I'm transferring you to a colleague now.";
        let summary = if way.stream {
            held.to_owned()
        } else {
            format!("Of course. {held}")
        };
        escalates(
            &peer,
            way,
            "promise",
            Reason::Guardrail,
            &summary,
            "Of course.",
        )
        .await;
        fails(&peer, way, name, "limit", ModelFault::RateLimited, 2).await;
        fails(&peer, way, name, "overload", ModelFault::ServerError, 2).await;
        fails(&peer, way, name, "no fixture", ModelFault::ServerError, 2).await;
        if way.stream {
            is_cut(&peer, way).await;
        }
    }
    check_wire(&journal(&peer).await);
}

#[tokio::test]
async fn litellm_understands_us_and_we_understand_it() {
    let peer = match litellm().await {
        Ok(peer) => peer,
        Err(why) => return skipped("litellm", &why),
    };
    for way in WAYS {
        answers(
            &peer,
            way,
            "mock-hello",
            "hello",
            "Hello there. We open at ten.",
        )
        .await;
        let (answer, _) = ask(&peer, way, "mock-429", "hello").await;
        let failed = answer.expect_err("limited");
        assert_eq!(failed.fault, ModelFault::RateLimited, "{way:?}: {failed:?}");
        let (answer, _) = ask(&peer, way, "no-such-model", "hello").await;
        let failed = answer.expect_err("no such model");
        assert!(
            [ModelFault::BadRequest, ModelFault::Auth].contains(&failed.fault),
            "{way:?}: {failed:?}"
        );
    }
}
