//! Rows of lists.

pub(crate) use quorate_client::json::{
    account, account_row, ban, device, member, presence, retention, role, room, unread,
};

#[cfg(test)]
mod tests {
    use quorate_client::{
        Account, AccountRow, BanRow, DeviceId, DeviceRow, MemberRow, Presence, Retention, Role, RoomName, RoomRow, Seq,
        Span, Timestamp, Topic, UnreadRow, UserName,
    };

    use quorate_core::DeviceName;

    use serde_json::json;

    use super::*;

    const AT: Timestamp = Timestamp(1_795_305_600_000);
    const AT_TEXT: &str = "2026-11-22T00:00:00.000Z";

    fn alice() -> UserName {
        UserName::parse("alice").unwrap()
    }

    #[test]
    fn a_room_has_its_bounds_and_what_the_asker_is_there() {
        let row = RoomRow {
            name: RoomName::parse("ops").unwrap(),
            topic: Topic::parse("rain").unwrap(),
            private: true,
            members: 2,
            last: Seq(9),
            first: Seq(4),
            archived: false,
            retention: Retention {
                age_max: Some(Span(2_592_000_000)),
                messages_max: None,
            },
            role: Some(Role::ReadOnly),
            invited: false,
        };
        let expected = json!({
            "room": "ops", "topic": "rain", "private": true, "archived": false, "members": 2, "first_seq": 4,
            "last_seq": 9, "role": "read-only", "invited": false,
            "retention": {"max_age": "30d", "max_count": null},
        });
        assert_eq!(room(&row), expected);
    }

    #[test]
    fn members_accounts_and_bans_are_listed_by_user() {
        let row = MemberRow {
            user: alice(),
            role: Role::Moderator,
            muted: true,
            presence: Presence::Away,
        };
        assert_eq!(
            member(&row),
            json!({"user": "alice", "role": "moderator", "muted": true, "presence": "away"})
        );
        let row = AccountRow {
            user: alice(),
            bot: true,
            registered_at: AT,
            last_login: AT,
            presence: Presence::Online,
        };
        let expected = json!({
            "user": "alice", "role": "bot", "bot": true, "registered_at": AT_TEXT, "last_login": AT_TEXT, "presence": "online",
        });
        assert_eq!(account_row(&row), expected);
        let row = BanRow {
            user: alice(),
            by: UserName::parse("bob").unwrap(),
            until: None,
        };
        assert_eq!(ban(&row), json!({"user": "alice", "by": "bob", "until": null}));
        let until = Some(Timestamp(u64::MAX));
        assert!(
            ban(&BanRow { until, ..row })["until"].is_null(),
            "for longer than there are dates"
        );
    }

    #[test]
    fn a_device_says_whether_it_is_this_one() {
        let row = DeviceRow {
            device: DeviceId([0xab; 32]),
            name: DeviceName::parse("laptop").unwrap(),
            bound_at: AT,
        };
        let expected = json!({"id": "ab".repeat(32), "name": "laptop", "last_login": AT_TEXT, "current": true});
        assert_eq!(device(&row, row.device), expected);
        assert_eq!(device(&row, DeviceId([0; 32]))["current"], false);
    }

    #[test]
    fn the_own_account_says_whose_bot_it_is_and_what_it_keeps() {
        let own = Account {
            user: alice(),
            registered_at: AT,
            device: DeviceId([0xab; 32]),
            last_login: AT,
            owner: Some(UserName::parse("bob").unwrap()),
            text_bytes: 5,
            text_bytes_max: Some(1000),
        };
        let expected = json!({
            "user": "alice", "device": "ab".repeat(32), "registered_at": AT_TEXT, "last_login": AT_TEXT, "bot": true,
            "owner": "bob", "text_bytes": 5, "text_bytes_max": 1000,
        });
        assert_eq!(account(&own), expected);
    }

    #[test]
    fn unread_rooms_count_mentions_too() {
        let row = UnreadRow {
            room: RoomName::parse("ops").unwrap(),
            unread: 5,
            mentions: 1,
            read: Seq(3),
            last: Seq(9),
        };
        assert_eq!(
            unread(&row),
            json!({"room": "ops", "unread": 5, "mentions": 1, "last_read": 3, "last_seq": 9})
        );
    }
}
