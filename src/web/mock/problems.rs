//! What the documentation does not allow of a request: calls that are not there, arguments and properties that are not known.

use serde::Serialize;
use serde_json::Value;

use super::fault_rule::{Seen, fits};

/// What is wrong with a request, and the page that says so.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct Problem {
    pub what: String,
    /// The documentation page of the call, or what else says it.
    pub page: String,
}

/// A call that is served.
pub struct Rule {
    pub method: &'static str,
    /// With `{name}` for what is any.
    pub path: &'static str,
    pub page: &'static str,
    pub arguments: Vec<&'static str>,
    /// The schema of its body, with its properties; `None`: it takes none.
    pub body: Option<Value>,
    /// Its body is a file.
    pub is_upload: bool,
}

/// Every call that is known.
pub struct Rules {
    /// The description that the schemas refer into.
    pub document: Value,
    pub served: Vec<Rule>,
    /// Calls that the platform has and this server has not: method, path with parameters, page.
    pub not_served: Vec<(&'static str, String, &'static str)>,
}

impl Rules {
    /// Whether a URL is known, for that method or for any; parameters may be as they are or by their names.
    pub fn is_url(&self, method: Option<&str>, path: &str) -> bool {
        let is = |known: &str| method.is_none_or(|method| method == known || method == "HEAD" && known == "GET");
        self.served.iter().any(|rule| is(rule.method) && fits(rule.path, path))
            || self.not_served.iter().any(|(known, pattern, _)| is(known) && fits(pattern, path))
    }

    /// The served call that a request is; of several the one with fewer parameters.
    fn rule(&self, method: &str, path: &str) -> Option<&Rule> {
        let method = if method == "HEAD" { "GET" } else { method };
        let fit = self.served.iter().filter(|rule| rule.method == method && fits(rule.path, path));
        fit.min_by_key(|rule| rule.path.matches('{').count())
    }

    /// Everything that is wrong with a request.
    pub fn find(&self, seen: &Seen) -> Vec<Problem> {
        let Some(rule) = self.rule(&seen.method, &seen.path) else { return self.unknown_call(seen) };
        let page = if rule.page.is_empty() { "/openapi.json" } else { rule.page };
        let problem = |what: String| Problem { what, page: page.to_owned() };
        let mut problems = vec![];
        for (name, _) in form_urlencoded::parse(seen.query.as_bytes()) {
            let bare = name.trim_end_matches("[]");
            if bare != "token" && !rule.arguments.contains(&bare) {
                problems.push(problem(format!("the argument {name} is not documented")));
            }
        }
        if seen.body.is_empty() || rule.is_upload {
            return problems;
        }
        match (&rule.body, serde_json::from_slice::<Value>(&seen.body)) {
            (None, _) => problems.push(problem(format!("{} {} takes no body", rule.method, rule.path))),
            (Some(_), Err(error)) => problems.push(problem(format!("the body is no JSON: {error}"))),
            (Some(schema), Ok(body)) => {
                problems.extend(unknown_properties(&self.document, schema, &body, "").into_iter().map(problem));
            }
        }
        problems
    }

    fn unknown_call(&self, seen: &Seen) -> Vec<Problem> {
        let is_own = ["/docs", "/"].iter().any(|own| seen.path == *own) || seen.path.starts_with("/docs/");
        if is_own || seen.method == "OPTIONS" {
            return vec![];
        }
        let known = self.not_served.iter().find(|(method, path, _)| *method == seen.method && fits(path, &seen.path));
        let problem = match known {
            Some((_, _, page)) => Problem {
                what: "the platform has this call, this server does not serve it".into(),
                page: (*page).into(),
            },
            None => Problem {
                what: format!("the platform is not known to have {} {}", seen.method, seen.path),
                page: "docs/api.md".into(),
            },
        };
        vec![problem]
    }
}

/// Properties of a body that its schema does not name, with their paths.
fn unknown_properties(root: &Value, schema: &Value, value: &Value, path: &str) -> Vec<String> {
    let schema = resolve(root, schema);
    match value {
        Value::Object(object) => {
            let mut known = serde_json::Map::new();
            collect(root, schema, &mut known);
            // A schema without properties allows any.
            if known.is_empty() {
                return vec![];
            }
            let each = |(name, value): (&String, &Value)| {
                let here = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                match known.get(name) {
                    Some(schema) => unknown_properties(root, schema, value, &here),
                    None => vec![format!("the property {here} is not documented")],
                }
            };
            object.iter().flat_map(each).collect()
        }
        Value::Array(list) => {
            let Some(items) = schema.get("items") else { return vec![] };
            let each = |(n, value): (usize, &Value)| unknown_properties(root, items, value, &format!("{path}[{n}]"));
            list.iter().enumerate().flat_map(each).collect()
        }
        _ => vec![],
    }
}

/// The properties of a schema, and of those that it is made of.
fn collect(root: &Value, schema: &Value, known: &mut serde_json::Map<String, Value>) {
    let schema = resolve(root, schema);
    if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
        known.extend(properties.clone());
    }
    for name in ["allOf", "anyOf", "oneOf"] {
        for part in schema.get(name).and_then(Value::as_array).into_iter().flatten() {
            collect(root, part, known);
        }
    }
}

/// What a reference of the schema leads to.
fn resolve<'s>(root: &'s Value, schema: &'s Value) -> &'s Value {
    let target =
        schema.get("$ref").and_then(Value::as_str).and_then(|target| root.pointer(target.trim_start_matches('#')));
    target.unwrap_or(schema)
}
