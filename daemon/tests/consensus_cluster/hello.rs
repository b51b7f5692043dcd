//! What is refused before a word of Raft is read.

use quorate_certs::ClusterId;
use quorate_core::NodeId;
use quorate_daemon::peer::{HelloRefusal, JudgeError, LinkError};
use quorate_protocol::Frame;
use quorate_transport::{Alpn, CloseCode, Connection, Priority};
use tokio::time::timeout;

use crate::harness::{Cluster, PATIENCE};

/// The hello of a stranger, byte for byte as the wire has it: version, cluster, node, incarnation, enrolled.
fn hello(cluster: &ClusterId, node: u8) -> Frame {
    let mut body = vec![0x95, 1, 0xb0];
    body.extend_from_slice(cluster.as_str().as_bytes());
    body.extend_from_slice(&[node, 0x92, 7, 7, 0xc3]);
    Frame::new(1, body)
}

/// Node 3 of the cluster, by its certificate, dials node 1 and says this.
async fn say(cluster: &Cluster, frame: &Frame) -> (Connection, Option<Frame>) {
    let listener = cluster.bind(3);
    let dialer = listener.handle().peer_dialer().unwrap();
    let addr = &cluster.members[&NodeId(1)].peer;
    let connection = dialer.dial(addr, NodeId(1), Alpn::Raft).await.unwrap();
    let (mut send, mut recv) = connection.open(Priority::Urgent).await.unwrap();
    send.send(frame).await.unwrap();
    let answer = timeout(PATIENCE, recv.recv()).await.unwrap();
    (connection, answer.ok().flatten())
}

async fn close_code(connection: &Connection) -> Option<CloseCode> {
    timeout(PATIENCE, connection.closed()).await.unwrap().code()
}

async fn node_1_of_3() -> Cluster {
    let mut cluster = Cluster::new(3);
    cluster.start(1).await;
    cluster
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hello_that_claims_another_id_is_refused() {
    let cluster = node_1_of_3().await;
    let (connection, answer) = say(&cluster, &hello(&cluster.id, 2)).await;
    assert_eq!(
        (close_code(&connection).await, answer),
        (Some(CloseCode::NotAuthorized), None)
    );
    cluster.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hello_of_another_cluster_is_refused() {
    let cluster = node_1_of_3().await;
    let (connection, answer) = say(&cluster, &hello(&ClusterId::random(), 3)).await;
    assert_eq!(
        (close_code(&connection).await, answer),
        (Some(CloseCode::WrongCluster), None)
    );
    cluster.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn raft_before_the_hello_is_refused() {
    let cluster = node_1_of_3().await;
    let (connection, answer) = say(&cluster, &Frame::new(18, vec![1])).await;
    assert_eq!(
        (close_code(&connection).await, answer),
        (Some(CloseCode::Protocol), None)
    );
    cluster.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_in_another_nodes_name_is_declined() {
    let cluster = Cluster::new(1).formed().await;
    let term = cluster.node(1).view().term;
    let listener = cluster.bind(3);
    let dialer = listener.handle().peer_dialer().unwrap();
    let connection = dialer
        .dial(&cluster.members[&NodeId(1)].peer, NodeId(1), Alpn::Raft)
        .await
        .unwrap();
    let (mut send, mut recv) = connection.open(Priority::Urgent).await.unwrap();
    send.send(&hello(&cluster.id, 3)).await.unwrap();
    assert_eq!(
        timeout(PATIENCE, recv.recv()).await.unwrap().unwrap().unwrap().kind,
        2,
        "the greeting is fine"
    );
    let (mut send, mut recv) = connection.open(Priority::Urgent).await.unwrap();
    // A vote of term 99, asked for by node 2.
    send.send(&Frame::new(18, vec![1, 0x93, 0x93, 99, 2, 0xc2, 0xc0, 0xc2]))
        .await
        .unwrap();
    let answer = timeout(PATIENCE, recv.recv()).await.unwrap().unwrap().unwrap();
    assert_eq!((answer.kind, &answer.body[..]), (31, &[1, 2][..]));
    assert_eq!(cluster.node(1).view().term, term, "nothing of it was processed");
    cluster.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_not_enrolled_grants_no_vote() {
    let cluster = node_1_of_3().await;
    let (connection, greeting) = say(&cluster, &hello(&cluster.id, 3)).await;
    assert_eq!(greeting.unwrap().kind, 2);
    let (mut send, mut recv) = connection.open(Priority::Urgent).await.unwrap();
    send.send(&Frame::new(18, vec![1, 0x93, 0x93, 9, 3, 0xc2, 0xc0, 0xc2]))
        .await
        .unwrap();
    let answer = timeout(PATIENCE, recv.recv()).await.unwrap().unwrap().unwrap();
    assert_eq!((answer.kind, &answer.body[..]), (31, &[1, 1][..]));
    cluster.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_with_other_data_than_before_is_not_welcome() {
    let mut cluster = Cluster::new(3).formed().await;
    cluster.stop(3).await;
    cluster.wipe(3);
    cluster.start(3).await;
    let seen = timeout(PATIENCE, async {
        loop {
            if let Err(LinkError::NotWelcome(why)) = cluster.node(1).links.connection(NodeId(3), Alpn::Raft).await {
                return why;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    });
    let why = seen.await.unwrap();
    assert!(
        matches!(*why, JudgeError::Refused(HelloRefusal::OtherIncarnation(NodeId(3)))),
        "{why}"
    );
    cluster.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn asking_at_the_same_time_gives_the_same_connection() {
    let cluster = Cluster::new(2).formed().await;
    let links = &cluster.node(1).links;
    let asked = (0..50).map(|_| links.connection(NodeId(2), Alpn::Relay));
    let ids: std::collections::BTreeSet<usize> = futures_util::future::join_all(asked)
        .await
        .into_iter()
        .map(|connection| connection.unwrap().stable_id())
        .collect();
    assert_eq!(ids.len(), 1);
    cluster.end().await;
}
