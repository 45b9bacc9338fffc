//! What is kept, and who may do what.

use std::{error::Error, time::Duration};

use encke::{
    Access, Action, Answer, Ask, Authorizer, Denied, Hub, HubConfig, LogConfig, Pattern, Retention, Selector,
};

/// Rooms are the channels `chat.*`; who is in one is told in its `chat.*.here`, which forgets soon.
pub(crate) fn open() -> Result<Hub, Box<dyn Error>> {
    let here = Retention { count: 200, age: Duration::from_secs(60), ..Retention::default() };
    let said = Retention { count: 500, age: Duration::from_secs(86_400), ..Retention::default() };
    let log = LogConfig {
        retention: said,
        retention_of: vec![(Pattern::new("chat.*.here")?, here)],
        channels: 1_000,
        bytes: 64 << 20,
        ..LogConfig::default()
    };
    let config =
        HubConfig { message_bytes: 4 << 10, drain_window: Duration::from_secs(1), ..HubConfig::default() };
    Ok(Hub::builder().authorizer(Everybody::new()?).log(log).config(config).build()?)
}

/// Lets everybody into the rooms, and nobody elsewhere. Yours would look at the token of the [`Ask`].
struct Everybody(Access);

impl Everybody {
    fn new() -> Result<Self, Box<dyn Error>> {
        let (said, here) = (Selector::new("chat.*")?, Selector::new("chat.*.here")?);
        let both = |action| [(action, said.clone()), (action, here.clone())];
        Ok(Self(Access::only([both(Action::Publish), both(Action::Subscribe)].concat())))
    }
}

impl Authorizer for Everybody {
    fn authorize(&self, _: &Ask) -> Answer<Result<Access, Denied>> {
        Answer::now(Ok(self.0.clone()))
    }
}
