//! What changes messages, rooms and accounts.

use serde_json::json;

use crate::setup::{Setup, code, text};

#[test]
fn messages_are_edited_deleted_and_reacted_to() {
    let setup = Setup::new().registered();
    setup.print(&["create", "ops"]);
    for body in ["one", "two", "three"] {
        setup.print(&["send", "ops", body]);
    }
    assert_eq!(setup.print(&["edit", "ops", "2", "uno"]), "edited 2\n");
    assert!(setup.run(&["edit", "ops", "3", "-"], "due\n").status.success());
    assert_eq!(
        setup.objects(&["react", "ops", "2", "👍"]),
        [json!({"target": 2, "seq": 7})]
    );
    assert_eq!(
        setup.objects(&["react", "ops", "2", "👍"]),
        [json!({"target": 2, "seq": null})]
    );
    assert_eq!(
        setup.objects(&["delete", "ops", "3", "4", "--reason", "spam"]),
        [json!({"target": 3, "seq": 8}), json!({"target": 4, "seq": 9})]
    );
    let said = [
        "one", "two", "three", "2: uno", "3: due", "2: +👍", "3: gone", "4: gone",
    ];
    assert_eq!(setup.cluster.said("ops"), said);
    assert_eq!(setup.refused(&["edit", "ops", "3", "x"]), (1, "redacted".to_owned()));
    assert_eq!(
        setup.refused(&["edit", "ops", "1", "x"]),
        (1, "not-a-message".to_owned())
    );
    assert_eq!(
        setup.refused(&["edit", "ops", "99", "x"]),
        (3, "unknown-seq".to_owned())
    );
    assert_eq!(setup.refused(&["edit", "ops", "2", ""]), (1, "empty".to_owned()));
}

#[test]
fn of_several_deletions_those_that_can_be_done_are() {
    let setup = Setup::new().registered();
    setup.print(&["create", "ops"]);
    setup.print(&["send", "ops", "one"]);
    let output = setup.run(&["delete", "ops", "99", "2"], "");
    assert_eq!((code(&output), text(&output.stdout).as_str()), (3, "deleted 2\n"));
}

#[test]
fn a_user_stands_for_the_direct_room() {
    let setup = Setup::new().with_bob();
    let seq = setup.print(&["send", "@bob", "hi"]).trim().to_owned();
    setup.print(&["edit", "@bob", &seq, "ho"]);
    setup.print(&["--profile", "bob", "react", "@alice", &seq, "x"]);
    let said = ["hi".to_owned(), format!("{seq}: ho"), format!("{seq}: +x")];
    assert_eq!(setup.cluster.said("@alice+bob"), said);
}

#[test]
fn members_are_managed_by_those_above_them() {
    let setup = Setup::new().with_bob();
    let bob = |args: &[&str]| setup.refused(&[&["--profile", "bob"], args].concat());
    let no = |status: i32, code: &str| (status, code.to_owned());
    assert_eq!(bob(&["kick", "ops", "alice"]), no(4, "not-allowed"));
    assert_eq!(
        setup.print(&["mute", "ops", "@bob", "--for", "1h"]),
        "bob is muted in ops\n"
    );
    assert_eq!(bob(&["send", "ops", "hi"]), no(4, "muted"));
    assert_eq!(setup.print(&["unmute", "ops", "bob"]), "bob is not muted in ops\n");
    assert_eq!(
        setup.print(&["unmute", "ops", "bob"]),
        "bob is not muted in ops already\n"
    );
    setup.print(&["role", "ops", "bob", "read-only"]);
    assert_eq!(bob(&["send", "ops", "hi"]), no(4, "not-allowed"));
    setup.print(&["kick", "ops", "bob", "--reason", "spam"]);
    assert_eq!(bob(&["send", "ops", "hi"]), no(4, "not-a-member"));
    assert_eq!(setup.refused(&["kick", "ops", "bob"]), no(3, "no-such-member"));
    setup.print(&["ban", "ops", "bob", "--for", "24h"]);
    assert_eq!(bob(&["join", "ops"]), no(4, "banned"));
    setup.print(&["unban", "ops", "bob"]);
    setup.print(&["--profile", "bob", "join", "ops"]);
    assert_eq!(setup.refused(&["invite", "ops", "nobody"]), no(3, "unknown-user"));
    setup.print(&["transfer", "ops", "bob"]);
    assert_eq!(setup.refused(&["archive", "ops"]), no(4, "not-allowed"));
    setup.print(&["--profile", "bob", "archive", "ops"]);
    assert_eq!(bob(&["send", "ops", "hi"]), no(4, "archived"));
    setup.print(&["--profile", "bob", "unarchive", "ops"]);
    setup.print(&["--profile", "bob", "delete-room", "ops", "-y"]);
    assert_eq!(setup.refused(&["history", "ops"]), no(3, "unknown-room"));
}

#[test]
fn an_account_ends_only_when_that_is_confirmed() {
    let setup = Setup::new().registered();
    assert_eq!(setup.refused(&["delete-account"]), (7, "refused".to_owned()));
    assert_eq!(setup.print(&["whoami"]), "alice\n");
    let output = setup.run(&["delete-account", "--password-stdin"], "wrong\n");
    assert_eq!(code(&output), 4, "{output:?}");
    let output = setup.run(&["delete-account", "--password-stdin"], "secret\n");
    assert_eq!(text(&output.stdout), "the account is deleted\n");
    assert_eq!(setup.refused(&["whoami"]), (4, "not-logged-in".to_owned()));
}

#[test]
fn what_cannot_be_undone_needs_a_yes_where_nobody_can_be_asked() {
    let setup = Setup::new().registered();
    setup.print(&["create", "ops"]);
    let refused = (7, "refused".to_owned());
    assert_eq!(setup.refused(&["delete-room", "ops"]), refused);
    assert_eq!(setup.print(&["send", "ops", "hi"]), "2\n", "it is still there");
    setup.print(&["bots", "create", "build-bot"]);
    assert_eq!(setup.refused(&["bots", "delete", "build-bot"]), refused);
    assert_eq!(
        setup.print(&["bots", "delete", "build-bot", "-y"]),
        "deleted build-bot\n"
    );
    assert_eq!(setup.print(&["delete-room", "ops", "-y"]), "ops is deleted\n");
}

#[test]
fn a_bots_token_is_printed_alone() {
    let setup = Setup::new().registered();
    let token = setup.print(&["bots", "create", "build-bot"]);
    assert!(token.starts_with("qbt_") && token.trim().len() == 36, "{token}");
    let made = setup.objects(&["bots", "create", "other-bot"]);
    assert_eq!(made[0]["user"], "other-bot");
    assert!(made[0]["token"].is_string());
}
