"""The platform's part of scripts/bench: a local server, and the program itself as the platform, on loopback and on the same cores."""

import http.client
import json
import os
import shutil
import sqlite3
import statistics
import subprocess
import time
from urllib.parse import urlsplit

from harness import Failure, Server, call, run
from mirror import ADMIN, employee

PULL_CUSTOMERS = 1000  # of 100 employees each
PASS_CUSTOMERS = 200
COPIES = 1000
LOGINS = 30
FORWARDED = 2000
# Known to the platform, and served by neither: the platform's 501 comes back with a word that it was forwarded.
FORWARDED_PATH = "/config"

AIMS = [
    ("first pull 100,000", "s", "<", 60),
    ("first pull, memory", "MB", "<", 64),
    ("nothing changed, 20,000", "s", "<", 3),
    ("nothing changed, 20,000", "writes", "<", 1),
    ("1,000 queued copies", "s", "<", 20),
    ("login offline", "ms longer", "<", 5),
    ("forwarded GET", "ms longer", "<", 2),
]
NOTES = [
    "first pull: 100,000 employees with their configs into an empty database, by the command platform pull, request limit off;"
    " memory: the most that was resident. nothing changed: POST /sync over 20,000 employees after a whole reading.",
    "queued copies: made while the platform was away, sent by one POST /sync. login offline: with a password that the platform has"
    " accepted, against the same login on a server without a platform. forwarded GET: against the same call of the platform itself.",
]
ENVIRONMENT = {**os.environ, "TELECOMX_LOCAL_PLATFORM_REQUESTS_PER_SECOND": "0", "TELECOMX_LOCAL_PLATFORM_INTERVAL_S": "86400"}


class Client:
    """One kept connection."""

    def __init__(self, url, authorization=None):
        self.connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=600)
        self.headers = {"Content-Type": "application/json"}
        if authorization:
            self.headers["Authorization"] = authorization

    def ask(self, method, path, body=None):
        """Status, headers and body of the answer, and how many milliseconds it took."""
        began = time.monotonic()
        self.connection.request(method, path, None if body is None else json.dumps(body), self.headers)
        answer = self.connection.getresponse()
        text = answer.read()
        return answer.status, answer.headers, text, (time.monotonic() - began) * 1e3

    def good(self, method, path, body=None):
        status, _, text, taken = self.ask(method, path, body)
        if status != 200:
            raise Failure(f"{method} {path} was answered {status}: {text[:500]}")
        return json.loads(text), taken


class Pair:
    """The program as the platform on `data`, and a local server that is connected with it and has read everything."""

    def __init__(self, product, folder, data, password):
        self.product, self.folder, self.data, self.password = product, folder, data, password
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        self.platform = self.start_platform("127.0.0.1:0")
        self.address = self.platform.url.removeprefix("http://")
        self.secret = folder / "password"
        self.secret.write_text(password)

    def start_platform(self, address):
        return Server("platform", [self.product, "serve", "--db", self.data, "--listen", address], self.folder)

    def account(self):
        return [self.platform.url, "--username", ADMIN, "--password-file", self.secret]

    def connect(self, db):
        """A local server on an empty database, after its first reading."""
        run(self.product, "platform", "connect", *self.account(), "--db", db)
        flags = ["--platform-requests-per-second", "0", "--platform-interval-s", "86400", "--request-timeout-s", "600"]
        server = Server("telecomx-local", [self.product, "serve", "--db", db, "--listen", "127.0.0.1:0", *flags], self.folder)
        for _ in range(1_200):
            with sqlite3.connect(f"file:{db}?mode=ro", uri=True) as local:
                if local.execute("select count(*) from platform_reads").fetchone()[0] >= 5:
                    return server
            time.sleep(0.5)
        raise server.failure("has not read everything")

    def stop(self):
        self.platform.stop()
        shutil.rmtree(self.folder)


def log_in(url, username, password):
    body = {"username": username, "password": password, "persist": True}
    return "Bearer " + json.loads(call(f"{url}/auth/login", body=body))["token"]


def manager(customer):
    """The generated employees who have a password."""
    first = customer * 100
    return f"e{first}@kunde{customer}.dk"


def measure_pull(product, folder, data, password):
    pair = Pair(product, folder, data, password)
    db = folder / "pulled.db"
    began = time.monotonic()
    command = [product, "platform", "pull", *pair.account(), "--db", db, "--json"]
    child = subprocess.Popen([str(word) for word in command], env=ENVIRONMENT, stdout=subprocess.PIPE)
    printed = child.stdout.read()
    _, status, usage = os.wait4(child.pid, 0)
    taken = time.monotonic() - began
    if status != 0:
        raise Failure(f"platform pull ended with {status}: {printed[:500]}")
    with sqlite3.connect(f"file:{db}?mode=ro", uri=True) as local:
        counts = [local.execute(f"select count(*) from {table}").fetchone()[0] for table in ("employees", "mobile_configs")]
    if min(counts) < PULL_CUSTOMERS * 100:
        raise Failure(f"platform pull has brought {counts} employees and mobile configs")
    pair.stop()
    return {"first pull 100,000": {"s": taken}, "first pull, memory": {"MB": usage.ru_maxrss * 1024 / 1e6}}


def writes(db):
    """What every write changes: the newest number, and how long the audit trail and the log beside the database are."""
    with sqlite3.connect(f"file:{db}?mode=ro", uri=True) as local:
        high = local.execute("select high from feed").fetchone()[0]
        audited = local.execute("select coalesce(max(seq), 0) from audit").fetchone()[0]
    log = db.with_name(db.name + "-wal")
    return high, audited, log.stat().st_mtime_ns if log.exists() else 0


def measure_work(product, folder, data, password):
    """A pass that finds nothing, queued copies, a login offline, and forwarding, on one local server."""
    pair = Pair(product, folder, data, password)
    db = folder / "local.db"
    local = pair.connect(db)
    admin = Client(local.url, log_in(local.url, ADMIN, password))
    log_in(local.url, manager(0), password)
    measured = {}

    passes = []
    for _ in range(3):
        before = writes(db)
        _, taken = admin.good("POST", "/sync", {})
        passes.append((taken / 1e3, sum(one != other for one, other in zip(before, writes(db)))))
    # The first may write down how it went; what a session writes once a minute is not the pass's.
    measured["nothing changed, 20,000"] = {"s": statistics.median(s for s, _ in passes), "writes": min(w for _, w in passes[1:])}

    measured["forwarded GET"] = measure_forwarding(pair, local, password)

    pair.platform.stop()
    measured["login offline"] = measure_logins(pair, local, password)
    for number in range(COPIES):
        first = number % (PASS_CUSTOMERS * 50) * 2
        admin.good("POST", "/pbx/app/mobileconfig/", {"_id": employee(first), "copyTo": employee(first + 1)})
    pair.platform = pair.start_platform(pair.address)
    os.sync()
    _, taken = admin.good("POST", "/sync", {})
    left = admin.good("GET", "/sync/operations")[0]["total"]
    if left:
        raise local.failure(f"has {left} copies that were not sent")
    measured["1,000 queued copies"] = {"s": taken / 1e3}
    local.stop()
    pair.stop()
    return measured


def measure_forwarding(pair, local, password):
    near = Client(local.url, log_in(local.url, ADMIN, password))
    far = Client(pair.platform.url, log_in(pair.platform.url, ADMIN, password))
    _, headers, text, _ = near.ask("GET", FORWARDED_PATH)
    if "telecomx-local" not in headers.get("Via", ""):
        raise Failure(f"{FORWARDED_PATH} was not forwarded: {text[:300]}")
    medians = {}
    for name, client in (("far", far), ("near", near)):
        medians[name] = statistics.median(client.ask("GET", FORWARDED_PATH)[3] for _ in range(FORWARDED))
    return {"ms": medians["near"], "ms longer": medians["near"] - medians["far"]}


def measure_logins(pair, local, password):
    """Logins on the local server while the platform is away, and on one that knows no platform, in turns."""
    alone_db = pair.folder / "alone.db"
    with sqlite3.connect(pair.data) as data, sqlite3.connect(alone_db) as copy:
        data.backup(copy)
    key = pair.data.with_name(pair.data.name + ".key")
    if key.exists():
        shutil.copy(key, alone_db.with_name(alone_db.name + ".key"))
    alone = Server("alone", [pair.product, "serve", "--db", alone_db, "--listen", "127.0.0.1:0"], pair.folder)
    body = {"username": manager(0), "password": password}
    taken = {alone: [], local: []}
    for _ in range(LOGINS):
        for server, times in taken.items():
            times.append(Client(server.url).good("POST", "/auth/login", body)[1])
    alone.stop()
    here, there = statistics.median(taken[local]), statistics.median(taken[alone])
    return {"ms": here, "ms longer": here - there}
