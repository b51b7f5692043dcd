//! What becomes of a login: ended elsewhere, ended here with the answer lost, and handed to a bot.

#![allow(
    clippy::unwrap_used,
    reason = "clippy's exemption for tests does not reach what tests call"
)]

mod fake;

use std::time::Duration;

use fake::Deed;
use fake::setup::{Setup, WAIT, ops, post, setup, stranger, until};
use quorate_client::{Client, ConnectionState, Options, OutboxKind, RequestError, Seq, Update, UserName};
use quorate_transport::CloseCode;

/// A client whose session began with the device logged in, in place of the one that has logged it in.
async fn reopened(setup: &Setup) -> Client {
    setup.client.close().await;
    let client = Client::open(&setup.profile, setup.client.options()).unwrap();
    client.connected(WAIT).await.unwrap();
    client
}

fn is_not_logged_in<T: std::fmt::Debug>(result: &Result<T, RequestError>) -> bool {
    matches!(result, Err(RequestError::Refused { code, .. }) if code == "not-logged-in")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_device_is_told_so_forgets_its_user_and_leaves_the_nodes_alone() {
    let setup = setup(2, OutboxKind::Durable).await;
    let client = &reopened(&setup).await;
    let mut subscription = client.subscribe(&ops(), Some(Seq(1))).await.unwrap();
    let first = tokio::time::timeout(WAIT, subscription.next()).await.unwrap();
    assert!(matches!(first, Some(Ok(Update::Event(_)))));
    setup.cluster.revoke(client.device());
    let sessions = || setup.nodes.iter().map(fake::Node::sessions).sum::<u64>();
    let before = sessions();
    for node in &setup.nodes {
        node.knobs().dismiss.send_replace(Some(CloseCode::Revoked));
    }
    until("the client knows", || {
        client.connection().state == ConnectionState::LoggedOut
    })
    .await;
    let cause = client.connection().cause.unwrap();
    assert!(cause.contains("device revoked"), "{cause}");
    assert_eq!((client.user(), setup.profile.user()), (None, None));
    let ended = tokio::time::timeout(WAIT, subscription.next()).await.unwrap().unwrap();
    assert!(is_not_logged_in(&ended), "{ended:?}");
    assert!(is_not_logged_in(&client.post(post("a")).await));
    // A client that dials again does so within these.
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(sessions(), before, "nobody asked for a session");
    assert!(is_not_logged_in(&client.whoami().await));
    client.login("alice", "secret").await.unwrap();
    assert_eq!(client.connection().state, ConnectionState::Connected);
    assert_eq!(setup.profile.user(), client.user());
    client.post(post("back")).await.unwrap();
    assert_eq!(setup.cluster.bodies("ops"), ["back"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_waits_for_an_answer_when_the_device_is_revoked_is_told_at_once() {
    let setup = setup(1, OutboxKind::Durable).await;
    setup.nodes[0].will([Deed::Refuse].into_iter().cycle().take(5000));
    let posting = setup.client.post(post("late"));
    setup.cluster.revoke(setup.client.device());
    setup.nodes[0].knobs().dismiss.send_replace(Some(CloseCode::Revoked));
    let ended = tokio::time::timeout(WAIT / 2, posting).await.unwrap();
    assert!(
        is_not_logged_in(&ended) || matches!(ended, Err(RequestError::Unknown)),
        "{ended:?}"
    );
    assert!(setup.cluster.bodies("ops").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_was_revoked_while_away_forgets_its_user_too() {
    let setup = setup(2, OutboxKind::Memory).await;
    let first = setup.client.connected(WAIT).await.unwrap().node;
    setup.cluster.revoke(setup.client.device());
    let index = usize::try_from(first.0 - 1).unwrap();
    setup.nodes[index].knobs().goodbye.send_replace(true);
    until("the client knows", || {
        setup.client.connection().state == ConnectionState::LoggedOut
    })
    .await;
    assert_ne!(setup.client.connection().node, Some(first));
    assert_eq!((setup.client.user(), setup.profile.user()), (None, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_else_who_has_logged_in_on_the_profile_meanwhile_is_not_forgotten() {
    let setup = setup(1, OutboxKind::Memory).await;
    let alice = reopened(&setup).await;
    let other = Client::open(&setup.profile, Options::default()).unwrap();
    other.register("bob", "secret", None).await.unwrap();
    other.close().await;
    setup.nodes[0].knobs().dismiss.send_replace(Some(CloseCode::Revoked));
    until("alice's client knows", || {
        alice.connection().state == ConnectionState::LoggedOut
    })
    .await;
    assert_eq!(setup.profile.user().unwrap().as_str(), "bob");
}

/// A node ends a session whose feeds are not those of its user. Once that was taken for the end of the login that had just been
/// made over that session.
#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_is_ended_for_the_feeds_of_an_earlier_user_does_not_log_out_the_new_one() {
    let setup = setup(1, OutboxKind::Memory).await;
    let client = reopened(&setup).await;
    client.logout().await.unwrap();
    client.register("bob", "secret", None).await.unwrap();
    let before = setup.nodes[0].sessions();
    setup.nodes[0].knobs().dismiss.send_replace(Some(CloseCode::Revoked));
    until("there is another session", || setup.nodes[0].sessions() > before).await;
    assert_eq!(client.whoami().await.unwrap().user.as_str(), "bob");
    assert_eq!(client.connection().state, ConnectionState::Connected);
    assert_eq!(setup.profile.user(), client.user());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_in_which_a_user_logged_in_is_revoked_like_any_other() {
    let setup = setup(1, OutboxKind::Memory).await;
    setup.cluster.revoke(setup.client.device());
    setup.nodes[0].knobs().dismiss.send_replace(Some(CloseCode::Revoked));
    until("the client knows", || {
        setup.client.connection().state == ConnectionState::LoggedOut
    })
    .await;
    assert_eq!((setup.client.user(), setup.profile.user()), (None, None));
    assert!(is_not_logged_in(&setup.client.post(post("a")).await));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_logout_whose_answer_was_lost_is_done() {
    let setup = setup(2, OutboxKind::Memory).await;
    setup.client.connected(WAIT).await.unwrap();
    setup.nodes[0].will([Deed::DoAndBreak]);
    setup.client.logout().await.unwrap();
    assert_eq!((setup.client.user(), setup.profile.user()), (None, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_an_account_whose_end_was_not_answered_nobody_knows() {
    let setup = setup(2, OutboxKind::Memory).await;
    setup.nodes[0].will([Deed::DoAndBreak]);
    let deleted = setup.client.delete_account("secret", true).await;
    assert!(matches!(deleted, Err(RequestError::Unknown)), "{deleted:?}");
    let login = setup.client.login("alice", "secret").await;
    assert_eq!(login.unwrap_err().code(), "unknown-user", "a login tells");
}

/// A device that was revoked is refused in the same words as one whose account has ended.
#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_not_told_as_deleted_to_a_device_that_was_revoked_meanwhile() {
    let setup = setup(1, OutboxKind::Memory).await;
    setup.nodes[0].will([Deed::Forget]);
    setup.cluster.revoke(setup.client.device());
    let deleted = setup.client.delete_account("secret", true).await;
    assert!(matches!(deleted, Err(RequestError::Unknown)), "{deleted:?}");
    setup.client.login("alice", "secret").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bot_that_never_was_is_not_told_as_deleted() {
    let setup = setup(1, OutboxKind::Memory).await;
    setup.nodes[0].will([Deed::Forget]);
    let nobody = UserName::parse("nobody").unwrap();
    let deleted = setup.client.delete_bot(&nobody, false).await;
    assert_eq!(deleted.unwrap_err().code(), "unknown-user");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_was_not_logged_in_is_not_told_as_deleted() {
    let setup = setup(1, OutboxKind::Memory).await;
    let (_dir, stranger) = stranger(&setup);
    assert!(is_not_logged_in(&stranger.delete_account("secret", false).await));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bot_logs_in_with_its_token_also_when_the_answer_to_its_making_was_lost() {
    let setup = setup(2, OutboxKind::Memory).await;
    setup.nodes[0].will([Deed::DoAndBreak]);
    let bot = setup.client.create_bot("ci").await.unwrap();
    let digits = bot.token.strip_prefix("qbt_").unwrap();
    assert!(digits.len() == 32 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let (_dir, client) = stranger(&setup);
    client.login(bot.user.as_str(), &bot.token).await.unwrap();
    assert_eq!(client.whoami().await.unwrap().user, bot.user);
}

#[tokio::test(flavor = "multi_thread")]
async fn whom_no_node_lets_in_is_told_why_and_is_in_again_as_soon_as_one_does() {
    let setup = setup(2, OutboxKind::Durable).await;
    let client = &reopened(&setup).await;
    let mut subscription = client.subscribe(&ops(), Some(Seq(1))).await.unwrap();
    for node in &setup.nodes {
        *node.knobs().door.lock().unwrap() = Some(CloseCode::Disabled);
        node.knobs().dismiss.send_replace(Some(CloseCode::Disabled));
    }
    let is_disabled = |error: &RequestError| error.code() == "disabled";
    // What came before is delivered; then it ends.
    let ended = loop {
        let update = tokio::time::timeout(WAIT, subscription.next()).await.unwrap().unwrap();
        if let Err(error) = update {
            break error;
        }
    };
    assert!(is_disabled(&ended), "{ended:?}");
    assert!(is_disabled(&client.whoami().await.unwrap_err()));
    assert!(is_disabled(&client.post(post("not now")).await.unwrap_err()));
    assert_eq!(client.connection().state, ConnectionState::Reconnecting);
    // The login is kept, since it is none that has ended.
    assert_eq!(setup.profile.user(), client.user());
    assert!(client.user().is_some());
    for node in &setup.nodes {
        *node.knobs().door.lock().unwrap() = None;
    }
    until("a node lets it in", || {
        client.connection().state == ConnectionState::Connected
    })
    .await;
    client.post(post("back")).await.unwrap();
    assert_eq!(setup.cluster.bodies("ops"), ["back"]);
}
