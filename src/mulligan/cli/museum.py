"""``mulligan museum``: play published faults of GANs, and their repair."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

from tyro.conf import Positional, arg

from mulligan import museum
from mulligan.cli import list as listing
from mulligan.cli.document import Document
from mulligan.cli.options import File, Force, Seed
from mulligan.doors.say import say, strict
from mulligan.doors.write import KEY, PROGRAM, check_folder, write_json
from mulligan.errors import ConfigError, typed
from mulligan.output.figures import figure

if TYPE_CHECKING:
    from mulligan.museum import Contrast, Exhibit, Played


def command(
    case: Annotated[Positional[str], arg(metavar="[CASE]", help_behavior_hint="")] = "",
    *,
    out: Annotated[File, arg(metavar="DIR")] = None,
    seed: Seed = 0,
    force: Force = False,
) -> Document:
    """List the failed GANs, or play one: what was published, what happens, why, and the repair, measured.

    A case takes seconds, on toys or on MNIST. --out keeps the pictures before and after, and all figures.

    Example:
    $ mulligan museum
    $ mulligan museum article --out imprint

    Parameters
    ----------
    case
        The case to play (default: list all).
    out
        The folder for the pictures, and for the figures as case.json.
    seed
        Random seed of the runs.
    """
    if not case:
        if out is not None:
            raise ConfigError(
                f"--out needs a case, whose pictures it keeps. Try mulligan museum article --out {typed(out)}."
            )
        return listing.command("museum")
    from mulligan.output.pictures import save_png

    exhibit = museum.exhibit_named(case)
    if out is not None:
        check_folder(out, "case.json", force=force)
    say(f"playing {exhibit.name}: as published, and repaired …")
    played = exhibit.play(seed)
    data, lines = describe(exhibit, played, seed), plate(exhibit, played)
    if out is not None:
        for picture in played.pictures:
            save_png(out / f"{picture.name}.png", picture.image, {"caption": picture.caption})
        write_json(out / "case.json", strict(data))
        lines.append(f"kept in {out}: {', '.join(f'{picture.name}.png' for picture in played.pictures)}, case.json")
    if played.fails and played.mended:
        return Document(data, lines)
    say("this run did not go as described: see the figures. Try another --seed.")
    return Document(data, lines, code=1)


def describe(case: Exhibit, played: Played, seed: int) -> dict[str, Any]:
    """Return everything about an exhibit and its run, ready for JSON. Pictures are named by their files."""
    evidence = [
        {"name": e.name, "line": e.line, "published": e.before, "repaired": e.after}
        | {"failed": f"{e.sign} {e.threshold:g}"}
        for e in played.evidence
    ]
    pictures = [
        {"name": p.name, "file": f"{p.name}.png", "caption": p.caption, "low": p.low, "high": p.high}
        for p in played.pictures
    ]
    return {
        KEY: PROGRAM,
        **case.words(),
        "seed": seed,
        "fails": played.fails,
        "mended": played.mended,
        "evidence": evidence,
        "curves": [asdict(curve) for curve in played.curves],
        "pictures": pictures,
    }


def plate(case: Exhibit, played: Played) -> list[str]:
    """Write the exhibit's plate for the terminal."""
    from textwrap import wrap

    def paragraph(label: str, text: str) -> list[str]:
        return wrap(text, 110, initial_indent=f"{label:<10}", subsequent_indent=" " * 10)

    lines = [f"{case.title} ({case.year}): {case.state}", ""]
    lines += paragraph("source", case.source)
    lines += paragraph("published", case.published)
    lines += ["", *_columns([("", "as published", "repaired"), *case.settings])]
    lines += ["", *_columns([("", "as published", "repaired", "failed"), *map(_row, played.evidence)])]
    lines += [f"  {e.name}: {e.line}" for e in played.evidence]
    lines += ["", *paragraph("cause", case.cause), *paragraph("repair", case.repair)]
    return lines


def _row(evidence: Contrast) -> tuple[str, str, str, str]:
    bound = f"{evidence.sign} {figure(evidence.threshold)}"
    return evidence.name, figure(evidence.before), figure(evidence.after), bound


def _columns(rows: list[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows)]
    return ["  " + "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths)).rstrip() for row in rows]
