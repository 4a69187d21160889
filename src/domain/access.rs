//! Who may do what: the eight access levels, how a caller stands to an object, and one row per kind of call.

use strum::{EnumString, IntoStaticStr, VariantNames};

use super::id::Id;

/// Access level of an employee, in rising order: each may what the ones before it may.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    serde::Serialize,
    serde::Deserialize,
    EnumString,
    IntoStaticStr,
    VariantNames,
    schemars::JsonSchema,
)]
#[schemars(rename = "AccessLevel", example = &"MANAGER")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum Level {
    #[default]
    NoLogin,
    Personal,
    Viewer,
    Manager,
    Owner,
    Reseller,
    ResellerAdmin,
    Admin,
}

impl Level {
    pub const NAMES: &'static [&'static str] = Level::VARIANTS;

    pub fn parse(name: &str) -> Option<Level> {
        name.parse().ok()
    }

    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// Who is calling.
#[derive(Clone, Debug)]
pub struct Actor {
    pub employee: Id,
    pub customer: Id,
    pub level: Level,
    pub name: String,
    /// The employee behind an impersonated session.
    pub impersonator: Option<Id>,
    /// Whether it calls with a machine-to-machine token, or with a session that was opened with one.
    pub is_machine: bool,
}

impl Actor {
    /// Somebody with every right who is no employee here: an administrator of the hub, or the command line.
    pub fn administrator(name: &str) -> Actor {
        let nobody = Id::from_number(0);
        Actor {
            employee: nobody,
            customer: nobody,
            level: Level::Admin,
            name: name.to_owned(),
            impersonator: None,
            is_machine: false,
        }
    }

    pub fn is_employee(&self) -> bool {
        self.employee != Id::from_number(0)
    }
}

/// How the caller stands to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// It belongs to the caller's own employee.
    Myself,
    /// It belongs to the caller's customer.
    Own,
    /// It belongs to a customer, or a sub-reseller's customer, of the caller's.
    Below,
    /// It belongs to another employee, or to no customer.
    Elsewhere,
}

/// The lowest level that may do something, by how the caller stands to the object. `None`: nobody.
#[derive(Clone, Copy, Debug)]
pub struct Permission {
    pub myself: Option<Level>,
    pub own: Option<Level>,
    pub below: Option<Level>,
    pub elsewhere: Option<Level>,
}

impl Permission {
    /// A row as the documentation writes most of them: from `own` up for one's own customer,
    /// resellers for their customers, RESELLER_ADMIN and up for any.
    const fn from(myself: Option<Level>, own: Level) -> Permission {
        Permission { myself, own: Some(own), below: Some(Level::Reseller), elsewhere: Some(Level::ResellerAdmin) }
    }

    /// Whatever the object is, from this level up.
    const fn only(level: Level) -> Permission {
        let level = Some(level);
        Permission { myself: level, own: level, below: level, elsewhere: level }
    }

    pub fn allows(&self, level: Level, relation: Relation) -> bool {
        let lowest = match relation {
            Relation::Myself => self.myself,
            Relation::Own => self.own,
            Relation::Below => self.below,
            Relation::Elsewhere => self.elsewhere,
        };
        level > Level::NoLogin && lowest.is_some_and(|lowest| level >= lowest)
    }
}

const PERSONAL: Option<Level> = Some(Level::Personal);
const VIEWER: Option<Level> = Some(Level::Viewer);
const MANAGER: Option<Level> = Some(Level::Manager);

/// api:pbx:app:mobileconfig:get, :create and :copy (of source and target alike).
pub const MOBILE_CONFIG: Permission = Permission::from(PERSONAL, Level::Viewer);
/// api:pbx:app:mobileconfig:list: PERSONAL is not listed.
pub const MOBILE_CONFIG_LIST: Permission = Permission::from(VIEWER, Level::Viewer);
/// The `customer` argument of api:pbx:app:mobileconfig:list without `employee`: at least MANAGER.
pub const MOBILE_CONFIG_LIST_ALL: Permission = Permission::from(MANAGER, Level::Manager);

/// api:employee:list.
pub const EMPLOYEE_LIST: Permission = Permission::from(VIEWER, Level::Viewer);
/// api:employee:get, and one's own employee for PERSONAL.
pub const EMPLOYEE_GET: Permission = Permission::from(PERSONAL, Level::Viewer);
/// api:employee:create: VIEWER is listed there.
pub const EMPLOYEE_CREATE: Permission = Permission::from(VIEWER, Level::Viewer);
/// api:employee:update of everything.
pub const EMPLOYEE_UPDATE: Permission = Permission::from(MANAGER, Level::Manager);
/// api:employee:update of one's own harmless properties.
pub const EMPLOYEE_UPDATE_SELF: Permission = Permission::from(PERSONAL, Level::Manager);
/// api:employee:delete, :createtoken, :deletetoken and :resetauthenticatorkey.
pub const EMPLOYEE_MANAGE: Permission = Permission::from(MANAGER, Level::Manager);
/// api:employee:createauthenticatorkey: only the employee self.
pub const AUTHENTICATOR_KEY_CREATE: Permission =
    Permission { myself: PERSONAL, own: None, below: None, elsewhere: None };
/// api:employee:picture-upload and :picture-download. PERSONAL is not listed for the download: who may upload one's own may see it.
pub const PICTURE: Permission = Permission::from(PERSONAL, Level::Manager);
/// The extension that an action of the app is done with, or to (api:pbx:app:action:*), without rights of a group.
pub const DEVICE: Permission = Permission::from(PERSONAL, Level::Manager);
/// A queue whose calls are picked up by who is no member (api:pbx:app:action:queuepickup).
pub const QUEUE_PICKUP: Permission = Permission::from(None, Level::Manager);
/// api:auth:impersonate.
pub const IMPERSONATE: Permission = Permission::from(Some(Level::Reseller), Level::Reseller);

/// api:customer:list, :get-names and :resellers.
pub const CUSTOMER_LIST: Permission = Permission::from(None, Level::Reseller);
/// api:customer:get and :get-name.
pub const CUSTOMER_GET: Permission = Permission::from(None, Level::Viewer);
/// api:customer:create: by the rule of :delete, who may remove one may make one.
pub const CUSTOMER_CREATE: Permission = Permission::from(None, Level::Reseller);
/// api:customer:update and :address-delete.
pub const CUSTOMER_UPDATE: Permission = Permission::from(None, Level::Manager);
/// api:customer:delete.
pub const CUSTOMER_DELETE: Permission = Permission::from(None, Level::Reseller);
/// api:customer:address-list, :address-get, :address-create and :address-update: VIEWER is listed there.
pub const ADDRESS: Permission = Permission::from(None, Level::Viewer);

/// api:customer:overview and api:customer:callnotify-list.
pub const CUSTOMER_OVERVIEW: Permission = Permission::from(None, Level::Viewer);
/// api:employee:get-shortcuts and :set-shortcuts: PERSONAL is not listed.
pub const SHORTCUTS: Permission = Permission::from(VIEWER, Level::Viewer);

/// api:pbx:phonebook:list, :get, :create, :update and :delete of an employee's own contacts. Groups of the PBX give more.
pub const CONTACT_OWN: Permission = Permission { myself: PERSONAL, own: None, below: None, elsewhere: None };
/// api:pbx:phonebook:list and :get of shared contacts.
pub const CONTACT_READ: Permission = Permission::from(None, Level::Personal);
/// api:pbx:phonebook:create, :update and :delete of shared contacts. Groups of the PBX give more.
pub const CONTACT_WRITE: Permission = Permission::from(None, Level::Manager);

/// Of switches and variables those that are nobody's own: api:pbx:switch:list and :get, and :set of `SHARED:…`.
pub const NAMED_VALUE: Permission = Permission::from(PERSONAL, Level::Personal);
/// api:pbx:switch:list and :get of an employee's own.
pub const NAMED_VALUE_READ_PERSONAL: Permission = Permission::from(PERSONAL, Level::Viewer);
/// api:pbx:switch:set of an employee's own.
pub const NAMED_VALUE_SET_PERSONAL: Permission = Permission::from(PERSONAL, Level::Manager);
/// api:pbx:switch:set of those of the PBX.
pub const NAMED_VALUE_SET_SYSTEM: Permission = Permission::from(None, Level::Manager);
/// api:pbx:queue:get and :members. A queue is one's own when one answers its calls, or may.
pub const QUEUE_GET: Permission = Permission::from(PERSONAL, Level::Viewer);
/// api:pbx:queue:member-join, :member-update and :member-leave. A member is one's own when one may have its extension join.
pub const QUEUE_MEMBER: Permission = Permission::from(PERSONAL, Level::Manager);
/// api:pbx:extension:list and :get. What PERSONAL sees of other extensions is decided there.
pub const EXTENSION: Permission = Permission::from(PERSONAL, Level::Viewer);
/// api:pbx:group:list. A group is one's own when one controls it.
pub const GROUP_LIST: Permission = Permission::from(PERSONAL, Level::Viewer);
/// api:pbx:group:get: PERSONAL is not listed.
pub const GROUP_GET: Permission = Permission::from(None, Level::Viewer);

/// api:log:changelog:list, :get, api:log:changeloglite and api:tools:changelog.
pub const CHANGE_LOG: Permission = Permission::from(None, Level::Viewer);

/// realtime: the channels CONFIG and PBX of a customer, "from PERSONAL up".
pub const REALTIME: Permission = Permission::from(None, Level::Personal);
/// realtime: the channels whose names begin with ADMIN.
pub const REALTIME_ADMIN: Permission = Permission::only(Level::Admin);
/// tools:realtime:proxy: for servers of the platform only.
pub const REALTIME_BROADCAST: Permission = Permission::only(Level::Admin);

/// How this server is, and the proof of its audit trail: for its administrators.
pub const SERVER: Permission = Permission::only(Level::Admin);

#[cfg(test)]
mod tests {
    use super::Relation::*;
    use super::*;

    const LEVELS: [Level; 8] = [
        Level::NoLogin,
        Level::Personal,
        Level::Viewer,
        Level::Manager,
        Level::Owner,
        Level::Reseller,
        Level::ResellerAdmin,
        Level::Admin,
    ];

    /// Every permission as a picture: a row per relation, a letter per level that may.
    #[test]
    fn the_table_of_access_is_the_documented_one() {
        let rows: Vec<(&str, Permission, [&str; 4])> = vec![
            ("mobile config", MOBILE_CONFIG, ["PVMORrA", "VMORrA", "RrA", "rA"]),
            ("mobile config list", MOBILE_CONFIG_LIST, ["VMORrA", "VMORrA", "RrA", "rA"]),
            ("mobile config list, all", MOBILE_CONFIG_LIST_ALL, ["MORrA", "MORrA", "RrA", "rA"]),
            ("employee list", EMPLOYEE_LIST, ["VMORrA", "VMORrA", "RrA", "rA"]),
            ("employee get", EMPLOYEE_GET, ["PVMORrA", "VMORrA", "RrA", "rA"]),
            ("employee create", EMPLOYEE_CREATE, ["VMORrA", "VMORrA", "RrA", "rA"]),
            ("employee update", EMPLOYEE_UPDATE, ["MORrA", "MORrA", "RrA", "rA"]),
            ("employee update self", EMPLOYEE_UPDATE_SELF, ["PVMORrA", "MORrA", "RrA", "rA"]),
            ("employee manage", EMPLOYEE_MANAGE, ["MORrA", "MORrA", "RrA", "rA"]),
            ("authenticator key", AUTHENTICATOR_KEY_CREATE, ["PVMORrA", "", "", ""]),
            ("picture", PICTURE, ["PVMORrA", "MORrA", "RrA", "rA"]),
            ("device", DEVICE, ["PVMORrA", "MORrA", "RrA", "rA"]),
            ("queue pickup", QUEUE_PICKUP, ["", "MORrA", "RrA", "rA"]),
            ("impersonate", IMPERSONATE, ["RrA", "RrA", "RrA", "rA"]),
            ("customer list", CUSTOMER_LIST, ["", "RrA", "RrA", "rA"]),
            ("customer get", CUSTOMER_GET, ["", "VMORrA", "RrA", "rA"]),
            ("customer create", CUSTOMER_CREATE, ["", "RrA", "RrA", "rA"]),
            ("customer update", CUSTOMER_UPDATE, ["", "MORrA", "RrA", "rA"]),
            ("customer delete", CUSTOMER_DELETE, ["", "RrA", "RrA", "rA"]),
            ("address", ADDRESS, ["", "VMORrA", "RrA", "rA"]),
            ("realtime", REALTIME, ["", "PVMORrA", "RrA", "rA"]),
            ("realtime, admin", REALTIME_ADMIN, ["A", "A", "A", "A"]),
            ("server", SERVER, ["A", "A", "A", "A"]),
            ("realtime, broadcast", REALTIME_BROADCAST, ["A", "A", "A", "A"]),
            ("customer overview", CUSTOMER_OVERVIEW, ["", "VMORrA", "RrA", "rA"]),
            ("shortcuts", SHORTCUTS, ["VMORrA", "VMORrA", "RrA", "rA"]),
            ("contact of one's own", CONTACT_OWN, ["PVMORrA", "", "", ""]),
            ("contact read", CONTACT_READ, ["", "PVMORrA", "RrA", "rA"]),
            ("contact write", CONTACT_WRITE, ["", "MORrA", "RrA", "rA"]),
            ("named value", NAMED_VALUE, ["PVMORrA", "PVMORrA", "RrA", "rA"]),
            ("named value, read a personal one", NAMED_VALUE_READ_PERSONAL, ["PVMORrA", "VMORrA", "RrA", "rA"]),
            ("named value, set a personal one", NAMED_VALUE_SET_PERSONAL, ["PVMORrA", "MORrA", "RrA", "rA"]),
            ("named value, set one of the PBX", NAMED_VALUE_SET_SYSTEM, ["", "MORrA", "RrA", "rA"]),
            ("queue get", QUEUE_GET, ["PVMORrA", "VMORrA", "RrA", "rA"]),
            ("queue member", QUEUE_MEMBER, ["PVMORrA", "MORrA", "RrA", "rA"]),
            ("extension", EXTENSION, ["PVMORrA", "VMORrA", "RrA", "rA"]),
            ("group list", GROUP_LIST, ["PVMORrA", "VMORrA", "RrA", "rA"]),
            ("group get", GROUP_GET, ["", "VMORrA", "RrA", "rA"]),
        ];
        for (name, permission, expected) in rows {
            let letters = LEVELS.into_iter().zip("-PVMORrA".chars());
            let allowed = |relation| -> String {
                letters.clone().filter(|(level, _)| permission.allows(*level, relation)).map(|(_, c)| c).collect()
            };
            assert_eq!([Myself, Own, Below, Elsewhere].map(allowed), expected, "{name}");
        }
    }

    #[test]
    fn names_and_ranks_agree() {
        let names: Vec<_> = LEVELS.map(Level::name).into();
        assert_eq!(names, Level::NAMES);
        assert!(LEVELS.is_sorted());
        assert_eq!(Level::parse("owner"), None);
    }
}
