//! The same ordeal again and again in one cluster, each time with another seed and in a room of its own.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::seq::SliceRandom;

use crate::{Cluster, Conversation, Seed};

/// How often.
const TRIALS: u64 = 20;
/// Posts that each author has in flight.
const WINDOW: usize = 8;
/// Before each post: there is always something in flight, and the machine has time for elections.
const PACE: Duration = Duration::from_millis(10);
/// How many authors there are.
pub const AUTHORS: usize = 4;

/// Lets four authors talk, with a reader on every node, and does to them what `ordeal` does; then all must be well again, and
/// nothing lost, doubled, moved or missed. Twenty times, with seeds that follow each other: each is printed before its trial, and as
/// `QUORATE_SEED` makes it the first one.
///
/// # Panics
/// Something is not so.
pub fn trials(name: &str, cluster: &mut Cluster, ordeal: impl Fn(&mut Cluster, &mut Conversation, &mut StdRng)) {
    let first = Seed::announce(name);
    for number in 0..TRIALS {
        let seed = Seed(first.0.wrapping_add(number));
        println!("trial {number}: QUORATE_SEED={}", seed.0);
        let mut dice = seed.dice();
        let mut nodes = cluster.ids();
        let readers = nodes.clone();
        nodes.shuffle(&mut dice);
        let room = format!("trial-{number}");
        let mut talk = Conversation::start_at_pace(cluster, &room, &nodes[..AUTHORS], &readers, (WINDOW, PACE));
        ordeal(cluster, &mut talk, &mut dice);
        talk.finish(cluster);
    }
}
