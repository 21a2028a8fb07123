"""Texts that a run, a study or a generator brings along are words wherever Mulligan writes code or markup.

`SURFACES` lists every such place once: what is written there with a hostile text must have the structure of what is
written with a harmless one.
"""

import ast
import json
import re
import tomllib
import xml.etree.ElementTree as ET
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

from mulligan import studies
from mulligan.config.serialization import from_table
from mulligan.data import Dataset
from mulligan.report import write_report
from mulligan.training import Config, Recorder, Run, dumps_toml, recipe, with_overrides
from mulligan.training.events import Diagnosed, Failed

BOMB = "import builtins; builtins.went_off = 1"
HOSTILE = "".join([
    f"a\n{BOMB}\r{BOMB}\r\n{BOMB}\x0c\n\x0b\x1c\x85\u2028{BOMB}", f'"""\n{BOMB}\n"""', f"'''\\\n{BOMB}",
    "«r1» «modules» {facts} {} %s {{0}} {z} {{ model }} {% if %} ${x} `rm`", "\u202e\x1b[31m",
    "</script><script>went_off = 1</script><!-- --> &amp; ]]> <![CDATA[ </title></style></svg><img src=x onerror=x()>",
    "\" onload='x' | a\n[b]\nc = 1\n# ",
    "ends in a backslash\\",
])  # fmt: skip
HARMLESS = re.sub(r"[^\w ]", "x", HOSTILE)  # as long, because charts leave out what has no room


class Tags(HTMLParser):
    """The elements of a page, with the names of their attributes; and the JSON inside it."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.models, self.inside = [], [], False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, *(name for name, _ in attrs)))
        self.inside = ("id", "model") in attrs

    def handle_endtag(self, tag):
        self.tags.append(f"/{tag}")
        self.inside = False

    def handle_data(self, data):
        self.models += [json.loads(data)] if self.inside else []


def python(text):
    assert all(letter == "\n" or letter.isprintable() for letter in text)
    return ast.dump(ast.parse(text))


def html(text):
    return Tags(text).tags


def toml(text):
    def keys(value):
        return {name: keys(inner) for name, inner in value.items()} if isinstance(value, dict) else type(value)

    return keys(tomllib.loads(text))


def run_of(text):
    """A run whose recipe, data and classes have this name, and its data."""
    config = with_overrides(recipe("mlp"), ["threads=1", "steps=2", "batch_size=8", "evaluate_every=0"])
    images = np.random.default_rng(0).integers(0, 256, (24, 8, 8, 1)).astype(np.uint8)
    data = Dataset(text, images, np.arange(24) % 2, (text, f"{text}2"))
    return Run(replace(config, recipe=text, data=replace(config.data, name=text)), data=data), data


def diagnosed(text):
    return Diagnosed(2, text, {text: {"value": 1.0, "operator": "<", "threshold": 2.0}}, (text,), (), "alarm")


def exported(to, text, folder):
    return run_of(text)[0].generator().export(folder / "made", to)[0].read_bytes().decode()


def report(text, folder):
    run, data = run_of(text)
    place = folder / re.sub("[/\0]", "-", text)[:60]
    list(Recorder(place).record(run))
    with (place / "events.jsonl").open("a", encoding="utf-8") as log:
        log.write(diagnosed(text).line() + Failed(2, text).line())
    (place / "metrics.json").write_text(json.dumps({"data": text, "n": 9, "n_real": 9, "seeds": [0], "step": 2}))
    return write_report(place, data=data).read_text("utf-8")


def test_the_plot_of_a_study_is_a_picture_whatever_its_names_are(tmp_path):
    pytest.importorskip("matplotlib")
    text = "<b>&amp;</svg>\r$\\frac$\u202e" + "x" * 300
    axis = studies.Axis(text, (studies.Variation(text), studies.Variation("b", ("seed=3",))))
    made = studies.Study("ring", (studies.Budget("small", steps=9, seeds=1),), title=text, axes=(axis,))
    run = studies.StudyRun(made, tmp_path / "study")
    for each, status in ((text, "done"), ("b", "failed")):
        figures = {"distance": 1.0} if status == "done" else {}
        told = {"cell": f"{each}/seed-0", "variation": each, "seed": 0, "steps": 9, "status": status, "error": text}
        told |= {"step": 9, "figures": figures, "measurements": [], "clock": {"cpu": 1.0, "wall": 1.0}}
        run.results[told["cell"]] = told
    studies.write_table(run)
    assert ET.parse(run.folder / "plot.svg").getroot().tag.endswith("svg")


def notebook(text, folder):
    return run_of(text)[0]._repr_html_()


def configuration(text, folder):
    config = run_of(text)[0].config
    written = dumps_toml(config)
    assert from_table(Config, tomllib.loads(written)) == config
    return written


SURFACES = {
    "a PyTorch module": (python, lambda *given: exported("torch", *given)),
    "a page that draws": (html, lambda *given: exported("html", *given)),
    "a report": (html, report),
    "a notebook": (html, notebook),
    "a configuration": (toml, configuration),
}


@pytest.mark.parametrize("surface", SURFACES)
def test_a_text_is_only_a_text(surface, tmp_path):
    structure, write = SURFACES[surface]
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    hostile, harmless = write(HOSTILE, tmp_path / "a"), write(HARMLESS, tmp_path / "b")
    assert structure(hostile) == structure(harmless)
    if structure is html:
        assert all(model["recipe"] == HOSTILE for model in Tags(hostile).models)
