"""This build beside another one of the same program, for example that of the version before: the same data and the same loads, in turns."""

import json
import os
import statistics
import time
from pathlib import Path

from harness import Failure, Server, Subject, run

PATHS = ("/pbx/app/mobileconfig/{}", "/pbx/app/mobileconfig?customer={}")
# What is compared: row, load, and how many connections.
LOADS = [("copy 64", "copy", 64), ("copy 1", "copy", 1), ("get 64", "get", 64), ("list 64", "list", 64)]
# Figures that are a count of bytes for each copy.
COSTS = ("written KB a copy", "growth KB a copy")


class Build:
    """One program, with a database of its own."""

    def __init__(self, name, program, data, customers, log_in, folder):
        self.db = folder / f"{name}.db"
        run(program, "import", data, "--db", self.db)
        server = Server(name, [program, "serve", "--db", self.db, "--listen", "127.0.0.1:0"], folder)
        self.subject = Subject(name, server, folder / f"{name}.callers", *PATHS)
        self.authorizations = self.subject.log_in(customers, log_in)

    def written(self):
        """Bytes that the process has had written to the disk so far."""
        pid = self.subject.server.process.pid
        counts = dict(line.split(": ") for line in Path(f"/proc/{pid}/io").read_text().splitlines())
        return int(counts["write_bytes"])

    def size(self):
        """Bytes of the database, the log left out: it is written over again and again."""
        return self.db.stat().st_size

    def load(self, kind, connections, seconds, seed):
        os.sync()
        written, size = self.written(), self.size()
        measured = self.subject.load(kind, connections, seconds, seed)
        if kind == "copy":
            # A checkpoint is part of the cost, and follows a moment later.
            time.sleep(0.5)
            copies = measured["requests"]
            costs = ((self.written() - written) / copies / 1e3, (self.size() - size) / copies / 1e3)
            measured.update(zip(COSTS, costs))
        return measured


def measure(builds, rounds, seconds, say):
    """For each row the figures of both, and the median of the rounds' ratios: a busy moment counts for both."""
    found = {row: [] for row, *_ in LOADS}
    for number in range(1, rounds + 1):
        say(f"round {number} of {rounds}")
        for row, kind, connections in LOADS:
            # Whoever comes first is not always the same.
            order = builds if number % 2 else builds[::-1]
            measured = {build.subject.name: build.load(kind, connections, seconds, number) for build in order}
            found[row].append(measured)
    return {row: summary(builds, rounds_of) for row, rounds_of in found.items()}


def summary(builds, rounds):
    names = [build.subject.name for build in builds]
    medians = {
        name: {figure: statistics.median(measured[name][figure] for measured in rounds) for figure in rounds[0][name]}
        for name in names
    }
    this, other = names
    ratio = statistics.median(measured[this]["per second"] / measured[other]["per second"] for measured in rounds)
    return {**medians, "ratio": ratio}


def compare(program, other, data, log_in, folder, rounds, seconds, say):
    """Both builds under the same loads. `log_in` gives what a caller presents."""
    document = json.loads(data.read_text())
    customers = {}
    for employee in document["employees"]:
        customers.setdefault(employee["customer"], []).append(employee)
    if not Path(other).is_file():
        raise Failure(f"{other} is no program: name the file of the other build")
    say("importing the data into both")
    builds = [Build(name, path, data, customers, log_in, folder) for name, path in (("this", program), ("other", other))]
    configs = {config["_id"]: config["configs"] for config in document["mobileConfigs"]}
    customer, employees = next(iter(customers.items()))
    for build in builds:
        build.subject.check(customer, employees, build.authorizations[customer], configs)
    rows = measure(builds, rounds, seconds, say)
    memory = {build.subject.name: build.subject.server.memory_mb() for build in builds}
    return rows, memory


def lines(rows, memory):
    """What is printed."""
    for row, figures in rows.items():
        yield f"{row}: {figures['ratio']:.3f} of the other build"
        for name in ("this", "other"):
            own = figures[name]
            costs = "".join(f", {own[cost]:.2f} {cost}" for cost in COSTS if cost in own)
            yield (f"  {name:6} {own['per second']:10,.0f}/s  p50 {own['p50 ms']:.2f} ms  p99 {own['p99 ms']:.2f} ms{costs}")
    yield f"memory after: this {memory['this']:.1f} MB, other {memory['other']:.1f} MB"
