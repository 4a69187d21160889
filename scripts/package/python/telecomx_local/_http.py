"""Calls of the controls: JSON over HTTP, with the standard library alone."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any, Mapping, Optional
from urllib.parse import urlencode

# The controls are on this machine: a proxy of the environment must not come between.
_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class TelecomxError(Exception):
    """What the program, or one of its controls, refused."""


def call(
    method: str,
    url: str,
    body: Optional[Mapping[str, Any]] = None,
    query: Optional[Mapping[str, Any]] = None,
    timeout: float = 30,
) -> Any:
    """Calls a control and gives its answer; an answer that is an error is raised."""
    arguments = {name: _argument(value) for name, value in (query or {}).items() if value is not None}
    if arguments:
        url = f"{url}?{urlencode(arguments)}"
    data = None if body is None else json.dumps(body).encode()
    headers = {} if data is None else {"Content-Type": "application/json"}
    request = urllib.request.Request(url, data=data, headers=headers, method=method)
    try:
        with _opener.open(request, timeout=timeout) as answer:
            content = answer.read()
    except urllib.error.HTTPError as error:
        raise TelecomxError(f"{method} {url}: {error.code} {_message(error.read())}") from None
    except OSError as error:
        raise TelecomxError(f"{method} {url}: telecomx-local does not answer ({error})") from error
    return json.loads(content) if content else None


def _argument(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _message(content: bytes) -> str:
    try:
        return str(json.loads(content)["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return content.decode(errors="replace")[:500]
