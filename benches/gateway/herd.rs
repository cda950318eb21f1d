//! Everybody writes at once after a long silence: ten thousand sleepers a second, each once.
//!
//! Nobody is in memory before. Whoever is refused comes again after a second, as the refusal asks, until taken: what is
//! told is how long it took until everybody was. The full size is `--herd 100000`, ten seconds long.

use std::path::Path;

use serde_json::{Value, json};

use crate::plan::Plan;
use crate::steady::{self, Schedule};
use crate::{held, load};

/// Per second.
const RATE: f64 = 10_000.0;
/// How many can be under way.
const CONNECTIONS: usize = 512;

/// Wakes `plan.herd` conversations at [`RATE`]; prints and answers what they saw.
pub fn measure(plan: &Plan, dir: &Path) -> Value {
    let mut segue = held("herd", dir, plan.herd, &[]);
    assert_eq!(segue.figures().resident, 0, "nobody is in memory yet");
    let before = segue.rss();
    let schedule = Schedule {
        signed: (0..plan.herd).map(|n| load::signed(n, n)).collect(),
        rate: RATE,
        connections: CONNECTIONS,
        again: true,
    };
    let within = plan.herd as f64 / RATE;
    let herd = steady::post(segue.address, schedule);
    let (figures, after) = (segue.figures(), segue.rss());
    segue.settle();
    assert_eq!(herd.answered, plan.herd, "everybody is taken in the end");
    println!(
        "\n{} sleepers write once within {within:.1} s, {CONNECTIONS} connections",
        plan.herd
    );
    println!("  {herd}");
    println!(
        "  everybody taken after {:.2} s; tail {:.0} %; {} in memory; {before:.0} → {after:.0} MiB",
        herd.took.as_secs_f64(),
        100.0 * figures.fill(),
        figures.resident
    );
    json!({
        "herd": herd.json(), "intended_seconds": within, "tail": figures.fill(), "rss_before_mib": before,
        "rss_after_mib": after, "resident": figures.resident,
    })
}
