//! One life of the gateway: three publish, one reads, and then it is killed.

use std::{
    env,
    path::Path,
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use encke_client::{Client, Resume, SubscribeOptions, Transport};
use encke_core::{ChannelName, Cursor, Key, Message};
use encke_testkit::{GatewayProcess, wait_for};
use fastrand::Rng;
use tokio::{
    task::JoinHandle,
    time::{sleep, timeout},
};

use crate::ledger::{Ledger, Said};

const PUBLISHERS: usize = 3;
const CHANNELS: [&str; 3] = ["kill.a", "kill.b", "kill.c"];

/// What one publisher did: what was answered, and what was not.
type Done = (Vec<(Said, Cursor)>, Option<Said>);

/// What the subscriber got.
type Heard = (Vec<(u64, Said)>, Option<Cursor>, usize);

fn start(folder: &Path) -> (GatewayProcess, Client) {
    let program = env::current_exe().unwrap();
    let settings = [
        ("ENCKE_ENGINE__DATA", folder.to_str().unwrap()),
        ("ENCKE_LOG__RETENTION__COUNT", "10000000"),
        ("ENCKE_LOG__RETENTION__BYTES", "1GiB"),
        ("ENCKE_LOG__MEMORY__COUNT", "50"),
    ];
    let process = GatewayProcess::start(program.to_str().unwrap(), &settings);
    let client = Client::new(&format!("http://{}", process.address())).unwrap();
    (process, client)
}

/// Kills it at some moment before it serves.
pub(crate) fn kill_at_start(folder: &Path, rng: &mut Rng) {
    let mut child = Command::new(env::current_exe().unwrap())
        .args(["serve", "--listen", "127.0.0.1:0", "--data"])
        .arg(folder)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let moment = Duration::from_micros(rng.u64(..40_000));
    #[expect(clippy::disallowed_methods, reason = "a random moment, which nothing is hoped of")]
    std::thread::sleep(moment);
    child.kill().unwrap();
    child.wait().unwrap();
}

/// Starts it, which must succeed.
pub(crate) fn starts(folder: &Path) {
    drop(start(folder));
}

/// Starts it, has it publish and read, and kills it at a random moment.
pub(crate) async fn live(folder: &Path, ledger: &mut Ledger, rng: &mut Rng) {
    let (process, client) = start(folder);
    repeat(&client, ledger).await;
    let heard = Arc::new(AtomicU64::new(0));
    let subscriber = subscribe(&client, ledger.place, Arc::clone(&heard));
    let publishers: Vec<_> =
        (0..PUBLISHERS).map(|_| publish(client.clone(), ledger.number(), rng.fork())).collect();
    sleep(Duration::from_micros(rng.u64(..150_000))).await;
    // SIGKILL.
    drop(process);
    for publisher in publishers {
        let (acknowledged, unanswered) = publisher.await.unwrap();
        ledger.acknowledged.extend(acknowledged);
        ledger.unanswered.extend(unanswered);
    }
    ledger.note(subscriber.await.unwrap());
}

/// The last life, in which everything is read.
pub(crate) async fn settle(folder: &Path, ledger: &mut Ledger) {
    let (process, client) = start(folder);
    repeat(&client, ledger).await;
    let heard = Arc::new(AtomicU64::new(0));
    let subscriber = subscribe(&client, ledger.place, Arc::clone(&heard));
    let head = ledger.head();
    wait_for("the subscriber to have read all", async || heard.load(Ordering::Relaxed) >= head).await;
    // Whoever begins at the beginning reads the same as the one who came back each time.
    let again = Arc::new(AtomicU64::new(0));
    let other = subscribe(&client, None, Arc::clone(&again));
    wait_for("another to have read all", async || again.load(Ordering::Relaxed) >= head).await;
    drop(process);
    ledger.note(subscriber.await.unwrap());
    let (read, _, gaps) = other.await.unwrap();
    assert_eq!((&read, gaps), (&ledger.read, 0), "D10: one log, two readers");
}

/// Sends again what was not answered: it is stored once (L4).
async fn repeat(client: &Client, ledger: &mut Ledger) {
    for said in std::mem::take(&mut ledger.unanswered) {
        let cursor = send(client, &said).await.unwrap();
        ledger.acknowledged.push((said, cursor));
        ledger.repeated += 1;
    }
}

async fn send(client: &Client, said: &Said) -> Option<Cursor> {
    let channel = ChannelName::new(&said.channel).unwrap();
    let (message, key) = (Message::text(said.text.clone()), Key::new(&said.text).unwrap());
    match timeout(encke_testkit::PATIENCE, client.publish_once(&[channel], &message, &key)).await.unwrap() {
        Ok(receipt) => Some(receipt.cursor.parse().unwrap()),
        Err(error) => {
            let problem = matches!(error, encke_client::ClientError::Problem(_));
            assert!(!problem, "S5: a living gateway refused: {error}");
            None
        }
    }
}

/// Publishes until nobody answers.
fn publish(client: Client, number: usize, mut rng: Rng) -> JoinHandle<Done> {
    tokio::spawn(async move {
        let mut acknowledged = Vec::new();
        for count in 0.. {
            let channel = CHANNELS[rng.usize(..CHANNELS.len())].to_owned();
            let filler = "x".repeat(rng.usize(..200));
            let said = Said { channel, text: format!("{number}-{count}-{filler}") };
            match send(&client, &said).await {
                Some(cursor) => acknowledged.push((said, cursor)),
                None => return (acknowledged, Some(said)),
            }
        }
        (acknowledged, None)
    })
}

/// Reads until the gateway is gone.
fn subscribe(client: &Client, place: Option<Cursor>, heard: Arc<AtomicU64>) -> JoinHandle<Heard> {
    let since = place.map_or("earliest".to_owned(), |place| place.to_string());
    let options = SubscribeOptions::new(["kill.*"]).since(&since).resume(Resume::Never);
    let mut subscription = client.subscribe(Transport::Sse, options);
    tokio::spawn(async move {
        let (mut read, mut gaps) = (Vec::new(), 0);
        while let Some(Ok(item)) = subscription.next().await {
            if let Some(message) = item.message() {
                let text = message.data.as_str().unwrap().to_owned();
                read.push((message.seq, Said { channel: message.channel.clone(), text }));
                heard.store(message.seq, Ordering::Relaxed);
            }
            if let Some(gap) = item.gap() {
                eprintln!("{gap:?}");
                gaps += 1;
            }
        }
        (read, subscription.cursor(), gaps)
    })
}

impl Ledger {
    /// A number for a publisher.
    fn number(&mut self) -> usize {
        self.next += 1;
        self.next
    }

    fn note(&mut self, (read, place, gaps): Heard) {
        self.read.extend(read);
        self.place = place.or(self.place);
        self.gaps += gaps;
    }
}
