//! How a customer is billed: invoices, limits of usage, links to accounting systems (api:customer:get, :update).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::fields::Fields;

pub const INVOICE_METHODS: [&str; 3] = ["MAIL", "EMAIL", "ELECTRONIC"];

/// How the customer is invoiced.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Finance {
    /// VAT number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = "00000004")]
    pub vat_number: Option<String>,
    /// The customer's number in the accounting system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = "1004")]
    pub accounting_system_id: Option<String>,
    /// Contact kept in the accounting system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = "4")]
    pub accounting_system_ref: Option<String>,
    /// How invoices are sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = INVOICE_METHODS), example = &"EMAIL")]
    pub invoice_method: Option<String>,
    /// Where invoices are sent by e-mail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = "invoices@bakery.example.com")]
    pub email_address: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Limits {
    /// Usage limit of SIP accounts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0), example = 1000)]
    pub sip_usage_limit: Option<i64>,
    /// Usage limit of mobile subscriptions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0), example = 2000)]
    pub mvno_usage_limit: Option<i64>,
    /// The most SIP calls at the same time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0), example = 8)]
    pub sip_channel_limit: Option<i64>,
}

// The accounting system's grant token is a secret that this server has no use for: it is not kept.
/// Links to other systems.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Integrations {
    #[serde(default)]
    pub billing: Billing,
}

/// Billing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct Billing {
    #[serde(default)]
    pub economic: Economic,
}

/// The accounting system.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct Economic {
    /// Invoices go to the accounting system.
    #[serde(default)]
    pub enabled: bool,
    /// Invoices are accrued over the period they cover.
    #[serde(default)]
    pub accrual: bool,
}

impl Finance {
    pub(super) fn apply(&mut self, fields: &mut Fields) {
        fields.text("vatNumber", &mut self.vat_number);
        fields.text("accountingSystemId", &mut self.accounting_system_id);
        fields.text("accountingSystemRef", &mut self.accounting_system_ref);
        fields.text("emailAddress", &mut self.email_address);
        let parse = |name: &str| INVOICE_METHODS.contains(&name).then(|| Some(name.to_owned()));
        if fields.value("invoiceMethod").is_some_and(Value::is_null) {
            self.invoice_method = None;
        } else {
            fields.choice("invoiceMethod", parse, &INVOICE_METHODS, &mut self.invoice_method);
        }
    }
}
