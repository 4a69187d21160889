//! Errors, and the response of a call that only succeeds.

use schemars::JsonSchema;
use serde_json::json;

/// One error.
#[derive(JsonSchema)]
pub struct ErrorDetail {
    /// Text for a human reader.
    #[schemars(example = "zip must be four digits in Denmark")]
    pub message: String,
    /// Path of the property that failed, or the name of the error.
    #[schemars(example = "addresses[0].zip", example = &"access_denied")]
    pub code: String,
    /// The HTTP status.
    #[schemars(range(min = 400, max = 599), example = 422, example = 403)]
    pub status: i32,
    /// Path of the property that failed, if there is one.
    #[schemars(example = "addresses[0].zip")]
    pub path: Option<String>,
    /// The kind of check that failed, if there is one.
    #[schemars(extend("enum" = ["required", "type", "format", "min", "max", "enum", "unique"]), example = &"format")]
    pub check: Option<String>,
}

/// The response to a request that fails.
#[derive(JsonSchema)]
#[schemars(example = json!({ "error": { "message": "Insufficient access level", "code": "access_denied", "status": 403 } }))]
#[schemars(example = json!({ "error": {
    "message": "name is required", "code": "name", "status": 404, "path": "name", "check": "required"
} }))]
#[schemars(example = json!({ "error": { "message": "Multiple errors", "code": "multiple", "status": 422, "inner": [
    { "message": "name is required", "code": "name", "status": 404, "path": "name", "check": "required" },
    {
        "message": "zip must be four digits in Denmark", "code": "addresses[0].zip", "status": 422,
        "path": "addresses[0].zip", "check": "format"
    }
] } }))]
pub struct Error {
    pub error: ErrorBody,
}

/// The error. With the code `multiple` it contains several.
#[derive(JsonSchema)]
#[schemars(inline)]
pub struct ErrorBody {
    #[schemars(flatten)]
    pub detail: ErrorDetail,
    /// Every error found; only with the code `multiple`.
    #[schemars(length(min = 2))]
    pub inner: Option<Vec<ErrorDetail>>,
    /// A new authenticator key (base32) to present to the user; only when a login asks for an authenticator token and
    /// no code of the employee's key has been used yet.
    #[schemars(example = &"JBSWY3DPEHPK3PXP")]
    pub key: Option<String>,
    /// The same key as a link for an authenticator app.
    #[schemars(example = "otpauth://totp/TelecomX:manager@bakery.example.com?secret=JBSWY3DPEHPK3PXP&issuer=TelecomX")]
    pub totp: Option<String>,
}

/// It was done.
#[derive(JsonSchema)]
#[schemars(example = json!({ "success": true }))]
pub struct Success {
    #[schemars(extend("const" = true))]
    pub success: bool,
}

/// A JSON object of another format.
#[derive(JsonSchema)]
pub struct Any {}
