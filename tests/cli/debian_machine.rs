//! A machine to install packages on: what this one holds, with every change in a file system of its own that is thrown away.

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
        let text = std::fs::read_to_string(self.path(&format!("/usr/lib/systemd/system/{unit}.service"))).unwrap();
        let setting = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).unwrap().to_owned();
        let (start, user) = (setting("ExecStart="), setting("User="));
        assert_eq!(user, USER);
        let variables: Vec<(&str, &str)> =
            text.lines().filter_map(|line| line.strip_prefix("Environment=")?.split_once('=')).collect();
        let words = start.split(' ').filter(|word| *word != "$OPTIONS").map(|word| {
            let given = |(name, value): &&(&str, &str)| (*word == format!("${{{name}}}")).then_some(*value);
            variables.iter().find_map(|variable| given(&variable)).unwrap_or(word)
        });
        self.command_of(&user, &words.collect::<Vec<_>>())
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
