//! Crashes, damage, and who owns the directory.

mod fixture;

use std::fs;
use std::path::Path;

use fixture::{NOTHING, add, found, index_of, remove, replace};
use quorate_core::EventNo;
use quorate_search::{Change, Index, IndexError, Opened, Why};

fn open(dir: &Path) -> (Index, Opened) {
    Index::open(dir).expect("whatever was there, an index is now")
}

#[track_caller]
fn assert_resumed(opened: &Opened, expected: u64) {
    let Opened::Resumed { position } = opened else {
        panic!("not resumed: {opened:?}")
    };
    assert_eq!(*position, EventNo(expected));
}

fn story() -> Vec<Change> {
    vec![
        add(0, "word one"),
        add(1, "word two"),
        replace(0, "word three"),
        add(2, "word four"),
        remove(1),
    ]
}

#[test]
fn a_new_directory_gets_an_empty_index() {
    let dir = tempfile::tempdir().unwrap();
    let (index, opened) = open(&dir.path().join("not/there/yet"));
    assert!(matches!(opened, Opened::New { why: Why::Missing }), "{opened:?}");
    assert_eq!(index.size().unwrap().documents, 0);
}

#[test]
fn an_index_that_never_got_a_commit_resumes_at_zero() {
    let dir = tempfile::tempdir().unwrap();
    drop(open(dir.path()));
    assert_resumed(&open(dir.path()).1, 0);
}

#[test]
fn a_crash_resumes_at_the_last_commit_and_feeding_again_doubles_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (mut index, _) = open(dir.path());
    index.apply(story().into_iter().take(2)).unwrap();
    index.commit(EventNo(2)).unwrap();
    index.apply(story().into_iter().skip(2)).unwrap();
    drop(index);

    let (mut index, opened) = open(dir.path());
    assert_resumed(&opened, 2);
    assert_eq!(found(&index, "word"), [1, 0]);
    assert_eq!(found(&index, "three"), NOTHING);
    // More than was lost: all of it.
    index.apply(story()).unwrap();
    index.commit(EventNo(5)).unwrap();
    assert_eq!(found(&index, "word"), [2, 0]);
    assert_eq!(found(&index, "three"), [0]);
    assert_eq!(index.size().unwrap().documents, 2);
    index.close().unwrap();
    assert_resumed(&open(dir.path()).1, 5);
}

#[test]
fn feeding_everything_twice_in_one_commit_doubles_nothing() {
    let (index, _dir) = index_of(story().into_iter().chain(story()));
    assert_eq!(found(&index, "word"), [2, 0]);
    assert_eq!(index.size().unwrap().documents, 2);
}

#[test]
fn the_position_outlives_merges() {
    let dir = tempfile::tempdir().unwrap();
    let (mut index, _) = open(dir.path());
    for no in 0..40 {
        index.apply([add(no, "word")]).unwrap();
        index.commit(EventNo(no + 1)).unwrap();
    }
    index.close().unwrap();
    let (index, opened) = open(dir.path());
    assert_resumed(&opened, 40);
    assert_eq!(found(&index, "word").len(), 40);
}

#[test]
fn each_damaged_file_makes_a_new_index() {
    let (mut index, dir) = index_of((0..50).map(|no| add(no, "word and more")));
    index.apply([remove(7)]).unwrap();
    index.commit(EventNo(51)).unwrap();
    index.close().unwrap();
    let files: Vec<_> = fs::read_dir(dir.path())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    let mut damaged = 0;
    for file in files {
        let is_lock = file.extension().is_some_and(|part| part == "lock");
        let whole = fs::read(&file).unwrap();
        let mut flipped = whole.clone();
        if let Some(byte) = flipped.get_mut(whole.len() / 2) {
            *byte ^= 0xff;
        }
        for junk in [b"junk".repeat(20), Vec::new(), flipped] {
            if is_lock || junk == whole {
                continue;
            }
            let copy = tempfile::tempdir().unwrap();
            copy_all(dir.path(), copy.path());
            fs::write(copy.path().join(file.file_name().unwrap()), &junk).unwrap();
            let (mut index, opened) = open(copy.path());
            assert!(
                matches!(
                    opened,
                    Opened::New {
                        why: Why::Damaged(_) | Why::OtherFormat
                    }
                ),
                "{file:?} with {} bytes of junk: {opened:?}",
                junk.len()
            );
            assert_eq!(index.size().unwrap().documents, 0);
            index.apply([add(0, "word")]).unwrap();
            index.commit(EventNo(1)).unwrap();
            assert_eq!(found(&index, "word"), [0]);
            damaged += 1;
        }
    }
    assert!(damaged >= 3 * 6, "an index has more files than {damaged} / 3");
}

#[test]
fn a_flipped_bit_in_a_list_loses_no_message() {
    let (mut index, dir) = index_of((0..50).map(|no| add(no, "word and more")));
    index.apply([remove(7)]).unwrap();
    index.commit(EventNo(51)).unwrap();
    index.close().unwrap();
    for list in ["meta.json", ".managed.json"] {
        let whole = fs::read(dir.path().join(list)).unwrap();
        for at in (0..whole.len()).step_by(5) {
            let mut flipped = whole.clone();
            flipped[at] ^= 1;
            let copy = tempfile::tempdir().unwrap();
            copy_all(dir.path(), copy.path());
            fs::write(copy.path().join(list), &flipped).unwrap();
            let (mut index, opened) = open(copy.path());
            match opened {
                Opened::New { .. } => assert_eq!(found(&index, "word"), NOTHING),
                // The lists have no checksum. One can bring back a removed message, whose row says that it is gone.
                Opened::Resumed { position } => {
                    let hits = found(&index, "word");
                    assert!(
                        position == EventNo(51) && hits.len() >= 49,
                        "{list} at {at}: {position}, {hits:?}"
                    );
                }
            }
            index.apply([add(60, "word")]).unwrap();
            index.commit(EventNo(61)).unwrap();
            assert_eq!(found(&index, "word").first(), Some(&60), "{list} at {at}");
        }
    }
}

#[test]
fn a_lost_file_makes_a_new_index() {
    let (index, dir) = index_of([add(0, "word")]);
    index.close().unwrap();
    let of_segment = |path: &Path| path.extension().is_some_and(|part| part == "pos");
    let lost = fs::read_dir(dir.path())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| of_segment(path));
    fs::remove_file(lost.unwrap()).unwrap();
    let (index, opened) = open(dir.path());
    assert!(matches!(opened, Opened::New { why: Why::Damaged(_) }), "{opened:?}");
    assert_eq!(found(&index, "word"), NOTHING);
}

#[test]
fn an_index_of_another_format_is_made_anew() {
    let (index, dir) = index_of([add(0, "word")]);
    index.close().unwrap();
    let meta = dir.path().join("meta.json");
    let other = fs::read_to_string(&meta)
        .unwrap()
        .replace("quorate-search/", "quorate-search/9");
    fs::write(&meta, other).unwrap();
    let (index, opened) = open(dir.path());
    assert!(matches!(opened, Opened::New { why: Why::OtherFormat }), "{opened:?}");
    assert_eq!(index.size().unwrap().documents, 0);
}

#[test]
fn a_new_index_leaves_no_old_file_and_no_stranger_is_removed() {
    let (index, dir) = index_of([add(0, "word")]);
    index.close().unwrap();
    let names = || -> Vec<String> {
        let name = |entry: std::io::Result<fs::DirEntry>| entry.unwrap().file_name().into_string().unwrap();
        fs::read_dir(dir.path()).unwrap().map(name).collect()
    };
    let old: Vec<String> = names().into_iter().filter(|name| name.len() > 32).collect();
    assert!(!old.is_empty());
    fs::write(dir.path().join("README"), "keep me").unwrap();
    let index = Index::create(dir.path()).unwrap();
    assert_eq!(index.size().unwrap().documents, 0);
    let now = names();
    assert!(old.iter().all(|name| !now.contains(name)), "{old:?} in {now:?}");
    assert!(now.contains(&"README".to_owned()));
}

#[test]
fn an_index_in_use_is_left_alone() {
    let (index, dir) = index_of([add(0, "word")]);
    for second in [
        Index::open(dir.path()).map(|(index, _)| index),
        Index::create(dir.path()),
    ] {
        assert!(matches!(second.unwrap_err(), IndexError::Locked { .. }));
    }
    assert_eq!(found(&index, "word"), [0]);
    drop(index);
    assert_resumed(&open(dir.path()).1, 1);
}

#[test]
fn a_disk_that_says_no_is_not_damage() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "not a directory").unwrap();
    let error = Index::open(&file).unwrap_err();
    assert!(matches!(error, IndexError::Io { .. }), "{error:?}");
    assert_eq!(fs::read(&file).unwrap(), b"not a directory");
}

fn copy_all(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).expect("the test owns the directory") {
        let entry = entry.expect("the test owns the directory");
        fs::copy(entry.path(), to.join(entry.file_name())).expect("the test owns the directory");
    }
}
