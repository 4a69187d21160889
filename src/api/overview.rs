//! What is asked about a customer as a whole: `/customer/ID/overview`, `/customer/ID/callnotify`, `/pbx/app/reseller`; and the
//! newest versions of the apps.

use schemars::JsonSchema;
use serde::Serialize;

use crate::domain::app_versions::AppVersions;
use crate::domain::billing::Limits;
use crate::domain::customer::{CustomerState, Feature};
use crate::domain::fields::read_body;
use crate::domain::id::Id;
use crate::domain::pbx::{CallNotify, CallNotifyMethod, CallNotifySelection};
use crate::error::{Error, Result};
use crate::usecases::overview::{self, Overview};
use crate::web::request::AuthenticatedRequest;
use crate::web::response::ApiResponse;

/// The id in the path; 400 `bad_request`.
fn id_in_path(call: &AuthenticatedRequest) -> Result<Id> {
    let malformed = || Error::bad_request("Customer id not found in request URI");
    call.context.segment("customer").parse().map_err(|_| malformed())
}

/// How much a customer has. This server keeps no accounts and no numbers: their counts are 0.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CustomerOverview {
    /// The customer is blocked.
    disabled: bool,
    /// What is switched on for the customer.
    #[schemars(with = "Vec<Feature>")]
    features: Vec<String>,
    #[serde(flatten)]
    limits: Limits,
    /// The customer is a reseller.
    is_reseller: bool,
    /// Employees, without those that are deleted.
    employees: Counts,
    sip_accounts: SipCounts,
    numbers: NumberCounts,
    mvno_accounts: Counts,
}

/// How many there are.
#[derive(Default, Serialize, JsonSchema)]
#[schemars(inline)]
struct Counts {
    /// All.
    #[schemars(range(min = 0), example = 9)]
    total: i64,
    /// Those that are disabled.
    #[schemars(range(min = 0), example = 1)]
    disabled: i64,
}

/// How many SIP accounts there are: none.
#[derive(Default, Serialize, JsonSchema)]
#[schemars(inline)]
struct SipCounts {
    total: u8,
    disabled: u8,
    down: u8,
}

/// How many numbers there are: none.
#[derive(Default, Serialize, JsonSchema)]
#[schemars(inline)]
struct NumberCounts {
    total: u8,
    sip: u8,
    mvno: u8,
    international: u8,
    listed: u8,
    porting: u8,
}

impl From<Overview> for CustomerOverview {
    fn from(overview: Overview) -> CustomerOverview {
        CustomerOverview {
            disabled: overview.customer.state != CustomerState::Active,
            features: overview.customer.features,
            limits: overview.customer.limits,
            is_reseller: overview.is_reseller,
            employees: Counts { total: overview.employees, disabled: overview.disabled_employees },
            sip_accounts: SipCounts::default(),
            numbers: NumberCounts::default(),
            mvno_accounts: Counts::default(),
        }
    }
}

async fn overview_of(call: AuthenticatedRequest, customer: Option<Id>) -> Result<ApiResponse> {
    call.post_read(move |tx, actor| {
        ApiResponse::json(&CustomerOverview::from(overview::overview(tx, actor, customer)?))
    })
    .await
}

/// api:customer:overview, by the id in the path.
pub async fn by_path(call: AuthenticatedRequest) -> Result<ApiResponse> {
    let customer = id_in_path(&call)?;
    overview_of(call, Some(customer)).await
}

/// api:customer:overview, as the page's examples have it: by an argument.
pub async fn by_query(call: AuthenticatedRequest) -> Result<ApiResponse> {
    let customer = call.context.query().id("customer")?;
    overview_of(call, customer).await
}

/// api:customer:overview by POST: by an argument or in the body.
pub async fn by_body(call: AuthenticatedRequest) -> Result<ApiResponse> {
    let by_query = call.context.query().id("customer")?;
    let body = call.context.object_or_empty()?;
    let by_body = read_body(&body, |fields| fields.id("customer"))?;
    overview_of(call, by_body.or(by_query)).await
}

/// Where the calls of a customer are reported to.
#[derive(Serialize, JsonSchema)]
pub struct CallNotifications(Vec<CallNotification>);

/// One place that calls are reported to.
#[derive(Serialize, JsonSchema)]
#[schemars(inline)]
struct CallNotification {
    #[serde(rename = "_id")]
    id: Id,
    /// By http, https, tcp or udp.
    #[schemars(example = "https://calls.bakery.example.com/notify")]
    url: String,
    /// How a call is reported.
    #[schemars(example = &"POSTJSON")]
    method: CallNotifyMethod,
    /// Which calls are reported.
    #[schemars(example = &"ALL")]
    selection: CallNotifySelection,
}

impl From<CallNotify> for CallNotification {
    fn from(notify: CallNotify) -> CallNotification {
        let CallNotify { id, url, method, selection, .. } = notify;
        CallNotification { id, url, method, selection }
    }
}

/// api:customer:callnotify-list
pub async fn call_notify(call: AuthenticatedRequest) -> Result<ApiResponse> {
    let id = id_in_path(&call)?;
    call.read_list(move |tx, actor| {
        let found = overview::call_notify(tx, actor, id)?;
        ApiResponse::json(&CallNotifications(found.into_iter().map(CallNotification::from).collect()))
    })
    .await
}

/// How to get in touch with a reseller. Properties without a value are left out.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ResellerContact {
    #[serde(rename = "_id")]
    id: Id,
    /// Name.
    #[schemars(example = "Demo Reseller")]
    name: String,
    /// Main phone number.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = "+4500000200")]
    phone_number: Option<String>,
    /// E-mail address.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = "info@reseller.example.com")]
    email_address: Option<String>,
    /// Website.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = "https://reseller.example.com")]
    website: Option<String>,
}

/// api:pbx:app:reseller. The reseller of the caller's customer.
pub async fn reseller(call: AuthenticatedRequest) -> Result<ApiResponse> {
    call.post_read(|tx, actor| {
        let reseller = overview::reseller(tx, actor)?;
        ApiResponse::json(&ResellerContact {
            id: reseller.id,
            name: reseller.name,
            phone_number: reseller.phone_number,
            email_address: reseller.email_address,
            website: reseller.website,
        })
    })
    .await
}

/// api:pbx:app:version. As the setting `app_versions` says.
pub async fn versions(call: AuthenticatedRequest) -> Result<ApiResponse> {
    let versions: &AppVersions = &call.context.state.app_versions;
    ApiResponse::json(versions)
}
