//! The keys of records as bytes: the number of the kind, then the fields, big-endian.

use bytes::BufMut;
use quorate_core::{DeviceId, RecordKey};

/// Bytes of the longest keys: a kind and a digest, or four numbers.
const KEY_BYTES_MAX: usize = 1 + 32;

/// The bytes of a key. They sort as the keys do.
pub(super) fn encode(key: &RecordKey) -> Vec<u8> {
    match *key {
        RecordKey::Clock => of_numbers(1, &[]),
        RecordKey::User(user) => of_numbers(2, &[user.0]),
        RecordKey::Device(DeviceId(digest)) => with(3, &digest),
        RecordKey::Writer(writer) => of_numbers(4, &[writer.0]),
        RecordKey::Receipt(writer, slot) => {
            let mut out = of_numbers(5, &[writer.0]);
            out.put_u8(slot.0);
            out
        }
        RecordKey::Room(room) => of_numbers(6, &[room.0]),
        RecordKey::Member(room, user) => of_numbers(7, &[room.0, user.0]),
        RecordKey::MessageKey(user, digest) => {
            let mut out = of_numbers(8, &[user.0]);
            out.put_u128(digest);
            out
        }
        RecordKey::Edits(room, seq) => of_numbers(9, &[room.0, seq.0]),
        RecordKey::Reaction(room, seq, user, emoji) => of_numbers(10, &[room.0, seq.0, user.0, emoji]),
        RecordKey::Ban(room, user) => of_numbers(11, &[room.0, user.0]),
        RecordKey::Invitation(room, user) => of_numbers(12, &[room.0, user.0]),
        RecordKey::Mention(user, room, seq) => of_numbers(13, &[user.0, room.0, seq.0]),
        RecordKey::Call(room, seq) => of_numbers(14, &[room.0, seq.0]),
        RecordKey::Invite(invite) => of_numbers(15, &[invite.0]),
        RecordKey::Settings => of_numbers(16, &[]),
        RecordKey::Restriction(room, user) => of_numbers(17, &[room.0, user.0]),
        RecordKey::ServerRole(user) => of_numbers(20, &[user.0]),
        RecordKey::ServerBan(ban) => of_numbers(21, &[ban.0]),
        RecordKey::Lockdown => of_numbers(22, &[]),
        RecordKey::AuditHead => of_numbers(23, &[]),
        RecordKey::AuditEntry(no) => of_numbers(24, &[no.0]),
        RecordKey::JoinToken(token) => of_numbers(40, &[token.0]),
        RecordKey::Node(node) => of_numbers(41, &[node.0]),
        RecordKey::Roster => of_numbers(42, &[]),
    }
}

fn of_numbers(kind: u8, numbers: &[u64]) -> Vec<u8> {
    let mut out = with(kind, &[]);
    numbers.iter().for_each(|number| out.put_u64(*number));
    out
}

fn with(kind: u8, bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(KEY_BYTES_MAX);
    out.put_u8(kind);
    out.put_slice(bytes);
    out
}

/// The bytes of a place in a room.
pub(super) fn place(room: u64, seq: u64) -> [u8; 16] {
    ((u128::from(room) << 64) | u128::from(seq)).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use quorate_core::{AuditNo, BanId, InviteId, NodeId, ReceiptSlot, RoomId, Seq, TokenId, UserId, WriterId};

    #[test]
    fn the_bytes_sort_as_the_keys_do() {
        let mut keys = vec![
            RecordKey::AuditEntry(AuditNo(300)),
            RecordKey::AuditEntry(AuditNo(7)),
            RecordKey::AuditHead,
            RecordKey::Lockdown,
            RecordKey::ServerBan(BanId(300)),
            RecordKey::ServerBan(BanId(7)),
            RecordKey::ServerRole(UserId(5)),
            RecordKey::Roster,
            RecordKey::Node(NodeId(300)),
            RecordKey::Node(NodeId(2)),
            RecordKey::JoinToken(TokenId(300)),
            RecordKey::JoinToken(TokenId(7)),
            RecordKey::Restriction(RoomId(3), UserId(9)),
            RecordKey::Settings,
            RecordKey::Invite(InviteId(300)),
            RecordKey::Invite(InviteId(5)),
            RecordKey::Call(RoomId(2), Seq(300)),
            RecordKey::Call(RoomId(2), Seq(7)),
            RecordKey::Call(RoomId(300), Seq(1)),
            RecordKey::Mention(UserId(1), RoomId(300), Seq(1)),
            RecordKey::Mention(UserId(1), RoomId(2), Seq(300)),
            RecordKey::Mention(UserId(1), RoomId(2), Seq(7)),
            RecordKey::Mention(UserId(300), RoomId(1), Seq(1)),
            RecordKey::Invitation(RoomId(1), UserId(300)),
            RecordKey::Invitation(RoomId(300), UserId(1)),
            RecordKey::Ban(RoomId(300), UserId(1)),
            RecordKey::Ban(RoomId(1), UserId(300)),
            RecordKey::Reaction(RoomId(1), Seq(1), UserId(1), 300),
            RecordKey::Reaction(RoomId(1), Seq(1), UserId(1), 7),
            RecordKey::Reaction(RoomId(1), Seq(1), UserId(300), 1),
            RecordKey::Reaction(RoomId(1), Seq(300), UserId(1), 1),
            RecordKey::Reaction(RoomId(300), Seq(1), UserId(1), 1),
            RecordKey::Edits(RoomId(1), Seq(300)),
            RecordKey::Edits(RoomId(300), Seq(1)),
            RecordKey::MessageKey(UserId(1), 2),
            RecordKey::Member(RoomId(1), UserId(300)),
            RecordKey::Member(RoomId(256), UserId(1)),
            RecordKey::Receipt(WriterId(7), ReceiptSlot(3)),
            RecordKey::Receipt(WriterId(7), ReceiptSlot(2)),
            RecordKey::Writer(WriterId(7)),
            RecordKey::Room(RoomId(2)),
            RecordKey::Device(DeviceId([9; 32])),
            RecordKey::User(UserId(5)),
            RecordKey::Clock,
        ];
        let mut by_bytes = keys.clone();
        keys.sort();
        by_bytes.sort_by_key(encode);
        assert_eq!(keys, by_bytes);
    }
}
