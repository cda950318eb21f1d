//! A model that takes half a minute, and a provider that takes seconds: what those notice who need neither.
//!
//! Customers of the AI write at a steady rate, each once, and none is answered in time. Meanwhile customers whose
//! conversations people hold write as on any day: theirs is stored, and must be acknowledged as before. Memory is told
//! before and after, because every question under way holds some.

use std::path::Path;

use serde_json::{Value, json};

use crate::people::{self, Crowd, Holder};
use crate::plan::Plan;
use crate::steady::{self, ORDINARY, Schedule};
use crate::target::{self, Target};
use crate::{CHANNEL, load};

/// Customers of the AI who write per second.
const ASKING: f64 = 100.0;
/// What the model takes, in milliseconds.
const MODEL_MS: &str = "30000";
/// What the provider takes, in milliseconds.
const PROVIDER_MS: &str = "5000";

/// Measures both; prints and answers the figures.
pub fn measure(plan: &Plan, dir: &Path) -> Value {
    let model = under(plan, dir, "model", ("SEGUE_BENCH_MODEL_MS", MODEL_MS));
    let provider = ("SEGUE_BENCH_PROVIDER_MS", PROVIDER_MS);
    json!({ "model": model, "provider": under(plan, dir, "provider", provider) })
}

fn under(plan: &Plan, dir: &Path, what: &str, slow: (&str, &str)) -> Value {
    let seconds = plan.slow;
    let count = (ASKING * seconds) as u64;
    let data = dir.join(format!("slow-{what}"));
    let policy = target::config(&data).policy();
    let crowd = |first, count, holder| Crowd {
        first,
        count,
        messages: 10,
        holder,
    };
    let people = crowd(0, ORDINARY, Holder::Person);
    let asking = crowd(ORDINARY, count, Holder::Ai);
    people::fill(&data, &CHANNEL.into(), &policy, &[people, asking]);
    let mut world = Target::sink(&[slow]);
    let address = world.address.to_string();
    let segue = Target::segue_with(what, &data, &[("SEGUE_BENCH_WORLD", &address)]);
    let to = segue.address;
    steady::wake(to, 1 << 40);
    let alone = steady::post(to, Schedule::ordinary(seconds.min(5.0), 2 << 40));
    let before = segue.rss();
    let questions = Schedule {
        signed: (0..count)
            .map(|n| load::signed(ORDINARY + n, (3 << 40) + n))
            .collect(),
        rate: ASKING,
        connections: 64,
        again: false,
    };
    let ordinary = Schedule::ordinary(seconds, 4 << 40);
    let (asked, others) = std::thread::scope(|scope| {
        let others = scope.spawn(|| steady::post(to, ordinary));
        let asked = steady::post(to, questions);
        (asked, others.join().expect("a client does not panic"))
    });
    let (after, answered) = (segue.rss(), world.figures().turns);
    // Whatever is still under way would be waited for.
    segue.kill();
    println!(
        "\na {what} that takes {} ms, for {seconds} s; {ASKING:.0} questions/s",
        slow.1
    );
    println!("  the AI's customers         {asked}; {answered} replies accepted until then");
    println!("  people's, before           {alone}");
    println!("  people's, meanwhile        {others}");
    println!("  memory {before:.0} → {after:.0} MiB");
    json!({
        "asked": asked.json(), "stored_before": alone.json(), "stored_meanwhile": others.json(),
        "replies_accepted": answered, "rss_before_mib": before, "rss_after_mib": after,
    })
}
