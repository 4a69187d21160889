//! Addresses of a customer.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::json;

use crate::domain::address::{ADDRESSES_MAX, Address};
use crate::domain::id::Id;
use crate::domain::schema::Nullable;

/// All addresses of a customer.
#[derive(JsonSchema)]
pub struct Addresses(#[schemars(length(min = 1, max = ADDRESSES_MAX))] pub Vec<Address>);

/// An address to be created, which needs `address` and `zip`, and `city` outside Denmark, or the properties of one to be changed: the
/// rest stays.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase")]
#[schemars(example = json!({"address": "Demogade 41", "zip": "8200", "city": "Aarhus N", "country": "DK"}))]
pub struct AddressWrite {
    /// Keeps the id of an address in a customer's `addresses`; ignored everywhere else.
    #[schemars(rename = "_id")]
    pub id: Option<Id>,
    /// Makes it the customer's main address.
    #[schemars(extend("default" = false))]
    pub primary: Option<bool>,
    /// Name at this address, where it is not the customer's.
    #[schemars(length(max = 1000), example = "Demo Bakery Shop")]
    pub alternative_name: Option<Nullable<String>>,
    /// Street and number.
    #[schemars(length(min = 5, max = 1000), example = "Demovej 4")]
    pub address: Option<String>,
    /// Postal code: four digits in Denmark, at least three characters elsewhere.
    #[schemars(length(min = 3, max = 20), example = "8000")]
    pub zip: Option<String>,
    /// City, at least two characters outside Denmark. In Denmark the zip decides it where it is known.
    #[schemars(length(max = 200), example = "Aarhus C")]
    pub city: Option<Nullable<String>>,
    /// State, in the United States.
    #[schemars(length(max = 1000), example = &"NY")]
    pub state: Option<Nullable<String>>,
    /// ISO 3166-1 code of two letters; null means Denmark.
    #[schemars(regex(pattern = r"^[A-Za-z]{2}$"), example = &"DK")]
    pub country: Option<Nullable<String>>,
    /// Phone number, where it is not the customer's.
    #[schemars(length(max = 1000), example = "+4500000440")]
    pub fixed_number: Option<Nullable<String>>,
    /// Fax number, where it is not the customer's.
    #[schemars(length(max = 1000), example = "+4500000441")]
    pub fax_number: Option<Nullable<String>>,
}

/// An address among those that replace all of a customer's.
pub struct WholeAddress;

impl JsonSchema for WholeAddress {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "WholeAddress".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "allOf": [generator.subschema_for::<AddressWrite>()],
            "required": ["address", "zip"],
        })
    }
}
