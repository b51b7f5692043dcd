//! How fast the index is with a million short messages: `cargo run --release -p quorate-search --example speed`.
//!
//! Words are drawn from a made-up vocabulary in which the n-th word is n times rarer than the first (Zipf), rooms are drawn
//! evenly. Everything comes from one seed, so two runs index the same.

use std::error::Error;
use std::fs;
use std::time::{Duration, Instant};

use quorate_core::{EventNo, RoomId, Seq, Timestamp, UserId};
use quorate_search::{CHANGES_PER_COMMIT_MAX, Change, HITS_MAX, Index, Opened, Query, Searcher};

const SEED: u64 = 1;
const MESSAGES: u64 = 1_000_000;
const ROOMS: u64 = 10_000;
const AUTHORS: u64 = 5_000;
const VOCABULARY: u64 = 50_000;
/// Words of a message: from 3 to 20.
const WORDS_MIN: u64 = 3;
const WORDS_SPREAD: u64 = 18;
/// Searches of each kind.
const SEARCHES: usize = 1000;
/// Hits asked for, as a client's first page.
const PAGE: usize = 50;

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<()> {
    let dir = tempfile::tempdir()?;
    let (mut index, _) = Index::open(dir.path())?;
    println!("empty: RSS {} MB", rss_bytes()? / 1_000_000);
    fill(&mut index)?;
    let size = index.size()?;
    println!(
        "{} documents, {} MB on disk, RSS {} MB",
        size.documents,
        size.bytes / 1_000_000,
        rss_bytes()? / 1_000_000
    );
    search(&index.searcher())?;

    let since = Instant::now();
    let (rooms, authors) = (index.rooms()?.len(), index.authors()?.len());
    println!("{rooms} rooms and {authors} authors listed in {:?}", since.elapsed());
    small_commits(&mut index)?;
    let since = Instant::now();
    index.close()?;
    println!("closed in {:?}", since.elapsed());
    let since = Instant::now();
    let (index, opened) = Index::open(dir.path())?;
    assert!(matches!(opened, Opened::Resumed { .. }), "{opened:?}");
    let size = index.size()?;
    println!(
        "opened and verified ({} MB) in {:?}",
        size.bytes / 1_000_000,
        since.elapsed()
    );
    println!("after merges and reopening:");
    search(&index.searcher())
}

fn fill(index: &mut Index) -> Outcome<()> {
    let mut dice = Dice(SEED);
    let weights = Zipf::new();
    let mut seqs = vec![0; ROOMS as usize];
    // Made before, so that only the index' own time is taken.
    let changes: Vec<Change> = (0..MESSAGES)
        .map(|no| message(no, &mut dice, &weights, &mut seqs))
        .collect();
    let bytes: usize = changes
        .iter()
        .map(|change| {
            if let Change::Add { text, .. } = change {
                text.len()
            } else {
                0
            }
        })
        .sum();
    println!(
        "{} MB of text, RSS with it {} MB",
        bytes / 1_000_000,
        rss_bytes()? / 1_000_000
    );
    let since = Instant::now();
    let mut longest = Duration::ZERO;
    for (no, change) in (1..).zip(changes) {
        index.apply([change])?;
        if index.uncommitted() >= CHANGES_PER_COMMIT_MAX {
            let commit = Instant::now();
            index.commit(EventNo(no))?;
            longest = longest.max(commit.elapsed());
        }
    }
    index.commit(EventNo(MESSAGES))?;
    let took = since.elapsed();
    let rate = MESSAGES as f64 / took.as_secs_f64();
    println!("indexed in {took:.1?}: {rate:.0} messages a second; longest commit {longest:.1?}");
    Ok(())
}

/// What a running node does: a few messages, a commit, many times.
fn small_commits(index: &mut Index) -> Outcome<()> {
    let mut dice = Dice(SEED + 1);
    let weights = Zipf::new();
    let mut seqs = vec![1_000_000; ROOMS as usize];
    let mut took = Vec::new();
    for commit in 0..200 {
        let from = MESSAGES + commit * 20;
        let changes: Vec<_> = (from..from + 20)
            .map(|no| message(no, &mut dice, &weights, &mut seqs))
            .collect();
        let since = Instant::now();
        index.apply(changes)?;
        index.commit(EventNo(from + 20))?;
        took.push(since.elapsed());
    }
    report("commit of 20 messages", &mut took, 20.0);
    Ok(())
}

fn message(no: u64, dice: &mut Dice, weights: &Zipf, seqs: &mut [u64]) -> Change {
    let room = dice.below(ROOMS);
    let seq = &mut seqs[room as usize];
    *seq += 1;
    let count = WORDS_MIN + dice.below(WORDS_SPREAD);
    let words: Vec<String> = (0..count).map(|_| spell(weights.draw(dice))).collect();
    Change::Add {
        no: EventNo(no),
        room: RoomId(room),
        seq: Seq(*seq),
        author: UserId(dice.below(AUTHORS)),
        at: Timestamp(1_700_000_000_000 + no * 1000),
        text: words.join(" "),
    }
}

fn search(searcher: &Searcher) -> Outcome<()> {
    let frequent = spell(0);
    let middling = spell(300);
    let rare = spell(30_000);
    let phrase = format!("\"{} {}\"", spell(0), spell(1));
    let rare_phrase = format!("\"{} {}\"", spell(40), spell(90));
    let both = format!("{} {}", spell(2), spell(7));
    for (kind, words, rooms, limit) in [
        ("frequent word", &frequent, 500, PAGE),
        ("frequent word, 500 hits", &frequent, 500, HITS_MAX),
        ("middling word", &middling, 500, PAGE),
        ("rare word", &rare, 500, PAGE),
        ("phrase of frequent words", &phrase, 500, PAGE),
        ("phrase of middling words", &rare_phrase, 500, PAGE),
        ("two frequent words", &both, 500, PAGE),
        ("frequent word, 3 rooms", &frequent, 3, PAGE),
        ("phrase, 3 rooms", &phrase, 3, PAGE),
        ("two frequent words, 3 rooms", &both, 3, PAGE),
    ] {
        let mut dice = Dice(SEED + 2);
        let mut took = Vec::new();
        let mut hits = 0;
        for _ in 0..SEARCHES {
            let query = Query::parse(words)?.in_rooms((0..rooms).map(|_| RoomId(dice.below(ROOMS))))?;
            let since = Instant::now();
            hits += searcher.search(&query, limit)?.len();
            took.push(since.elapsed());
        }
        report(kind, &mut took, hits as f64 / SEARCHES as f64);
    }
    Ok(())
}

fn report(kind: &str, took: &mut [Duration], each: f64) {
    took.sort_unstable();
    let (median, p99) = (took[took.len() / 2], took[took.len() * 99 / 100]);
    println!("  {kind:28} median {median:>9.1?}  p99 {p99:>9.1?}  ({each:.1} each)");
}

/// A word for a rank: syllables, the shorter the more frequent.
fn spell(rank: u64) -> String {
    const SYLLABLES: [&str; 16] = [
        "ba", "ce", "di", "fo", "gu", "ha", "je", "ki", "lo", "mu", "na", "pe", "ri", "so", "tu", "va",
    ];
    let mut word = String::new();
    let mut rest = rank + 16;
    while rest > 0 {
        word.push_str(SYLLABLES[(rest % 16) as usize]);
        rest /= 16;
    }
    word
}

/// Draws ranks: the n-th is n times rarer than the first.
struct Zipf {
    /// Rising sums of the weights.
    sums: Vec<f64>,
}

impl Zipf {
    fn new() -> Self {
        let mut sum = 0.0;
        let add = |rank: u64| {
            sum += 1.0 / (rank + 1) as f64;
            sum
        };
        Self {
            sums: (0..VOCABULARY).map(add).collect(),
        }
    }

    fn draw(&self, dice: &mut Dice) -> u64 {
        let all = self.sums.last().copied().unwrap_or_default();
        let drawn = dice.below(1 << 53) as f64 / (1_u64 << 53) as f64 * all;
        self.sums.partition_point(|sum| *sum < drawn) as u64
    }
}

/// SplitMix64 (Steele, Lea and Flood 2014).
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }
}

/// Resident bytes of this process, of mapped index files too.
fn rss_bytes() -> Outcome<u64> {
    const PAGE_BYTES: u64 = 4096;
    let statm = fs::read_to_string("/proc/self/statm")?;
    let pages: u64 = statm.split(' ').nth(1).ok_or("no second number in statm")?.parse()?;
    Ok(pages * PAGE_BYTES)
}
