//! The servers that are measured, each a process of its own so that its processor time can be told from the client's.
//!
//! They stand on the same listener and the same runtime; Segue is as `serve` starts it. A child speaks one JSON object per line: first where it listens,
//! then its figures whenever it is sent a line. A line `look FIRST COUNT` makes it look after these customers first, which
//! brings them into memory and changes nothing; a line `ask FIRST COUNT` asks each for something that is refused, one
//! after another, and tells how long the answers took.

use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use segue::app::App;
use segue::clock::monotonic;
use segue::config::{Config, Environment};
use segue::conversation::event::{Act, Event};
use segue::conversation::words::Role;
use segue::load::process;
use segue::runtime::Runtime;
use segue::store::Options;
use serde::{Deserialize, Serialize};

use crate::people::address;
use crate::{CHANNEL, PUBLIC_URL, TOKEN};
use crate::{bare, load, scrape, start, turns};

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
    /// Microseconds that half, and 99 %, of those asked on a line `ask` took for an answer.
    pub asked_us: [u32; 2],
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
    /// The operations listener; only Segue has one.
    ops: Option<SocketAddr>,
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
             [triage]\nrepetition = {{ count = 0 }}\n\
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
        [part] if part == "bare" => runtime.block_on(bare::serve()),
        [part] if part == "sink" => runtime.block_on(turns::sink()),
        [part] if part == "bare-turns" => {
            let world = world().expect("where model and provider are");
            runtime.block_on(turns::bare(world.parse().expect("an address")));
        }
        [part, dir] if part == "segue" => runtime.block_on(segue(Path::new(dir))),
        [part, dir, numbers @ ..] if part == "tail" => {
            let number = |text: &String| text.parse().expect("a number");
            let numbers: Vec<u64> = numbers.iter().map(number).collect();
            runtime.block_on(start::tail(Path::new(dir), &numbers));
        }
        other => panic!("no such part: {other:?}"),
    }
    true
}

async fn segue(dir: &Path) {
    tracing_subscriber::fmt()
        .with_max_level(tracing::Level::WARN)
        .with_writer(std::io::stderr)
        .init();
    let app = App::start(config(dir)).await.expect("Segue starts");
    let runtime = app.doors().runtime.clone();
    let figures = move |line: &str| {
        let words: Vec<&str> = line.split(' ').collect();
        let number = |text: &str| text.parse().expect("a number");
        let asked_us = match words[..] {
            ["look", first, count] => look(&runtime, number(first), number(count)),
            ["ask", first, count] => ask(&runtime, number(first), number(count)),
            _ => [0; 2],
        };
        let tail = runtime.store().tail();
        Figures {
            unapplied: tail.records,
            tail_bytes: tail.bytes,
            commits: tail.last_seq,
            resident: runtime.router().resident() as u64,
            turns: 0,
            asked_us,
        }
    };
    let addresses = (app.public_address(), Some(app.ops_address()));
    converse(addresses, figures).await;
    app.stop().await;
}

fn look(runtime: &Runtime, first: u64, count: u64) -> [u32; 2] {
    for n in first..first + count {
        let id = runtime.conversation_id(&CHANNEL.into(), &address(n));
        runtime.router().tell(id, Event::DeadlinePassed);
    }
    [0; 2]
}

/// Somebody else types in a conversation that Ana holds: that is refused, and nothing is stored.
fn ask(runtime: &Runtime, first: u64, count: u64) -> [u32; 2] {
    let handle = tokio::runtime::Handle::current();
    let mut took: Vec<u32> = (first..first + count)
        .map(|n| {
            let id = runtime.conversation_id(&CHANNEL.into(), &address(n));
            let began = monotonic();
            let act = runtime.act(id, "bob".into(), Role::Agent, Act::Typing, None);
            let answered = handle.block_on(act);
            answered.expect("nothing is in the way");
            u32::try_from(began.elapsed().as_micros()).unwrap_or(u32::MAX)
        })
        .collect();
    took.sort_unstable();
    [load::at(&took, 0.5), load::at(&took, 0.99)]
}

/// Tells figures as long as somebody asks.
pub async fn converse(
    (address, ops): (SocketAddr, Option<SocketAddr>),
    figures: impl Fn(&str) -> Figures + Send + 'static,
) {
    say(&Listening { address, ops });
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
    /// Where it listens for operations.
    ops: Option<SocketAddr>,
    child: Child,
    asks: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Target {
    /// The bare handler.
    pub fn bare() -> Self {
        Self::start("bare handler", &["bare".to_owned()], &[])
    }

    /// The model and the provider, as `variables` make them.
    pub fn sink(variables: &[(&str, &str)]) -> Self {
        Self::start("model and provider", &["sink".to_owned()], variables)
    }

    /// Somebody who fills the tail of the store in `dir` and applies nothing; see [`start::tail`].
    pub fn tail(dir: &Path, numbers: [u64; 2]) -> Self {
        let mut part = vec!["tail".to_owned(), dir.display().to_string()];
        part.extend(numbers.iter().map(u64::to_string));
        Self::start("tail", &part, &[])
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
        let Listening { address, ops } = hear(&mut answers);
        Self {
            name: name.to_owned(),
            address,
            ops,
            child,
            asks,
            answers,
        }
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Its operations listener.
    pub fn ops(&self) -> SocketAddr {
        self.ops.expect("Segue has an operations listener")
    }

    /// Resident memory, in MiB.
    pub fn rss(&self) -> f64 {
        let held = process::memory(self.pid()).map_or(0, |(now, _)| now);
        held as f64 / f64::from(1 << 20)
    }

    /// Ends it at once, as `kill -9` does.
    pub fn kill(mut self) {
        self.child.kill().expect("our own child");
        self.child.wait().expect("our own child");
    }

    /// How it stands.
    pub fn figures(&mut self) -> Figures {
        self.send("")
    }

    /// Looks after `count` customers from `first` on; waits until they are in memory, and not only on their way.
    pub fn look(&mut self, first: u64, count: u64) {
        let mut figures = self.send(&format!("look {first} {count}"));
        while figures.resident < count {
            std::thread::sleep(Duration::from_millis(50));
            figures = self.figures();
        }
        let woken = |ops| scrape::sum(ops, "segue_actor_activation_seconds_count", "");
        let (mut before, mut now) = (f64::NAN, woken(self.ops()));
        while before != now {
            std::thread::sleep(Duration::from_millis(200));
            (before, now) = (now, woken(self.ops()));
        }
    }

    /// Asks `count` customers from `first` on, one after another; half, and 99 %, answered in so many microseconds.
    pub fn ask(&mut self, first: u64, count: u64) -> [u32; 2] {
        self.send(&format!("ask {first} {count}")).asked_us
    }

    fn send(&mut self, line: &str) -> Figures {
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
