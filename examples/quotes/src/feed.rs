//! The market: random walks, published through the hub.

use std::{error::Error, time::Duration};

use encke::{Action, Ask, ChannelName, Hub, Message, Publish};
use tokio::time::{Instant, MissedTickBehavior, interval};

/// The first two hundred asteroids, in the order of their discovery.
const NAMES: &str = include_str!("names.txt");

/// How often the feed looks what is due.
const STEP: Duration = Duration::from_millis(5);

struct Instrument {
    channel: ChannelName,
    /// Its updates are numbered, so that the page can count for itself what it missed.
    number: u64,
    /// In hundredths.
    open: i64,
    price: i64,
}

impl Instrument {
    fn new(name: &str) -> Result<Self, Box<dyn Error>> {
        let open = fastrand::i64(1_000..50_000);
        Ok(Self { channel: ChannelName::new(&format!("quotes.{name}"))?, number: 0, open, price: open })
    }

    fn step(&mut self) -> Publish {
        let most = self.price / 4_000 + 1;
        self.price = (self.price + fastrand::i64(-most..=most)).max(100);
        self.number += 1;
        let data = format!(r#"{{"n":{},"open":{},"price":{}}}"#, self.number, self.open, self.price);
        Publish::new(self.channel.clone(), Message::json(data))
    }
}

/// Publishes `rate` updates a second for each instrument, for ever.
pub(crate) async fn run(hub: Hub, rate: u32) -> Result<(), Box<dyn Error>> {
    let mut instruments = NAMES.lines().map(Instrument::new).collect::<Result<Vec<_>, _>>()?;
    fastrand::shuffle(&mut instruments);
    let channels = instruments.iter().map(|one| one.channel.clone().into()).collect();
    let grant = hub.authorize(&Ask::new(Action::Publish, channels)).await?;

    let pause = Duration::from_secs(1) / (rate * u32::try_from(instruments.len())?);
    let mut due = Instant::now();
    let mut every = interval(STEP);
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        for one in &mut instruments {
            while due > Instant::now() {
                every.tick().await;
            }
            due += pause;
            hub.publish(&grant, one.step()).await?;
        }
        // A machine that is too slow publishes less, and does not try to make up for it.
        if due.elapsed() > Duration::from_secs(1) {
            due = Instant::now();
        }
    }
}
