use std::{collections::HashMap, future::Future};

use encke_core::ChannelName;
use futures_util::stream::{FuturesUnordered, StreamExt as _};

/// Does the work for all items at the same time, but for those that share a channel one after the other, in their order.
/// So a slow disk is asked once for many, and no channel gets out of order.
pub(crate) async fn in_order<T, R, F: Future<Output = R>>(
    items: Vec<T>,
    channels: impl Fn(&T) -> &[ChannelName],
    work: impl Fn(T) -> F,
) -> Vec<R> {
    // For each item: those that wait for it, and for how many it waits.
    let mut followers = vec![Vec::new(); items.len()];
    let mut waits = vec![0_usize; items.len()];
    let mut last: HashMap<&ChannelName, usize> = HashMap::new();
    for (at, item) in items.iter().enumerate() {
        for channel in channels(item) {
            // An item may name a channel twice; it does not wait for itself.
            if let Some(before) = last.insert(channel, at).filter(|before| *before != at) {
                followers[before].push(at);
                waits[at] += 1;
            }
        }
    }
    let mut items: Vec<_> = items.into_iter().map(Some).collect();
    let mut running = FuturesUnordered::new();
    let mut start = |at: usize| {
        let item = items[at].take()?;
        let done = work(item);
        Some(async move { (at, done.await) })
    };
    (0..waits.len())
        .filter(|at| waits[*at] == 0)
        .filter_map(&mut start)
        .for_each(|first| running.push(first));
    let mut results = Vec::with_capacity(waits.len());
    while let Some((at, result)) = running.next().await {
        results.push(result);
        for next in std::mem::take(&mut followers[at]) {
            waits[next] -= 1;
            if waits[next] == 0 {
                running.extend(start(next));
            }
        }
    }
    results
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[tokio::test]
    async fn items_of_a_channel_keep_their_order_and_others_do_not_wait() {
        for round in 0..200 {
            fastrand::seed(round);
            let name = |_| ChannelName::new(&fastrand::u8(0..6).to_string()).unwrap();
            let channels = || (0..fastrand::usize(0..4)).map(name).collect::<Vec<_>>();
            let items: Vec<_> = (0..40).map(|number| (number, channels())).collect();
            let (begun, ended) = (Mutex::new(Vec::new()), Mutex::new(Vec::new()));
            let done = in_order(
                items.clone(),
                |item| &item.1,
                async |item: (usize, Vec<ChannelName>)| {
                    begun.lock().unwrap().push(item.0);
                    for _ in 0..fastrand::usize(0..5) {
                        tokio::task::yield_now().await;
                    }
                    ended.lock().unwrap().push(item.0);
                    item.0
                },
            );
            let mut done = done.await;
            done.sort_unstable();
            assert_eq!(done, (0..40).collect::<Vec<_>>(), "all are done, round {round}");
            let (begun, ended) = (begun.into_inner().unwrap(), ended.into_inner().unwrap());
            let at = |list: &[usize], number| list.iter().position(|known| *known == number).unwrap();
            for (one, ones) in &items {
                for (other, others) in items.iter().filter(|(other, _)| other > one) {
                    if ones.iter().any(|channel| others.contains(channel)) {
                        assert!(at(&ended, *one) < at(&ended, *other), "round {round}: {one} before {other}");
                        assert!(at(&begun, *one) < at(&begun, *other), "round {round}: {one} before {other}");
                    }
                }
            }
        }
    }
}
