//! Import: one JSON document into the database, all or nothing.
//!
//! `{ "customers": [...], "queues": [...], "employees": [...], "mobileConfigs": [...] }` in the API's own shapes. What
//! the database holds under an id is overwritten. Everything is read and checked before it is written, but for the
//! mobile configs, most of a document: they are read while the rest is written, and a fault in them undoes that.

mod document;
mod known;
mod plan;

use std::sync::atomic::{AtomicUsize, Ordering};

use document::Document;
use known::Known;
use plan::{NewConfig, Plan, plan, plan_configs};

use crate::auth::passwords;
use crate::auth::secrets::Sealer;
use crate::db::WriteTx;
use crate::domain::audit::Action;
use crate::domain::customer::{Customer, CustomerState};
use crate::domain::employee::{Employee, EmployeeState};
use crate::error::{Error, Faults, Result};
use crate::store::{credentials, customers, employees, mobile_configs, queues, sessions};
use crate::usecases::login::seal_context;

/// What an import is busy with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    Reading,
    Hashing,
    Writing,
}

/// Is told the stage, and how much of how much is done; from several threads.
pub trait Progress: Fn(Stage, usize, usize) + Sync {}
impl<F: Fn(Stage, usize, usize) + Sync> Progress for F {}

/// Reads `document` and writes it. Gives `3 customers, 8 queues, …`.
///
/// Rows that are there already and equal are left alone. Errors: 422 with every fault and its JSON path; whatever the
/// error, the transaction is to be undone.
pub fn run(tx: &mut WriteTx, sealer: &Sealer, document: &[u8], progress: impl Progress) -> Result<String> {
    progress(Stage::Reading, 0, 0);
    let document = Document::split(document).map_err(|fault| Error::Invalid(vec![fault]))?;
    let mut known = Known::read(tx)?;
    let is_first = known.customers.is_empty();
    let mut faults = Faults::all();
    faults.extend(document.misnamed());
    let mut plan = plan(&document, &mut known, tx.now, &mut faults);
    if !faults.is_empty()
        && let Err(Error::Invalid(more)) = plan_configs(&document, &known)
    {
        faults.extend(more);
    }
    faults.or(())?;
    let mut done = 0;
    let step = || {
        done += 1;
        progress(Stage::Writing, done, document.total());
    };
    std::thread::scope(|scope| {
        let reading = scope.spawn(|| plan_configs(&document, &known));
        let configs = move || match reading.join() {
            Ok(configs) => configs,
            Err(_) => Err(Error::internal("reading the mobile configs failed")),
        };
        if plan.employees.iter().all(|(_, secrets)| secrets.password.is_none()) {
            return write(tx, sealer, plan, is_first, configs, step);
        }
        // Hashing takes its time: not before all of the document is known to be faultless.
        let configs = configs()?;
        hash_passwords(&mut plan, &progress)?;
        write(tx, sealer, plan, is_first, || Ok(configs), step)
    })?;
    let count = |list| document.len(list);
    Ok(format!(
        "{} customers, {} queues, {} employees, {} mobile configs",
        count("customers"),
        count("queues"),
        count("employees"),
        count("mobileConfigs")
    ))
}

/// The secrets that came with an employee.
#[derive(Debug, Default)]
pub struct Secrets {
    pub password: Option<String>,
    pub password_hash: Option<String>,
    pub authenticator_key: Option<Vec<u8>>,
}

/// Writes the plan, and then the mobile configs, when they have been read.
fn write(
    tx: &mut WriteTx,
    sealer: &Sealer,
    plan: Plan,
    is_first: bool,
    configs: impl FnOnce() -> Result<Vec<NewConfig>>,
    mut step: impl FnMut(),
) -> Result<()> {
    // Resellers and their customers may stand in any order.
    tx.defer_foreign_keys()?;
    for customer in plan.customers {
        let old = if is_first { None } else { customers::find(tx, customer.id)? };
        let rev = old.as_ref().map_or(0, |old| old.rev);
        let customer = Customer { rev, ..customer };
        if old.as_ref() != Some(&customer) {
            let customer = customers::upsert(tx, customer, old.as_ref())?;
            if customer.state == CustomerState::Deleted {
                employees::delete_of_customer(tx, customer.id)?;
            }
        }
        step();
    }
    for queue in &plan.queues {
        queues::upsert(tx, queue)?;
        step();
    }
    for (employee, secrets) in plan.employees {
        let old = if is_first { None } else { employees::find(tx, employee.id)? };
        write_employee(tx, sealer, employee, secrets, old)?;
        step();
    }
    for NewConfig { id, customer, configs } in configs()? {
        let old = if is_first { None } else { mobile_configs::find(tx, id)? };
        match old {
            None => drop(mobile_configs::insert(tx, id, customer, configs)?),
            Some(old) if old.configs != configs => {
                mobile_configs::replace(tx, old, configs, Action::Update, "Mobile config imported")?;
            }
            Some(_) => {}
        }
        step();
    }
    Ok(())
}

/// Hashes the passwords of a plan, on as many threads as there are processors. 20 ms each.
fn hash_passwords(plan: &mut Plan, progress: &impl Progress) -> Result<()> {
    let mut open: Vec<&mut Secrets> =
        plan.employees.iter_mut().map(|(_, secrets)| secrets).filter(|secrets| secrets.password.is_some()).collect();
    if open.is_empty() {
        return Ok(());
    }
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let (done, total) = (AtomicUsize::new(0), open.len());
    let hash_share = |secrets: &mut [&mut Secrets]| -> Result<()> {
        for secrets in secrets {
            if let Some(password) = secrets.password.take() {
                secrets.password_hash = Some(passwords::hash(&password)?);
            }
            progress(Stage::Hashing, done.fetch_add(1, Ordering::Relaxed) + 1, total);
        }
        Ok(())
    };
    let hash_share = &hash_share;
    std::thread::scope(|scope| {
        let shares = open.chunks_mut(total.div_ceil(threads));
        let workers: Vec<_> = shares.map(|share| scope.spawn(move || hash_share(share))).collect();
        let failed = |_| Err(Error::internal("hashing failed"));
        workers.into_iter().try_for_each(|worker| worker.join().unwrap_or_else(failed))
    })
}

fn write_employee(
    tx: &mut WriteTx,
    sealer: &Sealer,
    employee: Employee,
    secrets: Secrets,
    old: Option<Employee>,
) -> Result<()> {
    let id = employee.id;
    let employee = Employee { rev: old.as_ref().map_or(0, |old| old.rev), ..employee };
    let is_deleted = employee.state == EmployeeState::Deleted;
    match old.clone() {
        Some(old) if is_deleted && old.state != EmployeeState::Deleted => {
            let old = employees::upsert(tx, Employee { state: old.state, ..employee }, Some(&old))?;
            return employees::delete(tx, old);
        }
        old if old.as_ref() == Some(&employee) => {}
        old => drop(employees::upsert(tx, employee, old.as_ref())?),
    }
    if is_deleted {
        return Ok(());
    }
    if let Some(hash) = secrets.password_hash {
        if old.is_some() {
            sessions::delete_of(tx, id)?;
        }
        credentials::set_password(tx, id, &hash)?;
    }
    if let Some(key) = secrets.authenticator_key {
        credentials::set_totp_key(tx, id, Some(&sealer.seal(&seal_context(id), &key)?), true)?;
    }
    Ok(())
}
