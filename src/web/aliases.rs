//! Ids that objects had here before the platform gave them theirs: a caller may name an object by either.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use crate::db::Db;
use crate::domain::id::Id;
use crate::error::Result;
use crate::store::platform::ids;

/// The length of an id, in hex characters.
const ID_CHARS: usize = 24;

/// The ids in use, as they were when who may log in was last another: the write that gives an id changes that too.
#[derive(Default)]
pub struct Aliases(RwLock<Known>);

#[derive(Clone, Default)]
struct Known {
    version: Option<u64>,
    ids: Arc<HashMap<Id, Id>>,
}

impl Aliases {
    /// A text of a request with the ids that its objects have now.
    pub fn in_text<'t>(&self, db: &Db, text: &'t str) -> Result<Cow<'t, str>> {
        Ok(match self.in_bytes(db, text.as_bytes())? {
            Some(replaced) => String::from_utf8(replaced).map_or(Cow::Borrowed(text), Cow::Owned),
            None => Cow::Borrowed(text),
        })
    }

    /// The same of a body; `None` when it names no such id.
    pub fn in_bytes(&self, db: &Db, bytes: &[u8]) -> Result<Option<Vec<u8>>> {
        let ids = self.ids(db)?;
        if ids.is_empty() || bytes.len() < ID_CHARS {
            return Ok(None);
        }
        Ok(replaced(&ids, bytes))
    }

    fn ids(&self, db: &Db) -> Result<Arc<HashMap<Id, Id>>> {
        let version = db.identities_version();
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if known.version == Some(version) {
            return Ok(known.ids.clone());
        }
        drop(known);
        let ids = Arc::new(db.read(ids::all)?);
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Known { version: Some(version), ids: ids.clone() };
        Ok(ids)
    }
}

/// Both ids are of one length, so each is replaced in its place.
fn replaced(ids: &HashMap<Id, Id>, bytes: &[u8]) -> Option<Vec<u8>> {
    let mut found: Option<Vec<u8>> = None;
    let mut begin = 0;
    for end in 0..=bytes.len() {
        if bytes.get(end).is_some_and(u8::is_ascii_hexdigit) {
            continue;
        }
        if end - begin == ID_CHARS
            && let Some(now) = std::str::from_utf8(&bytes[begin..end]).ok().and_then(|id| ids.get(&id.parse().ok()?))
        {
            let text = found.get_or_insert_with(|| bytes.to_vec());
            now.with_str(|now| text[begin..end].copy_from_slice(now.as_bytes()));
        }
        begin = end + 1;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_id_is_replaced_wherever_it_stands_and_nothing_else_is() {
        let ids = HashMap::from([(Id::from_number(1), Id::from_number(2))]);
        let (old, new) = (Id::from_number(1).to_string(), Id::from_number(2).to_string());
        let of = |text: &str| replaced(&ids, text.as_bytes()).map(|text| String::from_utf8(text).unwrap());
        assert_eq!(of(&old), Some(new.clone()));
        let body = |id: &str| format!(r#"{{"_id":"{id}","copyTo":"{}","more":["{id}"]}}"#, Id::from_number(7));
        assert_eq!(of(&body(&old)), Some(body(&new)));
        for other in ["", "name", &format!("{old}0"), &format!("a{old}"), &Id::from_number(3).to_string()] {
            assert_eq!(of(other), None, "{other}");
        }
    }
}
