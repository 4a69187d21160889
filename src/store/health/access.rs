//! Who may log in: one employee for each login name, and secrets of live employees only.

use super::finding::{Finding, Offenders, finding};
use crate::db::ReadTx;
use crate::error::Result;

const SAME_LOGIN: &str = "
    select group_concat(id, ' and ') from employees where state <> 'DELETED' and email_address is not null
    group by email_address collate nocase having count(*) > 1";

/// No two live employees have the same login name, however it is written; nobody else has credentials, sessions or tokens.
pub fn check(tx: &ReadTx) -> Result<Finding> {
    let same_login = (
        "login names are used by several live employees",
        "give all but one of them another emailAddress with POST /employee/{id}",
    );
    let mut offenders = vec![Offenders::select(tx, same_login, SAME_LOGIN, [])?];
    let of_others = [
        (
            "credentials",
            "employees have credentials and are deleted",
            "stop the server and delete their rows in credentials with sqlite3",
        ),
        (
            "sessions",
            "employees have sessions and are deleted",
            "stop the server and delete their rows in sessions with sqlite3",
        ),
        (
            "tokens",
            "employees have machine-to-machine tokens and are deleted",
            "stop the server and delete their rows in tokens with sqlite3",
        ),
    ];
    for (table, what, mend) in of_others {
        let sql = format!(
            "select distinct employee from {table} s where not exists (
                select 1 from employees e where e.id = s.employee and e.state <> 'DELETED') order by employee"
        );
        offenders.push(Offenders::select(tx, (what, mend), &sql, [])?);
    }
    Ok(finding(&offenders, "one employee for each name"))
}
