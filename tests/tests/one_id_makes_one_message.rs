//! A post with a caller's id may be sent as often as its caller likes, from any device of the user, through any node: it is one
//! message.

use std::time::Duration;

use quorate_tests::{CALL_DEADLINE, Cluster, Placed, Rpc};

const ROOM: &str = "ops";
const ROUNDS: usize = 10;

fn alice_at_each_node(cluster: &Cluster) -> Vec<Rpc> {
    let devices: Vec<Rpc> = cluster
        .ids()
        .into_iter()
        .map(|id| cluster.rpc(&format!("device{id}"), id))
        .collect();
    devices[0].register("alice");
    devices[0].create(ROOM);
    for device in &devices[1..] {
        device.login("alice");
    }
    devices
}

#[test]
fn one_id_through_three_nodes_at_once_is_one_message_with_one_seq() {
    let cluster = Cluster::new(3);
    let devices = alice_at_each_node(&cluster);
    for round in 1..=ROUNDS {
        let (body, id) = (format!("body {round}"), format!("key-{round}"));
        let sent: Vec<_> = devices
            .iter()
            .map(|device| device.send_post(ROOM, &body, &id))
            .collect();
        let placed: Vec<Placed> = sent
            .into_iter()
            .map(|pending| Placed::read(&pending.wait(CALL_DEADLINE).result.expect("acknowledged")))
            .collect();
        assert!(
            placed.iter().all(|each| *each == placed[0] && each.id == id),
            "{placed:?}"
        );
    }
    let (events, _) = devices[1].history(ROOM);
    assert_eq!(events.iter().filter(|event| event.is_message()).count(), ROUNDS);
}

#[test]
fn an_id_is_remembered_over_the_death_of_the_leader_and_of_the_client() {
    let mut cluster = Cluster::new(3);
    let devices = alice_at_each_node(&cluster);
    let first = devices[0].post(ROOM, "once", "key").expect("acknowledged");
    let leader = cluster.leader();
    cluster.kill(leader);
    let survivor = cluster.running()[0];
    let again = cluster.rpc("device-after", survivor);
    again.login("alice");
    assert_eq!(again.post(ROOM, "once", "key").expect("acknowledged"), first);
    drop(devices);
    let other = *cluster.running().last().expect("two are left");
    let last = cluster.rpc("device1", other);
    assert_eq!(last.post(ROOM, "once", "key").expect("the profile is logged in"), first);
    cluster.start(leader);
    cluster.wait_healthy();
    let (events, _) = last.history(ROOM);
    assert_eq!(
        events.iter().filter(|event| event.is_message()).count(),
        1,
        "{events:#?}"
    );
}

#[test]
fn an_id_belongs_to_its_user_and_may_be_used_by_another() {
    let cluster = Cluster::new(1);
    let alice = cluster.rpc("alice", 1);
    alice.register("alice");
    alice.create(ROOM);
    let bob = cluster.rpc("bob", 1);
    bob.register("bob");
    bob.join(ROOM);
    let hers = alice.post(ROOM, "hers", "key").expect("acknowledged");
    let his = bob.post(ROOM, "his", "key").expect("acknowledged");
    assert_ne!(hers.seq, his.seq);
    alice.subscribe(ROOM, Some(1));
    alice.wait_for_seq(ROOM, his.seq, Duration::from_secs(10));
}
