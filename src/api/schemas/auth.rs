//! What a login takes.

use schemars::JsonSchema;
use serde_json::{Value, json};

use super::PLAIN;
use crate::domain::schema::Nullable;

/// A flag of a login: a Boolean, or one as the page's examples and forms write it. One alternative for each type: generators of
/// clients take no list of values of several types.
fn flags() -> Value {
    json!([
        { "type": "boolean" },
        { "type": "integer", "minimum": 0, "maximum": 1 },
        { "type": "string", "enum": ["true", "false", "0", "1", ""] },
        { "type": "null" },
    ])
}

/// What a user of the console logs in with.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase")]
#[schemars(example = json!({"username": "manager@bakery.example.com", "password": "Demo-Passw0rd"}))]
pub struct ConsoleLogin {
    /// E-mail address of the employee, or the username of one without an e-mail address.
    #[schemars(length(min = 1, max = 1000), regex(pattern = PLAIN), example = "manager@bakery.example.com")]
    pub username: String,
    /// Password.
    #[schemars(length(min = 1, max = 1000), regex(pattern = PLAIN), extend("format" = "password"), example = "Demo-Passw0rd")]
    pub password: String,
    /// Code sent to the user's phone by the platform, where that judges logins.
    #[schemars(example = "1234")]
    pub sms_key: Option<Nullable<String>>,
    /// Code shown by the user's authenticator app, when the customer or the employee requires one.
    #[schemars(example = "123456")]
    pub authenticator_token: Option<Nullable<String>>,
}

/// What a user logs in with.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase")]
#[schemars(example = json!({"username": "manager@bakery.example.com", "password": "Demo-Passw0rd"}))]
pub struct Login {
    /// E-mail address of the employee, or the username of one without an e-mail address.
    #[schemars(length(min = 1, max = 1000), regex(pattern = PLAIN), example = "manager@bakery.example.com")]
    pub username: String,
    /// Password.
    #[schemars(length(min = 1, max = 1000), regex(pattern = PLAIN), extend("format" = "password"), example = "Demo-Passw0rd")]
    pub password: String,
    /// Code sent to the user's phone. Ignored: this server sends no text messages, and refuses a login that needs one.
    #[schemars(example = "1234")]
    pub sms_key: Option<Nullable<String>>,
    /// Code shown by the user's authenticator app, when the customer or the employee requires one.
    #[schemars(example = "123456")]
    pub authenticator_token: Option<Nullable<String>>,
    /// Also send the token as a cookie.
    #[schemars(extend("anyOf" = flags(), "default" = false))]
    pub cookie: Option<Nullable<Value>>,
    /// The token stays valid until logout.
    #[schemars(extend("anyOf" = flags(), "default" = false))]
    pub persist: Option<Nullable<Value>>,
}
