//! Customers (api:customer:get, :update).

use std::collections::HashSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use strum::{EnumString, IntoStaticStr};

use super::access::Level;
use super::address::{ADDRESSES_MAX, Address, read_addresses};
pub use super::billing::{Finance, INVOICE_METHODS, Integrations, Limits};
use super::fields::Fields;
use super::id::Id;
use super::time::Time;
use crate::error::{Check, Fault, Faults};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, EnumString, IntoStaticStr, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
#[schemars(inline)]
pub enum CustomerState {
    #[default]
    Active,
    Blocked,
    Deleted,
}

impl CustomerState {
    pub fn parse(name: &str) -> Option<CustomerState> {
        name.parse().ok()
    }

    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// Second factor that all employees of the customer must log in with (api:customer:security), the weakest first.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    EnumString,
    IntoStaticStr,
    JsonSchema,
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
#[schemars(inline)]
pub enum AuthenticationSecurity {
    #[default]
    None,
    Sms,
    Authenticator,
}

impl AuthenticationSecurity {
    pub fn parse(name: &str) -> Option<AuthenticationSecurity> {
        name.parse().ok()
    }

    pub fn name(self) -> &'static str {
        self.into()
    }
}

pub const FEATURES: [&str; 17] = [
    "CUSTOMER",
    "SIP",
    "MVNO",
    "PBX",
    "TCE",
    "DNS",
    "INTERNET",
    "TV",
    "IPTVPRIVATE",
    "IPTVBUSINESS",
    "FLEXCARE",
    "ZEROTIER",
    "EXTERNAL_LICENSES",
    "ORGANIZATION",
    "CHANGELOG",
    "FINANCE",
    "PORTING",
];

/// Something that is switched on for a customer. PBX brings SIP, MVNO and CUSTOMER along.
#[derive(JsonSchema)]
#[schemars(extend("enum" = FEATURES), example = &"PBX")]
pub struct Feature(pub String);

/// A customer. Properties without a value are left out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Customer {
    #[serde(rename = "_id")]
    pub id: Id,
    /// Name.
    #[schemars(example = "Demo Bakery")]
    pub name: String,
    /// BLOCKED: all services are disabled. DELETED: shown only when asked for.
    #[schemars(example = &"ACTIVE")]
    #[serde(default)]
    pub state: CustomerState,
    /// The reseller it belongs to; left out for a top-level reseller.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent_reseller: Option<Id>,
    /// Main phone number.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = "+4500000400")]
    pub phone_number: Option<String>,
    /// Main fax number.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = "+4500000401")]
    pub fax_number: Option<String>,
    /// E-mail address.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = "info@bakery.example.com")]
    pub email_address: Option<String>,
    /// Website.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = "https://bakery.example.com")]
    pub website: Option<String>,
    /// Notes; shown to resellers and administrators only.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = "Opens early.")]
    pub notes: Option<String>,
    /// All addresses of the customer.
    #[schemars(length(min = 1, max = ADDRESSES_MAX))]
    #[serde(default)]
    pub addresses: Vec<Address>,
    #[serde(default)]
    pub finance: Finance,
    /// What is switched on for the customer.
    #[schemars(with = "Vec<Feature>", extend("uniqueItems" = true))]
    #[serde(default = "basic_features")]
    pub features: Vec<String>,
    /// Second factor that all of its employees must log in with. SMS: none of them can log in here, for this server
    /// sends no text messages.
    #[schemars(example = &"NONE")]
    #[serde(default)]
    pub authentication_security: AuthenticationSecurity,
    #[serde(flatten)]
    pub limits: Limits,
    #[serde(default)]
    pub integrations: Integrations,
    #[serde(skip)]
    pub rev: i64,
}

/// What every customer has.
fn basic_features() -> Vec<String> {
    vec!["CUSTOMER".into()]
}

impl Customer {
    pub fn new(id: Id) -> Customer {
        Customer {
            id,
            name: String::new(),
            state: CustomerState::Active,
            parent_reseller: None,
            phone_number: None,
            fax_number: None,
            email_address: None,
            website: None,
            notes: None,
            addresses: vec![],
            finance: Finance::default(),
            features: basic_features(),
            authentication_security: AuthenticationSecurity::None,
            limits: Limits::default(),
            integrations: Integrations::default(),
            rev: 0,
        }
    }

    pub fn has_feature(&self, feature: &str) -> bool {
        self.features.iter().any(|known| known == feature)
    }

    /// The customer as far as a reader of `level` may see it.
    pub fn shown_to(mut self, level: Level) -> Customer {
        if level < Level::Reseller {
            self.notes = None;
        }
        self
    }

    /// Takes over the properties that are given and that `level` may set; the rest stays.
    ///
    /// `parentReseller`, `notes`, `features`, limits and integrations need RESELLER and are ignored below
    /// (api:customer:update). Who `parentReseller` may name is for the caller to check.
    pub fn apply(&mut self, fields: &mut Fields, level: Level, now: Time) {
        fields.required_text("name", 1, 200, &mut self.name);
        fields.choice("state", CustomerState::parse, &["ACTIVE", "BLOCKED"], &mut self.state);
        fields.text("phoneNumber", &mut self.phone_number);
        fields.text("faxNumber", &mut self.fax_number);
        fields.text("emailAddress", &mut self.email_address);
        fields.text("website", &mut self.website);
        if let Some(addresses) = read_addresses(fields, now) {
            self.addresses = addresses;
        }
        if let Some(mut finance) = fields.nested("finance") {
            self.finance.apply(&mut finance);
        }
        let names = ["NONE", "SMS", "AUTHENTICATOR"];
        let security = &mut self.authentication_security;
        fields.choice("authenticationSecurity", AuthenticationSecurity::parse, &names, security);
        if level >= Level::Reseller {
            fields.optional_id("parentReseller", &mut self.parent_reseller);
            fields.lines("notes", 10_000, &mut self.notes);
            self.apply_features(fields);
            fields.count("sipUsageLimit", &mut self.limits.sip_usage_limit);
            fields.count("mvnoUsageLimit", &mut self.limits.mvno_usage_limit);
            fields.count("sipChannelLimit", &mut self.limits.sip_channel_limit);
            if let Some(mut integrations) = fields.nested("integrations")
                && let Some(mut billing) = integrations.nested("billing")
                && let Some(mut economic) = billing.nested("economic")
            {
                economic.flag("enabled", &mut self.integrations.billing.economic.enabled);
                economic.flag("accrual", &mut self.integrations.billing.economic.accrual);
            }
        }
    }

    /// Whether its employees can log in here: this server sends no text messages.
    pub fn lets_log_in(&self) -> bool {
        self.state == CustomerState::Active && self.authentication_security != AuthenticationSecurity::Sms
    }

    /// Notes a fault when the state was set to DELETED: that is for DELETE to do (and for import).
    pub fn refuse_deleted(&self, fields: &mut Fields) {
        if self.state == CustomerState::Deleted {
            fields.fault("state", Check::Enum, "state must be one of ACTIVE, BLOCKED; to delete, use DELETE");
        }
    }

    fn apply_features(&mut self, fields: &mut Fields) {
        let read = |value: &Value, path: &str, faults: &mut Faults| {
            let known = value.as_str().and_then(|name| FEATURES.iter().find(|known| **known == name));
            if known.is_none() {
                let message = format!("Must be one of {}", FEATURES.join(", "));
                faults.push(Fault { path: path.into(), check: Check::Enum, message });
            }
            known.map(|name| (*name).to_owned())
        };
        let Some(mut features) = fields.each("features", read) else { return };
        // PBX brings what it builds on (api:customer:get-name).
        if features.iter().any(|feature| feature == "PBX") {
            features.extend(["SIP", "MVNO", "CUSTOMER"].map(String::from));
        }
        let mut seen = HashSet::new();
        features.retain(|feature| seen.insert(feature.clone()));
        self.features = features;
    }
}
