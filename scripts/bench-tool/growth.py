"""The growth's part of scripts/bench: the same loads on a small and on a large database, in turns."""

import os
import statistics
import time

from harness import Server, Subject, call
from mirror import ADMIN, customer, employee

EMPLOYEES_PER_CUSTOMER = 100
# Employees, and their customers.
SIZES = {"1,000": 10, "1,000,000": 10_000}
LOADS = ("copy", "get", "list")
PATHS = ("/pbx/app/mobileconfig/{}", "/pbx/app/mobileconfig?customer={}")

AIMS = [
    ("growth, copy 64", "of 1,000", ">=", 0.8),
    ("growth, get 64", "of 1,000", ">=", 0.8),
    ("growth, list 64", "of 1,000", ">=", 0.8),
    ("growth, memory", "MB", "<", 64),
]
NOTES = [
    "growth: the loads on 1,000,000 employees with their configs, against the same on 1,000: of 1,000 is the median of the rounds'"
    " ratios. An administrator asks for any of them. memory: resident, after the loads on the million. start: to the first answer.",
]


class Size:
    """A server on a database of so many employees."""

    def __init__(self, product, name, customers, db, folder, log_in):
        self.name, self.db = name, db
        command = [product, "serve", "--db", db, "--listen", "127.0.0.1:0"]
        began = time.monotonic()
        server = Server("telecomx-local", command, folder)
        call(f"{server.url}/readyz")
        self.start_ms = (time.monotonic() - began) * 1e3
        self.subject = Subject(name, server, folder / f"{customers}.callers", *PATHS)
        authorization = log_in(server.url, ADMIN)
        with open(self.subject.callers, "w") as out:
            for one in range(customers):
                first = one * EMPLOYEES_PER_CUSTOMER
                ids = (employee(first + step) for step in range(EMPLOYEES_PER_CUSTOMER))
                out.write(" ".join([authorization.replace(" ", "+"), customer(one), *ids]) + "\n")


def measure_growth(product, folder, make_database, log_in, rounds, seconds, say):
    """The figures of the large database, and the rounds; `make_database` takes a number of customers and a file."""
    sizes = []
    for name, customers in SIZES.items():
        say(f"growth: importing {name} employees")
        db = folder / f"{customers}.db"
        make_database(customers, db)
        sizes.append(Size(product, name, customers, db, folder, log_in))
    small, large = sizes
    measured = []
    for number in range(1, rounds + 1):
        say(f"growth: round {number} of {rounds}")
        found = {}
        for kind in LOADS:
            # Whoever comes first is not always the same.
            for size in sizes if number % 2 else sizes[::-1]:
                os.sync()
                found[kind, size.name] = size.subject.load(kind, 64, seconds, number)
        measured.append(found)
    rows = {}
    for kind in LOADS:
        def median(name, figure):
            return statistics.median(found[kind, name][figure] for found in measured)

        ratios = [found[kind, large.name]["per second"] / found[kind, small.name]["per second"] for found in measured]
        rows[f"growth, {kind} 64"] = {
            "a second": median(large.name, "per second"), "a second of 1,000": median(small.name, "per second"),
            "of 1,000": statistics.median(ratios)}
    rows["growth, memory"] = {"MB": large.subject.server.memory_mb()}
    rows["growth, start"] = {"ms": large.start_ms}
    rows["growth, database"] = {"MB": large.db.stat().st_size / 1e6}
    return rows, [{f"{kind} of {name}": figures for (kind, name), figures in found.items()} for found in measured]
