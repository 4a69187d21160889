//! Where the platform's objects are.

use crate::domain::id::Id;
use crate::domain::mirror::Table;

/// One mobile config (api:pbx:app:mobileconfig:get).
pub fn config_path(id: Id) -> String {
    format!("/pbx/app/mobileconfig/{id}")
}

/// Where one object is read (api:customer:get, api:employee:get, api:pbx:queue:get, api:pbx:app:mobileconfig:get).
pub fn path(kind: Table, id: Id) -> String {
    match kind {
        Table::Customer => format!("/customer/{id}"),
        Table::Employee => format!("/employee/{id}"),
        Table::Queue => format!("/pbx/queue/{id}"),
        Table::MobileConfig | Table::PbxObject | Table::Other => config_path(id),
    }
}
