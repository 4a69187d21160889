//! A file with a part of the audit trail: JSON lines, compressed (zstd, RFC 8878), and behind them the SHA-256 of all that is before it
//! in a frame that decompressors skip. Without this program `zstdcat FILE` shows the lines.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::path::Path;

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::lines::{ContentLine, EntryLine, FORM, Head};
use crate::domain::audit::{Hash, digest};
use crate::files::is_special;
use crate::store::audit_segments::Place;

/// In a day's work nobody waits for it, and what it saves is kept for years.
const LEVEL: i32 = 9;
/// A skippable frame of 32 bytes (RFC 8878, 3.1.2).
const SEAL: [u8; 8] = [0x50, 0x2a, 0x4d, 0x18, 32, 0, 0, 0];
const SEAL_BYTES: u64 = 40;
/// No line that was ever accepted is longer: of a request body it is a part.
const LINE_MAX: u64 = 64 << 20;

/// Passes bytes on and computes their SHA-256.
struct Hashing<W> {
    inner: W,
    sum: Sha256,
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.sum.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// A file that is being written.
pub struct SegmentWriter<W: Write> {
    lines: zstd::Encoder<'static, Hashing<BufWriter<W>>>,
    contents: HashSet<i64>,
}

impl<W: Write> SegmentWriter<W> {
    pub fn new(file: W, head: &Head) -> io::Result<SegmentWriter<W>> {
        let hashing = Hashing { inner: BufWriter::new(file), sum: Sha256::new() };
        let mut writer = SegmentWriter { lines: zstd::Encoder::new(hashing, LEVEL)?, contents: HashSet::new() };
        writer.line(head)?;
        Ok(writer)
    }

    /// Whether this content has not been written yet; it counts as written then.
    pub fn needs(&mut self, content: i64) -> bool {
        self.contents.insert(content)
    }

    pub fn line(&mut self, line: &impl Serialize) -> io::Result<()> {
        serde_json::to_writer(&mut self.lines, line)?;
        self.lines.write_all(b"\n")
    }

    /// Ends the file with its seal.
    pub fn finish(self) -> io::Result<()> {
        let Hashing { mut inner, sum } = self.lines.finish()?;
        inner.write_all(&SEAL)?;
        inner.write_all(&sum.finalize())?;
        inner.flush()
    }
}

/// What a file holds that is as it was written.
#[derive(Clone, Debug, PartialEq)]
pub struct ReadSegment {
    pub head: Head,
    /// The entry before the first, and the last.
    pub previous: Place,
    pub last: Place,
    /// SHA-256 of the file.
    pub digest: Hash,
}

/// Reads a file from its first byte to its last, recomputes the chain of its entries, and calls `each` with every one. An error says
/// what does not fit.
pub fn read(path: &Path, each: impl FnMut(&EntryLine)) -> Result<ReadSegment> {
    let shown = path.display();
    ensure!(!is_special(path), "{shown} is no regular file: name an archive");
    let file = File::open(path).with_context(|| format!("{shown} cannot be read"))?;
    let length = file.metadata().with_context(|| format!("{shown} cannot be read"))?.len();
    ensure!(length > SEAL_BYTES, "{shown} is no archive of an audit trail: it is too short");
    let digest = check_seal(&file, length - SEAL_BYTES).with_context(|| format!("{shown} cannot be read"))?;
    let Some(digest) = digest else {
        bail!("{shown} is no archive of an audit trail, or was changed: its checksum does not fit")
    };
    let file = File::open(path).with_context(|| format!("{shown} cannot be read"))?;
    let lines = zstd::Decoder::new(file.take(length - SEAL_BYTES)).map(BufReader::new);
    let read = lines.map_err(anyhow::Error::from).and_then(|lines| walk(lines, each));
    let (head, last) = read.with_context(|| format!("{shown} is no whole archive of an audit trail"))?;
    let previous = (head.first - 1, head.previous);
    Ok(ReadSegment { head, previous, last, digest })
}

/// The SHA-256 of all that is read.
fn hash_of(mut reader: impl Read) -> io::Result<Sha256> {
    let mut hashing = Hashing { inner: io::sink(), sum: Sha256::new() };
    io::copy(&mut reader, &mut hashing)?;
    Ok(hashing.sum)
}

/// Whether two files hold the same bytes.
pub fn are_same(one: &Path, other: &Path) -> io::Result<bool> {
    let digest = |path: &Path| {
        let sum = hash_of(File::open(path)?)?;
        Ok::<Hash, io::Error>(sum.finalize().into())
    };
    Ok(digest(one)? == digest(other)?)
}

/// The SHA-256 of the whole file; `None` when its seal does not fit what is before it.
fn check_seal(file: &File, sealed: u64) -> io::Result<Option<Hash>> {
    let mut reader = BufReader::with_capacity(1 << 17, file);
    let mut sum = hash_of((&mut reader).take(sealed))?;
    let mut seal = Vec::new();
    reader.read_to_end(&mut seal)?;
    let expected = [SEAL.as_slice(), &sum.clone().finalize()].concat();
    sum.update(&seal);
    Ok((seal == expected).then(|| sum.finalize().into()))
}

fn walk(mut lines: impl BufRead, mut each: impl FnMut(&EntryLine)) -> Result<(Head, Place)> {
    let mut line = Vec::new();
    ensure!(next_line(&mut lines, &mut line)?, "it is empty");
    let head: Head = serde_json::from_slice(&line).map_err(|_| anyhow!("it does not begin as one"))?;
    ensure!(head.telecomx_local_audit == FORM, "it was written by a newer program: use that one");
    ensure!(1 <= head.first && head.first <= head.last, "it holds no entries");
    // Which of the contents an entry has named.
    let mut contents: HashMap<Hash, bool> = HashMap::new();
    let mut until = None;
    let (mut last, mut hash) = (head.first - 1, head.previous);
    while next_line(&mut lines, &mut line)? {
        if let Ok(content) = serde_json::from_slice::<ContentLine>(&line) {
            contents.insert(digest(content.content.as_bytes()), false);
            continue;
        }
        let entry: EntryLine =
            serde_json::from_slice(&line).map_err(|_| anyhow!("a line behind entry {last} is not readable"))?;
        check(&entry, (last, hash), &contents)?;
        for named in [entry.digest_before, entry.digest_after].into_iter().flatten() {
            contents.entry(named).and_modify(|is_named| *is_named = true);
        }
        until = until.max(Some(entry.at));
        (last, hash) = (entry.seq, entry.hash);
        each(&entry);
    }
    ensure!(last == head.last, "it ends at entry {last}, and should end at {}", head.last);
    ensure!(until == Some(head.until), "the latest time of its entries is not the one that it names");
    ensure!(contents.values().all(|is_named| *is_named), "it holds content that belongs to no entry");
    Ok((head, (last, hash)))
}

/// Whether an entry follows from the one before it, and what its object held before is there.
fn check(line: &EntryLine, (last, hash): Place, contents: &HashMap<Hash, bool>) -> Result<()> {
    let seq = line.seq;
    ensure!(seq == last + 1, "entry {} is missing", last + 1);
    ensure!(line.entry().hash(&hash) == line.hash, "entry {seq} does not follow from the one before it");
    let is_held = match (&line.before, line.digest_before) {
        (Some(before), Some(recorded)) => digest(before.as_bytes()) == recorded,
        (None, Some(recorded)) => contents.contains_key(&recorded),
        (before, None) => before.is_none(),
    };
    ensure!(is_held, "what the object of entry {seq} held before is missing, or not what was recorded");
    Ok(())
}

/// The next line without its end; `false`: there is none.
fn next_line(lines: &mut impl BufRead, line: &mut Vec<u8>) -> Result<bool> {
    line.clear();
    lines.take(LINE_MAX).read_until(b'\n', line)?;
    match line.pop() {
        None => Ok(false),
        Some(b'\n') => Ok(true),
        Some(_) => bail!("a line has no end"),
    }
}
