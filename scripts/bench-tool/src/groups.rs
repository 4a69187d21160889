//! How many writes shared a commit, read from outside: the server is not asked and not slowed down.
//!
//! The write-ahead log holds a frame for each page of each commit. Every commit with a write changes the one row of
//! `feed`, whose `high` is the number of the newest write: its steps from commit to commit are the group sizes.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufReader, ErrorKind, Read};
use std::path::Path;

use rusqlite::{Connection, OpenFlags};
use serde_json::json;

use crate::Result;

const LOG_HEADER: usize = 32;
const FRAME_HEADER: usize = 24;

pub fn run(db: &Path, since: i64) -> Result<()> {
    let conn = Connection::open_with_flags(db, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    let high: i64 = conn.query_row("select high from feed", [], |row| row.get(0))?;
    let feed_page = conn.query_row("select rootpage from sqlite_schema where name = 'feed'", [], |row| row.get(0))?;
    let mut log = db.as_os_str().to_owned();
    log.push("-wal");
    let mut highs = match File::open(Path::new(&log)) {
        Ok(file) => longest_run(&mut BufReader::with_capacity(1 << 20, file), feed_page)?,
        Err(error) if error.kind() == ErrorKind::NotFound => vec![],
        Err(error) => return Err(error.into()),
    };
    highs.retain(|high| *high >= since);
    let writes = highs.last().unwrap_or(&0) - highs.first().unwrap_or(&0);
    let commits = highs.len().saturating_sub(1);
    println!("{}", json!({ "high": high, "commits": commits, "writes": writes }));
    Ok(())
}

/// `feed.high` after each commit, of the generation of the log with the most commits: behind the frames of the
/// newest generation stand those of older ones that have not been overwritten yet.
fn longest_run(log: &mut impl Read, feed_page: u32) -> Result<Vec<i64>> {
    let mut header = [0; LOG_HEADER];
    if !fill(log, &mut header)? {
        return Ok(vec![]);
    }
    let page_size = u32_at(&header, 8) as usize;
    let mut generations: HashMap<[u8; 8], Vec<i64>> = HashMap::new();
    let mut frame = vec![0; FRAME_HEADER + page_size];
    let mut high = None;
    let mut salt = [0; 8];
    while fill(log, &mut frame)? {
        if salt != frame[8..16] {
            salt.copy_from_slice(&frame[8..16]);
            high = None;
        }
        if u32_at(&frame, 0) == feed_page {
            high = high_of(&frame[FRAME_HEADER..]);
        }
        let is_commit = u32_at(&frame, 4) != 0;
        if let Some(high) = high.take_if(|_| is_commit) {
            generations.entry(salt).or_default().push(high);
        }
    }
    Ok(generations.into_values().max_by_key(Vec::len).unwrap_or_default())
}

/// `high` in a leaf page that holds the one row `(id, high, writing)`; all its lengths are single bytes.
fn high_of(page: &[u8]) -> Option<i64> {
    let cell = usize::from(u16::from_be_bytes(page.get(8..10)?.try_into().ok()?));
    // Payload length, row id, then the record: header length, types of id (an alias of the row id), high, writing.
    let record = page.get(cell + 2..)?;
    let header = usize::from(*record.first()?);
    let length = match *record.get(2)? {
        8 => return Some(0),
        9 => return Some(1),
        length @ 1..=4 => usize::from(length),
        5 => 6,
        6 => 8,
        _ => return None,
    };
    let bytes = record.get(header..header + length)?;
    Some(bytes.iter().fold(0, |number, byte| number << 8 | i64::from(*byte)))
}

/// Whether there was enough left to fill `bytes`.
fn fill(from: &mut impl Read, bytes: &mut [u8]) -> Result<bool> {
    match from.read_exact(bytes) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error.into()),
    }
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes[at..at + 4].iter().fold(0, |number, byte| number << 8 | u32::from(*byte))
}
