//! What `new_cluster` leaves in a folder, and when it touches nothing.

#![allow(
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its own functions as well"
)]

use std::path::Path;

use quorate_certs::{ClusterCa, ClusterKek, NodeIdentity};
use quorate_core::NodeId;
use quorate_formation::{
    AuthorityFile, ClusterFile, ClusterFileError, NewClusterError, NodeSpec, RosterError, new_cluster, node_dir,
};

fn spec(id: u64, client: &str, peer: &str) -> NodeSpec {
    NodeSpec {
        id: NodeId(id),
        client_addr: client.parse().unwrap(),
        peer_addr: peer.parse().unwrap(),
    }
}

fn three() -> Vec<NodeSpec> {
    [3, 1, 2]
        .map(|id| spec(id, &format!("127.0.0.1:{id}7400"), &format!("127.0.0.1:{id}7401")))
        .to_vec()
}

#[test]
fn the_file_lists_the_nodes_by_id_and_comes_back_as_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let made = new_cluster(dir.path(), "ops", &three()).unwrap();
    let loaded = ClusterFile::load(&dir.path().join("cluster.toml")).unwrap();
    assert_eq!(loaded, made.file);
    assert_eq!(loaded.name(), "ops");
    assert_eq!(
        loaded.nodes().iter().map(|node| node.id.0).collect::<Vec<_>>(),
        [1, 2, 3]
    );
    assert_eq!(
        loaded.node(NodeId(2)).unwrap().client_addr.to_string(),
        "127.0.0.1:27400"
    );
    assert!(loaded.node(NodeId(4)).is_none());
}

#[test]
fn each_node_has_an_identity_of_the_cluster_and_the_ca_can_sign_again() {
    let dir = tempfile::tempdir().unwrap();
    let made = new_cluster(&dir.path().join("below").join("it"), "ops", &three()).unwrap();
    let dir = dir.path().join("below").join("it");
    for node in &made.nodes {
        let identity = NodeIdentity::load(&node_dir(&dir, node.spec.id)).unwrap();
        assert_eq!(
            (identity.cluster_id(), identity.node_id()),
            (made.file.id(), node.spec.id)
        );
        assert_eq!(identity.ca_fingerprint(), made.file.ca());
    }
    let read = |name: &str| std::fs::read_to_string(dir.join("ca").join(name)).unwrap();
    let ca = ClusterCa::from_pem(&read("ca.crt"), &read("ca.key")).unwrap();
    assert_eq!(ca.fingerprint(), made.file.ca());
    let folder = node_dir(&dir, NodeId(2));
    let kek = ClusterKek::load(&folder).unwrap().unwrap();
    let sealed = AuthorityFile::load(&folder).unwrap().unwrap();
    let opened = kek.open(made.file.id(), &sealed.cert, &sealed.sealed_key).unwrap();
    assert_eq!((sealed.name.as_str(), opened.fingerprint()), ("ops", ca.fingerprint()));
}

#[cfg(unix)]
#[test]
fn nobody_else_can_read_the_keys() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    new_cluster(dir.path(), "ops", &three()).unwrap();
    let mode = |name: &str| std::fs::metadata(dir.path().join(name)).unwrap().permissions().mode() & 0o777;
    for name in ["ca/ca.key", "node-1/node.key", "node-3/node.key", "node-2/cluster.kek"] {
        assert_eq!(mode(name), 0o600, "{name}");
    }
    assert_eq!(mode("ca"), 0o700);
    assert_eq!(mode("node-2"), 0o700);
}

#[test]
fn a_folder_with_something_in_it_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("mine"), "x").unwrap();
    assert!(matches!(
        new_cluster(dir.path(), "ops", &three()),
        Err(NewClusterError::NotEmpty(_))
    ));
    assert_eq!(names(dir.path()), ["mine"]);
}

#[test]
fn nodes_that_cannot_be_a_cluster_leave_no_trace() {
    let dir = tempfile::tempdir().unwrap();
    let target = dir.path().join("new");
    let faulty: [(Vec<NodeSpec>, RosterError); 5] = [
        (vec![], RosterError::Empty),
        (vec![spec(0, "h:1", "h:2")], RosterError::ZeroId),
        (
            vec![spec(1, "h:1", "h:2"), spec(1, "h:3", "h:4")],
            RosterError::DuplicateId(NodeId(1)),
        ),
        (
            vec![spec(1, "h:1", "h:2"), spec(2, "h:3", "h:2")],
            RosterError::DuplicateAddr {
                addr: "h:2".parse().unwrap(),
                first: NodeId(1),
                second: NodeId(2),
            },
        ),
        (
            (1..=32)
                .map(|id| spec(id, &format!("a{id}:1"), &format!("a{id}:2")))
                .collect(),
            RosterError::TooMany(32),
        ),
    ];
    for (nodes, expected) in faulty {
        match new_cluster(&target, "ops", &nodes) {
            Err(NewClusterError::Roster(error)) => assert_eq!(error, expected),
            other => panic!("{other:?}"),
        }
    }
    for name in ["", "a\nb", &"x".repeat(65)] {
        assert!(matches!(
            new_cluster(&target, name, &three()),
            Err(NewClusterError::Roster(RosterError::Name))
        ));
    }
    assert!(!target.exists());
}

#[test]
fn a_cluster_file_with_a_fault_is_refused_with_its_line() {
    let dir = tempfile::tempdir().unwrap();
    let text = new_cluster(dir.path(), "ops", &three()).unwrap().file.to_toml();
    let error = |text: &str| match ClusterFile::parse(text) {
        Err(ClusterFileError::Form(error)) => error.to_string(),
        other => panic!("{other:?}"),
    };
    let line = 1 + text.lines().position(|line| line.contains("127.0.0.1:27400")).unwrap();
    let told = error(&text.replace("127.0.0.1:27400", "127.0.0.1"));
    assert!(
        told.contains(&format!("line {line}")) && told.contains("ends in a port"),
        "{told}"
    );
    assert!(error(&text.replace("name =", "nmae =")).contains("nmae"));
    let twice = text.replace("127.0.0.1:27400", "127.0.0.1:17400");
    assert!(matches!(
        ClusterFile::parse(&twice),
        Err(ClusterFileError::Roster(RosterError::DuplicateAddr { .. }))
    ));
}

fn names(dir: &Path) -> Vec<String> {
    std::fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}
