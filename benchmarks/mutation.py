"""Mutation testing: plant small bugs in six rooms, one at a time, and see whether a test goes red.

    python benchmarks/mutation.py --map [tests/nn …]       # minutes: which test runs which line, and how long it takes
    python benchmarks/mutation.py --count 300 --seed 3 --results FILE     # goes on where it stopped; a table by room
    python benchmarks/mutation.py --again --results FILE   # only the survivors, on the tree as it is now

A bug changes an operator, a number, a condition or a call inside a function; it is planted in a fork of a process that
has collected the tests, so that no file changes. Only tests that run its line are tried, the quickest first, until one
fails; `by` in the results names that test. torch and jax are hidden. The seed decides in which order the mutants of a
room are tried. `--leave-out` names the results of earlier samples, whose bugs are not planted again.
"""

import argparse
import ast
import gc
import hashlib
import inspect
import json
import os
import signal
import sys
import time
import types
from collections import Counter
from functools import partial
from importlib import import_module
from itertools import chain, zip_longest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "mulligan"
ROOMS = ("nn", "game", "data", "metrics", "diagnosis", "training")
HIDDEN = ("torch", "jax", "optax")
MAP = ROOT / "benchmarks" / "mutation-map.json"


RESULTS = MAP.with_name("mutation.jsonl")  # not committed
KEYS = ("room", "path", "code", "old", "new", "nth")
ENDS = ("killed", "survived", "too slow", "no test", "equivalent")
BUDGET = 12.0  # seconds of tests, as measured unmutated, that are tried on one mutant
_SIGNS = "Lt <=,LtE <,Gt >=,GtE >,Eq !=,NotEq ==,Is is not,IsNot is,In not in,NotIn in,Add -,Sub +,Mult /,Div *"
_MORE = "FloorDiv *,Pow *,Mod *,And or,Or and,BitAnd |,BitOr &"
OPERATORS = dict(pair.split(" ", 1) for pair in f"{_SIGNS},{_MORE}".split(","))
_NAMES = ("min", "max"), ("any", "all"), ("minimum", "maximum")
NAMES = dict(_NAMES) | {b: a for a, b in _NAMES}


class Hider:
    """Finds no torch and no jax, so that tests which need them are skipped."""

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in HIDDEN:
            raise ModuleNotFoundError(name, name=name)


def pytested(words, plugins=()):
    """Run pytest in this process, on the tree that this file is in."""
    import pytest

    sys.meta_path.insert(0, Hider())
    os.chdir(ROOT)
    return pytest.main(["-p", "no:cacheprovider", "-p", "no:xdist", "--continue-on-collection-errors", *words], plugins)


class Timer:
    """Tells coverage which test is running, and notes how long each took."""

    def __init__(self, cover):
        self.cover, self.took, self.bad = cover, {}, set()

    def pytest_runtest_logstart(self, nodeid, location):
        self.cover.switch_context(nodeid)

    def pytest_runtest_logreport(self, report):
        self.took[report.nodeid] = self.took.get(report.nodeid, 0.0) + report.duration
        if report.outcome != "passed":
            self.bad.add(report.nodeid)


def map_out(some):
    """Write down which tests run which line of the rooms."""
    import coverage

    timer = Timer(
        cover := coverage.Coverage(data_file=None, source=[str(SOURCE / r) for r in ROOMS], config_file=False)
    )
    cover.start()
    pytested(some or [f"tests/{room}" for room in ROOMS], [timer])
    cover.stop()
    data, before = cover.get_data(), json.loads(MAP.read_text()) if some else {"lines": {}, "took": {}}
    lines, took = before["lines"], before["took"] | timer.took
    for path in data.measured_files():
        of_file = lines.setdefault(str(Path(path).relative_to(ROOT)), {})
        for line, tests in data.contexts_by_lineno(path).items():
            of_file[str(line)] = sorted({*of_file.get(str(line), []), *tests} - timer.bad - {""})
    MAP.write_text(json.dumps({"took": took, "lines": lines}))
    print(f"{len(timer.took)} tests, {sum(timer.took.values()):.0f} s; not passed: {sorted(timer.bad)}")


def mutants(text):
    """Return (line number, first byte, old, new) of every mutant of a source; messages are left alone."""
    raw, starts, found = text.encode(), [0], []
    for line in raw.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))

    def ends(node):
        return starts[node.lineno - 1] + node.col_offset, starts[node.end_lineno - 1] + node.end_col_offset

    def add(node, begin, end, new):
        old = raw[begin:end].decode()
        found.append((node.lineno, begin, old, new(old) if callable(new) else new))

    def between(node, left, right, op):
        if sign := OPERATORS.get(type(op).__name__):
            sign += "=" if isinstance(node, ast.AugAssign) else ""
            add(node, ends(left)[1], ends(right)[0], lambda old: old.replace(old.strip(" ()\n"), sign))

    def mutate(node):
        word = getattr(node, "attr", getattr(node, "id", ""))
        if isinstance(node, ast.Compare):
            between(node, node.left, node.comparators[0], node.ops[0])
        elif isinstance(node, ast.BoolOp):
            between(node, *node.values[:2], node.op)
        elif isinstance(node, (ast.BinOp, ast.AugAssign)):
            between(node, *(n for n in ast.iter_child_nodes(node) if isinstance(n, ast.expr)), node.op)
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.Not, ast.USub)):
            add(node, ends(node)[0], ends(node.operand)[0], "")
        elif isinstance(node, ast.Constant) and isinstance(node.value, (bool, int, float)):
            other = {bool: lambda v: not v, int: lambda v: v + 1, float: lambda v: 2 * v or 1.0}
            add(node, *ends(node), repr(other[type(node.value)](node.value)))
        elif isinstance(node, (ast.If, ast.While, ast.IfExp)):
            add(node.test, *ends(node.test), "not ({})".format)
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            add(node, *ends(node), lambda old: "super()" if old.startswith("super().") else "None")
        elif isinstance(node, (ast.Name, ast.Attribute)) and word in NAMES:
            add(node, ends(node)[1] - len(word), ends(node)[1], NAMES[word])

    def visit(node, inside):
        if isinstance(node, (ast.Raise, ast.Assert, ast.JoinedStr)):
            return
        if inside:
            mutate(node)
        function = isinstance(node, (ast.FunctionDef, ast.Lambda))
        typed = [getattr(node, name, None) for name in ("args", "returns", "annotation") if not hasattr(node, "func")]
        for child in ast.iter_child_nodes(node):
            if child not in typed + getattr(node, "decorator_list", []):
                visit(child, inside or function)

    visit(ast.parse(text), False)
    return [m for m in found if m[2] != m[3]]


def everything(room):
    """Yield every mutant of a room; `code` and `nth` find it again when lines have moved."""
    for path in sorted((SOURCE / room).rglob("*.py")):
        text, seen = path.read_text(encoding="utf-8"), Counter()
        for line, begin, old, new in mutants(text):
            key = text.splitlines()[line - 1].strip(), old, new
            seen[key] += 1
            words = {"room": room, "path": str(path.relative_to(ROOT)), "code": key[0], "old": old, "new": new}
            yield words | {"nth": seen[key]}, line, begin


def chosen(room, count, seed, ended, seen):
    """Return the mutants of a room that make those which were tried so many, in an order that the seed decides."""
    new = [each for each in everything(room) if key_of(each[0]) not in ended and bug_of(each[0]) not in seen]
    new.sort(key=lambda each: hashlib.sha256(f"{seed} {key_of(each[0])}".encode()).digest())
    return new[: max(0, count - sum(key[0] == room for key in ended))]


class Reporter:
    """Writes the name of a test that fails to a pipe."""

    def __init__(self, pipe):
        self.pipe = pipe

    def pytest_runtest_logreport(self, report):
        if report.failed:
            os.write(self.pipe, report.nodeid.encode())


def in_child(plants, words, seconds):
    """Plant a bug in a forked process and run pytest there.

    Returns its exit code, None when it took too long, and the test that failed.
    """
    told, tells = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.setpgid(0, 0)
        for stream in range(3):
            os.dup2(os.open(os.devnull, os.O_RDWR), stream)
        plants()
        os._exit(int(pytested(words, [Reporter(tells)])))
    os.close(tells)
    os.set_blocking(told, False)  # what the tests have started may hold the other end
    try:
        for _ in range(int(50 * seconds)):
            found, status = os.waitpid(pid, os.WNOHANG)
            if found:
                return os.waitstatus_to_exitcode(status), first_line(told)
            time.sleep(0.02)
        os.killpg(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        return None, ""
    finally:
        os.close(told)


def first_line(pipe):
    """Return what was written to a pipe; nothing if nothing was."""
    try:
        return os.read(pipe, 4096).decode()
    except BlockingIOError:
        return ""


def key_of(words):
    """Return what tells a mutant from all others."""
    return tuple(words[k] for k in KEYS)


def bug_of(words):
    """Return what a bug is, wherever its line stands."""
    return words["code"], words["old"], words["new"]


def told(results):
    """Return the lines of the results; of a mutant, the later one counts."""
    return {key_of(t): t for t in map(json.loads, results.read_text().splitlines() if results.exists() else [])}


def differing(before, after):
    """Yield the code of each function that a mutant changes, and its mutant's; also of functions inside others."""
    inner = [[each for each in code.co_consts if isinstance(each, types.CodeType)] for code in (before, after)]
    for one, other in zip(*inner) if len(inner[0]) == len(inner[1]) else ():
        if one != other:
            yield from [(one, other)] if one.co_flags & inspect.CO_OPTIMIZED else []
            yield from differing(one, other)


def plant(loaded, file, begin, old, new):
    """Give the functions of this process, wherever they are known, the code of a mutant."""
    raw = file.read_bytes()
    changed = raw[:begin] + new.encode() + raw[begin + len(old.encode()) :]
    for before, after in differing(*(compile(each, str(file), "exec") for each in (raw, changed))):
        for function in [each for each in loaded if each.__code__ == before]:
            if before.co_freevars == after.co_freevars:
                function.__code__ = after


def run(args):
    """Try mutants, and add a line to the results for each."""
    known, ended = json.loads(MAP.read_text()), told(args.results)
    seen = {bug_of(each) for file in args.leave_out for each in told(file).values()}
    if pytested(["--collect-only", "-qq", *sorted({test.partition("::")[0] for test in known["took"]})]):
        sys.exit("the tests cannot be collected")
    for file in chain(*((SOURCE / room).rglob("*.py") for room in ROOMS)):  # also those that are imported when needed
        import_module(".".join(file.relative_to(SOURCE.parent).with_suffix("").parts).removesuffix(".__init__"))
    loaded = [each for each in gc.get_objects() if isinstance(each, types.FunctionType)]
    loaded = [each for each in loaded if each.__code__.co_filename.startswith(str(SOURCE))]
    some = [chosen(room, args.count // len(ROOMS), args.seed, ended, seen) for room in args.rooms]
    new = filter(None, chain(*zip_longest(*some)))
    for words, line, begin in chain(*map(everything, args.rooms)) if args.again else new:
        if args.again and ended.get(key_of(words), {}).get("end") not in ENDS[1:4]:
            continue
        took, tests, total, of_file = known["took"], [], 0.0, known["lines"].get(words["path"], {})
        tried = of_file.get(str(line)) or {*chain(*of_file.values())}  # a line that only forked processes run
        for test in sorted(tried, key=took.get):
            total += took[test] + 0.01
            if total < BUDGET or not tests:
                tests.append(test)
        file, start, end, by = ROOT / words["path"], time.monotonic(), "no test", ""
        if tests:
            plants = partial(plant, loaded, file, begin, words["old"], words["new"])
            code, by = in_child(plants, ["-x", *tests], 20 + 4 * min(total, BUDGET))
            end = {0: "survived", None: "too slow", 4: "no test", 5: "no test"}.get(code, "killed")
        words |= {"line": line, "end": end, "by": by, "seconds": round(time.monotonic() - start, 1)}
        with args.results.open("a") as out:
            out.write(json.dumps(words, ensure_ascii=False) + "\n")


def table(results):
    """Print how many mutants of each room are killed."""
    ends = {room: Counter(t["end"] for key, t in told(results).items() if key[0] == room) for room in ROOMS}
    print(f"| room | mutants | {' | '.join(ENDS)} |", f"{'|---' * (2 + len(ENDS))}|", sep="\n")
    for room, each in [*ends.items(), ("all", sum(ends.values(), Counter()))]:
        print(f"| {room} | {each.total()} | {' | '.join(str(each[end]) for end in ENDS)} |")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("rooms", nargs="*", default=ROOMS)
    parser.add_argument("--map", nargs="*", metavar="TESTS", help="map these tests anew, or all of the rooms")
    parser.add_argument("--count", type=int, default=600, help="of all six rooms")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--again", action="store_true")
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--leave-out", type=Path, nargs="*", default=[], metavar="FILE")
    args = parser.parse_args()
    if args.map is not None:
        map_out(args.map)
    else:
        run(args)
        table(args.results)
