//! One world three times, and the three ways in which a change comes to it.

use std::collections::BTreeSet;

use serde_json::value::RawValue;
use serde_json::{Value, json};
use telecomx_local::db::Author;
use telecomx_local::domain::mirror::Table;
use telecomx_local::domain::proposal::{Copy, HubLevel, Proposal, ProposalResult};
use telecomx_local::domain::time::Time;
use telecomx_local::error::Result;
use telecomx_local::usecases::{import, proposals};
use telecomx_local::web::error::body;
use uuid::Uuid;

use crate::support::{Client, TestApp};
use crate::world::{ADMIN, client_of, saved, write};

/// What came of a change: nothing but success, or every fault as its status and its path (which is its code too).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict(pub BTreeSet<(u64, String)>);

impl Verdict {
    pub fn accepted() -> Verdict {
        Verdict(BTreeSet::new())
    }

    /// For what answers more than a verdict.
    pub fn accepted_if(is_accepted: bool) -> Verdict {
        if is_accepted { Verdict::accepted() } else { Verdict::refused(400, "refused") }
    }

    pub fn is_accepted(&self) -> bool {
        self.0.is_empty()
    }

    pub fn refused(status: u64, path: &str) -> Verdict {
        Verdict(BTreeSet::from([(status, path.to_owned())]))
    }

    /// Of an error's body in the platform's shape.
    fn of_body(body: &Value) -> Verdict {
        let error = &body["error"];
        let fault = |fault: &Value| (fault["status"].as_u64().unwrap(), fault["code"].as_str().unwrap().to_owned());
        match error["inner"].as_array() {
            Some(inner) => Verdict(inner.iter().map(fault).collect()),
            None => Verdict(BTreeSet::from([fault(error)])),
        }
    }

    /// Without the place of the object: `customers[0].name` is `name`.
    pub fn below(self, list: &str) -> Verdict {
        let place = format!("{list}[");
        let strip = |path: String| match path.strip_prefix(&place).and_then(|rest| rest.split_once("].")) {
            Some((_, rest)) => rest.to_owned(),
            None => path,
        };
        Verdict(self.0.into_iter().map(|(status, path)| (status, strip(path))).collect())
    }
}

impl From<Result<()>> for Verdict {
    fn from(result: Result<()>) -> Verdict {
        result.map_or_else(|error| Verdict::of_body(&body(&error)), |()| Verdict::accepted())
    }
}

/// A call of the API.
pub struct Call {
    pub method: &'static str,
    pub path: String,
    pub body: Option<Value>,
}

pub fn post(path: String, body: &Value) -> Call {
    Call { method: "POST", path, body: Some(body.clone()) }
}

/// Three servers on the same world; each takes changes in one way only.
pub struct ThreeWays {
    pub by_http: TestApp,
    pub by_proposal: TestApp,
    pub by_import: TestApp,
    admin: Client,
}

impl ThreeWays {
    pub fn new() -> ThreeWays {
        let [by_http, by_proposal, by_import] = [(); 3].map(|()| TestApp::on(saved()));
        let admin = client_of(&by_http, ADMIN);
        ThreeWays { by_http, by_proposal, by_import, admin }
    }

    /// The verdict, and the answer's body.
    pub fn call(&self, call: &Call) -> (Verdict, Value) {
        let request = self.admin.request(call.method, &call.path);
        let request = match &call.body {
            Some(body) => request.json(body.clone()),
            None => request,
        };
        let response = request.send();
        let body = response.json();
        let verdict = if response.status < 300 { Verdict::accepted() } else { Verdict::of_body(&body) };
        (verdict, body)
    }

    pub fn propose(&self, table: Table, id: &str, patch: &Value) -> Verdict {
        propose(&self.by_proposal, table, id, patch)
    }

    pub fn import(&self, list: &str, object: &Value) -> Verdict {
        import_into(&self.by_import, &json!({ list: [object] })).below(list)
    }

    pub fn all(&self) -> [(&'static str, &TestApp); 3] {
        [("HTTP", &self.by_http), ("proposal", &self.by_proposal), ("import", &self.by_import)]
    }
}

fn raw(value: &Value) -> Box<RawValue> {
    serde_json::value::to_raw_value(value).unwrap()
}

pub fn propose(app: &TestApp, table: Table, id: &str, patch: &Value) -> Verdict {
    apply(app, table, id, Some(raw(patch)), None)
}

pub fn propose_copy(app: &TestApp, from: &str, to: &str) -> Verdict {
    let copy = Copy { from: from.parse().unwrap(), to: to.parse().unwrap() };
    apply(app, Table::MobileConfig, to, None, Some(copy))
}

fn apply(app: &TestApp, table: Table, id: &str, patch: Option<Box<RawValue>>, copy: Option<Copy>) -> Verdict {
    let proposal = Proposal {
        uuid: Uuid::new_v4(),
        seq: 1,
        table,
        id: id.into(),
        base_rev: None,
        base: None,
        patch,
        copy,
        expires_ms: i64::MAX,
        author: "Head office".into(),
        level: None,
        task: None,
    };
    let applied = write(app, Author::at_hub("Head office"), move |tx| {
        let outcome = proposals::apply(tx, &proposal, Time::from_millis(0), HubLevel::Administer, Default::default())?;
        assert_eq!(outcome.result, ProposalResult::Applied, "{outcome:?}");
        Ok(())
    });
    applied.into()
}

pub fn import_into(app: &TestApp, document: &Value) -> Verdict {
    let (document, sealer) = (document.to_string(), app.sealer.clone());
    let imported = write(app, Author::system("import"), move |tx| {
        import::run(tx, &sealer, document.as_bytes(), import::Options::default(), |_, _, _| {}).map(drop)
    });
    imported.into()
}
