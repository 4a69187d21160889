//! What must hold in the end.

use std::cell::Cell;

use serde_json::Value;
use telecomx_local::domain::id::Id;
use telecomx_local::domain::mobile_config::structure_digest;
use telecomx_local::domain::platform::{Call, Operation, is_same};
use telecomx_local::store::{customers, employees, mobile_configs};
use telecomx_local::usecases::intents::fields_of;

use crate::double::{Made, World};
use crate::local::Local;

thread_local! {
    static LOSES_OPERATIONS: Cell<bool> = const { Cell::new(false) };
}

/// Whether a change made here is written together with its operation. A test breaks this too.
pub fn is_heard() -> bool {
    !LOSES_OPERATIONS.get()
}

/// Runs `work` as if a process were killed between each change and its operation.
#[cfg(feature = "mutants")]
pub fn with_operations_apart<T>(work: impl FnOnce() -> T) -> T {
    LOSES_OPERATIONS.set(true);
    let done = work();
    LOSES_OPERATIONS.set(false);
    done
}

/// A change that was accepted here; its value is its own.
pub struct Intent {
    pub field: String,
    pub was: Value,
    pub to: Value,
    pub call: Call,
}

#[derive(Default)]
pub struct Oracle {
    pub intents: Vec<Intent>,
    /// What a person has decided, and whether for what was changed here.
    pub decided: Vec<(Operation, bool)>,
}

impl Oracle {
    /// `open`: operations that are listed, in conflict or refused.
    pub fn check(&self, local: &Local, customer: Id, world: &World, open: &[Operation]) -> Result<(), String> {
        for intent in &self.intents {
            self.check_intent(intent, world, open)?;
        }
        check_deletes(local, world)?;
        check_equal(local, customer, world, open)
    }

    /// Made exactly once, or listed, or given up; and over nothing that was not known here.
    fn check_intent(&self, intent: &Intent, world: &World, open: &[Operation]) -> Result<(), String> {
        let wants = |operation: &Operation| operation.change.to.get(&intent.field) == Some(&intent.to);
        let listed = open.iter().any(wants);
        let decided = self.decided.iter().find(|(operation, _)| wants(operation));
        if intent.call == Call::CreateEmployee {
            // One whose answer was lost, and that somebody there deleted or named otherwise meanwhile, is created again: it is not to be
            // found (docs/platform.md, "What cannot be closed").
            let is_other = |made: &Made| !made.is_ours && (made.field == "state" || made.field == "name");
            let was_deleted = |id: &String| world.made.iter().any(|made| made.id == *id && is_other(made));
            let created: Vec<_> = world.created.iter().filter(|(_, name)| intent.to == **name).collect();
            let times =
                created.len() - created.iter().skip(1).zip(&created).filter(|(_, (id, _))| was_deleted(id)).count();
            let named = world.made.iter().any(|made| made.to == intent.to);
            return match (times, listed || decided.is_some() || named) {
                (1, false) | (0, true) | (1, true) if !(times == 1 && listed) => Ok(()),
                _ => Err(format!("{} was created {times} times, listed: {listed}", intent.to)),
            };
        }
        let made: Vec<_> = world.made.iter().filter(|made| made.is_ours && made.to == intent.to).collect();
        let in_create = world.created.iter().any(|(_, name)| intent.to == **name);
        let is_mine = decided.is_some_and(|(_, is_mine)| *is_mine);
        let is_gone = |id: &String| !world.employees.contains_key(id) && !world.customers.contains_key(id);
        match made[..] {
            [] if listed || decided.is_some() || in_create => Ok(()),
            [] => Err(format!("{} = {} was lost", intent.field, intent.to)),
            // Its answer was lost, and then the object was deleted there: nobody can say any more whether it was made.
            [made] if listed && !is_gone(&made.id) => {
                Err(format!("{} = {} is listed, and was made", intent.field, intent.to))
            }
            [made] if is_same(Some(&made.was), Some(&intent.was)) || is_mine => Ok(()),
            [made] => Err(format!(
                "{} = {} was made over {}, which nobody knew here ({})",
                intent.field, intent.to, made.was, intent.was
            )),
            // Its answer was lost, somebody changed it there, and a person decided to make it all the same.
            [_, _] if is_mine => Ok(()),
            _ => Err(format!("{} = {} was made {} times", intent.field, intent.to, made.len())),
        }
    }
}

fn print_trail(local: &Local, id: &str) {
    let sql = "select seq, source, actor_name, action, description, before from audit where object = ?1";
    local
        .db
        .read(|tx| {
            let mut statement = tx.conn.prepare(sql)?;
            let mut rows = statement.query([id])?;
            while let Some(row) = rows.next()? {
                eprintln!(
                    "{:?}",
                    (0..6).map(|column| row.get::<_, rusqlite::types::Value>(column).unwrap()).collect::<Vec<_>>()
                );
            }
            Ok(())
        })
        .unwrap();
}

/// Nobody was deleted here who was there all the time.
fn check_deletes(local: &Local, world: &World) -> Result<(), String> {
    let deleted = world.made.iter().filter(|made| made.field == "state").map(|made| &made.id).collect::<Vec<_>>();
    for id in world.employees.keys().filter(|id| !deleted.contains(id)) {
        let sql = "select exists (select 1 from audit where object = ?1 and action = 'delete' and source = 'platform')";
        let was_deleted: bool = local.db.read(|tx| Ok(tx.conn.query_row(sql, [id], |row| row.get(0))?)).unwrap();
        if was_deleted {
            if std::env::var("SEED").is_ok() {
                print_trail(local, id);
            }
            return Err(format!("{id} was deleted here, and was at the platform all along"));
        }
    }
    Ok(())
}

fn check_equal(local: &Local, customer: Id, world: &World, open: &[Operation]) -> Result<(), String> {
    let is_open = |id: Id| open.iter().any(|operation| operation.target == id && operation.state.name() == "conflict");
    let here = local.db.read(|tx| employees::live_of_customer(tx, customer)).unwrap();
    for employee in &here {
        let Some(there) = world.employees.get(&employee.id.to_string()) else {
            return Err(format!("{} {} is here alone", employee.id, employee.name));
        };
        let mine = fields_of(employee).unwrap();
        for field in ["name", "title", "department", "emailAddress", "accessLevel"] {
            if !is_same(mine.get(field), there.get(field)) && !is_open(employee.id) {
                return Err(format!(
                    "{} of {} is {:?} here and {} there",
                    field,
                    employee.id,
                    mine.get(field),
                    there[field]
                ));
            }
        }
    }
    if let Some(missing) =
        world.employees.keys().find(|id| !here.iter().any(|employee| employee.id.to_string() == **id))
        && !is_open(missing.parse().unwrap())
    {
        return Err(format!("{missing} is at the platform alone"));
    }
    for (id, there) in &world.configs {
        let id: Id = id.parse().unwrap();
        let mine =
            local.db.read(|tx| mobile_configs::find(tx, id)).unwrap().map(|config| structure_digest(&config.configs));
        if mine != Some(structure_digest(&there["configs"].to_string())) && !is_open(id) {
            return Err(format!("the config of {id} is another one there"));
        }
    }
    let mine = fields_of(&local.db.read(|tx| customers::get(tx, customer)).unwrap()).unwrap();
    let there = &world.customers[&customer.to_string()];
    if !is_same(mine.get("phoneNumber"), there.get("phoneNumber")) && !is_open(customer) {
        return Err(format!("the customer is {:?} here and {} there", mine.get("phoneNumber"), there["phoneNumber"]));
    }
    Ok(())
}
