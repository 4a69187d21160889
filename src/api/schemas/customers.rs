//! Customers.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde_json::json;

use super::addresses::WholeAddress;
use super::{PageHead, summary};
use crate::domain::address::ADDRESSES_MAX;
use crate::domain::customer::{AuthenticationSecurity, Customer, Feature, INVOICE_METHODS, Integrations};
use crate::domain::id::Id;
use crate::domain::schema::Nullable;

/// A customer in a list: a summary, or with `full` complete.
#[derive(JsonSchema)]
#[schemars(transform = summary)]
#[schemars(example = json!({ "_id": "c00000000000000000000004", "name": "Demo Bakery", "state": "ACTIVE" }))]
pub struct CustomerRow {
    #[schemars(flatten)]
    pub complete: Customer,
}

/// A page of customers, by name.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase")]
pub struct CustomerPage {
    #[schemars(flatten)]
    pub page: PageHead,
    #[schemars(length(max = 500))]
    pub customers: Vec<CustomerRow>,
}

/// A customer to be created, which needs `name` and `addresses`, or the properties of one to be changed: the rest
/// stays, null clears a value. `parentReseller`, `notes`, `features`, the limits and `integrations` need RESELLER
/// and are ignored below. Other properties are ignored.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase")]
#[schemars(example = json!({"name": "Demo Bakery", "addresses": [{"address": "Demovej 4", "zip": "8000", "city": "Aarhus C", "country": "DK"}], "features": ["PBX"]}))]
pub struct CustomerWrite {
    /// Name.
    #[schemars(length(min = 1, max = 200), example = "Demo Bakery")]
    pub name: Option<String>,
    /// BLOCKED disables all services. A customer is deleted with DELETE only.
    #[schemars(extend("enum" = ["ACTIVE", "BLOCKED"]), example = &"ACTIVE")]
    pub state: Option<String>,
    /// The reseller it is to belong to: for a reseller itself or one below it. Null, a top-level reseller, needs ADMIN.
    pub parent_reseller: Option<Nullable<Id>>,
    /// Main phone number.
    #[schemars(length(max = 1000), example = "+4500000400")]
    pub phone_number: Option<Nullable<String>>,
    /// Main fax number.
    #[schemars(length(max = 1000), example = "+4500000401")]
    pub fax_number: Option<Nullable<String>>,
    /// E-mail address.
    #[schemars(length(max = 1000), example = "info@bakery.example.com")]
    pub email_address: Option<Nullable<String>>,
    /// Website.
    #[schemars(length(max = 1000), example = "https://bakery.example.com")]
    pub website: Option<Nullable<String>>,
    /// Notes; shown to resellers and administrators only.
    #[schemars(length(max = 10000), example = "Opens early.")]
    pub notes: Option<Nullable<String>>,
    /// All addresses: replaces those there are. At most one may be the primary; when none is, the first becomes it.
    #[schemars(length(min = 1, max = ADDRESSES_MAX))]
    pub addresses: Option<Vec<WholeAddress>>,
    /// How the customer is invoiced; what is left out stays.
    pub finance: Option<FinanceWrite>,
    /// All features: replaces those there are. A reseller can give only what it has itself.
    pub features: Option<Vec<Feature>>,
    /// Second factor that all of its employees must log in with. SMS: none of them can log in here, for this server
    /// sends no text messages.
    #[schemars(example = &"NONE")]
    pub authentication_security: Option<AuthenticationSecurity>,
    /// Usage limit of SIP accounts.
    #[schemars(range(min = 0), example = 1000)]
    pub sip_usage_limit: Option<Nullable<i64>>,
    /// Usage limit of mobile subscriptions.
    #[schemars(range(min = 0), example = 2000)]
    pub mvno_usage_limit: Option<Nullable<i64>>,
    /// The most SIP calls at the same time.
    #[schemars(range(min = 0), example = 8)]
    pub sip_channel_limit: Option<Nullable<i64>>,
    /// Links to other systems; what is left out stays.
    pub integrations: Option<IntegrationsWrite>,
}

/// How the customer is invoiced; what is left out stays.
#[derive(JsonSchema)]
#[schemars(inline, rename_all = "camelCase")]
pub struct FinanceWrite {
    /// VAT number.
    #[schemars(length(max = 1000), example = "00000004")]
    pub vat_number: Option<Nullable<String>>,
    /// The customer's number in the accounting system.
    #[schemars(length(max = 1000), example = "1004")]
    pub accounting_system_id: Option<Nullable<String>>,
    /// Contact kept in the accounting system.
    #[schemars(length(max = 1000), example = "4")]
    pub accounting_system_ref: Option<Nullable<String>>,
    /// How invoices are sent.
    #[schemars(extend("enum" = INVOICE_METHODS.map(Some).into_iter().chain([None]).collect::<Vec<_>>()), example = &"EMAIL")]
    pub invoice_method: Option<Nullable<String>>,
    /// Where invoices are sent by e-mail.
    #[schemars(length(max = 1000), example = "invoices@bakery.example.com")]
    pub email_address: Option<Nullable<String>>,
}

/// Links to other systems; what is left out stays.
#[derive(JsonSchema)]
#[schemars(inline, rename_all = "camelCase")]
pub struct IntegrationsWrite {
    /// Billing.
    pub billing: Option<BillingWrite>,
}

/// Billing.
#[derive(JsonSchema)]
#[schemars(inline, rename_all = "camelCase")]
pub struct BillingWrite {
    /// The accounting system.
    pub economic: Option<EconomicWrite>,
}

/// The accounting system.
#[derive(JsonSchema)]
#[schemars(inline, rename_all = "camelCase")]
pub struct EconomicWrite {
    /// Invoices go to the accounting system.
    pub enabled: Option<bool>,
    /// Invoices are accrued over the period they cover.
    pub accrual: Option<bool>,
}

/// The name of a customer, and what an app needs along with it.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase")]
pub struct CustomerName {
    #[schemars(rename = "_id")]
    pub id: Id,
    /// Name.
    #[schemars(example = "Demo Bakery")]
    pub name: String,
    /// What is switched on for the customer.
    pub features: Vec<Feature>,
    /// The reseller it belongs to; left out for a top-level reseller.
    #[schemars(skip_serializing_if = "Option::is_none")]
    pub parent_reseller: Option<Id>,
    pub integrations: Integrations,
}

/// Customers whose names are asked for.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase")]
#[schemars(example = json!({"customers": ["c00000000000000000000004", "c00000000000000000000002"]}))]
pub struct CustomerIds {
    /// Their ids.
    pub customers: Vec<Id>,
}

/// How the employees of a customer must log in.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase")]
pub struct Security {
    /// Second factor that all of them must log in with.
    #[schemars(example = &"NONE")]
    pub authentication_security: AuthenticationSecurity,
}

/// A reseller that a customer may belong to.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase")]
pub struct Reseller {
    #[schemars(rename = "_id")]
    pub id: Id,
    /// Name.
    #[schemars(example = "Demo Reseller")]
    pub name: String,
    /// Links to other systems.
    pub integrations: ResellerIntegrations,
}

/// Links to other systems.
#[derive(JsonSchema)]
#[schemars(inline, rename_all = "camelCase")]
pub struct ResellerIntegrations {
    /// Billing.
    pub billing: ResellerBilling,
}

/// Billing.
#[derive(JsonSchema)]
#[schemars(inline, rename_all = "camelCase")]
pub struct ResellerBilling {
    /// The accounting system.
    pub economic: ResellerEconomic,
}

/// The accounting system.
#[derive(JsonSchema)]
#[schemars(inline, rename_all = "camelCase")]
pub struct ResellerEconomic {
    /// Invoices go to the accounting system.
    pub enabled: bool,
}

/// The resellers that the caller may put in `parentReseller`.
#[derive(JsonSchema)]
pub struct Resellers(pub Vec<Reseller>);

/// Names of customers by their ids.
#[derive(JsonSchema)]
#[schemars(extend("propertyNames" = json!({ "$ref": "#/components/schemas/Id" })))]
#[schemars(example = json!({ "c00000000000000000000004": "Demo Bakery", "c00000000000000000000002": "Demo Reseller" }))]
pub struct CustomerNames(pub BTreeMap<String, String>);
