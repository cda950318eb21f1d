//! Greetings before a question: polite, and no part of what is looked up.
//!
//! "Hello, how much is delivery?" finds what "how much is delivery?" finds. A message that only greets is left as it is.

/// Greetings of the bundled languages, in lower case; where one begins with another, the longer stands first.
const GREETINGS: [&str; 52] = [
    "good morning",
    "good afternoon",
    "good evening",
    "good day",
    "hello there",
    "hi there",
    "hey there",
    "hello",
    "hiya",
    "hi",
    "hey",
    "buenos días",
    "buenos dias",
    "buenas tardes",
    "buenas noches",
    "buenas",
    "hola",
    "bom dia",
    "boa tarde",
    "boa noite",
    "olá",
    "ola",
    "oi",
    "bonjour",
    "bonsoir",
    "salut",
    "coucou",
    "guten tag",
    "guten morgen",
    "guten abend",
    "grüß gott",
    "gruezi",
    "grüezi",
    "hallo",
    "moin",
    "servus",
    "buongiorno",
    "buonasera",
    "buon giorno",
    "salve",
    "ciao",
    "goedemorgen",
    "goedemiddag",
    "goedenavond",
    "goedendag",
    "hoi",
    "goeie môre",
    "goeiemôre",
    "goeie more",
    "goeie middag",
    "goeie dag",
    "goeiedag",
];
/// So many greetings in a row are taken away; who goes on greeting asks nothing.
const IN_A_ROW_MAX: usize = 3;

/// `text` without the greetings that its lines begin with; as it is, where nothing else is left.
pub(super) fn without_greeting(text: &str) -> String {
    let lines = text.lines().map(of_line).filter(|line| !line.is_empty());
    let rest: Vec<&str> = lines.collect();
    match rest.is_empty() {
        true => text.to_owned(),
        false => rest.join("\n"),
    }
}

fn of_line(line: &str) -> &str {
    let mark = |c: char| c.is_whitespace() || matches!(c, ',' | '.' | '!' | ';' | ':' | '-' | '–');
    let mut rest = line.trim();
    for _ in 0..IN_A_ROW_MAX {
        let said = rest.trim_start_matches(['¡', '!']);
        match GREETINGS.iter().find_map(|greeting| behind(said, greeting)) {
            Some(behind) => rest = behind.trim_start_matches(mark),
            None => break,
        }
    }
    rest
}

/// What stands behind `greeting`, if `text` begins with it as a word of its own.
fn behind<'a>(text: &'a str, greeting: &str) -> Option<&'a str> {
    let mut rest = text.chars();
    for wanted in greeting.chars() {
        let mut lower = rest.next()?.to_lowercase();
        if lower.next() != Some(wanted) || lower.next().is_some() {
            return None;
        }
    }
    let rest = rest.as_str();
    let apart = |c: char| c.is_whitespace() || matches!(c, ',' | '.' | '!' | ';' | ':' | '?');
    (rest.is_empty() || rest.starts_with(apart)).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_greeting_is_no_part_of_the_question() {
        let check = |text: &str, question: &str| {
            assert_eq!(without_greeting(text), question, "{text}");
        };
        check("hello, how much is delivery?", "how much is delivery?");
        check("Hi! Good morning. When do you open?", "When do you open?");
        check("¡Hola! ¿Cuánto cuesta?", "¿Cuánto cuesta?");
        check("HALLO wann öffnen Sie", "wann öffnen Sie");
        check("hello\nhow much is it", "how much is it");
        check("Goeie môre, waar is my pakkie?", "waar is my pakkie?");
        check(
            "Hi-Fi speakers, do you have them?",
            "Hi-Fi speakers, do you have them?",
        );
        check("history of my orders", "history of my orders");
        check("Ciaossu lamp", "Ciaossu lamp");
    }

    #[test]
    fn who_only_greets_is_heard() {
        for text in ["hello", "Hi!", "hola, buenas tardes", ""] {
            assert_eq!(without_greeting(text), text);
        }
    }
}
