"""Say in words what differs between two configurations: a label for each path, and a summary."""

from typing import Any

from mulligan.config.change import compare
from mulligan.config.model import Config
from mulligan.config.serialization import to_table

LABELS = {
    "loss": "Loss",
    "penalties": "Penalty",
    "batch_size": "Batch",
    "latent.dim": "Latent size",
    "data.name": "Pictures",
    "d_steps": "D moves per step",
    "instance_noise": "Instance noise",
    "average": "Average of G",
    "schedules.lr": "Rates over time",
    "schedules.penalty": "Penalty over time",
}
MOST = 3
"""With more changes, a summary has only their number."""


def list_changes(before: Config, after: Config) -> list[dict[str, Any]]:
    """Return path, label, old and new for each value that differs. Penalties whose kinds differ count as one value."""
    old, new = to_table(before), to_table(after)
    others = [each["kind"] for each in old["penalties"]] != [each["kind"] for each in new["penalties"]]
    changes = [
        {"path": path, "label": label_of(path, new["penalties"]), "old": was, "new": becomes}
        for path, was, becomes in compare(old, new)
        if not (others and path.startswith("penalties"))
    ]
    if others:
        penalties = {"old": old["penalties"], "new": new["penalties"]}
        changes.append({"path": "penalties", "label": LABELS["penalties"], **penalties})
    return changes


def label_of(path: str, penalties: list[dict[str, Any]] | None = None) -> str:
    """Return a label for a path. `penalties` is the list that it leads into."""
    first, *inner = path.split(".")
    last = path.rpartition(".")[2]
    if first == "penalties" and inner:
        name = _name(penalties[int(inner[0])]["kind"]) if penalties else LABELS[first]
        return f"{name}: {'γ' if last == 'gamma' else last}"
    if first in ("generator", "discriminator"):
        letter = first[0].upper()
        what = "optimiser" if path == f"{first}.optimizer.kind" else last.replace("_", " ")
        return f"Rate of {letter}" if last == "lr" else f"{letter}: {what}"
    start = max((known for known in LABELS if f"{path}.".startswith(f"{known}.")), key=len, default=path)
    rest = " ".join(part for part in path.removeprefix(start).replace("_", " ").split(".") if part not in ("", "kind"))
    return ": ".join(filter(None, (LABELS.get(start, start), rest)))


def summarise(changes: list[dict[str, Any]]) -> str:
    """Summarise a list of changes in a few words, or by their number if there are many."""
    words = []
    for change in changes:
        path, new = change["path"], change["new"]
        last = path.rpartition(".")[2]
        if new is None:
            continue
        if path == "loss.kind":
            words.append(str(new).replace("_", " "))
        elif path == "penalties":
            words += [_name(each["kind"], each.get("gamma", each.get("weight"))) for each in new] or ["Penalty none"]
        elif path.startswith("penalties") and last in ("gamma", "weight"):
            words.append(f"γ {new:g}")
        else:
            label = label_of(path)
            label = f"{label[0].lower()}{label[1:]}" if last == "lr" else label
            words.append(f"{label} {f'{new:g}' if isinstance(new, float) else str(new).lower()}")
    few = dict.fromkeys(words)
    return ", ".join(few) if len(few) <= MOST else f"{len(changes)} changes"


def _name(kind: str, strength: float | None = None) -> str:
    return f"{kind.upper().replace('_', '-')}{'' if strength is None else f' γ {strength:g}'}"
