//! The employees of a generated customer, and their mobile configs.

use serde_json::{Value, json};

use super::chance::{Draws, Kind, Seed};
use super::names::{DEPARTMENTS, FIRST, LAST, in_ascii};
use crate::domain::access::Level;
use crate::domain::employee::{Employee, EmployeeState, Language};
use crate::domain::id::Id;
use crate::domain::queue::Queue;

/// The most colleagues a config shows, and the most it has to choose from besides.
const ITEMS_MAX: u64 = 6;
const OTHERS_MAX: u64 = 6;
/// Pairs of a first and a last name.
const PAIRS: u64 = (FIRST.len() * LAST.len()) as u64;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Top,
    Reseller,
    Customer,
}

/// A customer, as far as its employees follow from it.
pub struct Company {
    pub seed: Seed,
    pub id: Id,
    pub role: Role,
    pub domain: String,
    /// Number of its first employee.
    pub first: u64,
    pub employees: u64,
    pub names: Steps,
}

/// How the pairs of names are gone through.
#[derive(Clone, Copy)]
pub struct Steps {
    start: u64,
    step: u64,
}

impl Steps {
    pub fn new(draws: &mut Draws) -> Steps {
        let first = PAIRS / 3 + draws.below(PAIRS / 3);
        // A step that has no divisor in common with their number meets each pair once.
        let step = (first..PAIRS).find(|step| gcd(*step, PAIRS) == 1).unwrap_or(1);
        Steps { start: draws.below(PAIRS), step }
    }
}

impl Company {
    pub fn employee(&self, place: u64) -> Employee {
        let mut draws = self.draws(place);
        let mut employee = Employee::new(self.employee_id(place), self.id);
        employee.access_level = self.level(place, &mut draws);
        if draws.is_in(2) && place > 0 {
            employee.state = EmployeeState::Disabled;
        }
        employee.name = self.name(place);
        let (department, titles) = draws.of(&DEPARTMENTS);
        employee.department = Some((*department).into());
        employee.title = Some(match place {
            0 => "Direktør".into(),
            _ => titles[if draws.is_in(8) { 0 } else { 1 + draws.below(3) as usize }].into(),
        });
        employee.language = if draws.is_in(92) { Language::Da } else { Language::En };
        employee.primary_contact = place == 0;
        employee.email_address = Some(self.email_address(place));
        // No number begins with 00: nobody's can be met by chance.
        employee.sms_number = Some(format!("+4500{:06}", (self.first + place) % 1_000_000));
        if draws.is_in(30) {
            let (year, month, day) = (1958 + draws.below(48), 1 + draws.below(12), 1 + draws.below(28));
            employee.birthdate = Some(format!("{year}-{month:02}-{day:02}"));
        }
        employee
    }

    /// What the Communicator app shows the employee; `None` for who does not use it.
    pub fn mobile_config(&self, place: u64, queues: &[Queue]) -> Option<Value> {
        let mut draws = self.draws(place);
        if self.level(place, &mut draws) == Level::NoLogin {
            return None;
        }
        let colleagues = self.employees - 1;
        let items = (1 + draws.below(ITEMS_MAX)).min(colleagues);
        let all = (items + OTHERS_MAX).min(colleagues);
        let start = draws.below(colleagues);
        let entries: Vec<Value> = (0..all)
            .map(|step| (place + 1 + (start + step) % colleagues) % self.employees)
            .map(|colleague| entry(self.employee_id(colleague), &self.name(colleague)))
            .collect();
        let (items, others) = entries.split_at(items as usize);
        let shown = draws.below(1 + queues.len() as u64) as usize;
        let queues: Vec<Value> = queues.iter().map(|queue| entry(queue.id, &queue.name)).collect();
        let (queue_items, queue_others) = queues.split_at(shown);
        Some(json!({
            "_id": self.employee_id(place),
            "customer": self.id,
            "configs": [
                { "type": "COLLEAGUES", "items": items, "others": others },
                { "type": "QUEUES", "items": queue_items, "others": queue_others },
            ],
        }))
    }

    /// The employee's extension. No number of a queue is as long.
    pub fn extension(&self, place: u64) -> Value {
        json!({
            "_id": self.extension_id(place),
            "kind": "EXTENSION",
            "customer": self.id,
            "name": self.name(place),
            "number": format!("{}", 1001 + place),
            "employee": self.employee_id(place),
            "primary": true,
            "phonebook": true,
        })
    }

    /// The employee's extension as a member of a queue.
    pub fn member(&self, place: u64, queue: Id) -> Value {
        json!({
            "_id": self.seed.id(Kind::Member, self.first + place),
            "kind": "QUEUE_MEMBER",
            "customer": self.id,
            "queue": queue,
            "extension": self.extension_id(place),
            "name": self.name(place),
            "priority": 1 + place % 3,
        })
    }

    fn extension_id(&self, place: u64) -> Id {
        self.seed.id(Kind::Extension, self.first + place)
    }

    fn draws(&self, place: u64) -> Draws {
        self.seed.draws(Kind::Employee, self.first + place)
    }

    fn employee_id(&self, place: u64) -> Id {
        self.seed.id(Kind::Employee, self.first + place)
    }

    /// Takes the first draw.
    fn level(&self, place: u64, draws: &mut Draws) -> Level {
        let percent = draws.below(100);
        match (self.role, place) {
            (Role::Top, 0) => Level::Admin,
            (Role::Top | Role::Reseller, 0 | 1) => Level::ResellerAdmin,
            (Role::Top | Role::Reseller, _) => Level::Reseller,
            (Role::Customer, 0) => Level::Owner,
            (Role::Customer, 1) => Level::Manager,
            _ if percent < 4 => Level::Manager,
            _ if percent < 8 => Level::Viewer,
            _ if percent < 18 => Level::NoLogin,
            _ => Level::Personal,
        }
    }

    /// First and last name, and how often that pair was given to others of the customer before.
    fn pair(&self, place: u64) -> (&'static str, &'static str, u64) {
        let Steps { start, step } = self.names;
        let pair = (start + (place % PAIRS) * step) % PAIRS;
        (FIRST[pair as usize % FIRST.len()], LAST[pair as usize / FIRST.len()], place / PAIRS)
    }

    fn name(&self, place: u64) -> String {
        let (first, last, round) = self.pair(place);
        // The first of a pair has a middle name now and then, each later one has another.
        let middle = match round {
            0 if !self.draws(place).is_in(20) => return format!("{first} {last}"),
            0 => LAST[(place % LAST.len() as u64) as usize],
            round => LAST[(round % LAST.len() as u64) as usize],
        };
        format!("{first} {middle} {last}")
    }

    /// Nobody else's: pairs of one round differ, rounds are numbered, and each customer has a domain of its own.
    fn email_address(&self, place: u64) -> String {
        let (first, last, round) = self.pair(place);
        let (first, last) = (in_ascii(first), in_ascii(last));
        match round {
            0 => format!("{first}.{last}@{}", self.domain),
            round => format!("{first}.{last}{}@{}", round + 1, self.domain),
        }
    }
}

fn entry(id: Id, name: &str) -> Value {
    json!({ "_id": id, "name": name })
}

/// Greatest common divisor.
fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}
