//! Where a server may follow its hub to.

use super::enrolment;
use super::settings::HubSettings;
use crate::auth::secrets::Sealer;
use crate::db::{Author, Db};
use crate::error::in_one_line;
use crate::store::sync_state;
use crate::sync::http_agent::{HUB, check_url};
use crate::usecases::hub_enrolment::is_same;

/// Whether this server follows from one hub to another and sends it its token: never from TLS to plain http.
pub fn may_follow(from: &str, to: &str) -> bool {
    let is_clear = |url: &str| url.starts_with("http://");
    // Clear http to another machine was allowed if it is used now: a hub on this machine proves nothing.
    let is_insecure = check_url(from, HUB, false).is_err();
    check_url(to, HUB, is_insecure).is_ok() && (is_clear(from) || !is_clear(to))
}

/// Continues at the address that the hub has announced, once it answers there and knows this server. Until then the next
/// exchange goes to the present address.
pub async fn follow_announcement(db: &Db, sealer: &Sealer, settings: &HubSettings, url: &str) {
    let Ok(Some(own)) = db.read(sync_state::enrolment) else { return };
    if is_same(&own.hub, url) || !may_follow(&own.hub, url) {
        return;
    }
    // Whether clear http is allowed was decided just now, by the present address.
    let settings = HubSettings { is_insecure: true, ..settings.clone() };
    match enrolment::repoint(db, sealer, Author::system("mirror"), url, &settings).await {
        Ok(moved) => tracing::info!(hub = moved.hub, "the hub is at another address from now on"),
        Err(error) => tracing::warn!(error = in_one_line(error.as_ref()), url, "the hub's new address is not used yet"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_never_follows_from_tls_to_plain_http() {
        assert!(may_follow("https://a", "https://b") && may_follow("http://a", "https://b"));
        assert!(may_follow("http://a", "http://b"));
        assert!(
            !may_follow("http://127.0.0.1:1", "http://b") && may_follow("http://127.0.0.1:1", "http://localhost:2")
        );
        assert!(!may_follow("https://a", "http://b") && !may_follow("http://a", "file:///etc/passwd"));
    }
}
