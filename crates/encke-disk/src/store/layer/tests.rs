use redb::backends::InMemoryBackend;

use super::*;

/// Storage that takes so many writes and syncs.
#[derive(Debug)]
struct Failing {
    inner: InMemoryBackend,
    left: Mutex<usize>,
    kind: io::ErrorKind,
}

impl Failing {
    fn take(&self) -> io::Result<()> {
        let mut left = self.left.lock().unwrap();
        *left = left.checked_sub(1).ok_or(io::Error::from(self.kind))?;
        Ok(())
    }
}

impl StorageBackend for Failing {
    fn len(&self) -> io::Result<u64> {
        self.inner.len()
    }
    fn read(&self, at: u64, out: &mut [u8]) -> io::Result<()> {
        self.inner.read(at, out)
    }
    fn set_len(&self, len: u64) -> io::Result<()> {
        self.take().and_then(|()| self.inner.set_len(len))
    }
    fn sync_data(&self) -> io::Result<()> {
        self.take()
    }
    fn write(&self, at: u64, data: &[u8]) -> io::Result<()> {
        self.take().and_then(|()| self.inner.write(at, data))
    }
}

fn layer(left: usize, kind: io::ErrorKind) -> (Layer, Arc<Failing>) {
    let base = Arc::new(Failing { inner: InMemoryBackend::new(), left: left.into(), kind });
    (Layer::new(Arc::clone(&base) as Arc<dyn StorageBackend>), base)
}

#[test]
fn after_a_failure_all_is_read_as_written_and_the_file_is_left_alone() {
    let (layer, base) = layer(2, io::ErrorKind::StorageFull);
    let mut expected = vec![0; 40_000];
    let write = |expected: &mut Vec<u8>, at: usize, len: usize, byte: u8| {
        layer.write(at as u64, &vec![byte; len]).unwrap();
        expected[at..at + len].fill(byte);
    };
    layer.set_len(40_000).unwrap();
    write(&mut expected, 5_000, 20_000, 1);
    assert_eq!(layer.failure(), None);
    let writes = [(4_096, 4_096), (9_000, 10), (8_190, 5), (30_000, 9_999), (4_097, 30_000)];
    for (byte, (at, len)) in (2..).zip(writes) {
        write(&mut expected, at, len, byte);
        assert_eq!(layer.failure(), Some(Failure::NoSpace));
        for (from, to) in [(4_096, 40_000), (8_191, 8_193), (12_000, 12_000), (39_999, 40_000)] {
            let mut out = vec![9; to - from];
            layer.read(from as u64, &mut out).unwrap();
            assert!(out == expected[from..to], "{at}, {len}");
        }
    }
    layer.set_len(20_000).unwrap();
    layer.set_len(40_000).unwrap();
    expected[20_000..].fill(0);
    let mut out = vec![9; 20_001];
    layer.read(19_999, &mut out).unwrap();
    assert!(out == expected[19_999..]);
    assert!(layer.read(39_999, &mut [0; 2]).is_err());
    layer.sync_data().unwrap();
    let mut out = vec![9; 20_000];
    base.read(5_000, &mut out).unwrap();
    assert!(out.iter().all(|byte| *byte == 1));
}

fn first_byte(base: &Failing) -> u8 {
    let mut out = [9];
    base.read(0, &mut out).unwrap();
    out[0]
}

#[test]
fn the_header_is_written_last_and_not_after_a_failure() {
    let (layer, base) = layer(3, io::ErrorKind::Other);
    layer.set_len(10_000).unwrap();
    layer.write(0, &[1; 320]).unwrap();
    layer.write(5_000, &[2; 5]).unwrap();
    assert_eq!(first_byte(&base), 0);
    layer.sync_data().unwrap();
    assert_eq!(first_byte(&base), 1);
    assert!(matches!(layer.failure(), Some(Failure::Other(_))), "the sync");
    layer.write(0, &[2; 320]).unwrap();
    layer.sync_data().unwrap();
    *base.left.lock().unwrap() = 100;
    assert!(!layer.thaw());
    assert_eq!(first_byte(&base), 1);
    let mut out = [9];
    layer.read(0, &mut out).unwrap();
    assert_eq!(out, [2], "whoever asks the layer reads on");
}

/// Whichever call fails, and however often it is tried again, in the end all is there.
#[test]
fn where_space_comes_back_all_is_made_good_for() {
    for fails_at in 0..8 {
        let (layer, base) = layer(fails_at, io::ErrorKind::StorageFull);
        layer.set_len(20_000).unwrap();
        layer.write(5_000, &[1; 9_000]).unwrap();
        layer.write(0, &[1; 320]).unwrap();
        layer.write(12_000, &[2; 8_000]).unwrap();
        layer.sync_data().unwrap();
        for left in 0..20 {
            *base.left.lock().unwrap() = left;
            if layer.thaw() {
                break;
            }
            assert_eq!(layer.failure(), Some(Failure::NoSpace));
        }
        assert_eq!(layer.failure(), None);
        *base.left.lock().unwrap() = 10;
        let mut expected = vec![0; 20_000];
        expected[..320].fill(1);
        expected[5_000..12_000].fill(1);
        expected[12_000..].fill(2);
        let mut out = vec![9; 20_000];
        base.read(0, &mut out).unwrap();
        assert!(out == expected, "{fails_at}");
        layer.write(5_000, &[7; 10]).unwrap();
        layer.sync_data().unwrap();
        assert_eq!(layer.failure(), None);
    }
}
