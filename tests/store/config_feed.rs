//! The feed finds every mobile config by its last write, whatever was written before it, and what it needs for that stays small.

use rusqlite::Connection;
use telecomx_local::clock::Clock;
use telecomx_local::db::{Author, Db, WriteTx};
use telecomx_local::domain::audit::Action;
use telecomx_local::domain::id::Id;
use telecomx_local::domain::mirror::Table;
use telecomx_local::error::Result;
use telecomx_local::store::feed::{self, FeedCursor};
use telecomx_local::store::{mirrored_tables, mobile_configs};

use crate::support::{Place, older, world};

/// Employees besides those of the small world, each with a config.
const MORE: usize = 40;
/// Entries of the audit trail whose configs are added to the feed at once.
const RUN: usize = 128;

fn place() -> Place {
    let mut world = world::with_employees(MORE);
    let configs = (0..MORE).map(|n| world::config(&world::nth(n), serde_json::json!([{ "type": "NUMBER", "n": n }])));
    world["mobileConfigs"].as_array_mut().unwrap().extend(configs);
    Place::holding(&world)
}

fn open(place: &Place) -> Db {
    Db::open(&place.db(), Clock::default()).unwrap()
}

fn write(db: &Db, work: impl FnOnce(&mut WriteTx) -> Result<()> + Send + 'static) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(db.write(Author::system("test"), work)).unwrap();
}

fn id(n: usize) -> Id {
    world::nth(n % MORE).parse().unwrap()
}

fn copy(tx: &mut WriteTx, from: usize, to: usize) -> Result<()> {
    let (source, target) = (mobile_configs::get(tx, id(from))?, mobile_configs::get_head(tx, id(to))?);
    mobile_configs::copy(tx, &source, &target, "Mobile config copied").map(drop)
}

/// Numbers of writes, with the configs that they wrote last.
type Written = Vec<(i64, String)>;

/// What the feed gives behind a write, and what the table itself says of that.
fn both(db: &Db, conn: &Connection, behind: i64) -> (Written, Written) {
    let mut found = vec![];
    db.read(|tx| {
        feed::rows(tx, &FeedCursor::after_write(behind), i64::MAX, |row, _| {
            if row.t == Table::MobileConfig && row.v.is_some() {
                found.push((row.chg, row.id));
            }
            Ok(true)
        })
    })
    .unwrap();
    let mut statement = conn.prepare("select chg, id from mobile_configs where chg > ?1 order by 1, 2").unwrap();
    let expected = statement.query_map([behind], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    (found, expected.collect::<rusqlite::Result<_>>().unwrap())
}

fn assert_found(db: &Db, conn: &Connection) {
    let high = db.read(feed::high).unwrap();
    for behind in [0, high / 2, high - 3, high - 1, high] {
        let (found, expected) = both(db, conn, behind);
        assert_eq!(found, expected, "behind {behind} of {high}");
    }
    let newest: i64 = conn.query_row("select max(chg) from mobile_configs", [], |row| row.get(0)).unwrap();
    assert!(newest <= high, "{newest} {high}");
}

fn number(conn: &Connection, sql: &str) -> usize {
    conn.query_row(sql, [], |row| row.get::<_, u32>(0)).unwrap() as usize
}

fn entries(conn: &Connection) -> usize {
    number(conn, "select count(*) from mobile_config_feed")
}

#[test]
fn whatever_was_written_each_config_is_found_once_by_its_last_write() {
    let place = place();
    let (db, conn) = (open(&place), place.sqlite());
    assert_found(&db, &conn);
    for round in 0..160 {
        write(&db, move |tx| {
            // Several in one write, some twice.
            for n in 0..20 {
                copy(tx, round + n, (round * n) % MORE + n)?;
            }
            Ok(())
        });
        let (touched, gone) = (world::nth(round * 7 % MORE), id(round * 11 + 3));
        write(&db, move |tx| mirrored_tables::touch(tx, Table::MobileConfig, &touched));
        write(&db, move |tx| {
            mobile_configs::delete(tx, gone)?;
            let customer = world::CUSTOMER.parse().unwrap();
            mobile_configs::insert(tx, gone, customer, r#"[{"type":"NEW"}]"#.into()).map(drop)
        });
        if round % 10 == 0 || round > 150 {
            assert_found(&db, &conn);
        }
    }
    let trail = number(&conn, "select max(seq) from audit");
    assert!(trail > 3 * RUN, "{trail}");
    drop(db);
    assert_found(&open(&place), &conn);
}

#[test]
fn entries_that_lead_nowhere_do_not_pile_up() {
    let place = place();
    let (db, conn) = (open(&place), place.sqlite());
    for round in 0..20 {
        // Every config, again and again: each run leaves the entries of the one before behind.
        write(&db, move |tx| (0..RUN).try_for_each(|n| copy(tx, n + round, n)));
        assert!(entries(&conn) <= 3 * (MORE + 2), "{round}: {}", entries(&conn));
    }
    assert_found(&db, &conn);
}

#[test]
fn a_config_that_the_feed_has_lost_is_told_by_doctor_and_found_again_by_adopting() {
    let place = place();
    let db = open(&place);
    // Until a run is full the entries of the audit trail are enough.
    write(&db, |tx| (0..RUN).try_for_each(|n| copy(tx, 0, 1 + n % 3)));
    drop(db);
    place.sqlite_as_program(0).execute_batch("delete from mobile_config_feed").unwrap();
    let said = String::from_utf8(place.on_db(&["doctor"]).output().unwrap().stdout).unwrap();
    assert!(said.contains("are not found by their last write, so they are not mirrored: run doctor --adopt"), "{said}");
    place.run(&["doctor", "--adopt"]);
    assert_found(&open(&place), &place.sqlite());
}

#[test]
fn the_migration_leaves_every_config_in_the_feed() {
    let place = older::place_of(10);
    let before: Written = {
        let conn = place.sqlite();
        let mut statement = conn.prepare("select chg, id from mobile_configs order by 1, 2").unwrap();
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        rows.collect::<rusqlite::Result<_>>().unwrap()
    };
    assert!(!before.is_empty());
    let db = open(&place);
    assert_eq!(both(&db, &place.sqlite(), 0).0, before);
}

#[test]
fn a_config_replaced_after_its_run_was_added_is_found_behind_that() {
    let place = place();
    let (db, conn) = (open(&place), place.sqlite());
    let trail = number(&conn, "select max(seq) from audit");
    // Up to each side of the end of a run.
    for n in trail..trail + RUN + 2 {
        write(&db, move |tx| copy(tx, n, n + 1));
        if (n + 3) % RUN < 6 {
            assert_found(&db, &conn);
        }
    }
    let content = r#"[{"type":"LAST"}]"#;
    write(&db, move |tx| {
        let config = mobile_configs::get(tx, id(5))?;
        mobile_configs::replace(tx, config, content.into(), Action::Update, "Mobile config updated").map(drop)
    });
    assert_found(&db, &conn);
}

#[test]
fn a_sweep_looks_at_the_next_entries_alone_however_many_one_write_has_left() {
    let conn = place().sqlite();
    let mut statement = conn
        .prepare("explain query plan select 1 from mobile_config_feed f where (f.chg, f.id) > (?1, ?2) order by f.chg, f.id limit 9")
        .unwrap();
    let plan: String = statement.query_row([1, 2], |row| row.get("detail")).unwrap();
    assert!(plan.contains("PRIMARY KEY ((chg,id)>(?,?))"), "{plan}");
}

#[test]
fn a_config_whose_employee_somebody_has_removed_is_brought_over_and_told() {
    let place = older::place_of(10);
    let gone: String = place.sqlite().query_row("select min(id) from mobile_configs", [], |row| row.get(0)).unwrap();
    let conn = place.sqlite_as_program(0);
    conn.execute_batch(&format!("pragma foreign_keys = off; delete from employees where id = '{gone}'")).unwrap();
    drop(open(&place));
    let said = String::from_utf8(place.on_db(&["doctor"]).output().unwrap().stdout).unwrap();
    assert!(said.contains(&format!("rows refer to nothing (mobile_configs {gone} to employees, ")), "{said}");
}

#[test]
fn an_entry_of_a_write_that_no_row_carries_is_told() {
    let place = place();
    place
        .sqlite_as_program(0)
        .execute_batch("insert into mobile_config_feed (chg, id) values (99999, 'nobody')")
        .unwrap();
    let said = String::from_utf8(place.on_db(&["doctor"]).output().unwrap().stdout).unwrap();
    assert!(said.contains("WRONG  feed: it has an entry of a write that no row carries"), "{said}");
}
