//! The form of a document's objects: each is read, every fault is noted with its JSON path, and what was read is staged.
//!
//! An object whose form is wrong is staged too, so that what refers to it is no second fault, but it is not judged.

use serde_json::Value;

use super::elements::{self, Configs, Element};
use super::progress::{Progress, Stage};
use super::secrets::{Secrets, read_secrets};
use super::source::{List, Raw, Sink};
use super::unknown;
use crate::auth::secrets::Sealer;
use crate::domain::access::Level;
use crate::domain::customer::Customer;
use crate::domain::employee::Employee;
use crate::domain::fields::Fields;
use crate::domain::pbx::PbxObject;
use crate::domain::queue::Queue;
use crate::domain::time::Time;
use crate::error::{Check, Fault, Faults, Result};
use crate::store::staged::{Staged, StagedConfig, StagedEmployee};
use crate::usecases::known::{is_administrator, login_name};

/// So much text, or so many objects, is read side by side at a time.
const BATCH_BYTES: usize = 512 << 10;
const BATCH_OBJECTS: usize = 2_048;

/// How many objects each list holds.
#[derive(Clone, Copy, Default)]
pub struct Counts([usize; List::ALL.len()]);

impl Counts {
    pub fn of(&self, list: List) -> usize {
        self.0[list as usize]
    }

    pub fn total(&self) -> usize {
        self.0.iter().sum()
    }
}

/// Reads and stages what the document consists of.
pub struct Reading<'r, P> {
    pub staged: &'r Staged,
    pub sealer: &'r Sealer,
    pub progress: &'r P,
    pub now: Time,
    /// Properties that are not known are left out, and are no faults.
    ignores_unknown: bool,
    pub faults: Faults,
    pub counts: Counts,
    batch: Vec<Raw>,
    batch_bytes: usize,
}

impl<P: Progress> Sink for Reading<'_, P> {
    fn object(&mut self, raw: Raw) -> Result<()> {
        self.counts.0[raw.list as usize] += 1;
        self.batch_bytes += raw.text.get().len();
        self.batch.push(raw);
        if self.batch_bytes >= BATCH_BYTES || self.batch.len() >= BATCH_OBJECTS {
            self.read_batch()?;
        }
        Ok(())
    }

    fn fault(&mut self, fault: Fault) -> Result<()> {
        self.read_batch()?;
        self.faults.push(fault);
        self.go_on()
    }
}

impl<'r, P: Progress> Reading<'r, P> {
    pub fn new(
        staged: &'r Staged,
        sealer: &'r Sealer,
        progress: &'r P,
        now: Time,
        ignores_unknown: bool,
    ) -> Reading<'r, P> {
        let (faults, counts) = (Faults::of_document(), Counts::default());
        Reading { staged, sealer, progress, now, ignores_unknown, faults, counts, batch: vec![], batch_bytes: 0 }
    }

    /// Reads what is left.
    pub fn finish(mut self) -> Result<(Faults, Counts)> {
        self.read_batch()?;
        Ok((self.faults, self.counts))
    }

    /// Ends the reading once there are as many faults as are reported.
    fn go_on(&mut self) -> Result<()> {
        if self.faults.is_full() { std::mem::take(&mut self.faults).or(()) } else { Ok(()) }
    }

    fn read_batch(&mut self) -> Result<()> {
        let batch = std::mem::take(&mut self.batch);
        self.batch_bytes = 0;
        for element in elements::read(&batch) {
            self.read_element(element)?;
            self.go_on()?;
        }
        (self.progress)(Stage::Reading, self.counts.total(), 0);
        Ok(())
    }

    fn read_element(&mut self, element: Element) -> Result<()> {
        let path = element.path();
        let Element { list, place, value, configs } = element;
        let value = match value {
            Ok(value) => value,
            Err(error) => {
                self.faults.push(Fault { path, check: Check::Format, message: error.to_string() });
                return Ok(());
            }
        };
        if !self.ignores_unknown {
            self.faults.extend(unknown::properties(list, &value).into_iter().map(|name| Fault {
                path: format!("{path}.{name}"),
                check: Check::Format,
                message: "unknown property: leave it out, or import with --ignore-unknown".into(),
            }));
        }
        let Some(mut fields) = Fields::of(&value, &path, &mut self.faults) else { return Ok(()) };
        let is_new = match list {
            List::Customers => stage_customer(self.staged, place, &mut fields, self.now),
            List::Queues => stage_queue(self.staged, place, &mut fields),
            List::Employees => stage_employee(self.staged, self.sealer, place, &mut fields),
            List::MobileConfigs => stage_config(self.staged, place, &mut fields, configs),
            List::PbxObjects => stage_pbx_object(self.staged, place, &mut fields),
        }?;
        if !is_new {
            fields.fault("_id", Check::Unique, "The id stands twice in the document");
        }
        Ok(())
    }
}

/// Each `stage_…`: false when the list has an object of that id already.
fn stage_customer(staged: &Staged, place: usize, fields: &mut Fields, now: Time) -> Result<bool> {
    let faults_before = fields.fault_count();
    fields.require(&["_id", "name", "addresses"]);
    let Some(id) = fields.id("_id") else { return Ok(true) };
    let mut customer = Customer::new(id);
    customer.apply(fields, Level::Admin, now);
    staged.add_customer(place, &customer, fields.fault_count() == faults_before)
}

fn stage_queue(staged: &Staged, place: usize, fields: &mut Fields) -> Result<bool> {
    let faults_before = fields.fault_count();
    let Some(queue) = Queue::read(fields) else { return Ok(true) };
    staged.add_queue(place, &queue, fields.fault_count() == faults_before)
}

fn stage_pbx_object(staged: &Staged, place: usize, fields: &mut Fields) -> Result<bool> {
    let faults_before = fields.fault_count();
    let Some(object) = PbxObject::read(fields) else { return Ok(true) };
    staged.add_pbx_object(place, &object, fields.fault_count() == faults_before)
}

fn stage_employee(staged: &Staged, sealer: &Sealer, place: usize, fields: &mut Fields) -> Result<bool> {
    let faults_before = fields.fault_count();
    let Some(employee) = read_employee(fields) else { return Ok(true) };
    let secrets = read_secrets(fields);
    let is_sound = fields.fault_count() == faults_before;
    let login = login_name(&employee);
    let row = StagedEmployee {
        employee: &employee,
        login: login.as_deref(),
        is_administrator: is_administrator(&employee),
        secrets: Secrets::staged(&secrets, sealer, employee.id)?,
    };
    staged.add_employee(place, &row, is_sound)
}

fn read_employee(fields: &mut Fields) -> Option<Employee> {
    fields.require(&["_id", "customer", "accessLevel", "name"]);
    let (id, customer) = (fields.id("_id"), fields.id("customer"));
    let mut employee = Employee::new(id?, customer?);
    employee.apply(fields);
    if employee.no_email && !fields.is_given("emailAddress") {
        fields.require(&["emailAddress"]);
    }
    if let Some(Value::String(date)) = fields.value("deleteDate") {
        employee.delete_date = Time::parse(date);
        if employee.delete_date.is_none() {
            fields.fault("deleteDate", Check::Format, "deleteDate must be a date");
        }
    }
    Some(employee)
}

/// The form of one config: its id, the customer it names, and its content.
fn stage_config(staged: &Staged, place: usize, fields: &mut Fields, configs: Option<Configs>) -> Result<bool> {
    fields.require(&["_id"]);
    let (id, customer) = (fields.id("_id"), fields.id("customer"));
    let Some(Configs { read, faults }) = configs else {
        fields.fault("configs", Check::Required, "configs is required");
        return Ok(true);
    };
    fields.take_over(faults);
    let Some(id) = id else { return Ok(true) };
    let is_sound = read.is_some();
    let content = read.map(|content| content.text).unwrap_or_default();
    staged.add_config(place, &StagedConfig { id, customer, content }, is_sound)
}
