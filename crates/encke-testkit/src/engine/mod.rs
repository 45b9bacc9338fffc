//! What every engine must do, once: a list of cases that [`engine_conformance!`](crate::engine_conformance) runs over
//! each of them.

mod delivery;
mod gaps;
mod life;
mod limits;
mod node;
mod order;
mod place;
mod retention;
mod since;
mod wakes;

pub use delivery::*;
pub use gaps::*;
pub use life::*;
pub use limits::*;
pub use node::{Node, Read};
pub use order::*;
pub use place::{EngineUnderTest, Memory, Place};
pub use retention::*;
pub use since::*;
pub use wakes::*;

/// Runs the list over an [`EngineUnderTest`]: `engine_conformance!(Memory)` makes a test of each case.
///
/// Some cases are for those that promise it: `engine_conformance!(Disk: outlives)` for a log that outlives its engine,
/// `engine_conformance!(Redis: outlives, nodes)` for one that several engines feed at a time, and `forgets` for one that
/// is gone with its engine.
#[macro_export]
macro_rules! engine_conformance {
    ($engine:ty $(: $($also:ident),+)?) => {
        $crate::engine_conformance!(@list $engine,
            l1_seqs_rise_and_each_message_names_the_one_before_it,
            l1_times_never_run_backwards,
            l1_publishers_at_once_get_distinct_rising_seqs,
            l1_a_channel_that_comes_back_goes_on,
            l3_what_is_acknowledged_is_read_at_once,
            l4_a_key_that_comes_again_gets_the_first_answer,
            l4_a_key_that_comes_many_times_at_once_is_stored_once,
            l4_a_publish_that_is_given_up_is_stored_once_or_not_at_all,
            l6_it_keeps_by_count_what_memory_keeps,
            l6_it_keeps_by_bytes_what_memory_keeps,
            l6_it_keeps_by_age_what_memory_keeps,
            l6_trimming_and_deleting_are_answered,
            l7_each_limit_refuses_by_its_name,
            d1_a_reader_that_is_far_behind_gets_everything,
            d1_a_trimmed_cursor_gets_a_gap,
            d1_a_reader_is_told_of_what_goes_while_it_reads,
            d1_an_older_cursor_joins_what_is_followed,
            d2_every_cursor_resumes,
            d3_channels_and_patterns_come_in_one_order,
            d4_a_cursor_before_any_message,
            d5_one_batch_at_a_time_comes_to_the_end,
            d5_a_hundred_subscribers_get_everything,
            d6_nothing_is_lost_after_the_position,
            d7_a_cursor_that_is_no_place_gets_a_gap,
            d8_a_floor_holds_for_what_is_not_in_memory,
            a_quiet_channels_cursor_does_not_age,
            every_since_begins_where_it_does_in_memory,
        );
        $($($crate::engine_conformance!(@$also $engine);)+)?
    };
    (@forgets $engine:ty) => {
        $crate::engine_conformance!(@list $engine, l2_what_begins_again_is_another_life);
    };
    (@outlives $engine:ty) => {
        $crate::engine_conformance!(@list $engine,
            l2_a_log_that_is_opened_again_goes_on,
            l2_what_was_gone_stays_gone,
            l4_a_key_is_known_when_it_is_opened_again,
            l7_what_is_kept_counts_when_it_is_opened_again,
        );
    };
    (@nodes $engine:ty) => {
        $crate::engine_conformance!(@list $engine,
            d10_every_node_reads_the_same,
            d10_a_cursor_of_one_node_is_good_at_the_other,
        );
    };
    (@list $engine:ty, $($case:ident),+ $(,)?) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                $crate::engine::$case::<$engine>().await;
            }
        )+
    };
}
