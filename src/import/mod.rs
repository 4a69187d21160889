//! Import: one JSON document into the database, all or nothing.
//!
//! `{ "customers": [...], "queues": [...], "employees": [...], "mobileConfigs": [...] }` in the API's own shapes. What
//! the database holds under an id is overwritten. First everything is read and checked ([`plan`], no I/O), then the
//! passwords are hashed, then all is written in one transaction ([`run`]).

mod document;
mod known;
mod plan;

use std::sync::atomic::{AtomicUsize, Ordering};

pub use known::Known;
use plan::NewConfig;
pub use plan::{Plan, plan};

use crate::db::WriteTx;
use crate::domain::audit::Action;
use crate::domain::customer::{Customer, CustomerState};
use crate::domain::employee::{Employee, EmployeeState};
use crate::error::Result;
use crate::login::seal_context;
use crate::passwords;
use crate::secrets::Sealer;
use crate::store::{credentials, customers, employees, mobile_configs, queues, sessions};

/// The secrets that came with an employee.
#[derive(Debug, Default)]
pub struct Secrets {
    pub password: Option<String>,
    pub password_hash: Option<String>,
    pub authenticator_key: Option<Vec<u8>>,
}

/// Hashes the passwords of a plan, on as many threads as there are processors. 20 ms each.
pub fn hash_passwords(plan: &mut Plan, progress: impl Fn(usize) + Sync) -> Result<()> {
    let mut open: Vec<&mut Secrets> =
        plan.employees.iter_mut().map(|(_, secrets)| secrets).filter(|secrets| secrets.password.is_some()).collect();
    if open.is_empty() {
        return Ok(());
    }
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let done = AtomicUsize::new(0);
    let share = open.len().div_ceil(threads);
    let hash_share = |secrets: &mut [&mut Secrets]| -> Result<()> {
        for secrets in secrets {
            if let Some(password) = secrets.password.take() {
                secrets.password_hash = Some(passwords::hash(&password)?);
            }
            progress(done.fetch_add(1, Ordering::Relaxed) + 1);
        }
        Ok(())
    };
    let hash_share = &hash_share;
    std::thread::scope(|scope| {
        let workers: Vec<_> = open.chunks_mut(share).map(|share| scope.spawn(move || hash_share(share))).collect();
        let failed = |_| Err(crate::error::Error::internal("hashing failed"));
        workers.into_iter().try_for_each(|worker| worker.join().unwrap_or_else(failed))
    })
}

/// Writes a plan whose passwords are hashed. Rows that are there already and equal are left alone.
pub fn run(tx: &mut WriteTx, sealer: &Sealer, plan: Plan, mut progress: impl FnMut(usize)) -> Result<()> {
    // Resellers and their customers may stand in any order.
    tx.defer_foreign_keys()?;
    let mut done = 0;
    let mut step = || {
        done += 1;
        progress(done);
    };
    for customer in plan.customers {
        let old = if plan.is_first { None } else { customers::find(tx, customer.id)? };
        let rev = old.as_ref().map_or(0, |old| old.rev);
        let customer = Customer { rev, ..customer };
        if old.as_ref() != Some(&customer) {
            let customer = customers::put(tx, customer, old.as_ref())?;
            if customer.state == CustomerState::Deleted {
                employees::delete_of_customer(tx, customer.id)?;
            }
        }
        step();
    }
    for queue in &plan.queues {
        queues::put(tx, queue)?;
        step();
    }
    for (employee, secrets) in plan.employees {
        let old = if plan.is_first { None } else { employees::find(tx, employee.id)? };
        write_employee(tx, sealer, employee, secrets, old)?;
        step();
    }
    for NewConfig { id, customer, configs } in plan.configs {
        let old = if plan.is_first { None } else { mobile_configs::find(tx, id)? };
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
            let old = employees::put(tx, Employee { state: old.state, ..employee }, Some(&old))?;
            return employees::delete(tx, old);
        }
        old if old.as_ref() == Some(&employee) => {}
        old => drop(employees::put(tx, employee, old.as_ref())?),
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
