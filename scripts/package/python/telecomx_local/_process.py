"""The process of the program: where it is found, how it starts, and that it ends with the one that started it."""

from __future__ import annotations

import atexit
import os
import selectors
import shutil
import subprocess
import tempfile
import time
from importlib import metadata
from pathlib import Path
from typing import Dict, List, Optional, Sequence

from ._http import TelecomxError

NAME = "telecomx-local"
_LISTENING = "telecomx-local listening on "
_CONTROLS = "telecomx-local controls on "
_START_SECONDS = 30.0
_STOP_SECONDS = 10.0

# Waits until its standard input ends, which the system sees to however the one at the other end is ended, and then stops
# the program.
_GUARD = 'trap "" INT HUP TERM; read -r _; kill -TERM "$0" 2> /dev/null'


def binary(given: Optional[str] = None) -> str:
    """The program: the one given, that of TELECOMX_LOCAL_BINARY, the one in this package, or the one on PATH."""
    named = given or os.environ.get("TELECOMX_LOCAL_BINARY")
    if named:
        if not os.access(named, os.X_OK) or os.path.isdir(named):
            raise TelecomxError(f"{named} is no program: give the path of {NAME}")
        return os.path.abspath(named)
    found = _packaged() or shutil.which(NAME)
    if not found:
        raise TelecomxError(f"{NAME} is not found: install its wheel, or name it in TELECOMX_LOCAL_BINARY")
    return found


def _packaged() -> Optional[str]:
    try:
        files = metadata.files(NAME) or []
    except metadata.PackageNotFoundError:
        return None
    for file in files:
        if file.name == NAME:
            path = Path(str(file.locate()))
            return str(path.resolve()) if path.is_file() else None
    return None


def _environment() -> Dict[str, str]:
    """Without the program's settings, which are for another server than that of the tests."""
    return {name: value for name, value in os.environ.items() if not name.startswith("TELECOMX_LOCAL_")}


class Process:
    """A running program with controls."""

    def __init__(self, program: str, arguments: Sequence[str]) -> None:
        # A file, not a pipe: nobody reads what is logged while the tests run, and a full pipe would stop the program.
        self._log = tempfile.TemporaryFile()
        command = [program, "serve", "--ephemeral", "--listen", "127.0.0.1:0", "--control", *arguments]
        # A session of its own: Ctrl-C in the terminal is for the tests, which then stop the program.
        self._program = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self._log,
            env=_environment(),
            start_new_session=True,
        )
        self._guard = subprocess.Popen(
            ["sh", "-c", _GUARD, str(self._program.pid)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        atexit.register(self.stop)
        try:
            self.url, self.control_url = self._addresses()
        except BaseException:
            self.stop()
            raise

    @property
    def pid(self) -> int:
        return self._program.pid

    def stop(self) -> None:
        """Stops the program and waits for its end; may be called again."""
        atexit.unregister(self.stop)
        # The guard first: afterwards the number of the process may be somebody else's.
        if self._guard.poll() is None:
            self._guard.kill()
            self._guard.wait()
        if self._guard.stdin:
            self._guard.stdin.close()
        if self._program.poll() is None:
            self._program.terminate()
            try:
                self._program.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._program.kill()
                self._program.wait()
        if self._program.stdout:
            self._program.stdout.close()
        self._log.close()

    def _addresses(self) -> List[str]:
        """The two addresses, from the first two lines that the program prints."""
        assert self._program.stdout
        output, deadline, text = self._program.stdout.fileno(), time.monotonic() + _START_SECONDS, b""
        with selectors.DefaultSelector() as selector:
            selector.register(output, selectors.EVENT_READ)
            while text.count(b"\n") < 2:
                if not selector.select(max(0.0, deadline - time.monotonic())):
                    raise TelecomxError(f"{NAME} did not start within {_START_SECONDS:.0f} seconds{self._logged()}")
                chunk = os.read(output, 65536)
                if not chunk:
                    self._program.wait()
                    raise TelecomxError(f"{NAME} ended with {self._program.returncode}{self._logged()}")
                text += chunk
        lines = text.decode(errors="replace").splitlines()
        if not lines[0].startswith(_LISTENING) or not lines[1].startswith(_CONTROLS):
            raise TelecomxError(f"{NAME} has no controls, or others: it began with {lines[0]!r}, {lines[1]!r}")
        return [lines[0][len(_LISTENING) :], lines[1][len(_CONTROLS) :]]

    def _logged(self) -> str:
        size = self._log.seek(0, os.SEEK_END)
        self._log.seek(max(0, size - 4000))
        text = self._log.read().decode(errors="replace").strip()
        return f":\n{text}" if text else ""
