//! The steps of one operation, pure: what to ask the platform next, and what its answer means.
//!
//! 1. Read what the platform holds. 2. It is as wanted already: done. It is as it was here before the change: send. Else: a conflict.
//! 3. Sent with success: what the platform answers is what it holds. Refused: what it held stays. No answer that could be used: begin
//!    again later, with reading. So an operation whose answer was lost is seen to be done, and is not done twice.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::api::Answer;
use super::compare::{fits, has_not_changed, has_value, is_scheduled, login_of, may_be};
use super::objects::{Object, id_of, read};
use super::paths::{config_path, path};
use super::rules::{Rule, is_broken};
use super::transport::{Request, argument};
use crate::domain::id::Id;
use crate::domain::mirror::Table;
use crate::domain::mobile_config::structure_digest;
use crate::domain::platform::{Call, Operation};

/// What came of an operation. `theirs`: what the platform holds, as it sent it; `None` when the object is not there.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    Done {
        theirs: Option<String>,
    },
    Conflict {
        theirs: Option<String>,
    },
    /// `error`: the platform's own, as JSON.
    Refused {
        error: String,
        theirs: Option<String>,
    },
    /// Not now: it is tried again, from the beginning.
    Later(String),
}

/// What follows an answer.
#[derive(Debug)]
pub enum Step {
    Ask(Box<Sending>),
    End(Outcome),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Read,
    ReadSource,
    Send,
    ReadBack,
}

/// An operation under way.
#[derive(Debug)]
pub struct Sending {
    operation: Operation,
    /// A password to be set.
    password: Option<String>,
    /// Objects that are known here: none of them is the one that is to be created.
    known: HashSet<Id>,
    phase: Phase,
    /// What the platform held when it was read.
    theirs: Option<String>,
}

impl Sending {
    pub fn new(operation: Operation, password: Option<String>, known: HashSet<Id>) -> Sending {
        let leaves_out =
            is_broken(if operation.call.is_create() { Rule::LookUpBeforeCreate } else { Rule::ReadBeforeSend });
        let phase = if leaves_out { Phase::Send } else { Phase::Read };
        Sending { operation, password, known, phase, theirs: None }
    }

    /// Whether the next request changes something at the platform.
    pub fn is_sending(&self) -> bool {
        self.phase == Phase::Send
    }

    /// What to ask the platform.
    pub fn next(&self) -> Request {
        let Operation { call, target, change, .. } = &self.operation;
        match (self.phase, call) {
            (Phase::Send, _) => self.change(),
            (Phase::ReadSource, _) => Request::get(config_path(change.from.unwrap_or(*target))),
            (Phase::Read, Call::CreateEmployee) => {
                let text = |name: &str| change.to.get(name).and_then(Value::as_str);
                let wanted = text("emailAddress").or(text("name")).unwrap_or_default();
                Request::get(format!(
                    "/employee?customer={}&filter={}&full=true&limit=500",
                    self.operation.customer,
                    argument(wanted)
                ))
            }
            (Phase::Read, Call::CreateCustomer) => {
                let name = change.to.get("name").and_then(Value::as_str).unwrap_or_default();
                Request::get(format!(
                    "/customer?filter={}&full=true&includeSubresellers=true&limit=500",
                    argument(name)
                ))
            }
            (Phase::Read | Phase::ReadBack, call) => Request::get(path(call.table(), *target)),
        }
    }

    fn change(&self) -> Request {
        let Operation { call, target, change, .. } = &self.operation;
        let mut body = change.to.clone();
        if let Some(password) = &self.password {
            body.insert("password".into(), password.as_str().into());
        }
        match call {
            Call::CreateCustomer => Request::post("/customer", Some(body.into())),
            Call::CreateEmployee => Request::post("/employee", Some(body.into())),
            Call::UpdateCustomer | Call::UpdateEmployee => {
                Request::post(path(call.table(), *target), Some(body.into()))
            }
            Call::DeleteCustomer => Request::delete(path(Table::Customer, *target)),
            Call::DeleteEmployee => {
                let date = change.date.as_ref().map(|date| format!("deleteDate={date}"));
                let extensions = change.with_extensions.then(|| "deleteExtensions=true".to_owned());
                let arguments: Vec<String> = date.into_iter().chain(extensions).collect();
                let mark = if arguments.is_empty() { "" } else { "?" };
                Request::delete(format!("{}{mark}{}", path(Table::Employee, *target), arguments.join("&")))
            }
            Call::CreateConfig => Request::post(config_path(*target), None),
            Call::CopyConfig => {
                let from = change.from.unwrap_or(*target).to_string();
                let ids = [("_id", from), ("copyTo", target.to_string())];
                let body = ids.map(|(name, id)| (name.to_owned(), Value::from(id)));
                Request::post("/pbx/app/mobileconfig/", Some(Map::from_iter(body).into()))
            }
        }
    }

    /// What the answer means; `None`: there was none.
    pub fn on(mut self, answer: Option<&Answer>) -> Step {
        let Some(answer) = answer else { return later("no answer") };
        match self.phase {
            Phase::Read => match self.read(answer) {
                Ok(theirs) => {
                    self.theirs = theirs;
                    match self.operation.call {
                        Call::CopyConfig if self.theirs.is_some() => self.go_on(Phase::ReadSource),
                        _ => self.decide(None),
                    }
                }
                Err(why) => later(&why),
            },
            Phase::ReadSource => match answer.status {
                200 => match text_of(answer).and_then(|text| self.content(&text)) {
                    Some(source) => self.decide(Some(source)),
                    None => later("what the platform holds of the source cannot be read"),
                },
                // The platform says what is wrong with it.
                404 if answer.is_in_its_words() => self.go_on(Phase::Send),
                _ => later(&answer.error()),
            },
            Phase::Send => self.sent(answer),
            Phase::ReadBack => match self.read(answer) {
                Ok(theirs) => Step::End(Outcome::Done { theirs }),
                Err(why) => later(&why),
            },
        }
    }

    /// What the platform holds of the object.
    fn read(&self, answer: &Answer) -> Result<Option<String>, String> {
        let is_create = self.operation.call.is_create();
        match answer.status {
            200 if is_create && self.phase == Phase::Read => self.find(answer),
            200 => {
                let text = text_of(answer).ok_or("what the platform holds cannot be read")?;
                let object = read(self.operation.call.table(), &text, self.operation.customer)?;
                let is_deleted = object.fields().is_ok_and(|fields| fields.get("state") == Some(&"DELETED".into()));
                Ok((!is_deleted).then_some(text))
            }
            404 if !is_create && answer.is_in_its_words() => Ok(None),
            _ => Err(answer.error()),
        }
    }

    /// Looks for the object that is to be created among those that the platform lists.
    fn find(&self, answer: &Answer) -> Result<Option<String>, String> {
        let (kind, list) = match self.operation.call.table() {
            Table::Customer => (Table::Customer, "customers"),
            _ => (Table::Employee, "employees"),
        };
        let page = answer.json().ok_or("the platform's list cannot be read")?;
        let listed = page[list].as_array().ok_or("the platform's list cannot be read")?;
        let to = &self.operation.change.to;
        for text in listed.iter().map(Value::to_string) {
            let Ok(object) = read(kind, &text, self.operation.customer) else { continue };
            let (id, fields) = (id_of(&text), object.fields().unwrap_or_default());
            let is_live = fields.get("state") != Some(&"DELETED".into());
            // By its address it is the same even where it is known.
            let is_other = self.known.contains(&id) && login_of(to).is_none();
            if is_live && !is_other && may_be(to, &fields) {
                return Ok(Some(text));
            }
        }
        Ok(None)
    }

    fn content(&self, text: &str) -> Option<String> {
        match read(Table::MobileConfig, text, self.operation.customer) {
            Ok(Object::Config { content, .. }) => Some(content),
            _ => None,
        }
    }

    /// Whether to send. `source`: of a copy, the source's content at the platform.
    fn decide(self, source: Option<String>) -> Step {
        let Operation { call, change, .. } = &self.operation;
        let theirs = self.theirs.clone();
        let fields = theirs.as_deref().and_then(|text| {
            read(call.table(), text, self.operation.customer).ok().and_then(|object| object.fields().ok())
        });
        let (is_as_wanted, is_as_it_was) = match call {
            Call::CreateCustomer | Call::CreateEmployee => match &fields {
                Some(fields) => (fits(&change.to, fields), false),
                None => (false, true),
            },
            Call::UpdateCustomer | Call::UpdateEmployee => match &fields {
                Some(fields) => (
                    fits(&change.to, fields) && self.password.is_none(),
                    change.to.keys().all(|name| {
                        has_value(name, fields.get(name), change.was.get(name))
                            || has_value(name, fields.get(name), change.to.get(name))
                    }),
                ),
                None => (false, true),
            },
            Call::DeleteCustomer | Call::DeleteEmployee => match &fields {
                Some(fields) => (is_scheduled(change.date.as_deref(), fields), has_not_changed(&change.was, fields)),
                None => (true, true),
            },
            Call::CreateConfig => (theirs.is_some(), true),
            Call::CopyConfig => {
                let target = theirs.as_deref().and_then(|text| self.content(text)).map(|text| structure_digest(&text));
                let was = change.was.get("configs").and_then(Value::as_str);
                let is_as_wanted = target.is_some() && target == source.as_deref().map(structure_digest);
                (is_as_wanted, target.is_none() || target.as_deref() == was)
            }
        };
        if is_as_wanted {
            return Step::End(Outcome::Done { theirs });
        }
        match is_as_it_was || change.is_decided || is_broken(Rule::CompareBase) {
            true => self.go_on(Phase::Send),
            false => Step::End(Outcome::Conflict { theirs }),
        }
    }

    fn sent(self, answer: &Answer) -> Step {
        match answer.status {
            200 => self.succeeded(answer),
            // It may be done, or not: reading shows.
            401 | 408 | 425 | 429 | 500.. => later(&answer.error()),
            400..=499 if answer.is_in_its_words() => {
                Step::End(Outcome::Refused { error: answer.error(), theirs: self.theirs })
            }
            _ => later(&answer.error()),
        }
    }

    fn succeeded(self, answer: &Answer) -> Step {
        let call = self.operation.call;
        let is_delete = matches!(call, Call::DeleteCustomer | Call::DeleteEmployee);
        let body = answer.json();
        if is_delete && body.as_ref().is_some_and(|body| body["success"] == true) {
            return match self.operation.change.date {
                Some(_) => self.go_on(Phase::ReadBack),
                None => Step::End(Outcome::Done { theirs: None }),
            };
        }
        let text = text_of(answer);
        let is_create = call.is_create();
        let object = text.as_deref().map(|text| (id_of(text), read(call.table(), text, self.operation.customer)));
        match object {
            Some((id, Ok(_))) if is_create || id == self.operation.target => Step::End(Outcome::Done { theirs: text }),
            // Whether it was done is seen when it is read again.
            _ => later("the platform's answer cannot be read"),
        }
    }

    fn go_on(self, phase: Phase) -> Step {
        Step::Ask(Box::new(Sending { phase, ..self }))
    }
}

fn later(why: &str) -> Step {
    Step::End(Outcome::Later(why.to_owned()))
}

fn text_of(answer: &Answer) -> Option<String> {
    let text = std::str::from_utf8(&answer.body).ok()?;
    serde_json::from_str::<Value>(text).ok().filter(Value::is_object).map(|_| text.to_owned())
}
