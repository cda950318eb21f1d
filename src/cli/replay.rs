//! `segue replay`: stored conversations through other rules, or through the recorded ones to verify what was decided.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};

use super::records::{self, Bar, Complaint, Which};
use super::{complain, review};
use crate::config::{Config, Environment};
use crate::conversation::policy::Policy;
use crate::ids::ConversationId;
use crate::learning::replay::{Verified, what_if};
use crate::learning::source;
use crate::learning::tally::{Example, Load, Tally, WhatIf};
use crate::learning::{Ask, Found, Source};

/// Wrong usage or configuration.
const EXIT_WRONG: u8 = 2;

/// What-if, and verification.
#[derive(Args, Debug)]
pub struct ReplayArguments {
    #[command(flatten)]
    which: Which,
    /// The configuration whose rules are tried; that of `--config`, else `./segue.toml` if there is one.
    #[arg(long, value_name = "FILE", conflicts_with = "verify")]
    policy: Option<PathBuf>,
    /// Only this conversation.
    #[arg(long, value_name = "ID", value_parser = records::conversation)]
    conversation: Option<ConversationId>,
    /// Decide again under the rules that were recorded: exit 1 if anything comes out differently.
    #[arg(long)]
    verify: bool,
    /// For people or for programs.
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Format {
    Text,
    Json,
}

/// Does what the arguments say. Exit 0; 1 when verifying finds a difference or nothing can be read; 2 without rules.
pub fn run(arguments: &ReplayArguments) -> ExitCode {
    let data = match arguments.which.place.find() {
        Ok(data) => data,
        Err(code) => return code,
    };
    if arguments.verify {
        let done = records::open(&data).and_then(|from| verify(arguments, &*from));
        return records::exit(done);
    }
    let tried = arguments.policy.clone();
    let policy = match rules(tried.or_else(|| arguments.which.place.config())) {
        Ok(policy) => policy,
        Err((what, mend)) => {
            complain(&what, &mend);
            return ExitCode::from(EXIT_WRONG);
        }
    };
    let done = records::open(&data)
        .and_then(|from| try_out(arguments, &*from, &policy))
        .map(|()| ExitCode::SUCCESS);
    records::exit(done)
}

fn rules(path: Option<PathBuf>) -> Result<Policy, Complaint> {
    let Some(path) = path else {
        let what =
            "there are no rules to try: no `--policy`, no `--config`, and no segue.toml here";
        let mend = "segue replay --policy FILE, or --verify for the recorded rules";
        return Err((what.to_owned(), mend.to_owned()));
    };
    let config = Config::load(Some(&path), &Environment::of_process());
    let config = config.map_err(|faults| (faults.to_string(), "segue check".to_owned()))?;
    Ok(config.policy())
}

fn try_out(
    arguments: &ReplayArguments,
    from: &dyn Source,
    policy: &Policy,
) -> Result<(), Complaint> {
    let (since, now) = arguments.which.times();
    let mut tally = Tally::default();
    let bar = Bar::begin();
    let read = source::each(
        from,
        arguments.conversation,
        since,
        |told| {
            what_if(&told, policy, since, now, &mut tally);
            Ok(())
        },
        |progress| bar.step(progress),
    );
    bar.end();
    let found = tally.what_if(read.map_err(records::unread)?);
    records::print(&match arguments.format {
        Format::Json => json(&found),
        Format::Text => text(&found),
    })
}

fn json(value: &impl serde::Serialize) -> String {
    let mut text = serde_json::to_string_pretty(value).expect("plain data");
    text.push('\n');
    text
}

fn text(found: &WhatIf) -> String {
    let mut out = String::new();
    let mut figure = |name: &str, n: String| {
        let _ = writeln!(out, "{name:<44} {n:>8}");
    };
    figure("conversations", found.conversations.to_string());
    figure("handoffs, as recorded", found.handoffs_before.to_string());
    figure(
        "handoffs, under these rules",
        found.handoffs_after.to_string(),
    );
    figure("  asked for by rules both ways", found.kept.to_string());
    figure("    of these by another rule", found.other_rule.to_string());
    figure(
        "  asked for by model or people, unchanged",
        found.not_by_rules.to_string(),
    );
    figure("  would have come earlier", found.earlier.to_string());
    figure(
        "offers of a person, as recorded",
        found.offers_before.to_string(),
    );
    figure(
        "  in addition (answer unknown)",
        found.offers_added.to_string(),
    );
    figure(
        "  not made under these rules",
        found.offers_removed.to_string(),
    );
    figure(
        "minutes waited, as recorded",
        format!("{:.1}", found.waiting_minutes_before),
    );
    figure(
        "minutes waited, estimated under these rules",
        minutes(found.waiting_minutes_after),
    );
    tables(&mut out, found);
    examples(&mut out, "Added", &found.added);
    examples(&mut out, "Removed", &found.removed);
    if found.unreadable > 0 {
        let _ = writeln!(
            out,
            "\n{} conversations cannot be read and are left out.",
            found.unreadable
        );
    }
    out
}

fn tables(out: &mut String, found: &WhatIf) {
    if !found.reasons.is_empty() {
        let _ = writeln!(
            out,
            "\n{:<24} {:>8} {:>8} {:>8} {:>8}",
            "By reason", "before", "added", "removed", "after"
        );
        for line in &found.reasons {
            let _ = writeln!(
                out,
                "{:<24} {:>8} {:>8} {:>8} {:>8}",
                line.name, line.before, line.added, line.removed, line.after
            );
        }
    }
    if !found.queues.is_empty() {
        let _ = writeln!(
            out,
            "\n{:<24} {:>8} {:>8} {:>8} {:>8} {:>10} {:>10} {:>10}",
            "By queue",
            "before",
            "added",
            "removed",
            "after",
            "half wait",
            "min before",
            "min after"
        );
        for Load {
            line,
            median_wait_ms,
            minutes_before,
            minutes_after,
        } in &found.queues
        {
            let _ = writeln!(
                out,
                "{:<24} {:>8} {:>8} {:>8} {:>8} {:>10} {minutes_before:>10.1} {:>10}",
                line.name,
                line.before,
                line.added,
                line.removed,
                line.after,
                review::time(*median_wait_ms),
                minutes(*minutes_after)
            );
        }
    }
}

fn minutes(figure: Option<f64>) -> String {
    figure.map_or_else(|| "–".to_owned(), |figure| format!("{figure:.1}"))
}

fn examples(out: &mut String, title: &str, examples: &[Example]) {
    if examples.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n{title}, for example:");
    for Example {
        conversation,
        entry,
        at,
        words,
        rule,
    } in examples
    {
        let at = review::day_and_time(at);
        let _ = writeln!(
            out,
            "  {at}  {conversation} entry {entry}: \"{words}\"  rule {rule}"
        );
    }
}

fn verify(arguments: &ReplayArguments, from: &dyn Source) -> Result<ExitCode, Complaint> {
    let (since, _) = arguments.which.times();
    let mut verified = Verified::default();
    // A store has known few sets of rules; each is read once and kept for the rest of the run.
    let mut known: BTreeMap<u64, Option<Box<Policy>>> = BTreeMap::new();
    let bar = Bar::begin();
    let read = source::each(
        from,
        arguments.conversation,
        since,
        |told| {
            for hash in told.entries.iter().map(|entry| entry.policy) {
                if let Entry::Vacant(place) = known.entry(hash) {
                    place.insert(policy(from, hash)?);
                }
            }
            verified.take(&told, since, |hash| {
                known.get(&hash).and_then(|policy| policy.as_deref())
            });
            Ok(())
        },
        |progress| bar.step(progress),
    );
    bar.end();
    verified.unreadable = read.map_err(records::unread)?.unreadable;
    records::print(&match arguments.format {
        Format::Json => json(&verified),
        Format::Text => differences(&verified),
    })?;
    Ok(if verified.holds() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn policy(from: &dyn Source, hash: u64) -> Result<Option<Box<Policy>>, String> {
    match from.ask(Ask::Policy { hash })? {
        Found::Policy(policy) => Ok(policy),
        Found::Page(_) | Found::Trail(_) => Err("the answer was to another question".to_owned()),
    }
}

fn differences(verified: &Verified) -> String {
    let mut out = String::new();
    let Verified {
        decisions, same, ..
    } = verified;
    let _ = writeln!(
        out,
        "{same} of {decisions} decisions of the rules are reached again"
    );
    for (n, why) in [
        (
            verified.other_version,
            "decided by another version of Segue",
        ),
        (
            verified.policy_unknown,
            "decided under rules that are not kept or cannot be read",
        ),
        (verified.switched_off, "decided by the AI's switch"),
        (verified.unreadable, "conversations that cannot be read"),
    ] {
        if n > 0 {
            let _ = writeln!(out, "left out: {n} {why}");
        }
    }
    for one in &verified.differences {
        let rule = |rule: &Option<String>| rule.clone().unwrap_or_else(|| "no rule".to_owned());
        let _ = writeln!(
            out,
            "  {}  {} entry {}: \"{}\"  recorded: {}; now: {}",
            review::day_and_time(&one.at),
            one.conversation,
            one.entry,
            one.words,
            rule(&one.recorded),
            rule(&one.found)
        );
    }
    let listed = verified.differences.len() as u64;
    if decisions - same > listed {
        let _ = writeln!(out, "  and {} more", decisions - same - listed);
    }
    out
}
