//! Random people and random trouble at three nodes, beside a naive list of who is there. When it has been quiet for a while
//! all nodes agree with the list.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use encke_hub::{BanId, Notice, Subscription, What};

use crate::{
    local::Local,
    site::{Node, Site},
};

const PEOPLE: [(&str, &str); 4] = [("anna", "tab-1"), ("anna", "tab-2"), ("bob", ""), ("", "carl")];
const CHANNELS: [&str; 2] = ["chat.a", "chat.b"];
const RUNS: u64 = 200;
const STEPS: usize = 60;

struct Reader {
    node: usize,
    who: usize,
    channel: usize,
    _subscription: Subscription,
}

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trouble {
    Nothing,
    /// Parcels are lost.
    Losses,
    /// One node is cut off, again and again.
    Cuts,
    /// One node dies.
    Death,
    All,
}

const TROUBLES: [Trouble; 5] =
    [Trouble::Nothing, Trouble::Losses, Trouble::Cuts, Trouble::Death, Trouble::All];

struct World {
    site: Site<Arc<Local>>,
    nodes: Vec<Node>,
    cut: Vec<bool>,
    readers: Vec<Reader>,
    bans: Vec<BanId>,
    /// What the dead had told.
    told: Vec<Notice>,
    made: usize,
    trouble: Trouble,
    deaths: usize,
    random: fastrand::Rng,
}

impl World {
    async fn new(seed: u64, trouble: Trouble) -> Self {
        let local = Arc::new(Local::new(seed));
        let site = Site::new(local);
        let nodes: [Node; 3] = site.nodes().await;
        let random = fastrand::Rng::with_seed(seed);
        // Long enough for somebody to have begun to tell.
        tokio::time::sleep(Duration::from_secs(3)).await;
        Self {
            site,
            nodes: nodes.into(),
            cut: vec![false; 3],
            readers: Vec::new(),
            bans: Vec::new(),
            told: Vec::new(),
            made: 3,
            trouble,
            deaths: 0,
            random,
        }
    }

    async fn step(&mut self) {
        let at = self.random.usize(..3);
        match self.random.u32(..100) {
            0..35 => self.come(at).await,
            35..60 if !self.readers.is_empty() => {
                let which = self.random.usize(..self.readers.len());
                self.readers.swap_remove(which);
            }
            60..80 => {
                let longest = [10, 1_000, 8_000][self.random.usize(..3)];
                tokio::time::sleep(Duration::from_millis(self.random.u64(..longest))).await;
            }
            80..85 => {
                let banned = self.nodes[at].ban(&format!("other-{}", self.random.u32(..5)), None).await;
                self.bans.push(banned.id);
            }
            85..88 if !self.bans.is_empty() => {
                let id = self.bans[self.random.usize(..self.bans.len())];
                let _ = self.nodes[at].hub.lift_ban(&self.nodes[at].root().await, id).unwrap();
            }
            88..93 => {
                let at = match self.trouble {
                    Trouble::Cuts => {
                        // What it has told just now is known to the others.
                        tokio::time::sleep(Duration::from_secs(1)).await;
                        0
                    }
                    Trouble::All => at,
                    _ => return,
                };
                self.cut[at] = !self.cut[at];
                if self.cut[at] { self.nodes[at].cut() } else { self.nodes[at].mend() }
            }
            93..96 if matches!(self.trouble, Trouble::Losses | Trouble::All) => {
                let loss = self.random.u32(..30);
                self.site.bus.lose(loss);
            }
            96..98 if self.trouble == Trouble::All || self.trouble == Trouble::Death && self.deaths == 0 => {
                self.die(at).await;
            }
            _ => {}
        }
    }

    async fn come(&mut self, node: usize) {
        let (who, channel) = (self.random.usize(..PEOPLE.len()), self.random.usize(..CHANNELS.len()));
        let (subject, client) = PEOPLE[who];
        let _subscription = self.nodes[node].open(subject, client, CHANNELS[channel]).await;
        self.readers.push(Reader { node, who, channel, _subscription });
    }

    /// One dies, and another comes instead.
    async fn die(&mut self, at: usize) {
        self.deaths += 1;
        self.made += 1;
        let new = self.site.node(&format!("node-{}", self.made)).await;
        let old = std::mem::replace(&mut self.nodes[at], new);
        self.told.extend(old.told());
        old.die();
        self.cut[at] = false;
        self.readers.retain(|reader| reader.node != at);
    }

    /// Nothing is wrong any more, and whoever is away has left.
    async fn quiet(&mut self) {
        self.site.bus.lose(0);
        for at in 0..3 {
            if std::mem::take(&mut self.cut[at]) {
                self.nodes[at].mend();
            }
        }
        tokio::time::sleep(Duration::from_secs(25)).await;
    }

    /// Members with their connections.
    fn expected(&self, channel: usize) -> Vec<(String, usize)> {
        let mut members = BTreeMap::new();
        for reader in self.readers.iter().filter(|reader| reader.channel == channel) {
            let key = match PEOPLE[reader.who] {
                ("", client) => format!("client:{client}"),
                (subject, _) => format!("subject:{subject}"),
            };
            *members.entry(key).or_insert(0) += 1;
        }
        let mut members: Vec<_> = members.into_iter().collect();
        // Subjects come before clients.
        members.sort_by_key(|(key, _)| (key.starts_with("client"), key.clone()));
        members
    }

    async fn check(&self, seed: u64) {
        for node in &self.nodes {
            assert_eq!(node.known().await.len(), 3, "seed {seed}");
            for (index, channel) in CHANNELS.into_iter().enumerate() {
                let members = node.members(channel).await;
                assert_eq!(members, self.expected(index), "seed {seed}, {} of {channel}", node.name);
            }
            let counts = node.hub.presence_counts();
            let expected: usize = (0..CHANNELS.len()).map(|index| self.expected(index).len()).sum();
            assert_eq!(counts.members, expected, "seed {seed}");
        }
        let bans = |node: &Node, grant| {
            let bans = node.hub.bans(&grant, None, 1_000).unwrap();
            bans.into_iter().map(|info| (info.id, info.ban.until)).collect::<Vec<_>>()
        };
        let first = bans(&self.nodes[0], self.nodes[0].root().await);
        for node in &self.nodes[1..] {
            assert_eq!(bans(node, node.root().await), first, "seed {seed}");
        }
        self.check_notices(seed);
    }

    /// Without trouble everything was told once. If one node at a time had any, the last that was told of each member is so.
    /// If all had, it is not settled what is told.
    fn check_notices(&self, seed: u64) {
        let mut all = self.told.clone();
        all.extend(self.nodes.iter().flat_map(Node::told));
        all.sort_by_key(|notice| notice.at);
        let mut present = BTreeMap::new();
        for notice in all {
            let (Some(on), Some(member)) = (&notice.on, &notice.who.member) else { continue };
            let is_there = match notice.what {
                What::Joined => true,
                What::Left => false,
                _ => continue,
            };
            let before = present.insert((on.as_str().to_owned(), member.to_string()), is_there);
            if self.trouble == Trouble::Nothing {
                assert_ne!(before.unwrap_or(false), is_there, "seed {seed}: told twice");
            }
        }
        if self.trouble == Trouble::All {
            return;
        }
        present.retain(|_, is_there| *is_there);
        let expected = CHANNELS.into_iter().enumerate().flat_map(|(index, channel)| {
            self.expected(index).into_iter().map(move |(key, _)| (channel.to_owned(), key))
        });
        assert!(
            present.keys().cloned().eq(expected.collect::<std::collections::BTreeSet<_>>()),
            "seed {seed}: {present:?}"
        );
    }
}

#[test]
fn after_any_trouble_all_nodes_agree() {
    let seeds =
        std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).map_or(0..RUNS, |seed| seed..seed + 1);
    for seed in seeds {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let trouble = TROUBLES[usize::try_from(seed).unwrap() % TROUBLES.len()];
            let mut world = World::new(seed, trouble).await;
            for _ in 0..STEPS {
                world.step().await;
            }
            world.quiet().await;
            world.check(seed).await;
        });
    }
}
