//! A machine to install packages on: what this one holds, with every change in a file system of its own that is thrown away.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

use crate::support::notify::NotifySocket;
use crate::support::{Place, Server};

/// The user of the service.
const USER: &str = "telecomx-local";

/// Unmounted and removed when dropped.
pub struct Machine {
    folder: TempDir,
}

fn run(program: &str, arguments: &[&str]) {
    let output = Command::new(program).args(arguments).output().unwrap();
    assert!(output.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// What a program has printed, to either of its outputs.
fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

impl Machine {
    /// Where `needs("overlay")`.
    pub fn new() -> Machine {
        let machine = Machine { folder: tempfile::tempdir().unwrap() };
        let path = |name: &str| machine.folder.path().join(name).to_str().unwrap().to_owned();
        run("mount", &["-t", "tmpfs", "tmpfs", &path("")]);
        for name in ["changes", "work", "root"] {
            std::fs::create_dir(path(name)).unwrap();
        }
        let options = format!("lowerdir=/,upperdir={},workdir={}", path("changes"), path("work"));
        run("mount", &["-t", "overlay", "overlay", "-o", &options, &path("root")]);
        for name in ["proc", "dev"] {
            run("mount", &["--rbind", &format!("/{name}"), &path(&format!("root/{name}"))]);
            run("mount", &["--make-rslave", &path(&format!("root/{name}"))]);
        }
        // Nothing of a service manager, or of a package that may be installed here.
        let systemd = machine.path("/run/systemd/system");
        assert!(!systemd.exists(), "{}", systemd.display());
        machine
    }

    /// Where a path of the machine is here.
    pub fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join("root").join(path.trim_start_matches('/'))
    }

    /// A command of the machine, as root.
    pub fn command(&self, arguments: &[&str]) -> Command {
        self.command_of("root", arguments)
    }

    /// A command of the machine, as one of its users.
    pub fn command_of(&self, user: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new("chroot");
        command.arg(format!("--userspec={user}:")).arg(self.path("/")).args(arguments).env_clear().stdin(Stdio::null());
        command.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("DEBIAN_FRONTEND", "noninteractive");
        command
    }

    /// Runs a command that must succeed; gives all that it prints.
    pub fn run(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", text(&output));
        text(&output)
    }

    /// Runs the program as the user of the service, with the settings of the service.
    pub fn tool(&self, arguments: &[&str]) -> String {
        let config = ["--config", "/etc/telecomx-local/config.toml"];
        let mut command = self.command_of(USER, &[&["telecomx-local"], arguments, &config].concat());
        let output = command.output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", text(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Installs or upgrades a package.
    pub fn install(&self, package: &Path) -> String {
        std::fs::copy(package, self.path("/package.deb")).unwrap();
        self.run(&["dpkg", "--install", "/package.deb"])
    }

    /// What the unit starts, as its user.
    pub fn service(&self, unit: &str) -> Command {
        let words = self.start_line(unit);
        self.command_of(USER, &words.iter().map(String::as_str).collect::<Vec<_>>())
    }

    /// The words of the unit's `ExecStart=`, with its variables replaced: of the unit, and of its file with variables.
    pub fn start_line(&self, unit: &str) -> Vec<String> {
        let read = |path: &str| std::fs::read_to_string(self.path(path)).unwrap();
        let text = read(&format!("/usr/lib/systemd/system/{unit}.service"));
        let setting = |name: &str| text.lines().find_map(|line| line.strip_prefix(name));
        assert_eq!(setting("User="), Some(USER));
        let file = setting("EnvironmentFile=-").map(read).unwrap_or_default();
        let of_unit = text.lines().filter_map(|line| line.strip_prefix("Environment="));
        let of_file = file.lines().filter(|line| !line.starts_with('#'));
        let variables: HashMap<&str, &str> = of_unit.chain(of_file).filter_map(|line| line.split_once('=')).collect();
        let words = setting("ExecStart=").unwrap().split(' ');
        let value = |word: &str| match word.strip_prefix('$') {
            Some(name) => variables.get(name.trim_matches(['{', '}'])).copied().unwrap_or_default().to_owned(),
            None => word.to_owned(),
        };
        words.map(value).filter(|word| !word.is_empty()).collect()
    }

    /// Starts the unit as its service manager would, and waits until it says that it is ready and alive.
    pub fn start(&self, unit: &str, place: &Place) -> (Server, NotifySocket) {
        let socket = format!("/run/notify-{unit}");
        let _ = std::fs::remove_file(self.path(&socket));
        let notify = NotifySocket::at(&self.path(&socket));
        let mut command = self.service(unit);
        command.env("NOTIFY_SOCKET", &socket).env("WATCHDOG_USEC", "1000000");
        let server = Server::start(&mut command, place.log());
        notify.wait_for("READY=1");
        notify.wait_for("WATCHDOG=1");
        (server, notify)
    }

    pub fn has_user(&self) -> bool {
        self.command(&["getent", "passwd", USER]).output().unwrap().status.success()
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        for name in ["root/dev", "root/proc", "root", ""] {
            let _ = Command::new("umount").args(["--lazy", "--recursive"]).arg(self.folder.path().join(name)).output();
        }
    }
}
