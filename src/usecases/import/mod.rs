//! Import: one JSON document into the database, all or nothing.
//!
//! `{ "customers": [...], "queues": [...], "employees": [...], "mobileConfigs": [...] }` in the API's own shapes. What
//! the database holds under an id is overwritten. Everything is read and judged before it is written, but for the
//! mobile configs, most of a document: they are read while the rest is written, and a fault in them undoes that.

mod document;
mod progress;

mod plan;
mod secrets;

use document::Document;
pub use progress::{Progress, Stage};

use plan::{Change, NewConfig, Plan, judge, judge_configs};
use secrets::{hash_passwords, write_secrets};

use super::known::Known;
use super::{customers as customer_rules, employees as employee_rules, queues as queue_rules};
use crate::auth::secrets::Sealer;
use crate::db::WriteTx;
use crate::domain::audit::Action;
use crate::domain::customer::{Customer, CustomerState};
use crate::domain::employee::{Employee, EmployeeState};
use crate::error::{Error, Faults, Result};
use crate::store::{employees, mobile_configs};

/// Reads `document` and writes it. Gives `3 customers, 8 queues, …`.
///
/// Rows that are there already and equal are left alone. Errors: 422 with every fault and its JSON path; whatever the
/// error, the transaction is to be undone.
pub fn run(
    tx: &mut WriteTx,
    sealer: &Sealer,
    document: &[u8],
    is_forced: bool,
    progress: impl Progress,
) -> Result<String> {
    progress(Stage::Reading, 0, 0);
    let document = Document::split(document).map_err(|fault| Error::Invalid(vec![fault]))?;
    let is_first = employees::is_empty(tx)?;
    let mut known = Known::for_document(is_first);
    known.may_leave_no_administrator = is_forced;
    let mut faults = Faults::all();
    faults.extend(document.misnamed());
    let mut plan = plan::read(&document, &mut known, tx.now, &mut faults);
    judge(tx, &mut plan, &mut known, is_first, &mut faults)?;
    let has_passwords = plan.secrets.iter().any(|secrets| secrets.password.is_some());
    if !faults.is_empty() || has_passwords {
        // Nothing is written, and no time spent on hashing, before all of the document is known to be faultless.
        let configs = judge_configs(tx, document.elements("mobileConfigs"), &mut known, &mut faults)?;
        faults.or(())?;
        hash_passwords(&mut plan.secrets, &progress)?;
        Writing::new(&document, &progress, is_first).run(tx, sealer, plan, |_| Ok(configs))?;
        return Ok(summary(&document));
    }
    std::thread::scope(|scope| {
        let reading = scope.spawn(|| document.elements("mobileConfigs"));
        let configs = |tx: &mut WriteTx| {
            let elements = reading.join().map_err(|_| Error::internal("reading the mobile configs failed"))?;
            let mut faults = Faults::all();
            let configs = judge_configs(tx, elements, &mut known, &mut faults)?;
            faults.or(configs)
        };
        Writing::new(&document, &progress, is_first).run(tx, sealer, plan, configs)
    })?;
    Ok(summary(&document))
}

fn summary(document: &Document) -> String {
    let count = |list| document.len(list);
    format!(
        "{} customers, {} queues, {} employees, {} mobile configs",
        count("customers"),
        count("queues"),
        count("employees"),
        count("mobileConfigs")
    )
}

/// Writes what has been judged, and counts it.
struct Writing<'p, P> {
    done: usize,
    total: usize,
    progress: &'p P,
    is_first: bool,
}

impl<P: Progress> Writing<'_, P> {
    fn new<'p>(document: &Document, progress: &'p P, is_first: bool) -> Writing<'p, P> {
        Writing { done: 0, total: document.total(), progress, is_first }
    }

    fn step(&mut self) {
        self.done += 1;
        (self.progress)(Stage::Writing, self.done, self.total);
    }

    fn run(
        mut self,
        tx: &mut WriteTx,
        sealer: &Sealer,
        plan: Plan,
        configs: impl FnOnce(&mut WriteTx) -> Result<Vec<NewConfig>>,
    ) -> Result<()> {
        // Resellers and their customers may stand in any order.
        tx.defer_foreign_keys()?;
        for change in plan.customers {
            write_customer(tx, change)?;
            self.step();
        }
        for Change { new, old, .. } in &plan.queues {
            queue_rules::save(tx, new, old.as_ref())?;
            self.step();
        }
        for (change, secrets) in plan.employees.into_iter().zip(plan.secrets) {
            let (id, is_new) = (change.new.id, change.old.is_none());
            let is_deleted = change.new.state == EmployeeState::Deleted;
            write_employee(tx, change)?;
            if !is_deleted {
                write_secrets(tx, sealer, id, secrets, is_new)?;
            }
            self.step();
        }
        for config in configs(tx)? {
            write_config(tx, config, self.is_first)?;
            self.step();
        }
        Ok(())
    }
}

fn write_customer(tx: &mut WriteTx, Change { new, old, .. }: Change<Customer>) -> Result<()> {
    let new = Customer { rev: old.as_ref().map_or(0, |old| old.rev), ..new };
    match old {
        Some(old) if old == new => Ok(()),
        Some(old) if new.state == CustomerState::Deleted => customer_rules::remove(tx, new, &old),
        old => customer_rules::write(tx, new, old.as_ref()).map(drop),
    }
}

fn write_employee(tx: &mut WriteTx, Change { new, old, .. }: Change<Employee>) -> Result<()> {
    // Its row may have been written meanwhile, with its customer's delete.
    let old = if old.is_some() { employees::find(tx, new.id)? } else { None };
    let new = Employee { rev: old.as_ref().map_or(0, |old| old.rev), ..new };
    match old {
        Some(old) if old == new => Ok(()),
        Some(old) if new.state == EmployeeState::Deleted && old.state != EmployeeState::Deleted => {
            let changed = employee_rules::save(tx, Employee { state: old.state, ..new }, Some(&old))?;
            employee_rules::remove(tx, changed).map(drop)
        }
        old => employee_rules::save(tx, new, old.as_ref()).map(drop),
    }
}

fn write_config(tx: &mut WriteTx, config: NewConfig, is_first: bool) -> Result<()> {
    let NewConfig { id, customer, configs } = config;
    match if is_first { None } else { mobile_configs::find(tx, id)? } {
        None => mobile_configs::insert(tx, id, customer, configs).map(drop),
        Some(old) if old.configs != configs => {
            mobile_configs::replace(tx, old, configs, Action::Update, "Mobile config imported").map(drop)
        }
        Some(_) => Ok(()),
    }
}
