//! Puts the sources on top of each other.

use std::io::{self, Read};
use std::path::Path;

use super::fault::{ConfigError, Fault, Place};
use super::flags::Flags;
use super::layer::{Assignment, ENV_PREFIX, Layer};
use super::model::Config;
use super::rule::{Breach, breaches};

/// The reference file, with all its comments, is a tenth of this.
const FILE_MAX_BYTES: u64 = 64 * 1024;

impl Config {
    /// Reads the file if there is one, then `env` (as of [`environment`]), then the flags.
    ///
    /// # Errors
    /// The file cannot be read, or anything in the three is at fault: all faults at once.
    pub fn load(file: Option<&Path>, env: &[(String, String)], flags: &Flags) -> Result<Self, ConfigError> {
        Ok(load(file, env, flags)?.config)
    }
}

/// The variables of this process that may be meant for the daemon.
#[must_use]
pub fn environment() -> Vec<(String, String)> {
    let lossy = |text: std::ffi::OsString| text.to_string_lossy().into_owned();
    let all = std::env::vars_os().map(|(name, value)| (lossy(name), lossy(value)));
    all.filter(|(name, _)| name.starts_with(ENV_PREFIX)).collect()
}

/// A config, and where its values were given.
pub(super) struct Loaded {
    pub(super) config: Config,
    /// In the order in which they were applied: the last one for a key counts.
    applied: Vec<Assignment>,
}

impl Loaded {
    /// Where this key was given, if anywhere.
    pub(super) fn place(&self, section: &str, name: &str) -> Option<Place> {
        let mut given = self.applied.iter().rev();
        let last = given.find(|assignment| assignment.key.section == section && assignment.key.name == name)?;
        Some(last.place.clone())
    }
}

pub(super) fn load(file: Option<&Path>, env: &[(String, String)], flags: &Flags) -> Result<Loaded, ConfigError> {
    let base = file.and_then(Path::parent).unwrap_or(Path::new(""));
    let whole_file = |message: String| ConfigError {
        faults: vec![Fault {
            place: Place::File {
                path: file.unwrap_or(Path::new("")).to_owned(),
                line: None,
            },
            message,
            suggestion: None,
        }],
    };
    let text = file
        .map(read)
        .transpose()
        .map_err(|error| whole_file(error.to_string()))?;
    let of_file = file
        .zip(text.as_deref())
        .map(|(path, text)| Layer::of_file(path, base, text));
    let layers = [of_file.unwrap_or_default(), Layer::of_env(env), Layer::of_flags(flags)];

    let mut config = Config::defaults(base);
    let (mut applied, mut faults) = (Vec::new(), Vec::new());
    for layer in layers {
        let mut layer_faults = layer.faults;
        for assignment in layer.assignments {
            match (assignment.key.set)(&mut config, &assignment.value) {
                Ok(()) => applied.push(assignment),
                Err(problem) => layer_faults.push(Fault {
                    place: assignment.place,
                    message: format!("{}.{} {}", assignment.key.section, assignment.key.name, problem.message),
                    suggestion: problem.suggestion,
                }),
            }
        }
        layer_faults.sort_by_key(|fault| line(&fault.place));
        faults.append(&mut layer_faults);
    }
    let loaded = Loaded { config, applied };
    let broken = breaches(&loaded.config);
    let places = broken.iter().map(|breach| breach_place(&loaded, breach, file));
    let told = |fault: &Fault| {
        // A rule about a value that could not be read would be checked with the default in its place.
        !faults.iter().any(|other| other.place == fault.place)
    };
    let breach_faults = broken.iter().zip(places).map(|(breach, place)| Fault {
        place,
        message: breach.message.clone(),
        suggestion: breach.suggestion.clone(),
    });
    let new: Vec<Fault> = breach_faults.filter(told).collect();
    faults.extend(new);
    if faults.is_empty() {
        Ok(loaded)
    } else {
        Err(ConfigError { faults })
    }
}

/// The key to change is the one that was given; a breach by defaults alone cannot be, since a test reads them.
fn breach_place(loaded: &Loaded, breach: &Breach, file: Option<&Path>) -> Place {
    let mut given = breach
        .keys
        .iter()
        .filter_map(|(section, name)| loaded.place(section, name));
    given.next().unwrap_or_else(|| Place::File {
        path: file.unwrap_or(Path::new("")).to_owned(),
        line: None,
    })
}

fn line(place: &Place) -> Option<usize> {
    match place {
        Place::File { line, .. } => *line,
        Place::Env(_) | Place::Flag(_) => None,
    }
}

fn read(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    std::fs::File::open(path)?
        .take(FILE_MAX_BYTES + 1)
        .read_to_string(&mut text)?;
    if text.len() as u64 > FILE_MAX_BYTES {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            format!("longer than {FILE_MAX_BYTES} bytes"),
        ));
    }
    Ok(text)
}
