//! Every URL of the product on one screen.

use actix_web::http::header;
use actix_web::middleware::DefaultHeaders;
use actix_web::{HttpRequest, guard, web};

use super::audit::AuditPage;
use super::auth::Session;
use super::change_log::ChangeLogLite;
use super::change_log_entry::{ChangeLogEntry, ChangeLogPage};
use super::endpoint::{Endpoint, delete, get, of, post};
use super::health::Health;
use super::local::{ConfigChanges, UndoneOperation};
use super::methods::{Methods, other_method, passed_on};
use super::overview::{CallNotifications, CustomerOverview, ResellerContact};
use super::pbx_app::{AppEmployees, Queues};
use super::platform::{PlatformConnect, PlatformDisconnect, PlatformOperations};
use super::schemas::addresses::*;
use super::schemas::auth::*;
use super::schemas::book::*;
use super::schemas::customers::*;
use super::schemas::employees::*;
use super::schemas::errors::{Any, Success};
use super::schemas::local::*;
use super::schemas::mobile_configs::*;
use super::schemas::outgoing::*;
use super::schemas::pbx::*;
use super::schemas::pbx_app::*;
use super::schemas::realtime::RealtimeEvent;
use super::schemas::sync::*;
use super::server_status::SyncHistory;
use super::session::ConsoleSession;
use super::sync::{SyncProposals, SyncQuarantine};
use super::validate_token::TokenValidity;
use super::{
    AppState, addresses, app_actions, audit, auth, authenticator_keys, change_log, customers, employees, events,
    forward, health, home, local, login, mobile_configs, named_values, not_served, openapi, overview, passwords,
    pbx_app, pbx_extensions, pbx_queues, phonebook, pictures, platform, realtime, server_status, session, shortcuts,
    swagger_ui, sync, tokens, validate_token,
};
use crate::console;
use crate::domain::address::Address;
use crate::domain::app_versions::AppVersions;
use crate::domain::customer::Customer;
use crate::domain::employee::Employee;
use crate::domain::pbx::Contact;
use crate::domain::pbx::Rights;
use crate::sync::edge::verify::Proof;
use crate::usecases::audit_proof::AuditProof;
use crate::web::console_cookie::EVENTS;
use crate::web::error::method_not_allowed;
use crate::web::middleware::SOCKET_IO;
use crate::web::socket_io;

/// Every endpoint, in the order of the documentation.
#[rustfmt::skip]
pub fn endpoints() -> Vec<Endpoint> {
    vec![
        post("/auth/login", "api:auth:login", "Log in", of::<Session>(), login::login_post).body::<Login>(),
        get("/auth/login", "api:auth:login", "Log in; POST is preferred", of::<Session>(), login::login_get).query("username password smsKey authenticatorToken cookie persist"),
        get("/auth/logout", "api:auth:logout", "End all sessions of the caller", of::<Success>(), auth::logout),
        post("/auth/reset", "api:auth:reset", "Have a link to a new password sent", of::<PasswordResetSent>(), passwords::reset_post).body::<PasswordReset>(),
        get("/auth/reset", "api:auth:reset", "Have a link to a new password sent", of::<PasswordResetSent>(), passwords::reset_get).query("username method"),
        post("/auth/setpassword", "api:auth:setpassword", "Set a new password by the token of a link", of::<Success>(), passwords::set_post).body::<SetPassword>(),
        get("/auth/setpassword", "api:auth:setpassword", "Set a new password by the token of a link; POST is preferred", of::<Success>(), passwords::set_get).query("token password"),
        get("/auth/validateToken", "api:auth:validatetoken", "Whether a token is valid, and whose it is", of::<TokenValidity>(), validate_token::validate_token).query("token ip simple extend"),
        get("/auth/impersonate/{employee}", "api:auth:impersonate", "A session as another employee", of::<Session>(), auth::impersonate).query("ip persist"),

        get("/customer", "api:customer:list", "Customers of the caller's reseller", of::<CustomerPage>(), customers::list).query("offset limit filter full includeDeleted all includeSubresellers parentReseller flexcare iptvproviders iptvprivate resellers customerIds"),
        post("/customer", "api:customer:create", "Create a customer", of::<Customer>(), customers::create).body::<CustomerWrite>(),
        post("/customer/names/list", "api:customer:get-names", "Names of customers by id", of::<CustomerNames>(), customers::names).body::<CustomerIds>(),
        get("/customer/resellers/list", "api:customer:resellers", "Resellers that parentReseller may name", of::<Resellers>(), customers::resellers).query("iptv iptvprivate flexcare voip"),
        get("/customer/overview", "api:customer:overview", "How much a customer has", of::<CustomerOverview>(), overview::by_query).query("customer"),
        post("/customer/overview", "api:customer:overview", "How much a customer has", of::<CustomerOverview>(), overview::by_body).query("customer").optional_body::<OverviewQuery>(),
        get("/customer/{customer}", "api:customer:get", "One customer", of::<Customer>(), customers::get),
        post("/customer/{customer}", "api:customer:update", "Change a customer; what is not given stays", of::<Customer>(), customers::update).body::<CustomerWrite>(),
        delete("/customer/{customer}", "api:customer:delete", "Delete a customer and its employees", of::<Success>(), customers::delete),
        get("/customer/{customer}/name", "api:customer:get-name", "Name and features of a customer", of::<CustomerName>(), customers::name),
        get("/customer/{customer}/security", "api:customer:security", "Second factor the customer's employees must log in with", of::<Security>(), customers::security),
        get("/customer/{customer}/overview", "api:customer:overview", "How much a customer has", of::<CustomerOverview>(), overview::by_path),
        post("/customer/{customer}/overview", "api:customer:overview", "How much a customer has", of::<CustomerOverview>(), overview::by_path),
        get("/customer/{customer}/callnotify", "api:customer:callnotify-list", "Where a customer's calls are reported to", of::<CallNotifications>(), overview::call_notify),
        get("/customer/{customer}/address", "api:customer:address-list", "Addresses of a customer", of::<Addresses>(), addresses::list),
        post("/customer/{customer}/address", "api:customer:address-create", "Add an address", of::<Address>(), addresses::create).body::<AddressWrite>(),
        get("/customer/{customer}/address/{address}", "api:customer:address-get", "One address", of::<Address>(), addresses::get),
        post("/customer/{customer}/address/{address}", "api:customer:address-update", "Change an address; what is not given stays", of::<Address>(), addresses::update).body::<AddressWrite>(),
        delete("/customer/{customer}/address/{address}", "api:customer:address-delete", "Delete an address nobody uses", of::<Success>(), addresses::delete),

        get("/employee", "api:employee:list", "Employees of a customer", of::<EmployeePage>(), employees::list).query("customer offset limit filter full includeDeleted"),
        post("/employee", "api:employee:create", "Create an employee", of::<Employee>(), employees::create).body::<EmployeeWrite>(),
        get("/employee/{employee}", "api:employee:get", "One employee", of::<Employee>(), employees::get),
        post("/employee/{employee}", "api:employee:update", "Change an employee; what is not given stays", of::<Employee>(), employees::update).body::<EmployeeWrite>(),
        delete("/employee/{employee}", "api:employee:delete", "Delete an employee, now or on a later day", of::<Deleted>(), employees::delete).query("deleteDate deleteExtensions deleteMvnoAccounts"),
        post("/employee/{employee}/token", "api:employee:createtoken", "Create a machine-to-machine token", of::<Token>(), tokens::create),
        delete("/employee/{employee}/token/{token}", "api:employee:deletetoken", "Delete a machine-to-machine token", of::<Success>(), tokens::delete),
        get("/employee/{employee}/resetpassword", "api:employee:reset-password", "Mail an employee a link to a new password", of::<Success>(), passwords::send),
        get("/employee/{employee}/picture", "api:employee:picture-download", "The picture of an employee", of::<Png>(), pictures::download),
        post("/employee/{employee}/picture", "api:employee:picture-upload", "Store the picture of an employee", of::<PictureStored>(), pictures::upload).upload::<PictureUpload>(),
        post("/employee/{employee}/authenticatorkey/create", "api:employee:createauthenticatorkey", "A new authenticator key for oneself", of::<AuthenticatorKey>(), authenticator_keys::create),
        post("/employee/{employee}/authenticatorkey/reset", "api:employee:resetauthenticatorkey", "Clear an employee's authenticator key", of::<Success>(), authenticator_keys::reset),
        get("/employee/{employee}/shortcuts", "api:employee:get-shortcuts", "Links that an employee's app shows", of::<ShortcutList>(), shortcuts::get),
        post("/employee/{employee}/shortcuts", "api:employee:set-shortcuts", "Replace all of an employee's shortcuts", of::<Success>(), shortcuts::set).body::<ShortcutsWrite>(),

        get("/pbx/app/mobileconfig", "api:pbx:app:mobileconfig:list", "Mobile configs to copy from", of::<MobileConfigs>(), mobile_configs::list).query("employee customer"),
        post("/pbx/app/mobileconfig", "api:pbx:app:mobileconfig:copy", "Copy one employee's mobile config onto another's", of::<MobileConfig>(), mobile_configs::copy).body::<Copy>(),
        get("/pbx/app/mobileconfig/{employee}", "api:pbx:app:mobileconfig:get", "One mobile config", of::<MobileConfig>(), mobile_configs::get),
        post("/pbx/app/mobileconfig/{employee}", "api:pbx:app:mobileconfig:create", "Create a mobile config, or replace its content", of::<MobileConfig>(), mobile_configs::create).optional_body::<MobileConfigWrite>(),
        get("/pbx/app/employees", "api:pbx:app:employees", "Colleagues for the app", of::<AppEmployees>(), pbx_app::employees_get).query("ids calls standalone"),
        post("/pbx/app/employees", "api:pbx:app:employees", "Colleagues for the app", of::<AppEmployees>(), pbx_app::employees_post).optional_body::<AppEmployeesQuery>(),
        get("/pbx/app/queues", "api:pbx:app:queues", "Queues for the app", of::<Queues>(), pbx_app::queues).query("extension all queue"),
        post("/pbx/app/reseller", "api:pbx:app:reseller", "How to get in touch with the reseller", of::<ResellerContact>(), overview::reseller),
        get("/pbx/app/version", "api:pbx:app:version", "Newest versions of the apps", of::<AppVersions>(), overview::versions),

        get("/pbx/phonebook", "api:pbx:phonebook:list", "Contacts of the phone book", of::<ContactPage>(), phonebook::list).query("customer offset limit filter"),
        post("/pbx/phonebook", "api:pbx:phonebook:create", "Create a contact", of::<Contact>(), phonebook::create).body::<ContactWrite>(),
        get("/pbx/phonebook/{contact}", "api:pbx:phonebook:get", "One contact", of::<Contact>(), phonebook::get),
        post("/pbx/phonebook/{contact}", "api:pbx:phonebook:update", "Change a contact; what is not given stays", of::<Contact>(), phonebook::update).body::<ContactWrite>(),
        delete("/pbx/phonebook/{contact}", "api:pbx:phonebook:delete", "Delete a contact", of::<Success>(), phonebook::delete),
        get("/pbx/switch", "api:pbx:switch:list", "Switches of the PBX", of::<PbxSwitches>(), named_values::list_switches).query("customer"),
        get("/pbx/switch/{name}", "api:pbx:switch:get", "One switch; with `value` it is set, and the answer is that of POST", of::<PbxSwitch>(), named_values::get_switch).query("value customer"),
        post("/pbx/switch/{name}", "api:pbx:switch:set", "Set a switch", of::<Success>(), named_values::set_switch).body::<SwitchValue>(),
        get("/pbx/variable", "api:pbx:variable:list", "Variables of the PBX", of::<PbxVariables>(), named_values::list_variables).query("customer"),
        get("/pbx/variable/{name}", "api:pbx:variable:set", "One variable; with `value` it is set, and the answer is that of POST", of::<PbxVariable>(), named_values::get_variable).query("value customer"),
        post("/pbx/variable/{name}", "api:pbx:variable:set", "Set a variable", of::<Success>(), named_values::set_variable).body::<VariableValue>(),
        get("/pbx/app/permissions", "api:pbx:app:permissions", "What the caller may do with the extensions of its groups", of::<Permissions>(), pbx_extensions::permissions),
        get("/pbx/app/grouppermissions", "api:pbx:app:grouppermissions", "What the caller may do with one extension", of::<Rights>(), pbx_extensions::group_permissions).query("target"),

        get("/pbx/queue/{queue}", "api:pbx:queue:get", "One queue", of::<QueueView>(), pbx_queues::get).query("expandGoto members callers"),
        get("/pbx/queue/{queue}/member", "api:pbx:queue:members", "Members of a queue", of::<QueueMembers>(), pbx_queues::members),
        post("/pbx/queue/{queue}/member", "api:pbx:queue:member-join", "Join a queue", of::<MemberView>(), pbx_queues::join).body::<QueueMemberWrite>(),
        get("/pbx/queue/{queue}/member/join", "api:pbx:queue:member-join", "Join a queue; POST is preferred", of::<MemberView>(), pbx_queues::join_get).query("extension number priority permanent"),
        get("/pbx/queue/{queue}/member/{member}", "api:pbx:queue:member-update", "Change a member of a queue; POST is preferred", of::<MemberView>(), pbx_queues::update_get).query("priority permanent"),
        post("/pbx/queue/{queue}/member/{member}", "api:pbx:queue:member-update", "Change a member of a queue; what is not given stays", of::<MemberView>(), pbx_queues::update).body::<QueueMemberWrite>(),
        delete("/pbx/queue/{queue}/member/{member}", "api:pbx:queue:member-leave", "Leave a queue", of::<Success>(), pbx_queues::leave),
        get("/pbx/extension", "api:pbx:extension:list", "Extensions of a customer", of::<ExtensionPage>(), pbx_extensions::list).query("customer employee offset limit filter full sort includePhones"),
        get("/pbx/extension/{extension}", "api:pbx:extension:get", "One extension", of::<ExtensionView>(), pbx_extensions::get),
        get("/pbx/group", "api:pbx:group:list", "Groups of a customer", of::<GroupPage>(), pbx_extensions::list_groups).query("customer offset limit filter full sort"),
        get("/pbx/group/{group}", "api:pbx:group:get", "One group", of::<GroupView>(), pbx_extensions::get_group).query("expandExtension expandGoto"),

        get("/pbx/app/action/call", "api:pbx:app:action:call", "Call a number from an extension", of::<CallStarted>(), app_actions::call).query("device target"),
        get("/pbx/app/action/hangup", "api:pbx:app:action:hangup", "Hang up", of::<Success>(), app_actions::hangup).query("device"),
        get("/pbx/app/action/pickup", "api:pbx:app:action:pickup", "Answer a call that rings at another extension", of::<Success>(), app_actions::pickup).query("device target"),
        get("/pbx/app/action/queuepickup", "api:pbx:app:action:queuepickup", "Answer the next call of a queue", of::<Success>(), app_actions::queue_pickup).query("device queue target"),
        get("/pbx/app/action/steal", "api:pbx:app:action:steal", "Take over a call that another extension is in", of::<Success>(), app_actions::steal).query("device target"),
        get("/pbx/app/action/transfer", "api:pbx:app:action:transfer", "Transfer a call", of::<Success>(), app_actions::transfer).query("source destination"),
        post("/sms", "api:sms:send", "Send a text message", of::<SmsSent>(), app_actions::send_sms).body::<SmsWrite>(),

        get("/log/changelog/customer", "api:log:changelog:list", "Change log of the caller's customer", of::<ChangeLogPage>(), change_log::list).query("offset limit includeData includeEmployees version includeChanges sortBy orderBy what"),
        get("/log/changelog/customer/{customer}", "api:log:changelog:list", "Change log of a customer, or of SYSTEM", of::<ChangeLogPage>(), change_log::list).query("offset limit includeData includeEmployees version includeChanges sortBy orderBy what"),
        get("/log/changelog/customer/{customer}/{section}", "api:log:changelog:list", "Change log of one section", of::<ChangeLogPage>(), change_log::list).query("offset limit includeData includeEmployees version includeChanges sortBy orderBy what"),
        get("/log/changelog/customer/{customer}/{section}/{item}", "api:log:changelog:list", "Change log of one object", of::<ChangeLogPage>(), change_log::list).query("offset limit includeData includeEmployees version includeChanges sortBy orderBy what"),
        get("/log/changelog/{entry}", "api:log:changelog:get", "One entry of the change log", of::<ChangeLogEntry<'static>>(), change_log::get),
        get("/log/changeloglite", "api:log:changeloglite", "Changes of the last five days", of::<ChangeLogLite>(), change_log::lite).query("date customer reseller"),
        get("/tools/changelog", "api:tools:changelog", "Changes of the last five days, to be fetched once", of::<ChangeLogLite>(), change_log::tools).query("since customer reseller remove"),

        post("/local/copies", "", "Copy one mobile config onto many, all or none", of::<ConfigChanges>(), local::copy).body::<CopyToMany>(),
        post("/local/offers", "", "Offer colleagues and queues to many mobile configs, all or none", of::<ConfigChanges>(), local::offer).body::<OfferToMany>(),
        post("/local/operations/{operation}/undo", "", "Take back what an operation changed in mobile configs", of::<UndoneOperation>(), local::undo).optional_body::<Undo>(),
        post("/local/session", "", "Log in to the console, by a cookie", of::<ConsoleSession>(), session::open).body::<ConsoleLogin>(),
        get("/local/session", "", "Who works in the console", of::<ConsoleSession>(), session::get),
        delete("/local/session", "", "End this session of the console", of::<Success>(), session::close),
        get("/local/audit", "", "The audit trail, the newest entry first", of::<AuditPage>(), audit::list).query("offset limit customer section item by operation since until refused brief"),
        get("/local/audit/verify", "", "Prove the audit trail, and what it says of the objects", of::<AuditProof>(), server_status::verify),
        get("/local/status", "", "How this server is", of::<ServerStatus>(), server_status::status),
        get("/local/sync/history", "", "How far the hub was behind over time", of::<SyncHistory>(), server_status::sync_history).query("since"),
        get("/local/sync/proposals", "", "Proposals of the hub, and how they were answered", of::<SyncProposals>(), sync::proposals).query("offset limit"),
        get("/tools/realtime", "api:tools:realtime:proxy", "Broadcast an event to listeners, for ADMIN; POST is preferred", of::<Success>(), realtime::broadcast_get).query("eventType customer id employee"),
        post("/tools/realtime", "api:tools:realtime:proxy", "Broadcast an event to listeners, for ADMIN", of::<Success>(), realtime::broadcast_post).body::<RealtimeEvent>(),

        post("/sync", "", "Exchange with the hub and the platform now", of::<SyncStatus>(), sync::sync).query("acceptDeletes"),
        get("/sync/status", "", "State of the mirror", of::<SyncStatus>(), sync::status),
        post("/sync/verify", "", "Prove that the hub has exactly what is here", of::<Proof>(), sync::verify),
        get("/sync/quarantine", "", "Rows that the hub could not take", of::<SyncQuarantine>(), sync::quarantine),
        post("/sync/quarantine/{entry}/retry", "", "Send a row in quarantine again", of::<Success>(), sync::retry),
        post("/sync/quarantine/{entry}/drop", "", "Give up a row in quarantine", of::<Success>(), sync::drop),
        post("/sync/enroll", "", "Enrol with a hub, by a one-time code", of::<SyncStatus>(), sync::enroll).body::<SyncEnroll>(),

        get("/sync/operations", "", "Changes that the platform does not have", of::<PlatformOperations>(), platform::list_operations).query("state offset limit"),
        post("/sync/operations/{entry}/retry", "", "Send a refused change again", of::<Success>(), platform::retry),
        post("/sync/operations/{entry}/drop", "", "Give up a change", of::<Success>(), platform::drop),
        get("/sync/conflicts", "", "Changes that both sides have made", of::<PlatformOperations>(), platform::list_conflicts).query("offset limit"),
        post("/sync/conflicts/{entry}/mine", "", "Send the change made here all the same", of::<Success>(), platform::take_mine),
        post("/sync/conflicts/{entry}/theirs", "", "Give up the change made here", of::<Success>(), platform::take_theirs),
        post("/sync/platform/connect", "", "Work with the platform", of::<Success>(), platform::connect_platform).body::<PlatformConnect>(),
        post("/sync/platform/disconnect", "", "Work with the platform no more", of::<Success>(), platform::disconnect_platform).optional_body::<PlatformDisconnect>(),

        post("/sync/rotate-token", "", "Replace this server's token for its hub", of::<Success>(), sync::rotate_token),

        get("/tokens", "", "Machine-to-machine tokens, for ADMIN", of::<MachineTokens>(), tokens::list).query("employee customer offset limit"),
        delete("/tokens/{entry}", "", "Revoke a machine-to-machine token by its id, for ADMIN", of::<Success>(), tokens::revoke),

        get("/openapi.json", "", "This description", of::<Any>(), openapi::document),
        get("/metrics", "", "Metrics of mirror and server, in the text format of Prometheus", of::<Metrics>(), sync::metrics),
        get("/healthz", "", "Whether the process runs", of::<Health>(), health::healthz),
        get("/readyz", "", "Whether requests can be served", of::<Health>(), health::readyz),
    ]
}

/// The page of a server at `url` that links to new passwords lead to.
pub fn password_page(url: &str) -> String {
    format!("{url}/auth/setpassword")
}

/// The prefix of the mobile configs' paths, which are used most: they are tried first, and matched without it.
const OWN: &str = "/pbx/app/mobileconfig";

/// Registers every endpoint, the pages of Swagger UI, and the answer to everything else.
pub fn configure(state: &web::Data<AppState>, config: &mut web::ServiceConfig) {
    config.app_data(state.clone());
    config.app_data(web::Data::new(openapi::Document::of(endpoints, openapi::build)));
    let mut resources: Vec<(&str, actix_web::Resource, Methods)> = vec![];
    for endpoint in endpoints() {
        let place = resources.iter().position(|(path, ..)| *path == endpoint.path).unwrap_or_else(|| {
            resources.push((
                endpoint.path,
                web::resource(endpoint.path.strip_prefix(OWN).unwrap_or(endpoint.path)),
                Methods::default(),
            ));
            resources.len() - 1
        });
        let (path, resource, mut methods) = resources.remove(place);
        methods.add(&endpoint);
        let page = endpoint.page;
        let resource = match forward::is_of_the_pbx(page) {
            false => resource.route(endpoint.route),
            true => resource
                .route(endpoint.route.guard(guard::fn_guard(forward::is_answered_here)))
                .route(passed_on(endpoint.method, page)),
        };
        resources.insert(place, (path, resource, methods));
    }
    let served: Vec<&str> = resources.iter().map(|(path, ..)| *path).collect();
    for path in not_served::shadowed_by(&served) {
        config.service(web::resource(path).default_service(web::to(not_served::respond)));
    }
    let mut own = web::scope(OWN).default_service(web::to(not_served::respond));
    let mut others = vec![];
    for (path, resource, methods) in resources {
        let (allow, page) = (methods.allow(), methods.page);
        let other =
            move |request: HttpRequest, payload: web::Payload| other_method(request, payload, allow.clone(), page);
        let resource = resource.default_service(web::to(other));
        if path.starts_with(OWN) {
            own = own.service(resource);
        } else {
            others.push(resource);
        }
    }
    config.service(own);
    for resource in others {
        config.service(resource);
    }
    config.route("/socket.io/socket.io.js", web::get().to(socket_io::script::script));
    config.service(web::resource(SOCKET_IO).to(socket_io::handler::serve));
    // Not among the endpoints: it is answered for as long as the caller listens.
    config.route(EVENTS, web::get().to(events::listen));
    config.route("/", web::get().to(home::home));
    if state.has_console {
        config.service(web::redirect("/console", "/console/"));
        config.service(console::about(web::resource("/console/about.json"), console::Kind::Server));
        config.service(console::pages(web::resource("/console/{file:.*}")));
    }
    config.service(web::redirect("/docs", "/docs/index.html"));
    let other_method = || async { method_not_allowed("GET, HEAD") };
    let docs = web::resource("/docs/{file:.*}").get(swagger_ui::file).default_service(web::to(other_method));
    config.service(docs.wrap(DefaultHeaders::new().add((header::CONTENT_SECURITY_POLICY, swagger_ui::POLICY))));
    config.default_service(web::to(not_served::respond));
}
