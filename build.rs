//! Lists the files of the console: one that is put into its folder is served without being named anywhere else.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

const FOLDER: &str = "src/console/static";

fn main() -> io::Result<()> {
    let variable = |name: &str| env::var_os(name).map(PathBuf::from).ok_or_else(|| io::Error::other(name.to_owned()));
    let root = variable("CARGO_MANIFEST_DIR")?.join(FOLDER);
    let mut files = vec![];
    list(&root, &mut files)?;
    files.sort();
    let mut text = String::from("&[\n");
    for file in files {
        let name = file.strip_prefix(&root).map_err(io::Error::other)?;
        writeln!(text, "    ({:?}, include_bytes!({:?}).as_slice()),", name.to_string_lossy(), file.to_string_lossy())
            .map_err(io::Error::other)?;
    }
    text.push_str("]\n");
    fs::write(variable("OUT_DIR")?.join("console_files.rs"), text)?;
    // Of a folder cargo looks at everything that is in it.
    #[allow(clippy::print_stdout, reason = "how a build script says something to cargo")]
    {
        println!("cargo:rerun-if-changed={FOLDER}");
        println!("cargo:rerun-if-changed=build.rs");
    }
    Ok(())
}

fn list(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        match entry.file_type()?.is_dir() {
            true => list(&entry.path(), files)?,
            false => files.push(entry.path()),
        }
    }
    Ok(())
}
