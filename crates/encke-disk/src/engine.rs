use std::{
    fmt, io,
    path::Path,
    sync::{
        Arc,
        mpsc::{SyncSender, sync_channel},
    },
    thread::{Builder, JoinHandle},
};

use encke_core::{
    Appended, ChannelName, Keep, Log, LogConfig, Older, Page, Publish, Seek, Sought, Timestamp, Wakes,
};
use encke_hub::{Answer, Durability, Engine, EngineError, Health};
use tokio::sync::{Semaphore, oneshot};

use crate::{
    DiskConfig, DiskError,
    folder::{Folder, Sight, Witness, io_error},
    group::{Order, Reply},
    read, seek,
    shared::{Shared, Trouble},
    store::{Medium, Store, StoreError, contained},
    tool::Import,
    writer::{Waiting, Writer},
};

/// Orders that wait for the writer; further ones wait their turn.
const QUEUE: usize = 4_096;

/// Order and history in a file.
///
/// Dropping it waits until all that it has taken is stored and the file is closed.
pub struct DiskEngine {
    shared: Arc<Shared>,
    orders: SyncSender<Waiting>,
    /// What is free of the queue.
    space: Arc<Semaphore>,
    reads: Arc<Semaphore>,
    writer: Option<JoinHandle<()>>,
    /// Given back after the file is closed.
    _folder: Option<Folder>,
}

impl DiskEngine {
    /// Opens the log in the folder `dir`, and makes both if they do not exist. It blocks: after an unclean end for about
    /// a second for each million messages.
    ///
    /// # Errors
    /// [`DiskError`] says what is wrong, and where.
    pub fn open(dir: &Path, config: DiskConfig, limits: LogConfig) -> Result<Self, DiskError> {
        let mut folder = Folder::take(dir)?;
        let file = folder.file();
        if !file.exists() {
            // It gets its name when it is whole: one that was being made when the power failed is none.
            folder = Import::begin_in(folder)?.finish_in()?.0;
        }
        let medium = Medium::file(&file).map_err(|error| io_error(&file, error))?;
        let witness = folder.witness()?;
        let engine = Self::start(&medium, &file, Some(witness), Some(folder), config, limits)?;
        engine._folder.iter().try_for_each(Folder::sync)?;
        Ok(engine)
    }

    /// The same on storage that tests have made.
    ///
    /// # Errors
    /// [`DiskError`] says what is wrong.
    #[cfg(feature = "faults")]
    #[doc(hidden)]
    pub fn open_on(
        storage: impl redb::StorageBackend,
        config: DiskConfig,
        limits: LogConfig,
    ) -> Result<Self, DiskError> {
        Self::start(&Medium::new(storage), Path::new("encke.redb"), None, None, config, limits)
    }

    fn start(
        medium: &Medium,
        file: &Path,
        witness: Option<(Witness, Option<Sight>)>,
        folder: Option<Folder>,
        config: DiskConfig,
        limits: LogConfig,
    ) -> Result<Self, DiskError> {
        let reads = Arc::new(Semaphore::new(config.reads.clamp(1, Semaphore::MAX_PERMITS)));
        let writer = Writer::open(medium, file, witness, config, limits)?;
        let shared = writer.shared();
        // One more, for the last.
        let (orders, queue) = sync_channel(QUEUE + 1);
        let write = {
            let shared = Arc::clone(&shared);
            move || {
                let written = contained(|| {
                    writer.run(&queue);
                    Ok(())
                });
                written.unwrap_or_else(|error| shared.fail(&error));
            }
        };
        let thread = Builder::new().name("encke-disk".into()).spawn(write);
        let writer = Some(thread.map_err(|error: io::Error| io_error(file, error))?);
        let space = Arc::new(Semaphore::new(QUEUE));
        Ok(Self { shared, orders, space, reads, writer, _folder: folder })
    }

    /// Gives the writer an order of so many bytes.
    fn order<T: Send + 'static>(
        &self,
        bytes: usize,
        order: impl FnOnce(Reply<T>) -> Order + Send + 'static,
    ) -> Answer<Result<T, EngineError>> {
        if let Some(trouble) = self.shared.trouble() {
            return Answer::now(Err(trouble.refusal()));
        }
        let (orders, space) = (self.orders.clone(), Arc::clone(&self.space));
        // Large ones take the room of several.
        let share = bytes / (self.shared.config.queue_bytes / QUEUE).max(1);
        let share = u32::try_from(share.clamp(1, QUEUE)).unwrap_or(1);
        Answer::later(async move {
            let permit = space.acquire_many_owned(share).await.map_err(|_| EngineError::Unavailable)?;
            let (reply, answer) = oneshot::channel();
            let waiting = Waiting { order: order(reply), permit: Some(permit) };
            // There is space: each that waits holds a share of it.
            orders.try_send(waiting).map_err(|_| EngineError::Unavailable)?;
            drop(orders);
            answer.await.unwrap_or(Err(EngineError::Unavailable))
        })
    }

    /// Reads on a thread of its own, a few at a time.
    fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Shared, &Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Answer<Result<T, EngineError>> {
        let (shared, reads) = (Arc::clone(&self.shared), Arc::clone(&self.reads));
        Answer::later(async move {
            let permit = reads.acquire_owned().await.map_err(|_| EngineError::Unavailable)?;
            let done = tokio::task::spawn_blocking(move || {
                let _permit = permit;
                let store = shared.store();
                let store = store.as_ref().ok_or(EngineError::Unavailable)?;
                contained(|| read(&shared, store)).map_err(|error| {
                    shared.fail(&error);
                    EngineError::Unavailable
                })
            });
            done.await.unwrap_or(Err(EngineError::Unavailable))
        })
    }
}

impl Engine for DiskEngine {
    fn log(&self) -> Log {
        self.shared.log.clone()
    }

    fn publish(&self, publish: Publish, now: Timestamp) -> Answer<Result<(Appended, Wakes), EngineError>> {
        let bytes = publish.message().data().len();
        self.order(bytes, move |reply| Order::Publish { publish, now, reply })
    }

    fn delete(&self, channel: &ChannelName) -> Answer<Result<bool, EngineError>> {
        self.trim(channel, Keep::Newest(0)).map(|gone| gone.map(|gone| gone.is_some()))
    }

    fn trim(&self, channel: &ChannelName, keep: Keep) -> Answer<Result<Option<usize>, EngineError>> {
        let channel = channel.clone();
        self.order(0, move |reply| Order::Trim { channel, keep, reply })
    }

    fn expire(&self, now: Timestamp) -> Answer<bool> {
        self.order(0, move |reply| Order::Expire { now, reply }).map(|more| more.unwrap_or(false))
    }

    fn seek(&self, seek: Seek) -> Answer<Result<Sought, EngineError>> {
        self.read(move |shared, store| seek::seek(store, &shared.index, &seek))
    }

    fn older(&self, older: Older) -> Answer<Result<Page, EngineError>> {
        if older.after.epoch != self.shared.log.head().epoch {
            return Answer::now(Err(EngineError::Unavailable));
        }
        self.read(move |shared, store| {
            let seens = shared.index.matching(&older.selectors);
            read::older(store, seens, &older)
        })
    }

    fn health(&self) -> Health {
        match self.shared.trouble() {
            None => Health::Well,
            Some(Trouble::NoSpace) => {
                Health::Ill(format!("no space is left for {}", self.shared.file.display()))
            }
            Some(Trouble::Broken(why)) => Health::Ill(why),
        }
    }

    fn durability(&self) -> Durability {
        if self.shared.config.relaxed { Durability::Relaxed } else { Durability::Strict }
    }
}

impl Drop for DiskEngine {
    fn drop(&mut self) {
        // Whoever still waits for room is refused: he may not get to run before this is over.
        self.space.close();
        let last = Waiting { order: Order::Stop, permit: None };
        // If it fails, the writer is gone already.
        let _ = self.orders.send(last);
        let _ = self.writer.take().map(JoinHandle::join);
    }
}

impl fmt::Debug for DiskEngine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DiskEngine").field("file", &self.shared.file).finish_non_exhaustive()
    }
}
