//! The answerer that needs nobody: sentences out of the knowledge base, word for word.
//!
//! It is honest: it says what it is, gives only what is written, and says so when it knows nothing. The first miss names what it
//! can help with and that a person can be fetched; the second in a row asks for that person. It invents nothing,
//! never promises anybody and speaks English and Spanish. Pure; waiting and emitting are the service's.

use super::prompt::open_question;
use super::sentences;
use crate::conversation::question::{Line, ModelVerdict, Question};
use crate::conversation::words::Reason;
use crate::knowledge::{Hit, Knowledge, Tongue};

/// The most sentences of one answer.
const SENTENCES_MAX: usize = 4;
/// The longest answer out of the knowledge base, in bytes.
const ANSWER_BYTES_MAX: usize = 700;
/// The most topics named after a miss.
const TOPICS_MAX: usize = 5;
/// The most words of a greeting or a thank-you; more is a question.
const SMALL_TALK_WORDS_MAX: usize = 4;

/// What the offline answerer says.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Said {
    /// The words; empty when a person is needed.
    pub(super) text: String,
    /// What it means.
    pub(super) verdict: ModelVerdict,
    /// How sure it is, in percent; `None` for small talk.
    pub(super) confidence: Option<u8>,
}

/// The fixed texts of one language.
struct Texts {
    hello: &'static str,
    welcome: &'static str,
    machine: &'static str,
    dont_know: &'static str,
    topics: &'static str,
    person: &'static str,
    handed_back: &'static str,
    anything_else: &'static str,
}

const ENGLISH: Texts = Texts {
    hello: "Hello! I am the automated assistant. What would you like to know?",
    welcome: "You're welcome! Is there anything else?",
    machine: "I am an automated assistant, not a person. I answer from the information I was given; if you would rather talk to a person, just say so.",
    dont_know: "I'm sorry, I don't know the answer to that.",
    topics: "I can help with:",
    person: "If you would like to talk to a person, just say so.",
    handed_back: "I have the conversation back from",
    anything_else: "Is there anything else I can help you with?",
};

const SPANISH: Texts = Texts {
    hello: "¡Hola! Soy el asistente automático. ¿Qué le gustaría saber?",
    welcome: "¡De nada! ¿Hay algo más?",
    machine: "Soy un asistente automático, no una persona. Respondo con la información que tengo; si prefiere hablar con una persona, dígamelo.",
    dont_know: "Lo siento, no sé la respuesta a eso.",
    topics: "Puedo ayudarle con:",
    person: "Si quiere hablar con una persona, dígamelo.",
    handed_back: "Retomo la conversación que llevaba",
    anything_else: "¿Puedo ayudarle con algo más?",
};

const GREETINGS: [&str; 14] = [
    "hi",
    "hello",
    "hey",
    "good morning",
    "good afternoon",
    "good evening",
    "hola",
    "buenas",
    "buenos dias",
    "buenas tardes",
    "buenas noches",
    "saludos",
    "hi there",
    "hello there",
];
const THANKS: [&str; 12] = [
    "thanks",
    "thank you",
    "thx",
    "great thanks",
    "ok thanks",
    "gracias",
    "muchas gracias",
    "ok gracias",
    "perfecto gracias",
    "many thanks",
    "thanks a lot",
    "vale gracias",
];
const ARE_YOU_HUMAN: [&str; 26] = [
    "are you human",
    "are you a human",
    "are you a person",
    "are you a real",
    "are you real",
    "are you a bot",
    "are you a robot",
    "are you an ai",
    "are you a machine",
    "am i talking to a human",
    "am i talking to a person",
    "am i talking to a bot",
    "is this a bot",
    "is this a human",
    "is this a person",
    "eres humano",
    "eres humana",
    "eres una persona",
    "eres un robot",
    "eres un bot",
    "eres una maquina",
    "eres una ia",
    "es usted humano",
    "es usted una persona",
    "es usted un robot",
    "hablo con una persona",
];

/// Answers `question` from `hits`, which are over the threshold, best first.
pub(super) fn answer(question: &Question, hits: &[Hit], knowledge: &Knowledge) -> Said {
    let asked = open_question(question);
    let tongue = question
        .language
        .as_deref()
        .and_then(Tongue::of_tag)
        .unwrap_or_else(|| Tongue::of_text(&asked));
    let texts = match tongue {
        Tongue::English => &ENGLISH,
        Tongue::Spanish => &SPANISH,
    };
    let back = handed_back(question, texts);
    if let Some(text) = small_talk(&asked, texts, back.is_some()) {
        return reply(back, text.to_owned(), None);
    }
    if let Some(best) = hits.first() {
        let percent = u8::try_from(best.score / 10).unwrap_or(100).min(100);
        return reply(back, excerpt(&best.text), Some(percent));
    }
    if missed_before(question) {
        return Said {
            text: String::new(),
            verdict: ModelVerdict::Escalate {
                reason: Reason::NoAnswer,
                summary: "nothing in the knowledge base answers the last two questions".to_owned(),
            },
            confidence: Some(0),
        };
    }
    reply(
        back,
        miss(texts, &knowledge.topics(tongue, TOPICS_MAX)),
        Some(0),
    )
}

fn reply(back: Option<String>, text: String, confidence: Option<u8>) -> Said {
    let text = match back {
        Some(back) => format!("{back} {text}"),
        None => text,
    };
    Said {
        text,
        verdict: ModelVerdict::Reply,
        confidence,
    }
}

/// The acknowledgement of a person's stretch, if nothing was said since it ended.
fn handed_back(question: &Question, texts: &Texts) -> Option<String> {
    for line in question.lines.iter().rev() {
        match line {
            Line::HumanStretchEnded {
                agent: Some(agent), ..
            } => {
                return Some(format!("{} {agent}.", texts.handed_back));
            }
            Line::HumanStretchEnded { agent: None, .. }
            | Line::HumanStretchBegan { .. }
            | Line::EpisodeEnded
            | Line::Ai(_)
            | Line::AiCutOff(_)
            | Line::Human { .. } => return None,
            Line::Customer(_) | Line::System(_) | Line::HandoffRequested { .. } | Line::Note(_) => {
            }
        }
    }
    None
}

fn small_talk<'a>(asked: &str, texts: &'a Texts, after_handback: bool) -> Option<&'a str> {
    let plain = plain(asked);
    let short = plain.split(' ').count() <= SMALL_TALK_WORDS_MAX;
    if plain.is_empty() {
        return Some(if after_handback {
            texts.anything_else
        } else {
            texts.hello
        });
    }
    if ARE_YOU_HUMAN
        .iter()
        .any(|phrase| format!(" {plain} ").contains(&format!(" {phrase} ")))
    {
        return Some(texts.machine);
    }
    if short && THANKS.contains(&plain.as_str()) {
        return Some(texts.welcome);
    }
    (short && GREETINGS.contains(&plain.as_str())).then_some(texts.hello)
}

/// Lower case without accents and marks, words separated by single spaces.
fn plain(text: &str) -> String {
    let plain: String = text
        .chars()
        .flat_map(char::to_lowercase)
        .map(|c| match c {
            'á' => 'a',
            'é' => 'e',
            'í' => 'i',
            'ó' => 'o',
            'ú' | 'ü' => 'u',
            c if c.is_alphanumeric() => c,
            _ => ' ',
        })
        .collect();
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The first sentences of a chunk, within the bounds.
fn excerpt(text: &str) -> String {
    let mut excerpt = String::new();
    for sentence in sentences::split(text).into_iter().take(SENTENCES_MAX) {
        if !excerpt.is_empty() && excerpt.len() + sentence.len() > ANSWER_BYTES_MAX {
            break;
        }
        excerpt.push_str(&sentence);
    }
    excerpt[..excerpt.floor_char_boundary(ANSWER_BYTES_MAX)].to_owned()
}

fn miss(texts: &Texts, topics: &[&str]) -> String {
    let topics = match topics {
        [] => String::new(),
        topics => format!(" {} {}.", texts.topics, topics.join(", ").to_lowercase()),
    };
    format!("{}{topics} {}", texts.dont_know, texts.person)
}

/// Whether the answer before this question was a miss, and no person has spoken since.
fn missed_before(question: &Question) -> bool {
    for line in question.lines.iter().rev() {
        match line {
            Line::Ai(text) | Line::AiCutOff(text) => {
                return text.contains(ENGLISH.dont_know) || text.contains(SPANISH.dont_know);
            }
            Line::Human { .. } | Line::HumanStretchEnded { .. } | Line::EpisodeEnded => {
                return false;
            }
            Line::Customer(_)
            | Line::System(_)
            | Line::HandoffRequested { .. }
            | Line::HumanStretchBegan { .. }
            | Line::Note(_) => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::super::guard::{Guard, TAG_DEFAULT};
    use super::*;
    use crate::conversation::words::By;
    use crate::ids::{AskId, ConversationId};

    fn said(lines: Vec<Line>) -> Said {
        let question = Question {
            conversation: ConversationId::from_bytes([1; 16]),
            ask: AskId(1),
            lines,
            language: None,
            customer: None,
            messages: 0,
            others: None,
            rules: crate::triage::Settings::default(),
        };
        let knowledge = Knowledge::sample();
        let mut hits = knowledge.search(&open_question(&question), 3);
        hits.retain(|hit| hit.score >= 350);
        answer(&question, &hits, &knowledge)
    }

    fn customer(text: &str) -> Line {
        Line::Customer(text.to_owned())
    }

    fn check(text: &str, want: &str) {
        let said = said(vec![customer(text)]);
        assert!(said.text.contains(want), "{text}: {said:?}");
        assert_eq!(said.verdict, ModelVerdict::Reply);
    }

    #[test]
    fn it_answers_with_what_is_written() {
        check(
            "When are you open on Saturday?",
            "Saturday from 10:00 to 14:00",
        );
        check("how much is the Halo floor lamp?", "149 EUR");
        check("¿Cuánto tarda el envío a Canarias?", "de 7 a 10 a Canarias");
    }

    #[test]
    fn small_talk_is_answered_simply() {
        check("Hi!", "automated assistant");
        check("hola", "asistente automático");
        check("Thanks!!", "welcome");
        check("muchas gracias", "De nada");
        check("hi, when are you open on Saturday?", "10:00 to 14:00");
    }

    #[test]
    fn it_says_honestly_that_it_is_a_machine() {
        for text in [
            "Are you human?",
            "wait, am I talking to a person??",
            "¿Eres una persona?",
            "are you a real person",
        ] {
            let said = said(vec![customer(text)]);
            assert!(
                said.text.contains("not a person") || said.text.contains("no una persona"),
                "{text}: {said:?}"
            );
        }
    }

    #[test]
    fn the_first_miss_is_admitted_and_the_second_asks_for_a_person() {
        let first = said(vec![customer("Who won the world cup?")]);
        assert_eq!(
            (first.confidence, &first.verdict),
            (Some(0), &ModelVerdict::Reply)
        );
        assert!(
            first.text.starts_with(ENGLISH.dont_know) && first.text.contains("delivery"),
            "{first:?}"
        );
        let again = |between: Vec<Line>| {
            let mut lines = vec![
                customer("Who won the world cup?"),
                Line::Ai(first.text.clone()),
            ];
            lines.extend(between);
            lines.push(customer("and the olympics?"));
            said(lines).verdict
        };
        let escalated = |verdict: &ModelVerdict| {
            matches!(
                verdict,
                ModelVerdict::Escalate {
                    reason: Reason::NoAnswer,
                    ..
                }
            )
        };
        assert!(escalated(&again(Vec::new())));
        let ended = Line::HumanStretchEnded {
            agent: None,
            by: By::Agent,
            note: String::new(),
        };
        assert!(!escalated(&again(vec![ended])));
        assert!(!escalated(&again(vec![
            customer("open on saturday?"),
            Line::Ai("Saturday from 10.".to_owned())
        ])));
    }

    #[test]
    fn it_acknowledges_a_stretch_once_and_keeps_the_note_private() {
        let ended = Line::HumanStretchEnded {
            agent: Some("Ana".to_owned()),
            by: By::Agent,
            note: "difficult man".to_owned(),
        };
        let alone = said(vec![customer("a person!"), ended.clone()]);
        assert_eq!(
            alone.text,
            "I have the conversation back from Ana. Is there anything else I can help you with?"
        );
        let asked = said(vec![ended.clone(), customer("open on Saturday?")]);
        assert!(
            asked
                .text
                .starts_with("I have the conversation back from Ana. The shop"),
            "{asked:?}"
        );
        assert!(!asked.text.contains("difficult"));
        let later = said(vec![
            ended,
            customer("x"),
            Line::Ai("y".to_owned()),
            customer("open on Saturday?"),
        ]);
        assert!(later.text.starts_with("The shop"), "{later:?}");
    }

    #[test]
    fn its_own_texts_pass_the_guard() {
        let guard = Guard::new(TAG_DEFAULT).expect("a good tag");
        for texts in [&ENGLISH, &SPANISH] {
            for text in [
                texts.hello,
                texts.welcome,
                texts.machine,
                texts.dont_know,
                texts.person,
                texts.handed_back,
                texts.anything_else,
            ] {
                assert_eq!(guard.offence(text), None, "{text}");
            }
        }
    }

    #[test]
    fn an_excerpt_is_a_few_whole_sentences() {
        assert_eq!(
            excerpt("One. Two. Three. Four. Five."),
            "One. Two. Three. Four."
        );
        let long = format!("Short. {}. End.", "x".repeat(ANSWER_BYTES_MAX));
        assert_eq!(excerpt(&long), "Short.");
        assert_eq!(
            excerpt(&"é".repeat(ANSWER_BYTES_MAX)).len(),
            ANSWER_BYTES_MAX
        );
    }
}
