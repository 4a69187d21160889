//! A disk that is soon full.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A small file system of its own; unmounted when dropped.
pub struct SmallDisk(PathBuf);

impl SmallDisk {
    /// Where `needs("mount")`.
    pub fn at(path: PathBuf, size: &str) -> SmallDisk {
        std::fs::create_dir(&path).unwrap();
        let options = format!("size={size}");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(&path).output().unwrap();
        assert!(mounted.status.success(), "{}", String::from_utf8_lossy(&mounted.stderr));
        SmallDisk(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Takes all the room there is; gives the file that took it.
    pub fn fill(&self) -> PathBuf {
        let path = self.0.join("ballast");
        let mut ballast = std::fs::File::create(&path).unwrap();
        while ballast.write(&[0; 4096]).is_ok() {}
        path
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).output();
    }
}
