"""The fixtures for pytest: `telecomx`, a server for each test, and `telecomx_server`, the process that they are in."""

from __future__ import annotations

import os
from typing import Any, Generator, Iterator

import pytest

from ._controls import Server, Workspace
from ._http import TelecomxError

_SHOWN = 20


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("telecomx", "telecomx-local")
    group.addoption("--telecomx-import", metavar="FILE", help="begin with this document rather than the demo world")
    group.addoption("--telecomx-seed", metavar="N", type=int, help="ids, tokens and times repeat from run to run")
    group.addoption("--telecomx-strict", action="store_true", help="refuse requests that the documentation does not allow")
    group.addoption(
        "--telecomx-binary", metavar="PATH", help="the program, if not the one of the package (TELECOMX_LOCAL_BINARY)"
    )


@pytest.fixture(scope="session")
def telecomx_server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """The process: one for a run, with pytest-xdist one for each worker."""
    options = request.config
    document = options.getoption("--telecomx-import")
    if document:
        # As the command line meant it, wherever a test has gone since.
        document = os.path.join(str(options.invocation_params.dir), document)
    with Server.start(
        import_file=document,
        seed=options.getoption("--telecomx-seed"),
        strict=options.getoption("--telecomx-strict"),
        binary=options.getoption("--telecomx-binary"),
    ) as server:
        yield server


@pytest.fixture
def telecomx(telecomx_server: Server) -> Iterator[Workspace]:
    """A server with the seed that no other test uses."""
    with telecomx_server.workspace() as workspace:
        yield workspace


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, None]:
    """Shows with a failed test what its server was asked."""
    outcome = yield
    report = outcome.get_result()
    workspace = getattr(item, "funcargs", {}).get("telecomx")
    if report.when != "call" or not report.failed or not isinstance(workspace, Workspace):
        return
    try:
        requests = workspace.requests()[-_SHOWN:]
    except TelecomxError as error:
        report.sections.append(("requests to telecomx-local", str(error)))
        return
    lines = [f"{one['method']} {one['path']} → {one['status']}{_problems(one)}" for one in requests]
    report.sections.append(("requests to telecomx-local", "\n".join(lines) or "none"))


def _problems(request: Any) -> str:
    return "".join(f"\n    {problem['what']} ({problem['page']})" for problem in request.get("problems") or [])
