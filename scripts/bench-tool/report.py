"""From what scripts/bench measured to what it prints."""

import statistics


def medians(rounds, row):
    """The row's figures; those of the others beside it; and how they compare."""
    if "telecomx-local" not in rounds[0][row]:
        return {name: statistics.median(r[row][name] for r in rounds) for name in rounds[0][row]}
    figures = {
        subject: {name: statistics.median(r[row][subject][name] for r in rounds) for name in rounds[0][row][subject]}
        for subject in rounds[0][row]
    }
    own = figures.pop("telecomx-local")
    ratios = {f"of {subject}": own["per second"] / other["per second"] for subject, other in figures.items()}
    return {**own, **ratios, "others": figures}


def judge(rows, limits):
    """Each aim with what was measured."""
    aims = []
    for row, figure, sign, limit in limits:
        value = rows[row][figure]
        met = value >= limit if sign == ">=" else value < limit
        aims.append({"row": row, "figure": figure, "sign": sign, "limit": limit, "measured": value, "met": met})
    return aims


def table(rows, aims):
    """A line for each row, with its aims; below it those it is compared with."""
    lines = [["", "requests/s", "p50", "p99", "of bare", "of PocketBase", "aim", ""]]
    for row, figures in rows.items():
        goals = [[f"{a['figure']} {a['sign']} {a['limit']}", "met" if a["met"] else "MISSED"]
                 for a in aims if a["row"] == row] or [["", ""]]
        if "per second" in figures:
            cells = [row, *speed(figures)]
            cells += [f"{figures[name]:.2f}" if name in figures else "" for name in ("of bare", "of PocketBase")]
        else:
            cells = [row, ", ".join(amount(value, unit) for unit, value in figures.items()), "", "", "", ""]
        lines += [[*(cells if i == 0 else [""] * 6), *goal] for i, goal in enumerate(goals)]
        for name, other in figures.get("others", {}).items():
            if "copies a commit" in other:
                name += f", {other['copies a commit']:g} a commit"
            elif name == "PocketBase" and row.startswith("copy"):
                name += ", synchronous=NORMAL"
            lines.append([f"  {name}", *speed(other), "", "", "", ""])
    widths = [max(len(line[i]) for line in lines) for i in range(8)]
    left = (0, 6, 7)
    return "\n".join(
        "  ".join(cell.ljust(width) if i in left else cell.rjust(width)
                  for i, (cell, width) in enumerate(zip(line, widths))).rstrip()
        for line in lines)


def speed(figures):
    return [f"{figures['per second']:,.0f}", f"{figures['p50 ms']:.2f} ms", f"{figures['p99 ms']:.2f} ms"]


def amount(value, unit):
    return f"{value:,.{1 if value >= 10 else 3}f} {unit}"
