//! What the knowledge base has on a question. Pure; it neither asks nor answers anything.

use super::prompt::open_question;
use crate::conversation::question::{Line, Question};
use crate::knowledge::{Hit, Knowledge};

/// The longest question that may be a follow-up, in words.
const FOLLOW_UP_WORDS_MAX: usize = 6;

/// The at most `top_k` chunks that score at least `min_score` thousandths. A short follow-up that finds nothing ("and for
/// that?") is searched once more together with what the customer said before it.
pub(super) fn retrieve(
    knowledge: &Knowledge,
    question: &Question,
    top_k: usize,
    min_score: u32,
) -> Vec<Hit> {
    let over = |query: &str| {
        let mut hits = knowledge.search(query, top_k);
        hits.retain(|hit| hit.score >= min_score);
        hits
    };
    let asked = open_question(question);
    let hits = over(&asked);
    if !hits.is_empty()
        || asked.is_empty()
        || asked.split_whitespace().count() > FOLLOW_UP_WORDS_MAX
    {
        return hits;
    }
    match said_before(question) {
        Some(before) => over(&format!("{before}\n{asked}")),
        None => hits,
    }
}

/// The customer's words before the last answer, if no person has spoken since.
fn said_before(question: &Question) -> Option<&str> {
    let mut answered = false;
    for line in question.lines.iter().rev() {
        match line {
            Line::Ai(_) | Line::AiCutOff(_) => answered = true,
            Line::Customer(text) if answered => return Some(text),
            Line::Human { .. } | Line::HumanStretchEnded { .. } | Line::EpisodeEnded => {
                return None;
            }
            Line::Customer(_)
            | Line::System(_)
            | Line::HandoffRequested { .. }
            | Line::HumanStretchBegan { .. }
            | Line::Note(_) => {}
        }
    }
    None
}
