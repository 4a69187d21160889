//! Lists of the platform's, read whole or not at all: every page, the same `total` from the first to the last, no id twice. What is
//! as it was last seen is passed over; the rest is staged.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::io::Read;

use serde::Deserializer as _;
use serde::de::{Error as _, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::api::{Api, ApiError};
use super::objects::{hash_of, id_of};
use super::rules::{Rule, is_broken};
use super::transport::{Request, Transport};
use crate::domain::audit::Hash;
use crate::domain::id::Id;
use crate::error::Error;
use crate::store::platform::stage::Stage;

/// The longest list that is not paged, in bytes.
const LIST_MAX_BYTES: u64 = 1 << 30;
/// How often a list that changed while it was read is read again.
const TRIES: usize = 3;

/// Why a list was not read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error(transparent)]
    Api(#[from] ApiError),
    /// The platform answered with an error: its status, and what it said.
    #[error("{1}")]
    Denied(u16, String),
    /// It was not whole, or is no list.
    #[error("{0}")]
    Void(String),
    #[error(transparent)]
    Local(#[from] Error),
}

impl ReadError {
    /// Whether only this list could not be read, and the next may be.
    pub fn is_of_one_list(&self) -> bool {
        match self {
            ReadError::Api(error) => matches!(error, ApiError::Broken(_)),
            ReadError::Denied(..) | ReadError::Void(_) => true,
            ReadError::Local(_) => false,
        }
    }
}

/// The objects of a list: those that are not as they were last seen are staged.
pub struct Listed {
    pub seen: HashSet<Id>,
    pub stage: Stage,
}

impl Listed {
    pub fn new() -> Result<Listed, ReadError> {
        Ok(Listed { seen: HashSet::new(), stage: Stage::new()? })
    }

    /// Adds an object; false when its id was there already.
    pub fn add(&mut self, text: &str, known: &HashMap<Id, Hash>) -> Result<bool, Error> {
        let id = id_of(text);
        if !self.seen.insert(id) {
            return Ok(false);
        }
        if known.get(&id) != Some(&hash_of(text)) {
            self.stage.add(text)?;
        }
        Ok(true)
    }
}

/// Which list: its path with all arguments but `offset` and `limit`, the property that holds it, and the longest page.
pub struct Pages<'p> {
    pub path: &'p str,
    pub list: &'p str,
    pub limit: usize,
}

/// Reads a paged list; again, when it changed meanwhile.
pub fn pages<T: Transport>(api: &mut Api<T>, pages: &Pages, known: &HashMap<Id, Hash>) -> Result<Listed, ReadError> {
    let mut tries = 1;
    loop {
        match pages_once(api, pages, known) {
            Err(ReadError::Void(_)) if tries < TRIES => tries += 1,
            done => return done,
        }
    }
}

fn pages_once<T: Transport>(api: &mut Api<T>, pages: &Pages, known: &HashMap<Id, Hash>) -> Result<Listed, ReadError> {
    let mut listed = Listed::new()?;
    let is_careless = is_broken(Rule::WholeList);
    let mut total = None;
    let glue = if pages.path.contains('?') { '&' } else { '?' };
    loop {
        let offset = listed.seen.len();
        let path = format!("{}{glue}offset={offset}&limit={}", pages.path, pages.limit);
        let answer = api.call(&Request::get(path))?;
        if !answer.is_success() {
            return Err(ReadError::Denied(answer.status, answer.error()));
        }
        let (page_total, page) = page_of(&answer.body, pages.list)?;
        if *total.get_or_insert(page_total) != page_total && !is_careless {
            return Err(ReadError::Void("the list changed while it was read".into()));
        }
        for text in &page {
            if !listed.add(text.get(), known)? && !is_careless {
                return Err(ReadError::Void("an object stands in the list twice".into()));
            }
        }
        let seen = listed.seen.len() as u64;
        if seen == page_total || page.is_empty() && is_careless {
            return Ok(listed);
        }
        if page.is_empty() || seen > page_total {
            return Err(ReadError::Void(format!("the list is not whole: it has {seen} of {page_total} objects")));
        }
    }
}

/// The total and the objects of a page.
fn page_of<'b>(body: &'b [u8], list: &str) -> Result<(u64, Vec<&'b RawValue>), ReadError> {
    let no_page = || ReadError::Void("the platform's answer is no page of a list".into());
    let page: HashMap<String, &RawValue> = serde_json::from_slice(body).map_err(|_| no_page())?;
    let total = page.get("total").and_then(|total| total.get().parse().ok()).ok_or_else(no_page)?;
    let objects = page.get(list).and_then(|list| serde_json::from_str(list.get()).ok()).ok_or_else(no_page)?;
    Ok((total, objects))
}

/// Reads a list that is one array, however long: its objects are looked at as they come.
pub fn array<T: Transport>(api: &mut Api<T>, path: &str, known: &HashMap<Id, Hash>) -> Result<Listed, ReadError> {
    let mut listed = Listed::new()?;
    let mut failure = None;
    let read = api.stream(&Request::get(path), |status, body| {
        listed = Listed::new().map_err(|error| ApiError::Unreachable(error.to_string()))?;
        if status != 200 {
            let mut text = Vec::new();
            let _ = body.take(64 << 10).read_to_end(&mut text);
            let answer = super::api::Answer { status, body: text };
            failure = Some(ReadError::Denied(status, answer.error()));
            return Ok(());
        }
        let each = Each { listed: &mut listed, known, failure: &mut failure };
        let mut source = serde_json::Deserializer::from_reader(std::io::BufReader::new(body.take(LIST_MAX_BYTES)));
        let done = source.deserialize_seq(each).and_then(|()| source.end());
        if let Err(error) = done
            && failure.is_none()
        {
            failure = Some(ReadError::Void(format!("the platform's answer is no list: {error}")));
        }
        Ok(())
    });
    read?;
    failure.map_or(Ok(listed), Err)
}

/// Adds each object of an array as it is read.
struct Each<'e> {
    listed: &'e mut Listed,
    known: &'e HashMap<Id, Hash>,
    failure: &'e mut Option<ReadError>,
}

impl<'de> Visitor<'de> for Each<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while let Some(object) = seq.next_element::<Box<RawValue>>()? {
            let failed = match self.listed.add(object.get(), self.known) {
                Ok(true) => continue,
                Ok(false) => ReadError::Void("an object stands in the list twice".into()),
                Err(error) => ReadError::Local(error),
            };
            *self.failure = Some(failed);
            return Err(A::Error::custom("stopped"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_a_total_and_its_list() {
        let (total, objects) =
            page_of(br#"{"offset":0,"limit":2,"total":3,"employees":[{"_id":"a"},{"_id":"b"}]}"#, "employees").unwrap();
        assert_eq!((total, objects.len()), (3, 2));
        for wrong in
            [&b"<html>"[..], b"[]", br#"{"employees":[]}"#, br#"{"total":1}"#, br#"{"total":1,"employees":null}"#]
        {
            assert!(matches!(page_of(wrong, "employees"), Err(ReadError::Void(_))));
        }
    }
}
