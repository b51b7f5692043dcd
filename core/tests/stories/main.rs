//! Stories: what the chat does, told line by line. `world.rs` says what a line may say; every line
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
