//! The random logs mean something: together they come to every kind of event and every refusal.

use std::collections::BTreeMap;

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use quorate_core::{Event, State, StateEvent};

use crate::script::logs;

/// Logs that are tried; with fewer of them the rare events (account and room deletions) may be missing.
const LOGS: usize = 600;

#[test]
fn random_logs_reach_every_event() {
    let mut runner = TestRunner::deterministic();
    let mut found: BTreeMap<String, usize> = BTreeMap::new();
    for _ in 0..LOGS {
        let log = logs(300).new_tree(&mut runner).expect("a log can be made").current();
        let mut state = State::new();
        for (index, entry) in &log {
            let applied = state.apply(*index, entry);
            for event in &applied.events {
                let told = match event {
                    Event::State(StateEvent::Roster(event)) => format!("{event:?}"),
                    Event::State(event) => format!("{event:?}"),
                    Event::Room(line) => format!("{:?}", line.kind),
                };
                *found.entry(first_word(&told)).or_default() += 1;
            }
            if let Err(refusal) = &applied.outcome {
                *found.entry(first_word(&format!("{refusal:?}"))).or_default() += 1;
            }
        }
    }
    let missing: Vec<_> = EVENTS.iter().filter(|event| !found.contains_key(**event)).collect();
    assert!(missing.is_empty(), "never seen: {missing:?} among {found:?}");
}

fn first_word(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric()).collect()
}

const EVENTS: [&str; 84] = [
    "ClockAdvanced",
    "UserRegistered",
    "DeviceBound",
    "DeviceUnbound",
    "WriterGranted",
    "WriterExpired",
    "Answered",
    "RoomCreated",
    "ReadMarked",
    "PasswordChanged",
    "UserDeleted",
    "MessagesPurged",
    "UserPurged",
    "InviteCreated",
    "InviteUsed",
    "InviteEnded",
    "RetentionSet",
    "QuotaSet",
    "MemberRemoved",
    "InvitationEnded",
    "BanEnded",
    "RestrictionEnded",
    "RoomDeleted",
    "HistoryCut",
    "RoomForgotten",
    "Mentioned",
    "RoomCalled",
    "MentionsDropped",
    "Message",
    "Joined",
    "Left",
    "TopicSet",
    "Edited",
    "Redacted",
    "Reacted",
    "Unreacted",
    "Invited",
    "Kicked",
    "Banned",
    "Unbanned",
    "Muted",
    "Unmuted",
    "RoleSet",
    "Archived",
    "Unarchived",
    "NameTaken",
    "RoomExists",
    "ReservedName",
    "UnknownUser",
    "UnknownRoom",
    "WrongPassword",
    "NotLoggedIn",
    "UnknownDevice",
    "NotAMember",
    "NotAllowed",
    "UnknownSeq",
    "Gap",
    "ReceiptGone",
    "TooMany",
    "UnknownInvite",
    "NotAMessage",
    "QuotaExceeded",
    "NoSuchMember",
    "Founded",
    "TokenCreated",
    "TokenUsed",
    "TokenEnded",
    "NodeAdmitted",
    "NodeSettled",
    "VotingSet",
    "DrainedSet",
    "NodeRemoved",
    "NodeMoved",
    "CertsWanted",
    "CaRotated",
    "CaRetired",
    "HandBackSet",
    "UnknownToken",
    "TokenExpired",
    "TokenUsedUp",
    "UnknownNode",
    "NodesChanged",
    "NoAuthority",
    "CaRotating",
];
