//! What is shown.

use serde_json::{Value, json};

use crate::setup::{Setup, text};

#[test]
fn what_is_found_is_newest_first_and_tells_where_the_next_page_begins() {
    let setup = Setup::new().registered();
    setup.print(&["create", "ops"]);
    for body in ["disk full 1", "other", "disk full 2", "disk full 3"] {
        setup.print(&["send", "ops", body]);
    }
    let output = setup.run(&["search", "disk", "full", "-n", "2", "--json"], "");
    let seqs = |printed: &[u8]| -> Vec<Value> {
        let objects = text(printed);
        let objects = objects.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        objects.map(|object| object["seq"].clone()).collect()
    };
    assert_eq!(seqs(&output.stdout), [json!(5), json!(4)]);
    let next: Value = serde_json::from_slice(&output.stderr).unwrap();
    let next = next["next"].as_str().unwrap();
    let output = setup.run(&["search", "disk full", "--before", next, "--json"], "");
    assert_eq!(seqs(&output.stdout), [json!(2)]);
    assert!(output.stderr.is_empty(), "there is no next page: {output:?}");
    let output = setup.run(&["search", "disk full", "-n", "1"], "");
    assert!(
        text(&output.stdout).contains("ops     5 <alice> disk full 3"),
        "{output:?}"
    );
    assert!(text(&output.stderr).starts_with("next: "), "{output:?}");
}

#[test]
fn mentions_and_revisions_are_shown() {
    let setup = Setup::new().with_bob();
    setup.print(&["--profile", "bob", "send", "ops", "a word, @alice"]);
    setup.print(&["--profile", "bob", "edit", "ops", "3", "two words, @alice"]);
    assert_eq!(setup.objects(&["mentions"])[0]["seq"], 3);
    let kinds: Vec<_> = setup
        .objects(&["revisions", "ops", "3"])
        .iter()
        .map(|event| (event["kind"].clone(), event["body"].clone()))
        .collect();
    assert_eq!(
        kinds,
        [
            (json!("message"), json!("a word, @alice")),
            (json!("edit"), json!("two words, @alice"))
        ]
    );
}

#[test]
fn people_read_lines_without_what_moves_their_cursor() {
    let setup = Setup::new().registered();
    setup.print(&["create", "ops"]);
    setup.print(&["send", "ops", "/me waves"]);
    setup.print(&["send", "ops", "a\u{202e}b"]);
    let printed = setup.print(&["tail", "ops", "--color", "never"]);
    let lines: Vec<_> = printed.lines().map(|line| line.get(20..).unwrap()).collect();
    assert_eq!(
        lines,
        ["    1 * alice joined", "    2 * alice waves", "    3 <alice> ab"]
    );
    let bodies: Vec<_> = setup
        .objects(&["history", "ops"])
        .iter()
        .map(|event| event["body"].clone())
        .collect();
    assert_eq!(bodies, [Value::Null, json!("/me waves"), json!("a\u{202e}b")]);
}
