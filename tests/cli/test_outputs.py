"""Where commands write: one rule for all of them, checked before the work."""

import os
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

import mulligan as front
from mulligan.models import bundled
from mulligan.training import Recorder, Run, recipe, with_overrides

RUN, DATA, PICTURE = "run", "tiny.npz", "in.png"
FILES = {
    "draw": (("draw", 3, "--model", RUN), ".png"),
    "sample": (("sample", RUN, "--count", 2), ".png"),
    "sample an array": (("sample", RUN, "--count", 2), ".npz"),
    "walk": (("walk", RUN, "--from", 1, "--to", 2, "--frames", 3), ".gif"),
    "report": (("export", RUN, "--to", "report"), ".html"),
    "export html": (("export", RUN, "--to", "html"), ".html"),
    "export npz": (("export", RUN, "--to", "npz"), ".npz"),
    "export torch": (("export", RUN, "--to", "torch"), ".py"),
}
"""Every command that writes a file, with the ending that it writes."""
FOLDERS = {
    "train": ("train", "mlp", "--data", DATA, "--steps", 1, "--out"),
    "sample": ("sample", RUN, "--count", 2, "--out"),
    "study": ("study", "losses", "--out"),
    "museum": ("museum", "frozen-d", "--out"),
    "site": ("site",),
}
"""Every command that fills a folder."""
EMPTY = [
    *(("--model", (name, *words)) for name, words in {"draw": [1]}.items()),
    *((None, words) for words in [("sample",), ("evaluate",), ("resume",), ("diagnose",), ("site",)]),
    *((None, words) for words in [("export",), ("study",), ("train",)]),
    ("--from", ("train", "mlp", "--data", DATA)),
    ("--data", ("train", "mlp")),
    ("--data", ("serve", "--port", 0)),
    ("--runs", ("serve", "--port", 0)),
    ("--fakes", ("evaluate", "--data", DATA)),
]
"""Paths that may be empty because a variable was not set: the option, or None for the argument, and the command."""


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A folder with data, a run on them, a picture, and files of others."""
    folder = tmp_path_factory.mktemp("finished")
    images = np.random.default_rng(0).integers(0, 256, (60, 8, 8), dtype=np.uint8)
    np.savez(folder / DATA, images=images, labels=np.arange(60) % 3)
    Image.fromarray(images[0]).save(folder / PICTURE)
    small = ["threads=1", "steps=2", "generator.layers.hidden=[8]", "discriminator.layers.hidden=[8]"]
    list(Recorder(folder / RUN).record(Run(with_overrides(recipe("mlp"), [*small, f"data.name={folder / DATA}"]))))
    (folder / RUN / "report.html").write_text('<meta name="generator" content="Mulligan">')
    shutil.copytree(folder / RUN, folder / "other")
    for ending in (".txt", ".png", ".npz", ".gif", ".html", ".py"):
        (folder / f"notes{ending}").write_text("import mine")
    return folder


@pytest.fixture
def place(finished, here):
    """The same, as a fresh copy in which the process is; and what it holds."""
    shutil.copytree(finished, here, dirs_exist_ok=True)
    Path("link.png").symlink_to(PICTURE)
    return lambda: {path: path.read_bytes() for path in (*here.rglob("*"), finished / DATA) if path.is_file()}


@pytest.mark.parametrize("command", FILES)
def test_a_command_writes_over_what_it_wrote_and_nothing_else(
    command, place, finished, mulligan, refused, full_disk, monkeypatch
):
    words, ending = FILES[command]
    Path(f"folder{ending}").mkdir()
    before = place()
    own = [path for run in (RUN, "other") for path in Path(run).rglob("*") if path.suffix and path.is_file()]
    assert {".png", ".gif", ".html", ".toml", ".safetensors"} <= {path.suffix for path in own}
    wrong = ["notes.txt", "notes.txt/new" + ending, f"notes{ending}", ".", f"folder{ending}", "", "new.jpeg", *own]
    wrong += [finished / DATA, "link.png", f"absent/../notes{ending}"]
    wrong.remove(Path(RUN, "report.html")) if command == "report" else None
    with monkeypatch.context() as idle:
        idle.setattr("mulligan.output.generator.generator.ThreadTeam", None)  # the work
        for out in map(str, wrong):
            code, said, _ = mulligan(*words, "--out", out)
            assert (code in (1, 2), said) == (True, ""), out
    assert place() == before
    (Path.cwd() / f"void{ending}").touch()  # as mktemp does
    for out in (f"new{ending}", f"new{ending}", f"a/b{ending}", f"void{ending}"):
        assert mulligan(*words, "--out", out)[0] == 0
        assert Path(out).stat().st_size > 100
    written = [path for path in place().keys() - before.keys() if path.stem.partition(".")[0] == "new"]
    assert Path.cwd() / f"new{ending}" in written
    for path in written:  # each is known before the work
        ours = path.read_bytes()
        path.write_bytes(b'{"name": "Mulligan"}')
        with monkeypatch.context() as idle:
            idle.setattr("mulligan.output.generator.generator.ThreadTeam", None)
            assert "--force" in refused(*words, "--out", f"new{ending}")
        assert path.read_bytes() == b'{"name": "Mulligan"}'
        assert mulligan(*words, "--out", f"new{ending}", "--force")[0] == 0
        assert len(path.read_bytes()) > 0.5 * len(ours)
    before = place()
    with full_disk():
        assert "the disk is full" in refused(*words, "--out", f"new{ending}", code=1)
    assert place() == before


@pytest.mark.parametrize("command", FOLDERS)
def test_no_command_fills_a_folder_of_others(command, place, refused, monkeypatch):
    monkeypatch.setattr("mulligan.museum.find_exhibit", lambda name: SimpleNamespace(name=name))  # cannot be played
    Path("thesis").mkdir()
    Path("thesis", "index.html").write_text("mine")
    for marker in ("site.json", "case.json", "plan.json"):  # the name alone is no signature
        Path("thesis", marker).write_text('{"name": "Mulligan"}')
    before = place()
    for out in ("thesis", ".", "absent/../thesis"):
        refused(*FOLDERS[command], out)
    assert place() == before


@pytest.mark.parametrize(("option", "words"), EMPTY)
def test_an_empty_path_is_not_this_folder(option, words, place, refused, monkeypatch):
    monkeypatch.setattr("mulligan.web.server.serve", None)
    before = place()
    refused(*words, *([""] if option is None else [option, ""]))
    assert place() == before


def test_an_empty_path_is_not_this_folder_in_python_either(place):
    before = place()
    images = np.zeros((30, 8, 8))
    for call in (front.load, front.evaluate, Recorder, front.recipe, bundled().save, bundled().export):
        with pytest.raises(front.errors.MulliganError):
            call("")
    with pytest.raises(front.errors.ConfigError, match="a path must name"):
        front.fit(images, out="", progress=False)
    with pytest.raises(front.errors.ConfigError, match="a path must name"):
        front.fit(images, start="", progress=False)
    assert place() == before


@pytest.mark.skipif(os.name != "posix", reason="Windows lets few users make links")
def test_a_site_follows_no_link_out_of_its_folder(place, mulligan, refused, monkeypatch):
    for slow in ("digits", "engine_zip"):
        monkeypatch.setattr(f"mulligan.web.browser.site.{slow}", lambda: b"small")
    Path("elsewhere").mkdir()
    words = ("site", "site")
    assert mulligan(*words)[0] == mulligan(*words)[0] == 0  # over itself
    for name, target in {"index.html": "notes.txt", "vendor": "elsewhere"}.items():
        shutil.move(Path("site", name), "kept")
        Path("site", name).symlink_to(Path.cwd() / target)
        refused(*words, code=1)
        Path("site", name).unlink()
        shutil.move("kept", Path("site", name))
    assert Path("notes.txt").read_text() == "import mine"
    assert not [*Path("elsewhere").iterdir()]
