//! The system calls of a real process, as strace records them.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::server::within;

/// What changes files and folders, or sends something. `?`: not every architecture has it.
const CALLS: &str = "?open,openat,?creat,?mkdir,mkdirat,?rename,?renameat,renameat2,?unlink,unlinkat,write,pwrite64,writev,\
    pwritev,sendto,sendmsg,fsync,fdatasync";
const WRITES: [&str; 4] = ["write", "pwrite64", "writev", "pwritev"];
/// More than a page of SQLite's, or the head of an answer.
const TEXT_MAX: &str = "5000";

/// One call that did not fail.
#[derive(Debug)]
pub struct Call {
    pub thread: u32,
    pub name: String,
    /// As strace prints it: arguments and result.
    pub text: String,
    /// Lines of the record in which it begins and ends: what ends before another begins has happened before it.
    /// One that the end of the process cut off has no end.
    pub begin: usize,
    pub end: usize,
}

/// What a process has done, in order.
pub struct Trace(pub Vec<Call>);

/// `command` under strace, which records to `record`. The process itself is the child, not strace.
pub fn traced(command: &Command, record: &Path) -> Command {
    let mut traced = Command::new("strace");
    traced.args(["-D", "-f", "-y", "--seccomp-bpf", "-s", TEXT_MAX, "-e", &format!("trace={CALLS}"), "-o"]).arg(record);
    traced.arg("--").arg(command.get_program()).args(command.get_args()).env_clear();
    traced.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    traced.current_dir(command.get_current_dir().unwrap()).stdin(std::process::Stdio::null());
    traced
}

/// Kills the command right before its `n`th call of one of `calls`; whether it got that far.
pub fn is_killed_at(command: &Command, calls: &str, n: usize) -> bool {
    is_cut_off(command, &format!("{calls}:signal=KILL:when={n}"), calls)
}

/// Runs a command for which the disk is full from the call number `n` of `calls` on; whether it failed.
pub fn is_full_from(command: &Command, calls: &str, n: usize) -> bool {
    is_cut_off(command, &format!("{calls}:error=ENOSPC:when={n}+"), calls)
}

fn is_cut_off(command: &Command, fault: &str, calls: &str) -> bool {
    let mut traced = Command::new("strace");
    let inject = format!("inject={fault}");
    traced.args(["-f", "-o", "/dev/null", "-e", &format!("trace={calls}"), "-e", &inject, "--"]);
    traced.arg(command.get_program()).args(command.get_args()).env_clear();
    traced.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let output = traced.current_dir(command.get_current_dir().unwrap()).output().unwrap();
    !output.status.success()
}

impl Trace {
    /// The record of a process that has ended, read as soon as strace has written all of it.
    pub fn read(record: &Path) -> Trace {
        let record = record.to_owned();
        Trace::parse(&within(Duration::from_secs(30), move || {
            loop {
                let text = String::from_utf8_lossy(&std::fs::read(&record).unwrap()).into_owned();
                let first = text.split_whitespace().next().unwrap_or_default().to_owned();
                // The thread that everything began with is the last to end.
                let last = text.lines().last().unwrap_or_default().to_owned();
                if text.ends_with('\n') && last.contains(" +++ ") && last.split_whitespace().next() == Some(&first) {
                    return text;
                }
                std::thread::yield_now();
            }
        }))
    }

    fn parse(record: &str) -> Trace {
        let mut begun: HashMap<u32, (usize, String)> = HashMap::new();
        let mut calls = vec![];
        for (end, line) in record.lines().enumerate() {
            let Some((thread, text)) = line.split_once(' ') else { continue };
            let (thread, text) = (thread.parse::<u32>().unwrap(), text.trim_start());
            if let Some(part) = text.strip_suffix(" <unfinished ...>") {
                begun.insert(thread, (end, part.to_owned()));
                continue;
            }
            let (begin, text) = match text.strip_prefix("<... ").and_then(|rest| rest.split_once(" resumed>")) {
                Some((_, rest)) => {
                    let (begin, part) = begun.remove(&thread).unwrap();
                    (begin, part + rest)
                }
                None => (end, text.to_owned()),
            };
            let Some((name, _)) = text.split_once('(') else { continue };
            let Some((_, result)) = text.rsplit_once(" = ") else { continue };
            let end = if result.starts_with('?') { usize::MAX } else { end };
            if !result.starts_with('-') {
                calls.push(Call { thread, name: name.to_owned(), text, begin, end });
            }
        }
        for (thread, (begin, text)) in begun {
            let name = text.split('(').next().unwrap().to_owned();
            calls.push(Call { thread, name, text, begin, end: usize::MAX });
        }
        calls.sort_by_key(|call| call.begin);
        Trace(calls)
    }

    pub fn writes_to<'t>(&'t self, file: &'t Path) -> impl Iterator<Item = &'t Call> {
        self.0.iter().filter(move |call| WRITES.contains(&call.name.as_str()) && call.file().as_deref() == Some(file))
    }

    /// The first answer to a client behind the line `after` that contains `text`.
    pub fn answer(&self, after: usize, text: &str) -> Option<&Call> {
        let is_answer =
            |call: &&Call| call.begin > after && call.text.contains("\"HTTP/1.1 2") && call.text.contains(text);
        self.0.iter().find(is_answer)
    }

    /// Whether `path`, a file or a folder, is fsynced between these lines.
    pub fn is_synced(&self, path: &Path, after: usize, before: usize) -> bool {
        let mut syncs = self.0.iter().filter(|call| call.is_sync_of(path));
        syncs.any(|sync| sync.begin > after && sync.end < before)
    }

    /// Names below `folder` that a power cut at the line `before` could undo: of files and folders made, renamed or (for
    /// the journal that a commit ends by its removal) removed, whose folder is not fsynced since.
    pub fn names_at_risk(&self, folder: &Path, before: usize) -> Vec<String> {
        let mut last: HashMap<PathBuf, &Call> = HashMap::new();
        for call in self.0.iter().filter(|call| call.end < before) {
            let Some(name) = call.name_changed().filter(|name| name.starts_with(folder)) else { continue };
            match call.is_removal() && !name.to_string_lossy().ends_with("-journal") {
                true => drop(last.remove(&name)),
                // SQLite opens a file to make it if need be: what counts is the first time.
                false if call.name == "openat" => drop(last.entry(name).or_insert(call)),
                false => drop(last.insert(name, call)),
            }
            if call.name.starts_with("rename") {
                last.remove(&call.quoted()[0]);
            }
        }
        let at_risk = last.into_iter().filter(|(name, call)| {
            let is_needed = !["-shm", ".lock", ".reserve"].iter().any(|end| name.to_string_lossy().ends_with(end));
            is_needed && !self.is_synced(name.parent().unwrap(), call.end, before)
        });
        at_risk.map(|(name, call)| format!("{} ({})", name.display(), call.name)).collect()
    }
}

impl Call {
    /// The file that its first argument, a descriptor, is open on.
    pub fn file(&self) -> Option<PathBuf> {
        let argument = self.text.split_once('(')?.1;
        let (number, rest) = argument.split_once('<')?;
        number.parse::<u32>().ok()?;
        Some(rest.split_once('>')?.0.into())
    }

    fn is_sync_of(&self, path: &Path) -> bool {
        ["fsync", "fdatasync"].contains(&self.name.as_str()) && self.file().as_deref() == Some(path)
    }

    fn is_removal(&self) -> bool {
        self.name.starts_with("unlink")
    }

    /// The names among its arguments.
    fn quoted(&self) -> Vec<PathBuf> {
        self.text.split('"').skip(1).step_by(2).map(PathBuf::from).collect()
    }

    /// The name in a folder that it makes, gives or removes.
    fn name_changed(&self) -> Option<PathBuf> {
        match self.name.as_str() {
            "open" | "openat" if !self.text.contains("O_CREAT") => None,
            "open" | "openat" | "creat" | "mkdir" | "mkdirat" | "unlink" | "unlinkat" => {
                self.quoted().into_iter().next()
            }
            name if name.starts_with("rename") => self.quoted().into_iter().nth(1),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_read_with_calls_that_others_interrupt() {
        let record = "\
7 openat(AT_FDCWD</w>, \"/w/a/x\", O_RDWR|O_CREAT, 0600) = 3</w/a/x>
7 pwrite64(3</w/a/x>, \"one\", 3, 0 <unfinished ...>
8 sendto(9<socket:[1]>, \"HTTP/1.1 200 OK\\r\\nx-request-id: r1\", 30, 0, NULL, 0) = 30
7 <... pwrite64 resumed>)          = 3
7 fdatasync(3</w/a/x>)             = 0
7 fsync(4</w/a>)                   = -1 EIO (Input/output error)
7 rename(\"/w/a/x\", \"/w/a/y\")   = 0
8 sendto(9<socket:[1]>, \"HTTP/1.1 200 OK\\r\\nx-request-id: r2\", 30, 0, NULL <unfinished ...>
7 fdatasync(3</w/a/x> <unfinished ...>
7 <... fdatasync resumed>)         = ?
7 +++ killed by SIGKILL +++
";
        let trace = Trace::parse(record);
        let (file, folder) = (Path::new("/w/a/x"), Path::new("/w/a"));
        let write = trace.writes_to(file).next().unwrap();
        assert_eq!((write.thread, write.begin, write.end), (7, 1, 3));
        assert_eq!(trace.answer(0, "r1").unwrap().begin, 2);
        assert!(trace.is_synced(file, write.end, 5) && !trace.is_synced(file, write.end, 4));
        assert!(!trace.is_synced(folder, 0, 100), "a sync that failed is none");
        assert_eq!(trace.answer(2, "r2").unwrap().begin, 7);
        assert!(!trace.is_synced(file, 5, 100), "nor is one that was cut off");
        assert_eq!(trace.names_at_risk(folder, 6), ["/w/a/x (openat)"]);
        assert_eq!(trace.names_at_risk(folder, 100), ["/w/a/y (rename)"]);
    }
}
