//! The objects of a document that is being imported, until they are judged and written: in a scratch database, so that a
//! document of any length needs little memory.

use rusqlite::{Connection, OptionalExtension, Row, named_params, params};
use serde::de::DeserializeOwned;

use super::{pbx, to_json};
use crate::db::scratch::Scratch;
use crate::db::types::from_json;
use crate::domain::customer::Customer;
use crate::domain::employee::Employee;
use crate::domain::id::Id;
use crate::domain::pbx::PbxObject;
use crate::domain::queue::Queue;
use crate::error::Result;

/// `place` is where in its list an object stands. An object that has faults is there for what refers to it, but not sound.
const SCHEMA: &str = "
    create table customers (place integer primary key, id text not null unique, is_sound integer not null,
        object text not null, parent text) strict;
    create index customers_parent on customers (parent) where parent is not null;
    create table queues (place integer primary key, id text not null unique, is_sound integer not null,
        object text not null) strict;
    create table employees (place integer primary key, id text not null unique, is_sound integer not null,
        object text not null, customer text not null, is_administrator integer not null, login text,
        has_password integer not null, secrets blob) strict;
    create index employees_login on employees (login) where login is not null;
    create index employees_administrator on employees (place) where is_administrator;
    create index employees_password on employees (place) where has_password;
    create table configs (place integer primary key, id text not null unique, is_sound integer not null,
        customer text, content text not null) strict;
    create table pbx_objects (place integer primary key, id text not null unique, is_sound integer not null,
        object text not null, key text) strict;
    create index pbx_objects_key on pbx_objects (key) where key is not null;
";

pub struct Staged {
    scratch: Scratch,
}

/// The secrets that came with an employee, sealed.
pub struct StagedSecrets {
    pub sealed: Vec<u8>,
    /// There is a password among them that has yet to be hashed.
    pub has_password: bool,
}

/// An employee as the document has it.
pub struct StagedEmployee<'a> {
    pub employee: &'a Employee,
    pub login: Option<&'a str>,
    pub is_administrator: bool,
    pub secrets: Option<StagedSecrets>,
}

/// A mobile config; `customer`: as given, once judged that of its employee.
pub struct StagedConfig {
    pub id: Id,
    pub customer: Option<Id>,
    pub content: String,
}

impl Staged {
    pub fn new() -> Result<Staged> {
        Ok(Staged { scratch: Scratch::with_schema(SCHEMA)? })
    }

    /// Each `add_…`: false when the list has an object of that id already; that one counts.
    pub fn add_customer(&self, place: usize, customer: &Customer, is_sound: bool) -> Result<bool> {
        let object = to_json(customer)?;
        self.scratch.run(|conn| {
            let sql = "insert into customers (place, id, is_sound, object, parent)
                values (:place, :id, :is_sound, :object, :parent) on conflict (id) do nothing";
            let added = conn.prepare_cached(sql)?.execute(named_params! {
                ":place": place as i64, ":id": customer.id, ":is_sound": is_sound, ":object": object,
                ":parent": customer.parent_reseller
            })?;
            Ok(added > 0)
        })
    }

    pub fn add_queue(&self, place: usize, queue: &Queue, is_sound: bool) -> Result<bool> {
        let object = to_json(queue)?;
        self.scratch.run(|conn| {
            let sql =
                "insert into queues (place, id, is_sound, object) values (?1, ?2, ?3, ?4) on conflict (id) do nothing";
            Ok(conn.prepare_cached(sql)?.execute(params![place as i64, queue.id, is_sound, object])? > 0)
        })
    }

    pub fn add_employee(&self, place: usize, staged: &StagedEmployee, is_sound: bool) -> Result<bool> {
        let StagedEmployee { employee, login, is_administrator, secrets } = staged;
        let object = to_json(employee)?;
        self.scratch.run(|conn| {
            let sql = "insert into employees (place, id, is_sound, object, customer, is_administrator, login, has_password, secrets)
                values (:place, :id, :is_sound, :object, :customer, :is_administrator, :login, :has_password, :secrets)
                on conflict (id) do nothing";
            let added = conn.prepare_cached(sql)?.execute(named_params! {
                ":place": place as i64, ":id": employee.id, ":is_sound": is_sound, ":object": object,
                ":customer": employee.customer, ":is_administrator": is_administrator, ":login": login,
                ":has_password": secrets.as_ref().is_some_and(|secrets| secrets.has_password),
                ":secrets": secrets.as_ref().map(|secrets| &secrets.sealed)
            })?;
            Ok(added > 0)
        })
    }

    pub fn add_config(&self, place: usize, config: &StagedConfig, is_sound: bool) -> Result<bool> {
        self.scratch.run(|conn| {
            let sql = "insert into configs (place, id, is_sound, customer, content) values (?1, ?2, ?3, ?4, ?5)
                on conflict (id) do nothing";
            let values = params![place as i64, config.id, is_sound, config.customer, config.content];
            Ok(conn.prepare_cached(sql)?.execute(values)? > 0)
        })
    }

    pub fn add_pbx_object(&self, place: usize, object: &PbxObject, is_sound: bool) -> Result<bool> {
        let (id, text, key) = (object.id(), pbx::render(object)?, object.key());
        self.scratch.run(|conn| {
            let sql = "insert into pbx_objects (place, id, is_sound, object, key) values (?1, ?2, ?3, ?4, ?5)
                on conflict (id) do nothing";
            Ok(conn.prepare_cached(sql)?.execute(params![place as i64, id, is_sound, text, key])? > 0)
        })
    }

    pub fn pbx_object(&self, id: Id) -> Result<Option<PbxObject>> {
        self.scratch.run(|conn| {
            let mut statement = conn.prepare_cached("select object from pbx_objects where id = ?1")?;
            statement.query_row([id], pbx::from_row).optional()
        })
    }

    /// The first object of this key.
    pub fn pbx_object_of_key(&self, key: &str) -> Result<Option<Id>> {
        self.scratch.run(|conn| {
            let sql = "select id from pbx_objects where key = ?1 order by place limit 1";
            conn.prepare_cached(sql)?.query_row([key], |row| row.get(0)).optional()
        })
    }

    pub fn customer(&self, id: Id) -> Result<Option<Customer>> {
        self.scratch.run(|conn| object(conn, "select object from customers where id = ?1", id))
    }

    pub fn queue(&self, id: Id) -> Result<Option<Queue>> {
        self.scratch.run(|conn| object(conn, "select object from queues where id = ?1", id))
    }

    pub fn employee(&self, id: Id) -> Result<Option<Employee>> {
        self.scratch.run(|conn| object(conn, "select object from employees where id = ?1", id))
    }

    /// The first employee that logs in with this name.
    pub fn login_owner(&self, login: &str) -> Result<Option<Id>> {
        self.scratch.run(|conn| {
            let sql = "select id from employees where login = ?1 order by place limit 1";
            conn.prepare_cached(sql)?.query_row([login], |row| row.get(0)).optional()
        })
    }

    /// The customers that have this reseller.
    pub fn customers_below(&self, reseller: Id) -> Result<Vec<Id>> {
        self.scratch.run(|conn| {
            let mut statement = conn.prepare_cached("select id from customers where parent = ?1")?;
            statement.query_map([reseller], |row| row.get(0))?.collect()
        })
    }

    /// Whether `is_wanted` holds for the id and customer of an administrator.
    pub fn any_administrator(&self, is_wanted: impl Fn(Id, Id) -> Result<bool>) -> Result<bool> {
        self.scratch.run(|conn| {
            let mut statement = conn.prepare_cached("select id, customer from employees where is_administrator")?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                match is_wanted(row.get(0)?, row.get(1)?) {
                    Ok(false) => {}
                    done => return Ok(done),
                }
            }
            Ok(Ok(false))
        })?
    }

    /// Each `each_…` calls `each` with the sound objects of a list and their places, in order.
    pub fn each_customer(&self, each: impl FnMut(usize, Customer) -> Result<()>) -> Result<()> {
        self.each("select place, object from customers where is_sound order by place", from_object, each)
    }

    pub fn each_queue(&self, each: impl FnMut(usize, Queue) -> Result<()>) -> Result<()> {
        self.each("select place, object from queues where is_sound order by place", from_object, each)
    }

    pub fn each_employee(&self, mut each: impl FnMut(usize, Employee, Option<Vec<u8>>) -> Result<()>) -> Result<()> {
        let sql = "select place, object, secrets from employees where is_sound order by place";
        let from_row = |row: &Row| Ok((from_object(row)?, row.get(2)?));
        self.each(sql, from_row, |place, (employee, secrets)| each(place, employee, secrets))
    }

    pub fn each_config(&self, each: impl FnMut(usize, StagedConfig) -> Result<()>) -> Result<()> {
        let sql = "select place, id, customer, content from configs where is_sound order by place";
        let from_row = |row: &Row| Ok(StagedConfig { id: row.get(1)?, customer: row.get(2)?, content: row.get(3)? });
        self.each(sql, from_row, each)
    }

    pub fn each_pbx_object(&self, each: impl FnMut(usize, PbxObject) -> Result<()>) -> Result<()> {
        let sql = "select place, object from pbx_objects where is_sound order by place";
        self.each(sql, pbx::from_row, each)
    }

    /// Takes over what a config was judged to be.
    pub fn set_config(&self, place: usize, customer: Id, content: &str) -> Result<()> {
        self.scratch.run(|conn| {
            let sql = "update configs set customer = ?2, content = ?3 where place = ?1";
            conn.prepare_cached(sql)?.execute(params![place as i64, customer, content]).map(drop)
        })
    }

    /// How many passwords have yet to be hashed.
    pub fn count_passwords(&self) -> Result<usize> {
        self.scratch.run(|conn| {
            let sql = "select count(*) from employees where has_password";
            conn.query_row(sql, [], |row| row.get::<_, i64>(0)).map(|count| count as usize)
        })
    }

    /// The next of those with a password that has yet to be hashed: place, id and sealed secrets.
    pub fn next_passwords(&self, limit: usize) -> Result<Vec<(usize, Id, Vec<u8>)>> {
        self.scratch.run(|conn| {
            let sql = "select place, id, secrets from employees where has_password order by place limit ?1";
            let mut statement = conn.prepare_cached(sql)?;
            let rows = statement.query_map([limit as i64], |row| Ok((place_of(row)?, row.get(1)?, row.get(2)?)))?;
            rows.collect()
        })
    }

    /// Takes over secrets whose password is hashed.
    pub fn set_secrets(&self, place: usize, sealed: &[u8]) -> Result<()> {
        self.scratch.run(|conn| {
            let sql = "update employees set secrets = ?2, has_password = 0 where place = ?1";
            conn.prepare_cached(sql)?.execute(params![place as i64, sealed]).map(drop)
        })
    }

    fn each<T>(
        &self,
        sql: &str,
        from_row: impl Fn(&Row) -> rusqlite::Result<T>,
        mut each: impl FnMut(usize, T) -> Result<()>,
    ) -> Result<()> {
        // `each` may look up others meanwhile, and its own errors are no errors of the scratch database.
        self.scratch.run(|conn| {
            let mut statement = conn.prepare(sql)?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                if let Err(error) = each(place_of(row)?, from_row(row)?) {
                    return Ok(Err(error));
                }
            }
            Ok(Ok(()))
        })?
    }
}

fn place_of(row: &Row) -> rusqlite::Result<usize> {
    row.get::<_, i64>(0).map(|place| place as usize)
}

fn from_object<T: DeserializeOwned>(row: &Row) -> rusqlite::Result<T> {
    from_json(row.get_ref(1)?.as_str()?)
}

fn object<T: DeserializeOwned>(conn: &Connection, sql: &str, id: Id) -> rusqlite::Result<Option<T>> {
    conn.prepare_cached(sql)?.query_row([id], |row| from_json(row.get_ref(0)?.as_str()?)).optional()
}
