//! A machine: a folder that stands for its file system, an address on loopback, and a unit that runs `chatd`.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::process::{Command, ExitStatus};
use std::time::Duration;

use quorate_tests::{Daemon, Finished, Signal, poll, programs, run};

/// An exit code of `chatctl`.
const NO_QUORUM: i32 = 6;
/// `TimeoutStartSec` and `TimeoutStopSec` of the unit are longer and as long.
const STARTED_DEADLINE: Duration = Duration::from_secs(60);
const STOPPED_DEADLINE: Duration = Duration::from_secs(20);
/// Until a process has ended that was sent SIGKILL.
const KILLED_DEADLINE: Duration = Duration::from_secs(10);
/// What the contract gives the daemon of a node that was taken out.
const ENDED_DEADLINE: Duration = Duration::from_secs(30);
const ASKED_DEADLINE: Duration = Duration::from_secs(30);

/// Ports that are free on all machines: of clients, of peers (UDP), and of metrics (TCP).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ports {
    pub(crate) client: u16,
    pub(crate) peer: u16,
    pub(crate) metrics: u16,
}

#[derive(Debug)]
pub(crate) struct Machine {
    /// The number in its name, which says where it is reached.
    number: u8,
    root: PathBuf,
    daemon: Option<Daemon>,
}

impl Machine {
    /// An empty one.
    pub(crate) fn new(name: &str, root: PathBuf) -> Self {
        for folder in ["root", "run/chatd", "etc", "var/lib"] {
            fs::create_dir_all(root.join(folder)).expect("the temp dir is writable");
        }
        Self {
            number: number(name),
            root,
            daemon: None,
        }
    }

    /// The home of the user root, where commands are run.
    pub(crate) fn home(&self) -> PathBuf {
        self.root.join("root")
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.root.join("run/chatd/admin.sock")
    }

    pub(crate) fn trace(&self) -> PathBuf {
        self.root.join("trace.log")
    }

    fn config(&self) -> PathBuf {
        self.root.join("etc/chatd/chatd.toml")
    }

    pub(crate) fn has_package(&self) -> bool {
        self.config().exists()
    }

    /// Brings the config of this package, with what the page says that it has to say.
    pub(crate) fn install(&self, said: &str, ports: Ports) {
        let root = self.root.display();
        let here = addr(self.number);
        let said = said
            .replace("\"[::]:", &format!("\"{here}:"))
            .replace("\"h1:", &format!("\"h{}:", self.number));
        let text = format!(
            "{}\n[node]\ndata_dir = \"{root}/var/lib/chatd\"\nadmin_socket = \"{root}/run/chatd/admin.sock\"\n",
            self.real(&said, ports)
        );
        fs::create_dir_all(self.root.join("etc/chatd")).expect("the temp dir is writable");
        fs::write(self.config(), text).expect("the temp dir is writable");
    }

    /// It is reached under another name from now on; its sockets, which listen everywhere, come along.
    pub(crate) fn move_to(&mut self, name: &str) {
        let (before, after) = (addr(self.number), addr(number(name)));
        let text = fs::read_to_string(self.config()).expect("it has the package");
        let listens = |line: &str| line.starts_with("client =") || line.starts_with("peer =");
        let moved: Vec<String> = text
            .lines()
            .map(|line| match listens(line) {
                true => line.replace(&before, &after),
                false => line.to_owned(),
            })
            .collect();
        fs::write(self.config(), moved.join("\n")).expect("the temp dir is writable");
        self.number = number(name);
    }

    /// A text of the page, with names, ports and paths as they are here.
    pub(crate) fn real(&self, text: &str, ports: Ports) -> String {
        let mut told = String::new();
        let mut rest = text;
        while let Some(letter) = rest.chars().next() {
            let before = told.chars().last();
            let begins_word = before.is_none_or(|before| !before.is_alphanumeric() && !"/.-".contains(before));
            let name = rest
                .split(|letter: char| !letter.is_alphanumeric())
                .next()
                .unwrap_or_default();
            if begins_word && is_name(name) && rest[name.len()..].starts_with(':') {
                told.push_str(&addr(number(name)));
                rest = &rest[name.len()..];
            } else if letter == '/'
                && before.is_none_or(|before| " =>'\"".contains(before))
                && rest[1..].starts_with(char::is_alphanumeric)
            {
                told.push_str(&self.root.display().to_string());
                told.push('/');
                rest = &rest[1..];
            } else {
                told.push(letter);
                rest = &rest[letter.len_utf8()..];
            }
        }
        for (page, port) in [(7400, ports.client), (7401, ports.peer), (7480, ports.metrics)] {
            told = told.replace(&format!(":{page}"), &format!(":{port}"));
        }
        told.replace("127.0.0.1:", &format!("127.0.2.{}:", self.number))
    }

    /// Starts the unit, and waits until the daemon says that it is ready.
    pub(crate) fn start(&mut self) -> Result<(), String> {
        if self.runs() {
            return Ok(());
        }
        if !self.has_package() {
            return Err("Unit chatd.service not found.".to_owned());
        }
        let told = self.root.join("run/notify");
        let _ = fs::remove_file(&told);
        let systemd = UnixDatagram::bind(&told).map_err(|error| error.to_string())?;
        systemd.set_nonblocking(true).map_err(|error| error.to_string())?;
        let mut command = Command::new(&programs().chatd);
        command
            .arg("--config")
            .arg(self.config())
            .env("NOTIFY_SOCKET", &told)
            .current_dir(&self.root);
        let mut daemon = Daemon::start(&mut command, &self.trace());
        let ready = poll(STARTED_DEADLINE, || {
            if let Some(status) = daemon.ended() {
                return Some(Err(format!("chatd has ended: {status}\n{}", daemon.trace_tail())));
            }
            let mut bytes = [0; 4096];
            match systemd.recv(&mut bytes) {
                Ok(len) => String::from_utf8_lossy(&bytes[..len])
                    .contains("READY=1")
                    .then_some(Ok(())),
                Err(error) if error.kind() == ErrorKind::WouldBlock => None,
                Err(error) => Some(Err(error.to_string())),
            }
        });
        // What it says later finds nobody.
        let _ = fs::remove_file(&told);
        let ready = ready.unwrap_or_else(|| Err(format!("chatd is not ready:\n{}", daemon.trace_tail())));
        if ready.is_ok() {
            self.daemon = Some(daemon);
        }
        ready
    }

    /// Stops the unit.
    pub(crate) fn stop(&mut self) -> Result<(), String> {
        let Some(mut daemon) = self.daemon.take() else {
            return Ok(());
        };
        daemon.signal(Signal::Terminate);
        let status = daemon.wait(STOPPED_DEADLINE);
        match status.success() {
            true => Ok(()),
            false => Err(format!("chatd has ended: {status}\n{}", daemon.trace_tail())),
        }
    }

    pub(crate) fn reload(&mut self) -> Result<(), String> {
        match &mut self.daemon {
            Some(daemon) => {
                daemon.signal(Signal::HangUp);
                Ok(())
            }
            None => Err("chatd.service is not active, cannot reload.".to_owned()),
        }
    }

    pub(crate) fn runs(&mut self) -> bool {
        self.daemon.as_mut().is_some_and(|daemon| daemon.ended().is_none())
    }

    /// As a power cut is for a process.
    pub(crate) fn kill(&mut self) {
        if let Some(mut daemon) = self.daemon.take() {
            daemon.signal(Signal::Kill);
            daemon.wait(KILLED_DEADLINE);
        }
    }

    /// Waits until the daemon has ended by itself.
    pub(crate) fn wait_ended(&mut self) -> ExitStatus {
        let mut daemon = self.daemon.take().expect("it was started");
        daemon.wait(ENDED_DEADLINE)
    }

    /// Asks its daemon, for the test itself.
    pub(crate) fn ask(&self, args: &[&str]) -> Finished {
        let mut command = Command::new(&programs().chatctl);
        command.arg("--socket").arg(self.socket()).args(args);
        run(&mut command, "", ASKED_DEADLINE)
    }

    /// The id in the last row of a list that its daemon has.
    pub(crate) fn last_id(&self, list: &[&str]) -> String {
        let rows = self.ask(&[&["-o", "json"], list].concat()).success().data();
        let last = rows.as_array().and_then(|rows| rows.last()).expect("the list has rows");
        last["id"].to_string().trim_matches('"').to_owned()
    }

    /// Whether, by its word, these addresses are of nodes that are down, and another leads; or nobody can.
    pub(crate) fn has_noticed(&self, gone: &[String]) -> bool {
        let told = self.ask(&["-o", "json", "status"]);
        if told.code != Some(0) {
            return told.code == Some(NO_QUORUM);
        }
        let status = told.data();
        let nodes = status["nodes"].as_array().cloned().unwrap_or_default();
        let is_gone = |node: &&serde_json::Value| {
            let addr = node["peer_addr"].as_str().unwrap_or_default();
            gone.iter().any(|gone| addr.starts_with(&format!("{gone}:")))
        };
        let all_down = nodes
            .iter()
            .filter(is_gone)
            .all(|node| node["state"] == "down" && node["is_leader"] == false);
        all_down && !status["cluster"]["leader"].is_null()
    }

    pub(crate) fn addr(&self) -> String {
        addr(self.number)
    }
}

/// `h3`, not `host`.
pub(crate) fn is_name(word: &str) -> bool {
    word.strip_prefix('h').is_some_and(|rest| rest.parse::<u8>().is_ok())
}

/// Where machines of this name are reached.
pub(crate) fn addr_of(name: &str) -> String {
    addr(number(name))
}

fn addr(number: u8) -> String {
    format!("127.0.1.{number}")
}

fn number(name: &str) -> u8 {
    let digits = name.strip_prefix('h').expect("machines are called h1, h2 and so on");
    digits.parse().expect("machines are called h1, h2 and so on")
}
