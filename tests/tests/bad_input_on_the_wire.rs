//! Whatever strangers send to the ports: they are turned away, everybody else goes on, and nothing acknowledged is lost.

use std::net::UdpSocket;
use std::time::Duration;

use quorate_certs::{ClusterCa, NodeIdentity};
use quorate_core::{Action, JoinRoom, LogIndex, NodeId, RequestNo, RoomName, RoomRef, Seq, WriterId};
use quorate_protocol::client::{
    Body, Called, History, HistoryEnd, ListRooms, ListUnread, Login, Part, Reply, Submit, Subscribe, WhoAmI, frame,
    kind, parse,
};
use quorate_protocol::{FRAME_MAX_BEFORE_LOGIN_BYTES, Frame};
use quorate_tests::{Cluster, Conversation, Seed, Stranger};
use quorate_transport::{Alpn, Connection, DialError, FrameReceiver, FrameSender, Priority};
use rand::{Rng, RngCore};
use tokio::time::timeout;

const ROOM: &str = "ops";
const WINDOW: usize = 4;
/// Until a stranger has been answered, or turned away.
const TURN_AWAY_DEADLINE: Duration = Duration::from_secs(10);
/// Datagrams of rubbish for each port.
const RUBBISH: usize = 2000;
/// Ethernet's, less what IP and UDP take.
const DATAGRAM_MAX_BYTES: usize = 1472;

fn while_people_talk(bad: impl AsyncFnOnce(&Cluster)) {
    let cluster = Cluster::new(3);
    let talk = Conversation::start(&cluster, ROOM, &[1, 2], &[3], WINDOW);
    talk.wait_for_more(10);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime can be made");
    runtime.block_on(bad(&cluster));
    talk.wait_for_more(10);
    let counts = talk.checker().report().counts;
    assert_eq!(
        (counts.refused, counts.attempted - counts.acked <= 2 * WINDOW),
        (0, true),
        "{counts}"
    );
    talk.finish(&cluster);
}

/// What comes for a request: an answer to it, or the end of the session.
#[derive(Debug)]
enum Heard {
    Refused,
    Done,
    End,
}

async fn hear(receiver: &mut FrameReceiver) -> Heard {
    let next = async {
        loop {
            match receiver.recv().await {
                Ok(Some(said)) if said.kind == kind::REPLY => {
                    let reply: Reply = parse(&said).expect("a reply parses");
                    return if reply.result.is_err() {
                        Heard::Refused
                    } else {
                        Heard::Done
                    };
                }
                Ok(Some(said)) if said.kind == kind::HISTORY_END => {
                    let end: HistoryEnd = parse(&said).expect("an end parses");
                    assert!(end.result.is_err(), "a stranger has read a history: {end:?}");
                    return Heard::Refused;
                }
                // Who leads, and the like.
                Ok(Some(_)) => {}
                Ok(None) | Err(_) => return Heard::End,
            }
        }
    };
    timeout(TURN_AWAY_DEADLINE, next)
        .await
        .expect("an answer or an end in time")
}

async fn ask(sender: &mut FrameSender, receiver: &mut FrameReceiver, asked: &Frame) -> Heard {
    if sender.send(asked).await.is_err() {
        return Heard::End;
    }
    hear(receiver).await
}

#[test]
fn a_frame_that_says_it_is_huge_ends_its_session_only() {
    while_people_talk(async |cluster| {
        for id in cluster.ids() {
            let stranger = Stranger::new();
            let (_connection, mut sender, mut receiver) = stranger.session(&cluster.client_addr(id)).await;
            let lie = u32::MAX.to_be_bytes().to_vec();
            sender.send_encoded(lie.into()).await.expect("the lie goes out");
            assert!(matches!(hear(&mut receiver).await, Heard::End));
        }
    });
}

#[test]
fn a_frame_over_the_limit_before_login_ends_its_session_only() {
    while_people_talk(async |cluster| {
        let stranger = Stranger::new();
        let (_connection, mut sender, mut receiver) = stranger.session(&cluster.client_addr(1)).await;
        let login = Called {
            call: 1,
            body: Login {
                user: "alice".into(),
                password: "p".repeat(FRAME_MAX_BEFORE_LOGIN_BYTES),
                device: "stranger".into(),
            },
        };
        assert!(matches!(
            ask(&mut sender, &mut receiver, &frame(&login)).await,
            Heard::End
        ));
    });
}

#[test]
fn an_unknown_kind_is_refused() {
    while_people_talk(async |cluster| {
        for number in [0, 0x77, 0x7777, kind::WELCOME, kind::FEED] {
            let stranger = Stranger::new();
            let (_connection, mut sender, mut receiver) = stranger.session(&cluster.client_addr(2)).await;
            let mut asked = frame(&Called {
                call: 7,
                body: WhoAmI {},
            });
            asked.kind = number;
            let heard = ask(&mut sender, &mut receiver, &asked).await;
            assert!(
                matches!(heard, Heard::Refused | Heard::End),
                "kind {number:#x}: {heard:?}"
            );
        }
    });
}

#[test]
fn a_body_that_does_not_parse_is_refused() {
    while_people_talk(async |cluster| {
        for number in [kind::LOGIN, kind::SUBMIT, kind::SUBSCRIBE, kind::REGISTER] {
            let stranger = Stranger::new();
            let (_connection, mut sender, mut receiver) = stranger.session(&cluster.client_addr(3)).await;
            let heard = ask(&mut sender, &mut receiver, &Frame::new(number, vec![0xc1; 50])).await;
            assert!(
                matches!(heard, Heard::Refused | Heard::End),
                "kind {number:#x}: {heard:?}"
            );
        }
    });
}

#[test]
fn a_request_before_login_is_refused() {
    async fn refused<B>(cluster: &Cluster, stranger: &Stranger, body: B)
    where
        Called<B>: Body,
    {
        let (_connection, mut sender, mut receiver) = stranger.session(&cluster.client_addr(1)).await;
        let asked = frame(&Called { call: 1, body });
        let heard = ask(&mut sender, &mut receiver, &asked).await;
        assert!(matches!(heard, Heard::Refused), "kind {:#x}: {heard:?}", asked.kind);
    }
    while_people_talk(async |cluster| {
        let stranger = Stranger::new();
        let room = || RoomRef::Name(RoomName::parse(ROOM).expect("a good name"));
        refused(
            cluster,
            &stranger,
            ListRooms {
                all: true,
                after: None,
                limit: 10,
            },
        )
        .await;
        refused(cluster, &stranger, ListUnread { after: None, limit: 10 }).await;
        let from = Some(Seq(1));
        refused(
            cluster,
            &stranger,
            Subscribe {
                feed: 1,
                room: room(),
                from,
            },
        )
        .await;
        let join = Submit {
            writer: WriterId(1),
            request: RequestNo(1),
            action: Action::JoinRoom(JoinRoom {
                room: RoomName::parse(ROOM).expect("a good name"),
            }),
        };
        refused(cluster, &stranger, join).await;

        let (connection, _sender, _receiver) = stranger.session(&cluster.client_addr(1)).await;
        let (mut sender, mut receiver) = connection.open(Priority::Bulk).await.expect("a second stream");
        let history = History {
            room: room(),
            part: Part::Newest,
            limit: 10,
            linearizable: false,
            seen: LogIndex(0),
        };
        let heard = ask(&mut sender, &mut receiver, &frame(&history)).await;
        assert!(matches!(heard, Heard::Refused | Heard::End), "{heard:?}");
    });
}

#[test]
fn rubbish_on_both_ports_disturbs_nobody() {
    let seed = Seed::announce("rubbish_on_both_ports_disturbs_nobody");
    while_people_talk(async |cluster| {
        let mut dice = seed.dice();
        let socket = UdpSocket::bind(("127.0.0.1", 0)).expect("loopback has a free port");
        for id in cluster.ids() {
            for addr in [cluster.client_addr(id), cluster.peer_addr(id)] {
                for _ in 0..RUBBISH {
                    let mut datagram = vec![0; dice.random_range(1..=DATAGRAM_MAX_BYTES)];
                    dice.fill_bytes(&mut datagram);
                    if dice.random_bool(0.5) && datagram.len() > 5 {
                        // A long header of QUIC version 1 (RFC 9000, section 17.2): what follows is looked at.
                        datagram[0] |= 0xc0;
                        datagram[1..5].copy_from_slice(&1_u32.to_be_bytes());
                    }
                    // The receiver's buffer may be full: that is the point.
                    let _ = socket.send_to(&datagram, &addr);
                }
            }
        }
    });
}

async fn is_refused(dialled: Result<Connection, DialError>) -> bool {
    match dialled {
        Ok(connection) => Stranger::is_turned_away(&connection, TURN_AWAY_DEADLINE).await,
        Err(_) => true,
    }
}

#[test]
fn a_device_on_a_peer_port_is_turned_away() {
    while_people_talk(async |cluster| {
        let stranger = Stranger::new();
        for alpn in [Alpn::Raft, Alpn::Relay, Alpn::Client] {
            let dialled = stranger.dial(&cluster.peer_addr(1), alpn).await;
            assert!(is_refused(dialled).await, "{alpn} on a peer port");
        }
        for alpn in [Alpn::Raft, Alpn::Relay, Alpn::Join] {
            let dialled = stranger.dial(&cluster.client_addr(1), alpn).await;
            assert!(is_refused(dialled).await, "{alpn} on a client port");
        }
    });
}

fn own_ca(cluster: &Cluster) -> ClusterCa {
    let read =
        |name: &str| std::fs::read_to_string(cluster.path().join("ca").join(name)).expect("the CA is in the folder");
    ClusterCa::from_pem(&read("ca.crt"), &read("ca.key")).expect("the CA is whole")
}

#[test]
fn a_node_certificate_of_another_ca_is_turned_away() {
    while_people_talk(async |cluster| {
        let own = own_ca(cluster);
        let foreign = ClusterCa::generate(own.cluster()).expect("a CA can be made");
        let forged = foreign
            .issue_node(own.cluster(), NodeId(2))
            .expect("a certificate can be made");
        let key = NodeKeyPem::of(&forged, cluster);
        // It trusts the true CA too, so that it is the other side that has to say no.
        let both = format!("{}{}", foreign.cert_pem(), own.cert_pem());
        let identity = NodeIdentity::from_pem(&both, forged.chain_pem(), &key.0).expect("it fits together");
        let dialled = Stranger::dial_as_node(identity, &cluster.peer_addr(1), NodeId(1)).await;
        assert!(is_refused(dialled).await, "a forged node 2 was heard");
    });
}

/// A node's key as text: an identity shows it to nobody, but saves it.
struct NodeKeyPem(String);

impl NodeKeyPem {
    fn of(identity: &NodeIdentity, cluster: &Cluster) -> Self {
        let dir = cluster.home().join("forged");
        std::fs::create_dir(&dir).expect("the temp dir is writable");
        identity.save(&dir).expect("the temp dir is writable");
        Self(std::fs::read_to_string(dir.join(quorate_certs::NODE_KEY_FILE)).expect("it was just written"))
    }
}

#[test]
fn a_node_that_says_it_is_another_is_turned_away() {
    while_people_talk(async |cluster| {
        let ca = own_ca(cluster);
        let identity = ca
            .issue_node(ca.cluster(), NodeId(9))
            .expect("a certificate can be made");
        let dialled = Stranger::dial_as_node(identity, &cluster.peer_addr(1), NodeId(1)).await;
        let Ok(connection) = dialled else { return };
        let Ok((mut sender, mut receiver)) = connection.open(Priority::Control).await else {
            return;
        };
        // The peers' hello: version, cluster, node, the data directory's two halves, enrolled.
        let mut hello = vec![0x95, 0x01, 0xb0];
        hello.extend_from_slice(ca.cluster().as_str().as_bytes());
        hello.extend_from_slice(&[0x02, 0x92, 0x01, 0x01, 0xc3]);
        let _ = sender.send(&Frame::new(1, hello)).await;
        let answer = timeout(TURN_AWAY_DEADLINE, receiver.recv())
            .await
            .expect("an end in time");
        assert!(!matches!(answer, Ok(Some(_))), "a liar was answered: {answer:?}");
        let status = cluster.status(1).expect("a quorum");
        assert_eq!(status.nodes[&2].state, "up", "the true node 2 is not in question");
    });
}
