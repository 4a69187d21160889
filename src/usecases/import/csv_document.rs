//! A list of employees or queues as CSV, read as a stream: each row becomes the object that a JSON document would have, and is
//! judged by the same rules. Faults name row and column, as spreadsheets count them: the header is row 1.

use std::io::{BufRead, BufReader, Read};

use csv::ByteRecord;
use serde_json::{Map, Value};

use super::document::Document;
use super::source::{DOCUMENT_MAX, List, Meter, Metered, OBJECT_MAX, Raw, Sink};
use crate::domain::json_text::in_utf8;
use crate::error::{Check, Error, Fault, Result};
use crate::usecases::csv_lists::CsvKind;

/// The longest line that is looked at for a header.
const HEADER_MAX: u64 = 64 << 10;
const HEADER: &str = "(header)";

/// The text; its rows are counted while it is read.
pub struct CsvDocument<R> {
    source: BufReader<R>,
    /// `None`: the header says it.
    kind: Option<CsvKind>,
    ignores_unknown: bool,
    list: List,
    rows: Rows,
}

/// The header, understood.
struct Header {
    kind: CsvKind,
    /// `None`: a column that is not known, and is left out.
    columns: Vec<Option<String>>,
    delimiter: u8,
    ends_in_crlf: bool,
}

impl<R: Read> CsvDocument<R> {
    pub fn new(source: R, kind: Option<CsvKind>, ignores_unknown: bool) -> CsvDocument<R> {
        CsvDocument { source: BufReader::new(source), kind, ignores_unknown, list: List::Queues, rows: Rows::default() }
    }

    /// The first line that is not blank, without a byte order mark, and its row.
    fn first_line(&mut self) -> Result<(Vec<u8>, u64)> {
        let invalid = |check, message| Error::invalid(HEADER, check, message);
        let mut source = self.source.by_ref().take(HEADER_MAX);
        let (mut line, mut row) = (vec![], 0);
        loop {
            line.clear();
            source.read_until(b'\n', &mut line).map_err(|error| Error::Internal(Box::new(error)))?;
            row += 1;
            if row == 1 {
                let text = in_utf8(&line).map_err(|wrong| invalid(Check::Format, wrong))?.len();
                line.drain(..line.len() - text);
            }
            let is_blank = line.iter().all(u8::is_ascii_whitespace);
            if source.limit() == 0 && (is_blank || !line.ends_with(b"\n")) {
                return Err(invalid(Check::Max, "no first row ends within 64 KiB: is this the right file?"));
            }
            if !is_blank {
                return Ok((line, row));
            }
            if !line.ends_with(b"\n") {
                return Err(invalid(Check::Required, "the file is empty: its first row must name the columns"));
            }
        }
    }

    fn header(&self, line: &[u8]) -> Result<Header> {
        let delimiter = if line.contains(&b';') { b';' } else { b',' };
        let mut record = ByteRecord::new();
        let _ = csv::ReaderBuilder::new()
            .has_headers(false)
            .delimiter(delimiter)
            .from_reader(line)
            .read_byte_record(&mut record)
            .map_err(|error| Error::Internal(Box::new(error)))?;
        let names: Vec<String> = record.iter().map(|name| String::from_utf8_lossy(name).trim().to_owned()).collect();
        let kind = self.kind.unwrap_or_else(|| CsvKind::of_header(names.iter().map(String::as_str)));
        check_header(kind, &names, self.ignores_unknown)?;
        let columns = names.into_iter().map(|name| Some(name).filter(|name| kind.is_column(name))).collect();
        Ok(Header { kind, columns, delimiter, ends_in_crlf: line.ends_with(b"\r\n") })
    }

    fn read_rows(&mut self, header: &Header, sink: &mut impl Sink) -> Result<()> {
        let (meter, list) = (Meter::default(), self.list);
        // A last row without an end would be counted otherwise than the others.
        let end: &[u8] = if header.ends_in_crlf { b"\r\n" } else { b"\n" };
        let text = Metered { inner: self.source.by_ref().chain(end), meter: &meter };
        let mut reader =
            csv::ReaderBuilder::new().has_headers(false).flexible(true).delimiter(header.delimiter).from_reader(text);
        let (mut record, mut place) = (ByteRecord::new(), 0);
        // Of `\r\n` the reader takes the second byte with the row that follows.
        let mut line_before = if header.ends_in_crlf { 0 } else { 1 };
        loop {
            match reader.read_byte_record(&mut record) {
                Ok(true) => {}
                Ok(false) => return Ok(()),
                Err(_) if meter.is_exceeded.get() => return sink.fault(too_long()),
                Err(error) => return Err(Error::Internal(Box::new(error))),
            }
            let line = reader.position().line();
            self.rows.count(place, &record, line - line_before);
            line_before = line;
            // Spreadsheets write rows below the last one, all of them empty.
            if record.iter().all(<[u8]>::is_empty) {
                continue;
            }
            meter.since_object.set(0);
            match object(header, &record) {
                Ok(object) => sink.object(Raw { list, place, text: in_raw(&object)? })?,
                Err((column, message)) => {
                    let path = super::elements::path(list, place);
                    let path = column.map_or(path.clone(), |column| format!("{path}.{column}"));
                    sink.fault(Fault { path, check: Check::Format, message })?;
                }
            }
            place += 1;
        }
    }
}

impl<R: Read> Document for CsvDocument<R> {
    /// In CSV an empty cell is all there is.
    const HAS_EMPTY_TEXTS: bool = false;

    fn read(&mut self, sink: &mut impl Sink) -> Result<()> {
        let header = self.first_line().and_then(|(line, row)| {
            self.rows.last = row;
            self.header(&line)
        });
        let header = match header {
            Err(Error::Invalid(faults)) => return faults.into_iter().try_for_each(|fault| sink.fault(fault)),
            other => other?,
        };
        self.list = match header.kind {
            CsvKind::Employees => List::Employees,
            CsvKind::Queues => List::Queues,
        };
        self.read_rows(&header, sink)
    }

    fn located(&self, path: &str) -> String {
        let place = path.strip_prefix(self.list.name()).and_then(|rest| rest.strip_prefix('[')?.split_once(']'));
        let Some((Ok(place), rest)) = place.map(|(place, rest)| (place.parse::<usize>(), rest)) else {
            return path.into();
        };
        let row = self.rows.row_of(place);
        match rest.strip_prefix('.') {
            Some(column) => format!("row {row}, {column}"),
            None => format!("row {row}"),
        }
    }
}

fn check_header(kind: CsvKind, names: &[String], ignores_unknown: bool) -> Result<()> {
    let mut faults = vec![];
    let mut fault = |check, message: String| faults.push(Fault { path: HEADER.into(), check, message });
    for name in kind.required().iter().filter(|name| !names.iter().any(|given| given == *name)) {
        let all = kind.required().join(", ");
        let kind = kind.name();
        fault(Check::Required, format!("the column {name} is missing: a list of {kind} has the columns {all}"));
    }
    for (i, name) in names.iter().enumerate() {
        if !kind.is_column(name) && !ignores_unknown {
            let message = format!("unknown column {name:?}: leave it out, or import with --ignore-unknown");
            fault(Check::Format, message);
        } else if kind.is_column(name) && names[..i].contains(name) {
            fault(Check::Unique, format!("the column {name} stands twice"));
        }
    }
    if faults.is_empty() { Ok(()) } else { Err(Error::Invalid(faults)) }
}

/// The object that a row stands for; else the column with what is wrong, or the row.
fn object<'h>(header: &'h Header, record: &ByteRecord) -> Result<Map<String, Value>, (Option<&'h str>, String)> {
    let columns = header.columns.len();
    if record.len() != columns {
        let cells = record.len();
        return Err((None, format!("the row has {cells} cells, and the header {columns}")));
    }
    let mut object = Map::new();
    for (cell, column) in record.iter().zip(&header.columns) {
        let Some(column) = column.as_deref() else { continue };
        let cell = std::str::from_utf8(cell)
            .map_err(|_| (Some(column), "the text is not in UTF-8: save the file as CSV in UTF-8".to_owned()))?;
        if !cell.is_empty() {
            object.insert(column.into(), header.kind.value(column, cell));
        }
    }
    Ok(object)
}

fn in_raw(object: &Map<String, Value>) -> Result<Box<serde_json::value::RawValue>> {
    serde_json::value::to_raw_value(object).map_err(|error| Error::Internal(Box::new(error)))
}

fn too_long() -> Fault {
    let message = format!(
        "no row ends within {} MiB, or the file is longer than {} GiB: is there a quote that is never closed?",
        OBJECT_MAX >> 20,
        DOCUMENT_MAX >> 30
    );
    Fault { path: "(file)".into(), check: Check::Max, message }
}

/// Which row an object stands in: blank rows are left out of the list, and are counted.
#[derive(Default)]
struct Rows {
    /// Of what was read last.
    last: u64,
    /// Place in the list and row, for each place that does not follow right behind the one before.
    jumps: Vec<(usize, u64)>,
}

impl Rows {
    /// Counts a record that took so many ends of lines: those inside its cells, its own, and those of blank rows before it.
    fn count(&mut self, place: usize, record: &ByteRecord, line_ends: u64) {
        let inside = record.as_slice().iter().filter(|byte| **byte == b'\n').count() as u64;
        self.last += line_ends.saturating_sub(inside).max(1);
        if self.row_of(place) != self.last {
            // Blank rows before it may have been counted for this place.
            self.jumps.pop_if(|(known, _)| *known == place);
            self.jumps.push((place, self.last));
        }
    }

    fn row_of(&self, place: usize) -> u64 {
        let at = self.jumps.partition_point(|(known, _)| *known <= place);
        let (known, row) = at.checked_sub(1).and_then(|at| self.jumps.get(at)).copied().unwrap_or((0, 0));
        row + (place - known) as u64
    }
}
