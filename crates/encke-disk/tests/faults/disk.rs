//! A disk in memory. It knows what was synced, so that its power can fail, and it fails on demand.

use std::{
    io,
    sync::{Arc, Mutex, MutexGuard},
};

use encke_core::Log;
use fastrand::Rng;
use redb::StorageBackend;

/// What a disk writes as a whole or not at all, in bytes.
const SECTOR: u64 = 512;

/// What changes a file, or makes changes last.
#[derive(Debug, Clone)]
pub(crate) enum Change {
    Write { at: u64, data: Arc<[u8]> },
    Length(u64),
    Sync,
}

/// A file as it is on the platter, and what is on its way there.
#[derive(Debug, Clone, Default)]
pub(crate) struct Platter {
    synced: Vec<u8>,
    pending: Vec<Change>,
}

/// What a call answers that fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// EIO. Of a write some sectors may have arrived, of a sync some writes; the others are lost for good.
    Io,
    /// ENOSPC, for all that makes the file longer or writes to it, until there is space again.
    NoSpace,
    /// The first half of a write arrives, and then an error.
    Short,
}

/// Which call fails: the n-th that changes something, from 1.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    pub(crate) nth: u64,
    pub(crate) fault: Fault,
    /// Whether all calls after it fail too, until [`Disk::heal`].
    pub(crate) lasts: bool,
}

/// A change, and how far the log had come in the eyes of its readers when it began.
pub(crate) type Step = (Change, u64);

/// The file of an engine, in memory. Clones are the same file.
#[derive(Debug, Clone)]
pub(crate) struct Disk {
    state: Arc<Mutex<State>>,
}

struct State {
    /// What a read finds.
    seen: Vec<u8>,
    platter: Platter,
    calls: u64,
    plan: Option<Plan>,
    failures: u64,
    rng: Rng,
    trace: Option<Vec<Step>>,
    log: Option<Log>,
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} bytes, {} calls", self.seen.len(), self.calls)
    }
}

impl Disk {
    /// A disk with this file on it.
    pub(crate) fn new(file: Vec<u8>) -> Self {
        let platter = Platter { synced: file.clone(), pending: Vec::new() };
        let state = State {
            seen: file,
            platter,
            calls: 0,
            plan: None,
            failures: 0,
            rng: Rng::with_seed(7),
            trace: None,
            log: None,
        };
        Self { state: Arc::new(Mutex::new(state)) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Notes every change from now on.
    pub(crate) fn record(&self) {
        self.state().trace = Some(Vec::new());
    }

    /// Notes with every change how far this log has come.
    pub(crate) fn watch(&self, log: Log) {
        self.state().log = Some(log);
    }

    /// How many changes there were.
    pub(crate) fn changes(&self) -> usize {
        self.state().trace.as_ref().map_or(0, Vec::len)
    }

    /// The changes so far. No more are noted.
    pub(crate) fn trace(&self) -> Vec<Step> {
        self.state().trace.take().unwrap_or_default()
    }

    /// Fails as planned; calls count from now on.
    pub(crate) fn fail(&self, plan: Plan) {
        let mut state = self.state();
        (state.plan, state.calls, state.failures) = (Some(plan), 0, 0);
        state.rng = Rng::with_seed(plan.nth);
    }

    /// Fails no longer.
    pub(crate) fn heal(&self) {
        self.state().plan = None;
    }

    /// How many calls have failed.
    pub(crate) fn failures(&self) -> u64 {
        self.state().failures
    }

    /// The file as another process finds it if this one is killed now.
    pub(crate) fn file(&self) -> Vec<u8> {
        self.state().seen.clone()
    }

    /// A file as it may be found if the power fails now.
    pub(crate) fn power_loss(&self, seed: u64) -> Vec<u8> {
        self.state().platter.power_loss(&mut Rng::with_seed(seed))
    }
}

impl Platter {
    /// A file with nothing on its way.
    pub(crate) fn new(synced: Vec<u8>) -> Self {
        Self { synced, pending: Vec::new() }
    }

    pub(crate) fn change(&mut self, change: Change) {
        match change {
            Change::Sync => self.pending.drain(..).for_each(|change| apply(&mut self.synced, &change)),
            other => self.pending.push(other),
        }
    }

    /// Every synced byte, and of the rest any sectors, in the order of the writes or in another.
    pub(crate) fn power_loss(&self, rng: &mut Rng) -> Vec<u8> {
        let mut file = self.synced.clone();
        let mut pieces = pieces(&self.pending);
        let kept = [0.0, 0.1, 0.5, 0.9, 1.0][rng.usize(..5)];
        if rng.bool() {
            rng.shuffle(&mut pieces);
        }
        for piece in pieces {
            if rng.f64() < kept {
                apply(&mut file, &piece);
            }
        }
        file
    }

    /// After a failed sync nobody knows what has arrived, and nothing else ever will.
    fn sync_failed(&mut self, rng: &mut Rng) {
        self.synced = self.power_loss(rng);
        self.pending.clear();
    }
}

/// The changes, with each write in sectors.
fn pieces(changes: &[Change]) -> Vec<Change> {
    let mut pieces = Vec::new();
    for change in changes {
        let Change::Write { at, data } = change else {
            pieces.push(change.clone());
            continue;
        };
        let mut begin = 0;
        while begin < data.len() {
            let place = at + begin as u64;
            let end = data.len().min(begin + usize::try_from(SECTOR - place % SECTOR).unwrap());
            pieces.push(Change::Write { at: place, data: data[begin..end].into() });
            begin = end;
        }
    }
    pieces
}

fn apply(file: &mut Vec<u8>, change: &Change) {
    match change {
        Change::Write { at, data } => {
            let begin = usize::try_from(*at).unwrap();
            let end = begin + data.len();
            if file.len() < end {
                file.resize(end, 0);
            }
            file[begin..end].copy_from_slice(data);
        }
        Change::Length(length) => file.resize(usize::try_from(*length).unwrap(), 0),
        Change::Sync => {}
    }
}

impl State {
    /// Whether this call fails, and how.
    fn fault(&mut self, change: &Change) -> Option<Fault> {
        self.calls += 1;
        let plan = self.plan?;
        let due = self.calls == plan.nth || (plan.lasts && self.calls > plan.nth);
        let grows = match change {
            Change::Write { .. } => true,
            Change::Length(length) => *length > self.seen.len() as u64,
            Change::Sync => self.calls == plan.nth,
        };
        let fails = due && (plan.fault != Fault::NoSpace || grows);
        self.failures += u64::from(fails);
        fails.then_some(plan.fault)
    }

    fn change(&mut self, change: &Change) -> io::Result<()> {
        let head = self.log.as_ref().map_or(0, |log| log.head().seq);
        match self.fault(change) {
            None => {
                if let Some(trace) = &mut self.trace {
                    trace.push((change.clone(), head));
                }
                apply(&mut self.seen, change);
                self.platter.change(change.clone());
                Ok(())
            }
            Some(fault) => Err(self.fall_short(change, fault)),
        }
    }

    /// Does what a failed call leaves behind.
    fn fall_short(&mut self, change: &Change, fault: Fault) -> io::Error {
        if let Change::Write { at, data } = change {
            let half = Change::Write { at: *at, data: data[..data.len() / 2].into() };
            if fault == Fault::Short || (fault == Fault::Io && self.rng.bool()) {
                apply(&mut self.seen, &half);
                self.platter.change(half);
            }
        }
        if matches!(change, Change::Sync) {
            self.platter.sync_failed(&mut self.rng);
        }
        io::Error::from_raw_os_error(if fault == Fault::NoSpace { ENOSPC } else { EIO })
    }
}

/// Numbers of Linux (errno(3)).
const EIO: i32 = 5;
const ENOSPC: i32 = 28;

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.state().seen.len() as u64)
    }

    fn read(&self, at: u64, out: &mut [u8]) -> io::Result<()> {
        let state = self.state();
        let begin = usize::try_from(at).unwrap();
        let bytes = state.seen.get(begin..begin + out.len()).ok_or(io::ErrorKind::UnexpectedEof)?;
        out.copy_from_slice(bytes);
        Ok(())
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        self.state().change(&Change::Length(length))
    }

    fn sync_data(&self) -> io::Result<()> {
        self.state().change(&Change::Sync)
    }

    fn write(&self, at: u64, data: &[u8]) -> io::Result<()> {
        self.state().change(&Change::Write { at, data: data.into() })
    }
}
