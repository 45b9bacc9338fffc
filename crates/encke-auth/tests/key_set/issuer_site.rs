use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
    sync::Semaphore,
};

/// Where an issuer publishes its keys: a server that gives one answer to whatever it is asked.
pub(crate) struct Site {
    pub(crate) url: String,
    state: Arc<State>,
}

struct State {
    answer: Mutex<String>,
    asked: AtomicUsize,
    open: Semaphore,
}

impl Site {
    pub(crate) async fn new(keys: &[Value]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/keys", listener.local_addr().unwrap());
        let open = Semaphore::new(Semaphore::MAX_PERMITS);
        let state = Arc::new(State { answer: Mutex::default(), asked: AtomicUsize::new(0), open });
        let site = Self { url, state };
        site.publish(keys);
        let state = Arc::clone(&site.state);
        tokio::spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                let state = Arc::clone(&state);
                tokio::spawn(async move {
                    let mut head = [0; 4096];
                    if socket.read(&mut head).await.unwrap_or(0) == 0 {
                        return;
                    }
                    state.asked.fetch_add(1, Ordering::SeqCst);
                    let answer = state.answer.lock().unwrap().clone();
                    if let Ok(permit) = state.open.acquire().await {
                        permit.forget();
                    }
                    // Whoever has read enough hangs up.
                    drop(socket.write_all(answer.as_bytes()).await);
                });
            }
        });
        site
    }

    /// Answers with a set of these keys from now on.
    pub(crate) fn publish(&self, keys: &[Value]) {
        self.answer("200 OK", "", &json!({ "keys": keys }).to_string());
    }

    /// Answers so from now on.
    pub(crate) fn answer(&self, status: &str, headers: &str, body: &str) {
        let length = body.len();
        let answer = format!(
            "HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n{body}"
        );
        *self.state.answer.lock().unwrap() = answer;
    }

    /// How often it was asked.
    pub(crate) fn asked(&self) -> usize {
        self.state.asked.load(Ordering::SeqCst)
    }

    /// Waits until it was asked so often.
    pub(crate) async fn is_asked(&self, times: usize) {
        while self.asked() < times {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// Answers nobody until it is opened again.
    pub(crate) fn close(&self) {
        self.state.open.forget_permits(Semaphore::MAX_PERMITS);
    }

    pub(crate) fn open(&self) {
        self.state.open.add_permits(Semaphore::MAX_PERMITS / 2);
    }
}
