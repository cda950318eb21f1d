//! Progress while a load runs: three moving lines on a terminal, a line every few seconds elsewhere. On stderr, so that
//! the result on stdout stays alone.

use std::io::{IsTerminal as _, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::pace::{Shared, open};
use super::report::{show_millis, show_rate};
use super::tally::Stage;
use crate::clock::monotonic;

/// How often a terminal is drawn.
const DRAW_EVERY: Duration = Duration::from_millis(250);
/// How often a line is written where there is no terminal.
const TELL_EVERY: Duration = Duration::from_secs(5);

/// The view, while it is on. Ends when it is dropped.
pub struct View {
    over: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl View {
    /// Begins to show what is in `book`. `at_most`: how long the run can take.
    pub fn start(book: Shared, begun: Instant, at_most: Duration) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let until = Arc::clone(&over);
        let terminal = std::io::stderr().is_terminal();
        let show = move || match terminal {
            true => draw(&book, begun, at_most, &until),
            false => tell(&book, begun, &until),
        };
        let thread = std::thread::Builder::new()
            .name("load-view".to_owned())
            .spawn(show);
        Self {
            over,
            // Without a view the load runs all the same.
            thread: thread.ok(),
        }
    }
}

impl Drop for View {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            let _ended = thread.join();
        }
    }
}

fn draw(book: &Shared, begun: Instant, at_most: Duration, over: &AtomicBool) {
    let most = u64::try_from(at_most.as_millis()).unwrap_or(u64::MAX);
    let bar = ProgressBar::with_draw_target(Some(most), ProgressDrawTarget::stderr());
    let style =
        ProgressStyle::with_template("{bar:40} {elapsed_precise} of at most {prefix}\n{msg}");
    bar.set_style(style.expect("the template is ours").progress_chars("━╸─"));
    bar.set_prefix(crate::config::show(Duration::from_secs(at_most.as_secs())));
    while !over.load(Ordering::Relaxed) {
        bar.set_position(
            u64::try_from(begun.elapsed().as_millis())
                .unwrap_or(most)
                .min(most),
        );
        bar.set_message(lines(book).join("\n"));
        std::thread::park_timeout(DRAW_EVERY);
    }
    bar.finish_and_clear();
}

fn tell(book: &Shared, begun: Instant, over: &AtomicBool) {
    let mut next = begun + TELL_EVERY;
    while !over.load(Ordering::Relaxed) {
        let now = monotonic();
        if now < next {
            std::thread::park_timeout(next - now);
            continue;
        }
        next += TELL_EVERY;
        let seconds = begun.elapsed().as_secs();
        // Nobody may listen; the load runs all the same.
        let _told = writeln!(
            std::io::stderr(),
            "{seconds:>4} s  {}",
            lines(book).join("  |  ")
        );
    }
}

/// How it stands: the step, the webhooks, the answers.
fn lines(book: &Shared) -> [String; 3] {
    let book = open(book);
    let Some(phase) = book.tally.phases.last() else {
        return ["starting".to_owned(), String::new(), String::new()];
    };
    let counts = phase.counts;
    let time = |stage: Stage, percent: f64| {
        let histogram = phase.latencies.of(stage);
        match histogram.is_empty() {
            true => "–".to_owned(),
            false => show_millis(histogram.value_at_percentile(percent) as f64 / 1_000.0),
        }
    };
    let what = if phase.warm_up {
        "warming up"
    } else {
        "measuring"
    };
    let under_way = counts.offered - counts.done().min(counts.offered);
    [
        format!(
            "{what} at {} messages/s for {}",
            show_rate(phase.rate),
            crate::config::show(phase.long)
        ),
        format!(
            "{} offered, {} acknowledged (p50 {}, p99 {}), {under_way} under way, {} bad",
            counts.offered,
            counts.acknowledged,
            time(Stage::Acknowledged, 50.0),
            time(Stage::Acknowledged, 99.0),
            counts.bad()
        ),
        format!(
            "AI replies p50 {}, {} unanswered; {} tickets, {} claimed, {} replies of people p50 {}",
            time(Stage::AiReply, 50.0),
            book.open(),
            book.people.tickets,
            book.people.claimed,
            book.people.replies,
            time(Stage::HumanReply, 50.0)
        ),
    ]
}
