//! Files: where a name leads, which files make up a database, and how a file is replaced in one step.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow, bail};
use rustix::fs::{CWD, OFlags, RenameFlags};
use rustix::io::Errno;

use crate::error::advised;

pub mod mutants;

use mutants::Mutant;

/// Links that are followed at most, as by Linux.
const LINKS_MAX: usize = 40;

/// Ends of the names of the files that make up a database: its own, SQLite's, and ours.
pub const DATABASE_FILES: [&str; 8] = ["", "-wal", "-shm", "-journal", ".key", ".key.new", ".lock", ".reserve"];

/// End of the name of a database that is being restored: it gets its own name when it is whole.
pub const UNFINISHED: &str = ".restoring";

/// `path` with `suffix` at its end.
pub fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// The one name of a database, there or yet to be made: SQLite keeps its log beside the file that a link leads to,
/// so that is where lock and key must be too. The error names the flag that chose it.
pub fn database_path(given: &Path, flag: &str) -> Result<PathBuf> {
    if given.as_os_str().as_encoded_bytes().starts_with(b"file:") {
        bail!("{} is a URL: give {flag} as the path of a file", given.display());
    }
    if given.as_os_str() == ":memory:" {
        bail!("{flag} must be a file: for a database that is kept nowhere, use serve --ephemeral");
    }
    let path = follow_links(given);
    match std::fs::metadata(&path) {
        Ok(data) if !data.is_file() => bail!("{} is no regular file: choose another {flag}", path.display()),
        // Each name would have a lock, a key and a log of its own.
        Ok(data) if data.nlink() > 1 => bail!(
            "{} is one of {} names of the same file (hard links), and a database can have only one: remove the others, or choose another {flag}",
            path.display(),
            data.nlink()
        ),
        // What cannot be looked at is found out when it is opened.
        _ => Ok(path),
    }
}

/// Refuses a database that is still being restored: a new one in its place would keep that from ever being finished.
pub fn check_finished(path: &Path) -> Result<()> {
    let unfinished = beside(path, UNFINISHED);
    if path.exists() || !unfinished.exists() {
        return Ok(());
    }
    bail!(
        "{} is not restored yet: run restore again, with the same URL and code, or remove {}",
        path.display(),
        unfinished.display()
    )
}

/// Whether `file`, by whatever name, is one of the files that make up `database`, there or yet to be made.
pub fn is_of_database(file: &Path, database: &Path) -> bool {
    let inode = |path: &Path| std::fs::metadata(path).ok().map(|data| (data.dev(), data.ino()));
    let name = |path: &Path| {
        let path = follow_links(path);
        Some(folder_of(&path).canonicalize().ok()?.join(path.file_name()?))
    };
    let (file_inode, file_name) = (inode(file), name(file));
    DATABASE_FILES.map(|suffix| beside(database, suffix)).iter().any(|own| {
        (file_inode.is_some() && file_inode == inode(own)) || (file_name.is_some() && file_name == name(own))
    })
}

/// Where the name leads, also when nothing is there yet.
fn follow_links(path: &Path) -> PathBuf {
    let mut path = path.to_owned();
    for _ in 0..LINKS_MAX {
        let Ok(target) = std::fs::read_link(&path) else { break };
        path = path.parent().unwrap_or(Path::new("")).join(target);
    }
    path
}

/// Whether the file is a SQLite database, whosever it is (<https://sqlite.org/fileformat.html>, section 1.3).
pub fn is_database(path: &Path) -> bool {
    // What a pipe holds can be read only once.
    if is_special(path) {
        return false;
    }
    let mut begin = [0; 16];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut begin));
    read.is_ok() && &begin == b"SQLite format 3\0"
}

/// The folder that `path` is in.
pub fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// A new file, for its owner only, that has another name until it is whole; removed when it never is.
pub struct Part {
    target: PathBuf,
    path: PathBuf,
    file: File,
}

impl Part {
    /// Makes one, and removes those for the same target that a killed process left behind.
    ///
    /// A link stays a link: the file that it leads to is replaced. What is no regular file (a pipe, a device, a folder) is
    /// an error, and stays what it is.
    pub fn of(target: &Path) -> io::Result<Part> {
        let target = follow_links(target);
        if is_special(&target) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file"));
        }
        remove_left_behind(&target);
        let path = beside(&target, &format!(".{}.part", std::process::id()));
        let file = OpenOptions::new().create_new(true).write(true).mode(0o600).open(&path)?;
        Ok(Part { target, path, file })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn file(&self) -> &File {
        &self.file
    }

    /// Puts it in the place of what is there.
    pub fn finish(self) -> io::Result<()> {
        self.file.sync_all()?;
        move_file(&self.path, &self.target)
    }
}

/// Whether something is there that is no regular file: a pipe, a device, a socket, a folder.
pub fn is_special(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|data| !data.is_file())
}

/// Opens a file that this program keeps beside the database. Refuses symbolic links, hard links and anything that is not a
/// regular file, because whoever may write to the folder could have placed one there. `truncate` before this check would
/// already destroy what a hard link leads to, so callers truncate afterwards.
pub fn open_own_file(path: &Path, choose: impl FnOnce(&mut OpenOptions) -> &mut OpenOptions) -> io::Result<File> {
    let mut options = OpenOptions::new();
    // A pipe would otherwise be waited for.
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let file = choose(options.mode(0o600).custom_flags(flags.bits() as i32)).open(path)?;
    let data = file.metadata()?;
    if !data.is_file() || data.nlink() > 1 {
        let message = "it is no file of its own (a pipe, a device, or a file with two names): remove it";
        return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
    }
    Ok(file)
}

/// Gives a file that is on disk another name, for good.
pub fn move_file(from: &Path, to: &Path) -> io::Result<()> {
    std::fs::rename(from, to)?;
    sync_folder(folder_of(to))
}

/// Exchanges the names of two files in the same folder, in one step and for good. `false`, and nothing is changed, where the file system
/// cannot do that.
pub fn exchange_files(one: &Path, other: &Path) -> io::Result<bool> {
    match rustix::fs::renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE) {
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => return Ok(false),
        exchanged => exchanged?,
    }
    sync_folder(folder_of(one)).map(|()| true)
}

/// Makes the names in a folder survive a power cut: what was created, renamed or removed there. As for SQLite, it is no
/// error when the folder may not be read, or the file system cannot do it.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    if mutants::is_on(Mutant::FolderNotSynced) {
        return Ok(());
    }
    let synced = File::open(folder).and_then(|folder| folder.sync_all());
    synced.or_else(|error| match error.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported => Ok(()),
        _ => Err(error),
    })
}

impl Drop for Part {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

fn remove_left_behind(target: &Path) {
    let Some(name) = target.file_name().and_then(|name| name.to_str()) else { return };
    for entry in std::fs::read_dir(folder_of(target)).into_iter().flatten().flatten() {
        let pid = entry.file_name().to_str().and_then(|found| pid_of_part(found, name));
        // In a container each process may have the id of the one before it.
        if pid.is_some_and(|pid| pid == std::process::id() || is_gone(pid)) {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

/// Whose part of the file `name` this is; SQLite's journals of a part are part of it.
fn pid_of_part(found: &str, name: &str) -> Option<u32> {
    let (pid, end) = found.strip_prefix(name)?.strip_prefix('.')?.split_once('.')?;
    if matches!(end, "part" | "part-journal" | "part-wal" | "part-shm") { pid.parse().ok() } else { None }
}

/// Whether the process has ended.
pub fn is_gone(pid: u32) -> bool {
    !Path::new(&format!("/proc/{pid}")).exists()
}

/// Makes a file, if it is not there, before SQLite does: readable by its owner only. The log files inherit its mode.
pub fn make_private(path: &Path) -> Result<()> {
    let made = open_own_file(path, |options| options.create(true).append(true));
    made.map(drop).map_err(|error| cannot_be_written(path, error, "check its rights, or choose another file"))
}

/// The error of a file that cannot be written; `advice` is what helps unless the disk is full.
pub fn cannot_be_written(path: &Path, error: io::Error, advice: &str) -> anyhow::Error {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => no_room_for(path),
        _ if path.is_symlink() => anyhow!("{} is a link, and is not followed: remove it", path.display()),
        _ => advised(error, format_args!("{} cannot be written", path.display()), advice),
    }
}

/// The error of a full disk.
pub fn no_room_for(path: &Path) -> anyhow::Error {
    anyhow!("{} cannot be written: the disk is full; make room on it and try again", path.display())
}

/// How many bytes are free on the disk of `path`; `None` when that cannot be asked.
pub fn free_bytes(path: &Path) -> Option<u64> {
    rustix::fs::statvfs(path).ok().map(|disk| disk.f_bavail * disk.f_frsize)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn a_link_leads_to_a_file_that_is_yet_to_be_made() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::create_dir(at("data")).unwrap();
        symlink("data/second", at("first")).unwrap();
        symlink("real.db", at("data/second")).unwrap();
        assert_eq!(database_path(&at("first"), "--db").unwrap(), at("data/real.db"));
        assert_eq!(database_path(&at("none.db"), "--db").unwrap(), at("none.db"));
    }

    #[test]
    fn the_files_of_a_database_are_known_by_any_name() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let database = at("a.db");
        std::fs::write(at("a.db.key"), "").unwrap();
        std::fs::hard_link(at("a.db.key"), at("other")).unwrap();
        symlink(folder.path(), at("folder")).unwrap();
        symlink("a.db-wal", at("log")).unwrap();
        for file in ["a.db", "a.db-wal", "a.db.lock", "a.db.key", "other", "folder/a.db-journal", "log"] {
            assert!(is_of_database(&at(file), &database), "{file}");
        }
        for file in ["a.json", "a.db.json", "folder/b.db", "missing/a.db"] {
            assert!(!is_of_database(&at(file), &database), "{file}");
        }
    }

    #[test]
    fn a_part_is_known_by_the_file_it_is_of() {
        assert_eq!(pid_of_part("out.json.17.part", "out.json"), Some(17));
        assert_eq!(pid_of_part("copy.db.17.part-journal", "copy.db"), Some(17));
        for other in ["out.json", "out.json.part", "out.json.17.part.bak", "out.json.x.part", "my-out.json.17.part"] {
            assert_eq!(pid_of_part(other, "out.json"), None, "{other}");
        }
    }
}
