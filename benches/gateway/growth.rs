//! How throughput and memory grow: by conversations that are known, by the length of their histories, by connections
//! and by the size of a message; as figures and as plots.
//!
//! Each row is measured beside the bare handler, round by round, so that a slow minute of the machine shows in both.
//! `--report FILE` writes the plots as a page that loads nothing. A million conversations take minutes to make:
//! `--known 1000 --known 1000000` asks for them.

use std::path::Path;
use std::time::Duration;

use segue::load::report::html;
use segue::load::report::plot::{Axis, Line, plot};
use serde_json::{Value, json};

use crate::people::{self, Crowd, Holder};
use crate::plan::Plan;
use crate::target::{self, Target};
use crate::{CHANNEL, RATE_MAX, load, scatter, spread};

/// Who writes, where something else grows.
const ACTIVE: u64 = 1_000;
/// Over so many connections, where something else grows.
const CONNECTIONS: usize = 256;
/// Rounds of one row.
const ROUNDS: usize = 3;

/// One point of a plot: medians.
struct Row {
    /// What has grown to what.
    at: f64,
    rate: f64,
    bare: f64,
    rss_mib: f64,
}

/// One plot.
struct Growth {
    name: &'static str,
    unit: &'static str,
    rows: Vec<Row>,
}

/// What is sent in a round.
#[derive(Clone, Copy)]
struct Stream {
    connections: usize,
    active: u64,
    more: u16,
}

const USUAL: Stream = Stream {
    connections: CONNECTIONS,
    active: ACTIVE,
    more: 0,
};

/// Measures all four, prints them, writes the page if one is wanted.
pub fn measure(plan: &Plan, dir: &Path) -> Value {
    let mut bare = Target::bare();
    let mut message = 5 << 40;
    let mut bench = Bench {
        bare: &mut bare,
        seconds: plan.seconds,
        message: &mut message,
    };
    let all = [
        told(bench.conversations(plan, dir)),
        told(bench.history(plan, dir)),
        told(bench.connections(plan, dir)),
        told(bench.payload(plan, dir)),
    ];
    if let Some(path) = &plan.report {
        std::fs::write(path, page(&all)).expect("the page can be written");
    }
    let row = |row: &Row| json!({ "at": row.at, "rate": row.rate, "bare": row.bare, "rss_mib": row.rss_mib });
    all.iter()
        .map(|growth| {
            (
                growth.name.to_owned(),
                growth.rows.iter().map(row).collect(),
            )
        })
        .collect::<serde_json::Map<String, Value>>()
        .into()
}

struct Bench<'a> {
    bare: &'a mut Target,
    seconds: f64,
    message: &'a mut u64,
}

impl Bench<'_> {
    fn conversations(&mut self, plan: &Plan, dir: &Path) -> Growth {
        let asked = plan.known.iter().any(|known| *known > 0);
        let known: &[u64] = match (asked, plan.small) {
            (true, _) => &plan.known,
            (false, true) => &[ACTIVE],
            (false, false) => &[1_000, 10_000, 100_000],
        };
        let rows = known.iter().map(|known| {
            let data = dir.join(format!("growth-known-{known}"));
            let mut segue = filled(&data, 10, known - ACTIVE.min(*known));
            let row = self.row(&mut segue, *known as f64, USUAL);
            gone(segue, &data);
            row
        });
        Growth {
            name: "conversations",
            unit: "known conversations, 1,000 of them write",
            rows: rows.collect(),
        }
    }

    fn history(&mut self, plan: &Plan, dir: &Path) -> Growth {
        let lengths: &[u32] = match plan.small {
            true => &[10],
            false => &[10, 100, 1_000, 10_000],
        };
        let rows = lengths.iter().map(|length| {
            let data = dir.join(format!("growth-history-{length}"));
            let mut segue = with_history(&data, *length, HISTORIES);
            let stream = Stream {
                active: HISTORIES,
                ..USUAL
            };
            let row = self.row(&mut segue, f64::from(*length), stream);
            gone(segue, &data);
            row
        });
        Growth {
            name: "history",
            unit: "messages in each of the 200 conversations that are written to, before",
            rows: rows.collect(),
        }
    }

    fn connections(&mut self, plan: &Plan, dir: &Path) -> Growth {
        let counts: &[usize] = match plan.small {
            true => &[8],
            false => &[1, 8, 64, 512, 1_000],
        };
        let data = dir.join("growth-connections");
        let mut segue = filled(&data, 10, 0);
        let rows = counts.iter().map(|connections| {
            let stream = Stream {
                connections: *connections,
                ..USUAL
            };
            self.row(&mut segue, *connections as f64, stream)
        });
        let rows = rows.collect();
        gone(segue, &data);
        Growth {
            name: "connections",
            unit: "connections, each with one message under way",
            rows,
        }
    }

    fn payload(&mut self, plan: &Plan, dir: &Path) -> Growth {
        let words: &[u16] = match plan.small {
            true => &[0],
            false => &[0, 60, 200, 800],
        };
        let data = dir.join("growth-payload");
        let mut segue = filled(&data, 10, 0);
        let rows = words.iter().map(|more| {
            let stream = Stream {
                more: *more,
                ..USUAL
            };
            self.row(&mut segue, load::body_bytes(*more) as f64, stream)
        });
        let rows = rows.collect();
        gone(segue, &data);
        Growth {
            name: "payload",
            unit: "bytes of a webhook",
            rows,
        }
    }

    fn row(&mut self, segue: &mut Target, at: f64, stream: Stream) -> Row {
        let (mut rates, mut bares) = (Vec::new(), Vec::new());
        // The first round wakes everybody and is not counted.
        for round in 0..=ROUNDS {
            let bare = self.round(false, segue, stream);
            let rate = self.round(true, segue, stream);
            if round > 0 {
                rates.push(rate);
                bares.push(bare);
            }
        }
        Row {
            at,
            rate: spread(rates.into_iter())[0],
            bare: spread(bares.into_iter())[0],
            rss_mib: segue.rss(),
        }
    }

    fn round(&mut self, ours: bool, segue: &mut Target, stream: Stream) -> f64 {
        // A large message is signed and sent slower: fewer are needed.
        let bytes = load::body_bytes(stream.more) as f64 / load::body_bytes(0) as f64;
        let count = (RATE_MAX as f64 * self.seconds / bytes.sqrt()) as u64;
        let first = *self.message;
        *self.message += count;
        let signed = (first..first + count)
            .map(|n| load::signed_with(scatter(n) % stream.active, n, stream.more))
            .collect();
        let to = if ours {
            segue.address
        } else {
            self.bare.address
        };
        let long = Duration::from_secs_f64(self.seconds);
        let run = load::post(to, stream.connections, signed, long);
        assert_eq!(run.refused, 0, "everybody is answered");
        if ours {
            segue.settle();
        }
        run.rate()
    }
}

/// Customers with a long history.
const HISTORIES: u64 = 200;

fn filled(data: &Path, messages: u32, others: u64) -> Target {
    let policy = target::config(data).policy();
    let crowd = |first, count, holder| Crowd {
        first,
        count,
        messages,
        holder,
    };
    let crowds = [
        crowd(0, ACTIVE, Holder::Person),
        crowd(ACTIVE, others, Holder::Nobody),
    ];
    people::fill(data, &CHANNEL.into(), &policy, &crowds);
    Target::segue("growth", data)
}

fn with_history(data: &Path, messages: u32, count: u64) -> Target {
    let policy = target::config(data).policy();
    let crowd = Crowd {
        first: 0,
        count,
        messages,
        holder: Holder::Person,
    };
    people::fill(data, &CHANNEL.into(), &policy, &[crowd]);
    Target::segue("growth", data)
}

/// The disk holds one of them at a time.
fn gone(segue: Target, data: &Path) {
    drop(segue);
    std::fs::remove_dir_all(data).expect("our own directory");
}

fn told(growth: Growth) -> Growth {
    println!("\ngrowth by {} ({})", growth.name, growth.unit);
    for row in &growth.rows {
        println!(
            "  {:>9} {:>9.0}/s, bare handler {:>7.0}/s: {:>3.0} %; {:>6.0} MiB resident",
            row.at,
            row.rate,
            row.bare,
            100.0 * row.rate / row.bare,
            row.rss_mib
        );
    }
    growth
}

fn page(all: &[Growth]) -> String {
    let mut body = String::from(
        "<h1>Segue as it grows</h1><p>Stored messages, durably acknowledged, beside a handler that verifies, parses and \
         forgets; client and server on the same machine. Medians.</p>",
    );
    for growth in all {
        let x = {
            let of = |least: f64, row: &Row| least.min(row.at);
            let most = growth
                .rows
                .iter()
                .fold(1.0, |most: f64, row| most.max(row.at));
            Axis::powers(growth.rows.iter().fold(most, of), most)
        };
        let most = |what: fn(&Row) -> f64| growth.rows.iter().map(what).fold(0.0, f64::max);
        let line = |name, what: fn(&Row) -> f64| Line {
            name,
            points: growth
                .rows
                .iter()
                .map(|row| (row.at, Some(what(row))))
                .collect(),
        };
        body += &format!(
            "<h2>By {}</h2><p>Across: {}.</p><div class=\"pair\">",
            growth.name, growth.unit
        );
        let rates = [
            line("Segue, messages/s", |row| row.rate),
            line("bare handler", |row| row.bare),
        ];
        body += &plot(
            "throughput",
            &x,
            &Axis::even(most(|row| row.bare), ""),
            &rates,
        );
        let memory = [line("resident memory, MiB", |row| row.rss_mib)];
        body += &plot(
            "memory",
            &x,
            &Axis::even(most(|row| row.rss_mib), ""),
            &memory,
        );
        body += "</div>";
    }
    html::page("Segue as it grows", &body)
}
