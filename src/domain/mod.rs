//! Plain data and rules. No I/O, no HTTP, no SQL: everything here can be tested with values alone.

pub mod access;
pub mod address;
pub mod app_versions;
pub mod audit;
pub mod billing;
pub mod chance;
pub mod customer;
pub mod danish_cities;
pub mod employee;
mod employee_choices;
pub mod fields;
pub mod id;
pub mod json;
pub mod json_text;
mod login_rules;
pub mod mirror;
pub mod mobile_config;
pub mod outbox;
pub mod pbx;
pub mod picture;
pub mod platform;
pub mod proposal;
pub mod queue;
pub mod realtime;
pub mod redaction;
pub mod row_text;
pub mod schema;
pub mod text;
pub mod time;

#[cfg(test)]
mod tests {
    use super::access::Level;
    use super::audit::Action;
    use super::customer::{AuthenticationSecurity, CustomerState};
    use super::employee::EmployeeState;
    use super::mirror::Table;
    use super::proposal::{HubLevel, ProposalResult, Task};

    /// They are on disk, on the wire, and hashed into the audit trail.
    #[test]
    fn the_names_of_enums_are_what_they_always_were() {
        fn check<T: Copy + std::fmt::Debug + PartialEq>(
            parse: fn(&str) -> Option<T>,
            name: fn(T) -> &'static str,
            names: &[(&str, T)],
        ) {
            for (text, value) in names {
                assert_eq!((name(*value), parse(text)), (*text, Some(*value)));
                assert_eq!(parse(&text.to_lowercase()), (*text == text.to_lowercase()).then_some(*value), "{text}");
            }
            assert_eq!((parse(""), parse("other")), (None, None));
        }
        check(
            CustomerState::parse,
            CustomerState::name,
            &[
                ("ACTIVE", CustomerState::Active),
                ("BLOCKED", CustomerState::Blocked),
                ("DELETED", CustomerState::Deleted),
            ],
        );
        check(
            AuthenticationSecurity::parse,
            AuthenticationSecurity::name,
            &[
                ("NONE", AuthenticationSecurity::None),
                ("SMS", AuthenticationSecurity::Sms),
                ("AUTHENTICATOR", AuthenticationSecurity::Authenticator),
            ],
        );
        check(
            EmployeeState::parse,
            EmployeeState::name,
            &[
                ("ENABLED", EmployeeState::Enabled),
                ("DISABLED", EmployeeState::Disabled),
                ("DELETED", EmployeeState::Deleted),
            ],
        );
        check(
            Level::parse,
            Level::name,
            &[
                ("NO_LOGIN", Level::NoLogin),
                ("PERSONAL", Level::Personal),
                ("VIEWER", Level::Viewer),
                ("MANAGER", Level::Manager),
                ("OWNER", Level::Owner),
                ("RESELLER", Level::Reseller),
                ("RESELLER_ADMIN", Level::ResellerAdmin),
                ("ADMIN", Level::Admin),
            ],
        );
        check(
            Table::named,
            Table::name,
            &[
                ("customer", Table::Customer),
                ("queue", Table::Queue),
                ("employee", Table::Employee),
                ("mobile_config", Table::MobileConfig),
            ],
        );
        check(
            ProposalResult::parse,
            ProposalResult::name,
            &[
                ("applied", ProposalResult::Applied),
                ("conflict", ProposalResult::Conflict),
                ("rejected", ProposalResult::Rejected),
                ("expired", ProposalResult::Expired),
            ],
        );
        check(
            HubLevel::parse,
            HubLevel::name,
            &[("read", HubLevel::Read), ("propose", HubLevel::Propose), ("administer", HubLevel::Administer)],
        );
        check(
            Task::parse,
            Task::name,
            &[("sync", Task::Sync), ("verify", Task::Verify), ("diagnosis", Task::Diagnosis)],
        );
        let actions = [
            Action::Create,
            Action::Update,
            Action::Copy,
            Action::Delete,
            Action::CreateToken,
            Action::DeleteToken,
            Action::CreateAuthenticatorKey,
            Action::ResetAuthenticatorKey,
            Action::Impersonate,
        ];
        let names = "create,update,copy,delete,create token,delete token,create authenticator key,\
                     reset authenticator key,impersonate";
        assert_eq!(actions.map(Action::name).join(","), names);
        // What serde writes and what strum writes are the same name.
        for level in [Level::NoLogin, Level::ResellerAdmin] {
            assert_eq!(serde_json::json!(level), level.name());
        }
        for table in Table::ALL {
            assert_eq!(serde_json::json!(table), table.name());
        }
        for task in Task::ALL {
            assert_eq!(serde_json::json!(task), task.name());
        }
        for level in HubLevel::ALL {
            assert_eq!(serde_json::json!(level), level.name());
        }
    }
}
