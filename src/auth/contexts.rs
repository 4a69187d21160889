//! What each sealed value is sealed for, so that none can be moved to another place.

use crate::domain::audit::Hash;
use crate::domain::id::Id;
use crate::store::sealed::SealedPlace;

/// The token for the hub.
pub const HUB_TOKEN: &str = "hub token";
/// The password or the token for the platform.
pub const PLATFORM_CREDENTIAL: &str = "credential for the platform";
/// A password that is to be set at the platform.
pub const PLATFORM_PASSWORD: &str = "password for the platform";

/// The authenticator key of an employee.
pub fn authenticator_key(employee: Id) -> String {
    format!("authenticator {employee}")
}

/// The token that the platform has given to the login of a session.
pub fn platform_token(session: &Hash) -> String {
    format!("token of the platform {}", hex::encode(session))
}

/// What the value at a place is sealed for.
pub fn context_of(place: &SealedPlace) -> String {
    match place {
        SealedPlace::AuthenticatorKey(employee) => authenticator_key(*employee),
        SealedPlace::HubToken => HUB_TOKEN.into(),
        SealedPlace::PlatformCredential => PLATFORM_CREDENTIAL.into(),
        SealedPlace::PlatformPassword(_) => PLATFORM_PASSWORD.into(),
        SealedPlace::PlatformToken(session) => platform_token(session),
    }
}
