"""Write the results of a race as text: the tables of `mulligan bench`, with the rivals' columns."""

from typing import Any

from sides import FLOORS

from mulligan.bench import report
from mulligan.bench.report import MB, footer, share, title


def header(document: dict[str, Any]) -> list[str]:
    """Return the lines that describe the machine and the versions."""
    first, *rest = report.header(document)
    rivals = ", ".join(f"{name} {version or 'not installed'}" for name, version in document["rivals"].items())
    return [f"{first} a side", f"{rivals}", *rest]


def table(name: str, result: dict[str, Any]) -> list[str]:
    """Return one workload's table: a line for each side."""
    lines = [title(name, result)]
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
        elif side in FLOORS:
            words = share(ratio)
        else:
            words = f"{ratio['median']:.2f} ({ratio['min']:.2f}–{ratio['max']:.2f})"
        line = f"  {side:<18}{row['ms']:>9.3f}{row['steps_per_second']:>9.0f}   {words:<26}{row['memory'] / MB:>8.0f}"
        if "float64" in row and side != "mulligan":
            line += f"{row['float64']:>11.0e}{row['float32']:>11.0e}"
        lines.append(line + ("  !" if row["wide"] else ""))
    return lines


def newest(document: dict[str, Any]) -> list[str]:
    """Return the lines that were added to a growing document."""
    if "footprint" in document:
        return footer(document)
    if document["workloads"]:
        return ["", *table(*list(document["workloads"].items())[-1])]
    return header(document)
