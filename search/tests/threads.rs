//! The threads behind an index. A file of its own, since tests of one file share a process and its threads.

mod fixture;

use std::fs;
use std::time::{Duration, Instant};

use fixture::{add, index_of};
use quorate_core::EventNo;

/// How long ended threads may take to be gone: far more than they need.
const GONE_AFTER_MAX: Duration = Duration::from_secs(30);

fn threads() -> usize {
    fs::read_dir("/proc/self/task").expect("Linux lists threads").count()
}

#[test]
fn an_index_has_three_threads_and_leaves_none_behind() {
    let before = threads();
    for round in 0..3 {
        let (mut index, _dir) = index_of([]);
        assert_eq!(threads(), before + 3);
        // Enough commits for merges to start.
        for no in 0..30 {
            index.apply([add(no, "word")]).unwrap();
            index.commit(EventNo(no)).unwrap();
        }
        assert_eq!(threads(), before + 3);
        if round == 0 {
            index.close().unwrap();
        } else {
            index.apply([add(99, "word")]).unwrap();
            drop(index);
        }
        let since = Instant::now();
        while threads() > before {
            assert!(since.elapsed() < GONE_AFTER_MAX, "{} threads stay", threads() - before);
            std::thread::yield_now();
        }
    }
}
