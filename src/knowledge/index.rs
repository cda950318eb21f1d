//! BM25 over the chunks of one language, with scores that mean the same for every question.
//!
//! A raw BM25 score grows with the number of words asked, so no threshold fits all questions. Here it is divided by
//! what a chunk of average length would get that has every word of the question once: 1000 thousandths. A word that no
//! chunk has counts in full against the match; that is what makes "nothing relevant" visible. It ranks, nothing else.

use std::collections::{HashMap, HashSet};

use bm25::{DefaultTokenizer, Embedder, EmbedderBuilder, Embedding, Language, Scorer};

use super::{Chunk, Tongue};

/// The highest score, in thousandths.
const SCORE_MAX: f32 = 1_000.0;
/// The most different words of a question that are looked up: more is not a question.
const QUERY_WORDS_MAX: usize = 64;
/// The most bytes of a question that are read.
const QUERY_BYTES_MAX: usize = 4 * 1024;

pub(super) struct Index {
    embedder: Embedder<u32, DefaultTokenizer>,
    scorer: Scorer<usize, u32>,
    documents: usize,
    /// In how many chunks each word occurs.
    frequency: HashMap<u32, usize>,
}

impl Index {
    /// An index over those of `chunks` that are in `tongue`; none if there are none. It speaks of them by their place.
    pub(super) fn over(tongue: Tongue, chunks: &[Chunk]) -> Option<Self> {
        let own: Vec<(usize, String)> = chunks
            .iter()
            .enumerate()
            .filter(|(_, chunk)| chunk.tongue == tongue)
            .map(|(at, chunk)| (at, contents(chunk)))
            .collect();
        if own.is_empty() {
            return None;
        }
        let language = match tongue {
            Tongue::English => Language::English,
            Tongue::Spanish => Language::Spanish,
        };
        let corpus: Vec<&str> = own.iter().map(|(_, text)| text.as_str()).collect();
        let embedder: Embedder<u32, DefaultTokenizer> =
            EmbedderBuilder::with_tokenizer_and_fit_to_corpus(
                DefaultTokenizer::new(language),
                &corpus,
            )
            .build();
        let mut scorer = Scorer::new();
        let mut frequency = HashMap::new();
        for (at, text) in &own {
            let embedding = embedder.embed(text);
            let words: HashSet<u32> = embedding.indices().copied().collect();
            for word in words {
                *frequency.entry(word).or_insert(0) += 1;
            }
            scorer.upsert(at, embedding);
        }
        Some(Self {
            embedder,
            scorer,
            documents: own.len(),
            frequency,
        })
    }

    /// Every chunk that shares a word with `query`: its score in thousandths and its place. In no order.
    pub(super) fn search(&self, query: &str) -> Vec<(u32, usize)> {
        let query = &query[..query.floor_char_boundary(QUERY_BYTES_MAX)];
        let mut seen = HashSet::new();
        let mut words = self.embedder.embed(query).0;
        words.retain(|word| seen.insert(word.index));
        words.truncate(QUERY_WORDS_MAX);
        let ideal: f32 = words.iter().map(|word| self.weight(word.index)).sum();
        if ideal <= 0.0 {
            return Vec::new();
        }
        self.scorer
            .matches(&Embedding(words))
            .into_iter()
            .map(|found| (thousandths(found.score / ideal), found.id))
            .collect()
    }

    /// The inverse document frequency as the `bm25` crate computes it: the score of a word that occurs once in a chunk
    /// of average length.
    #[expect(
        clippy::cast_precision_loss,
        reason = "counts of chunks are far below 2^24"
    )]
    fn weight(&self, word: u32) -> f32 {
        let with = self.frequency.get(&word).copied().unwrap_or(0) as f32;
        (1.0 + (self.documents as f32 - with + 0.5) / (with + 0.5)).ln()
    }
}

/// What is indexed of a chunk: its heading twice, because a heading says what the text is about.
fn contents(chunk: &Chunk) -> String {
    format!("{}\n{}\n{}", chunk.heading, chunk.heading, chunk.text)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to 0..=1000 before"
)]
fn thousandths(share: f32) -> u32 {
    (share * SCORE_MAX).clamp(0.0, SCORE_MAX).round() as u32
}
