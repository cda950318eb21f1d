//! How well triage hears a request for a person: labelled messages per language, and what must hold for any bytes.
//!
//! `tests/triage/<language>/tune.txt` is what the grammar was worked on with; `held_out.txt` was written before any rule
//! and is only counted. `en/broad_tune.txt` and `en/broad_held_out.txt` are a second English set, written before anything
//! of the grammar was looked at, from many viewpoints, and split by lot. `en/trades_held_out.txt`, of forty trades, was committed
//! before it was first measured; `en/trades_tune.txt` was written after it and worked on with. `en/plain_tune.txt` holds short and
//! rough lines, worked on with. A line is `+` or `-`, a tab, and the message. Run with `--nocapture` for the table.

#[path = "triage/gists.rs"]
mod gists;
#[path = "triage/rules.rs"]
mod rules;
#[path = "triage/values.rs"]
mod values;

use std::fs;
use std::path::Path;
use std::time::Duration;

use proptest::prelude::*;
use segue::clock::monotonic;
use segue::triage::specs::Action;
use segue::triage::{AnswerFacts, BUNDLED, Context, Gist, VAGUE, explicit_request};

const LANGUAGES: [&str; 8] = ["en", "es", "pt", "fr", "de", "it", "nl", "af"];

/// Language, split, the least recall, the most false positives; both per thousand.
const FLOORS: &[(&str, &str, usize, usize)] = &[
    ("en", "tune", 950, 10),
    ("en", "held_out", 940, 10),
    ("en", "broad_tune", 950, 10),
    ("en", "broad_held_out", 900, 15),
    ("en", "trades_tune", 950, 5),
    ("en", "plain_tune", 970, 10),
    ("en", "trades_held_out", 780, 40),
    ("es", "tune", 920, 15),
    ("es", "held_out", 850, 10),
    ("pt", "tune", 920, 15),
    ("pt", "held_out", 850, 10),
    ("fr", "tune", 920, 15),
    ("fr", "held_out", 850, 10),
    ("de", "tune", 920, 15),
    ("de", "held_out", 850, 10),
    ("it", "tune", 920, 15),
    ("it", "held_out", 850, 10),
    ("nl", "tune", 920, 15),
    ("nl", "held_out", 850, 10),
    ("af", "tune", 920, 15),
    ("af", "held_out", 850, 10),
];

#[derive(Default)]
struct Counts {
    heard: usize,
    missed: Vec<String>,
    right: usize,
    wrong: Vec<String>,
}

fn count(language: &str, split: &str, hint: Option<&str>) -> Counts {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/triage")
        .join(language)
        .join(format!("{split}.txt"));
    let mut counts = Counts::default();
    for line in fs::read_to_string(&path).expect("readable").lines() {
        let (label, text) = line.split_once('\t').expect("a label and a message");
        match (label, explicit_request(text, hint).is_some()) {
            ("+", true) => counts.heard += 1,
            ("+", false) => counts.missed.push(text.to_owned()),
            ("-", true) => counts.wrong.push(text.to_owned()),
            ("-", false) => counts.right += 1,
            _ => panic!("{path:?}: no label: {line}"),
        }
    }
    counts
}

#[test]
#[expect(clippy::print_stdout, reason = "the table is what this test is for")]
fn requests_are_heard_and_ordinary_messages_are_not_taken_for_them() {
    let mut faults = Vec::new();
    println!("language split     recall  precision  false positives");
    for (language, split, least, most) in FLOORS {
        for hint in [None, Some(*language)] {
            let counts = count(language, split, hint);
            let asked = counts.heard + counts.missed.len();
            let ordinary = counts.right + counts.wrong.len();
            let recall = counts.heard * 1_000 / asked;
            let precision = counts.heard * 1_000 / (counts.heard + counts.wrong.len());
            let wrong = counts.wrong.len() * 1_000 / ordinary;
            let shown = format!(
                "{language:<8} {split:<9} {:.3}   {:.3}      {}/{ordinary}",
                recall as f64 / 1e3,
                precision as f64 / 1e3,
                counts.wrong.len(),
            );
            if hint.is_none() {
                println!("{shown}");
            }
            if recall < *least || wrong > *most {
                faults.push(format!("{shown} (told the language: {})", hint.is_some()));
            }
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn the_labelled_sets_are_large_enough_and_share_no_message() {
    for language in LANGUAGES {
        let lines = |split: &str| -> Vec<String> {
            let path = format!(
                "{}/tests/triage/{language}/{split}.txt",
                env!("CARGO_MANIFEST_DIR")
            );
            let text = fs::read_to_string(path).expect("readable");
            text.lines().map(str::to_owned).collect()
        };
        let (tune, held_out) = (lines("tune"), lines("held_out"));
        let (asks, ordinary) = if language == "en" {
            (120, 600)
        } else {
            (50, 150)
        };
        for split in [&tune, &held_out] {
            assert!(
                split.iter().filter(|l| l.starts_with('+')).count() >= asks,
                "{language}"
            );
            assert!(
                split.iter().filter(|l| l.starts_with('-')).count() >= ordinary,
                "{language}"
            );
        }
        let shared = tune.iter().filter(|line| held_out.contains(line)).count();
        // greetings and the plainest words are the same wherever one collects them
        assert!(shared * 4 <= tune.len(), "{language}: {shared} shared");
    }
}

proptest! {
    #[test]
    fn any_text_is_read_without_a_panic(text in "\\PC{0,400}", language in proptest::option::of("[a-z]{2}")) {
        let _ = explicit_request(&text, language.as_deref());
    }
}

/// The least time of reading `text`: whatever else the machine does only adds to it.
fn least(text: &str) -> Duration {
    let once = || {
        let began = monotonic();
        let _ = explicit_request(text, None);
        began.elapsed()
    };
    (0..20).map(|_| once()).min().unwrap_or_default()
}

#[test]
fn a_very_long_text_is_read_in_bounded_steps() {
    // both are longer than what is read of any text: with unbounded steps the longer one takes sixteen times as long, and
    // with steps that grow faster more than that
    let check = |piece: &str| {
        let [long, short] = [1 << 20, 1 << 16].map(|bytes| piece.repeat(bytes / piece.len()));
        let (long, short) = (least(&long), least(&short));
        assert!(long < short * 8, "{piece:?}: {long:?} and {short:?}");
    };
    [
        "a",
        "representativ ",
        "talk to ",
        "not ",
        "\u{301}",
        "人",
        "'",
        "is there ",
        "1234567890",
        "\u{1f600} ",
        "i want a ",
    ]
    .into_iter()
    .for_each(check);
    let asked = format!("{} please let me talk to a person", "word ".repeat(20_000));
    assert!(explicit_request(&asked, None).is_some(), "the end is read");
}

/// The decision about `text` under the bundled rules, as `action rule`.
fn decided(text: &str, context: &Context<'_>) -> String {
    BUNDLED
        .before_model(text, context)
        .decision()
        .map_or("model".to_owned(), |found| {
            format!("{} {}", found.action.as_str(), found.rule)
        })
}

#[test]
fn the_bundled_rules_fire_on_their_topics() {
    let check = |text: &str, expected: &str| {
        assert_eq!(decided(text, &Context::default()), expected, "{text:?}");
    };
    check("my lawyer will be in touch", "handoff scope.legal");
    check("i will sue you", "handoff scope.legal");
    check("mi abogado los va a demandar", "handoff scope.legal");
    check("ich schalte einen Anwalt ein", "handoff scope.legal");
    check(
        "vous aurez des nouvelles de mon avocat",
        "handoff scope.legal",
    );
    check(
        "can you do a better price on this",
        "handoff scope.price_negotiation",
    );
    check(
        "quiero negociar el precio",
        "handoff scope.price_negotiation",
    );
    check("I want a refund of $250", "handoff scope.large_refund");
    check(
        "quiero el reembolso de 300 euros",
        "handoff scope.large_refund",
    );
    check(
        "ich will mein Geld zurück, 200 €",
        "handoff scope.large_refund",
    );
    check("i want a refund of 20 dollars", "offer keyword.refund");
    // `above` is above: the amount itself is not.
    check("i want a refund of 100 dollars", "offer keyword.refund");
    check("i want a refund of $100.01", "handoff scope.large_refund");
    check(
        "your driver was very rude",
        "handoff scope.employee_complaint",
    );
    check(
        "der Fahrer war sehr unhöflich",
        "handoff scope.employee_complaint",
    );
    check(
        "i had an allergic reaction to the cream",
        "handoff scope.health",
    );
    check("is it safe while pregnant", "handoff scope.health");
    check("i want to kill myself", "handoff scope.self_harm");
    check("ich will sterben", "handoff scope.self_harm");
    check("ich mag nicht mehr leben", "handoff scope.self_harm");
    check(
        "i lost my job and cant pay this month",
        "handoff scope.hardship",
    );
    check("i want to file a complaint", "handoff keyword.complaint");
    check("quiero poner una queja", "handoff keyword.complaint");
    check("cancel my subscription", "offer keyword.cancel");
    check("this is urgent", "offer keyword.urgent");
    check(
        "we are interested in a partnership",
        "handoff value.enterprise",
    );
    check("we need an enterprise license", "handoff value.enterprise");
    check("can you ship 500 units", "handoff value.quantity");
    check(
        "i need a refnud of 500 dollars",
        "handoff scope.large_refund",
    );
    check("my laywer will call you", "handoff scope.legal");
}

#[test]
fn harmless_contexts_do_not_fire() {
    let check = |text: &str| assert_eq!(decided(text, &Context::default()), "model", "{text:?}");
    [
        "can i cancel my appointment and reschedule",
        "what is your refund policy",
        "no refund needed, thanks",
        "how long does a refund take",
        "how do i cancel",
        "where is the nearest hospital",
        "it is not urgent",
        "i have no complaints",
        "is there a complaint form pdf",
        "i can't pay with paypal",
        "jus d'avocat",
        "my phone died",
        "je ne veux pas annuler",
        "nichts dringendes",
        "suicide squad dvd",
        "hello",
    ]
    .into_iter()
    .for_each(check);
}

#[test]
fn scope_comes_before_the_request_and_the_request_before_the_rest() {
    let rules = |text: &str| -> Vec<String> {
        let triage = BUNDLED.before_model(text, &Context::default());
        triage
            .findings
            .into_iter()
            .map(|found| found.rule)
            .collect()
    };
    let found = rules("this is urgent, let me talk to a person about my lawyer");
    assert_eq!(found[0], "scope.legal", "{found:?}");
    assert!(found[1].starts_with("explicit."), "{found:?}");
    assert_eq!(found[2], "keyword.urgent", "{found:?}");
}

#[test]
fn the_same_question_three_times_is_an_offer() {
    let recent = ["where is my parcel?", "i asked where my parcel is"].map(Gist::of);
    let context = Context {
        recent: &recent,
        ..Context::default()
    };
    assert_eq!(
        decided("so where is the parcel now", &context),
        "offer context.repeated"
    );
    assert_eq!(decided("what are your opening hours", &context), "model");
    let recent = ["do you have red shoes", "do you have blue shoes"].map(Gist::of);
    let context = Context {
        recent: &recent,
        ..Context::default()
    };
    assert_eq!(decided("do you have green shoes", &context), "model");
    let recent = ["where is my order", "my package hasn't come"].map(Gist::of);
    let context = Context {
        recent: &recent,
        ..Context::default()
    };
    assert_eq!(
        decided("any news on the delivery?", &context),
        "offer context.repeated"
    );
}

#[test]
fn displeasure_and_deflections_are_weighed() {
    let context = Context {
        deflections: 2,
        ..Context::default()
    };
    assert_eq!(decided("ok", &context), "offer context.deflected");
    let four = Context {
        deflections: 4,
        ..Context::default()
    };
    assert_eq!(decided("ok", &four), "handoff context.deflected");
    let angry = decided(
        "THIS IS THE WORST SERVICE EVER, USELESS!!!",
        &Context::default(),
    );
    assert_eq!(angry, "offer context.displeasure");
    let mood = |text: &str| {
        BUNDLED
            .before_model(text, &Context::default())
            .signals
            .sentiment
    };
    assert!(mood("thank you, great service") > 0);
    assert!(mood("this is not good") < 0);
    assert!(mood("pésimo servicio") < 0);
    assert_eq!(mood("where is the shop"), 0);
}

/// What is known of shipping, and the question that the answers below are given to.
const SHIPPING: [&str; 1] = [
    "Shipping to Europe costs 12 euros and takes five working days. Returns are free within 30 days.",
];

fn of_shipping() -> AnswerFacts<'static> {
    AnswerFacts {
        confidence: Some(900),
        chunks: Some(&SHIPPING),
        asked: "how much is shipping",
        ..AnswerFacts::default()
    }
}

fn check_answer(answer: &str, facts: &AnswerFacts<'_>, expected: &[&str]) {
    let found = BUNDLED.after_model(answer, facts);
    let rules: Vec<&str> = found.iter().map(|finding| finding.rule.as_str()).collect();
    assert_eq!(rules, expected, "{answer:?}");
}

#[test]
fn an_answer_is_held_against_what_is_known() {
    let (facts, check) = (of_shipping(), check_answer);
    check("Shipping to Europe costs 12 euros.", &facts, &[]);
    check("Shipping costs 7 euros.", &facts, &["answer.price"]);
    let shown = AnswerFacts {
        chunks: Some(&[]),
        given: "Lamps cost 39 euros; the newsletter takes 10% off.",
        ..facts.clone()
    };
    check("39 euros, or 10% off. Anything else?", &shown, &[]);
    check("38 euros?", &shown, &["answer.price"]);
    check("15% off for you?", &shown, &["answer.price"]);
    check(
        "Shipping to Europe comes with 20% off for you.",
        &facts,
        &["answer.price"],
    );
    check(
        "Shipping to Europe is 100% insured.",
        &AnswerFacts {
            asked: "is shipping to europe insured",
            ..facts.clone()
        },
        &[],
    );
    check(
        "We will give you your money back.",
        &facts,
        &["answer.promises_refund"],
    );
    check(
        "I am transferring you to a colleague now.",
        &facts,
        &["answer.promises_person"],
    );
    let promised = AnswerFacts {
        handoff: true,
        ..facts.clone()
    };
    check("I am transferring you to a colleague now.", &promised, &[]);
    check(
        "I am a real person, do not worry.",
        &facts,
        &["answer.claims_human"],
    );
    check("I am an AI assistant.", &facts, &[]);
    check(
        "We will refund you the full amount.",
        &facts,
        &["answer.promises_refund"],
    );
    for text in [
        "I've passed this on to our team, they will email you.",
        "He trasladado su consulta a nuestro equipo.",
    ] {
        check(text, &facts, &["answer.promises_person"]);
    }
    check("Soy una persona real.", &facts, &["answer.claims_human"]);
    check(
        "Le paso con un compañero.",
        &facts,
        &["answer.promises_person"],
    );
    check(
        "Would you like me to connect you with a person?",
        &facts,
        &[],
    );
}

#[test]
fn an_unsure_vague_or_valuable_answer_is_seen_as_that() {
    let (facts, check) = (of_shipping(), check_answer);
    let unsure = AnswerFacts {
        confidence: Some(100),
        chunks: Some(&[]),
        ..facts.clone()
    };
    check("Yes.", &unsure, &["answer.confidence", "answer.no_chunks"]);
    let invented = "Our flagship boutique offers complimentary champagne tastings every evening alongside celebrity chefs.";
    check(invented, &facts, &["answer.grounding"]);
    let hot = AnswerFacts {
        lead_class: Some("HOT"),
        ..facts.clone()
    };
    check("Shipping to Europe costs 12 euros.", &hot, &["value.lead"]);
    let vague = BUNDLED.after_model("Sorry, I am not sure.", &facts);
    assert_eq!(vague[0].action, Action::Signal, "{vague:?}");
    let again = AnswerFacts { vague: 1, ..facts };
    let vague = BUNDLED.after_model("Sorry, I am not sure.", &again);
    assert_eq!(vague[0].action, Action::Signal, "{vague:?}");
    assert_eq!(vague[1].action, Action::Offer, "{vague:?}");
    let fourth = AnswerFacts { vague: 3, ..again };
    let vague = BUNDLED.after_model("Sorry, I am not sure.", &fourth);
    assert_eq!(vague[1].action, Action::Handoff, "{vague:?}");
}

#[test]
fn a_claim_to_be_human_is_heard_through_a_denial_of_the_machine() {
    let check = |answer: &str, expected: &[&str]| {
        let found = BUNDLED.after_model(answer, &AnswerFacts::default());
        let rules: Vec<&str> = found.iter().map(|finding| finding.rule.as_str()).collect();
        assert_eq!(rules, expected, "{answer:?}");
    };
    check("No soy un robot.", &["answer.claims_human"]);
    check("Não sou um robô.", &["answer.claims_human"]);
    check("Je ne suis pas un robot.", &["answer.claims_human"]);
    check("Non sono un robot.", &["answer.claims_human"]);
    check("No, soy humano.", &["answer.claims_human"]);
    check("No soy humano, soy un asistente.", &[]);
}

#[test]
fn an_answer_is_vague_only_when_it_says_so() {
    let check = |answer: &str, vague: bool| {
        let found = BUNDLED.after_model(answer, &AnswerFacts::default());
        let heard = found.iter().any(|finding| finding.rule == VAGUE);
        assert_eq!(heard, vague, "{answer:?}: {found:?}");
    };
    [
        "I'm sorry, I don't know the answer to that.",
        "I am not sure about that.",
        "I'm afraid I cannot help with that.",
        "We don't have that information.",
        "Could you rephrase your question?",
        "Please visit our website.",
        "Lo siento, no sé la respuesta a eso.",
        "No tengo esa información.",
        "Não tenho essa informação.",
        "Je ne sais pas.",
        "Je ne suis pas sûr.",
        "Das weiß ich leider nicht.",
        "Ich bin mir nicht sicher.",
        "Non ho informazioni al riguardo.",
        "Dat weet ik niet.",
        "Ek weet nie.",
    ]
    .into_iter()
    .for_each(|answer| check(answer, true));
    [
        "Yes, we do have the blue lamp.",
        "I am sure you will like it.",
        "I can help with that: it opens at nine.",
        "Please check your inbox, the receipt is there.",
        "It is not available in red, but in blue.",
        "Sí, lo tenemos en azul.",
        "Ich kann Ihnen helfen: wir öffnen um neun.",
        "Je peux vous aider, nous ouvrons à neuf heures.",
        "Ik kan u helpen, we openen om negen uur.",
        "Ek kan jou help, ons maak nege-uur oop.",
        "Posso ajudar: abrimos às nove.",
    ]
    .into_iter()
    .for_each(|answer| check(answer, false));
}

#[test]
fn ordinary_messages_seldom_lead_to_people_by_a_rule() {
    let mut ordinary = 0;
    let mut handed_off = Vec::new();
    for language in LANGUAGES {
        for split in ["tune", "held_out"] {
            let path = format!(
                "{}/tests/triage/{language}/{split}.txt",
                env!("CARGO_MANIFEST_DIR")
            );
            for line in fs::read_to_string(path).expect("readable").lines() {
                let Some(text) = line.strip_prefix("-\t") else {
                    continue;
                };
                ordinary += 1;
                let triage = BUNDLED.before_model(text, &Context::default());
                handed_off.extend(
                    triage
                        .findings
                        .iter()
                        .filter(|f| {
                            f.action == Action::Handoff && f.reason.as_str() != "user_request"
                        })
                        .map(|f| format!("{}: {text}", f.rule)),
                );
            }
        }
    }
    assert!(
        handed_off.len() * 100 <= ordinary,
        "{} of {ordinary}: {handed_off:#?}",
        handed_off.len()
    );
}
