//! How long the rules take over one message: `cargo bench --bench triage`. All languages, all bundled rules.

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use segue::triage::{BUNDLED, Context, Gist, explicit_request};

/// What customers write: short, long, misspelt, in several languages, with and without a reason to hand off.
const TEXTS: &[(&str, &str)] = &[
    ("short", "where is my order"),
    (
        "typical",
        "Hi, I ordered a pair of shoes last week and the tracking page still says it has not shipped. Can you check?",
    ),
    (
        "request",
        "this is not helping, can I please talk to a real person",
    ),
    (
        "misspelt",
        "i wnat to tlak to a reprsentative abuot my delivry",
    ),
    (
        "spanish",
        "hola, quería saber si tienen la chaqueta azul en talla M y cuánto tarda el envío a Sevilla",
    ),
    (
        "german",
        "Guten Tag, meine Bestellung ist beschädigt angekommen und ich hätte gerne einen Umtausch",
    ),
    (
        "amount",
        "I want a refund of $1,250.00 for order 44821, it never arrived",
    ),
    (
        "angry",
        "THIS IS THE THIRD TIME I ASK, YOUR SERVICE IS TERRIBLE AND NOBODY HELPS!!!",
    ),
    (
        "paragraph",
        "So I bought the coffee machine in March and everything was fine until last Tuesday, when it started to leak from the bottom. I cleaned it as the manual says, changed the filter, and let it run twice with vinegar, but it still leaks. The warranty card says two years, but the shop where I bought it has closed. What should I do now, and who pays for the shipping if I have to send it in? I also lost the box.",
    ),
];

fn each(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("triage");
    for (name, text) in TEXTS {
        group.bench_function(*name, |b| {
            b.iter(|| BUNDLED.before_model(black_box(text), &Context::default()));
        });
    }
    let recent: Vec<Gist> = TEXTS.iter().map(|(_, text)| Gist::of(text)).collect();
    group.bench_function("with eight earlier messages", |b| {
        let context = Context {
            recent: &recent,
            ..Context::default()
        };
        b.iter(|| BUNDLED.before_model(black_box("where is my order"), &context));
    });
    group.bench_function("request only", |b| {
        b.iter(|| explicit_request(black_box(TEXTS[1].1), None));
    });
    let long = "a word of sixty-four kilobytes ".repeat(2_100);
    group.bench_function("64 KiB", |b| {
        b.iter(|| BUNDLED.before_model(black_box(&long), &Context::default()));
    });
    group.finish();
}

/// The messages of a language's tuned set, and of English the broad one too.
fn labelled(language: &str) -> Vec<String> {
    let read = |split: &str| {
        let path = format!(
            "{}/tests/triage/{language}/{split}.txt",
            env!("CARGO_MANIFEST_DIR")
        );
        std::fs::read_to_string(path).unwrap_or_default()
    };
    let lines = format!("{}\n{}", read("tune"), read("broad_tune"));
    let texts = lines
        .lines()
        .filter_map(|line| Some(line.split_once('\t')?.1.to_owned()));
    texts.collect()
}

/// What most customers feel, and the one of a hundred who waits longest.
#[expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a measurement"
)]
fn measure(name: &str, texts: &[String], context: &Context<'_>) {
    let mut took: Vec<Duration> = Vec::new();
    for _ in 0..20 {
        for text in texts {
            let began = Instant::now();
            black_box(BUNDLED.before_model(black_box(text), context));
            took.push(began.elapsed());
        }
    }
    took.sort_unstable();
    let at = |part: usize| {
        took.get(took.len() * part / 1_000)
            .copied()
            .unwrap_or_default()
    };
    let words: usize = texts
        .iter()
        .map(|text| text.split_whitespace().count())
        .sum();
    println!(
        "triage/{} {name} ({} words on average): median {:?}, p99 {:?}, p99.9 {:?}",
        texts.len(),
        words / texts.len().max(1),
        at(500),
        at(990),
        at(999)
    );
}

/// The spread over the labelled messages of all languages, as they are; three of them at a time, which is as long as
/// people write in a web chat; and those with eight earlier messages remembered.
fn spread(_: &mut Criterion) {
    let mut short = Vec::new();
    let mut long = Vec::new();
    for language in ["en", "es", "pt", "fr", "de", "it", "nl", "af"] {
        let texts = labelled(language);
        // far apart in the file, so that no two are about the same
        let third = texts.len() / 3;
        let parts = (0..third).map(|i| (&texts[i], &texts[i + third], &texts[i + 2 * third]));
        long.extend(parts.map(|(a, b, c)| format!("{a}. {b}, {c}")));
        short.extend(texts);
    }
    short.extend(TEXTS.iter().map(|(_, text)| (*text).to_owned()));
    let none = Context::default();
    measure("labelled messages", &short, &none);
    measure("messages of three sentences", &long, &none);
    let recent: Vec<Gist> = TEXTS
        .iter()
        .take(8)
        .map(|(_, text)| Gist::of(text))
        .collect();
    let context = Context {
        recent: &recent,
        ..Context::default()
    };
    measure("of three sentences, eight remembered", &long, &context);
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1));
    targets = spread, each
}
criterion_main!(benches);
