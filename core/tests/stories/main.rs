//! Stories: what the chat does, told line by line. `world` says what a line may say; every line
//! that ends in `->` says what it must come to.

mod line;
mod world;

use line::Line;
use world::World;

fn tell(story: &str) {
    let mut world = World::new();
    for (number, text) in story.lines().enumerate() {
        let Some(line) = Line::parse(text) else { continue };
        let found = world.act(&line);
        assert_eq!(found, line.expected, "line {}: {text}", number + 1);
    }
    world.end();
}

macro_rules! story {
    ($claim:ident) => {
        #[test]
        fn $claim() {
            tell(include_str!(concat!(stringify!($claim), ".txt")));
        }
    };
}

story!(a_name_has_one_owner);
story!(a_login_binds_a_device_until_it_is_unbound);
story!(a_request_is_answered_again_but_never_done_again);
story!(a_receipt_is_kept_for_64_requests);
story!(a_message_id_finds_its_message_through_any_writer);
story!(a_private_room_is_invisible_to_strangers);
story!(a_direct_room_begins_with_its_first_message);
story!(who_leaves_reads_and_writes_no_more);
story!(unread_counts_messages_of_others_past_the_mark);
story!(an_idle_writer_expires);
story!(log_time_never_runs_backwards);
story!(a_user_cannot_be_in_too_many_places);
story!(a_bot_belongs_to_a_person);
story!(a_deleted_room_is_gone_and_its_name_is_free);
story!(a_login_is_remembered);
story!(a_name_that_looks_like_anothers_is_refused);
story!(a_password_is_changed_by_who_knows_it);
story!(a_role_says_what_a_member_may_do);
story!(a_room_is_given_away_by_its_owner);
story!(a_user_is_invited_to_so_many_rooms);
story!(an_archived_room_is_closed_for_writing);
story!(an_invitation_opens_a_room);
story!(an_invite_lets_in_as_many_as_it_says);
story!(an_operator_says_how_much_users_keep);
story!(an_owner_who_goes_leaves_the_room_to_the_longest_standing);
story!(invites_have_an_end);
story!(leaving_and_joining_is_no_way_around_a_silence);
story!(lists_of_people_and_places_have_ends);
story!(nobody_manages_a_direct_room);
story!(retention_has_bounds);
story!(some_names_are_nobodys);
story!(who_is_banned_stays_out_until_then);
story!(who_is_deleted_leaves_a_name_that_nobody_gets);
story!(who_is_deleted_may_take_the_texts_along);
story!(who_is_kicked_may_come_back);
story!(who_is_muted_reads_until_then);
story!(writers_of_an_unbound_device_go_one_by_one);
story!(a_user_has_so_many_writers);
story!(lines_that_are_no_messages_go_by_their_number);
story!(a_room_holds_so_many_members);
story!(an_edit_gives_an_own_message_another_text);
story!(a_redacted_message_has_no_text_any_more);
story!(an_emoji_is_put_to_a_message_once_by_each);
story!(a_mention_is_counted_apart);
story!(the_newest_mentions_are_remembered);
story!(what_is_over_its_bounds_goes);
story!(a_long_history_goes_a_stretch_at_a_time);
story!(texts_are_kept_up_to_a_quota);
story!(texts_of_a_deleted_user_go_a_few_at_a_time);
story!(what_has_run_out_is_swept);
story!(a_room_ends_with_its_last_member);
story!(rooms_that_ended_go_together);
story!(a_silence_of_who_is_away_may_be_lifted);
story!(silences_of_who_is_away_have_an_end);
story!(a_person_makes_so_many_bots);
story!(an_operator_looks_after_accounts);
story!(a_disabled_account_keeps_everything_and_may_do_nothing);
story!(who_is_banned_from_the_cluster_stays_out_until_then);
story!(a_ban_of_a_network_is_for_who_comes_from_there);
story!(a_lockdown_forbids_a_little_more_each_time);
story!(a_server_role_reaches_into_public_rooms);
story!(an_operator_looks_after_rooms);
story!(every_operation_stands_in_the_audit_log);
story!(a_token_lets_in_as_many_nodes_as_it_says);
story!(a_token_has_an_end);
story!(a_node_that_is_gone_is_gone_for_ever);
story!(who_changes_nodes_has_seen_them);
story!(a_certificate_is_renewed_when_it_is_asked_for);
