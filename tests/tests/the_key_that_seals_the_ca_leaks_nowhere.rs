//! The CA's key is in the log, sealed; the key that opens it is in a file of each node and nowhere else: not in the log, the state, a
//! backup, a bundle or a trace, so that who has one of these cannot make himself a node.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use quorate_tests::{Cluster, ClusterOptions};

const DEADLINE: Duration = Duration::from_secs(60);
/// In a data directory, behind a byte that is the version.
const KEK_FILE: &str = "cluster.kek";
const KEK_BYTES: usize = 32;
/// At the end of a backup, behind the compressed part.
const HASH_BYTES: usize = 32;
/// With which every zstd frame begins.
const ZSTD_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

fn position(bytes: &[u8], of: &[u8]) -> Option<usize> {
    bytes.windows(of.len()).position(|window| window == of)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Neither half of the key is there, as bytes or in hex.
fn assert_without(kek: &[u8], bytes: &[u8], what: &str) {
    for half in kek.chunks(KEK_BYTES / 2) {
        assert_eq!(position(bytes, half), None, "in {what}");
        assert_eq!(position(bytes, hex(half).as_bytes()), None, "in {what}, in hex");
        let hex_in_hex = hex(hex(half).as_bytes());
        assert_eq!(position(bytes, hex_in_hex.as_bytes()), None, "in {what}, in hex of hex");
    }
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).expect("a node's folder can be read");
    let paths = entries.map(|entry| entry.expect("a node's folder can be read").path());
    paths
        .flat_map(|path| match path.is_dir() {
            true => files(&path),
            false => vec![path],
        })
        .collect()
}

#[test]
fn it_is_in_its_own_files_and_in_nothing_that_is_copied_or_shown() {
    let mut cluster = Cluster::founded(ClusterOptions::new(1));
    let second = cluster.join(1, &[]);
    let kek_of = |id: u64| {
        let file = fs::read(cluster.node_dir(id).join("data").join(KEK_FILE)).expect("every node has it");
        assert_eq!(file.len(), 1 + KEK_BYTES);
        file[1..].to_vec()
    };
    let kek = kek_of(1);
    assert_eq!(kek, kek_of(second), "who joins is given it");
    // Opened and used once more, for another CA.
    let _ = cluster.ctl(second, &["ca", "rotate", "--timeout", "15s"]).success();

    let path = |name: &str| {
        let path = cluster.home().join(name);
        path.to_str().expect("temporary folders have plain names").to_owned()
    };
    for id in [1, second] {
        let log = cluster
            .ctl(id, &["-o", "json", "raft", "log", "--from", "0", "--raw"])
            .success()
            .stdout;
        assert!(log.contains("\"raw\": \""), "it is shown raw: {log}");
        assert_without(&kek, log.as_bytes(), "the log");

        let bundle = path(&format!("bundle-{id}.tar"));
        let _ = cluster.ctl(id, &["debug", "bundle", &bundle]).success();
        assert_without(&kek, &fs::read(bundle).expect("it can be read"), "the bundle");
    }

    let backup = path("chat.qbk");
    let _ = cluster.ctl(1, &["snapshot", "save", &backup]).success();
    let backup = fs::read(backup).expect("it can be read");
    let frames = position(&backup, &ZSTD_MAGIC).expect("it is compressed");
    let state = zstd::decode_all(&backup[frames..backup.len() - HASH_BYTES]).expect("it is whole");
    assert!(position(&state, b"BEGIN CERTIFICATE").is_some(), "the CA is in it");
    assert_without(&kek, &state, "the backup");

    // The log and the state on disk, traces, certificates and all else.
    for id in [1, second] {
        let _ = cluster.stop(id, DEADLINE);
        for file in files(&cluster.node_dir(id)) {
            if file.file_name().is_none_or(|name| name != KEK_FILE) {
                assert_without(&kek, &fs::read(&file).unwrap_or_default(), &file.display().to_string());
            }
        }
    }
}
