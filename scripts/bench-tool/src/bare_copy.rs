//! The copy's statements in a loop on one thread: what SQLite can do at a given number of copies per commit,
//! with nothing of a server around it. Pragmas and checkpoints are those of the product's writer. Statements and tables are
//! those of schema 8, which wrote the content with each copy: what later ones gain shows.

use std::cell::Cell;
use std::path::Path;
use std::sync::mpsc::sync_channel;
use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags, Row, named_params};
use serde_json::json;

use crate::Result;

/// The product's numbers.
const WAL_CHECKPOINT_PAGES: i32 = 4_000;
const WAL_MAX_PAGES: i32 = 16_000;
const STATEMENTS: usize = 128;

/// Stands for a digest or a hash of the chain: computing them is the product's work, not SQLite's.
const DIGEST: [u8; 32] = [0x5a; 32];

thread_local! {
    static WAL_PAGES: Cell<i32> = const { Cell::new(0) };
}

struct Customer {
    manager: String,
    /// Copies go from the first half of the employees to the second, so that contents stay distinct.
    sources: Vec<String>,
    targets: Vec<String>,
}

struct Config {
    id: String,
    customer: String,
    configs: String,
}

/// Where the numbers of the next copy continue.
struct Counters {
    change: i64,
    audit_seq: i64,
    /// Time of the newest audit entry; the next ones follow it.
    audit_at: i64,
    started: Instant,
}

pub fn run(db: &Path, group: u32, seconds: f64) -> Result<()> {
    let conn = open(db)?;
    make_tables_of_8(&conn)?;
    conn.wal_hook(Some(|_, pages| {
        WAL_PAGES.set(pages);
        Ok(())
    }));
    let customers = read_customers(&conn)?;
    let second = open(db)?;
    let (wake, woken) = sync_channel(1);
    let checkpointer = std::thread::spawn(move || {
        while let Ok(()) = woken.recv() {
            // A failed one is made up for by the next.
            let _ = passive_checkpoint(&second);
        }
    });

    let mut counters = Counters {
        change: conn.query_row("select high from feed", [], |row| row.get(0))?,
        audit_seq: conn.query_row("select coalesce(max(seq), 0) from audit", [], |row| row.get(0))?,
        audit_at: conn.query_row("select coalesce(max(at), 0) from audit", [], |row| row.get(0))?,
        started: Instant::now(),
    };
    let mut random = Random(0x2545_f491_4f6c_dd1d);

    let mut run_group = |counters: &mut Counters| -> Result<u64> {
        let begun = Instant::now();
        commit_group(&conn, &customers, group, counters, &mut random)?;
        let time_us = begun.elapsed().as_micros() as u64;
        let pages = WAL_PAGES.get();
        if pages > WAL_MAX_PAGES {
            passive_checkpoint(&conn)?;
        } else if pages > WAL_CHECKPOINT_PAGES {
            let _ = wake.try_send(());
        }
        Ok(time_us)
    };
    // Until the log starts over its file grows, which makes commits dearer than they are in a server that has run on.
    let mut pages = 0;
    while WAL_PAGES.get() >= pages {
        pages = WAL_PAGES.get();
        run_group(&mut counters)?;
    }

    let mut group_times_us = Vec::new();
    let started = Instant::now();
    while started.elapsed().as_secs_f64() < seconds {
        group_times_us.push(run_group(&mut counters)?);
    }
    let elapsed = started.elapsed().as_secs_f64();
    drop(wake);
    checkpointer.join().map_err(|_| "the checkpoint thread panicked")?;

    group_times_us.sort_unstable();
    let percentile = |percent: usize| group_times_us.get(group_times_us.len() * percent / 100);
    println!(
        "{}",
        json!({
            "copies_per_second": group_times_us.len() as f64 * f64::from(group) / elapsed,
            "p50_us": percentile(50),
            "p99_us": percentile(99),
        })
    );
    Ok(())
}

/// Puts the tables that a copy writes back to what they were; once for each database.
fn make_tables_of_8(conn: &Connection) -> Result<()> {
    let is_done =
        conn.query_row("select not exists (select 1 from sqlite_schema where name = 'contents')", [], |row| {
            row.get(0)
        })?;
    if is_done {
        return Ok(());
    }
    let triggers: Vec<String> = conn
        .prepare("select name from sqlite_schema where type = 'trigger'")?
        .query_map([], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    conn.execute_batch("pragma foreign_keys = off; begin")?;
    for trigger in triggers {
        conn.execute_batch(&format!("drop trigger {trigger}"))?;
    }
    conn.execute_batch(include_str!("schema_8.sql"))?;
    conn.execute_batch("commit; vacuum; pragma foreign_keys = on")?;
    Ok(())
}

fn open(db: &Path) -> Result<Connection> {
    let conn = Connection::open_with_flags(db, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    conn.set_prepared_statement_cache_capacity(STATEMENTS);
    conn.busy_timeout(Duration::from_secs(5))?;
    conn.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(()))?;
    for (pragma, value) in [("synchronous", 2), ("foreign_keys", 1), ("wal_autocheckpoint", 0), ("trusted_schema", 0)] {
        conn.pragma_update(None, pragma, value)?;
    }
    conn.pragma_update(None, "journal_size_limit", 64 << 20)?;
    Ok(conn)
}

fn read_customers(conn: &Connection) -> Result<Vec<Customer>> {
    let mut statement =
        conn.prepare("select customer, id, access_level = 'MANAGER' from employees order by customer, id")?;
    let mut rows = statement.query([])?;
    let mut customers: Vec<(String, Customer)> = Vec::new();
    while let Some(row) = rows.next()? {
        let (customer, employee): (String, String) = (row.get(0)?, row.get(1)?);
        if customers.last().is_none_or(|(last, _)| *last != customer) {
            customers.push((customer, Customer { manager: employee.clone(), sources: vec![], targets: vec![] }));
        }
        let Some((_, customer)) = customers.last_mut() else { continue };
        if row.get(2)? {
            customer.manager.clone_from(&employee);
        }
        customer.sources.push(employee);
    }
    let mut customers: Vec<Customer> = customers.into_iter().map(|(_, customer)| customer).collect();
    for customer in &mut customers {
        customer.targets = customer.sources.split_off(customer.sources.len() / 2);
    }
    if customers.is_empty() || customers.iter().any(|customer| customer.sources.is_empty()) {
        return Err("the database needs customers with two employees or more".into());
    }
    Ok(customers)
}

fn commit_group(
    conn: &Connection,
    customers: &[Customer],
    group: u32,
    counters: &mut Counters,
    random: &mut Random,
) -> rusqlite::Result<()> {
    execute(conn, "begin immediate")?;
    for _ in 0..group {
        let customer = random.pick(customers);
        execute(conn, "savepoint request")?;
        let (from, to) = (random.pick(&customer.sources), random.pick(&customer.targets));
        copy(conn, &customer.manager, from, to, counters)?;
        execute(conn, "release request")?;
    }
    execute(conn, "update feed set writing = null")?;
    execute(conn, "commit")
}

fn copy(conn: &Connection, actor: &str, from: &str, to: &str, counters: &mut Counters) -> rusqlite::Result<()> {
    let actor_name: String = conn
        .prepare_cached(
            "select e.customer, e.access_level, e.name from employees e join customers c on c.id = e.customer
             where e.id = ?1 and e.state = 'ENABLED' and c.state = 'ACTIVE' and e.access_level <> 'NO_LOGIN'",
        )?
        .query_row([actor], |row| {
            let _: (String, String) = (row.get(0)?, row.get(1)?);
            row.get(2)
        })?;
    let source = find(conn, from)?;
    let target = find(conn, to)?;

    counters.change += 1;
    conn.prepare_cached("update feed set high = :chg, writing = :chg")?
        .execute(named_params! { ":chg": counters.change })?;
    conn.prepare_cached("update mobile_configs set configs = :configs, rev = rev + 1, chg = :chg where id = :id")?
        .execute(named_params! { ":configs": source.configs, ":chg": counters.change, ":id": target.id })?;

    counters.audit_seq += 1;
    // As long as the UUIDs the product puts there.
    let uuid = format!("00000000-0000-4000-8000-{:012x}", counters.audit_seq);
    conn.prepare_cached(
        "insert into audit (seq, at, actor, actor_name, impersonator, source, request, operation, action, outcome,
            section, object, customer, description, before, digest_before, digest_after, hash)
         values (:seq, :at, :actor, :actor_name, null, '127.0.0.1', :uuid, :uuid, 'copy', 'accepted',
            'PbxAppMobileConfigs', :object, :customer, :description, :before, :digest, :digest, :digest)",
    )?
    .execute(named_params! {
        ":seq": counters.audit_seq,
        ":at": counters.audit_at + counters.started.elapsed().as_millis() as i64,
        ":actor": actor,
        ":actor_name": actor_name,
        ":uuid": uuid,
        ":object": target.id,
        ":customer": target.customer,
        ":description": format!("Copied from {from}"),
        ":before": target.configs,
        ":digest": DIGEST,
    })?;
    Ok(())
}

fn find(conn: &Connection, id: &str) -> rusqlite::Result<Config> {
    conn.prepare_cached("select id, customer, configs, rev from mobile_configs where id = ?1")?.query_row(
        [id],
        |row: &Row| {
            let _: i64 = row.get(3)?;
            Ok(Config { id: row.get(0)?, customer: row.get(1)?, configs: row.get(2)? })
        },
    )
}

fn execute(conn: &Connection, sql: &str) -> rusqlite::Result<()> {
    conn.prepare_cached(sql)?.execute([])?;
    Ok(())
}

fn passive_checkpoint(conn: &Connection) -> rusqlite::Result<()> {
    conn.query_row("pragma wal_checkpoint(passive)", [], |_| Ok(()))
}

/// xorshift64: the same choices in every run.
struct Random(u64);

impl Random {
    fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        // The high bits are the better ones.
        &items[(self.0 >> 33) as usize % items.len()]
    }
}
