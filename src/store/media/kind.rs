//! What a file is, by what it holds: never by its name or by what a browser claims.
//!
//! The list is of kinds that people send when they ask for help and that no browser and no viewer runs as a program.
//! Web pages, vector graphics with scripts, office files with macros and archives are not on it.

/// How much of a file's beginning is needed to tell.
pub const HEAD_BYTES: usize = 512;

/// A kind that may be sent.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Kind {
    /// A picture.
    Png,
    /// A picture.
    Jpeg,
    /// A picture, perhaps a moving one.
    Gif,
    /// A picture.
    Webp,
    /// A picture as telephones take them.
    Heic,
    /// A document.
    Pdf,
    /// A film.
    Mp4,
    /// A film as telephones take them.
    Mov,
    /// Plain text in UTF-8.
    Text,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Png,
        Self::Jpeg,
        Self::Gif,
        Self::Webp,
        Self::Heic,
        Self::Pdf,
        Self::Mp4,
        Self::Mov,
        Self::Text,
    ];

    /// The kind of a file that begins with `head`: [`HEAD_BYTES`] of it, or all where it is shorter. None: no kind that
    /// may be sent. Whether all of a text is text is for [`Plain`] to see.
    pub fn of(head: &[u8]) -> Option<Self> {
        let starts = |with: &[u8]| head.starts_with(with);
        if starts(b"\x89PNG\r\n\x1a\n") {
            return Some(Self::Png);
        }
        if starts(b"\xff\xd8\xff") {
            return Some(Self::Jpeg);
        }
        if starts(b"GIF87a") || starts(b"GIF89a") {
            return Some(Self::Gif);
        }
        if starts(b"RIFF") && head.get(8..12) == Some(b"WEBP") {
            return Some(Self::Webp);
        }
        if starts(b"%PDF-") {
            return Some(Self::Pdf);
        }
        if head.get(4..8) == Some(b"ftyp") {
            return boxed(head.get(8..12)?);
        }
        is_text(head).then_some(Self::Text)
    }

    /// The media type it is served under.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::Gif => "image/gif",
            Self::Webp => "image/webp",
            Self::Heic => "image/heic",
            Self::Pdf => "application/pdf",
            Self::Mp4 => "video/mp4",
            Self::Mov => "video/quicktime",
            Self::Text => "text/plain; charset=utf-8",
        }
    }

    /// The ending of its names.
    pub const fn ending(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Jpeg => "jpg",
            Self::Gif => "gif",
            Self::Webp => "webp",
            Self::Heic => "heic",
            Self::Pdf => "pdf",
            Self::Mp4 => "mp4",
            Self::Mov => "mov",
            Self::Text => "txt",
        }
    }

    /// The kind whose names end so.
    pub fn by_ending(ending: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.ending() == ending)
    }
}

/// The container of ISO/IEC 14496-12, by its major brand.
fn boxed(brand: &[u8]) -> Option<Kind> {
    match brand {
        b"heic" | b"heix" | b"mif1" | b"heim" | b"heis" => Some(Kind::Heic),
        b"qt  " => Some(Kind::Mov),
        b"isom" | b"iso2" | b"iso5" | b"iso6" | b"mp41" | b"mp42" | b"avc1" | b"M4V " | b"dash"
        | b"3gp4" | b"3gp5" => Some(Kind::Mp4),
        _ => None,
    }
}

/// Text that nobody takes for a page: a browser that ignores what we say would look for markup at the beginning.
fn is_text(head: &[u8]) -> bool {
    let mut plain = Plain::default();
    let begins = head
        .strip_prefix(b"\xef\xbb\xbf")
        .unwrap_or(head)
        .trim_ascii_start();
    !begins.is_empty() && !begins.starts_with(b"<") && plain.go_on(head)
}

/// Whether bytes are plain text in UTF-8, piece by piece.
#[derive(Clone, Default, Debug)]
pub struct Plain {
    /// The beginning of a character whose rest has not come; at most three bytes.
    begun: Vec<u8>,
}

impl Plain {
    /// Whether it is still text with `more`.
    pub fn go_on(&mut self, more: &[u8]) -> bool {
        let mut bytes = std::mem::take(&mut self.begun);
        bytes.extend_from_slice(more);
        let valid = match std::str::from_utf8(&bytes) {
            Ok(_) => bytes.len(),
            Err(fault) if fault.error_len().is_none() => fault.valid_up_to(),
            Err(_) => return false,
        };
        self.begun = bytes.split_off(valid);
        let printed =
            |byte: &u8| *byte >= b' ' && *byte != 0x7f || matches!(byte, b'\t' | b'\n' | b'\r');
        bytes.iter().all(printed)
    }

    /// Whether it is text as a whole: no character is left unfinished.
    pub fn is_whole(&self) -> bool {
        self.begun.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_what_it_holds() {
        fn check(head: &[u8], expected: Option<Kind>) {
            assert_eq!(Kind::of(head), expected, "{}", head.escape_ascii());
        }
        check(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", Some(Kind::Png));
        check(b"\xff\xd8\xff\xe0\0\x10JFIF", Some(Kind::Jpeg));
        check(b"GIF89a\x01\0", Some(Kind::Gif));
        check(b"RIFF\x24\0\0\0WEBPVP8 ", Some(Kind::Webp));
        check(b"\0\0\0\x18ftypheic\0\0\0\0", Some(Kind::Heic));
        check(b"\0\0\0\x14ftypqt  ", Some(Kind::Mov));
        check(b"\0\0\0\x20ftypisom", Some(Kind::Mp4));
        check(b"%PDF-1.7\n", Some(Kind::Pdf));
        check("order 4711, größe 42\n".as_bytes(), Some(Kind::Text));
        check(b"\xef\xbb\xbfa;b;c\r\n", Some(Kind::Text));
    }

    #[test]
    fn what_could_be_run_may_not_be_sent() {
        fn check(head: &[u8]) {
            assert_eq!(Kind::of(head), None, "{}", head.escape_ascii());
        }
        check(b"");
        check(b"   \n");
        check(b"<html><script>alert(1)</script>");
        check(b"\xef\xbb\xbf \n<!DOCTYPE html>");
        check(b"<?xml version=\"1.0\"?><svg onload=\"alert(1)\"/>");
        check(b"MZ\x90\0\x03");
        check(b"\x7fELF\x02\x01");
        check(b"PK\x03\x04\x14\0");
        check(b"\0\0\0\x18ftypXXXX");
        check(b"RIFF\x24\0\0\0WAVEfmt ");
        check(b"text and then \0 a zero");
        check(b"caf\xe9 in another encoding");
        check(b"\x1b]0;a terminal's title\x07");
    }

    #[test]
    fn text_may_be_cut_anywhere_between_pieces() {
        let text = "Größe: 42 €, 学 and 🙂".as_bytes();
        for at in 0..=text.len() {
            let mut plain = Plain::default();
            assert!(plain.go_on(&text[..at]) && plain.go_on(&text[at..]), "{at}");
            assert!(plain.is_whole());
        }
        let mut plain = Plain::default();
        assert!(plain.go_on(b"half of \xe2\x82") && !plain.is_whole());
        assert!(!plain.go_on(b"x"));
    }

    #[test]
    fn every_kind_is_found_by_its_ending() {
        for kind in Kind::ALL {
            assert_eq!(Kind::by_ending(kind.ending()), Some(kind));
        }
        assert_eq!(Kind::by_ending("html"), None);
    }
}
