//! Which rows a hub cannot accept, and which others are quarantined with them. Pure: both stores decide by it.

use std::borrow::Cow;
use std::collections::HashSet;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::domain::json::is_readable;
use crate::domain::mirror::{Bad, Row, Table};
use crate::error::{Error, Result};
use crate::sync::protocol::wire::NUMBER_MAX;

/// What is wrong with a row: a code, and a sentence.
pub type Fault = (&'static str, String);

/// The properties of a row that the hub checks.
#[derive(Deserialize)]
struct Shape<'v> {
    #[serde(rename = "_id", borrow)]
    id: Option<Cow<'v, str>>,
    #[serde(borrow)]
    name: Option<&'v RawValue>,
    #[serde(borrow)]
    customer: Option<&'v RawValue>,
    #[serde(borrow)]
    configs: Option<&'v RawValue>,
    #[serde(borrow)]
    kind: Option<&'v RawValue>,
}

/// What is wrong with a row, if anything.
pub fn fault(row: &Row) -> Option<Fault> {
    if row.t == Table::Other {
        // A deleted row: the hub does not have it either.
        if row.v.is_none() && row.bad.is_none() {
            return None;
        }
        return Some(("unknown_table", "This hub does not know the table: a newer one may".into()));
    }
    match row.bad {
        Some(Bad::Unreadable) => return Some(("unreadable", "The server cannot read what it has stored".into())),
        Some(Bad::Dropped) => return Some(("dropped", "Dropped on the server".into())),
        None => {}
    }
    let schema = |what: String| Some(("schema", what));
    if row.id.is_empty() || row.id.len() > 100 || row.id.contains('\0') || !(1..=NUMBER_MAX).contains(&row.rev) {
        return schema("Id or rev is out of bounds".into());
    }
    let Some(v) = &row.v else { return None };
    // A content that many rows share is looked at once, and not with each of them.
    let text = v.with_placeholder().map_or_else(|| v.get(), Cow::Owned);
    let shape: Shape = match serde_json::from_str(&text) {
        Ok(shape) => shape,
        Err(error) => return schema(format!("Not an object as the table has them: {error}")),
    };
    // Every reader of the mirror must be able to parse all of it.
    if !is_readable(&text) || v.content().is_some_and(|content| !content.is_readable()) {
        return schema("It is nested too deep, or contains half a surrogate pair".into());
    }
    if shape.id.as_deref() != Some(row.id.as_str()) {
        return schema("_id is not the id of the row".into());
    }
    let begins = |value: Option<&RawValue>, with: char| value.is_some_and(|value| value.get().starts_with(with));
    let missing = match row.t {
        Table::Customer if !begins(shape.name, '"') => "name",
        Table::Employee | Table::Queue if !begins(shape.name, '"') => "name",
        Table::Employee | Table::Queue | Table::MobileConfig | Table::PbxObject if !begins(shape.customer, '"') => {
            "customer"
        }
        Table::PbxObject if !begins(shape.kind, '"') => "kind",
        Table::MobileConfig
            if !v.content().map_or(begins(shape.configs, '['), |content| content.text().starts_with('[')) =>
        {
            "configs"
        }
        _ => return None,
    };
    schema(format!("{missing} is missing, or of another type"))
}

/// Whether a row with this fault is quarantined together with the other rows of the same write.
pub fn poisons_transaction(code: &str) -> bool {
    matches!(code, "schema" | "unreadable")
}

/// 409 `schema` when so many rows of a batch have a fault that the data cannot be the cause: more than a tenth of them, and
/// at least ten.
pub fn check_fault_share(faulty: usize, rows: usize) -> Result<()> {
    if faulty >= 10 && faulty * 10 > rows {
        let message = format!("{faulty} of {rows} rows do not have the shape that this hub knows: it accepted none");
        return Err(Error::conflict("schema", message));
    }
    Ok(())
}

/// The rows of a batch, by whether the hub accepts them.
#[derive(Debug, Default)]
pub struct ValidatedRows<'r> {
    pub accepted: Vec<&'r Row>,
    /// A row without a fault of its own is here because of another row of its write.
    pub quarantined: Vec<(&'r Row, Option<Fault>)>,
}

/// Separates the rows that the hub accepts from those that it quarantines.
pub fn validate(rows: &[Row]) -> Result<ValidatedRows<'_>> {
    let faults: Vec<Option<Fault>> = rows.iter().map(fault).collect();
    let is_poison = |fault: &Option<Fault>| fault.as_ref().is_some_and(|(code, _)| poisons_transaction(code));
    check_fault_share(faults.iter().filter(|fault| is_poison(fault)).count(), rows.len())?;
    let poisoned: HashSet<i64> =
        rows.iter().zip(&faults).filter(|(_, fault)| is_poison(fault)).map(|(row, _)| row.chg).collect();
    let mut validated = ValidatedRows::default();
    for (row, fault) in rows.iter().zip(faults) {
        if fault.is_some() || poisoned.contains(&row.chg) {
            validated.quarantined.push((row, fault));
        } else {
            validated.accepted.push(row);
        }
    }
    Ok(validated)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(chg: i64, id: &str, v: &str) -> Row {
        let v = Some(RawValue::from_string(v.into()).unwrap().into());
        Row { t: Table::Queue, id: id.into(), rev: 1, chg, v, bad: None }
    }

    #[test]
    fn a_row_with_a_fault_is_quarantined_with_its_whole_write_and_no_other() {
        let good = |chg, id: &str| row(chg, id, &format!(r#"{{"_id":"{id}","customer":"c","name":"n"}}"#));
        let rows = [good(1, "a"), good(2, "b"), row(2, "x", "7"), good(3, "c")];
        let validated = validate(&rows).unwrap();
        let ids = |rows: Vec<&Row>| rows.iter().map(|row| row.id.clone()).collect::<Vec<_>>().join(" ");
        assert_eq!(ids(validated.accepted), "a c");
        assert_eq!(ids(validated.quarantined.iter().map(|(row, _)| *row).collect()), "b x");
        assert!(validated.quarantined[0].1.is_none() && validated.quarantined[1].1.as_ref().unwrap().0 == "schema");
    }

    #[test]
    fn a_table_that_only_the_edge_knows_is_refused_alone() {
        let mut unknown = row(1, "a", "{}");
        unknown.t = Table::Other;
        let rows = [unknown, row(1, "b", r#"{"_id":"b","customer":"c","name":"n"}"#)];
        let validated = validate(&rows).unwrap();
        assert_eq!((validated.accepted.len(), validated.quarantined.len()), (1, 1));
    }

    #[test]
    fn when_a_tenth_of_a_batch_is_wrong_it_is_not_the_data() {
        assert!(check_fault_share(9, 9).is_ok() && check_fault_share(10, 100).is_ok());
        assert!(check_fault_share(11, 100).unwrap_err().to_string().contains("11 of 100"));
    }

    #[test]
    fn every_table_has_its_shape() {
        let of = |t, v: &str| fault(&Row { t, ..row(1, "a", v) }).map(|(_, what)| what);
        assert_eq!(of(Table::Customer, r#"{"_id":"a","name":"n"}"#), None);
        assert_eq!(of(Table::MobileConfig, r#"{"_id":"a","customer":"c","configs":[]}"#), None);
        for (t, v) in [
            (Table::Customer, r#"{"_id":"a","name":7}"#),
            (Table::Employee, r#"{"_id":"a","name":"n"}"#),
            (Table::MobileConfig, r#"{"_id":"a","customer":"c","configs":{}}"#),
            (Table::MobileConfig, r#"{"_id":"b","customer":"c","configs":[]}"#),
            (Table::PbxObject, r#"{"_id":"a","kind":"GROUP"}"#),
            (Table::PbxObject, r#"{"_id":"a","customer":"c","kind":7}"#),
            (Table::Queue, "[]"),
            (Table::Queue, r#"{"_id":"a","customer":"c","name":"\ud800"}"#),
        ] {
            assert!(of(t, v).is_some(), "{v}");
        }
    }
}
