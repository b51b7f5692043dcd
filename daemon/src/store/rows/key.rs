//! The keys of records as bytes: the number of the kind, then the fields, big-endian.

use bytes::BufMut;
use quorate_core::{DeviceId, RecordKey};

/// The bytes of a key. They sort as the keys do.
pub(super) fn encode(key: &RecordKey) -> Vec<u8> {
    let mut out = Vec::with_capacity(40);
    match key {
        RecordKey::Clock => out.put_u8(1),
        RecordKey::User(user) => {
            out.put_u8(2);
            out.put_u64(user.0);
        }
        RecordKey::Device(DeviceId(digest)) => {
            out.put_u8(3);
            out.put_slice(digest);
        }
        RecordKey::Writer(writer) => {
            out.put_u8(4);
            out.put_u64(writer.0);
        }
        RecordKey::Receipt(writer, slot) => {
            out.put_u8(5);
            out.put_u64(writer.0);
            out.put_u8(slot.0);
        }
        RecordKey::Room(room) => {
            out.put_u8(6);
            out.put_u64(room.0);
        }
        RecordKey::Member(room, user) => {
            out.put_u8(7);
            out.put_u64(room.0);
            out.put_u64(user.0);
        }
        RecordKey::MessageKey(user, digest) => {
            out.put_u8(8);
            out.put_u64(user.0);
            out.put_u128(*digest);
        }
        RecordKey::Edits(room, seq) => {
            out.put_u8(9);
            out.put_u64(room.0);
            out.put_u64(seq.0);
        }
        RecordKey::Reaction(room, seq, user, emoji) => {
            out.put_u8(10);
            out.put_u64(room.0);
            out.put_u64(seq.0);
            out.put_u64(user.0);
            out.put_u64(*emoji);
        }
        RecordKey::Ban(room, user) => {
            out.put_u8(11);
            out.put_u64(room.0);
            out.put_u64(user.0);
        }
        RecordKey::Invitation(room, user) => {
            out.put_u8(12);
            out.put_u64(room.0);
            out.put_u64(user.0);
        }
        RecordKey::Mention(user, room, seq) => {
            out.put_u8(13);
            out.put_u64(user.0);
            out.put_u64(room.0);
            out.put_u64(seq.0);
        }
        RecordKey::Call(room, seq) => {
            out.put_u8(14);
            out.put_u64(room.0);
            out.put_u64(seq.0);
        }
        RecordKey::Invite(invite) => {
            out.put_u8(15);
            out.put_u64(invite.0);
        }
        RecordKey::Settings => out.put_u8(16),
        RecordKey::Restriction(room, user) => {
            out.put_u8(17);
            out.put_u64(room.0);
            out.put_u64(user.0);
        }
    }
    out
}

/// The bytes of a place in a room.
pub(super) fn place(room: u64, seq: u64) -> [u8; 16] {
    ((u128::from(room) << 64) | u128::from(seq)).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use quorate_core::{InviteId, ReceiptSlot, RoomId, Seq, UserId, WriterId};

    #[test]
    fn the_bytes_sort_as_the_keys_do() {
        let mut keys = vec![
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
