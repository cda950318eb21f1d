//! One customer who writes a thousand messages a second, and everybody else meanwhile.
//!
//! One conversation is one line: its messages are decided one after another, and only so many may be under way. What
//! is above that is refused, so that whoever floods one conversation takes nothing from the others.

use std::path::Path;

use serde_json::{Value, json};

use crate::plan::Plan;
use crate::steady::{self, ORDINARY, Schedule};
use crate::{held, load};

/// Per second.
const RATE: f64 = 1_000.0;
/// More under way at once than one conversation may have.
const CONNECTIONS: usize = 128;
/// For so long.
const SECONDS: f64 = 5.0;

/// Floods one conversation; prints and answers what it and the others saw.
pub fn measure(plan: &Plan, dir: &Path) -> Value {
    let seconds = if plan.small { 0.3 } else { SECONDS };
    let mut segue = held("hot", dir, ORDINARY + 1, &[]);
    let to = segue.address;
    steady::wake(to, 1 << 40);
    let alone = steady::post(to, Schedule::ordinary(seconds, 2 << 40));
    let flood = Schedule {
        signed: (0..(RATE * seconds) as u64)
            .map(|n| load::signed(ORDINARY, (3 << 40) + n))
            .collect(),
        rate: RATE,
        connections: CONNECTIONS,
        again: false,
    };
    let ordinary = Schedule::ordinary(seconds, 4 << 40);
    let (hot, others) = std::thread::scope(|scope| {
        let others = scope.spawn(|| steady::post(to, ordinary));
        let hot = steady::post(to, flood);
        (hot, others.join().expect("a client does not panic"))
    });
    segue.settle();
    println!(
        "\none customer, {RATE:.0} messages/s for {seconds} s; beside 1,000/s of {ORDINARY} others"
    );
    println!("  that customer      {hot}");
    println!("  others, before     {alone}");
    println!("  others, meanwhile  {others}");
    json!({ "hot": hot.json(), "others_before": alone.json(), "others_meanwhile": others.json() })
}
