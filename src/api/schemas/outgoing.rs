//! New passwords, pictures, actions of the app, and text messages.

use schemars::JsonSchema;
use serde_json::json;

use crate::domain::id::Id;
use crate::usecases::text_messages::{FROM_MAX, MESSAGE_MAX, TYPES};

/// Whose password was forgotten.
#[derive(JsonSchema)]
#[schemars(example = json!({ "username": "manager@bakery.example.com" }))]
pub struct PasswordReset {
    /// E-mail address of the employee, or the username of one without an e-mail address.
    #[schemars(length(min = 1, max = 1000), example = "manager@bakery.example.com")]
    pub username: String,
    /// How the link is to be sent. SMS falls back to a mail.
    #[schemars(extend("enum" = ["EMAIL", "SMS"], "default" = "EMAIL"), example = &"EMAIL")]
    pub method: Option<String>,
}

/// A link was sent, if somebody has the name.
#[derive(JsonSchema)]
pub struct PasswordResetSent {
    #[schemars(extend("const" = true))]
    pub success: bool,
    /// How.
    #[schemars(extend("enum" = ["EMAIL", "SMS"]), example = &"EMAIL")]
    pub method: String,
}

/// A new password, by the token of a link.
#[derive(JsonSchema)]
pub struct SetPassword {
    /// From the link. It is good once, and for 30 minutes.
    #[schemars(
        length(min = 1, max = 1000),
        example = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
    )]
    pub token: String,
    /// At least 8 characters with upper case, lower case and digits.
    #[schemars(length(min = 8, max = 200), extend("format" = "password", "writeOnly" = true), example = "Demo-Passw0rd")]
    pub password: String,
}

/// A picture, as multipart/form-data of at most 8 MiB.
#[derive(JsonSchema)]
pub struct PictureUpload {
    /// PNG or JPEG of at most 40 megapixels.
    #[schemars(extend("format" = "binary"))]
    pub file: String,
}

/// The picture was stored.
#[derive(JsonSchema)]
pub struct PictureStored {
    #[schemars(extend("const" = true))]
    pub success: bool,
    /// The picture's id: another one with each picture.
    pub picture: Id,
}

/// A picture of 300 by 300 pixels.
#[derive(JsonSchema)]
#[schemars(transparent, extend("format" = "binary"))]
pub struct Png(pub String);

/// The call is under way.
#[derive(JsonSchema)]
pub struct CallStarted {
    #[schemars(extend("const" = true))]
    pub success: bool,
    /// The call: host, and two numbers.
    #[schemars(rename = "_id", example = "localhost:1795000000.1")]
    pub id: String,
}

/// A text message, to numbers or to a group.
#[derive(JsonSchema)]
#[schemars(example = json!({ "type": "SMS", "message": "The bread is ready", "to": ["+4570305050"] }))]
pub struct SmsWrite {
    /// Kind of message.
    #[schemars(rename = "type", extend("enum" = TYPES, "default" = "SMS"), example = &"SMS")]
    pub kind: Option<String>,
    /// Text.
    #[schemars(length(min = 1, max = MESSAGE_MAX), example = "The bread is ready")]
    pub message: String,
    /// Sender, for MANAGER and up. Without one: the caller's `smsNumber`, else the customer's `phoneNumber`.
    #[schemars(length(min = 1, max = FROM_MAX), example = &"Bakery")]
    pub from: Option<String>,
    /// One number, or a list of up to 1,000.
    #[schemars(extend("anyOf" = [{ "type": "string" }, { "type": "array", "items": { "type": "string" }, "maxItems": 1000 }]), example = json!(["+4570305050"]))]
    pub to: Option<serde_json::Value>,
    /// In the place of `to`: a group of the PBX, whose members' `smsNumber` it goes to.
    pub group: Option<Id>,
}

/// The message was taken.
#[derive(JsonSchema)]
pub struct SmsSent {
    #[schemars(extend("const" = true))]
    pub success: bool,
    /// To how many numbers.
    #[schemars(range(min = 1), example = 1)]
    pub recipients: i64,
}
