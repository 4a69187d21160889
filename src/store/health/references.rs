//! References between customers, queues and employees, those inside JSON too. Deleted customers and employees may refer to
//! what is gone.

use rusqlite::OptionalExtension;

use super::finding::{Finding, Offenders, finding};
use crate::db::ReadTx;
use crate::domain::audit::{CUSTOMERS, EMPLOYEES, QUEUES};
use crate::error::Result;
use crate::store::restore::STUB_DESCRIPTION;

/// The references that the schema declares.
pub fn foreign_keys(tx: &ReadTx) -> Result<Finding> {
    let mut offenders = Offenders::new(
        "rows refer to nothing",
        "import the objects that are missing, under their old ids, or go back to a backup",
    );
    let mut statement = tx.conn.prepare(CONFIGS_OF_NOBODY)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (id, parent): (String, String) = (row.get(0)?, row.get(1)?);
        offenders.add(|| format!("mobile_configs {id} to {parent}"));
    }
    let mut statement = tx.conn.prepare("pragma foreign_key_check")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (table, rowid, parent): (String, Option<i64>, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
        if table == "mobile_configs" {
            continue;
        }
        offenders.add(|| format!("{table} {} to {parent}", id_of(tx, &table, rowid).unwrap_or_default()));
    }
    Ok(finding([&offenders], "all lead somewhere"))
}

/// They have no rowid, by which SQLite would name them.
const CONFIGS_OF_NOBODY: &str = "
    select id, 'employees' from mobile_configs where id not in (select id from employees)
    union all select id, 'customers' from mobile_configs where customer not in (select id from customers) order by 1";

/// The other tables without a rowid hold secrets, whose keys are not shown.
fn id_of(tx: &ReadTx, table: &str, rowid: Option<i64>) -> Option<String> {
    let sql = format!("select id from {table} where rowid = ?1");
    tx.conn.query_row(&sql, [rowid?], |row| row.get(0)).optional().ok().flatten()
}

const BELOW_DELETED: &str = "
    select c.id from customers c left join customers r on r.id = c.parent_reseller
    where c.state <> 'DELETED' and c.parent_reseller is not null and (r.id is null or r.state = 'DELETED')
    order by c.id";

/// A customer that is not found on the way down from the top is in a circle, or below one.
const IN_CIRCLE: &str = "
    with recursive tree (id) as (
        select id from customers where parent_reseller is null or parent_reseller not in (select id from customers)
        union
        select c.id from customers c join tree on c.parent_reseller = tree.id)
    select id from customers where id not in (select id from tree) order by id";

/// Every live customer has a live reseller or none, and nobody is below oneself.
pub fn customers(tx: &ReadTx) -> Result<Finding> {
    let below_deleted = (
        "live customers have a parentReseller that is deleted or does not exist",
        "give each another parentReseller with POST /customer/{id}",
    );
    let in_circle = (
        "customers are below themselves, or below such a customer",
        "give one of them another parentReseller with POST /customer/{id}",
    );
    let offenders =
        [Offenders::select(tx, below_deleted, BELOW_DELETED, [])?, Offenders::select(tx, in_circle, IN_CIRCLE, [])?];
    Ok(finding(&offenders, "each below a live reseller, or at the top"))
}

/// Objects whose newest accepted audit entry says that a restore has made them up.
fn select_stubs(table: &str) -> String {
    let is_live = if table == "queues" { "true" } else { "o.state <> 'DELETED'" };
    // Of a group with `max`, SQLite gives the other columns of the row that has it. Without any stub the trail is read once.
    format!(
        "select o.id from (
            select object, description, max(seq) from audit
            where section = ?1 and outcome = 'accepted'
                and object in (select object from audit where section = ?1 and description = ?2)
            group by object) a join {table} o on o.id = a.object
         where a.description = ?2 and {is_live}"
    )
}

/// Every live customer has an address, and exactly one primary; the ids of its addresses differ. Stubs have a finding of
/// their own.
pub fn addresses(tx: &ReadTx) -> Result<Finding> {
    let without = format!(
        "select id from customers where state <> 'DELETED' and json_array_length(addresses) = 0
         and id not in ({}) order by id",
        select_stubs("customers")
    );
    let primary = "select id from customers where state <> 'DELETED' and json_array_length(addresses) > 0
        and (select count(*) from json_each(addresses) where json_extract(value, '$.primary')) <> 1 order by id";
    let twice = "select id from customers where state <> 'DELETED'
        and (select count(distinct json_extract(value, '$._id')) from json_each(addresses))
            <> json_array_length(addresses) order by id";
    let offenders = [
        Offenders::select(
            tx,
            ("live customers have no address", "give each one with POST /customer/{id}/address"),
            &without,
            [CUSTOMERS, STUB_DESCRIPTION],
        )?,
        Offenders::select(
            tx,
            (
                "live customers have no primary address, or several",
                "send the addresses of each again with POST /customer/{id}, one of them as the primary",
            ),
            primary,
            [],
        )?,
        Offenders::select(
            tx,
            (
                "live customers have two addresses of the same id",
                "send the addresses of each again with POST /customer/{id}, one of the two without _id",
            ),
            twice,
            [],
        )?,
    ];
    Ok(finding(&offenders, "one primary for each live customer"))
}

const OF_DELETED: &str = "
    select e.id from employees e left join customers c on c.id = e.customer
    where e.state <> 'DELETED' and (c.id is null or c.state = 'DELETED') order by e.id";

const LOST_ADDRESS: &str = "
    select e.id from employees e join customers c on c.id = e.customer
    where e.state <> 'DELETED' and e.address is not null and not exists (
        select 1 from json_each(c.addresses) a where json_extract(a.value, '$._id') = e.address)
    order by e.id";

const LOST_RESELLERS: &str = "
    select e.id from employees e where e.state <> 'DELETED' and e.organization_resellers <> '[]' and exists (
        select 1 from json_each(e.organization_resellers) r where r.value not in (select id from customers))
    order by e.id";

/// Every live employee has a live customer, one of its addresses or none, and resellers that exist.
pub fn employees(tx: &ReadTx) -> Result<Finding> {
    let of_deleted = (
        "live employees belong to a customer that is deleted or does not exist",
        "delete each with DELETE /employee/{id} as an administrator, or import the customer as it was",
    );
    let lost_address = (
        "live employees have an address that their customer does not have",
        "give each another address, or null, with POST /employee/{id}",
    );
    let lost_resellers = (
        "live employees have organizationResellers that do not exist",
        "send the list of each again with POST /employee/{id}",
    );
    let offenders = [
        Offenders::select(tx, of_deleted, OF_DELETED, [])?,
        Offenders::select(tx, lost_address, LOST_ADDRESS, [])?,
        Offenders::select(tx, lost_resellers, LOST_RESELLERS, [])?,
    ];
    Ok(finding(&offenders, "each of a live customer"))
}

/// What a restore has made up in the place of rows that it could not read.
pub fn stubs(tx: &ReadTx) -> Result<Finding> {
    let kinds = [
        (
            "customers",
            CUSTOMERS,
            "customers are stubs that a restore has made",
            "give each its name, reseller and addresses with POST /customer/{id}, or import it",
        ),
        (
            "employees",
            EMPLOYEES,
            "employees are stubs that a restore has made",
            "give each its name and accessLevel with POST /employee/{id}, or delete it",
        ),
        ("queues", QUEUES, "queues are stubs that a restore has made", "import each with its name and number"),
    ];
    let mut offenders = vec![];
    for (table, section, what, mend) in kinds {
        let sql = format!("{} order by o.id", select_stubs(table));
        offenders.push(Offenders::select(tx, (what, mend), &sql, [section, STUB_DESCRIPTION])?);
    }
    Ok(finding(&offenders, "none"))
}
