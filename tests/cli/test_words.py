"""Words that are off: every command answers in one sentence, on stderr alone, before it writes anything."""

import re
import shlex

import numpy as np
import pytest
from PIL import Image

SEEDS = "a whole number from 0 to 9007199254740991, got"
ENDINGS = "the file end in .py, .npz, .html, got"
OFF = [
    # what no command is, and what no command takes
    ("trian", "got 'trian'. Did you mean 'train'?"),
    ("bench", "Use python benchmarks/speed"),
    ("xyzzy", "the command must be one of draw, train, "),
    ("train --stop-on-alarm", "Use --second-tries 1"),
    ("list loses", "Did you mean 'losses'?"),
    ("draw 42 43", "no argument '43'"),
    ("train --recipe ring", "--recipe is an argument, not an option. Try mulligan train RECIPE."),
    ("draw --hel", "Did you mean '--help'?"),
    ("sample x --label 3", "no option '--label'. Try mulligan sample --help."),
    # train, resume
    ("train quik", "got 'quik'. Did you mean 'quick'?"),
    ("train --stesp 3", "no option '--stesp'. Did you mean '--steps'?"),
    ("train --evaluate", "no option '--evaluate'. Did you mean '--no-evaluate'?"),
    ("train --data a --data=b", "--data must be given once"),
    ("train --second-tries 1 --second_tries 2", "--second-tries must be given once"),
    ("train --steps 0", "steps must be a whole number from 1 on, got 0"),
    ("train --minutes 0", "minutes must be a number above 0, got '0'"),
    ("train --minutes 1 --steps 5", "both set the length"),
    (f"train --seed {2**63}", "seed must be a whole number from 0 to 9223372036854775807, got "),
    ("train --data nothing-here", "no data set and no file named 'nothing-here'"),
    ("train --size 32", "mulligan: size = 32 must be left out for mnist: a named data set is used as it is"),
    ("train --set discriminator.optimiser.lr=1", "Did you mean 'optimizer'"),
    ("train --set loss", "an override must be path=value, got 'loss'"),
    (f"train --set penalties.{'9' * 5000}.gamma=1", "does not exist"),
    (f"train --set loss={'[' * 500}", "loss must be a TOML value"),
    ("train --set loss=hing", "Did you mean 'hinge'"),
    ("train --set generator.optimizer.lr=inf", "lr must be a finite number, above 0, got inf"),
    ("train missing.toml", "cannot read missing.toml"),
    ("resume nowhere", "must be a run folder"),
    # what is read of a run
    ("diagnose nowhere", "must be a run folder"),
    ("diagnose nowhere --log x.csv", "another program, not both"),
    # a generator, and what it draws
    *(
        (f"draw {seed} --model G", f"must be {SEEDS} ")
        for seed in ("-1", 2**53, "1.5", "1e3", "abc", "0x10", "nan", "9" * 5000)
    ),
    *((f"draw 1 --class '{word}' --model G", f"cow, hen, got '{word}'.") for word in ("4", "-1", "horse", "1.0", "")),
    ("sample G --class 9", "class must be 0 to 3"),
    ("sample G --out s.jpeg", "--out must be a .png or .npz file, got 's.jpeg'"),
    ("sample empty", "must hold a generator or a checkpoint, got neither"),
    ("sample text.safetensors", "not a safetensors file, or was cut short"),
    ("walk G --from 1 --to x", f"to must be {SEEDS} 'x'"),
    ("walk G --from 1 --to 2 --out w.mp4", "--out must be a .gif or .png"),
    ("draw 1 --model points.safetensors", "got points of shape (2,)"),
    ("evaluate missing.safetensors", "missing.safetensors"),
    ("evaluate G", "data must be named"),
    ("evaluate G --data ring", "data must have the samples' shape"),
    ("evaluate G --data tiny.npz --count 999", "count must be from 20 to 50"),
    ("export G", f"torch, npz, html, or {ENDINGS} ''. Try --to"),
    ("export G --to onnx", "got 'onnx'. Use --to torch, then torch.onnx.export("),
    ("export G --to html --out g.png", "--out must be a .html file, got 'g.png'. Try --out g.html"),
    ("export G --to torch --out my-gan.py", "must have a name that Python can import"),
    # the rest
    ("study losses --budget huge", "got 'huge'"),
    ("museum artcle", "Did you mean 'article'?"),
    ("museum --out x", "Try mulligan museum article --out x"),
    ("site lab --pyodide .", "pyodide.mjs"),
    ("site lab --docs .", "give --force"),
]


@pytest.fixture(scope="module")
def place(tmp_path_factory, tiny_generator):
    """A folder with a generator of pictures, one of points, pictures, and files that are none of these."""
    folder = tmp_path_factory.mktemp("place")
    (folder / "empty").mkdir()
    (folder / "text.png").write_text("no picture")
    (folder / "text.safetensors").write_text("hello")
    Image.new("L", (8, 8)).save(folder / "picture.png")
    np.savez(folder / "tiny.npz", images=np.arange(6400, dtype=np.uint8).reshape(100, 8, 8))
    tiny_generator(class_names=("cat", "dog", "cow", "hen")).save(folder / "G")
    tiny_generator(classes=0, shape=(2,)).save(folder / "points.safetensors")
    return folder


@pytest.mark.parametrize(("words", "said"), OFF, ids=[words[:40] for words, _ in OFF])
def test_words_that_are_off_are_answered_in_a_sentence(words, said, place, refused, monkeypatch):
    monkeypatch.chdir(place)
    before = sorted(place.rglob("*"))
    err = refused(*shlex.split(words))
    assert said in err
    assert re.fullmatch(r"mulligan: .{10,490}[.?]\n", err)
    assert sorted(place.rglob("*")) == before
