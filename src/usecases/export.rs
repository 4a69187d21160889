//! Export: all that the database holds, as one JSON document that import takes.

use std::io::{self, Write};

use serde_json::{Value, json};

use crate::auth::contexts::authenticator_key;
use crate::auth::secrets::Sealer;
use crate::auth::totp;
use crate::db::ReadTx;
use crate::error::{Error, Result};
use crate::store::{credentials, customers, employees, mobile_configs, pbx, queues};

/// Writes the document to `out`, one object a line. `secrets`: also password hashes and authenticator keys.
pub fn write(tx: &ReadTx, secrets: Option<&Sealer>, out: &mut dyn Write) -> Result<()> {
    let mut list = List { out, is_empty: true };
    list.begin("{\n\"customers\": [")?;
    customers::all(tx, |customer| list.push(&to_bytes(&json!(customer))?))?;
    list.begin("\n],\n\"queues\": [")?;
    queues::all(tx, |queue| list.push(&to_bytes(&json!(queue))?))?;
    list.begin("\n],\n\"employees\": [")?;
    employees::all(tx, |employee| {
        let mut value = json!(employee);
        if let Some(sealer) = secrets {
            let found = credentials::get(tx, employee.id)?;
            if let Some(hash) = found.password_hash {
                value["passwordHash"] = json!(hash);
            }
            let context = authenticator_key(employee.id);
            if let Some(key) = found.totp_key.filter(|_| found.totp_confirmed) {
                let key = sealer.unseal(&context, &key).ok_or_else(|| {
                    Error::internal(format!(
                        "the authenticator key of {} cannot be unsealed: the key file is another one",
                        employee.id
                    ))
                })?;
                value["authenticatorKey"] = json!(totp::present(&key, "").key);
            }
        }
        list.push(&to_bytes(&value)?)
    })?;
    list.begin("\n],\n\"mobileConfigs\": [")?;
    mobile_configs::all(tx, |config| list.push(&config.to_json()))?;
    if pbx::is_empty(tx)? {
        return list.begin("\n]\n}\n");
    }
    list.begin("\n],\n\"pbxObjects\": [")?;
    pbx::all(tx, |object| {
        let value = object.to_value().map_err(|error| Error::Internal(Box::new(error)))?;
        list.push(&to_bytes(&value)?)
    })?;
    list.begin("\n]\n}\n")
}

struct List<'o> {
    out: &'o mut dyn Write,
    is_empty: bool,
}

impl List<'_> {
    fn begin(&mut self, text: &str) -> Result<()> {
        self.is_empty = true;
        self.out.write_all(text.as_bytes()).map_err(failed)
    }

    fn push(&mut self, object: &[u8]) -> Result<()> {
        let separator: &[u8] = if self.is_empty { b"\n" } else { b",\n" };
        self.is_empty = false;
        self.out.write_all(separator).and_then(|()| self.out.write_all(object)).map_err(failed)
    }
}

fn failed(error: io::Error) -> Error {
    if error.kind() == io::ErrorKind::StorageFull { Error::StorageFull } else { Error::Internal(Box::new(error)) }
}

fn to_bytes(value: &Value) -> Result<Vec<u8>> {
    serde_json::to_vec(value).map_err(|error| Error::Internal(Box::new(error)))
}
