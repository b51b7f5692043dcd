//! A made-up language: what `fill` writes is what `read` looks for.

use crate::dice::{Dice, Zipf};

/// Words that there are; the n-th is n times rarer than the first.
pub(crate) const VOCABULARY: usize = 50_000;
/// Words of a message: from 3 to 18. A message has some 70 bytes.
const WORDS_MIN: u64 = 3;
const WORDS_SPREAD: u64 = 16;
const SYLLABLES: [&str; 16] = [
    "ba", "ce", "di", "fo", "gu", "ha", "je", "ki", "lo", "mu", "na", "pe", "ri", "so", "tu", "va",
];

/// A word for a rank: syllables, the shorter the more frequent.
pub(crate) fn spell(rank: usize) -> String {
    let mut word = String::new();
    let mut rest = rank + 16;
    while rest > 0 {
        word.push_str(SYLLABLES[rest % 16]);
        rest /= 16;
    }
    word
}

/// Makes texts.
pub(crate) struct Writer(Zipf);

impl Writer {
    pub(crate) fn new() -> Self {
        Self(Zipf::new(VOCABULARY))
    }

    pub(crate) fn text(&self, dice: &mut Dice) -> String {
        let count = WORDS_MIN + dice.below(WORDS_SPREAD);
        let words: Vec<_> = (0..count).map(|_| spell(self.0.draw(dice))).collect();
        words.join(" ")
    }
}
