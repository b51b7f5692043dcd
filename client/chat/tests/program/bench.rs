//! The benches count what is there.

use serde_json::{Value, json};

use crate::setup::{Setup, code};

#[test]
fn bench_post_counts_what_is_there() {
    let setup = Setup::new().registered();
    let args = [
        "bench",
        "post",
        "--clients",
        "4",
        "--seconds",
        "1",
        "--rooms",
        "2",
        "--window",
        "4",
        "--json",
    ];
    let output = setup.run(&args, "");
    assert_eq!(code(&output), 0, "{output:?}");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(report["acked"].as_u64().unwrap() > 0);
    assert_eq!((&report["missing"], &report["duplicates"]), (&json!(0), &json!(0)));
    assert!(report["latency_ms"]["p99"].is_number() && report["longest_gap_ms"].is_number());
}

#[test]
fn bench_fanout_counts_what_arrives() {
    let setup = Setup::new().registered();
    let args = [
        "bench",
        "fanout",
        "--subscribers",
        "10",
        "--rate",
        "20",
        "--seconds",
        "1",
        "--json",
    ];
    let output = setup.run(&args, "");
    assert_eq!(code(&output), 0, "{output:?}");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&report["posted"], &report["delivered"]), (&json!(20), &json!(200)));
}

#[test]
fn bench_login_counts_sessions_that_are_logged_in() {
    let setup = Setup::new().registered();
    let before = setup.node.sessions();
    let args = ["bench", "login", "--clients", "4", "--seconds", "1", "--json"];
    let report = &setup.objects(&args)[0];
    let logins = report["logins"].as_u64().unwrap();
    assert!(logins > 0 && setup.node.sessions() - before >= logins, "{report}");
    assert_eq!(report["errors"], 0);
    assert!(report["per_second"].is_number() && report["latency_ms"]["p99"].is_number());
}
