"""Write the results of a benchmark as text."""

from typing import Any

from mulligan.bench.side import SIDES

MB = 1e6


def header(document: dict[str, Any]) -> list[str]:
    """Return the lines that describe the machine and the versions."""
    machine, absent = document["machine"], "not installed"
    lines = [
        f"{machine['processor']}, {machine['cores']} cores, {machine['system']}; {machine['threads']} threads a side",
        f"Python {machine['python']}, mulligan {machine['mulligan']}, NumPy {machine['numpy']} ({machine['blas']}), "
        f"torch {machine['torch'] or absent}, jax {machine['jax'] or absent}",
        f"{machine['date']}, float32",
    ]
    lines += [f"note: {note}" for note in machine["notes"] + document["notes"]]
    return [*lines, "toy sizes: these numbers do not measure speed."] if document["toy"] else lines


def table(name: str, result: dict[str, Any]) -> list[str]:
    """Return one workload's table: a line for each side."""
    mark = "   (! = spread too wide to trust, whoever it favours)" if result["wide"] else ""
    lines = [f"{name}: {result['title']}, batch {result['batch']}{mark}"]
    lines.append(
        f"  {'side':<18}{'ms/step':>9}{'steps/s':>9}   {'others : ours (min–max)':<26}{'peak MB':>8}"
        f"{'Δ float64':>11}{'Δ float32':>11}"
    )
    for side, row in result["sides"].items():
        if "why" in row:
            lines.append(f"  {side:<18}n/a: {row['why']}")
            continue
        ratio = row["ratio"]
        if side == "mulligan":
            words = "1"
        elif SIDES[side].floor:
            words = f"{100 * ratio['median']:.0f} % of the step ({100 * ratio['min']:.0f}–{100 * ratio['max']:.0f})"
        else:
            words = f"{ratio['median']:.2f} ({ratio['min']:.2f}–{ratio['max']:.2f})"
        line = f"  {side:<18}{row['ms']:>9.3f}{row['steps_per_second']:>9.0f}   {words:<26}{row['memory'] / MB:>8.0f}"
        if "float64" in row and side != "mulligan":
            line += f"{row['float64']:>11.0e}{row['float32']:>11.0e}"
        lines.append(line + ("  !" if row["wide"] else ""))
    return lines


def footer(document: dict[str, Any]) -> list[str]:
    """Return the lines for import time, size and load; none before these were measured."""
    if "footprint" not in document:
        return []
    before, after = document["load"]["before"], document["load"]["after"]
    lines = [] if before is None else ["", f"load average before {before:.2f}, after {after:.2f} (ours included)"]
    size = document["footprint"]
    lines.append(
        f"import mulligan: {size['import_ms']:.0f} ms more than import numpy; "
        f"installed: {size['install_bytes'] / MB:.1f} MB with all of MNIST"
    )
    return lines


def newest(document: dict[str, Any]) -> list[str]:
    """Return the lines that were added to a growing document."""
    if "footprint" in document:
        return footer(document)
    if document["workloads"]:
        return ["", *table(*list(document["workloads"].items())[-1])]
    return header(document)


def text(document: dict[str, Any]) -> str:
    """Return the whole report."""
    lines = header(document)
    for name, result in document["workloads"].items():
        lines += ["", *table(name, result)]
    return "\n".join(lines + footer(document))
