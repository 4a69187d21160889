//! The packages for Python and Node: built with this program, installed into a fresh environment, and used as their pages
//! show it.

use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::support::needs;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// What `scripts/package/test-tools` installs.
fn tools(name: &str) -> PathBuf {
    root().join("target/tools").join(name)
}

/// The fenced blocks of one language on a page, in order.
fn blocks(page: &str, language: &str) -> Vec<String> {
    let text = std::fs::read_to_string(root().join(page)).unwrap();
    let fence = format!("```{language}\n");
    let parts = text.split(fence.as_str()).skip(1);
    parts.filter_map(|part| part.split_once("\n```")).map(|(block, _)| format!("{block}\n")).collect()
}

/// A command in `folder`: the program is that of the package, and a setting in the environment is for another server.
fn command(folder: &Path, program: impl AsRef<Path>, arguments: &[&str]) -> Command {
    let mut command = Command::new(program.as_ref());
    command.args(arguments).current_dir(folder).stdin(Stdio::null());
    command
        .env_remove("TELECOMX_LOCAL_BINARY")
        .env("TELECOMX_LOCAL_LISTEN", "everywhere")
        .env("NO_COLOR", "1")
        .env_remove("FORCE_COLOR");
    command
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Runs it, and gives what it printed; it must succeed.
fn succeeds(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}\n{}", text(&output));
    text(&output)
}

/// Builds a package with the program of this test run; gives its path.
fn build(language: &str, out: &Path) -> String {
    let binary = env!("CARGO_BIN_EXE_telecomx-local");
    let arguments = [language, "--binary", binary, "--out", out.to_str().unwrap()];
    let output = command(root(), root().join("scripts/package/build"), &arguments).output().unwrap();
    assert!(output.status.success(), "{}", text(&output));
    String::from_utf8(output.stdout).unwrap().lines().last().unwrap().to_owned()
}

/// Waits until nobody listens there any more.
fn is_gone(url: &str) {
    let (address, begun) = (url.strip_prefix("http://").unwrap(), Instant::now());
    while TcpStream::connect(address).is_ok() {
        assert!(begun.elapsed() < Duration::from_secs(10), "the program outlived the run that started it");
    }
}

/// A fresh environment of Python with the wheel in it, and pytest from elsewhere.
fn python_with_the_wheel(folder: &Path) -> PathBuf {
    let wheel = build("python", folder);
    succeeds(&mut command(folder, "python3", &["-m", "venv", "--without-pip", "venv"]));
    let python = folder.join("venv/bin/python");
    let packages = ["-c", "import sysconfig; print(sysconfig.get_path('purelib'))"];
    let packages_of = |python: &Path| succeeds(&mut command(folder, python, &packages)).trim().to_owned();
    let pytest = packages_of(&tools("pytest/bin/python"));
    std::fs::write(Path::new(&packages_of(&python)).join("pytest-from-elsewhere.pth"), pytest).unwrap();
    // It depends on nothing, so no index is asked.
    let install = ["--python", python.to_str().unwrap(), "install", "--quiet", "--no-index", &wheel];
    succeeds(&mut command(folder, tools("pytest/bin/pip"), &install));
    python
}

#[test]
fn the_page_for_python_works_when_it_is_pasted_and_every_member_of_the_fixture_does() {
    if !needs("pytest") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let python = python_with_the_wheel(folder);
    let [test, script] = &blocks("docs/testing-python.md", "python")[..] else { panic!("two blocks") };
    std::fs::write(folder.join("test_copy.py"), test).unwrap();
    std::fs::write(folder.join("script.py"), script).unwrap();
    std::fs::copy(root().join("tests/cli/packages/test_members.py"), folder.join("test_members.py")).unwrap();
    let run = |arguments: &[&str]| succeeds(&mut command(folder, &python, arguments));

    assert!(run(&["-m", "pytest", "--telecomx-seed", "1", "test_copy.py"]).contains("3 passed"));
    // With workers of pytest-xdist, each of which has a process of its own.
    let members = run(&["-m", "pytest", "-n", "2"]);
    assert!(members.contains("12 passed, 1 skipped"), "{members}");
    assert!(run(&["script.py"]).starts_with("http://127.0.0.1:"));
    assert!(succeeds(&mut command(folder, folder.join("venv/bin/telecomx-local"), &["--version"])).contains("0."));

    // A failed test shows what its server was asked.
    let fails =
        "import urllib.request\n\ndef test_it(telecomx):\n    urllib.request.urlopen(telecomx.url + '/employee')\n";
    std::fs::write(folder.join("test_fails.py"), fails).unwrap();
    let failed = text(&command(folder, &python, &["-m", "pytest", "test_fails.py"]).output().unwrap());
    assert!(failed.contains("GET /employee → 401"), "{failed}");

    let url = folder.join("url");
    let mut killed = command(folder, &python, &["-m", "pytest", "test_members.py", "-k", "the_run_is_killed"]);
    assert!(!killed.env("KILLED", &url).output().unwrap().status.success());
    is_gone(&std::fs::read_to_string(url).unwrap());
}

/// A fresh folder for Node with the package in it; the test runners are found in the folder above.
fn node_with_the_package() -> TempDir {
    let runners = tools("test-runners");
    let folder = tempfile::Builder::new().prefix("fresh-").tempdir_in(runners).unwrap();
    std::fs::write(folder.path().join("package.json"), r#"{ "private": true, "type": "module" }"#).unwrap();
    let package = build("node", folder.path());
    let install = ["install", "--silent", "--no-audit", "--no-fund", "--offline", &package];
    succeeds(&mut command(folder.path(), "npm", &install));
    folder
}

#[test]
fn the_page_for_node_works_when_it_is_pasted_and_every_member_of_the_fixture_does() {
    if !needs("vitest") {
        return;
    }
    let folder = node_with_the_package();
    let folder = folder.path();
    let blocks = blocks("docs/testing-node.md", "js");
    let [vitest, jest, playwright, script] = &blocks[..] else { panic!("four blocks") };
    for (name, block) in
        [("copy.test.js", vitest), ("jest.test.cjs", jest), ("playwright.spec.js", playwright), ("script.js", script)]
    {
        std::fs::write(folder.join(name), block).unwrap();
    }
    for name in ["members.test.js", "types.ts"] {
        std::fs::copy(root().join("tests/cli/packages").join(name), folder.join(name)).unwrap();
    }
    let run = |tool: &str, arguments: &[&str]| {
        succeeds(&mut command(folder, tools("test-runners/node_modules/.bin").join(tool), arguments))
    };

    let ran = run("vitest", &["run", "--testTimeout=60000", "--hookTimeout=60000", "copy.test.js", "members.test.js"]);
    assert!(ran.contains("Tests  13 passed (13)"), "{ran}");
    let ran = run("jest", &["--rootDir", ".", "--testTimeout=60000", "jest.test.cjs"]);
    assert!(ran.contains("1 passed, 1 total"), "{ran}");
    let ran = run("playwright", &["test", "--timeout=60000", "playwright.spec.js"]);
    assert!(ran.contains("1 passed"), "{ran}");
    let ran = succeeds(&mut command(folder, "node", &["script.js"]));
    assert!(ran.starts_with("http://127.0.0.1:"), "{ran}");
    let program = folder.join("node_modules/.bin/telecomx-local");
    assert!(succeeds(&mut command(folder, program, &["--version"])).contains("0."));
    let strict = ["--strict", "--noEmit", "--module", "nodenext", "--target", "es2022", "--types", "node", "types.ts"];
    run("tsc", &strict);
}
