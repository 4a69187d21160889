//! What the product does, one file per subject. The only place with rules: every way in (HTTP, import, proposals of the
//! hub, the command line) calls these functions.

pub mod known;

pub mod mobile_configs;

pub mod pbx;

pub mod employees;

pub mod customers;

pub mod addresses;
pub mod change_log;
pub mod overview;
pub mod queues;
pub mod realtime;

pub mod intents;

pub mod access_away;
pub mod session_answer;

pub mod impersonation;
pub mod key_rotation;
pub mod login;

pub mod tokens;

pub mod administrators;

pub mod app_actions;
pub mod audit_archive;
pub mod audit_proof;
pub mod authenticator_keys;
pub mod copy_mobile_config;

pub mod config_targets;

pub mod bulk_copy;
pub mod object_names;
pub mod offers;
pub mod undo;

pub mod backups;
pub mod csv_lists;
pub mod examination;
pub mod export;
pub mod generate;
pub mod whole_objects;

pub mod new_ids;

pub mod from_platform;

pub mod platform_login;

pub mod import;

pub mod diff;

pub mod proposals;

mod mail_texts;
pub mod password_reset;
pub mod pictures;
pub mod storage;
pub mod text_messages;

pub mod demo;
pub mod housekeeping;
pub mod hub_enrolment;
pub mod hub_tasks;
pub mod platform_connection;
