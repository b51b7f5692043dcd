//! The seed of a randomised test: printed when it starts, and taken from `QUORATE_SEED` to play it again.

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

/// What repeats the choices of a test. The machine's own scheduling is not repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seed(pub u64);

impl Seed {
    /// From `QUORATE_SEED`, else random. Prints how to have the same again.
    ///
    /// # Panics
    /// `QUORATE_SEED` is no number.
    #[must_use]
    pub fn announce(test: &str) -> Self {
        let seed = match std::env::var("QUORATE_SEED") {
            Ok(text) => text.parse().expect("QUORATE_SEED is a number"),
            Err(_) => rand::rng().random(),
        };
        println!("{test}: QUORATE_SEED={seed}");
        Self(seed)
    }

    /// The dice of this seed.
    #[must_use]
    pub fn dice(self) -> StdRng {
        StdRng::seed_from_u64(self.0)
    }
}
