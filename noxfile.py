"""Mulligan on every Python and on the oldest and newest NumPy: ``nox``; what an interpreter lacks is skipped."""

import hashlib
from pathlib import Path

import nox

nox.options.default_venv_backend = "uv|virtualenv"
nox.options.error_on_missing_interpreters = False
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
PYTHONS = ["3.11", "3.12", "3.13", "3.14"]


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """Run the tests with the newest of everything."""
    session.install("-e", ".[test]")
    session.run("python", "-m", "pytest", "-n", "2", *session.posargs, env=ONE_THREAD)


@nox.session(python="3.11", venv_backend="uv")
def oldest(session: nox.Session) -> None:
    """Run the tests with the oldest allowed release of every dependency."""
    session.install("-e", ".[test]", "--resolution", "lowest-direct")
    session.run("python", "-m", "pytest", "-n", "2", *session.posargs, env=ONE_THREAD)


@nox.session(python=PYTHONS)
def wheel(session: nox.Session) -> None:
    """Build the wheel twice, compare the bytes, and use it without the tests' extras."""
    session.install("build")
    built = []
    for number in (1, 2):
        out = Path(session.create_tmp()) / str(number)
        session.run("python", "-m", "build", "--wheel", "--outdir", str(out), silent=True)
        built.append(next(out.glob("*.whl")))
    first, second = (hashlib.sha256(path.read_bytes()).hexdigest() for path in built)
    if first != second:
        session.error(f"two builds must have one hash, got {first} and {second}.")
    session.log("sha256 %s, %d bytes", first, built[0].stat().st_size)
    session.install(str(built[0]))
    session.chdir(session.create_tmp())
    session.run("mulligan", "draw", "42")
    session.run("mulligan", "train", "ring", "--steps", "300", "--out", "run", env=ONE_THREAD)
    session.run("mulligan", "export", "run", "--to", "report")
    session.run("python", "-c", "import mulligan; print(mulligan.load('run').sample(2, seed=1))")


@nox.session(python="3.11")
def windows(session: nox.Session) -> None:
    """Run the tests with thread workers, and with the locks, signals and renames of Windows."""
    session.install("-e", ".[test]")
    stand_ins = str(Path("tests", "as_windows").resolve())
    session.run("python", "-m", "pytest", "-n", "2", *session.posargs, env=ONE_THREAD | {"PYTHONPATH": stand_ins})
