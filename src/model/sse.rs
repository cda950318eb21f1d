//! Server-sent events, decoded piece by piece as the bytes come in.
//!
//! Follows the HTML standard's "interpreting an event stream" (LF, CRLF and CR end a line, comments, one byte order
//! mark), with two differences: lines and events have a greatest size, and an event that the server did not end with an
//! empty line is still given out by [`Decoder::finish`], because several servers close right after `[DONE]`. It knows
//! nothing of what the events mean.

/// The longest line, in bytes. Model servers write one JSON object a line; a whole answer fits.
pub const LINE_BYTES_MAX: usize = 256 * 1024;
/// The most data of one event, in bytes.
pub const EVENT_BYTES_MAX: usize = 512 * 1024;

/// One event.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Event {
    /// Its `event` field; empty if it had none.
    pub name: String,
    /// Its `data` fields, joined by line feeds. Bytes that are not UTF-8 are replaced.
    pub data: String,
}

/// A line or an event was longer than this decoder takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("an event of the stream is too long")]
pub struct TooLong;

/// The decoder's state between two pieces.
#[derive(Debug, Default)]
pub struct Decoder {
    line: Vec<u8>,
    event: Event,
    has_data: bool,
    after_cr: bool,
    started: bool,
}

impl Decoder {
    /// At the beginning of a stream.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next bytes and gives out the events that they complete.
    ///
    /// # Errors
    /// [`TooLong`]; the stream must then be given up.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<Vec<Event>, TooLong> {
        let mut events = Vec::new();
        for &byte in bytes {
            let after_cr = std::mem::replace(&mut self.after_cr, byte == b'\r');
            match byte {
                b'\n' if after_cr => {}
                b'\n' | b'\r' => events.extend(self.end_line()?),
                other if self.line.len() < LINE_BYTES_MAX => self.line.push(other),
                _ => return Err(TooLong),
            }
        }
        Ok(events)
    }

    /// The stream has ended: the event it left open, if any.
    ///
    /// # Errors
    /// [`TooLong`].
    pub fn finish(mut self) -> Result<Option<Event>, TooLong> {
        if !self.line.is_empty() {
            self.end_line()?;
        }
        Ok(self.dispatch())
    }

    fn end_line(&mut self) -> Result<Option<Event>, TooLong> {
        let line = std::mem::take(&mut self.line);
        let line = String::from_utf8_lossy(&line);
        let first = !std::mem::replace(&mut self.started, true);
        let line = match line.strip_prefix('\u{feff}') {
            Some(rest) if first => rest,
            Some(_) | None => &line,
        };
        if line.is_empty() {
            return Ok(self.dispatch());
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut self.event.name),
            "data" => {
                if self.event.data.len() + value.len() >= EVENT_BYTES_MAX {
                    return Err(TooLong);
                }
                if self.has_data {
                    self.event.data.push('\n');
                }
                self.has_data = true;
                self.event.data.push_str(value);
            }
            _ => {} // a comment (empty field), `id`, `retry` or a field that is not known
        }
        Ok(None)
    }

    fn dispatch(&mut self) -> Option<Event> {
        let event = std::mem::take(&mut self.event);
        std::mem::take(&mut self.has_data).then_some(event)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn decode(pieces: &[&[u8]]) -> Vec<(String, String)> {
        let mut decoder = Decoder::new();
        let mut events = Vec::new();
        for piece in pieces {
            events.extend(decoder.feed(piece).expect("short enough"));
        }
        events.extend(decoder.finish().expect("short enough"));
        events
            .into_iter()
            .map(|event| (event.name, event.data))
            .collect()
    }

    fn check(stream: &str, want: &[(&str, &str)]) {
        let got = decode(&[stream.as_bytes()]);
        let got: Vec<(&str, &str)> = got
            .iter()
            .map(|(name, data)| (name.as_str(), data.as_str()))
            .collect();
        assert_eq!(got, want, "{stream:?}");
    }

    #[test]
    fn events_are_told_apart_by_empty_lines() {
        check("data: a\n\ndata: b\n\n", &[("", "a"), ("", "b")]);
        check("event: x\ndata: a\ndata:b\n\n", &[("x", "a\nb")]);
        check("event: alone\n\ndata: a\n\n", &[("", "a")]);
        check("data\n\n", &[("", "")]);
    }

    #[test]
    fn every_kind_of_line_end_comments_and_a_byte_order_mark_are_understood() {
        check("\u{feff}: hello\r\n\r\ndata: a\r\n\r\n", &[("", "a")]);
        check("data: a\r\rdata: b\r\r", &[("", "a"), ("", "b")]);
        check(
            ": keep-alive\n\nid: 7\nretry: 10\ndata: a\n\n",
            &[("", "a")],
        );
    }

    #[test]
    fn what_the_server_left_open_is_given_out_at_the_end() {
        check("data: a\n\ndata: [DONE]", &[("", "a"), ("", "[DONE]")]);
        check("data: a\n", &[("", "a")]);
        check(": nothing", &[]);
    }

    #[test]
    fn too_long_a_line_or_event_is_refused() {
        assert_eq!(
            Decoder::new().feed(&vec![b'x'; LINE_BYTES_MAX]),
            Ok(Vec::new())
        );
        assert_eq!(
            Decoder::new().feed(&vec![b'x'; LINE_BYTES_MAX + 1]),
            Err(TooLong)
        );
        let line = format!("data: {}\n", "y".repeat(LINE_BYTES_MAX / 2));
        let mut decoder = Decoder::new();
        let refused = (0..8).any(|_| decoder.feed(line.as_bytes()).is_err());
        assert!(refused);
    }

    proptest! {
        #[test]
        fn any_split_of_the_bytes_gives_the_same_events(
            lines in prop::collection::vec(
                prop_oneof![
                    Just(String::new()), Just("data: ¿Qué? 💡".to_owned()), Just("event: e".to_owned()),
                    Just(": c".to_owned()), "data: ?[a-zñ:{}\" ]{0,12}",
                ], 0..12),
            ends in prop::collection::vec(prop_oneof![Just("\n"), Just("\r\n"), Just("\r")], 12),
            cuts in prop::collection::vec(0_usize..200, 0..8),
        ) {
            let stream: String = lines.iter().zip(&ends).map(|(line, end)| format!("{line}{end}")).collect();
            let bytes = stream.as_bytes();
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
            cuts.extend([0, bytes.len()]);
            cuts.sort_unstable();
            let pieces: Vec<&[u8]> = cuts.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect();
            let bytewise: Vec<&[u8]> = bytes.chunks(1).collect();
            prop_assert_eq!(decode(&pieces), decode(&[bytes]));
            prop_assert_eq!(decode(&bytewise), decode(&[bytes]));
        }
    }
}
