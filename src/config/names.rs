//! What the settings are called, in the file and in the environment.

/// How a variable of the environment that sets something begins.
pub const PREFIX: &str = "TELECOMX_LOCAL_";

/// Names of all settings, as in the environment; in the file those of the platform stand under `[platform]`, those of mails under `[smtp]`, those of backups
/// under `[backup]`, those of the audit trail under `[audit]`.
pub const NAMES: [&str; 58] = [
    "db",
    "config",
    "listen",
    "demo",
    "ephemeral",
    "import",
    "control",
    "seed",
    "strict",
    "new_key",
    "insecure",
    "tls_cert",
    "tls_key",
    "no_console",
    "cors_origins",
    "allowed_hosts",
    "trusted_proxies",
    "metrics_token_file",
    "hub_ca",
    "hub_may",
    "hub_diagnosis",
    "hub_silent_alarm_h",
    "platform_url",
    "platform_credential_file",
    "platform_ca",
    "platform_mode",
    "platform_conflicts",
    "platform_allow_local_only",
    "platform_forward",
    "platform_requests_per_second",
    "platform_interval_s",
    "platform_offline_login_days",
    "platform_offline_without_sms",
    "platform_offline_token_hours",
    "platform_queue_max",
    "smtp_url",
    "smtp_from",
    "smtp_credential_file",
    "smtp_page",
    "backup_to",
    "backup_every_h",
    "backup_keep",
    "audit_keep_days",
    "audit_archive_to",
    "login_failures_per_name",
    "login_failures_per_address",
    "login_failure_window_s",
    "request_timeout_s",
    "realtime_connections_per_address",
    "realtime_connections",
    "realtime_authenticate_s",
    "new_colleagues",
    "app_versions",
    "log_level",
    "log_format",
    "log_file",
    "log_file_mb",
    "log_files",
];

/// Says to the packages for tests (docs/testing-python.md, docs/testing-node.md) where the program is. Whoever has it in their
/// shell runs the program by hand too.
const FOR_PACKAGES: &str = "TELECOMX_LOCAL_BINARY";

/// A variable that was meant for us, but names no setting.
pub fn unknown_variable() -> Option<String> {
    let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    let is_unknown = |name: &String| {
        name.strip_prefix(PREFIX).is_some_and(|name| !NAMES.contains(&name.to_ascii_lowercase().as_str()))
    };
    names.into_iter().filter(|name| name != FOR_PACKAGES).find(is_unknown)
}

/// A name as the file has it: what is about the platform, mails, backups or the audit trail, is in a section of its own.
pub fn in_section(name: &str) -> String {
    let lower = name.to_ascii_lowercase();
    let section = ["platform", "smtp", "backup", "audit"].iter().find_map(|section| {
        let rest = lower.strip_prefix(section)?.strip_prefix('_')?;
        Some(format!("{section}.{rest}"))
    });
    section.unwrap_or_else(|| name.to_owned())
}
