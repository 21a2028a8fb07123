"""The house plan of the design, enforced: who may import whom, how many lines there are, what a file may be called."""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import mulligan

SOURCE = Path(mulligan.__file__).parent
FILES = sorted(SOURCE.rglob("*.py"))
CHAPTERS = sorted((Path(__file__).parents[1] / "docs/book").glob("*-*.md"))
LIGHT = {"numpy", "threadpoolctl"}
"""What `import mulligan` may cost."""

BELOW = {
    "errors": set(),
    "lazy": set(),
    "doors": {"errors"},
    "nn": {"errors"},
    "game": {"nn", "errors"},
    "data": {"doors", "nn", "errors"},
    "metrics": {"data", "doors", "nn", "errors"},
    "config": {"game", "doors", "nn", "errors"},
    "diagnosis": {"metrics", "data", "doors", "nn", "errors"},
    "output": {"config", "game", "doors", "nn", "errors", "lazy", "mulligan"},
    "training": {
        "output",
        "config",
        "diagnosis",
        "metrics",
        "data",
        "game",
        "doors",
        "nn",
        "errors",
        "lazy",
        "mulligan",
    },
    "models": {"training", "output", "metrics", "data", "doors", "errors"},
    "report": {"training", "output", "config", "diagnosis", "metrics", "data", "doors", "errors"},
    "watch": {"report", "training", "output", "diagnosis", "data", "game", "doors", "nn", "errors"},
    "recipes": set(),
}
MIDDLE = frozenset({*BELOW, "mulligan"})
FIT = MIDDLE | {"fitting"}  # `mulligan.fit`
UPPER = FIT | {"studies", "museum"}
BELOW |= {"studies": FIT, "museum": FIT, "cli": UPPER | {"web"}, "web": UPPER}
BELOW |= {"fitting": MIDDLE, "__main__": {"cli"}, "mulligan": UPPER}
"""Each room, and the rooms that it may import, for types too; "mulligan" is the front door, `__init__`."""


BUDGETS = {SOURCE: 28_185, Path(__file__).parent: 26_430}
"""Lines of Python in the source and in the tests. What would go beyond them replaces something."""


OF_TORCH = {"watch/torch_nets.py"}
"""Files that `mulligan.Watch` imports only where the user has already imported torch."""


def room_of(file):
    parts = file.relative_to(SOURCE).parts
    name = parts[0].removesuffix(".py")
    return "mulligan" if name == "__init__" else name


def imports(tree):
    """Yield every module that is imported, with its node; ``from mulligan import nn`` is mulligan.nn."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports hide the room"
            if node.module == "mulligan":
                yield from ((f"mulligan.{a.name}" if a.name in BELOW else "mulligan", node) for a in node.names)
            else:
                yield node.module, node


def wrong_imports(file, text):
    """Return what a file may not import, as sentences."""
    room, tree = room_of(file), ast.parse(text)
    late = {id(inner) for node in ast.walk(tree) if postpones(node) for inner in ast.walk(node)}
    found = []
    for module, node in imports(tree):
        first, *rest = module.split(".")
        if first == "mulligan":
            to = rest[0] if rest else "mulligan"
            if to not in BELOW[room] | {room}:
                found.append(f"{room} imports {module}")
        elif first not in sys.stdlib_module_names | LIGHT:
            if room in ("errors", "nn", "game"):
                found.append(f"{room} imports {module}")
            elif first == "torch" and file.relative_to(SOURCE).as_posix() in OF_TORCH:
                continue
            elif room not in ("cli", "web") and id(node) not in late:
                found.append(f"{room} imports {module} at the top")
        elif first in ("pickle", "shelve", "marshal", "dill"):
            found.append(f"{room} imports {module}")
    return found


def postpones(node):
    """Whether what stands inside runs later than the import of the file, or never."""
    types_only = isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
    return types_only or isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(SOURCE)))
def test_imports_point_down(file):
    assert wrong_imports(file, file.read_text("utf-8")) == []


@pytest.mark.parametrize("folder", BUDGETS, ids=lambda folder: folder.name)
def test_the_source_and_the_tests_keep_within_their_budgets(folder):
    assert sum(len(file.read_text("utf-8").splitlines()) for file in folder.rglob("*.py")) <= BUDGETS[folder]


def test_nothing_is_called_utils_or_common():
    names = {part.removesuffix(".py").strip("_") for file in FILES for part in file.relative_to(SOURCE).parts}
    assert names & {"utils", "util", "common", "helpers", "misc", "tools"} == set()


def test_every_room_has_its_line():
    assert {room_of(file) for file in FILES} <= BELOW.keys()


@pytest.mark.parametrize(
    ("room", "line", "fine"),
    [
        ("nn", "import numpy as np", True),
        ("nn", "def f():\n    import scipy.linalg", False),
        ("nn", "from mulligan.game import losses", False),
        ("nn", "if TYPE_CHECKING:\n    from mulligan.training import run", False),
        ("game", "import mulligan.data", False),
        ("data", "def f():\n    import scipy", True),
        ("data", "def f():\n    import pickle", False),
        ("cli", "import tyro\nfrom mulligan.training import run", True),
    ],
)
def test_the_import_test_can_fail(room, line, fine):
    assert (wrong_imports(SOURCE / room / "file.py", line) == []) is fine


def test_the_import_is_light():
    code = """import sys, mulligan; mulligan.__version__; print(*{name.split('.')[0] for name in sys.modules})
mulligan.data.from_arrays, mulligan.errors.MulliganError, mulligan.training.resume  # which messages name"""
    loaded = {*subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()}
    heavy = ["numpy", "scipy", "PIL", "tyro", "safetensors", "pooch", "jinja2", "joblib", "torch", "jax"]
    assert loaded & {*heavy, "mulligan", "typing"} == {"mulligan"}


@pytest.mark.parametrize("room", ["nn", "game"])
def test_the_mathematics_runs_without_the_shop(room):
    modules = [
        ".".join(("mulligan", *file.relative_to(SOURCE).with_suffix("").parts)).removesuffix(".__init__")
        for file in FILES
        if room_of(file) == room
    ]
    code = f"import sys, {', '.join(modules)}; print(*{{name.split('.')[0] for name in sys.modules}})"
    script = "import sys, numpy.random, threadpoolctl; print(*{name.split('.')[0] for name in sys.modules})"
    loaded, numpy_alone = (
        set(subprocess.run([sys.executable, "-c", c], capture_output=True, text=True, check=True).stdout.split())
        for c in (code, script)
    )
    assert loaded - numpy_alone - sys.stdlib_module_names - {"__mp_main__"} == {"mulligan"}  # multiprocessing's own


def test_what_the_readme_shows_and_links_to_is_there():
    readme = Path(__file__).parents[1] / "README.md"
    links = re.findall(r"(!?)\[[^]]*]\((?!http)([^)#]+)", readme.read_text("utf-8"))
    assert [target for _, target in links if not (readme.parent / target).exists()] == []
    pictures = {f"docs/images/{name}" for name in ("quick.gif", "imprint.png", "playground.gif")}
    assert pictures <= {target for mark, target in links if mark}


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.stem)
def test_a_chapter_names_the_files_that_name_it(chapter):
    text = chapter.read_text("utf-8")
    pointing = [file for file in FILES if f"docs/book/{chapter.name}" in file.read_text("utf-8")]
    unnamed = [name for file in pointing if (name := str(file.relative_to(SOURCE))) not in text]
    assert unnamed == []


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.stem)
def test_a_chapter_ends_with_exercises_whose_answers_are_asserted(chapter):
    _, _, exercises = chapter.read_text("utf-8").partition("\n## Exercises\n")
    answers = re.findall(r"^<summary>Answer</summary>\n\n```python\n(.*?)^```", exercises, re.S | re.M)
    assert ["assert " in answer for answer in answers] == [True] * (2 if chapter.stem[0] in "ab" else 3)


def test_every_chapter_that_code_names_is_there():
    named = {name for file in FILES for name in re.findall(r"docs/book/(\S+\.md)", file.read_text("utf-8"))}
    assert named <= {chapter.name for chapter in CHAPTERS}


def test_every_licence_in_the_package_is_declared():
    root = Path(__file__).parents[1]
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
    inside = {path.relative_to(root).as_posix(): path.read_text("utf-8") for path in SOURCE.rglob("LICENSE*")}
    assert set(project["license-files"]) == {"LICENSE", *inside}
    for words, name in (("MIT License", "MIT"), ("Apache License", "Apache-2.0"), ("CC BY-SA 3.0", "CC-BY-SA-3.0")):
        assert any(words in text for text in inside.values()), words
        assert name in project["license"].split(" AND ")


def test_every_slow_test_is_there():
    root = Path(__file__).parent
    found = re.findall(r'^    "([a-z_/]+\.py)(?:::(\w+))?', (root / "conftest.py").read_text("utf-8"), re.MULTILINE)
    assert len(found) > 20
    for file, name in found:
        assert f"def {name}" in (root / file).read_text("utf-8") if name else (root / file).is_file(), (file, name)
