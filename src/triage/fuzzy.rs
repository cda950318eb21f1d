//! Finds the word that a misspelt one stands for, without going through the words.
//!
//! Symmetric deletion: two words are one slip apart when a letter can be left out of each so that the same remains (or
//! of one only). What remains of our words is put into a table beforehand, by hash; a word that is read is looked up with
//! each of its letters left out. A hit is checked by the true distance (insertions, deletions, substitutions and
//! swaps): 1 from five letters on, 2 from nine. Words are bytes here: what is not ASCII is simply not misspelt.

use std::collections::HashMap;

/// Shorter words have too many neighbours that are words themselves.
const ONE_SLIP_FROM: usize = 5;
/// Two slips need a long word.
const TWO_SLIPS_FROM: usize = 9;
/// No longer word is corrected.
const LETTERS_MAX: usize = 20;
/// Bits of the filter in front of the table; at 50 thousand entries one miss in ten gets past it.
const FILTER_BITS: usize = 1 << 19;
const BASE: u64 = 0x0000_0100_0000_01b3;

/// The index.
pub(super) struct Fuzzy {
    filter: Vec<u64>,
    table: HashMap<u64, Vec<u16>, Plain>,
    words: Vec<Option<Box<str>>>,
}

/// For tables that only we fill: keys that are hashes already, and words of ours.
#[derive(Clone, Default)]
pub(super) struct Plain(u64);

impl std::hash::BuildHasher for Plain {
    type Hasher = Self;
    fn build_hasher(&self) -> Self {
        Self(0)
    }
}

impl std::hash::Hasher for Plain {
    fn finish(&self) -> u64 {
        (self.0 ^ (self.0 >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(BASE);
        }
    }
    fn write_u64(&mut self, key: u64) {
        self.0 = key ^ (key >> 29);
    }
}

impl Fuzzy {
    /// Indexes `words`, each under its number.
    pub(super) fn of<'a>(words: impl Iterator<Item = (u16, &'a str)>) -> Self {
        let mut index = Self {
            filter: vec![0; FILTER_BITS / 64],
            table: HashMap::default(),
            words: Vec::new(),
        };
        for (id, word) in words {
            if !word.is_ascii() || !(ONE_SLIP_FROM..=LETTERS_MAX).contains(&word.len()) {
                continue;
            }
            let slot = usize::from(id);
            if index.words.len() <= slot {
                index.words.resize(slot + 1, None);
            }
            index.words[slot] = Some(word.into());
            remains(word.as_bytes(), slips(word.len()), &mut |key| {
                index.filter[bit(key) / 64] |= 1 << (bit(key) % 64);
                let ids = index.table.entry(key).or_default();
                if !ids.contains(&id) {
                    ids.push(id);
                }
                false
            });
        }
        index
    }

    /// The nearest word of ours to `said`, and how many slips away it is; of two as near, one that `likes` likes.
    pub(super) fn find(&self, said: &str, likes: impl Fn(u16) -> bool) -> Option<(u16, usize)> {
        let bytes = said.as_bytes();
        if !said.is_ascii() || !(ONE_SLIP_FROM - 1..=LETTERS_MAX + 1).contains(&bytes.len()) {
            return None;
        }
        let mut best: Option<(u16, usize, bool)> = None;
        let most = if bytes.len() + 1 >= TWO_SLIPS_FROM {
            2
        } else {
            1
        };
        remains(bytes, most, &mut |key| {
            if self.filter[bit(key) / 64] & (1 << (bit(key) % 64)) == 0 {
                return false;
            }
            for id in self.table.get(&key).into_iter().flatten() {
                let Some(Some(word)) = self.words.get(usize::from(*id)) else {
                    continue;
                };
                if best.is_some_and(|(known, ..)| known == *id) {
                    continue;
                }
                let allowed = slips(word.len());
                let distance = distance(bytes, word.as_bytes());
                if distance > allowed {
                    continue;
                }
                let liked = likes(*id);
                let nearer = |(_, least, known): (u16, usize, bool)| {
                    distance < least || (distance == least && liked && !known)
                };
                if best.is_none_or(nearer) {
                    best = Some((*id, distance, liked));
                }
            }
            best.is_some_and(|(_, distance, liked)| distance <= 1 && liked)
        });
        best.map(|(id, distance, _)| (id, distance))
    }
}

const fn slips(letters: usize) -> usize {
    if letters >= TWO_SLIPS_FROM { 2 } else { 1 }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the low bits are all that is wanted"
)]
const fn bit(key: u64) -> usize {
    ((key ^ (key >> 31)) as usize) % FILTER_BITS
}

/// Calls `take` with the hash of `word` and of what remains when up to `most` letters are left out, until it says stop.
fn remains(word: &[u8], most: usize, take: &mut dyn FnMut(u64) -> bool) {
    let n = word.len();
    // hash of a stretch = sum of letter · BASE^(its distance from the stretch's end)
    let mut before = [0_u64; LETTERS_MAX + 2];
    let mut power = [1_u64; LETTERS_MAX + 2];
    for (i, letter) in word.iter().enumerate() {
        before[i + 1] = before[i]
            .wrapping_mul(BASE)
            .wrapping_add(u64::from(*letter) + 1);
        power[i + 1] = power[i].wrapping_mul(BASE);
    }
    let stretch = |from: usize, to: usize| {
        before[to].wrapping_sub(before[from].wrapping_mul(power[to - from]))
    };
    let join = |left: u64, right: u64, letters: usize| {
        left.wrapping_mul(power[letters]).wrapping_add(right)
    };
    let spread = |key: u64| key ^ (key >> 32);
    if take(spread(before[n])) {
        return;
    }
    for (i, left) in before.iter().enumerate().take(n) {
        if take(spread(join(*left, stretch(i + 1, n), n - i - 1))) {
            return;
        }
    }
    if most < 2 {
        return;
    }
    for (i, first) in before.iter().enumerate().take(n) {
        for j in i + 1..n {
            let left = join(*first, stretch(i + 1, j), j - i - 1);
            if take(spread(join(left, stretch(j + 1, n), n - j - 1))) {
                return;
            }
        }
    }
}

/// Optimal string alignment: a swap of neighbours counts as one.
fn distance(a: &[u8], b: &[u8]) -> usize {
    const WIDE: usize = LETTERS_MAX + 2;
    let mut rows = [[0_usize; WIDE]; 3];
    for (j, cell) in rows[0].iter_mut().enumerate().take(b.len() + 1) {
        *cell = j;
    }
    for i in 1..=a.len() {
        let (now, last, older) = (i % 3, (i + 2) % 3, (i + 1) % 3);
        rows[now][0] = i;
        for j in 1..=b.len() {
            let cost = usize::from(a[i - 1] != b[j - 1]);
            let mut best = (rows[last][j] + 1)
                .min(rows[now][j - 1] + 1)
                .min(rows[last][j - 1] + cost);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[older][j - 2] + 1);
            }
            rows[now][j] = best;
        }
    }
    rows[a.len() % 3][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORDS: [&str; 4] = ["human", "representative", "someone", "mitarbeiter"];

    fn index() -> Fuzzy {
        Fuzzy::of(
            WORDS
                .iter()
                .enumerate()
                .map(|(i, word)| (u16::try_from(i).expect("few"), *word)),
        )
    }

    #[test]
    fn a_slip_is_found_and_two_in_a_long_word() {
        let index = index();
        let check = |said: &str, expected: Option<&str>| {
            let found = index
                .find(said, |_| true)
                .map(|(id, _)| WORDS[usize::from(id)]);
            assert_eq!(found, expected, "{said:?}");
        };
        check("human", Some("human"));
        check("humn", Some("human"));
        check("humam", Some("human"));
        check("huamn", Some("human"));
        check("huuman", Some("human"));
        check("hmn", None);
        check("humbug", None);
        check("reprsentativ", Some("representative"));
        check("represenattives", Some("representative"));
        check("smoene", None);
        check("smeone", Some("someone"));
        check("mitarbietr", Some("mitarbeiter"));
    }

    #[test]
    fn the_distance_is_what_the_library_says() {
        for a in ["", "human", "agnet", "representative", "abcdef"] {
            for b in ["human", "agent", "reprsentative", "badcfe", "x"] {
                let expected = strsim::osa_distance(a, b);
                assert_eq!(distance(a.as_bytes(), b.as_bytes()), expected, "{a} {b}");
            }
        }
    }
}
