//! Which of the two languages this room has word lists for a text is in. A guess by counting the small words that
//! every sentence has; it never fails and never looks outside the text. Everything else in Segue that knows a
//! customer's language from the channel should prefer that.

/// A language with a stemmer and fixed texts. Others are searched as if they were English.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Tongue {
    /// English, and whatever is not known better.
    #[default]
    English,
    /// Spanish.
    Spanish,
}

/// Small words that Spanish sentences have and English ones do not.
const SPANISH: [&str; 44] = [
    "el", "la", "los", "las", "un", "una", "de", "del", "que", "qué", "y", "en", "es", "por",
    "para", "con", "cuál", "cual", "cómo", "como", "cuánto", "cuanto", "cuándo", "cuando", "dónde",
    "donde", "quiero", "tengo", "puedo", "hola", "gracias", "mi", "su", "hay", "está", "este",
    "esta", "buenos", "buenas", "usted", "sí", "eres", "quién", "más",
];
/// Small words that English sentences have and Spanish ones do not.
const ENGLISH: [&str; 40] = [
    "the", "a", "an", "of", "and", "is", "are", "am", "do", "does", "what", "when", "where", "how",
    "who", "which", "can", "i", "you", "my", "your", "for", "with", "to", "in", "on", "it", "this",
    "that", "hello", "hi", "thanks", "want", "have", "much", "long", "please", "would", "yes",
    "at",
];

impl Tongue {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::English, Self::Spanish];

    /// The language of a BCP 47 tag (`es`, `es-MX`), if it is one of these.
    pub fn of_tag(tag: &str) -> Option<Self> {
        match tag.split(['-', '_']).next()?.to_ascii_lowercase().as_str() {
            "en" => Some(Self::English),
            "es" => Some(Self::Spanish),
            _ => None,
        }
    }

    /// The language that `text` looks like.
    pub fn of_text(text: &str) -> Self {
        if text.contains(['¿', '¡', 'ñ', 'Ñ']) {
            return Self::Spanish;
        }
        let (mut spanish, mut english) = (0_usize, 0_usize);
        for word in text.split(|c: char| !c.is_alphanumeric()) {
            let word = word.to_lowercase();
            spanish += usize::from(SPANISH.contains(&word.as_str()));
            english += usize::from(ENGLISH.contains(&word.as_str()));
        }
        if spanish > english {
            Self::Spanish
        } else {
            Self::English
        }
    }

    /// The language of a file: `faq.es.md` and `es/faq.md` say it in their name, others by their text.
    pub fn of_file(name: &str, text: &str) -> Self {
        let mut parts: Vec<&str> = name.split(['/', '.']).collect();
        parts.pop();
        parts
            .into_iter()
            .rev()
            .filter(|part| part.len() == 2)
            .find_map(Self::of_tag)
            .unwrap_or_else(|| Self::of_text(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_the_two_languages_apart() {
        for text in [
            "¿Horario?",
            "hola, quiero devolver la lámpara",
            "gracias",
            "donde esta mi pedido",
        ] {
            assert_eq!(Tongue::of_text(text), Tongue::Spanish, "{text}");
        }
        for text in ["", "Hi there", "what is the price of the Halo", "OK", "no"] {
            assert_eq!(Tongue::of_text(text), Tongue::English, "{text}");
        }
    }

    #[test]
    fn reads_tags_and_file_names() {
        assert_eq!(Tongue::of_tag("es-MX"), Some(Tongue::Spanish));
        assert_eq!(Tongue::of_tag("en_GB"), Some(Tongue::English));
        assert_eq!(Tongue::of_tag("de"), None);
        assert_eq!(Tongue::of_file("faq.es.md", "the shop"), Tongue::Spanish);
        assert_eq!(Tongue::of_file("es/faq.md", "the shop"), Tongue::Spanish);
        assert_eq!(
            Tongue::of_file("faq.md", "la tienda está en Madrid"),
            Tongue::Spanish
        );
    }
}
