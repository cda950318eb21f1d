//! The status page: how things stand, for people on call. HTML for browsers, JSON for whoever asks for it.
//!
//! The same figures as `/metrics`, and two things that are no metrics: the slowest events of the last minutes with their
//! conversation's id, and the last errors and warnings. It shows no customer, no address and no text of anybody; every
//! name is escaped.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::{Value, json};

use super::ops::Conditions;
use super::table::{escape, list, one, row, table};
use super::whys::{explain, explain_line, explained};
use crate::metrics::{
    COMMIT, Complaint, Figures, ProcessUsage, QueueFigure, SlotState, Slow, VERSION,
};

/// What it shows.
#[derive(Debug)]
pub struct Status {
    /// How things stand.
    pub figures: Figures,
    /// Whether the process can take work.
    pub conditions: Conditions,
    /// The slowest events of the last minutes.
    pub slowest: Vec<Slow>,
    /// The last errors and warnings.
    pub complaints: Vec<Complaint>,
}

/// As JSON.
pub fn json(status: &Status) -> String {
    let figures = &status.figures;
    let (modes, admission, circuits) = (figures.conversations, figures.admission, figures.circuits);
    let usage = ProcessUsage::read();
    let value = json!({
        "version": VERSION,
        "commit": COMMIT,
        "ready": status.conditions.ready(),
        "conditions": status.conditions,
        "conversations": {"ai": modes.ai, "waiting": modes.waiting, "human": modes.human},
        "ghosts": figures.ghosts_current,
        "waiting_without_deadline": figures.waiting_without_deadline,
        "ledger_imbalance": figures.ledger_imbalance,
        "queues": figures.queues.iter().map(|queue| queue_json(figures, queue)).collect::<Vec<_>>(),
        "ai_off": {"all": figures.ai_off[0] > 0, "channels": figures.ai_off[1], "queues": figures.ai_off[2]},
        "actors": {
            "resident": figures.actors_resident,
            "queued": figures.mailbox_queued,
            "deepest": figures.mailbox_depth_max,
        },
        "admission": {"used": admission.used, "free": admission.free, "waiting": admission.waiting},
        "outbox": figures.outbox.iter().flatten().map(|owed| json!({
            "channel": owed.medium.as_str(),
            "owed": owed.depth,
            "in_doubt": owed.in_doubt,
            "parked": owed.parked,
            "oldest_seconds": owed.oldest.as_secs(),
        })).collect::<Vec<_>>(),
        "spans": {"exported": figures.spans.exported, "lost": figures.spans.lost.iter().sum::<u64>()},
        "circuits": {"open": circuits.open, "half_open": circuits.half_open},
        "chat_sockets": figures.chat_sockets,
        "parked": {"count": figures.parked.count, "oldest_seconds": figures.parked.oldest.as_secs()},
        "store": {
            "pending_turns": figures.journal_pending_events,
            "journal_bytes": figures.journal_bytes,
            "state_bytes": figures.state_bytes,
            "tail_bytes": figures.tail_bytes,
            "lag_turns": figures.state_lag_turns,
            "lag_seconds": figures.state_lag.as_secs_f64(),
            "disk_free_bytes": figures.disk_free_bytes,
        },
        "runtime": figures.tokio.map(|tokio| json!({
            "workers": tokio.workers,
            "tasks": tokio.tasks,
            "queued": tokio.queued,
            "busy": tokio.busy,
        })),
        "process": usage.map(|usage| json!({
            "cpu_seconds": usage.cpu_seconds,
            "resident_bytes": usage.resident_bytes,
            "open_fds": usage.open_fds,
            "started_at": usage.started_at,
        })),
        "recovery": {
            "seconds": figures.recovery.took.as_secs_f64(),
            "turns": figures.recovery.events,
            "conversations": figures.recovery.conversations,
            "unreadable": figures.recovery.parked,
        },
        "slowest": status.slowest.iter().map(|slow| explained(slow, Some(explain(&slow.conversation)))).collect::<Vec<_>>(),
        "last_errors": status.complaints.iter().map(|one| explained(one, explain_line(&one.text))).collect::<Vec<_>>(),
    });
    value.to_string()
}

fn queue_json(figures: &Figures, queue: &QueueFigure) -> Value {
    json!({
        "queue": queue.queue,
        "waiting": queue.waiting,
        "oldest_seconds": queue.oldest.as_secs(),
        "open": queue.open,
        "agents": agents(figures, queue),
        "held": slots(figures, queue, SlotState::Used),
        "room": slots(figures, queue, SlotState::Free),
    })
}

/// Who is there for a queue: `2 available, 1 away`.
fn agents(figures: &Figures, queue: &QueueFigure) -> String {
    let agents = figures.agents.iter();
    let agents: Vec<String> = agents
        .filter(|(name, _, n)| *name == queue.queue && *n > 0)
        .map(|(_, state, n)| format!("{n} {}", state.as_str()))
        .collect();
    agents.join(", ")
}

fn slots(figures: &Figures, queue: &QueueFigure, state: SlotState) -> u64 {
    let slots = figures.slots.iter().flatten();
    slots
        .filter(|(name, is, _)| *name == queue.queue && *is == state)
        .map(|(_, _, n)| n)
        .sum()
}

/// As the body of a page.
pub fn html(status: &Status) -> String {
    let figures = &status.figures;
    let mut out = format!(
        "<h1>Segue {} <small>({})</small></h1>",
        escape(VERSION),
        escape(build())
    );
    conditions(&mut out, status.conditions);
    conversations(&mut out, figures);
    queues(&mut out, figures);
    slowest(&mut out, &status.slowest);
    complaints(&mut out, &status.complaints);
    traffic(&mut out, figures);
    store(&mut out, figures);
    machine(&mut out, figures);
    out
}

/// Which build it is; whoever builds a release names its commit.
fn build() -> &'static str {
    if COMMIT == "unknown" {
        "its commit was not named when it was built"
    } else {
        COMMIT
    }
}

fn conditions(out: &mut String, conditions: Conditions) {
    let named = [
        ("recovered", conditions.recovered),
        ("store_writable", conditions.store_writable),
        ("accepting", conditions.accepting),
        ("not_draining", conditions.not_draining),
    ];
    let rows = named.map(|(name, holds)| {
        let word = if holds { "yes" } else { "no" };
        row(&[name.to_owned(), word.to_owned()], !holds)
    });
    table(out, "Ready", &["condition", "holds"], &rows);
}

fn conversations(out: &mut String, figures: &Figures) {
    let modes = figures.conversations;
    let (ghosts, unwatched) = (figures.ghosts_current, figures.waiting_without_deadline);
    let imbalance = figures.ledger_imbalance.unwrap_or(0);
    let [all, channels, queues] = figures.ai_off;
    let off = match (all, channels, queues) {
        (0, 0, 0) => "on".to_owned(),
        (0, channels, queues) => format!("off on {channels} channels, in {queues} queues"),
        (_, _, _) => "off everywhere".to_owned(),
    };
    let rows = [
        one("with the AI", modes.ai, false),
        one("waiting for a person", modes.waiting, false),
        one("with a person", modes.human, false),
        one("ghosts: promised, overdue, no word", ghosts, ghosts > 0),
        one("waiting, and no clock watches", unwatched, unwatched > 0),
        row(
            &[
                "handoff ledger (0 always)".to_owned(),
                imbalance.to_string(),
            ],
            imbalance != 0,
        ),
        row(&["the AI is".to_owned(), off], all + channels + queues > 0),
    ];
    table(out, "Conversations", &["", "now"], &rows);
}

fn queues(out: &mut String, figures: &Figures) {
    let rows: Vec<String> = figures
        .queues
        .iter()
        .map(|queue| {
            let agents = agents(figures, queue);
            let nobody = queue.waiting > 0 && queue.open && agents.is_empty();
            let cells = [
                queue.queue.to_string(),
                if queue.open { "yes" } else { "no" }.to_owned(),
                queue.waiting.to_string(),
                format!("{} s", queue.oldest.as_secs()),
                slots(figures, queue, SlotState::Used).to_string(),
                slots(figures, queue, SlotState::Free).to_string(),
                agents,
            ];
            row(&cells, nobody)
        })
        .collect();
    let heads = [
        "queue",
        "open",
        "waiting",
        "oldest",
        "with people",
        "room for",
        "agents",
    ];
    list(out, "Queues", &heads, &rows, "There are none.");
}

fn slowest(out: &mut String, slowest: &[Slow]) {
    let rows: Vec<String> = slowest
        .iter()
        .map(|slow| {
            let cells = [
                slow.conversation.clone(),
                slow.event.to_owned(),
                slow.at.clone(),
                format!("{} ms", slow.total_ms),
                format!("{} ms", slow.waited_ms),
                format!("{} ms", slow.decided_ms),
                explain(&slow.conversation),
            ];
            row(&cells, false)
        })
        .collect();
    let heads = [
        "conversation",
        "event",
        "at",
        "took",
        "in its mailbox",
        "deciding",
        "why, on the public listener",
    ];
    let title = "Slowest of the last minutes";
    list(out, title, &heads, &rows, "Nothing was handled.");
}

fn complaints(out: &mut String, complaints: &[Complaint]) {
    let rows: Vec<String> = complaints
        .iter()
        .map(|one| {
            let cells = [
                one.at.clone(),
                one.level.to_owned(),
                one.target.clone(),
                one.text.clone(),
                explain_line(&one.text).unwrap_or_default(),
            ];
            row(&cells, one.level == "error")
        })
        .collect();
    let heads = [
        "at",
        "level",
        "where",
        "what",
        "why, on the public listener",
    ];
    list(out, "Last errors and warnings", &heads, &rows, "None.");
}

fn traffic(out: &mut String, figures: &Figures) {
    let (admission, circuits, parked) = (figures.admission, figures.circuits, figures.parked);
    let places = format!("{} of {}", admission.used, admission.used + admission.free);
    let mut rows = vec![
        one("conversations in memory", figures.actors_resident, false),
        one("events in mailboxes", figures.mailbox_queued, false),
        one("in the fullest mailbox", figures.mailbox_depth_max, false),
        row(&["places taken".to_owned(), places], admission.free == 0),
        one(
            "requests waiting for a place",
            admission.waiting,
            admission.waiting > 0,
        ),
        one("web chats open", figures.chat_sockets, false),
        one(
            "provider hosts held back",
            circuits.open + circuits.half_open,
            circuits.open > 0,
        ),
        row(
            &[
                "parked for people".to_owned(),
                counted(parked.count, parked.oldest),
            ],
            parked.count > 0,
        ),
    ];
    for owed in figures.outbox.iter().flatten() {
        let what = format!("owed on {}", owed.medium.as_str());
        let mut value = counted(owed.depth, owed.oldest);
        if owed.in_doubt > 0 {
            write!(value, ", {} in doubt", owed.in_doubt).expect("a string takes any text");
        }
        if owed.parked > 0 {
            write!(value, "; {} parked until the customer writes", owed.parked)
                .expect("a string takes any text");
        }
        rows.push(row(&[what, value], owed.in_doubt > 0));
    }
    table(out, "Traffic", &["", "now"], &rows);
}

fn counted(n: u64, oldest: Duration) -> String {
    format!("{n} (oldest {} s)", oldest.as_secs())
}

fn store(out: &mut String, figures: &Figures) {
    let recovery = figures.recovery;
    let lag = format!(
        "{} turns, {:.1} s",
        figures.state_lag_turns,
        figures.state_lag.as_secs_f64()
    );
    let took = format!("{:.2} s", recovery.took.as_secs_f64());
    let mut rows = vec![
        one(
            "turns not yet durable",
            figures.journal_pending_events,
            false,
        ),
        row(&["state behind the journal".to_owned(), lag], false),
        one("the same, bytes in memory", figures.tail_bytes, false),
        one("journal, bytes", figures.journal_bytes, false),
        one("state, bytes", figures.state_bytes, false),
        one("last start: turns applied", recovery.events, false),
        one(
            "last start: conversations in them",
            recovery.conversations,
            false,
        ),
        one(
            "last start: unreadable",
            recovery.parked,
            recovery.parked > 0,
        ),
        row(&["last start: took".to_owned(), took], false),
    ];
    if let Some(free) = figures.disk_free_bytes {
        rows.push(one("room on the disk, bytes", free, false));
    }
    table(out, "Store", &["", "now"], &rows);
}

fn machine(out: &mut String, figures: &Figures) {
    let mut rows = Vec::new();
    if let Some(tokio) = figures.tokio {
        let busy = format!("{:.0} %", tokio.busy * 100.0);
        rows.push(one("worker threads", tokio.workers, false));
        rows.push(row(&["busy".to_owned(), busy], tokio.busy > 0.9));
        rows.push(one("tasks", tokio.tasks, false));
        rows.push(one("tasks in the global queue", tokio.queued, false));
    }
    let (exported, lost) = (figures.spans.exported, figures.spans.lost.iter().sum());
    rows.push(one("spans exported", exported, false));
    rows.push(one("spans lost", lost, lost > 0));
    if let Some(usage) = ProcessUsage::read() {
        rows.push(one("memory, bytes", usage.resident_bytes, false));
        rows.push(one("open files", usage.open_fds, false));
        let cpu = format!("{:.1} s", usage.cpu_seconds);
        rows.push(row(&["CPU used".to_owned(), cpu], false));
    }
    table(out, "Machine", &["", "now"], &rows);
}
