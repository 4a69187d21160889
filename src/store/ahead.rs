//! What a batch of the feed brings ahead of its turn, so that a hub that has the batch and no more holds a state that can be
//! restored.
//!
//! A batch up to write `to` is read while the newest write is a later one. The hub then holds the rows that were last written
//! up to `to`, as they are now. It lacks the rows that were written again since, or has them as they were. Where one of the
//! former refers to one of the latter, the reference leads nowhere. What this module adds makes the hub's rows a part of one
//! state of this database that is closed under references.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, HashSet};

use rusqlite::{OptionalExtension, named_params};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::feed::{self, MessageSize};
use super::mirrored_tables;
use crate::db::ReadTx;
use crate::domain::audit::Hash;
use crate::domain::id::Id;
use crate::domain::mirror::{Row, Table};
use crate::domain::mobile_config::{Kind, entries};
use crate::domain::pbx::PbxObject;
use crate::error::Result;

/// A batch that ends before the newest write.
#[derive(Clone, Copy, Debug)]
pub struct Prefix {
    /// The hub has everything up to this write; 0 when it has nothing.
    pub first: i64,
    /// The last write of the batch.
    pub to: i64,
    /// The hub, or an earlier part of the batch, may have older versions of rows that were written again behind `to`.
    pub has_older: bool,
    /// The message has contents apart.
    pub has_contents_apart: bool,
}

/// The rows behind `prefix.to` that the batch must bring too, in the order of tables and ids. `None` when they take more than
/// `max_bytes`.
///
/// Rows whose content cannot be read, or was dropped by an operator, are left out: the hub would quarantine the write that
/// brings them.
pub fn rows(tx: &ReadTx, prefix: Prefix, max_bytes: usize) -> Result<Option<Vec<Row>>> {
    let mut ahead = Ahead {
        tx,
        to: prefix.to,
        found: BTreeMap::new(),
        unread: vec![],
        room: max_bytes,
        size: MessageSize::new(prefix.has_contents_apart),
        named: HashMap::new(),
    };
    let is_whole = (!prefix.has_older || ahead.add_older()?) && ahead.add_referred(prefix)? && ahead.close()?;
    Ok(is_whole.then(|| ahead.found.into_values().collect()))
}

type Key = (Table, String);

struct Ahead<'t> {
    tx: &'t ReadTx<'t>,
    to: i64,
    found: BTreeMap<Key, Row>,
    /// Rows that were found, and whose own references have not been followed.
    unread: Vec<Key>,
    /// Bytes that may still be added.
    room: usize,
    size: MessageSize,
    /// What the contents name that were looked at.
    named: HashMap<Hash, Vec<(Table, Id)>>,
}

/// The customers written behind `:to` that a row of the batch refers to.
const CUSTOMERS: &str = "
    select id from customers where chg > :to and id in (
        select customer from employees where chg > :first and chg <= :to
        union all select customer from queues where chg > :first and chg <= :to
        union all select customer from mobile_configs_by_write where chg > :first and chg <= :to
        union all select customer from pbx_objects where chg > :first and chg <= :to
        union all select parent_reseller from customers where chg > :first and chg <= :to and parent_reseller is not null
        union all select r.value from employees e, json_each(e.organization_resellers) r
            where e.chg > :first and e.chg <= :to and e.organization_resellers <> '[]')";
/// The employees written behind `:to` whose mobile configs are in the batch.
const OWNERS: &str = "
    select id from employees where chg > :to and id in (
        select id from mobile_configs_by_write where chg > :first and chg <= :to)";
/// Whether a mobile config or an object of the PBX of the batch may name something that was written behind `:to`.
const HAS_NAMED: &str = "
    select exists (select 1 from employees where chg > :to) or exists (select 1 from queues where chg > :to)
        or exists (select 1 from pbx_objects where chg > :to)";
const OBJECTS: &str = "select object from pbx_objects where chg > :first and chg <= :to";
const CONFIGS: &str = "
    select text from contents where id in (select content from mobile_configs_by_write where chg > :first and chg <= :to)";

/// What a row refers to, in any of the tables.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct References<'v> {
    #[serde(default)]
    customer: Option<Id>,
    #[serde(default)]
    parent_reseller: Option<Id>,
    #[serde(default)]
    organization_resellers: Option<Vec<Id>>,
    #[serde(default, borrow)]
    configs: Option<&'v RawValue>,
}

impl References<'_> {
    fn all(&self) -> Vec<(Table, Id)> {
        let resellers = self.organization_resellers.iter().flatten().copied();
        let customers = self.customer.into_iter().chain(self.parent_reseller).chain(resellers);
        let mut all: Vec<_> = customers.map(|id| (Table::Customer, id)).collect();
        all.extend(self.configs.into_iter().flat_map(|configs| named(configs.get())));
        all
    }
}

/// The employees and queues that the entries of a mobile config name.
fn named(configs: &str) -> Vec<(Table, Id)> {
    let table = |kind| match kind {
        Kind::Colleagues => Table::Employee,
        Kind::Queues => Table::Queue,
    };
    entries(configs).unwrap_or_default().into_iter().map(|entry| (table(entry.kind), entry.id)).collect()
}

/// What an object of the PBX refers to besides its customer.
fn linked(object: &str) -> Vec<(Table, Id)> {
    let read = serde_json::from_str(object).ok().and_then(|value| PbxObject::from_value(value).ok());
    let Some(object) = read else { return vec![] };
    let references = object.references();
    let employee = references.employee.map(|id| (Table::Employee, id));
    let queue = references.queue.map(|id| (Table::Queue, id));
    let extensions = references.extensions.into_iter().map(|id| (Table::PbxObject, id));
    employee.into_iter().chain(queue).chain(extensions).collect()
}

impl Ahead<'_> {
    /// Adds a row; `false` when there is no room for it.
    fn add(&mut self, row: Row) -> bool {
        let key = (row.t, row.id.clone());
        if row.bad.is_some() || self.found.contains_key(&key) {
            return true;
        }
        let bytes = self.size.add(&row);
        if bytes > self.room {
            return false;
        }
        self.room -= bytes;
        self.unread.push(key.clone());
        self.found.insert(key, row);
        true
    }

    /// Adds everything of which an older version was written before. Two versions of one state are then never mixed: whatever
    /// the hub holds, it holds as it is now.
    fn add_older(&mut self) -> Result<bool> {
        let (tx, to, mut fits) = (self.tx, self.to, true);
        feed::rewritten(tx, to, |row| {
            fits = self.add(row);
            Ok(fits)
        })?;
        Ok(fits)
    }

    /// Adds what the rows of the batch refer to.
    fn add_referred(&mut self, Prefix { first, to, .. }: Prefix) -> Result<bool> {
        let range = named_params! { ":first": first, ":to": to };
        let mut referred = vec![];
        for (table, sql) in [(Table::Customer, CUSTOMERS), (Table::Employee, OWNERS)] {
            let mut statement = self.tx.conn.prepare_cached(sql)?;
            for id in statement.query_map(range, |row| row.get::<_, Id>(0))? {
                referred.push((table, id?));
            }
        }
        let has_named = self.tx.conn.prepare_cached(HAS_NAMED)?.query_row(&[(":to", &to)], |row| row.get(0))?;
        if has_named {
            let mut named_rows = HashSet::new();
            for (sql, names) in [(CONFIGS, named as fn(&str) -> Vec<(Table, Id)>), (OBJECTS, linked)] {
                let mut statement = self.tx.conn.prepare_cached(sql)?;
                let mut texts = statement.query(range)?;
                while let Some(row) = texts.next()? {
                    named_rows.extend(names(row.get_ref(0)?.as_str().unwrap_or_default()));
                }
            }
            referred.extend(named_rows);
        }
        self.add_all(referred)
    }

    /// Adds those of these rows that were written behind the batch.
    fn add_all(&mut self, referred: Vec<(Table, Id)>) -> Result<bool> {
        for (table, id) in referred {
            if self.is_behind(table, id)?
                && let Some(row) = feed::row(self.tx, table, id)?
                && !self.add(row)
            {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn is_behind(&self, table: Table, id: Id) -> Result<bool> {
        let Some(mirrored) = mirrored_tables::of(table) else { return Ok(false) };
        let sql = format!("select chg > ?2 from {} where id = ?1", mirrored.name);
        let mut statement = self.tx.conn.prepare_cached(&sql)?;
        Ok(statement.query_row(rusqlite::params![id, self.to], |row| row.get(0)).optional()?.unwrap_or(false))
    }

    /// Follows the references of what was added, until they lead to nothing new.
    fn close(&mut self) -> Result<bool> {
        while let Some(key) = self.unread.pop() {
            let Some(v) = self.found.get(&key).and_then(|row| row.v.as_ref()) else { continue };
            let text = v.with_placeholder().map_or_else(|| v.get(), Cow::Owned);
            let references: Option<References> = serde_json::from_str(&text).ok();
            let mut referred = references.map_or_else(Vec::new, |references| references.all());
            if let Some(content) = v.content() {
                let named = self.named.entry(content.digest).or_insert_with(|| named(content.text()));
                referred.extend(named.iter().copied());
            }
            if key.0 == Table::PbxObject {
                referred.extend(linked(&text));
            }
            if key.0 == Table::MobileConfig {
                referred.extend(key.1.parse().map(|owner| (Table::Employee, owner)));
            }
            if !self.add_all(referred)? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
