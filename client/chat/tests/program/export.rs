//! Rooms in files.

use quorate_client::Seq;
use serde_json::Value;

use crate::setup::{Setup, code, text};

fn lines(bytes: &str) -> Vec<u64> {
    let objects = bytes.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    objects.map(|object| object["seq"].as_u64().unwrap()).collect()
}

#[test]
fn a_room_is_exported_whole_and_without_a_hole() {
    let setup = Setup::new().registered();
    setup.print(&["create", "ops"]);
    for index in 0..4 {
        setup.print(&["send", "ops", &format!("m{index}")]);
    }
    let path = setup.home.path().join("ops.jsonl");
    let file = path.to_str().unwrap();
    let report = &setup.objects(&["export", "ops", file])[0];
    assert_eq!(
        (&report["events"], &report["complete"]),
        (&Value::from(5), &Value::from(true))
    );
    assert_eq!(lines(&std::fs::read_to_string(&path).unwrap()), [1, 2, 3, 4, 5]);
    let output = setup.run(&["export", "ops", "-"], "");
    assert_eq!(lines(&text(&output.stdout)), [1, 2, 3, 4, 5]);
    assert!(
        text(&output.stderr).contains("5 events, 1 to 5, none missing"),
        "{output:?}"
    );
}

#[test]
fn an_export_begins_where_the_room_remembers() {
    let setup = Setup::new().registered();
    setup.print(&["create", "ops"]);
    for index in 0..4 {
        setup.print(&["send", "ops", &format!("m{index}")]);
    }
    setup.cluster.cut("ops", Seq(3));
    assert_eq!(lines(&setup.print(&["export", "ops", "-"])), [3, 4, 5]);
}

#[test]
fn an_export_that_is_refused_leaves_no_file() {
    let setup = Setup::new().registered();
    let path = setup.home.path().join("nowhere.jsonl");
    assert_eq!(code(&setup.run(&["export", "nowhere", path.to_str().unwrap()], "")), 3);
    let left = std::fs::read_dir(setup.home.path()).unwrap();
    let names: Vec<_> = left.map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["default"], "only the profile");
}
