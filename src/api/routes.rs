//! Every URL of the product on one screen.

use actix_web::{Handler, Responder, Route, web};

use super::{
    AppState, addresses, auth, authenticator_keys, change_log, customers, employees, health, mobile_configs,
    not_served, openapi, pbx_app, sync, tokens,
};

/// One endpoint: where it is, what page describes it, and what answers it.
pub struct Endpoint {
    pub method: &'static str,
    pub path: &'static str,
    /// The documentation page it follows; empty for what is this server's own.
    pub page: &'static str,
    pub summary: &'static str,
    /// Names of query arguments, described once in `openapi.rs`.
    pub query: &'static str,
    /// Name of the body's schema; empty when there is no body.
    pub body: &'static str,
    /// Name of the answer's schema.
    pub answer: &'static str,
    route: Route,
}

impl Endpoint {
    fn query(self, query: &'static str) -> Endpoint {
        Endpoint { query, ..self }
    }

    fn body(self, body: &'static str) -> Endpoint {
        Endpoint { body, ..self }
    }
}

macro_rules! method {
    ($name:ident, $method:literal) => {
        fn $name<F, Args>(
            path: &'static str,
            page: &'static str,
            summary: &'static str,
            answer: &'static str,
            handler: F,
        ) -> Endpoint
        where
            F: Handler<Args>,
            Args: actix_web::FromRequest + 'static,
            F::Output: Responder + 'static,
        {
            let route = web::$name().to(handler);
            Endpoint { method: $method, path, page, summary, query: "", body: "", answer, route }
        }
    };
}
method!(get, "GET");
method!(post, "POST");
method!(delete, "DELETE");

/// Every endpoint, in the order of the documentation.
#[rustfmt::skip]
pub fn endpoints() -> Vec<Endpoint> {
    vec![
        post("/auth/login", "api:auth:login", "Log in", "Session", auth::login_post).body("Login"),
        get("/auth/login", "api:auth:login", "Log in; POST is preferred", "Session", auth::login_get).query("username password smsKey authenticatorToken cookie persist"),
        get("/auth/logout", "api:auth:logout", "End all sessions of the caller", "Success", auth::logout),
        get("/auth/validateToken", "api:auth:validatetoken", "Whether a token is valid, and whose it is", "TokenValidity", auth::validate_token).query("token ip simple extend"),
        get("/auth/impersonate/{employee}", "api:auth:impersonate", "A session as another employee", "Session", auth::impersonate).query("ip persist"),

        get("/customer", "api:customer:list", "Customers of the caller's reseller", "CustomerPage", customers::list).query("offset limit filter full includeDeleted all includeSubresellers parentReseller flexcare resellers customerIds"),
        post("/customer", "api:customer:create", "Create a customer", "Customer", customers::create).body("CustomerWrite"),
        post("/customer/names/list", "api:customer:get-names", "Names of customers by id", "CustomerNames", customers::names).body("CustomerIds"),
        get("/customer/resellers/list", "api:customer:resellers", "Resellers that may stand in parentReseller", "Resellers", customers::resellers).query("iptv iptvprivate flexcare voip"),
        get("/customer/{customer}", "api:customer:get", "One customer", "Customer", customers::get),
        post("/customer/{customer}", "api:customer:update", "Change a customer; what is not given stays", "Customer", customers::update).body("CustomerWrite"),
        delete("/customer/{customer}", "api:customer:delete", "Delete a customer and its employees", "Success", customers::delete),
        get("/customer/{customer}/name", "api:customer:get-name", "Name and features of a customer", "CustomerName", customers::name),
        get("/customer/{customer}/security", "api:customer:security", "Second factor the customer's employees must log in with", "Security", customers::security),
        get("/customer/{customer}/address", "api:customer:address-list", "Addresses of a customer", "Addresses", addresses::list),
        post("/customer/{customer}/address", "api:customer:address-create", "Add an address", "Address", addresses::create).body("AddressWrite"),
        get("/customer/{customer}/address/{address}", "api:customer:address-get", "One address", "Address", addresses::get),
        post("/customer/{customer}/address/{address}", "api:customer:address-update", "Change an address; what is not given stays", "Address", addresses::update).body("AddressWrite"),
        delete("/customer/{customer}/address/{address}", "api:customer:address-delete", "Delete an address nobody uses", "Success", addresses::delete),

        get("/employee", "api:employee:list", "Employees of a customer", "EmployeePage", employees::list).query("customer offset limit filter full includeDeleted"),
        post("/employee", "api:employee:create", "Create an employee", "Employee", employees::create).body("EmployeeWrite"),
        get("/employee/{employee}", "api:employee:get", "One employee", "Employee", employees::get),
        post("/employee/{employee}", "api:employee:update", "Change an employee; what is not given stays", "Employee", employees::update).body("EmployeeWrite"),
        delete("/employee/{employee}", "api:employee:delete", "Delete an employee, now or on a later day", "Deleted", employees::delete).query("deleteDate deleteExtensions deleteMvnoAccounts"),
        post("/employee/{employee}/token", "api:employee:createtoken", "Create a machine-to-machine token", "Token", tokens::create),
        delete("/employee/{employee}/token/{token}", "api:employee:deletetoken", "Delete a machine-to-machine token", "Success", tokens::delete),
        post("/employee/{employee}/authenticatorkey/create", "api:employee:createauthenticatorkey", "A new authenticator key for oneself", "AuthenticatorKey", authenticator_keys::create),
        post("/employee/{employee}/authenticatorkey/reset", "api:employee:resetauthenticatorkey", "Clear an employee's authenticator key", "Success", authenticator_keys::reset),

        get("/pbx/app/mobileconfig", "api:pbx:app:mobileconfig:list", "Mobile configs to copy from", "MobileConfigs", mobile_configs::list).query("employee customer"),
        post("/pbx/app/mobileconfig", "api:pbx:app:mobileconfig:copy", "Copy one employee's mobile config onto another's", "MobileConfig", mobile_configs::copy).body("Copy"),
        get("/pbx/app/mobileconfig/{employee}", "api:pbx:app:mobileconfig:get", "One mobile config", "MobileConfig", mobile_configs::get),
        post("/pbx/app/mobileconfig/{employee}", "api:pbx:app:mobileconfig:create", "Create a mobile config, or replace its content", "MobileConfig", mobile_configs::create).body("MobileConfigWrite"),
        get("/pbx/app/employees", "api:pbx:app:employees", "Colleagues for the app", "AppEmployees", pbx_app::employees_get).query("ids calls standalone"),
        post("/pbx/app/employees", "api:pbx:app:employees", "Colleagues for the app", "AppEmployees", pbx_app::employees_post).body("AppEmployeesQuery"),
        get("/pbx/app/queues", "api:pbx:app:queues", "Queues for the app", "Queues", pbx_app::queues).query("extension all queue"),

        get("/log/changelog/customer", "api:log:changelog:list", "Change log of the caller's customer", "ChangeLogPage", change_log::list).query("offset limit includeData includeEmployees version includeChanges sortBy orderBy what"),
        get("/log/changelog/customer/{customer}", "api:log:changelog:list", "Change log of a customer, or of SYSTEM", "ChangeLogPage", change_log::list).query("offset limit includeData includeEmployees version includeChanges sortBy orderBy what"),
        get("/log/changelog/customer/{customer}/{section}", "api:log:changelog:list", "Change log of one section", "ChangeLogPage", change_log::list).query("offset limit includeData includeEmployees version includeChanges sortBy orderBy what"),
        get("/log/changelog/customer/{customer}/{section}/{item}", "api:log:changelog:list", "Change log of one object", "ChangeLogPage", change_log::list).query("offset limit includeData includeEmployees version includeChanges sortBy orderBy what"),
        get("/log/changelog/{entry}", "api:log:changelog:get", "One entry of the change log", "ChangeLogEntry", change_log::get),
        get("/log/changeloglite", "api:log:changeloglite", "Changes of the last five days", "ChangeLogLite", change_log::lite).query("date customer reseller"),
        get("/tools/changelog", "api:tools:changelog", "Changes of the last five days, to be fetched once", "ChangeLogLite", change_log::tools).query("since customer reseller remove"),

        post("/sync", "", "Exchange with the hub now", "SyncStatus", sync::sync),
        get("/sync/status", "", "How the mirror stands", "SyncStatus", sync::status),
        post("/sync/verify", "", "Prove that the hub has exactly what is here", "SyncProof", sync::verify),
        get("/sync/quarantine", "", "Rows that the hub could not take", "SyncQuarantine", sync::quarantine),
        post("/sync/quarantine/{entry}/retry", "", "Send a row in quarantine again", "Success", sync::retry),
        post("/sync/quarantine/{entry}/drop", "", "Give a row in quarantine up as it stands", "Success", sync::drop),
        post("/sync/enroll", "", "Enrol with a hub, by a one-time code", "SyncStatus", sync::enroll).body("SyncEnroll"),

        get("/openapi.json", "", "This description", "Any", openapi::document),
        get("/metrics", "", "Figures of the mirror, in the text format of Prometheus", "Metrics", sync::metrics),
        get("/healthz", "", "Whether the process runs", "Health", health::healthz),
        get("/readyz", "", "Whether requests can be served", "Health", health::readyz),
    ]
}

/// The paths that this product is named after. They are tried first, and the one pattern among them is matched against
/// what comes behind this.
const OWN: &str = "/pbx/app/mobileconfig";

/// Registers every endpoint, the pages of Swagger UI, and the answer to everything else.
pub fn configure(state: &web::Data<AppState>, config: &mut web::ServiceConfig) {
    config.app_data(state.clone());
    let mut resources: Vec<(&str, actix_web::Resource, Vec<&str>)> = vec![];
    for endpoint in endpoints() {
        let place = resources.iter().position(|(path, ..)| *path == endpoint.path).unwrap_or_else(|| {
            resources.push((
                endpoint.path,
                web::resource(endpoint.path.strip_prefix(OWN).unwrap_or(endpoint.path)),
                vec![],
            ));
            resources.len() - 1
        });
        let (path, resource, mut methods) = resources.remove(place);
        methods.push(endpoint.method);
        resources.insert(place, (path, resource.route(endpoint.route), methods));
    }
    let served: Vec<&str> = resources.iter().map(|(path, ..)| *path).collect();
    for path in not_served::shadowed_by(&served) {
        config.service(web::resource(path).default_service(web::to(not_served::answer)));
    }
    let mut own = web::scope(OWN).default_service(web::to(not_served::answer));
    let mut others = vec![];
    for (path, resource, methods) in resources {
        let allow = methods.join(", ");
        let other_method = move || {
            let allow = allow.clone();
            async move { not_served::method_not_allowed(&allow) }
        };
        let resource = resource.default_service(web::to(other_method));
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
    config.service(web::redirect("/docs", "/docs/index.html"));
    config.service(openapi::swagger_ui());
    config.default_service(web::to(not_served::answer));
}
