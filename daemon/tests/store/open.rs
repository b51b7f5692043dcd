//! What is opened, and what is refused.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use quorate_core::NodeId;
use quorate_daemon::store::{Contents, OpenError, RAFT_FILE, STATE_FILE, Store};
use tempfile::TempDir;

use crate::script::{CLUSTER, NODE};

fn made() -> TempDir {
    let dir = TempDir::new().unwrap();
    Store::create(dir.path(), CLUSTER.parse().unwrap(), NODE).unwrap();
    dir
}

fn open(dir: &Path) -> Result<Store, OpenError> {
    Store::open(dir, Some((CLUSTER.parse().unwrap(), NODE)), Arc::default())
}

fn edit_identity(dir: &Path, from: &str, to: &str) {
    let path = dir.join("identity.toml");
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{text}");
    fs::write(path, text.replace(from, to)).unwrap();
}

#[tokio::test]
async fn a_made_directory_opens_as_what_it_was_made() {
    let dir = TempDir::new().unwrap();
    let dir = dir.path().join("deep/data");
    assert_eq!(Store::inspect(&dir).unwrap(), Contents::Empty);
    let identity = Store::create(&dir, CLUSTER.parse().unwrap(), NODE).unwrap();
    assert_eq!(Store::inspect(&dir).unwrap(), Contents::Formed(identity.clone()));
    for _ in 0..2 {
        let store = open(&dir).unwrap();
        assert_eq!(*store.identity(), identity);
        store.shutdown().await.unwrap();
    }
}

#[test]
fn an_empty_directory_is_not_opened() {
    let dir = TempDir::new().unwrap();
    assert!(matches!(open(dir.path()), Err(OpenError::NotFormed { .. })));
}

#[test]
fn a_made_directory_is_not_made_again() {
    let dir = made();
    let again = Store::create(dir.path(), CLUSTER.parse().unwrap(), NODE);
    assert!(matches!(again, Err(OpenError::NotEmpty { .. })));
}

#[test]
fn another_nodes_directory_is_refused() {
    let dir = made();
    let other = Store::open(dir.path(), Some((CLUSTER.parse().unwrap(), NodeId(9))), Arc::default());
    assert!(matches!(other, Err(OpenError::OtherNode { found: NODE, .. })));
}

#[test]
fn another_clusters_directory_is_refused() {
    let dir = made();
    let other = "zzzzzzzzzzzzzzzz".parse().unwrap();
    let other = Store::open(dir.path(), Some((other, NODE)), Arc::default());
    assert!(matches!(other, Err(OpenError::OtherCluster { .. })));
}

#[test]
fn a_newer_format_is_refused() {
    let dir = made();
    edit_identity(dir.path(), "format = 2", "format = 3");
    assert!(matches!(open(dir.path()), Err(OpenError::NewerFormat { found: 3, .. })));
}

#[test]
fn a_missing_file_of_a_formed_node_is_refused() {
    for name in [RAFT_FILE, STATE_FILE] {
        let dir = made();
        fs::remove_file(dir.path().join(name)).unwrap();
        assert!(matches!(open(dir.path()), Err(OpenError::Missing { .. })), "{name}");
        assert!(!dir.path().join(name).exists(), "a refusal makes no files");
    }
}

#[test]
fn an_unexpectedly_empty_file_is_refused() {
    for name in [RAFT_FILE, STATE_FILE] {
        let dir = made();
        fs::write(dir.path().join(name), b"").unwrap();
        assert!(
            matches!(open(dir.path()), Err(OpenError::UnexpectedlyEmpty { .. })),
            "{name}"
        );
        // A sound database with nothing in it, as a bad repair would leave it.
        fs::remove_file(dir.path().join(name)).unwrap();
        drop(redb::Database::create(dir.path().join(name)).unwrap());
        assert!(
            matches!(open(dir.path()), Err(OpenError::UnexpectedlyEmpty { .. })),
            "{name}"
        );
    }
}

#[test]
fn a_file_that_is_no_database_is_refused() {
    for name in [RAFT_FILE, STATE_FILE] {
        let dir = made();
        fs::write(dir.path().join(name), vec![b'x'; 100_000]).unwrap();
        assert!(matches!(open(dir.path()), Err(OpenError::Store(_))), "{name}");
    }
}

#[test]
fn data_without_a_side_file_is_refused() {
    for name in [RAFT_FILE, STATE_FILE] {
        let dir = made();
        fs::remove_file(dir.path().join("identity.toml")).unwrap();
        let other = if name == RAFT_FILE { STATE_FILE } else { RAFT_FILE };
        fs::remove_file(dir.path().join(other)).unwrap();
        assert!(matches!(open(dir.path()), Err(OpenError::NoIdentity { .. })));
        let made = Store::create(dir.path(), CLUSTER.parse().unwrap(), NODE);
        assert!(
            matches!(made, Err(OpenError::NoIdentity { .. })),
            "nothing is made over lost data"
        );
    }
}

#[test]
fn files_of_two_lives_are_refused_together() {
    for name in [RAFT_FILE, STATE_FILE] {
        let (dir, other) = (made(), made());
        fs::copy(other.path().join(name), dir.path().join(name)).unwrap();
        assert!(matches!(open(dir.path()), Err(OpenError::Mixed { .. })), "{name}");
    }
}

#[test]
fn a_garbled_side_file_is_refused() {
    let dir = made();
    edit_identity(dir.path(), "node = 1", "node = true");
    assert!(matches!(open(dir.path()), Err(OpenError::BadIdentity { .. })));
}

#[tokio::test]
async fn a_directory_in_use_is_refused() {
    let dir = made();
    let store = open(dir.path()).unwrap();
    assert!(matches!(open(dir.path()), Err(OpenError::Locked { .. })));
    store.shutdown().await.unwrap();
    open(dir.path()).unwrap();
}

#[test]
fn a_making_that_was_cut_short_is_begun_anew() {
    let dir = made();
    fs::rename(
        dir.path().join("identity.toml"),
        dir.path().join("identity.toml.forming"),
    )
    .unwrap();
    assert_eq!(Store::inspect(dir.path()).unwrap(), Contents::Empty);
    assert!(matches!(open(dir.path()), Err(OpenError::NotFormed { .. })));
    Store::create(dir.path(), CLUSTER.parse().unwrap(), NODE).unwrap();
    open(dir.path()).unwrap();
}
