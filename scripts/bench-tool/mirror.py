"""The mirror's part of scripts/bench: an edge and its hub, on loopback and on the same cores."""

import http.client
import json
import os
import shutil
import socket
import sqlite3
import statistics
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

from harness import Failure, Server, Subject, call, run

CUSTOMERS, EMPLOYEES_PER_CUSTOMER = 1000, 100
CHANGES = 10_000
EXCHANGES = 300
PROPOSALS = 100
PROOF_CUSTOMERS = 5000
LOADED_CUSTOMERS = 100
ADMIN = "admin@bench.example.com"

AIMS = [
    ("mirror 100,000", "rows/s", ">=", 35_000),
    ("mirror, edge", "MB", "<", 96),
    ("mirror, hub", "MB", "<", 96),
    ("catch-up 10,000", "s", "<", 0.25),
    ("nothing new", "ms", "<", 2),
    ("nothing new, wire", "bytes", "<", 1024),
    ("proof, wire", "KB", "<", 32),
    ("proposal beside copies", "ms longer", "<", 5),
    ("mirrored copy p50", "% more", "<", 10),
    ("mirrored copy p99", "% more", "<", 10),
]
NOTES = [
    "mirror 100,000: 100,000 configs, 100,000 employees and what belongs to them, from one import, to a hub that has"
    " nothing; rows are all of these, configs only the configs; edge, hub: peak of the resident memory meanwhile.",
    "catch-up: 10,000 copies onto configs spread among the 100,000 while the hub was away; in one write: as many changed"
    " by one import. nothing new: an exchange that brings nothing, as POST /sync answers it.",
    "wire: both directions, with HTTP's headers, counted on a line between the two. proof: a million rows, of which three"
    " were changed behind the hub's back.",
    "proposal beside copies: how much longer the slowest of the copies on one connection took while the edge applied 100"
    " proposals of one row each, at 100,000 employees, than without proposals; slowest: of the copies beside them.",
    "mirrored copy: copy 64 on an edge that mirrors meanwhile, against an edge without a hub; begun: while it sends its"
    " hub everything for the first time.",
]


def employee(number):
    """An id of the generated data."""
    return f"e000{number:020x}"


def customer(number):
    return f"c000{number:020x}"


class Line:
    """A line to a server that counts what goes over it."""

    def __init__(self, url):
        self.target = (urlsplit(url).hostname, urlsplit(url).port)
        self.bytes = 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            near = self.listener.accept()[0]
            far = socket.create_connection(self.target)
            for one, other in ((near, far), (far, near)):
                threading.Thread(target=self.forward, args=(one, other), daemon=True).start()

    def forward(self, one, other):
        try:
            while data := one.recv(1 << 16):
                self.bytes += len(data)
                other.sendall(data)
            other.shutdown(socket.SHUT_WR)
        except OSError:
            pass


class Pair:
    """An edge on a copy of `data`, and a hub that has nothing yet."""

    def __init__(self, product, folder, data, password):
        self.product, self.folder, self.password = product, folder, password
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        shutil.copy(data, folder / data.name)
        self.db, self.store = folder / data.name, folder / "hub.db"
        self.hub = self.start_hub("127.0.0.1:0")
        self.edge = self.start_edge()
        os.sync()

    def start_hub(self, address):
        command = [self.product, "hub", "--store", f"sqlite:{self.store}", "--listen", address]
        return Server("hub", command, self.folder)

    def start_edge(self):
        server = Server("telecomx-local", [self.product, "serve", "--db", self.db, "--listen", "127.0.0.1:0", "--request-timeout-s", "600"], self.folder)
        answer = call(f"{server.url}/auth/login", body={"username": ADMIN, "password": self.password})
        self.authorization = "Bearer " + json.loads(answer)["token"]
        return server

    def ask(self, path, body=None):
        return json.loads(call(self.edge.url + path, self.authorization, body, timeout=600))

    def enroll(self, url=None, beside_writes=False):
        """Enrols the edge, which then sends all it has; gives how long that took. Beside writes there is always more."""
        code = run(self.product, "hub", "enroll", "--store", f"sqlite:{self.store}", "--name", "bench").strip()
        began = time.monotonic()
        status = self.ask("/sync/enroll", {"url": url or self.hub.url, "code": code})
        return self.checked(status, time.monotonic() - began, beside_writes)

    def sync(self):
        began = time.monotonic()
        status = self.ask("/sync", {})
        return self.checked(status, time.monotonic() - began)

    def checked(self, status, taken, beside_writes=False):
        if status["lastError"] or not (beside_writes or status["consistent"]):
            raise self.edge.failure(f"is not mirrored: {status}")
        return taken

    def mirrored_rows(self):
        with sqlite3.connect(self.store) as hub:
            return hub.execute("select count(*) from mirror").fetchone()[0]

    def stop(self):
        for server in (self.edge, self.hub):
            server.stop()
        shutil.rmtree(self.folder)


def copy_spread(pair):
    """CHANGES copies, onto every tenth config."""
    each = CHANGES // CUSTOMERS

    def copies(worker, workers):
        connection = http.client.HTTPConnection(urlsplit(pair.edge.url).netloc)
        headers = {"Authorization": pair.authorization, "Content-Type": "application/json"}
        for one in range(worker, CUSTOMERS, workers):
            for step in range(each):
                first = one * EMPLOYEES_PER_CUSTOMER + step * (EMPLOYEES_PER_CUSTOMER // each)
                body = json.dumps({"_id": employee(first), "copyTo": employee(first + 5)})
                connection.request("POST", "/pbx/app/mobileconfig/", body, headers)
                answer = connection.getresponse()
                text = answer.read()
                if answer.status != 200:
                    raise Failure(f"a copy was answered {answer.status}: {text[:500]}")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda worker: copies(worker, 4), range(4)))


def measure_nothing_new(pair):
    connection = http.client.HTTPConnection(urlsplit(pair.edge.url).netloc)
    taken = []
    for _ in range(EXCHANGES):
        began = time.monotonic()
        connection.request("POST", "/sync", "{}", {"Authorization": pair.authorization, "Content-Type": "application/json"})
        connection.getresponse().read()
        taken.append((time.monotonic() - began) * 1e3)
    return statistics.median(taken)


class Copies:
    """Copies on one connection, one after the other, until told to stop; how long each took, in ms."""

    def __init__(self, pair):
        self.taken, self.is_stopping = [], False
        self.thread = threading.Thread(target=self.run, args=(pair,))
        self.thread.start()

    def run(self, pair):
        connection = http.client.HTTPConnection(urlsplit(pair.edge.url).netloc)
        headers = {"Authorization": pair.authorization, "Content-Type": "application/json"}
        body = json.dumps({"_id": employee(0), "copyTo": employee(1)})
        while not self.is_stopping:
            began = time.monotonic()
            connection.request("POST", "/pbx/app/mobileconfig/", body, headers)
            connection.getresponse().read()
            self.taken.append((time.monotonic() - began) * 1e3)

    def stop(self):
        self.is_stopping = True
        self.thread.join()
        return self.taken


def propose(pair, count):
    """Has the hub ask for a new title of so many employees, spread over all."""
    token = (pair.folder / "hub.db.admin-token").read_text().strip()
    origin = json.loads(call(f"{pair.hub.url}/sync/v1/fleet", f"Bearer {token}"))["origins"][0]["origin"]
    url = f"{pair.hub.url}/sync/v1/origins/{origin}/proposals"
    for number in range(count):
        id = employee(number * (CUSTOMERS * EMPLOYEES_PER_CUSTOMER // count) + 7)
        call(url, f"Bearer {token}", {"table": "employee", "id": id, "patch": {"title": f"Proposed {time.time()}"}})


def measure_proposals(pair):
    """The slowest copy while nothing else happens, and beside proposals of one row each."""
    slowest = {}
    for what, count in (("without", 0), ("beside", PROPOSALS)):
        propose(pair, count)
        copies = Copies(pair)
        began = time.monotonic()
        while time.monotonic() - began < 3:
            pair.ask("/sync", {})
        slowest[what] = max(copies.stop())
    return {"ms longer": slowest["beside"] - slowest["without"], "slowest ms": slowest["beside"]}


def measure_mirror(product, folder, data, changes, password):
    """A first mirror, what follows it, and how much memory that took."""
    pair = Pair(product, folder, data, password)
    taken = pair.enroll()
    measured = {
        "mirror 100,000": {"rows/s": pair.mirrored_rows() / taken},
        "mirror, configs": {"configs/s": CUSTOMERS * EMPLOYEES_PER_CUSTOMER / taken},
        "mirror, edge": {"MB": pair.edge.memory_mb("VmHWM")},
        "mirror, hub": {"MB": pair.hub.memory_mb("VmHWM")},
        "nothing new": {"ms": measure_nothing_new(pair)},
        "proposal beside copies": measure_proposals(pair),
    }
    address = pair.hub.url.removeprefix("http://")
    pair.hub.stop()
    copy_spread(pair)
    pair.hub = pair.start_hub(address)
    os.sync()
    measured["catch-up 10,000"] = {"s": pair.sync()}
    pair.edge.stop()
    run(product, "import", changes, "--db", pair.db)
    pair.edge = pair.start_edge()
    os.sync()
    measured["catch-up in one write"] = {"s": pair.sync()}
    pair.stop()
    return measured


def measure_wire(product, folder, data, password):
    """What an exchange that brings nothing, and a proof, cost on the wire."""
    pair = Pair(product, folder, data, password)
    line = Line(pair.hub.url)
    pair.enroll(line.url)
    begun = line.bytes
    for _ in range(10):
        pair.sync()
    idle = (line.bytes - begun) / 10
    with sqlite3.connect(pair.store, timeout=30) as hub:
        for number in (7, 40_007, 80_007):
            row = "(select text from mirror where t = 3 and id = ?)"
            hub.execute(f"update texts set v = v || ' ' where n = {row}", [employee(number)])
        differing = hub.total_changes
    begun, began = line.bytes, time.monotonic()
    proof = pair.ask("/sync/verify", {})
    taken = time.monotonic() - began
    if proof["equal"] or proof["differences"] != differing:
        raise Failure(f"{differing} rows differ, and the proof says: {proof}")
    measured = {
        "nothing new, wire": {"bytes": idle},
        "proof, wire": {"KB": (line.bytes - begun) / 1024},
        "proof": {"s": taken},
        "proof, rows": {"rows": proof["rows"]},
    }
    pair.stop()
    return measured


def measure_copies(product, folder, data, password, seconds, number):
    """Copies on an edge without a hub, on one that follows, and on one that sends everything for the first time."""
    managers = {
        customer(one): [{"_id": employee(one * EMPLOYEES_PER_CUSTOMER + step),
                         "emailAddress": f"e{one * EMPLOYEES_PER_CUSTOMER + step}@kunde{one}.dk"}
                        for step in range(EMPLOYEES_PER_CUSTOMER)]
        for one in range(LOADED_CUSTOMERS)
    }
    pair = Pair(product, folder, data, password)
    subject = Subject("telecomx-local", pair.edge, folder / "callers", "", "")

    def log_in(url, name):
        body = {"username": name, "password": password, "persist": True}
        return "Bearer " + json.loads(call(f"{url}/auth/login", body=body))["token"]

    subject.log_in(managers, log_in)
    measured = {}

    def load(row):
        os.sync()
        measured[row] = {"telecomx-local": subject.load("copy", 64, seconds, number)}

    subject.load("copy", 64, 1, number)
    load("copy 64, no hub")
    begun = threading.Thread(target=pair.enroll, kwargs={"beside_writes": True})
    begun.start()
    load("copy 64, mirror begun")
    begun.join()
    pair.sync()
    load("copy 64, mirrored")
    pair.stop()
    return measured


def rises(rows):
    """How much longer copies take on an edge that mirrors."""
    alone = rows["copy 64, no hub"]

    def rise(row, figure):
        return {"% more": (rows[row][figure] / alone[figure] - 1) * 100}

    return {f"{what} copy {figure[:3]}": rise(row, figure)
            for what, row in (("mirrored", "copy 64, mirrored"), ("begun", "copy 64, mirror begun"))
            for figure in ("p50 ms", "p99 ms")}
