//! The arguments of a call, in its query string.

use std::borrow::Cow;
use std::ops::RangeInclusive;

use actix_web::HttpRequest;

use crate::domain::mirror::Table;
use crate::error::{Check, Error, Result};

/// Numbers from 0 on.
pub const FROM_ZERO: RangeInclusive<i64> = 0..=i64::MAX;

/// The arguments of a request.
pub struct Query<'r>(Vec<(Cow<'r, str>, Cow<'r, str>)>);

impl<'r> Query<'r> {
    pub fn of(request: &'r HttpRequest) -> Query<'r> {
        Query(form_urlencoded::parse(request.query_string().as_bytes()).collect())
    }

    /// An argument; 422 when it stands twice.
    pub fn text(&self, name: &str) -> Result<Option<&str>> {
        let mut values = self.0.iter().filter(|(given, _)| given == name).map(|(_, value)| &**value);
        match (values.next(), values.next()) {
            (_, Some(_)) => Err(Error::invalid(name, Check::Format, format!("{name} must be given once"))),
            (value, None) => Ok(value),
        }
    }

    /// A whole number in this range.
    pub fn number(&self, name: &str, range: RangeInclusive<i64>) -> Result<Option<i64>> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        let number = text.parse().ok().filter(|number| range.contains(number));
        let wrong = || {
            let (min, max) = (range.start(), range.end());
            let form = if *max == i64::MAX { format!("from {min} on") } else { format!("{min} to {max}") };
            Error::invalid(name, Check::Format, format!("{name} must be a whole number, {form}"))
        };
        number.map(Some).ok_or_else(wrong)
    }

    /// The argument `table`, which must be given.
    pub fn table(&self) -> Result<Table> {
        let names = || Table::ALL.map(Table::name).join(", ");
        match self.text("table")? {
            None => Err(Error::invalid("table", Check::Required, format!("table is required: one of {}", names()))),
            Some(name) => Table::named(name)
                .ok_or_else(|| Error::invalid("table", Check::Enum, format!("table must be one of {}", names()))),
        }
    }
}
