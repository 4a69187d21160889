//! The document as a stream: its lists are taken apart while they are read, so that no more than one object is in memory.

use std::cell::Cell;
use std::fmt::Formatter;
use std::io::{self, BufReader, Read};

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::domain::json_text::in_utf8;
use crate::error::{Check, Error, Fault, Result};

/// The longest object, with what stands around it; the longest one that can be stored is a mobile config of 4 MiB.
pub const OBJECT_MAX: u64 = 16 << 20;
/// The longest document: what has no end is refused at some time.
pub const DOCUMENT_MAX: u64 = 16 << 30;
const BUFFER: usize = 64 << 10;

/// A list of the document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum List {
    Customers,
    Queues,
    Employees,
    MobileConfigs,
    PbxObjects,
}

impl List {
    pub const ALL: [List; 5] = [List::Customers, List::Queues, List::Employees, List::MobileConfigs, List::PbxObjects];

    pub fn name(self) -> &'static str {
        match self {
            List::Customers => "customers",
            List::Queues => "queues",
            List::Employees => "employees",
            List::MobileConfigs => "mobileConfigs",
            List::PbxObjects => "pbxObjects",
        }
    }
}

/// An object of a list, as text.
pub struct Raw {
    pub list: List,
    /// Where it stands in the list.
    pub place: usize,
    pub text: Box<RawValue>,
}

/// Takes what a document consists of, in its order; an error ends the reading.
pub trait Sink {
    fn object(&mut self, raw: Raw) -> Result<()>;
    fn fault(&mut self, fault: Fault) -> Result<()>;
}

/// Reads the document to its end. A document that is none is a fault; an error of `source` or `sink` comes back.
pub fn read(source: impl Read, sink: &mut impl Sink) -> Result<()> {
    let mut source = BufReader::with_capacity(BUFFER, source);
    let begin = first_bytes(&mut source)?;
    let text = match in_utf8(&begin) {
        Ok(text) => text.len(),
        Err(wrong) => return sink.fault(fault("(document)", Check::Format, wrong.into())),
    };
    let meter = Meter::default();
    let begin = &begin[begin.len() - text..];
    let reader = BufReader::with_capacity(BUFFER, Metered { inner: begin.chain(source), meter: &meter });
    let mut state = State { sink, meter: &meter, met: vec![], current: None, failed: None };
    let mut json = serde_json::Deserializer::from_reader(reader);
    let read = (&mut json).deserialize_map(Lists { state: &mut state }).and_then(|()| json.end());
    let State { current, failed, met, .. } = state;
    match (failed, read) {
        (Some(error), _) => Err(error),
        (None, Err(error)) => sink.fault(document_fault(error, &meter, current)?),
        (None, Ok(())) if met.is_empty() => {
            sink.fault(fault("(document)", Check::Format, format!("holds none of {}", names())))
        }
        (None, Ok(())) => Ok(()),
    }
}

/// Enough to see how the text is encoded.
fn first_bytes(source: &mut impl Read) -> Result<Vec<u8>> {
    let mut begin = vec![];
    source.take(4).read_to_end(&mut begin).map_err(|error| Error::Internal(Box::new(error)))?;
    Ok(begin)
}

fn fault(path: &str, check: Check, message: String) -> Fault {
    Fault { path: path.into(), check, message }
}

fn names() -> String {
    List::ALL.map(List::name).join(", ")
}

/// What is wrong with the text, when it ended in `error` while the list `current` had yet to begin.
fn document_fault(error: serde_json::Error, meter: &Meter, current: Option<String>) -> Result<Fault> {
    if meter.is_exceeded.get() {
        let message = format!(
            "no object ends within {} MiB, or the document is longer than {} GiB: is this the right file?",
            OBJECT_MAX >> 20,
            DOCUMENT_MAX >> 30
        );
        return Ok(fault("(document)", Check::Max, message));
    }
    if error.is_io() {
        return Err(Error::Internal(Box::new(io::Error::from(error))));
    }
    Ok(match current {
        Some(name) if error.is_data() => fault(&name, Check::Format, format!("not an array: {error}")),
        _ => fault("(document)", Check::Format, format!("not a JSON object: {error}")),
    })
}

/// Counts what is read.
#[derive(Default)]
pub struct Meter {
    total: Cell<u64>,
    pub since_object: Cell<u64>,
    pub is_exceeded: Cell<bool>,
}

/// Ends with an error when it is read beyond the limits.
pub struct Metered<'m, R> {
    pub inner: R,
    pub meter: &'m Meter,
}

impl<R: Read> Read for Metered<'_, R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(out)?;
        for counter in [&self.meter.total, &self.meter.since_object] {
            counter.set(counter.get() + count as u64);
        }
        if self.meter.since_object.get() > OBJECT_MAX || self.meter.total.get() > DOCUMENT_MAX {
            self.meter.is_exceeded.set(true);
            return Err(io::Error::other("too long"));
        }
        Ok(count)
    }
}

struct State<'s, S> {
    sink: &'s mut S,
    meter: &'s Meter,
    /// The names met so far.
    met: Vec<String>,
    /// The list whose array has yet to begin.
    current: Option<String>,
    /// What the sink ended the reading with.
    failed: Option<Error>,
}

impl<S> State<'_, S> {
    /// Ends the reading with an error of the sink.
    fn take<E: serde::de::Error>(&mut self, taken: Result<()>) -> Result<(), E> {
        taken.map_err(|error| {
            self.failed = Some(error);
            E::custom("stopped")
        })
    }
}

struct Lists<'l, 's, S> {
    state: &'l mut State<'s, S>,
}

impl<'de, S: Sink> Visitor<'de> for Lists<'_, '_, S> {
    type Value = ();

    fn expecting(&self, out: &mut Formatter) -> std::fmt::Result {
        out.write_str("an object of lists")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Lists { state } = self;
        while let Some(name) = map.next_key::<String>()? {
            let list = List::ALL.into_iter().find(|list| list.name() == name);
            let times_met = state.met.iter().filter(|met| **met == name).count();
            // What is in such a list would be lost without a word.
            let wrong = match (list, times_met) {
                (None, 0) => Some((Check::Format, format!("not one of {}", names()))),
                (_, 1) => Some((Check::Unique, "The list stands twice in the document".into())),
                _ => None,
            };
            if let Some((check, message)) = wrong {
                let taken = state.sink.fault(fault(&name, check, message));
                state.take(taken)?;
            }
            match list.filter(|_| times_met == 0) {
                Some(list) => {
                    state.current = Some(name.clone());
                    map.next_value_seed(Objects { list, state })?;
                }
                None => drop(map.next_value::<IgnoredAny>()?),
            }
            state.met.push(name);
        }
        Ok(())
    }
}

struct Objects<'l, 's, S> {
    list: List,
    state: &'l mut State<'s, S>,
}

impl<'de, S: Sink> DeserializeSeed<'de> for Objects<'_, '_, S> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, S: Sink> Visitor<'de> for Objects<'_, '_, S> {
    type Value = ();

    fn expecting(&self, out: &mut Formatter) -> std::fmt::Result {
        out.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut objects: A) -> Result<(), A::Error> {
        let Objects { list, state } = self;
        state.current = None;
        let mut place = 0;
        while let Some(text) = objects.next_element::<Box<RawValue>>()? {
            state.meter.since_object.set(0);
            let taken = state.sink.object(Raw { list, place, text });
            state.take(taken)?;
            place += 1;
        }
        Ok(())
    }
}
