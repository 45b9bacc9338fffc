use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use encke_hub::Denied;

use crate::application::{Application, Asking, Reply, nobody};

/// Asks about another channel each time, so that nothing is remembered.
async fn ask(asking: &Asking, number: usize) -> Result<(), Denied> {
    asking.subscribe(&nobody(), &[&format!("channel-{number}")]).await.map(|_| ())
}

#[tokio::test]
async fn who_is_not_there_is_left_alone_until_he_answers() {
    let there = Arc::new(AtomicBool::new(false));
    let now = Arc::clone(&there);
    let decide = move |_: &_| {
        if now.load(Ordering::SeqCst) { Reply::json("{}") } else { Reply::new("503 Busy", "text/plain", "") }
    };
    let application = Application::start(decide).await;
    let asking = Asking::new(&application.url());
    let refused = Err(Denied::Undecided);
    for number in 0..5 {
        assert_eq!(ask(&asking, number).await, refused);
    }
    assert_eq!(application.count(), 5);
    for number in 5..50 {
        assert_eq!(ask(&asking, number).await, refused);
    }
    assert_eq!(application.count(), 5, "nobody asks while it is open");

    asking.clock.pass(1_000);
    assert_eq!(ask(&asking, 50).await, refused);
    assert_eq!(application.count(), 6, "one probes");
    asking.clock.pass(999);
    assert_eq!(ask(&asking, 51).await, refused);
    assert_eq!(application.count(), 6, "the pause is longer now, at least a second");

    asking.clock.pass(1_001);
    there.store(true, Ordering::SeqCst);
    application.shut();
    let probe = tokio::spawn({
        let asking = asking.clone();
        async move { ask(&asking, 52).await }
    });
    application.was_asked(7).await;
    assert_eq!(ask(&asking, 53).await, refused, "one probe at a time");
    application.open();
    assert_eq!(probe.await.unwrap(), Ok(()));
    for number in 54..60 {
        assert_eq!(ask(&asking, number).await, Ok(()));
    }
    assert_eq!(application.count(), 13, "it is closed again");
}

#[tokio::test]
async fn no_connection_and_no_answer_open_it_too() {
    let silent = Application::start(|_| Reply::raw(b"", crate::application::Then::Keep)).await;
    let asking = Asking::with(&silent.url(), |config| config.fetch.deadline = Duration::from_millis(50));
    for number in 0..10 {
        assert_eq!(ask(&asking, number).await, Err(Denied::Undecided));
    }
    assert!(silent.count() <= 5, "{}", silent.count());
}

#[tokio::test]
async fn s6_an_error_that_somebody_can_cause_shuts_out_nobody_else() {
    let decide = |asked: &crate::application::Asked| {
        if asked.body.contains("bad") {
            Reply::new("500 Error", "text/html", "oh")
        } else {
            Reply::json("{}")
        }
    };
    let application = Application::start(decide).await;
    let asking = Asking::new(&application.url());
    for number in 0..20 {
        let refused = asking.subscribe(&nobody(), &[&format!("bad-{number}")]).await;
        assert_eq!(refused.unwrap_err(), Denied::Undecided);
    }
    assert_eq!(ask(&asking, 1).await, Ok(()));
}

#[tokio::test]
async fn questions_at_a_time_are_bounded() {
    let application = Application::start(|_| Reply::json("{}")).await;
    application.shut();
    let asking = Asking::with(&application.url(), |config| config.fetch.requests = 2);
    let waiting: Vec<_> = (0..2)
        .map(|number| {
            let asking = asking.clone();
            tokio::spawn(async move { ask(&asking, number).await })
        })
        .collect();
    application.was_asked(2).await;
    assert_eq!(ask(&asking, 2).await, Err(Denied::Undecided));
    application.open();
    for answer in waiting {
        assert_eq!(answer.await.unwrap(), Ok(()));
    }
    assert_eq!(ask(&asking, 2).await, Ok(()), "a refusal for want of space is not remembered");
}
