"""Write the results of a benchmark as text."""

from typing import Any

MB = 1e6


def header(document: dict[str, Any]) -> list[str]:
    """Return the lines that describe the machine and the versions."""
    machine = document["machine"]
    lines = [
        f"{machine['processor']}, {machine['cores']} cores, {machine['system']}; {machine['threads']} threads",
        f"Python {machine['python']}, mulligan {machine['mulligan']}, NumPy {machine['numpy']} ({machine['blas']})",
        f"{machine['date']}, float32",
    ]
    lines += [f"note: {note}" for note in machine["notes"] + document["notes"]]
    return [*lines, "toy sizes: these numbers do not measure speed."] if document["toy"] else lines


def title(name: str, result: dict[str, Any]) -> str:
    """Return the first line of a workload's table."""
    mark = "   (! = spread too wide to trust)" if result["wide"] else ""
    return f"{name}: {result['title']}, batch {result['batch']}{mark}"


def share(ratio: dict[str, float]) -> str:
    """Write a floor as a share of the step."""
    return f"{100 * ratio['median']:.0f} % of the step ({100 * ratio['min']:.0f}–{100 * ratio['max']:.0f})"


def table(name: str, result: dict[str, Any]) -> list[str]:
    """Return one workload's table: a line for the step, and one for each floor."""
    lines = [title(name, result), f"  {'':<10}{'ms/step':>9}{'steps/s':>9}"]
    for side, row in result["sides"].items():
        part = "" if side == "mulligan" else f"   {share(row['ratio'])}"
        lines.append(f"  {side:<10}{row['ms']:>9.3f}{row['steps_per_second']:>9.0f}{part}{'  !' * row['wide']}")
    return lines


def footer(document: dict[str, Any]) -> list[str]:
    """Return the lines for import time, size and load."""
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
