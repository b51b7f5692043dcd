use openraft::Membership;

use super::*;

fn log_id(term: u64, node: u64, index: u64) -> LogId {
    LogId {
        leader_id: LeaderId::new(term, NodeId(node)),
        index,
    }
}

fn vote_of(term: u64, node: u64) -> Vote {
    Vote {
        leader_id: LeaderId::new(term, NodeId(node)),
        committed: true,
    }
}

fn addrs(n: u64) -> NodeAddrs {
    NodeAddrs {
        peer: format!("p{n}"),
        client: format!("c{n}"),
    }
}

fn some_append() -> Append {
    let nodes: std::collections::BTreeMap<_, _> = [(NodeId(1), addrs(1)), (NodeId(2), addrs(2))].into();
    let membership = Membership::new(vec![[NodeId(1)].into(), [NodeId(1), NodeId(2)].into()], nodes).unwrap();
    Append {
        vote: vote_of(5, 3),
        prev_log_id: Some(log_id(4, 2, 9)),
        entries: vec![
            LogEntry {
                log_id: log_id(5, 3, 10),
                payload: EntryPayload::Blank,
            },
            LogEntry {
                log_id: log_id(5, 3, 11),
                payload: EntryPayload::Normal(Proposal(Bytes::from_static(b"hello"))),
            },
            LogEntry {
                log_id: log_id(5, 3, 12),
                payload: EntryPayload::Membership(membership),
            },
        ],
        leader_commit: None,
    }
}

fn hex(frame: &Frame) -> String {
    frame.body.iter().fold(format!("{}:", frame.kind), |mut text, byte| {
        use std::fmt::Write;
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

#[test]
fn the_kinds_are_these_numbers() {
    let kinds = [
        kind::APPEND,
        kind::APPEND_REPLY,
        kind::VOTE,
        kind::VOTE_REPLY,
        kind::PRE_VOTE,
        kind::TRANSFER,
        kind::TRANSFER_REPLY,
        kind::SNAPSHOT_BEGIN,
        kind::SNAPSHOT_PART,
        kind::SNAPSHOT_END,
        kind::SNAPSHOT_REPLY,
        kind::DECLINED,
    ];
    assert_eq!(kinds, [16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 31]);
}

#[test]
fn an_append_is_these_bytes() {
    let expected = concat!(
        "16:01",
        "00000020",         // the header's length
        "94",               // vote, previous, committed, entries
        "930503c3",         // the vote of term 5 for node 3, committed
        "93040209",         // the previous entry: term 4, node 2, index 9
        "c0",               // nothing is known to be committed
        "93",               // three entries: log id, what, length
        "939305030a0000",   // blank
        "939305030b0105",   // a command of 5 bytes
        "939305030c0218",   // a membership of 24 bytes
        "68656c6c6f",       // the command as it is
        "9292910192010292", // voters {1} and {1, 2}
        "9301a27031a26331", // node 1 at p1 and c1
        "9302a27032a26332", // node 2 at p2 and c2
    );
    assert_eq!(hex(&append(&some_append())), expected);
}

#[test]
fn what_is_sent_is_what_arrives() {
    let sent = some_append();
    let got = append_in(&append(&sent)).unwrap();
    assert_eq!(
        (got.vote, got.prev_log_id, got.leader_commit),
        (sent.vote, sent.prev_log_id, sent.leader_commit)
    );
    assert_eq!(got.entries, sent.entries);

    for reply in [
        Ok(None),
        Ok(Some(log_id(5, 3, 12))),
        Err(StreamAppendError::Conflict(log_id(1, 1, 1))),
        Err(StreamAppendError::HigherVote(vote_of(6, 1))),
    ] {
        assert_eq!(append_reply_in(&append_reply(&reply)).unwrap(), reply);
    }

    let mut request = VoteRequest::new(vote_of(7, 2), Some(log_id(6, 1, 3)));
    request.leadership_transfer = true;
    assert_eq!(vote_request_in(&vote(kind::VOTE, &request)).unwrap(), request);
    let reply = VoteResponse::new(vote_of(7, 2), None, true);
    assert_eq!(vote_reply_in(&vote_reply(&reply)).unwrap(), reply);

    let request = TransferLeaderRequest::new(vote_of(7, 2), NodeId(4), Some(log_id(7, 2, 40)));
    assert_eq!(transfer_in(&transfer(&request, true)).unwrap(), (request, true));
    for reply in [
        Ok(()),
        Err(TransferLeaderError::VoteChanged {
            expected: vote_of(7, 2),
            actual: vote_of(8, 1),
        }),
        Err(TransferLeaderError::LogNotFlushed {
            expected: Some(log_id(7, 2, 40)),
            actual: None,
        }),
    ] {
        assert_eq!(transfer_reply_in(&transfer_reply(&reply)).unwrap(), reply);
    }

    assert_eq!(
        snapshot_begin_in(&snapshot_begin(&vote_of(9, 1))).unwrap(),
        vote_of(9, 1)
    );
    let reply = SnapshotResponse::new(vote_of(9, 1));
    assert_eq!(snapshot_reply_in(&snapshot_reply(&reply)).unwrap(), reply);
    for why in [
        Declined::NotEnrolled,
        Declined::WrongSender,
        Declined::Stopped,
        Declined::UNREADABLE,
    ] {
        assert_eq!(declined_in(&declined(why)), Some(why));
    }
    assert_eq!(declined_in(&snapshot_end()), None);
}

#[test]
fn the_small_ones_are_these_bytes() {
    let request = VoteRequest::new(vote_of(7, 2), Some(log_id(6, 1, 3)));
    assert_eq!(hex(&vote(kind::VOTE, &request)), "18:0193930702c393060103c2");
    assert_eq!(hex(&vote(kind::PRE_VOTE, &request)), "20:0193930702c393060103c2");
    assert_eq!(
        hex(&vote_reply(&VoteResponse::new(vote_of(7, 2), None, true))),
        "19:0193930702c3c3c0"
    );
    assert_eq!(hex(&append_reply(&Ok(Some(log_id(5, 3, 12))))), "17:0193009305030cc0");
    let request = TransferLeaderRequest::new(vote_of(7, 2), NodeId(4), None);
    assert_eq!(hex(&transfer(&request, false)), "21:0194930702c304c0c2");
    assert_eq!(hex(&transfer_reply(&Ok(()))), "22:019500c0c0c0c0");
    assert_eq!(hex(&snapshot_begin(&vote_of(9, 1))), "23:01930901c3");
    assert_eq!(hex(&snapshot_end()), "25:01");
    assert_eq!(
        hex(&snapshot_reply(&SnapshotResponse::new(vote_of(9, 1)))),
        "26:01930901c3"
    );
    assert_eq!(hex(&declined(Declined::NotEnrolled)), "31:0101");
}

#[test]
fn a_command_is_cut_out_of_the_frame_and_not_copied() {
    let frame = append(&some_append());
    let got = append_in(&frame).unwrap();
    let EntryPayload::Normal(Proposal(command)) = &got.entries[1].payload else {
        panic!("a command")
    };
    assert!(frame.body.as_ptr_range().contains(&command.as_ptr()));
}

#[test]
fn bytes_that_were_cut_or_changed_are_refused_or_read_and_never_panic() {
    let frame = append(&some_append());
    for len in 0..frame.body.len() {
        assert!(
            append_in(&Frame::new(kind::APPEND, frame.body.slice(..len))).is_err(),
            "{len} bytes"
        );
    }
    for at in 0..frame.body.len() {
        for change in [1, 0x7f, 0x80, 0xff] {
            let mut body = frame.body.to_vec();
            body[at] ^= change;
            let _ = append_in(&Frame::new(kind::APPEND, body));
        }
    }
}

#[test]
fn another_version_and_another_kind_are_refused() {
    let frame = append(&some_append());
    let mut body = frame.body.to_vec();
    body[0] = 2;
    assert!(matches!(
        append_in(&Frame::new(kind::APPEND, body)),
        Err(WireError::Version(2))
    ));
    assert!(matches!(
        append_in(&Frame::new(kind::VOTE, frame.body.clone())),
        Err(WireError::Kind(18))
    ));
    assert!(matches!(append_reply_in(&frame), Err(WireError::Kind(16))));
}
