//! Mobile configs: whose they are, and what they refer to inside their JSON.

use std::collections::HashMap;

use rusqlite::{Row, named_params};

use super::finding::{Finding, Offenders, finding};
use crate::db::ReadTx;
use crate::domain::id::Id;
use crate::domain::mobile_config::{Kind, entries};
use crate::error::Result;

/// Each config has the documented shape and belongs to a live employee of its customer; its entries name live employees and
/// queues of the same customer, by their names.
pub fn check(tx: &ReadTx) -> Result<Finding> {
    let mut found = Found::new();
    let mut statement = tx.conn.prepare(
        "select m.id, m.customer, (select text from contents c where c.id = m.content), e.customer = m.customer and e.state <> 'DELETED'
         from mobile_configs m left join employees e on e.id = m.id order by m.customer, m.id",
    )?;
    let mut rows = statement.query([])?;
    let mut names = Names::default();
    while let Some(row) = rows.next()? {
        found.checked += 1;
        let is_owned: Option<bool> = row.get(3)?;
        if is_owned != Some(true) {
            found.not_owned.add(|| id_text(row));
        }
        names.of_customer(tx, row.get_ref(1)?.as_str().unwrap_or_default())?;
        found.check_entries(row, &names);
    }
    let detail = format!("{} as documented, with the names of today", found.checked);
    Ok(finding(
        [&found.not_owned, &found.malformed, &found.lost_colleagues, &found.lost_queues, &found.misnamed],
        &detail,
    ))
}

/// Every content that a config or an entry of the audit trail refers to is there.
pub fn stored(tx: &ReadTx) -> Result<Finding> {
    let of_configs =
        ("mobile configs refer to content that is not there", "restore a backup: somebody has removed content by hand");
    let of_entries = ("entries of the audit trail refer to content that is not there", "go back to a backup");
    let lost = "not in (select id from contents)";
    let offenders = [
        Offenders::select(
            tx,
            of_configs,
            &format!("select id from mobile_configs where content {lost} order by id"),
            [],
        )?,
        Offenders::select(
            tx,
            of_entries,
            &format!(
                "select cast(seq as text) from audit where content_before is not null and content_before {lost}
                    or content_after is not null and content_after {lost} order by seq"
            ),
            [],
        )?,
    ];
    let (count, bytes): (i64, i64) =
        tx.conn.query_row("select count(*), coalesce(sum(length(text)), 0) from contents", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
    Ok(finding(&offenders, &format!("{count} of {bytes} characters, each kept once")))
}

/// As it is stored: it may be no id.
fn id_text(row: &Row) -> String {
    let id = row.get_ref(0).ok().and_then(|id| id.as_bytes().ok()).unwrap_or_default();
    String::from_utf8_lossy(id).into_owned()
}

struct Found {
    checked: usize,
    not_owned: Offenders,
    malformed: Offenders,
    lost_colleagues: Offenders,
    lost_queues: Offenders,
    misnamed: Offenders,
}

impl Found {
    fn new() -> Found {
        Found {
            checked: 0,
            not_owned: Offenders::new(
                "mobile configs do not belong to a live employee of their customer",
                "stop the server, drop the trigger mobile_configs_delete and delete each with sqlite3, then run doctor \
                 --adopt, which records that and makes the trigger again",
            ),
            malformed: Offenders::new(
                "mobile configs do not have the documented shape",
                "write each again with POST /pbx/app/mobileconfig/{id}",
            ),
            lost_colleagues: Offenders::new(
                "mobile configs name colleagues who are not live employees of the same customer",
                "write each again without them with POST /pbx/app/mobileconfig/{id}",
            ),
            lost_queues: Offenders::new(
                "mobile configs name queues that the same customer does not have",
                "write each again without them with POST /pbx/app/mobileconfig/{id}",
            ),
            misnamed: Offenders::new(
                "mobile configs have another name for an employee or a queue than it has itself",
                "write each again with POST /pbx/app/mobileconfig/{id}, or export and import this database, which \
                 corrects names",
            ),
        }
    }

    fn check_entries(&mut self, row: &Row, names: &Names) {
        let text = row.get_ref(2).ok().and_then(|configs| configs.as_str().ok());
        let Some(entries) = text.and_then(entries) else { return self.malformed.add(|| id_text(row)) };
        let (mut lost_colleague, mut lost_queue, mut misnamed) = (false, false, false);
        for entry in entries {
            let name = match entry.kind {
                Kind::Colleagues => names.employees.get(&entry.id),
                Kind::Queues => names.queues.get(&entry.id),
            };
            match (name, entry.kind) {
                (Some(name), _) => misnamed |= **name != *entry.name,
                (None, Kind::Colleagues) => lost_colleague = true,
                (None, Kind::Queues) => lost_queue = true,
            }
        }
        for (is, offenders) in [
            (lost_colleague, &mut self.lost_colleagues),
            (lost_queue, &mut self.lost_queues),
            (misnamed, &mut self.misnamed),
        ] {
            if is {
                offenders.add(|| id_text(row));
            }
        }
    }
}

/// Live employees and queues of one customer: configs come customer by customer, so that one of them at a time is enough.
#[derive(Default)]
struct Names {
    customer: Option<String>,
    employees: HashMap<Id, String>,
    queues: HashMap<Id, String>,
}

impl Names {
    fn of_customer(&mut self, tx: &ReadTx, customer: &str) -> Result<()> {
        if self.customer.as_deref() == Some(customer) {
            return Ok(());
        }
        let employees = "select id, name from employees where customer = :customer and state <> 'DELETED'";
        let queues = "select id, name from queues where customer = :customer";
        *self = Names {
            customer: Some(customer.to_owned()),
            employees: names(tx, employees, customer)?,
            queues: names(tx, queues, customer)?,
        };
        Ok(())
    }
}

/// What cannot be read is left out: it is a finding of other checks.
fn names(tx: &ReadTx, sql: &str, customer: &str) -> Result<HashMap<Id, String>> {
    let mut statement = tx.conn.prepare_cached(sql)?;
    let rows = statement.query_map(named_params! { ":customer": customer }, |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.filter_map(rusqlite::Result::ok).collect())
}
