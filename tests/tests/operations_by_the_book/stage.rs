//! Where the page is played: machines, a repository, and what happens to them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::net::{TcpListener, UdpSocket};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use quorate_tests::{Turn, folder, free_udp_ports, poll, programs, until};
use tempfile::TempDir;

use crate::call::{Call, write_scripts};
use crate::machine::{Machine, Ports, addr_of, is_name};
use crate::page::{CommandLine, Cue, Place};
use crate::running::Running;

/// For one command of the page, waits for health among them.
const COMMAND_DEADLINE: Duration = Duration::from_secs(60);
/// Until the others know that a node is gone, and another leads.
const NOTICED_DEADLINE: Duration = Duration::from_secs(30);
/// An exit code: what follows was ended with Ctrl-C.
const INTERRUPTED: i32 = 130;
/// Machines that there may be.
const MACHINES_MAX: usize = 12;

#[derive(Debug)]
pub(crate) struct Stage {
    dir: TempDir,
    ports: Ports,
    machines: BTreeMap<String, Machine>,
    /// How many folders there were for machines: a name may come again, with nothing left of the one before.
    folders: usize,
    /// What a config has to say.
    config: String,
    /// The programs of the system that were called.
    pub(crate) called: BTreeSet<String>,
    _turn: Turn,
}

impl Stage {
    pub(crate) fn new() -> Self {
        let turn = Turn::wait();
        let dir = folder();
        fs::create_dir(dir.path().join("calls")).expect("the temp dir is writable");
        write_scripts(&dir.path().join("bin"), &dir.path().join("repository"));
        Self {
            dir,
            ports: free_ports(),
            machines: BTreeMap::new(),
            folders: 0,
            config: String::new(),
            called: BTreeSet::new(),
            _turn: turn,
        }
    }

    /// What a config has to say: on the machines that have the package, and on those that will.
    pub(crate) fn set_config(&mut self, text: &str) {
        text.clone_into(&mut self.config);
        for machine in self.machines.values().filter(|machine| machine.has_package()) {
            machine.install(text, self.ports);
        }
    }

    pub(crate) fn cue(&mut self, cue: &Cue) {
        match cue {
            Cue::Prepared(names) => names.iter().for_each(|name| self.prepare(name)),
            Cue::Gone(names) => self.lose(names),
            Cue::Ended(names) => {
                for name in names {
                    let status = self.machine(name).wait_ended();
                    assert!(status.success(), "{name}: {status}");
                }
            }
            Cue::Moved(from, to) => {
                let mut machine = self.machines.remove(from).expect("a machine of this name is there");
                machine.move_to(to);
                self.machines.insert(to.clone(), machine);
            }
            Cue::Anew(names) => {
                self.machines.clear();
                self.form(names);
            }
        }
    }

    /// A cluster of these, with ids in this order.
    fn form(&mut self, names: &[String]) {
        let (first, others) = names.split_first().expect("machines are named");
        for name in names {
            self.prepare(name);
            self.machine(name).start().expect("an empty node starts");
        }
        let first = self.machine(first);
        let _ = first.ask(&["cluster", "init", "--name", "prod"]).success();
        let uses = others.len().to_string();
        let made = first
            .ask(&["-o", "json", "cluster", "token", "create", "--uses", &uses])
            .success();
        let token = self.dir.path().join("token");
        fs::write(&token, made.data()["token"].as_str().expect("a token is text")).expect("the temp dir is writable");
        let token = token.to_str().expect("temporary folders have plain names");
        let through = format!("{}:{}", addr_of(&names[0]), self.ports.peer);
        for name in others {
            let _ = self
                .machine(name)
                .ask(&["cluster", "join", &through, "--token-file", token])
                .success();
        }
    }

    /// SIGKILL, all at once; and the others have seen it.
    fn lose(&mut self, names: &[String]) {
        for name in names {
            self.machine(name).kill();
        }
        let gone: Vec<String> = names.iter().map(|name| self.machine(name).addr()).collect();
        // The first that is left: operators ask it next.
        let left = self
            .machines
            .values_mut()
            .find_map(|machine| machine.runs().then_some(machine));
        let left = left.expect("a machine is left");
        until("the others have noticed who is gone", NOTICED_DEADLINE, || {
            left.has_noticed(&gone).then_some(())
        });
    }

    /// The machine of this name, an empty one if there was none.
    fn machine(&mut self, name: &str) -> &mut Machine {
        let (folders, dir) = (&mut self.folders, self.dir.path());
        self.machines.entry(name.to_owned()).or_insert_with(|| {
            *folders += 1;
            Machine::new(name, dir.join(format!("m{folders}")))
        })
    }

    fn prepare(&mut self, name: &str) {
        let (config, ports) = (self.config.clone(), self.ports);
        let machine = self.machine(name);
        assert!(!machine.has_package(), "{name} is prepared already");
        write_packages(&machine.home());
        machine.install(&config, ports);
    }

    /// Runs a command in a place. What it says is in the fault.
    pub(crate) fn run(&mut self, place: &Place, command: &CommandLine) -> Result<(), String> {
        let (out, err) = (self.dir.path().join("stdout"), self.dir.path().join("stderr"));
        let mut running = self.spawn(place, command, &out, &err)?;
        let begun = Instant::now();
        let (follows, is_ours) = (command.follows(), command.bare().starts_with("chat"));
        let ended = poll(COMMAND_DEADLINE, || {
            self.serve();
            let has_said = follows && fs::read(&out).is_ok_and(|bytes| bytes.contains(&b'\n'));
            match running.ended() {
                None if has_said => running.cut(is_ours),
                ended => ended,
            }
        });
        let told = || {
            let text = |path: &Path| String::from_utf8_lossy(&fs::read(path).unwrap_or_default()).into_owned();
            format!("{}{}", text(&out), text(&err))
        };
        let ended = ended.ok_or_else(|| format!("has not ended within {COMMAND_DEADLINE:?}\n{}", told()))?;
        println!("{:>6} ms  {place:?}  {}", begun.elapsed().as_millis(), command.text);
        let is_right = match (follows, ended.code()) {
            (true, Some(INTERRUPTED)) => true,
            // Other programs than ours are ended by the signal.
            (true, code) => !is_ours && code.is_none(),
            (false, code) => code.is_some_and(|code| command.expected.contains(&code)),
        };
        match is_right {
            true => Ok(()),
            false => Err(format!("{ended}, not {:?}\n{}", command.expected, told())),
        }
    }

    fn spawn(&mut self, place: &Place, command: &CommandLine, out: &Path, err: &Path) -> Result<Running, String> {
        let (name, dir, text, vars) = match place {
            Place::Repository => {
                let far = Machine::new("h0", self.dir.path().join("workstation"));
                let text = far.real(&command.text, self.ports);
                ("repository", self.dir.path().join("repository"), text, Vec::new())
            }
            Place::Machine(name) => {
                let ports = self.ports;
                let machine = self.machine(name);
                let vars = vec![
                    ("CHATCTL_SOCKET", machine.socket()),
                    ("BOOK_TRACE", machine.trace()),
                    ("HOME", machine.home()),
                ];
                let text = match command.listed_by() {
                    Some(list) => command.text.replace(" ID", &format!(" {}", machine.last_id(&list))),
                    None => command.text.clone(),
                };
                (name.as_str(), machine.home(), machine.real(&text, ports), vars)
            }
        };
        // So that the signal that ends it finds the program, and not its shell.
        let text = if command.follows() {
            format!("exec {text}")
        } else {
            text
        };
        let file = |path: &Path| File::create(path).map_err(|error| error.to_string());
        let built = programs().chatctl.parent().expect("it is in a folder");
        let path = [&self.dir.path().join("bin"), built]
            .map(|dir| dir.display().to_string())
            .join(":");
        let path = format!("{path}:{}", std::env::var("PATH").unwrap_or_default());
        Command::new("sh")
            .args(["-e", "-c", &text])
            .current_dir(dir)
            .env("PATH", path)
            .env("BOOK_CALLS", self.dir.path().join("calls"))
            .env("BOOK_PLACE", name)
            .envs(vars)
            .stdin(Stdio::null())
            .stdout(file(out)?)
            .stderr(file(err)?)
            .process_group(0)
            .spawn()
            .map(Running)
            .map_err(|error| error.to_string())
    }

    /// Answers the programs of the system that wait.
    fn serve(&mut self) {
        for call in Call::waiting(&self.dir.path().join("calls")) {
            self.called.insert(call.program.clone());
            let args: Vec<&str> = call.args.iter().map(String::as_str).collect();
            let done = self.act(&call, &args);
            call.answer(done);
        }
    }

    fn act(&mut self, call: &Call, args: &[&str]) -> Result<(), String> {
        let in_place = |path: &str| call.dir.join(path);
        match (call.program.as_str(), args) {
            ("systemctl", ["start", "chatd"] | ["enable", "--now", "chatd"]) => self.machine(&call.place).start(),
            ("systemctl", ["stop", "chatd"] | ["disable", "--now", "chatd"]) => self.machine(&call.place).stop(),
            ("systemctl", ["restart", "chatd"]) => {
                self.machine(&call.place).stop()?;
                self.machine(&call.place).start()
            }
            ("systemctl", ["reload", "chatd"]) => self.machine(&call.place).reload(),
            ("systemctl", ["status", "chatd"]) => match self.machine(&call.place).runs() {
                true => Ok(()),
                false => Err("inactive (dead)".to_owned()),
            },
            ("apt-get", ["install", packages @ ..]) if !packages.is_empty() => self.install(call, packages),
            ("apt-get", ["remove", "chatd"]) => self.machine(&call.place).stop(),
            ("chown", ["-R", "chatd:", path]) if in_place(path).exists() => Ok(()),
            ("scp", args) => self.copy(call, args),
            ("build", []) => {
                let target = call.dir.join("target/package");
                fs::create_dir_all(&target).map_err(|error| error.to_string())?;
                write_packages(&target);
                Ok(())
            }
            // Nothing comes of these here.
            ("systemctl", ["disable" | "reset-failed", "chatd"])
            | ("sysctl", ["--system"])
            | ("adduser", ["alice", "chatd-admin"])
            | ("systemd-analyze", ["security", "chatd"])
            | ("try-in-nspawn", []) => Ok(()),
            _ => Err(format!("the test does not know: {args:?}")),
        }
    }

    /// What the package does: it brings a config, and restarts a daemon that runs.
    fn install(&mut self, call: &Call, packages: &[&str]) -> Result<(), String> {
        for package in packages {
            if !call.dir.join(package).is_file() {
                return Err(format!("unable to locate package {package}"));
            }
        }
        let (config, ports) = (self.config.clone(), self.ports);
        let machine = self.machine(&call.place);
        if !machine.has_package() {
            // The page says later what is to be in it; nothing starts it before.
            machine.install(&config, ports);
        }
        if machine.runs() {
            machine.stop()?;
            machine.start()?;
        }
        Ok(())
    }

    /// Into the home of the user on another machine.
    fn copy(&mut self, call: &Call, args: &[&str]) -> Result<(), String> {
        let (target, files) = args.split_last().ok_or("nothing to copy")?;
        let name = |number: &str| format!("h{number}");
        let target = target
            .strip_prefix("127.0.1.")
            .and_then(|rest| rest.strip_suffix(':'))
            .map(name)
            .filter(|name| is_name(name))
            .ok_or(format!("{target} is no machine"))?;
        let home = self.machine(&target).home();
        let mut copy = Command::new("cp");
        copy.args(files).arg(home).current_dir(&call.dir);
        match copy.status() {
            Ok(status) if status.success() => Ok(()),
            other => Err(format!("not copied: {other:?}")),
        }
    }

    /// The last words of all daemons.
    pub(crate) fn traces(&self) -> String {
        let tail = |machine: &Machine| {
            let text = fs::read_to_string(machine.trace()).unwrap_or_default();
            let lines: Vec<&str> = text.lines().collect();
            lines[lines.len().saturating_sub(15)..].join("\n")
        };
        let told = self
            .machines
            .iter()
            .map(|(name, machine)| format!("--- {name}\n{}\n", tail(machine)));
        told.collect()
    }
}

fn write_packages(dir: &Path) {
    for package in ["chatd_0.1.0-1_amd64.deb", "chat_0.1.0-1_amd64.deb"] {
        fs::write(dir.join(package), "").expect("the temp dir is writable");
    }
}

/// Ports that are free at the addresses of all machines.
fn free_ports() -> Ports {
    let hosts = || (1..=MACHINES_MAX).map(|number| format!("127.0.1.{number}"));
    let is_free = |port: &u16| hosts().all(|host| UdpSocket::bind((host.as_str(), *port)).is_ok());
    let is_free_tcp =
        |port: &u16| (1..=MACHINES_MAX).all(|number| TcpListener::bind((format!("127.0.2.{number}"), *port)).is_ok());
    let candidates = free_udp_ports(32);
    let mut free = candidates
        .iter()
        .copied()
        .filter(|port| is_free(port) && is_free_tcp(port));
    let mut next = || free.next().expect("loopback has free ports");
    Ports {
        client: next(),
        peer: next(),
        metrics: next(),
    }
}
