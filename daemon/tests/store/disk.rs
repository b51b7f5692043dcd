//! A disk in memory that forgets, tears or refuses what was not synced yet.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex};

use quorate_daemon::store::Databases;
use redb::StorageBackend;

/// What a torn write keeps whole.
const SECTOR_BYTES: usize = 512;

#[derive(Clone, Debug)]
enum Write {
    At(usize, Vec<u8>),
    Len(usize),
}

impl Write {
    fn apply(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Len(len) => bytes.resize(*len, 0),
            Self::At(at, data) => {
                // A write that survives a length that did not.
                bytes.resize(bytes.len().max(at + data.len()), 0);
                bytes[*at..at + data.len()].copy_from_slice(data);
            }
        }
    }
}

#[derive(Clone, Debug, Default)]
struct SimFile {
    current: Vec<u8>,
    durable: Vec<u8>,
    pending: Vec<Write>,
}

/// What a crash does to what was not synced.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Crash {
    /// Only the process ends.
    OfProcess,
    /// All of it is lost.
    LosingAll,
    /// Each write is kept, lost or torn by the dice.
    Tearing(u64),
}

/// The files by name.
pub(crate) type Image = BTreeMap<String, Vec<u8>>;

type Hook = Box<dyn FnMut(&Files) + Send>;

#[derive(Default)]
pub(crate) struct Files(BTreeMap<String, SimFile>);

#[derive(Default)]
struct State {
    files: Files,
    before_sync: Option<Hook>,
    /// Syncs of this file fail.
    failing: Option<String>,
    /// Syncs of this file wait.
    holding: Option<String>,
    /// One that waits.
    held: bool,
}

/// A disk. Clones are the same one.
#[derive(Clone, Default)]
pub(crate) struct Disk {
    state: Arc<(Mutex<State>, Condvar)>,
}

impl Disk {
    pub(crate) fn from_image(image: &Image) -> Self {
        let file = |bytes: &Vec<u8>| SimFile {
            current: bytes.clone(),
            durable: bytes.clone(),
            pending: Vec::new(),
        };
        let disk = Self::default();
        disk.lock().files = Files(image.iter().map(|(name, bytes)| (name.clone(), file(bytes))).collect());
        disk
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.0.lock().unwrap()
    }

    /// How a store opens its databases on this disk.
    pub(crate) fn databases(&self) -> Databases {
        let disk = self.clone();
        Databases::with(move |builder, path| {
            builder.create_with_backend(Backend {
                disk: disk.clone(),
                name: name_of(path),
            })
        })
    }

    /// One database, past the store.
    pub(crate) fn database(&self, name: &str) -> redb::Database {
        redb::Builder::new()
            .create_with_backend(Backend {
                disk: self.clone(),
                name: name.to_owned(),
            })
            .unwrap()
    }

    pub(crate) fn crash(&self, crash: Crash) -> Image {
        self.lock().files.crash(crash)
    }

    /// Calls the hook at each sync, before anything of it is durable.
    pub(crate) fn before_sync(&self, hook: impl FnMut(&Files) + Send + 'static) {
        self.lock().before_sync = Some(Box::new(hook));
    }

    /// From now on, no sync of this file succeeds.
    pub(crate) fn fail_syncs(&self, name: &str) {
        self.lock().failing = Some(name.to_owned());
    }

    /// From now on, syncs of this file wait until they are released.
    pub(crate) fn hold_syncs(&self, name: &str) {
        self.lock().holding = Some(name.to_owned());
    }

    /// Waits until a sync waits.
    pub(crate) fn wait_held(&self) {
        let mut state = self.lock();
        while !state.held {
            state = self.state.1.wait(state).unwrap();
        }
    }

    pub(crate) fn release_syncs(&self) {
        let mut state = self.lock();
        state.holding = None;
        state.held = false;
        drop(state);
        self.state.1.notify_all();
    }
}

impl Files {
    pub(crate) fn crash(&self, crash: Crash) -> Image {
        let image = |file: &SimFile| match crash {
            Crash::OfProcess => file.current.clone(),
            Crash::LosingAll => file.durable.clone(),
            Crash::Tearing(seed) => file.torn(seed),
        };
        self.0.iter().map(|(name, file)| (name.clone(), image(file))).collect()
    }
}

impl SimFile {
    fn torn(&self, seed: u64) -> Vec<u8> {
        let mut dice = Dice(seed);
        let mut bytes = self.durable.clone();
        for write in &self.pending {
            match (dice.roll(3), write) {
                (0, _) => {}
                (1, Write::At(at, data)) if data.len() > SECTOR_BYTES => {
                    for (number, sector) in data.chunks(SECTOR_BYTES).enumerate() {
                        if dice.roll(2) == 0 {
                            Write::At(at + number * SECTOR_BYTES, sector.to_vec()).apply(&mut bytes);
                        }
                    }
                }
                _ => write.apply(&mut bytes),
            }
        }
        bytes
    }
}

/// SplitMix64: small, seeded, the same everywhere.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % sides
    }
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap().to_str().unwrap().to_owned()
}

struct Backend {
    disk: Disk,
    name: String,
}

impl std::fmt::Debug for Backend {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.name)
    }
}

impl Backend {
    fn with<T>(&self, work: impl FnOnce(&mut SimFile) -> T) -> T {
        work(self.disk.lock().files.0.entry(self.name.clone()).or_default())
    }

    fn write(&self, write: Write) {
        self.with(|file| {
            write.apply(&mut file.current);
            file.pending.push(write);
        });
    }
}

impl StorageBackend for Backend {
    fn len(&self) -> io::Result<u64> {
        Ok(self.with(|file| file.current.len() as u64))
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.with(|file| {
            let start = usize::try_from(offset).unwrap();
            let bytes = file.current.get(start..start + out.len());
            out.copy_from_slice(bytes.ok_or(io::ErrorKind::UnexpectedEof)?);
            Ok(())
        })
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.write(Write::Len(usize::try_from(len).unwrap()));
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut state = self.disk.lock();
        while state.holding.as_deref() == Some(self.name.as_str()) {
            state.held = true;
            self.disk.state.1.notify_all();
            state = self.disk.state.1.wait(state).unwrap();
        }
        if state.failing.as_deref() == Some(self.name.as_str()) {
            return Err(io::Error::other("the disk is on fire"));
        }
        if let Some(mut hook) = state.before_sync.take() {
            hook(&state.files);
            state.before_sync = Some(hook);
        }
        let file = state.files.0.entry(self.name.clone()).or_default();
        file.durable.clone_from(&file.current);
        file.pending.clear();
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        Self::write(self, Write::At(usize::try_from(offset).unwrap(), data.to_vec()));
        Ok(())
    }
}
