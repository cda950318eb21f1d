//! What `segue chat` shows: who says what, a line for each message, and answers while they are being written.
//!
//! Control characters of others are never printed: a message must not move the cursor or colour the terminal.

use std::io::{self, Write};

use crate::conversation::words::ModeName;
use crate::http::chat::protocol::{Message, Speaker};

/// A screen, or a pipe.
#[derive(Debug)]
pub struct Screen<W: Write> {
    out: W,
    /// Whether pieces are shown as they come; a pipe gets whole messages only.
    live: bool,
    /// The answer that is being written, as far as it is shown.
    open: Option<(u64, String)>,
    mode: Option<ModeName>,
}

impl<W: Write> Screen<W> {
    /// `live`: show answers while they are being written.
    pub const fn new(out: W, live: bool) -> Self {
        Self {
            out,
            live,
            open: None,
            mode: None,
        }
    }

    /// A whole message.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub fn message(&mut self, message: &Message) -> io::Result<()> {
        let text = plain(&message.text);
        match self.open.take() {
            Some((effect, shown)) if message.effect == Some(effect) => {
                match text.strip_prefix(&shown) {
                    Some(rest) => self.out.write_all(rest.as_bytes())?,
                    None => write!(self.out, "\n{}: {text}", speaker(message))?,
                }
            }
            Some(_another) => write!(self.out, "\n{}: {text}", speaker(message))?,
            None => write!(self.out, "{}: {text}", speaker(message))?,
        }
        writeln!(
            self.out,
            "{}",
            if message.partial {
                " [interrupted]"
            } else {
                ""
            }
        )?;
        for (n, choice) in message.choices.iter().enumerate() {
            writeln!(self.out, "  [{}] {}", n + 1, plain(&choice.title))?;
        }
        self.out.flush()
    }

    /// A piece of an answer.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub fn piece(&mut self, effect: u64, text: &str) -> io::Result<()> {
        if !self.live {
            return Ok(());
        }
        let text = plain(text);
        match &mut self.open {
            Some((open, shown)) if *open == effect => shown.push_str(&text),
            Some(_) | None => {
                self.close()?;
                write!(self.out, "Assistant: ")?;
                self.open = Some((effect, text.clone()));
            }
        }
        self.out.write_all(text.as_bytes())?;
        self.out.flush()
    }

    /// An answer ended early.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub fn cut(&mut self, effect: u64) -> io::Result<()> {
        match &self.open {
            // What of it stays comes as a message, which completes the line.
            Some((open, _)) if *open == effect => self.out.flush(),
            Some(_) | None => Ok(()),
        }
    }

    /// Who answers, if that is news.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub fn who(&mut self, mode: Option<ModeName>, name: Option<&str>) -> io::Result<()> {
        if std::mem::replace(&mut self.mode, mode) == mode {
            return Ok(());
        }
        let Some(mode) = mode else { return Ok(()) };
        let text = match mode {
            ModeName::Ai => "the assistant answers".to_owned(),
            ModeName::Waiting => "waiting for a person".to_owned(),
            ModeName::Human => format!("{} answers", plain(name.unwrap_or("a person"))),
            ModeName::Closed => "ended".to_owned(),
        };
        self.notice(&text)
    }

    /// A remark of this command's own.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub fn notice(&mut self, text: &str) -> io::Result<()> {
        self.close()?;
        writeln!(self.out, "-- {} --", plain(text))?;
        self.out.flush()
    }

    fn close(&mut self) -> io::Result<()> {
        match self.open.take() {
            Some(_) => writeln!(self.out),
            None => Ok(()),
        }
    }
}

fn speaker(message: &Message) -> String {
    match message.from {
        Speaker::You => "You".to_owned(),
        Speaker::Ai => "Assistant".to_owned(),
        Speaker::Human => plain(message.name.as_deref().unwrap_or("Agent")),
        Speaker::System => "*".to_owned(),
    }
}

fn plain(text: &str) -> String {
    text.chars()
        .filter(|c| !c.is_control() || *c == '\n' || *c == '\t')
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(from: Speaker, effect: u64, text: &str) -> Message {
        Message {
            entry: 1,
            from,
            name: Some("Ana".into()),
            text: text.into(),
            choices: Vec::new(),
            files: Vec::new(),
            at: String::new(),
            id: None,
            effect: Some(effect),
            partial: false,
        }
    }

    fn check(live: bool, show: impl Fn(&mut Screen<Vec<u8>>) -> io::Result<()>, expected: &str) {
        let mut screen = Screen::new(Vec::new(), live);
        show(&mut screen).expect("memory takes it");
        assert_eq!(String::from_utf8_lossy(&screen.out), expected);
    }

    #[test]
    fn an_answer_is_shown_while_it_is_written_and_once() {
        let show = |screen: &mut Screen<Vec<u8>>| {
            screen.piece(1, "Hel")?;
            screen.piece(1, "lo")?;
            screen.message(&message(Speaker::Ai, 1, "Hello!"))
        };
        check(true, show, "Assistant: Hello!\n");
        check(false, show, "Assistant: Hello!\n");
    }

    #[test]
    fn a_message_in_between_does_not_run_into_a_piece() {
        let show = |screen: &mut Screen<Vec<u8>>| {
            screen.piece(1, "Hel")?;
            screen.message(&message(Speaker::Human, 2, "I am Ana"))?;
            screen.notice("bye")
        };
        check(true, show, "Assistant: Hel\nAna: I am Ana\n-- bye --\n");
        check(false, show, "Ana: I am Ana\n-- bye --\n");
    }

    #[test]
    fn control_characters_are_not_printed() {
        let show = |screen: &mut Screen<Vec<u8>>| {
            screen.message(&message(Speaker::Human, 2, "\u{1b}[31mred\u{7}\nline"))
        };
        check(true, show, "Ana: [31mred\nline\n");
    }
}
