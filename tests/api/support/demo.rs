//! Who is who in `sql/seed/demo.json`.

use serde_json::{Value, json};

pub const PASSWORD: &str = "Demo-Passw0rd";

pub const PLATFORM: &str = "c00000000000000000000001";
pub const RESELLER: &str = "c00000000000000000000002";
pub const SUB_RESELLER: &str = "c00000000000000000000003";
/// The customer that most tests are about; its reseller is [`RESELLER`].
pub const BAKERY: &str = "c00000000000000000000004";
pub const WORKSHOP: &str = "c00000000000000000000005";
/// A customer of [`SUB_RESELLER`].
pub const FLORIST: &str = "c00000000000000000000006";
pub const OTHER_RESELLER: &str = "c00000000000000000000007";
/// A customer of [`OTHER_RESELLER`].
pub const LIBRARY: &str = "c00000000000000000000008";

pub const ADMIN: &str = "e00000000000000000000101";
pub const RESELLER_ADMIN: &str = "e00000000000000000000102";
pub const RESELLERS_CONSULTANT: &str = "e00000000000000000000201";
pub const RESELLERS_VIEWER: &str = "e00000000000000000000202";
pub const OWNER: &str = "e00000000000000000000401";
pub const MANAGER: &str = "e00000000000000000000402";
pub const VIEWER: &str = "e00000000000000000000403";
pub const PERSONAL: &str = "e00000000000000000000404";
/// PERSONAL, of the bakery's second address.
pub const EMMA: &str = "e00000000000000000000405";
pub const SOEREN: &str = "e00000000000000000000406";
/// PERSONAL, without a mobile config.
pub const IDA: &str = "e00000000000000000000407";
pub const NO_LOGIN: &str = "e00000000000000000000408";
pub const DISABLED: &str = "e00000000000000000000409";
pub const WORKSHOPS_MANAGER: &str = "e00000000000000000000502";
pub const WORKSHOPS_PERSONAL: &str = "e00000000000000000000503";
pub const FLORISTS_PERSONAL: &str = "e00000000000000000000602";
pub const LIBRARYS_PERSONAL: &str = "e00000000000000000000802";

/// The bakery's address that [`EMMA`] has.
pub const SECOND_ADDRESS: &str = "ad0000000000000000000402";

/// A contact that everybody of the bakery reads.
pub const SHARED_CONTACT: &str = "cb0000000000000000000401";
/// A contact of [`PERSONAL`]'s own.
pub const CONTACT_OF_PERSONAL: &str = "cb0000000000000000000402";
/// A dynamic queue of the bakery, of which [`MANAGER`] and [`EMMA`] are members.
pub const ORDERS: &str = "a00000000000000000000401";
/// Its only member is [`SOEREN`].
pub const DELIVERIES: &str = "a00000000000000000000402";
/// Nobody is a member of it.
pub const WHOLESALE: &str = "a00000000000000000000403";
/// Its last member, [`MANAGER`], cannot leave.
pub const COMPLAINTS: &str = "a00000000000000000000404";
pub const WORKSHOPS_QUEUE: &str = "a00000000000000000000501";
/// Extensions of [`MANAGER`], [`PERSONAL`], [`EMMA`], [`SOEREN`], [`IDA`], and of nobody.
pub const MANAGERS_EXTENSION: &str = "b00000000000000000000402";
pub const PERSONALS_EXTENSION: &str = "b00000000000000000000404";
pub const EMMAS_EXTENSION: &str = "b00000000000000000000405";
pub const SOERENS_EXTENSION: &str = "b00000000000000000000406";
pub const IDAS_EXTENSION: &str = "b00000000000000000000407";
pub const BAKEHOUSE: &str = "b00000000000000000000410";
/// [`EMMA`] and [`MANAGER`] control it; its members are the extensions of [`EMMA`] and [`PERSONAL`].
pub const SHOP: &str = "d00000000000000000000401";
/// [`MANAGER`] and [`EMMA`] in [`ORDERS`].
pub const MANAGER_IN_ORDERS: &str = "d10000000000000000000401";
pub const EMMA_IN_ORDERS: &str = "d10000000000000000000402";
/// [`SOEREN`] in [`DELIVERIES`].
pub const SOEREN_IN_DELIVERIES: &str = "d10000000000000000000403";
/// [`MANAGER`] in [`COMPLAINTS`].
pub const MANAGER_IN_COMPLAINTS: &str = "d10000000000000000000404";

/// An id that nothing has.
pub const ABSENT: &str = "ffffffffffffffffffffffff";

pub fn credentials(username: &str) -> Value {
    json!({ "username": username, "password": PASSWORD })
}

/// A PNG of one pixel, in base64.
pub const PIXEL: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg==";
