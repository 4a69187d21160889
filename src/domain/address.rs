//! Addresses of a customer (api:customer:update, api:customer:address-create).

use std::collections::HashSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::danish_cities::city_of;
use super::fields::{Fields, TEXT_MAX};
use super::id::Id;
use super::time::Time;
use crate::error::Check;

/// The most addresses of one customer.
pub const ADDRESSES_MAX: usize = 1_000;
const CITY_MAX: usize = 200;

pub fn too_many_addresses() -> String {
    format!("A customer may have at most {ADDRESSES_MAX} addresses")
}

/// An address of a customer. A customer has at least one, and exactly one of them is the primary.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Address {
    #[serde(rename = "_id")]
    pub id: Id,
    /// The customer's main address.
    #[serde(default)]
    pub primary: bool,
    /// Name at this address, where it is not the customer's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = "Demo Bakery Shop")]
    pub alternative_name: Option<String>,
    /// Street and number.
    #[schemars(example = "Demovej 4")]
    #[serde(default)]
    pub address: String,
    /// Postal code.
    #[schemars(example = "8000")]
    #[serde(default)]
    pub zip: String,
    /// City. In Denmark it follows from the zip.
    #[schemars(example = "Aarhus C")]
    #[serde(default)]
    pub city: String,
    /// State, in the United States.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"NY")]
    pub state: Option<String>,
    /// ISO 3166-1 code of two letters; left out means Denmark.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = "^[A-Z]{2}$"), example = &"DK")]
    pub country: Option<String>,
    /// Phone number, where it is not the customer's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = "+4500000440")]
    pub fixed_number: Option<String>,
    /// Fax number, where it is not the customer's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = "+4500000441")]
    pub fax_number: Option<String>,
}

impl Address {
    /// Reads a whole address; an `_id` that is given is kept only when `keep_id` (import, and update of the customer).
    pub fn read(fields: &mut Fields, now: Time, keep_id: bool) -> Address {
        let given = if keep_id { fields.id("_id") } else { None };
        let mut address = Address {
            id: given.unwrap_or_else(|| Id::new(now)),
            primary: false,
            alternative_name: None,
            address: String::new(),
            zip: String::new(),
            city: String::new(),
            state: None,
            country: None,
            fixed_number: None,
            fax_number: None,
        };
        fields.require(&["address", "zip"]);
        address.apply(fields);
        address
    }

    /// Takes over the properties that are given; the rest stays.
    pub fn apply(&mut self, fields: &mut Fields) {
        fields.flag("primary", &mut self.primary);
        fields.text("alternativeName", &mut self.alternative_name);
        fields.required_text("address", 5, TEXT_MAX, &mut self.address);
        fields.text("state", &mut self.state);
        fields.text("fixedNumber", &mut self.fixed_number);
        fields.text("faxNumber", &mut self.fax_number);
        fields.text("country", &mut self.country);
        if let Some(country) = self.country.take() {
            let country = country.to_ascii_uppercase();
            if country.len() != 2 || !country.bytes().all(|c| c.is_ascii_uppercase()) {
                fields.fault("country", Check::Format, "country must be two letters (ISO 3166-1)");
            }
            self.country = Some(country);
        }
        fields.required_text("zip", 3, 20, &mut self.zip);
        match self.is_danish() {
            true => self.apply_danish_city(fields),
            false => self.apply_city(fields),
        }
    }

    fn is_danish(&self) -> bool {
        self.country.as_deref().is_none_or(|country| country == "DK")
    }

    /// The zip decides the city where it is a known one; else what is given is kept. None needs to be given.
    fn apply_danish_city(&mut self, fields: &mut Fields) {
        let has_form = self.zip.len() == 4 && self.zip.bytes().all(|c| c.is_ascii_digit());
        if !has_form && !self.zip.is_empty() {
            fields.fault("zip", Check::Format, "zip must be four digits in Denmark");
        }
        let mut city = Some(std::mem::take(&mut self.city));
        fields.text_within("city", 0, CITY_MAX, &mut city);
        self.city = city.unwrap_or_default();
        let is_touched = ["zip", "city", "country"].iter().any(|name| fields.is_given(name));
        if let Some(known) = city_of(&self.zip).filter(|_| is_touched) {
            self.city = known.into();
        }
    }

    fn apply_city(&mut self, fields: &mut Fields) {
        if self.city.is_empty() && !fields.is_given("city") {
            fields.require(&["city"]);
        }
        fields.required_text("city", 2, CITY_MAX, &mut self.city);
    }
}

/// Reads all addresses of a customer; `None` when they are not given, or are no such list.
pub fn read_addresses(fields: &mut Fields, now: Time) -> Option<Vec<Address>> {
    let given = fields.value("addresses")?;
    let wrong = match given.as_array().map(Vec::len) {
        None if given.is_null() => Some((Check::Required, "addresses is required".to_owned())),
        Some(0) => Some((Check::Min, "At least one address must be present".to_owned())),
        Some(count) if count > ADDRESSES_MAX => Some((Check::Max, too_many_addresses())),
        _ => None,
    };
    if let Some((check, message)) = wrong {
        fields.fault("addresses", check, message);
        return None;
    }
    let mut addresses = fields.each("addresses", |value, path, faults| {
        Some(Address::read(&mut Fields::of(value, path, faults)?, now, true))
    })?;
    let (mut ids, mut has_primary) = (HashSet::new(), false);
    for (i, address) in addresses.iter().enumerate() {
        if !ids.insert(address.id) {
            fields.fault(&format!("addresses[{i}]._id"), Check::Unique, "The id is used by another address");
        }
        if address.primary && has_primary {
            fields.fault(&format!("addresses[{i}].primary"), Check::Unique, "Another address is the primary");
        }
        has_primary |= address.primary;
    }
    settle_primary(&mut addresses, None);
    Some(addresses)
}

/// Makes exactly one of a list of addresses the primary: `preferred` if it is in the list, else the one already
/// marked, else the first.
pub fn settle_primary(addresses: &mut [Address], preferred: Option<Id>) {
    let place = addresses
        .iter()
        .position(|address| Some(address.id) == preferred)
        .or_else(|| addresses.iter().position(|address| address.primary))
        .unwrap_or(0);
    for (i, address) in addresses.iter_mut().enumerate() {
        address.primary = i == place;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fields::read_body;
    use serde_json::json;

    fn zip_is_accepted(zip: &str, country: Option<&str>) -> bool {
        let body = json!({ "address": "Main street 1", "zip": zip, "city": "Town", "country": country });
        read_body(body.as_object().unwrap(), |f| Address::read(f, Time::from_millis(0), false)).is_ok()
    }

    fn city_after(before: (&str, &str), change: serde_json::Value) -> Option<String> {
        let body = json!({ "address": "Main street 1", "zip": before.0, "city": before.1 });
        let mut address =
            read_body(body.as_object().unwrap(), |f| Address::read(f, Time::from_millis(0), false)).unwrap();
        read_body(change.as_object().unwrap(), |f| address.apply(f)).ok()?;
        Some(address.city)
    }

    #[test]
    fn a_danish_city_follows_the_zip_where_it_is_known() {
        let city = |before, change| city_after(before, change);
        assert_eq!(city(("8000", "Aarhus"), json!({})).unwrap(), "Aarhus C");
        assert_eq!(city(("8000", ""), json!({ "zip": "5000" })).unwrap(), "Odense C");
        assert_eq!(city(("8000", ""), json!({ "city": "Elsewhere" })).unwrap(), "Aarhus C");
        assert_eq!(city(("8000", ""), json!({ "city": null })).unwrap(), "Aarhus C");
        assert_eq!(city(("9998", "Byen"), json!({ "address": "Gade 1" })).unwrap(), "Byen");
        assert_eq!(city(("9998", "Byen"), json!({ "city": "Landet" })).unwrap(), "Landet");
        assert_eq!(city(("9998", ""), json!({})).unwrap(), "");
        assert_eq!(city(("8000", ""), json!({ "city": 7 })), None);
        assert_eq!(city(("8000", ""), json!({ "country": "SE", "city": "Lund" })).unwrap(), "Lund");
        assert_eq!(city(("9998", ""), json!({ "country": "SE" })), None, "elsewhere a city is required");
    }

    #[test]
    fn the_zip_follows_the_country() {
        assert!(
            zip_is_accepted("8000", Some("DK")) && zip_is_accepted("8000", None) && zip_is_accepted("8000", Some("dk"))
        );
        assert!(
            !zip_is_accepted("800", Some("DK")) && !zip_is_accepted("80000", None) && !zip_is_accepted("8O00", None)
        );
        assert!(zip_is_accepted("SW1A 1AA", Some("GB")) && !zip_is_accepted("12", Some("SE")));
        assert!(!zip_is_accepted("8000", Some("DNK")) && !zip_is_accepted("8000", Some("1K")));
    }
}
