//! What happens in a history.

use serde_json::{Value, json};
use telecomx_local::domain::platform::Call;
use telecomx_local::store::employees;
use telecomx_local::usecases::intents;

use crate::history::{History, fields};
use crate::line::Line;
use crate::oracle::Intent;

impl History<'_> {
    /// One thing happens, on one side or on both.
    pub fn step(&mut self) -> Result<(), String> {
        let field = ["title", "department", "name"][self.chance.below(3) as usize];
        let step = self.chance.below(16);
        self.tell(|| format!("step {step} {field}"));
        match step {
            0..4 => self.update_here(field),
            4..6 => self.update_there(field),
            6 => self.create_here(),
            7 => {
                let name = self.value();
                let created =
                    json!({ "customer": self.customer, "accessLevel": "PERSONAL", "state": "ENABLED", "name": name });
                drop(self.world.lock().unwrap().create(&fields(created)));
            }
            8 => self.delete_somewhere(),
            9 => self.copy(),
            10 => self.change_config_there(),
            11 => self.change_customer(),
            12 => self.change_between_pages(),
            13 => {
                // Killed and started again: nothing but the database is left.
                self.driver = self.local.driver(Line(self.world.clone()));
            }
            14 => drop(self.driver.send()),
            _ => self.round()?,
        }
        Ok(())
    }

    fn update_here(&mut self, field: &str) {
        let Some(id) = self.somebody() else { return };
        let to = self.value();
        let was = self.local.db.read(|tx| employees::find(tx, id)).unwrap().unwrap();
        let was = intents::fields_of(&was).unwrap().get(field).cloned().unwrap_or_default();
        if self.local.update(id, fields(json!({ field: to })), crate::oracle::is_heard()) {
            self.oracle.intents.push(Intent { field: field.into(), was, to: to.into(), call: Call::UpdateEmployee });
        }
        // Now and then the platform changes the same, at the same time.
        if self.chance.below(4) == 0 {
            let other = self.value();
            self.world.lock().unwrap().change(&id.to_string(), &fields(json!({ field: other })), false);
        }
    }

    fn update_there(&mut self, field: &str) {
        let Some(id) = self.somebody_there() else { return };
        let to = self.value();
        self.world.lock().unwrap().change(&id, &fields(json!({ field: to })), false);
    }

    fn create_here(&mut self) {
        let name = self.value();
        let mut new = json!({ "customer": self.customer, "accessLevel": "PERSONAL", "name": name });
        if self.chance.below(2) == 0 {
            new["emailAddress"] = format!("n{}.{}@example.com", self.next_value, self.seed).into();
        }
        if self.local.create(fields(new)).is_some() {
            let to = name.into();
            self.oracle.intents.push(Intent { field: "name".into(), was: Value::Null, to, call: Call::CreateEmployee });
        }
    }

    fn delete_somewhere(&mut self) {
        if self.chance.below(2) == 0 {
            if let Some(id) = self.somebody() {
                self.local.delete(id);
            }
        } else if let Some(id) = self.somebody_there() {
            self.world.lock().unwrap().delete(&id, false);
        }
    }

    fn copy(&mut self) {
        if let (Some(from), Some(to)) = (self.somebody(), self.somebody()) {
            self.local.copy(from, to);
        }
    }

    fn change_config_there(&mut self) {
        let Some(id) = self.somebody_there() else { return };
        let entry = format!("{:024x}", 1 + self.chance.below(1_000));
        let configs = json!([{ "type": "COLLEAGUES", "items": [{ "_id": entry, "name": "y" }], "others": [] }]);
        self.world.lock().unwrap().set_config(&id, configs, false);
    }

    fn change_customer(&mut self) {
        let to = format!("+45{:08}", self.chance.below(100_000_000));
        if self.chance.below(2) == 0 {
            self.local.update_customer(self.customer, fields(json!({ "phoneNumber": to })));
        } else {
            let id = self.customer.to_string();
            self.world.lock().unwrap().change(&id, &fields(json!({ "phoneNumber": to })), false);
        }
    }

    /// While a list is read, one of the first page goes, and perhaps another comes.
    fn change_between_pages(&mut self) {
        let first = self.world.lock().unwrap().employees.keys().next().cloned();
        let Some(first) = first else { return };
        let name = self.value();
        let event = match self.chance.below(2) {
            0 => json!({}),
            _ => {
                json!({ "create": { "customer": self.customer, "accessLevel": "PERSONAL", "state": "ENABLED", "name": name } })
            }
        };
        self.world.lock().unwrap().between_pages.push_back((first, fields(event)));
    }
}
