//! How many writes shared a commit, read from outside: the server is not asked and not slowed down.
//!
//! The write-ahead log holds a frame for each page of each commit. Every commit with a copy changes the last page of the audit
//! trail, which has the number of the newest entry: its steps from commit to commit are the group sizes.

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
    let high: i64 = conn.query_row("select coalesce(max(seq), 0) from audit", [], |row| row.get(0))?;
    let mut log = db.as_os_str().to_owned();
    log.push("-wal");
    let highs = match File::open(Path::new(&log)) {
        Ok(file) => longest_run(&mut BufReader::with_capacity(1 << 20, file), since)?,
        Err(error) if error.kind() == ErrorKind::NotFound => vec![],
        Err(error) => return Err(error.into()),
    };
    let writes = highs.last().unwrap_or(&0) - highs.first().unwrap_or(&0);
    let commits = highs.len().saturating_sub(1);
    println!("{}", json!({ "high": high, "commits": commits, "writes": writes }));
    Ok(())
}

/// The newest audit entry behind `since` after each commit, of the generation of the log with the most commits: behind the frames of the
/// newest generation stand those of older ones that have not been overwritten yet.
fn longest_run(log: &mut impl Read, since: i64) -> Result<Vec<i64>> {
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
        high = high.max(newest_entry(&frame[FRAME_HEADER..]).filter(|seq| *seq >= since));
        let is_commit = u32_at(&frame, 4) != 0;
        if let Some(high) = high.take_if(|_| is_commit) {
            generations.entry(salt).or_default().push(high);
        }
    }
    Ok(generations.into_values().max_by_key(Vec::len).unwrap_or_default())
}

/// The number of the last row in a leaf page of the audit trail. It is known by the head of that row, whose first two columns are
/// the row id and a time of six bytes, and whose many columns make the head longer than any other table's.
fn newest_entry(page: &[u8]) -> Option<i64> {
    const TABLE_LEAF: u8 = 13;
    const COLUMNS: usize = 20;
    if *page.first()? != TABLE_LEAF {
        return None;
    }
    let cells = usize::from(u16::from_be_bytes(page.get(3..5)?.try_into().ok()?));
    let last = page.get(8 + 2 * cells.checked_sub(1)?..)?.get(..2)?;
    let cell = page.get(usize::from(u16::from_be_bytes(last.try_into().ok()?))..)?;
    // Length of the row, row id, then the row: length of its head, and the type of each column.
    let (_, length) = varint(cell)?;
    let (row_id, id_length) = varint(cell.get(length..)?)?;
    let row = cell.get(length + id_length..)?;
    let (head, _) = varint(row)?;
    let is_entry = head as usize > COLUMNS && row.get(1..3)? == [0, 5];
    is_entry.then_some(row_id)
}

/// A number as SQLite stores it, and the bytes it takes.
fn varint(bytes: &[u8]) -> Option<(i64, usize)> {
    let mut number = 0_i64;
    for (place, byte) in bytes.iter().take(8).enumerate() {
        number = number << 7 | i64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return Some((number, place + 1));
        }
    }
    None
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
