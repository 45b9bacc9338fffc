//! What every transport must do, once: a list of cases that [`transport_conformance!`](crate::transport_conformance)
//! runs over each of them.

mod delivery;
mod gaps;
mod life;
mod over;
mod reader;

pub use delivery::*;
pub use gaps::*;
pub use life::*;
pub use over::Over;
pub use reader::Reader;

/// Runs the list over transports: `transport_conformance!(poll: Poll, sse: Sse)` makes a module of tests for each, with
/// one for each engine in it.
#[macro_export]
macro_rules! transport_conformance {
    ($($module:ident: $transport:ident),+ $(,)?) => {
        $($crate::transport_conformance!(@list $module, $transport,
            d1_every_message_in_order,
            d2_resume_from_every_cursor,
            d4_a_cursor_before_any_message,
            d6_nothing_is_lost_after_the_position,
            every_since,
            several_channels_one_order,
            a_message_in_two_channels_comes_once,
            a_message_names_those_of_its_channels_that_are_followed,
            wildcards_with_channels_to_come,
            unicode_and_binary,
            d1_gap_when_trimmed,
            d1_gap_when_deleted,
            d7_gap_of_another_epoch,
            d7_gap_from_the_future,
            d7_malformed_is_refused,
            a_quiet_channels_cursor_does_not_age,
            d9_a_slow_reader_is_told,
            oversize_is_refused_and_harms_nobody,
            heartbeats_tell_the_place,
            s4_a_drain_loses_nothing,
            frees_everything_when_it_leaves,
        );)+
    };
    (@list $module:ident, $transport:ident, $($case:ident),+ $(,)?) => {
        mod $module {
            $crate::transport_conformance!(@over memory, Memory, $transport, $($case),+);
            $crate::transport_conformance!(@over disk, Disk, $transport, $($case),+);
            $crate::transport_conformance!(@over redis, Redis, $transport, $($case),+);
        }
    };
    (@over $module:ident, $over:ident, $transport:ident, $($case:ident),+) => {
        mod $module {
            $(
                #[tokio::test]
                async fn $case() {
                    let (transport, over) = ($crate::Transport::$transport, $crate::conformance::Over::$over);
                    $crate::conformance::$case(transport, over).await;
                }
            )+
        }
    };
}
