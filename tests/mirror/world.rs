//! What the databases of a simulation hold, and how it is changed.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use serde_json::json;
use telecomx_local::auth::secrets::Sealer;
use telecomx_local::clock::Clock;
use telecomx_local::db::{Exclusive, WriteTx};
use telecomx_local::domain::audit::Action;
use telecomx_local::domain::employee::Employee;
use telecomx_local::domain::id::Id;
use telecomx_local::domain::mirror::Table;
use telecomx_local::domain::pbx::Extension;
use telecomx_local::error::Result;
use telecomx_local::store::{contents, employees, feed, mobile_configs, pbx};
use telecomx_local::usecases::import;
use tempfile::TempDir;
use uuid::Uuid;

/// What stands under an id: its rev, its last write, and its text.
pub type Rows = BTreeMap<(Table, String), (i64, i64, String)>;

/// What each attempt would make of the mirror; only where it goes up to the newest write.
pub type Expected = HashMap<Uuid, Rows>;

pub const EMPLOYEES: u64 = 5;
/// Those, and others that are made along the way.
pub const POOL: u64 = 8;
/// A folder in memory where there is one: what is simulated is not the disk.
pub fn folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory).unwrap() } else { tempfile::tempdir().unwrap() }
}

const CUSTOMER: &str = "c00000000000000000000001";

pub fn employee(n: u64) -> Id {
    format!("e{n:023}").parse().unwrap()
}

/// A database with a customer and some employees, made once.
pub fn template() -> &'static Path {
    static TEMPLATE: OnceLock<(TempDir, PathBuf)> = OnceLock::new();
    let (_, path) = TEMPLATE.get_or_init(|| {
        let folder = folder();
        let path = folder.path().join("template.db");
        let customer = CUSTOMER;
        let employees: Vec<_> = (0..EMPLOYEES)
            .map(|n| json!({ "_id": employee(n), "customer": customer, "accessLevel": "PERSONAL", "name": format!("Employee {n}") }))
            .collect();
        let world = json!({
            "customers": [{ "_id": customer, "name": "Customer",
                "addresses": [{ "address": "Gade 1", "zip": "8000", "city": "Aarhus" }] }],
            "employees": employees
        });
        let database = Exclusive::open(&path, Clock::default()).unwrap();
        let sealer = Sealer::with_key([1; 32]);
        database.write("test", |tx| import::run(tx, &sealer, world.to_string().as_bytes(), import::Options::default(), |_, _, _| {})).unwrap();
        database.close().unwrap();
        (folder, path)
    });
    path
}

/// Copies a database that nobody is writing to, with its write-ahead log, in the place of another.
pub fn copy_database(from: &Path, to: &Path) {
    let beside = |path: &Path, suffix: &str| PathBuf::from(format!("{}{suffix}", path.display()));
    std::fs::copy(from, to).unwrap();
    let _ = std::fs::remove_file(beside(to, "-shm"));
    let _ = std::fs::remove_file(beside(to, "-wal"));
    let log = beside(from, "-wal");
    if log.exists() {
        std::fs::copy(log, beside(to, "-wal")).unwrap();
    }
}

/// Puts or deletes the extension of an employee, which has the end of its id.
fn change_extension(tx: &mut WriteTx, employee: &Employee, what: u64, mark: u64) -> Result<()> {
    let id = format!("b{}", &employee.id.to_string()[1..]).parse().unwrap();
    match (what, pbx::find(tx, id)?) {
        (4, Some(old)) => pbx::delete(tx, &old),
        (_, old) => {
            let mut made = Extension::new(id, employee.customer);
            made.name = format!("Extension {mark}");
            made.number = format!("{mark}");
            made.employee = mark.is_multiple_of(2).then_some(employee.id);
            pbx::upsert(tx, &made.into(), old.as_ref())
        }
    }
}

/// Makes an employee, or changes one object: a name, an extension, or a config that is put or deleted. Some configs name a colleague.
pub fn change(tx: &mut WriteTx, id: Id, what: u64, mark: u64) -> Result<()> {
    // Now and then more than fits into the room that is left on a page.
    let padding = if mark.is_multiple_of(11) { 6_000 } else { mark % 300 };
    let mark_section = format!(r#"{{"type":"MARK","mark":{mark},"padding":"{}"}}"#, "x".repeat(padding as usize));
    let named = employees::find_live(tx, employee(mark % POOL))?;
    let content = match named {
        Some(Employee { id, name, .. }) => {
            let colleagues = json!({ "type": "COLLEAGUES", "items": [{ "_id": id, "name": name }], "others": [] });
            format!("[{mark_section},{colleagues}]")
        }
        None => format!("[{mark_section}]"),
    };
    let Some(employee) = employees::find_live(tx, id)? else {
        let made = Employee { name: format!("New {mark}"), ..Employee::new(id, CUSTOMER.parse().unwrap()) };
        return employees::upsert(tx, made, None).map(drop);
    };
    if what > 3 {
        return change_extension(tx, &employee, what, mark);
    }
    let config = mobile_configs::find(tx, id);
    match (what, config) {
        (0, _) => {
            let renamed = Employee { name: format!("Name {mark}"), ..employee.clone() };
            employees::upsert(tx, renamed, Some(&employee)).map(drop)
        }
        (_, Err(error)) if feed::is_unreadable(&error) => {
            let chg = tx.change()?;
            let content = contents::key_of(tx, &content)?;
            let sql = "update mobile_configs set content = ?1, rev = rev + 1, chg = ?2 where id = ?3";
            tx.conn.execute(sql, (content.id, chg, id))?;
            Ok(())
        }
        (_, Err(error)) => Err(error),
        (1, Ok(Some(_))) => mobile_configs::delete(tx, id),
        (_, Ok(Some(old))) => mobile_configs::replace(tx, old, content, Action::Update, "Marked").map(drop),
        (_, Ok(None)) => mobile_configs::insert(tx, id, employee.customer, content).map(drop),
    }
}
