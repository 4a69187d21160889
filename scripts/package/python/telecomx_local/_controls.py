"""The controls of a running program, as objects. The calls are described in docs/control.md."""

from __future__ import annotations

import time
from datetime import datetime, timedelta, timezone
from types import TracebackType
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Type, TypeVar, Union
from urllib.parse import quote

from ._http import TelecomxError, call
from ._process import Process, binary as find_binary

Json = Dict[str, Any]
_Self = TypeVar("_Self", bound="Controls")
_WAIT_SECONDS = 60.0


class Session(NamedTuple):
    """A session that was opened without a password."""

    token: str
    employee: str
    customer: str
    access_level: str


class Fault:
    """A fault that is set."""

    def __init__(self, faults: "Faults", id: int) -> None:
        self._faults = faults
        self.id = id

    @property
    def hits(self) -> int:
        """How many requests it has hit."""
        for fault in self._faults.list():
            if fault["id"] == self.id:
                return int(fault["hits"])
        raise TelecomxError(f"the fault {self.id} is not set any more")

    def remove(self) -> None:
        call("DELETE", f"{self._faults._url}/{self.id}")


class Faults:
    """What goes wrong on purpose."""

    def __init__(self, control_url: str) -> None:
        self._url = f"{control_url}/_ctl/faults"

    def add(
        self,
        then: Mapping[str, Any],
        *,
        method: Optional[str] = None,
        path: Optional[str] = None,
        caller: Optional[str] = None,
        header: Optional[Mapping[str, str]] = None,
        share: Optional[float] = None,
        next: Optional[int] = None,
    ) -> Fault:
        """Sets a fault: `then` for the requests that the other properties name; each left out is any."""
        rule = {
            "method": method,
            "path": path,
            "caller": caller,
            "header": header,
            "share": share,
            "next": next,
            "then": then,
        }
        answer = call("POST", self._url, {name: value for name, value in rule.items() if value is not None})
        return Fault(self, answer["id"])

    def list(self) -> List[Json]:
        """The faults that are set, with their `hits`."""
        return _items(call("GET", self._url), "faults")

    def clear(self) -> None:
        """Removes all."""
        call("DELETE", self._url)


class Clock:
    """The time of the server."""

    def __init__(self, control_url: str) -> None:
        self._url = f"{control_url}/_ctl/clock"

    def now(self) -> datetime:
        return _time(call("GET", self._url)["now"])

    def is_running(self) -> bool:
        return bool(call("GET", self._url)["running"])

    def freeze(self) -> None:
        call("POST", self._url, {"freeze": True})

    def set(self, to: Union[datetime, str]) -> None:
        """Sets the time: a `datetime` with its zone, or `2026-12-24T18:00:00Z`."""
        if isinstance(to, datetime):
            if to.tzinfo is None:
                raise ValueError("the datetime has no zone: give it one, for instance timezone.utc")
            to = to.astimezone(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        call("POST", self._url, {"set": to})

    def advance(self, by: Union[float, timedelta]) -> None:
        """Moves the time on, by seconds or a `timedelta`."""
        seconds = by.total_seconds() if isinstance(by, timedelta) else by
        call("POST", self._url, {"advanceMs": round(seconds * 1000)})

    def run(self) -> None:
        """Lets the time run on."""
        call("POST", self._url, {"run": True})


class Controls:
    """What a server and a workspace have in common."""

    def __init__(self, url: str, control_url: str) -> None:
        #: Where the client under test sends its requests.
        self.url = url
        #: Where the controls are.
        self.control_url = control_url
        self.faults = Faults(control_url)
        self.clock = Clock(control_url)

    def token(self, level: str = "MANAGER", *, employee: Optional[str] = None) -> str:
        """A bearer token without a password: of an employee of this access level, or of this employee."""
        return self.session(level, employee=employee).token

    def session(self, level: str = "MANAGER", *, employee: Optional[str] = None) -> Session:
        """As `token`, with whose it is."""
        answer = self._call("POST", "tokens", {"employee": employee} if employee else {"level": level})
        return Session(answer["token"], answer["employee"], answer["customer"], answer["accessLevel"])

    def reset(self, snapshot: Optional[str] = None) -> None:
        """Back to the seed, or to a snapshot: data, clock, faults and journal."""
        self._call("POST", "reset", {"snapshot": snapshot} if snapshot else {})

    def snapshot(self, name: str) -> None:
        """Saves the data under a name."""
        self._call("PUT", f"snapshots/{quote(name, safe='')}")

    def restore(self, name: str) -> None:
        """Back to the data of a snapshot; the clock stays."""
        self._call("POST", f"snapshots/{quote(name, safe='')}")

    def requests(
        self,
        *,
        method: Optional[str] = None,
        path: Optional[str] = None,
        status: Optional[int] = None,
        caller: Optional[str] = None,
        problems: Optional[bool] = None,
        after: Optional[int] = None,
        limit: Optional[int] = None,
    ) -> List[Json]:
        """The last requests with their answers, oldest first; the arguments choose among them."""
        query = dict(method=method, path=path, status=status, caller=caller, problems=problems, after=after, limit=limit)
        return _items(self._call("GET", "requests", query=query), "requests")

    def wait_for(
        self,
        *,
        timeout: float = 5,
        method: Optional[str] = None,
        path: Optional[str] = None,
        status: Optional[int] = None,
        caller: Optional[str] = None,
        problems: Optional[bool] = None,
        after: Optional[int] = None,
    ) -> Json:
        """Waits until there is such a request, and gives it; after `timeout` seconds without one, `TimeoutError`."""
        query = dict(method=method, path=path, status=status, caller=caller, problems=problems, after=after)
        chosen: Json = {name: value for name, value in query.items() if value is not None}
        deadline = time.monotonic() + timeout
        found: List[Json] = []
        while not found:
            left = deadline - time.monotonic()
            # One call waits for so long at most.
            waiting: Json = {**chosen, "wait": min(max(left, 0), _WAIT_SECONDS)}
            found = _items(self._call("GET", "requests", query=waiting, timeout=_WAIT_SECONDS + 30), "requests")
            if left <= _WAIT_SECONDS:
                break
        if not found:
            raise TimeoutError(f"no request with {chosen} came within {timeout} seconds")
        return found[0]

    def clear_requests(self) -> None:
        self._call("DELETE", "requests")

    def har(self) -> Json:
        """The requests as an HTTP archive."""
        archive: Json = self._call("GET", "requests", query={"format": "har"})
        return archive

    def outbox(self) -> List[Json]:
        """What would have gone out: mails, SMS, app actions."""
        return _items(self._call("GET", "outbox"), "outbox")

    def close(self) -> None:
        raise NotImplementedError

    def __enter__(self: _Self) -> _Self:
        return self

    def __exit__(
        self,
        type: Optional[Type[BaseException]],
        value: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        self.close()

    def _call(
        self,
        method: str,
        path: str,
        body: Optional[Mapping[str, Any]] = None,
        query: Optional[Mapping[str, Any]] = None,
        timeout: float = 30,
    ) -> Any:
        return call(method, f"{self.control_url}/_ctl/{path}", body, query, timeout)


class Workspace(Controls):
    """A server of its own, with the seed of the one that it was asked of, in the same process."""

    def __init__(self, server: "Server", name: str, url: str, control_url: str) -> None:
        super().__init__(url, control_url)
        self.name = name
        self._server = server

    def close(self) -> None:
        """Drops it."""
        self._server._call("DELETE", f"workspaces/{quote(self.name, safe='')}")


class Server(Controls):
    """A running program."""

    def __init__(self, process: Process, seed: Optional[int]) -> None:
        super().__init__(process.url, process.control_url)
        self._process = process
        self._seed = seed

    @classmethod
    def start(
        cls,
        *,
        import_file: Optional[str] = None,
        seed: Optional[int] = None,
        strict: bool = False,
        binary: Optional[str] = None,
    ) -> "Server":
        """Starts the program with the demo world, or with a document; it ends with this process at the latest."""
        arguments = ["--import", import_file] if import_file else ["--demo"]
        if seed is not None:
            arguments += ["--seed", str(seed)]
        if strict:
            arguments.append("--strict")
        return cls(Process(find_binary(binary), arguments), seed)

    @property
    def pid(self) -> int:
        return self._process.pid

    def workspace(self) -> Workspace:
        """A server of its own for one test."""
        answer = self._call("POST", "workspaces", {} if self._seed is None else {"seed": self._seed})
        return Workspace(self, answer["name"], answer["url"], answer["controlUrl"])

    def close(self) -> None:
        """Stops the program; may be called again."""
        self._process.stop()


def _items(answer: Any, name: str) -> List[Json]:
    items: List[Json] = answer[name] if isinstance(answer, dict) else answer
    return items


def _time(text: str) -> datetime:
    # Before Python 3.11 fromisoformat reads neither Z nor other fractions than of three or six digits.
    return datetime.fromisoformat(text.replace("Z", "+00:00"))
