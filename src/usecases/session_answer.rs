//! What login, impersonate and validateToken say of whom a token stands for.

use crate::db::ReadTx;
use crate::domain::access::Level;
use crate::domain::customer::{Customer, Feature, Integrations};
use crate::domain::employee::{Employee, Language};
use crate::domain::id::Id;
use crate::error::Result;
use crate::store::customers;

/// What login and impersonate answer, but for the token (api:auth:login, api:auth:impersonate).
#[derive(Clone, Debug, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SessionAnswer {
    /// 15: the token expires when it has not been used for that long. -1: it does not expire until logout.
    #[schemars(extend("enum" = [15, -1]), example = 15)]
    pub expires_in_minutes: i32,
    /// The employee that the token belongs to.
    pub employee: Id,
    /// The employee's customer.
    pub customer: Id,
    pub access_level: Level,
    #[serde(flatten)]
    pub extended: Extended,
}

/// The fields that validateToken adds with `extend`.
#[derive(Clone, Debug, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Extended {
    /// Name of the employee.
    #[schemars(example = "Anna Manager")]
    pub name: String,
    /// Language of the employee.
    #[schemars(extend("enum" = Language::NAMES), example = &"en")]
    pub language: &'static str,
    /// Name of the customer.
    #[schemars(example = "Demo Bakery")]
    pub customer_name: String,
    /// Features of the customer.
    #[schemars(with = "Vec<Feature>")]
    pub customer_features: Vec<String>,
    /// The customer's links to other systems; left out when the user is not a reseller.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub customer_integrations: Option<Integrations>,
}

impl SessionAnswer {
    pub fn of(tx: &ReadTx, employee: &Employee, customer: &Customer, persist: bool) -> Result<SessionAnswer> {
        Ok(SessionAnswer {
            expires_in_minutes: if persist { -1 } else { 15 },
            employee: employee.id,
            customer: customer.id,
            access_level: employee.access_level,
            extended: Extended::of(tx, employee, customer)?,
        })
    }
}

impl Extended {
    pub fn of(tx: &ReadTx, employee: &Employee, customer: &Customer) -> Result<Extended> {
        let is_reseller = customers::is_reseller(tx, customer.id)?;
        Ok(Extended {
            name: employee.name.clone(),
            language: employee.language.name(),
            customer_name: customer.name.clone(),
            customer_features: customer.features.clone(),
            customer_integrations: is_reseller.then(|| customer.integrations.clone()),
        })
    }
}
