//! What the settings are called, in the file and in the environment.

/// How a variable of the environment that sets something begins.
pub const PREFIX: &str = "TELECOMX_LOCAL_";

/// Names of all settings, as in the file.
pub const NAMES: [&str; 24] = [
    "db",
    "config",
    "listen",
    "demo",
    "ephemeral",
    "import",
    "new_key",
    "insecure",
    "tls_cert",
    "tls_key",
    "cors_origins",
    "allowed_hosts",
    "trusted_proxies",
    "metrics_token_file",
    "hub_ca",
    "hub_may",
    "hub_diagnosis",
    "hub_silent_alarm_h",
    "login_failures_per_name",
    "login_failures_per_address",
    "login_failure_window_s",
    "request_timeout_s",
    "log_level",
    "log_format",
];

/// A variable that was meant for us, but names no setting.
pub fn unknown_variable() -> Option<String> {
    let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    let is_unknown = |name: &String| {
        name.strip_prefix(PREFIX).is_some_and(|name| !NAMES.contains(&name.to_ascii_lowercase().as_str()))
    };
    names.into_iter().find(is_unknown)
}
