//! What a test needs of the machine it runs on.

use std::io::Write;
use std::process::Command;

const TEST_TOOLS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/package/test-tools");

/// Whether this test can run: whether `tool` can be used here. Printed either way, and written to the file that
/// `TESTS_THAT_NEED_TOOLS` names, from which scripts/test makes its summary. In CI (`CI` is set) a test is never skipped: it
/// fails.
pub fn needs(tool: &str) -> bool {
    let can_run = is_usable(tool);
    let binary = std::env::current_exe().unwrap().file_stem().unwrap().to_string_lossy().into_owned();
    let binary = binary.rsplit_once('-').map_or(binary.as_str(), |(name, _)| name);
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("a test");
    let line = format!("{}: {binary} {test} ({tool})\n", if can_run { "ran" } else { "skipped" });
    // Written as it is: what is printed by a test that passes is not shown.
    let _ = std::io::stderr().write_all(line.as_bytes());
    if let Some(summary) = std::env::var_os("TESTS_THAT_NEED_TOOLS") {
        let mut summary = std::fs::File::options().create(true).append(true).open(summary).unwrap();
        summary.write_all(line.as_bytes()).unwrap();
    }
    assert!(can_run || std::env::var_os("CI").is_none(), "{tool} cannot be used here, and in CI no test is skipped");
    can_run
}

fn is_usable(tool: &str) -> bool {
    let succeeds = |program: &str, arguments: &[&str]| {
        Command::new(program).args(arguments).output().is_ok_and(|output| output.status.success())
    };
    match tool {
        "mount" => {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().to_str().unwrap();
            succeeds("mount", &["-t", "tmpfs", "-o", "size=64k", "tmpfs", path]) && succeeds("umount", &["-l", path])
        }
        "overlay" => {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().to_str().unwrap();
            // In a namespace of its own, gone with it.
            let script = "mount -t tmpfs tmpfs \"$0\" && cd \"$0\" && mkdir upper work root && \
                          mount -t overlay overlay -o lowerdir=/,upperdir=upper,workdir=work root";
            succeeds("unshare", &["--mount", "sh", "-c", script, path])
        }
        // It is there, and may trace: a container can forbid that.
        "strace" => succeeds("strace", &["-f", "-o", "/dev/null", "true"]),
        // Installed by a script of ours, where its registry can be reached.
        "pytest" => succeeds(TEST_TOOLS, &["python"]),
        "promtool" => succeeds(TEST_TOOLS, &["promtool"]),
        "playwright-core" => {
            succeeds("chromium", &["--version"])
                && succeeds("node", &["--version"])
                && succeeds(TEST_TOOLS, &["browser"])
        }
        "vitest" => succeeds(TEST_TOOLS, &["node"]),
        "cargo-deb" => succeeds("dpkg", &["--version"]) && succeeds(TEST_TOOLS, &["deb"]),
        "socket.io-client" => succeeds("node", &["--version"]) && succeeds(TEST_TOOLS, &["sockets"]),
        _ => succeeds("sh", &["-c", &format!("command -v {tool}")]),
    }
}
