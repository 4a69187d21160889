"""What scripts/bench starts, asks and loads."""

import itertools
import json
import sqlite3
import subprocess
import threading
import urllib.error
import urllib.request
from pathlib import Path

LOAD_SCRIPT = Path(__file__).resolve().parent / "lua/load.lua"


class Failure(Exception):
    """Nothing more can be measured; the message says why."""


def run(*command, **options):
    """Runs a command to its end and returns what it printed."""
    words = [str(word) for word in command]
    try:
        done = subprocess.run(words, stdout=subprocess.PIPE, text=True, **options)
    except OSError as error:
        raise Failure(f"{words[0]} cannot be run: {error}") from error
    if done.returncode != 0:
        raise Failure(f"{Path(words[0]).name} {words[1]} ended with {done.returncode}: {done.stdout.strip()}")
    return done.stdout


def call(url, authorization=None, body=None, timeout=30):
    """The bytes of a good answer."""
    headers = {"Content-Type": "application/json"}
    if authorization:
        headers["Authorization"] = authorization
    data = None if body is None else json.dumps(body).encode()
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data, headers), timeout=timeout) as answer:
            return answer.read()
    except urllib.error.HTTPError as error:
        text = error.read().decode(errors="replace")
        raise Failure(f"{url} answered {error.code}: {text[:500]}") from error
    except OSError as error:
        raise Failure(f"{url} did not answer: {error}") from error


class Server:
    """A started server. `running` holds all that are still to be stopped."""

    running = []
    numbers = itertools.count(1)

    def __init__(self, name, command, folder, url=None):
        """Without `url` the server's first line tells it."""
        self.name = name
        self.log = folder / f"{next(Server.numbers)}-{name}.log"
        with open(self.log, "w") as log:
            self.process = subprocess.Popen(
                [str(word) for word in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log)
        Server.running.append(self)
        self.url = url or self.read_url()
        # A full pipe would stop the server.
        threading.Thread(target=self.drain, daemon=True).start()

    def read_url(self):
        line = self.process.stdout.readline().decode()
        if " listening on http://" not in line:
            raise self.failure(f"did not start: {line}")
        return line.split(" listening on ")[1].strip()

    def drain(self):
        for _ in self.process.stdout:
            pass

    def failure(self, what):
        return Failure(f"{self.name} {what}\n{self.log.read_text()[-2000:]}")

    def memory_mb(self, kind="VmRSS"):
        """VmRSS: resident now, VmHWM: at most so far."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split(f"{kind}:")[1].split()[0]) * 1024 / 1e6

    def stop(self):
        Server.running.remove(self)
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class WriteCost:
    """What a server has the disk write, and by how much its database grows, from now on."""

    def __init__(self, server, db):
        self.server, self.db = server, db
        self.written, self.pages = self.look()

    def look(self):
        io = Path(f"/proc/{self.server.process.pid}/io").read_text()
        conn = sqlite3.connect(f"file:{self.db}?mode=ro", uri=True)
        pages = [conn.execute(f"pragma {name}").fetchone()[0] for name in ("page_count", "freelist_count", "page_size")]
        conn.close()
        return int(io.split("\nwrite_bytes:")[1].split()[0]), (pages[0] - pages[1]) * pages[2]

    def of(self, copies):
        written, pages = self.look()
        return {"KB a copy": (written - self.written) / copies / 1e3, "KB grown": (pages - self.pages) / copies / 1e3}


class Subject:
    """A server under load: how its URLs look, and who calls it.

    `{}` in a path stands for the employee (get) or the customer (list); `callers` is the file that load.lua reads.
    """

    def __init__(self, name, server, callers, get_path, list_path):
        self.name, self.server, self.callers = name, server, callers
        self.paths = {"copy": "/pbx/app/mobileconfig/", "get": get_path, "list": list_path}

    def log_in(self, customers, authorize):
        """Logs in the manager of each customer, its first employee, and writes `callers`. Returns what they present."""
        authorizations = {}
        with open(self.callers, "w") as out:
            for customer, employees in customers.items():
                authorizations[customer] = authorize(self.server.url, employees[0]["emailAddress"])
                words = [authorizations[customer].replace(" ", "+"), customer, *(e["_id"] for e in employees)]
                out.write(" ".join(words) + "\n")
        return authorizations

    def check(self, customer, employees, authorization, configs):
        """Whether it holds the generated rows and copies: all subjects must do the same work."""

        def ask(kind, number, body=None):
            path = self.paths[kind].replace("{}", number)
            return json.loads(call(self.server.url + path, authorization, body))

        first, last = employees[0]["_id"], employees[-1]["_id"]
        rows = ask("list", customer)
        rows = rows if isinstance(rows, list) else rows["items"]
        listed = {row["_id" if "_id" in row else "id"]: row["configs"] for row in rows}
        if listed != {e["_id"]: configs[e["_id"]] for e in employees}:
            raise Failure(f"{self.name} does not hold the generated rows")
        copied = ask("copy", customer, {"_id": first, "copyTo": last})
        if not copied["configs"] == ask("get", last)["configs"] == configs[first]:
            raise Failure(f"{self.name} does not copy")

    def load(self, kind, connections, seconds, seed):
        """What wrk finds with all connections busy. wrk gets one thread: the cores are needed by the servers."""
        output = run(
            "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s", "-s", LOAD_SCRIPT, self.server.url,
            "--", kind, self.callers, self.paths[kind], seed)
        if "RESULT " not in output:
            raise self.server.failure(f"could not be loaded: {output}")
        result = json.loads(output.split("RESULT ")[1])
        if result["refused"] or result["broken"] or not result["requests"]:
            raise self.server.failure(f"gave wrong answers to {kind} on {connections} connections: {result}")
        return {
            "requests": result["requests"],
            "per second": result["requests"] * 1e6 / result["duration_us"],
            "p50 ms": result["p50_us"] / 1e3,
            "p99 ms": result["p99_us"] / 1e3,
        }


def stop_all():
    for server in reversed(Server.running[:]):
        server.stop()
