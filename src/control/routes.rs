//! Every URL of the controls on one screen.

use actix_web::http::Method;
use actix_web::{HttpRequest, HttpResponse, web};

use super::calls::*;
use super::data::*;
use super::workspace_calls::*;
use crate::error::{Check, Error, Result};

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
    config
        .route("/_ctl/reset", web::post().to(reset))
        .service(
            web::resource("/_ctl/snapshots/{name}").put(save_snapshot).post(restore_snapshot).delete(delete_snapshot),
        )
        .service(web::resource("/_ctl/snapshots").get(list_snapshots))
        .service(web::resource("/_ctl/clock").get(clock).post(steer_clock))
        .service(web::resource("/_ctl/tokens").post(token))
        .service(web::resource("/_ctl/faults").get(list_faults).post(add_fault).delete(remove_faults))
        .service(web::resource("/_ctl/faults/{id}").delete(remove_fault))
        .service(web::resource("/_ctl/requests").get(requests).delete(clear_requests))
        .service(web::resource("/_ctl/outbox").get(outbox))
        .service(web::resource("/_ctl/workspaces").get(list_workspaces).post(add_workspace))
        .service(web::resource("/_ctl/workspaces/{name}").delete(remove_workspace))
        .default_service(web::to(unknown));
}

/// There is no such control.
async fn unknown(request: HttpRequest) -> Result<HttpResponse> {
    let message = match *request.method() {
        Method::GET => "There is no such control: docs/control.md lists them",
        _ => "There is no such control, or it takes another method: docs/control.md lists them",
    };
    Err(Error::not_found("control", message))
}
