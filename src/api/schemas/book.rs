//! The phone book, shortcuts, switches and variables.

use schemars::JsonSchema;
use serde_json::{Map, Value, json};

use super::errors::Success;
use crate::api::named_values::Shown;
use crate::domain::id::Id;
use crate::domain::pbx::{Contact, ContactType, Shortcut};
use crate::domain::schema::Nullable;

/// A page of the phone book.
#[derive(JsonSchema)]
pub struct ContactPage {
    /// How many were skipped.
    #[schemars(range(min = 0), example = 0)]
    pub offset: i64,
    /// The most that this page may hold.
    #[schemars(range(min = 1, max = 50_000), example = 50)]
    pub limit: i64,
    /// How many there are in all, whatever `offset` and `limit` are.
    #[schemars(range(min = 0), example = 1)]
    pub total: i64,
    /// The contacts, by name.
    pub contacts: Vec<Contact>,
}

/// A contact to be created, or the properties of one to be changed: the rest stays, and arrays are replaced as a whole. It is shared by
/// everybody of the customer unless `personal` or `employee` says whose it is.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase")]
#[schemars(example = json!({
    "type": "PERSON", "givenName": "Mette", "familyName": "Miller", "company": "Flour mill",
    "phoneNumbers": [{ "type": "WORK", "number": "+4500000990" }],
    "emailAddresses": [{ "type": "WORK", "emailAddress": "mette@mill.example.com" }], "personal": true
}))]
pub struct ContactWrite {
    /// Customer of a new contact (RESELLER and up); default: the caller's own.
    pub customer: Option<Id>,
    /// The caller's own contact.
    pub personal: Option<bool>,
    /// The employee whose contact it is; null: it is shared.
    pub employee: Option<Nullable<Id>>,
    /// Person or company; default: PERSON.
    #[schemars(rename = "type")]
    pub kind: Option<ContactType>,
    /// First name.
    #[schemars(length(max = 1000), example = &"Mette")]
    pub given_name: Option<Nullable<String>>,
    /// Family name.
    #[schemars(length(max = 1000), example = &"Miller")]
    pub family_name: Option<Nullable<String>>,
    /// Company.
    #[schemars(length(max = 1000), example = "Flour mill")]
    pub company: Option<Nullable<String>>,
    /// Job title.
    #[schemars(length(max = 1000))]
    pub title: Option<Nullable<String>>,
    /// Department.
    #[schemars(length(max = 1000))]
    pub department: Option<Nullable<String>>,
    /// Addresses, each with its `type` (HOME, WORK); the rest of each is stored as given.
    #[schemars(length(max = 100))]
    pub addresses: Option<Vec<Map<String, Value>>>,
    /// Phone numbers, each with its `type` (HOME, WORK, MOBILE, MAIN, OTHER); the rest of each is stored as given.
    #[schemars(length(max = 100))]
    pub phone_numbers: Option<Vec<Map<String, Value>>>,
    /// E-mail addresses, each with its `type` (HOME, WORK, MAIN, OTHER); the rest of each is stored as given.
    #[schemars(length(max = 100))]
    pub email_addresses: Option<Vec<Map<String, Value>>>,
    /// Number that a shared contact is called by.
    #[schemars(regex(pattern = "^[0-9]{1,7}$"), example = &"17")]
    pub short_number: Option<Nullable<String>>,
    /// Notes.
    #[schemars(length(max = 10_000))]
    pub notes: Option<Nullable<String>>,
    /// Id of the contact in another system.
    #[schemars(length(max = 1000))]
    pub external_id: Option<Nullable<String>>,
}

/// A switch, which is on or off; where it was set, that it was done.
#[derive(JsonSchema)]
#[schemars(untagged)]
pub enum PbxSwitch {
    Read(Shown<bool>),
    Set(Success),
}

/// Switches that the caller may read, by name.
#[derive(JsonSchema)]
pub struct PbxSwitches(pub Vec<Shown<bool>>);

/// A variable, which holds text; where it was set, that it was done.
#[derive(JsonSchema)]
#[schemars(untagged)]
pub enum PbxVariable {
    Read(Shown<String>),
    Set(Success),
}

/// Variables that the caller may read, by name.
#[derive(JsonSchema)]
pub struct PbxVariables(pub Vec<Shown<String>>);

/// What a switch is to be set to.
#[derive(JsonSchema)]
#[schemars(example = json!({ "value": true }))]
pub struct SwitchValue {
    /// On or off.
    pub value: bool,
    /// The customer whose switch it is (RESELLER and up); default: the caller's own.
    pub customer: Option<Id>,
}

/// What a variable is to be set to.
#[derive(JsonSchema)]
#[schemars(example = json!({ "value": "Back on Monday" }))]
pub struct VariableValue {
    /// Text.
    #[schemars(length(max = 1000), example = "Back on Monday")]
    pub value: String,
    /// The customer whose variable it is (RESELLER and up); default: the caller's own.
    pub customer: Option<Id>,
}

/// The shortcuts of an employee, in the order in which they were given.
#[derive(JsonSchema)]
pub struct ShortcutList(pub Vec<Shortcut>);

/// All shortcuts of an employee.
#[derive(JsonSchema)]
#[schemars(example = json!([
    { "index": 0, "label": "Orders" }, { "index": 1, "label": "Shop", "url": "https://www.example.com/" }, { "index": 2, "label": "—" }
]))]
pub struct ShortcutsWrite(#[schemars(length(max = 200))] pub Vec<NewShortcut>);

/// A link, a header (without a URL), or a line (the label `—`, without a URL).
#[derive(JsonSchema)]
#[schemars(inline)]
pub struct NewShortcut {
    /// Its place.
    #[schemars(range(min = 0, max = 2_147_483_647), example = 0)]
    pub index: i64,
    /// Where it leads.
    #[schemars(length(max = 1000), example = "https://www.example.com/")]
    pub url: Option<Nullable<String>>,
    /// Text that is shown.
    #[schemars(length(max = 1000), example = &"Orders")]
    pub label: Option<Nullable<String>>,
}

/// Which customer is asked about.
#[derive(JsonSchema)]
#[schemars(example = json!({ "customer": "c00000000000000000000004" }))]
pub struct OverviewQuery {
    /// The customer; default: the caller's own.
    pub customer: Option<Id>,
}
