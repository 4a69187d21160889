"""telecomx-local from Python: starts the program and steers it in tests.

    from telecomx_local import Server

    with Server.start() as server, server.workspace() as telecomx:
        telecomx.url, telecomx.token("MANAGER")

With pytest the fixture ``telecomx`` does this (``telecomx_local.pytest_plugin``).
"""

from ._controls import Clock, Controls, Fault, Faults, Server, Session, Workspace
from ._http import TelecomxError
from ._process import binary

__all__ = ["Clock", "Controls", "Fault", "Faults", "Server", "Session", "TelecomxError", "Workspace", "binary"]
