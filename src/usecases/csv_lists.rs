//! Employees and queues as CSV: which columns there are, and how a cell stands for a value. Import reads it, export writes it.

use std::io::Write;

use serde::Serialize;
use serde_json::{Map, Value, json};
use strum::{EnumString, IntoStaticStr, VariantNames};

use crate::db::ReadTx;
use crate::error::{Error, Result};
use crate::store::{employees, queues};

/// What a CSV file lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumString, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "lowercase")]
pub enum CsvKind {
    Employees,
    Queues,
}

/// What a cell holds; an empty one holds nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cell {
    Text,
    /// `true` or `false`, in any case: spreadsheets write TRUE.
    Flag,
    /// Ids with blanks between them.
    Ids,
}

use Cell::{Flag, Ids, Text};

/// The properties of an employee, in the order in which they are exported.
const EMPLOYEE: [(&str, Cell); 21] = [
    ("_id", Text),
    ("customer", Text),
    ("accessLevel", Text),
    ("state", Text),
    ("name", Text),
    ("title", Text),
    ("department", Text),
    ("address", Text),
    ("language", Text),
    ("primaryContact", Flag),
    ("emailAddress", Text),
    ("noEmail", Flag),
    ("smsValidation", Flag),
    ("smsNumber", Text),
    ("authenticatorValidation", Flag),
    ("ipRestriction", Text),
    ("organizationResellers", Ids),
    ("notifyOnGeneralUsageLimit", Flag),
    ("notifyOnGeneralUsageLimitReseller", Flag),
    ("birthdate", Text),
    ("deleteDate", Text),
];
/// What an import takes besides.
const SECRETS: [&str; 3] = ["password", "passwordHash", "authenticatorKey"];
const QUEUE: [(&str, Cell); 4] = [("_id", Text), ("customer", Text), ("name", Text), ("number", Text)];

impl CsvKind {
    pub const NAMES: &'static [&'static str] = CsvKind::VARIANTS;

    pub fn parse(name: &str) -> Option<CsvKind> {
        name.parse().ok()
    }

    pub fn name(self) -> &'static str {
        self.into()
    }

    /// Only employees have an access level.
    pub fn of_header<'c>(mut columns: impl Iterator<Item = &'c str>) -> CsvKind {
        if columns.any(|column| column == "accessLevel") { CsvKind::Employees } else { CsvKind::Queues }
    }

    fn columns(self) -> &'static [(&'static str, Cell)] {
        match self {
            CsvKind::Employees => &EMPLOYEE,
            CsvKind::Queues => &QUEUE,
        }
    }

    /// The columns without which there is no list.
    pub fn required(self) -> &'static [&'static str] {
        match self {
            CsvKind::Employees => &["_id", "customer", "accessLevel", "name"],
            CsvKind::Queues => &["_id", "customer", "name"],
        }
    }

    pub fn is_column(self, name: &str) -> bool {
        self.columns().iter().any(|(known, _)| *known == name) || self == CsvKind::Employees && SECRETS.contains(&name)
    }

    /// The value that `cell` stands for in a column; what cannot be one is left as text, for the rules to refuse.
    pub fn value(self, column: &str, cell: &str) -> Value {
        let known = self.columns().iter().find(|(known, _)| *known == column);
        match known.map_or(Text, |(_, cell)| *cell) {
            Flag if cell.eq_ignore_ascii_case("true") => json!(true),
            Flag if cell.eq_ignore_ascii_case("false") => json!(false),
            Ids => json!(cell.split_whitespace().collect::<Vec<_>>()),
            _ => json!(cell),
        }
    }
}

/// Writes all employees, or all queues. An import of it changes nothing.
pub fn write(tx: &ReadTx, kind: CsvKind, out: &mut dyn Write) -> Result<()> {
    let columns = kind.columns();
    let mut out = csv::Writer::from_writer(out);
    out.write_record(columns.iter().map(|(name, _)| name)).map_err(failed)?;
    let mut push = |object: Value| {
        let object = object.as_object().ok_or_else(|| Error::internal("an object is none"))?;
        out.write_record(columns.iter().map(|(name, _)| cell(object, name))).map_err(failed)
    };
    match kind {
        CsvKind::Employees => employees::all(tx, |employee| push(rendered(&employee)?))?,
        CsvKind::Queues => queues::all(tx, |queue| push(rendered(&queue)?))?,
    }
    out.flush().map_err(|error| failed(error.into()))
}

fn rendered(object: &impl Serialize) -> Result<Value> {
    serde_json::to_value(object).map_err(|error| Error::Internal(Box::new(error)))
}

fn cell(object: &Map<String, Value>, name: &str) -> String {
    match object.get(name) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(ids)) => ids.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" "),
        Some(other) => other.to_string(),
    }
}

fn failed(error: csv::Error) -> Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) if error.kind() == std::io::ErrorKind::StorageFull => Error::StorageFull,
        csv::ErrorKind::Io(error) => Error::Internal(Box::new(error)),
        other => Error::internal(format!("{other:?}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::employee::Employee;
    use crate::domain::id::Id;

    #[test]
    fn every_property_of_an_employee_has_a_column() {
        let schema = schemars::schema_for!(Employee).to_value();
        let properties: Vec<&str> = schema["properties"].as_object().unwrap().keys().map(String::as_str).collect();
        let mut columns: Vec<&str> = EMPLOYEE.iter().map(|(name, _)| *name).collect();
        columns.sort_by_key(|column| properties.iter().position(|property| property == column));
        assert_eq!(columns, properties);
    }

    #[test]
    fn flags_and_lists_have_columns_of_their_kind() {
        let id = Id::from_number(1);
        let employee = json!(Employee { organization_resellers: vec![id], ..Employee::new(id, id) });
        for (name, value) in employee.as_object().unwrap() {
            let expected = match value {
                Value::Bool(_) => Flag,
                Value::Array(_) => Ids,
                _ => Text,
            };
            assert!(EMPLOYEE.contains(&(name.as_str(), expected)), "{name}");
            let cell = cell(employee.as_object().unwrap(), name);
            assert!(cell.is_empty() || CsvKind::Employees.value(name, &cell) == *value, "{name}");
        }
    }
}
