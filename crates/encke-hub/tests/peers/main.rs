//! Several hubs that are one system.
#![expect(clippy::unwrap_used, reason = "tests")]

mod list;
mod local;
mod model;
mod site;

use std::sync::Arc;

use self::{
    local::Local,
    site::{Bus, Link, Site, eventually},
};

impl Bus for Arc<Local> {
    async fn join(&self) -> Link {
        let peers = self.peers();
        let cut = Arc::clone(&peers);
        Link { peers, cut: Box::new(move |is_cut| cut.cut(is_cut)) }
    }
}

/// The list over a bus in this process, where time passes at once.
macro_rules! list {
    ($($test:ident),* $(,)?) => {$(
        #[tokio::test(start_paused = true)]
        async fn $test() {
            list::$test(&Site::new(Arc::new(Local::new(1)))).await;
        }
    )*};
}

list!(
    one_on_two_nodes_is_one_member_with_two_connections,
    what_happens_is_told_once,
    the_members_of_a_dead_node_leave_and_somebody_tells_it,
    a_farewell_leaves_time_to_come_to_another_node,
    s1_a_ban_holds_on_all_nodes_and_on_those_that_come_later,
    s1_a_node_that_was_cut_off_learns_of_bans_and_lifts,
    orders_reach_the_clients_of_all_nodes,
    answers_cover_all_nodes_and_name_those_that_are_silent,
    who_is_cut_off_keeps_what_it_knows_and_learns_the_rest,
    many_members_come_in_parts,
);

#[tokio::test(start_paused = true)]
async fn s1_a_ban_that_was_lost_on_its_way_is_learned_from_others() {
    let site = Site::new(Arc::new(Local::new(1)));
    let [a, b, c] = site.nodes().await;
    let id = c.hub.nodes(&c.root().await).await.unwrap()[0].id;
    site.bus.deafen(id, true);
    let banned = a.ban("anna", None).await;
    assert_eq!(banned.silent.len(), 1);
    assert!(b.grant("anna", "").await.is_err());
    // Nobody is left who could tell that something was missed.
    a.die();
    site.bus.deafen(id, false);
    eventually("the ban is known", async || c.grant("anna", "").await.is_err()).await;
}
