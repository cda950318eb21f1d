//! What the answers may rest on: the operator's texts, cut into chunks and searchable.
//!
//! A [`Knowledge`] is read once (from a directory, or from the bundled sample) and never changes; share it behind an
//! `Arc`. [`Knowledge::search`] finds the chunks nearest to a question, [`Knowledge::overview`] is the part that every
//! system prompt carries. It does no I/O after it was read, asks no model and decides nothing: whether a score is
//! enough is the caller's business.

mod chunks;
mod index;
mod read;
mod tongue;

use std::path::{Path, PathBuf};

pub use tongue::Tongue;

use index::Index;

/// The longest text of one chunk, in bytes; longer sections are cut between paragraphs. A few of them must fit a prompt.
pub const CHUNK_BYTES_MAX: usize = 1_500;
/// The largest file that is read, in bytes.
pub const FILE_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// The most chunks one knowledge base may have: above it a search is no longer a matter of a millisecond.
pub const CHUNKS_MAX: usize = 20_000;
/// How deep directories are followed.
pub const DEPTH_MAX: usize = 4;

/// Words in a file's name that say that its text belongs into the overview, first ones first.
const OVERVIEW_FIRST: [&str; 8] = [
    "overview", "price", "precio", "hour", "schedule", "horario", "faq", "delivery",
];

/// One piece of text that can be found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Chunk {
    /// File and heading: `prices.md#desk-lamps`. Unique within one knowledge base.
    pub id: String,
    /// The heading it stands under (for a CSV or JSON record, its first or naming field).
    pub heading: String,
    /// The title of the document it is from; empty if it has none.
    pub title: String,
    /// The text, without its heading.
    pub text: String,
    /// The language it is written in, as far as this room can tell.
    pub tongue: Tongue,
}

/// One chunk that matches a question.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Hit {
    /// The chunk's id.
    pub id: String,
    /// Its heading.
    pub heading: String,
    /// Its text.
    pub text: String,
    /// How well it matches, in thousandths: 1000 means that all words that matter were found.
    pub score: u32,
}

/// A knowledge base could not be read.
#[derive(Debug, thiserror::Error)]
pub enum KnowledgeError {
    /// A file or directory could not be read.
    #[error("cannot read {}: {source}", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file does not hold what its name promises.
    #[error("{}:{line}: {what}", path.display())]
    Invalid {
        /// Which.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong with it.
        what: String,
    },
    /// More than [`FILE_BYTES_MAX`].
    #[error("{} has {bytes} bytes, more than {FILE_BYTES_MAX}", path.display())]
    TooLarge {
        /// Which.
        path: PathBuf,
        /// How large it is.
        bytes: u64,
    },
    /// More than [`CHUNKS_MAX`].
    #[error("more than {CHUNKS_MAX} chunks under {}", path.display())]
    TooMany {
        /// Where.
        path: PathBuf,
    },
    /// Nothing to find.
    #[error("no markdown, text, csv or json file with any text under {}", path.display())]
    Empty {
        /// Where.
        path: PathBuf,
    },
}

impl KnowledgeError {
    /// How to mend it.
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => {
                "name a directory that Segue may read in [knowledge] dir; relative paths start at the configuration file"
            }
            Self::Invalid { .. } => {
                "save the file as UTF-8, well-formed for what its name ends in, or take it out of the directory"
            }
            Self::TooLarge { .. } | Self::TooMany { .. } => {
                "keep only what customers ask about, in several files"
            }
            Self::Empty { .. } => "put a text there, or leave [knowledge] dir out",
        }
    }
}

#[derive(rust_embed::Embed)]
#[folder = "src/knowledge/sample"]
struct Sample;

/// Everything that answers may rest on. Immutable.
pub struct Knowledge {
    chunks: Vec<Chunk>,
    indexes: Vec<Index>,
    skipped: Vec<String>,
}

impl std::fmt::Debug for Knowledge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Knowledge")
            .field("chunks", &self.chunks.len())
            .finish_non_exhaustive()
    }
}

impl Knowledge {
    /// No knowledge at all: every search finds nothing.
    pub fn empty() -> Self {
        Self::of(Vec::new(), Vec::new())
    }

    /// The bundled sample: an invented lamp shop, in English with a Spanish FAQ.
    pub fn sample() -> Self {
        let mut chunks = Vec::new();
        let mut names: Vec<_> = Sample::iter().collect();
        names.sort();
        for name in names {
            let file = Sample::get(&name).expect("the name was just listed");
            let text = String::from_utf8_lossy(&file.data);
            chunks.extend(chunks::markdown(&name, &text));
        }
        Self::of(chunks, Vec::new())
    }

    /// Reads every `.md`, `.markdown`, `.txt`, `.csv` and `.json` file under `dir`, in the order of their names. Hidden
    /// files are passed over; files of other kinds are too and are named by [`Knowledge::skipped`].
    ///
    /// # Errors
    /// [`KnowledgeError`] with the file, and the line where there is one.
    pub fn from_dir(dir: &Path) -> Result<Self, KnowledgeError> {
        let read::Found { chunks, skipped } = read::directory(dir)?;
        if chunks.is_empty() {
            return Err(KnowledgeError::Empty {
                path: dir.to_owned(),
            });
        }
        Ok(Self::of(chunks, skipped))
    }

    fn of(chunks: Vec<Chunk>, skipped: Vec<String>) -> Self {
        let indexes = Tongue::ALL
            .into_iter()
            .filter_map(|tongue| Index::over(tongue, &chunks))
            .collect();
        Self {
            chunks,
            indexes,
            skipped,
        }
    }

    /// How many chunks there are.
    pub fn len(&self) -> usize {
        self.chunks.len()
    }

    /// Whether there is nothing to find.
    pub fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }

    /// Files that were passed over because their kind is not understood.
    pub fn skipped(&self) -> &[String] {
        &self.skipped
    }

    /// The chunk with this id.
    pub fn chunk(&self, id: &str) -> Option<&Chunk> {
        self.chunks.iter().find(|chunk| chunk.id == id)
    }

    /// The at most `top_k` chunks nearest to `query`, best first; the same query always gives the same order.
    pub fn search(&self, query: &str, top_k: usize) -> Vec<Hit> {
        let mut found: Vec<(u32, usize)> = self
            .indexes
            .iter()
            .flat_map(|index| index.search(query))
            .collect();
        found.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
        found
            .into_iter()
            .take(top_k)
            .map(|(score, at)| {
                let chunk = &self.chunks[at];
                Hit {
                    id: chunk.id.clone(),
                    heading: chunk.heading.clone(),
                    text: chunk.text.clone(),
                    score,
                }
            })
            .collect()
    }

    /// The short text that every system prompt carries: prices, opening hours, then the questions asked most, as whole
    /// chunks, in at most `max_bytes` bytes.
    pub fn overview(&self, max_bytes: usize) -> String {
        let mut order: Vec<&Chunk> = self.chunks.iter().collect();
        order.sort_by_key(|chunk| rank(&chunk.id));
        let mut text = String::new();
        for chunk in order {
            let more = chunk.heading.len() + chunk.text.len() + "## \n\n\n".len();
            if text.len() + more <= max_bytes {
                text.push_str(&format!("## {}\n{}\n\n", chunk.heading, chunk.text));
            }
        }
        text.truncate(text.trim_end().len());
        text
    }

    /// The titles of the documents in this language: what one can ask about. At most `max`.
    pub fn topics(&self, tongue: Tongue, max: usize) -> Vec<&str> {
        let mut topics: Vec<&str> = Vec::new();
        for chunk in self.chunks.iter().filter(|chunk| chunk.tongue == tongue) {
            if !chunk.title.is_empty() && !topics.contains(&chunk.title.as_str()) {
                topics.push(&chunk.title);
            }
        }
        topics.truncate(max);
        topics
    }
}

/// Where a chunk stands in the overview: lower is earlier.
fn rank(id: &str) -> usize {
    let file = id.split('#').next().unwrap_or_default().to_lowercase();
    OVERVIEW_FIRST
        .iter()
        .position(|word| file.contains(word))
        .unwrap_or(OVERVIEW_FIRST.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finds(query: &str, id: &str) {
        let hits = Knowledge::sample().search(query, 3);
        let best = hits.first().expect("something is found");
        assert_eq!(best.id, id, "{query}: {hits:#?}");
        assert!(best.score >= 350, "{query}: {}", best.score);
    }

    fn misses(query: &str) {
        let hits = Knowledge::sample().search(query, 1);
        let best = hits.first().map_or(0, |hit| hit.score);
        assert!(best < 350, "{query}: {hits:#?}");
    }

    #[test]
    fn the_sample_answers_what_customers_of_the_shop_ask() {
        finds(
            "When are you open on Saturday?",
            "hours.md#when-is-the-shop-open",
        );
        finds(
            "What are your opening hours?",
            "hours.md#when-is-the-shop-open",
        );
        finds("how much is the halo floor lamp", "prices.md#floor-lamps");
        finds(
            "How long does delivery take?",
            "delivery.md#how-long-does-delivery-take",
        );
        finds(
            "what does shipping cost",
            "delivery.md#what-does-delivery-cost",
        );
        finds(
            "can I pay with paypal?",
            "faq.md#which-payment-methods-do-you-accept",
        );
        finds(
            "i want to return a lamp",
            "returns-and-warranty.md#how-do-i-return-something",
        );
        finds(
            "what warranty do I get",
            "returns-and-warranty.md#what-does-the-warranty-cover",
        );
        finds("where is my parcel", "delivery.md#where-is-my-parcel");
    }

    #[test]
    fn a_spanish_question_finds_the_spanish_text() {
        finds(
            "¿Cuál es el horario?",
            "faq.es.md#cuál-es-el-horario-de-la-tienda",
        );
        finds(
            "¿cuánto tarda el envío a Canarias?",
            "faq.es.md#cuánto-tarda-el-envío",
        );
        finds(
            "quiero devolver un producto",
            "faq.es.md#cómo-devuelvo-un-producto",
        );
    }

    #[test]
    fn a_question_about_something_else_stays_under_the_threshold() {
        misses("Who won the football world cup in 1998?");
        misses("Can you write a poem about the sea?");
        misses("¿Quién ganó las elecciones?");
        misses("do you sell bicycles and umbrellas");
        misses("");
        misses("??? !!!");
    }

    #[test]
    fn the_same_search_gives_the_same_order() {
        let knowledge = Knowledge::sample();
        let once = knowledge.search("lamp price delivery", 10);
        assert_eq!(once.len(), 10);
        for _ in 0..5 {
            assert_eq!(Knowledge::sample().search("lamp price delivery", 10), once);
        }
    }

    #[test]
    fn the_overview_holds_whole_chunks_prices_first_within_its_bound() {
        let knowledge = Knowledge::sample();
        for max in [0, 10, 300, 1_000, 4_000, 100_000] {
            let text = knowledge.overview(max);
            assert!(text.len() <= max, "{max}: {}", text.len());
        }
        let text = knowledge.overview(700);
        assert!(text.starts_with("## Desk lamps\nThe Pico"), "{text}");
        assert!(
            knowledge.overview(100_000).contains("Preguntas")
                || knowledge.overview(100_000).contains("flexo")
        );
    }

    #[test]
    fn the_sample_has_unique_ids_and_both_languages() {
        let knowledge = Knowledge::sample();
        let mut ids: Vec<_> = knowledge.chunks.iter().map(|chunk| &chunk.id).collect();
        let all = ids.len();
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), all);
        assert!(all >= 25, "{all}");
        assert_eq!(
            knowledge.topics(Tongue::Spanish, 5),
            ["Preguntas frecuentes"]
        );
        assert_eq!(knowledge.topics(Tongue::English, 5).len(), 5);
    }

    #[test]
    fn no_knowledge_finds_nothing() {
        let knowledge = Knowledge::empty();
        assert!(knowledge.is_empty());
        assert_eq!(knowledge.search("lamp", 5), []);
        assert_eq!(knowledge.overview(1_000), "");
    }
}
