//! Every URL of the controls on one screen.

use actix_web::http::Method;
use actix_web::{HttpRequest, HttpResponse, web};

use super::calls::*;
use super::data::*;
use super::events::{NewEvent, send_event};
use super::openapi;
use super::outbox::{self, Outbox};
use super::workspace_calls::*;
use super::workspaces::Workspace;
use crate::api::endpoint::{Endpoint, delete, get, of, post, put};
use crate::api::openapi::{Document, document};
use crate::api::schemas::errors::Success;
use crate::error::{Check, Error, Result};
use crate::web::mock::fault_rule::FaultRule;

pub fn configure(config: &mut web::ServiceConfig) {
    let wrong = |message: String| {
        let error = Error::invalid("body", Check::Format, message);
        actix_web::Error::from(error)
    };
    let json = web::JsonConfig::default()
        .content_type_required(false)
        .error_handler(move |error, _| wrong(format!("the body cannot be used: {error}; see docs/control.md")));
    let query = web::QueryConfig::default()
        .error_handler(move |error, _| wrong(format!("the arguments cannot be used: {error}; see docs/control.md")));
    config.app_data(json).app_data(query);
    config.app_data(web::Data::new(Document::of(calls, openapi::build)));
    for call in calls() {
        config.route(call.path, call.route);
    }
    config
        .route("/_ctl/openapi.json", web::get().to(document))
        .service(web::redirect("/", "/_ctl/docs/index.html"))
        .service(web::redirect("/_ctl/docs", "/_ctl/docs/index.html"))
        .route("/_ctl/docs/{file:.*}", web::get().to(openapi::page))
        .default_service(web::to(unknown));
}

/// The calls; each has its name in the place of a documentation page.
#[rustfmt::skip]
pub fn calls() -> Vec<Endpoint> {
    vec![
        post("/_ctl/reset", "reset", "Back to the seed, or to a snapshot: data, clock, faults and journal", of::<Success>(), reset).optional_body::<ResetTo>(),
        get("/_ctl/snapshots", "listSnapshots", "The names of the snapshots", of::<Snapshots>(), list_snapshots),
        put("/_ctl/snapshots/{name}", "saveSnapshot", "Save the data under a name", of::<Success>(), save_snapshot),
        post("/_ctl/snapshots/{name}", "restoreSnapshot", "Back to what was saved; the clock stays", of::<Success>(), restore_snapshot),
        delete("/_ctl/snapshots/{name}", "deleteSnapshot", "Delete what was saved", of::<Success>(), delete_snapshot),
        get("/_ctl/clock", "clock", "What the clock shows", of::<ClockShows>(), clock),
        post("/_ctl/clock", "steerClock", "Freeze it, set it, advance it, or let it run on", of::<ClockShows>(), steer_clock).body::<SteerClock>(),
        post("/_ctl/tokens", "token", "A session without a password", of::<TokenOf>(), token).body::<TokenFor>(),
        get("/_ctl/faults", "listFaults", "The faults, with how often each has hit", of::<FaultList>(), list_faults),
        post("/_ctl/faults", "addFault", "Have requests go wrong", of::<FaultId>(), add_fault).body::<FaultRule>(),
        delete("/_ctl/faults", "removeFaults", "Remove all faults", of::<Success>(), remove_faults),
        delete("/_ctl/faults/{id}", "removeFault", "Remove one fault", of::<Success>(), remove_fault),
        get("/_ctl/requests", "requests", "The last 1,000 requests with their answers, oldest first; format=har: an HTTP archive", of::<Requests>(), requests).query(openapi::QUERY),
        delete("/_ctl/requests", "clearRequests", "Clear the journal", of::<Success>(), clear_requests),
        post("/_ctl/events", "sendEvent", "Send an event of the platform's to whoever listens", of::<Success>(), send_event).body::<NewEvent>(),
        get("/_ctl/outbox", "outbox", "What would have gone out: mails, text messages and actions of the app, oldest first", of::<Outbox>(), outbox::list).query(openapi::OUTBOX_QUERY),
        delete("/_ctl/outbox", "clearOutbox", "Clear the outbox", of::<Success>(), outbox::clear),
        get("/_ctl/workspaces", "listWorkspaces", "The workspaces", of::<WorkspaceList>(), list_workspaces),
        post("/_ctl/workspaces", "addWorkspace", "A server of its own with the seed, for one test", of::<Workspace>(), add_workspace).optional_body::<NewWorkspace>(),
        delete("/_ctl/workspaces/{name}", "removeWorkspace", "Drop a workspace", of::<Success>(), remove_workspace),
    ]
}

/// There is no such control.
async fn unknown(request: HttpRequest) -> Result<HttpResponse> {
    let message = match *request.method() {
        Method::GET => "There is no such control: GET /_ctl/openapi.json lists them",
        _ => "There is no such control, or it takes another method: GET /_ctl/openapi.json lists them",
    };
    Err(Error::not_found("control", message))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::openapi::build;

    #[test]
    fn every_call_is_described_and_what_it_refers_to_is_there() {
        let calls = calls();
        let document = build(&calls);
        for call in &calls {
            let described = &document["paths"][call.path][call.method.to_lowercase()];
            assert_eq!(described["operationId"], call.page, "{} {}", call.method, call.path);
        }
        let text = document.to_string();
        for part in text.split("#/components/schemas/").skip(1) {
            let name = part.split('"').next().unwrap();
            assert!(document["components"]["schemas"][name].is_object(), "{name}");
        }
        let names: std::collections::HashSet<_> = calls.iter().map(|call| call.page).collect();
        assert_eq!(names.len(), calls.len(), "names are given once");
    }
}
