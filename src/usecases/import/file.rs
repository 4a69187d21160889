//! The file that a document is read from.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read};
use std::path::Path;

use anyhow::{Context as _, Result};

/// What is read; its errors name it.
pub struct DocumentFile {
    name: String,
    reader: BufReader<Box<dyn Read + Send>>,
}

impl DocumentFile {
    /// Opens it and reads its first bytes: a folder, say, can be opened but not read. `-` is standard input.
    pub fn open(file: &Path) -> Result<DocumentFile> {
        let name = name_of(file);
        let cannot_be_read = || format!("{name} cannot be read");
        let reader: Box<dyn Read + Send> = match file.as_os_str() == "-" {
            true => Box::new(std::io::stdin()),
            false => Box::new(File::open(file).with_context(cannot_be_read)?),
        };
        let mut reader = BufReader::new(reader);
        reader.fill_buf().with_context(cannot_be_read)?;
        Ok(DocumentFile { name, reader })
    }
}

impl Read for DocumentFile {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let named = |error| std::io::Error::other(format!("{} cannot be read: {error}", self.name));
        self.reader.read(out).map_err(named)
    }
}

/// How messages call it.
pub fn name_of(file: &Path) -> String {
    if file.as_os_str() == "-" { "standard input".into() } else { file.display().to_string() }
}

/// Whether the file's name is that of a list as CSV.
pub fn is_csv(file: &Path) -> bool {
    file.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("csv"))
}
