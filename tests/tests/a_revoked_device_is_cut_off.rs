//! A device that is revoked loses its open connection on every node, and nothing that it sends later counts.

use quorate_tests::{CALL_DEADLINE, Cluster};
use serde_json::json;

const ROOM: &str = "ops";

#[test]
fn a_revoked_devices_connections_end_on_every_node() {
    let cluster = Cluster::new(3);
    let home = cluster.rpc("home", 1);
    home.register("alice");
    home.create(ROOM);
    // One stolen laptop, with programs connected to two nodes. Neither follows a room: they are idle.
    let stolen = cluster.rpc("stolen", 2);
    stolen.login("alice");
    let also_stolen = cluster.rpc("stolen", 3);
    assert_eq!(also_stolen.node(), 3);
    also_stolen
        .post(ROOM, "still mine", "before")
        .expect("the profile is logged in");

    let devices = home.ask("devices.list", &json!({}));
    let rows = devices["devices"].as_array().expect("rows").clone();
    assert_eq!(rows.len(), 2, "{devices}");
    let other = rows
        .iter()
        .find(|row| row["current"] != json!(true))
        .expect("one of them is the other one");
    home.ask("devices.revoke", &json!({"id": other["id"]}));

    for device in [&stolen, &also_stolen] {
        let cut = device.wait_for("the connection ends", CALL_DEADLINE, |notice| {
            notice.method == "connection" && notice.params.to_string().contains("revoked")
        });
        assert_ne!(cut.params["state"], json!("connected"), "{cut:?}");
        let refused = device
            .post(ROOM, "not any more", "after")
            .expect_err("it speaks for nobody");
        assert_eq!(
            (refused.code.as_str(), refused.outcome.as_str()),
            ("not-logged-in", "refused")
        );
    }
    let (events, _) = home.history(ROOM);
    let bodies: Vec<_> = events.iter().filter_map(|event| event.body.as_deref()).collect();
    assert_eq!(bodies, ["still mine"]);
    let devices = home.ask("devices.list", &json!({}));
    assert_eq!(devices["devices"].as_array().map(Vec::len), Some(1), "{devices}");
}
