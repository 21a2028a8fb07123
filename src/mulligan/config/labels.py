"""Say in words what differs between two configurations: a label for each path, and a summary."""

from typing import Any

from mulligan.config.change import compared

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
_TOLD = 3  # with more changes, only their number is shown


def labelled(old: dict[str, Any], new: dict[str, Any]) -> list[dict[str, Any]]:
    """Return path, label, old and new for each value that differs. Penalties whose kinds differ count as one value."""
    before, after = (table.get("penalties", []) for table in (old, new))
    others = [each["kind"] for each in before] != [each["kind"] for each in after]
    found = [
        {"path": path, "label": label_of(path, after), "old": was, "new": becomes}
        for path, was, becomes in compared(old, new)
        if not (others and path.startswith("penalties"))
    ]
    if others:
        found.append({"path": "penalties", "label": LABELS["penalties"], "old": before, "new": after})
    return found


def label_of(path: str, penalties: list[dict[str, Any]] | None = None) -> str:
    """Return a label for a path. `penalties` is the list that it leads into."""
    first, *inner = path.split(".")
    last = path.rpartition(".")[2]
    if first == "penalties" and inner and penalties:
        return f"{_named({'kind': penalties[int(inner[0])]['kind']})}: {'γ' if last == 'gamma' else last}"
    if first in ("generator", "discriminator"):
        letter = first[0].upper()
        what = "optimiser" if path == f"{first}.optimizer.kind" else last.replace("_", " ")
        return f"Rate of {letter}" if last == "lr" else f"{letter}: {what}"
    start = max((known for known in LABELS if f"{path}.".startswith(f"{known}.")), key=len, default=path)
    rest = " ".join(part for part in path.removeprefix(start).replace("_", " ").split(".") if part not in ("", "kind"))
    return ": ".join(filter(None, (LABELS.get(start, start), rest)))


def summary(found: list[dict[str, Any]]) -> str:
    """Summarise a list of changes in a few words, or by their number if there are many."""
    words = []
    for change in found:
        path, new = change["path"], change["new"]
        last = path.rpartition(".")[2]
        if new is None:
            continue
        if path == "loss.kind":
            words.append(str(new).replace("_", " "))
        elif path == "penalties":
            words += [_named(each) for each in new] or [f"{LABELS['penalties']} none"]
        elif path.startswith("penalties") and last in ("gamma", "weight"):
            words.append(f"γ {new:g}")
        elif last == "lr":
            label = label_of(path)
            words.append(f"{label[0].lower()}{label[1:]} {new:g}")
        else:
            words.append(f"{label_of(path)} {f'{new:g}' if isinstance(new, float) else str(new).lower()}")
    told = dict.fromkeys(words)
    return ", ".join(told) if len(told) <= _TOLD else f"{len(found)} changes"


def _named(penalty: dict[str, Any]) -> str:
    """Return a penalty's name, and its strength if it has one."""
    strength = penalty.get("gamma", penalty.get("weight"))
    return f"{penalty['kind'].upper().replace('_', '-')}{'' if strength is None else f' γ {strength:g}'}"
