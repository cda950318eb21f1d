//! The servers that are measured, each a process of its own so that its processor time can be told from the client's.
//!
//! Both stand on the same listener and the same runtime. The bare one verifies the signature, parses the form and
//! forgets; the other is Segue as `serve` starts it. A child speaks one JSON object per line: first where it listens,
//! then its figures whenever it is sent a line. A line `FIRST COUNT` makes it look after these customers first, which
//! brings them into memory and changes nothing.

use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::routing::post;
use segue::app::App;
use segue::channel::Webhook;
use segue::channel::twilio::signature::{Signed, Verifier};
use segue::config::{Config, Environment};
use segue::conversation::event::Event;
use segue::http::listen;
use segue::runtime::Runtime;
use segue::secret::Secret;
use segue::store::Options;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::people::address;
use crate::turns;
use crate::{CHANNEL, PUBLIC_URL, TOKEN};

/// The longest body taken: what Segue takes too.
const BODY_BYTES_MAX: usize = 1024 * 1024;

/// What a child says of itself.
#[derive(Clone, Copy, Default, Debug, Serialize, Deserialize)]
pub struct Figures {
    /// Turns that are committed and not yet applied.
    pub unapplied: u64,
    /// Bytes of them.
    pub tail_bytes: u64,
    /// The newest commit.
    pub commits: u64,
    /// Conversations in memory.
    pub resident: u64,
    /// Replies that the provider accepted.
    pub turns: u64,
}

impl Figures {
    /// How full the tail is: from 0 to 1, where new messages are refused.
    pub fn fill(&self) -> f64 {
        self.tail_bytes as f64 / Options::default().tail_bytes_max as f64
    }
}

#[derive(Serialize, Deserialize)]
struct Listening {
    address: SocketAddr,
}

/// Where model and provider are played, if they are.
fn world() -> Option<String> {
    std::env::var("SEGUE_BENCH_WORLD").ok()
}

/// The configuration that is measured: the defaults, with clocks too long to strike during the run.
pub fn config(dir: &Path) -> Config {
    let provider = world().unwrap_or_else(|| "127.0.0.1:9".to_owned());
    // The bench's customers say the same in every round, and would be offered a person for that.
    let model = world().map_or_else(String::new, |world| {
        format!(
            "burst = {{ quiet_ms = 0, max_ms = 0 }}\n\
             [triage]\noff = [\"context.repeated\"]\n\
             [model]\nprovider = \"openai\"\nname = \"bench\"\nbase_url = \"http://{world}/v1\"\nmax_concurrent = 512\n"
        )
    });
    let text = format!(
        "[server]\nlisten = \"127.0.0.1:0\"\nops_listen = \"127.0.0.1:0\"\npublic_url = \"{PUBLIC_URL}\"\n\
         [storage]\ndata_dir = \"{}\"\n\
         [channels.{CHANNEL}]\nkind = \"twilio\"\naccount_sid = \"AC00000000000000000000000000000000\"\n\
         auth_token = \"{TOKEN}\"\nfrom = \"whatsapp:+14155238886\"\napi_base_url = \"http://{provider}\"\n{model}\
         [channels.web]\nkind = \"webchat\"\n\
         [queues.support]\nagent_silence = \"1d\"\nnext_response_within = \"1d\"\nlease = \"1d\"\n",
        dir.display()
    );
    match Config::parse(
        "bench.toml",
        &text,
        Path::new(""),
        &Environment::of_process(),
    ) {
        Ok(config) => config,
        Err(faults) => panic!("the bench's own configuration: {faults}"),
    }
}

/// Plays a part if this process was started to play one.
pub fn play(arguments: &[String]) -> bool {
    let Some(at) = arguments.iter().position(|one| one == "--play") else {
        return false;
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    match &arguments[at + 1..] {
        [part] if part == "bare" => runtime.block_on(bare()),
        [part] if part == "sink" => runtime.block_on(turns::sink()),
        [part] if part == "bare-turns" => {
            let world = world().expect("where model and provider are");
            runtime.block_on(turns::bare(world.parse().expect("an address")));
        }
        [part, dir] if part == "segue" => runtime.block_on(segue(Path::new(dir))),
        other => panic!("no such part: {other:?}"),
    }
    true
}

async fn bare() {
    let tokens = [Secret::from(TOKEN)];
    let verifier = Arc::new(Verifier::new(PUBLIC_URL, &tokens, &[]));
    let router = Router::new()
        .route("/webhooks/{channel}", post(verify))
        .with_state(verifier);
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let listener = listen::bind(any).expect("a free port");
    let address = listener.local_addr().expect("an address");
    let stop = CancellationToken::new();
    let serving = tokio::spawn(listen::serve(
        listener,
        router,
        stop.clone(),
        Duration::from_secs(1),
    ));
    converse(address, |_| Figures::default()).await;
    stop.cancel();
    serving.await.expect("the listener does not panic");
}

async fn verify(
    State(verifier): State<Arc<Verifier>>,
    request: Request,
) -> (StatusCode, &'static str) {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, BODY_BYTES_MAX).await else {
        return (StatusCode::BAD_REQUEST, "");
    };
    let path_and_query = parts
        .uri
        .path_and_query()
        .map_or("", |target| target.as_str());
    let webhook = Webhook {
        method: &parts.method,
        path_and_query,
        headers: &parts.headers,
        body: &body,
    };
    match verifier.verify(&webhook) {
        Ok(Signed::Form(form)) if form.get("MessageSid").is_some() => {
            (StatusCode::OK, "<Response/>")
        }
        Ok(Signed::Form(_) | Signed::Other) => (StatusCode::UNPROCESSABLE_ENTITY, ""),
        Err(_) => (StatusCode::FORBIDDEN, ""),
    }
}

async fn segue(dir: &Path) {
    tracing_subscriber::fmt()
        .with_max_level(tracing::Level::WARN)
        .with_writer(std::io::stderr)
        .init();
    let app = App::start(config(dir)).await.expect("Segue starts");
    let runtime = app.doors().runtime.clone();
    let figures = move |line: &str| {
        if let Some((first, count)) = line.split_once(' ') {
            look(
                &runtime,
                first.parse().expect("a number"),
                count.parse().expect("a number"),
            );
        }
        let tail = runtime.store().tail();
        Figures {
            unapplied: tail.records,
            tail_bytes: tail.bytes,
            commits: tail.last_seq,
            resident: runtime.router().resident() as u64,
            turns: 0,
        }
    };
    converse(app.public_address(), figures).await;
    app.stop().await;
}

fn look(runtime: &Runtime, first: u64, count: u64) {
    for n in first..first + count {
        let id = runtime.conversation_id(&CHANNEL.into(), &address(n));
        runtime.router().tell(id, Event::DeadlinePassed);
    }
}

/// Tells figures as long as somebody asks.
pub async fn converse(address: SocketAddr, figures: impl Fn(&str) -> Figures + Send + 'static) {
    say(&Listening { address });
    let conversing = tokio::task::spawn_blocking(move || {
        for line in std::io::stdin().lock().lines() {
            let Ok(line) = line else { return };
            say(&figures(&line));
        }
    });
    conversing.await.expect("figures do not panic");
}

#[expect(clippy::print_stdout, reason = "the parent reads it")]
fn say(what: &impl Serialize) {
    println!("{}", serde_json::to_string(what).expect("plain data"));
}

/// A running child.
pub struct Target {
    /// What it is called in the table.
    pub name: String,
    /// Where it listens.
    pub address: SocketAddr,
    child: Child,
    asks: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Target {
    /// The bare handler.
    pub fn bare() -> Self {
        Self::start("bare handler", &["bare".to_owned()], &[])
    }

    /// The model and the provider.
    pub fn sink() -> Self {
        Self::start("model and provider", &["sink".to_owned()], &[])
    }

    /// The handler that asks, sends and forgets.
    pub fn bare_turns(variables: &[(&str, &str)]) -> Self {
        Self::start("bare handler", &["bare-turns".to_owned()], variables)
    }

    /// Segue over `dir`.
    pub fn segue(name: &str, dir: &Path) -> Self {
        Self::segue_with(name, dir, &[])
    }

    /// Segue over `dir` with these variables.
    pub fn segue_with(name: &str, dir: &Path, variables: &[(&str, &str)]) -> Self {
        Self::start(
            name,
            &["segue".to_owned(), dir.display().to_string()],
            variables,
        )
    }

    fn start(name: &str, part: &[String], variables: &[(&str, &str)]) -> Self {
        let me: PathBuf = std::env::current_exe().expect("our own program");
        let mut child = Command::new(me)
            .arg("--play")
            .args(part)
            .envs(variables.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a child");
        let asks = child.stdin.take();
        let mut answers = BufReader::new(child.stdout.take().expect("piped"));
        let Listening { address } = hear(&mut answers);
        Self {
            name: name.to_owned(),
            address,
            child,
            asks,
            answers,
        }
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// How it stands.
    pub fn figures(&mut self) -> Figures {
        self.ask("")
    }

    /// Looks after `count` customers from `first` on; waits until they are in memory.
    pub fn look(&mut self, first: u64, count: u64) {
        let mut figures = self.ask(&format!("{first} {count}"));
        while figures.resident < count {
            std::thread::sleep(Duration::from_millis(50));
            figures = self.figures();
        }
    }

    fn ask(&mut self, line: &str) -> Figures {
        let asks = self.asks.as_mut().expect("open until it is stopped");
        asks.write_all(format!("{line}\n").as_bytes())
            .expect("the child lives");
        hear(&mut self.answers)
    }

    /// Waits until it has applied everything it committed.
    pub fn settle(&mut self) {
        while self.figures().unapplied > 0 {
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits until it holds no conversation in memory.
    pub fn fall_asleep(&mut self) {
        while self.figures().resident > 0 {
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        // It ends when nobody asks any more.
        drop(self.asks.take());
        let _ended = self.child.wait();
    }
}

fn hear<T: for<'a> Deserialize<'a>>(from: &mut impl BufRead) -> T {
    let mut line = String::new();
    from.read_line(&mut line).expect("the child lives");
    serde_json::from_str(&line).unwrap_or_else(|fault| panic!("the child said {line:?}: {fault}"))
}
