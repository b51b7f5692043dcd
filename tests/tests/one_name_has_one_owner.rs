//! A name that several people ask for at once, on different nodes, goes to one of them.

use std::time::Duration;

use quorate_tests::{CALL_DEADLINE, Cluster};
use serde_json::json;

const NAMES: usize = 4;
const CLI_DEADLINE: Duration = Duration::from_secs(35);

#[test]
fn a_name_asked_for_on_three_nodes_at_once_has_one_owner() {
    let cluster = Cluster::new(3);
    for number in 1..=NAMES {
        let name = format!("name{number}");
        let askers: Vec<_> = cluster
            .ids()
            .into_iter()
            .map(|id| cluster.rpc(&format!("{name}-asker{id}"), id))
            .collect();
        // Connected before the race, so that it is one.
        for (asker, id) in askers.iter().zip(cluster.ids()) {
            assert_eq!(asker.node(), id);
        }
        let password = |asker: &quorate_tests::Rpc| format!("secret of {}", asker.label());
        let asked: Vec<_> = askers
            .iter()
            .map(|asker| asker.send("register", &json!({"user": name, "password": password(asker)})))
            .collect();
        let answers: Vec<_> = asked
            .into_iter()
            .map(|pending| pending.wait(CALL_DEADLINE).result)
            .collect();
        let owners: Vec<usize> = (0..answers.len()).filter(|place| answers[*place].is_ok()).collect();
        assert_eq!(owners.len(), 1, "{name}: {answers:?}");
        for error in answers.iter().filter_map(|answer| answer.as_ref().err()) {
            assert_eq!(
                (error.code.as_str(), error.outcome.as_str()),
                ("name-taken", "refused"),
                "{error:?}"
            );
        }
        for (place, asker) in askers.iter().enumerate() {
            let fresh = cluster.rpc(&format!("{name}-again{place}"), 1);
            let login = fresh.call("login", &json!({"user": name, "password": password(asker)}));
            assert_eq!(
                login.is_ok(),
                place == owners[0],
                "{name}: only its owner's password opens it: {login:?}"
            );
        }
    }
}

#[test]
fn a_taken_name_is_told_on_every_node_and_at_the_command_line() {
    let cluster = Cluster::new(3);
    let owner = cluster.rpc("owner", 1);
    owner.register("alice");
    for id in cluster.ids() {
        let late = cluster.rpc(&format!("late{id}"), id);
        // Names fold: this is the same one.
        let error = late
            .call("register", &json!({"user": "Alice", "password": "another"}))
            .expect_err("taken");
        assert_eq!(
            (error.code.as_str(), error.outcome.as_str()),
            ("name-taken", "refused"),
            "{error:?}"
        );
    }
    let servers = cluster.servers_from(2);
    let register = [
        "register",
        "--json",
        "--server",
        &servers,
        "--user",
        "alice",
        "--password-stdin",
    ];
    let finished = cluster.chat("late-cli", &register, "another\n", CLI_DEADLINE);
    assert_eq!(finished.error_code().as_deref(), Some("name-taken"), "{finished:?}");
    assert_ne!(finished.code, Some(0));
}
