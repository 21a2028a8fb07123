"""The folder of the page: everything in it, nothing that loads from elsewhere but the stated runtime."""

import io
import json
import re
import sys
import zipfile
from pathlib import Path

import pytest

import mulligan
from mulligan.errors import DataError
from mulligan.web.browser import site
from mulligan.web.browser.site import PAGE, RUNTIME, build, engine_zip

SOURCE = Path(mulligan.__file__).parent


@pytest.fixture
def wheel(tmp_path):
    path = tmp_path / "mulligan-0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for file in SOURCE.rglob("*"):
            if file.suffix in (".py", ".xz", ".toml"):
                archive.write(file, f"mulligan/{file.relative_to(SOURCE).as_posix()}")
        archive.writestr("mulligan-0.dist-info/METADATA", "Name: mulligan")
    return path


def names(content):
    return set(zipfile.ZipFile(io.BytesIO(content)).namelist())


def test_the_engine_of_a_wheel_is_the_engine_of_the_package(wheel):
    assert engine_zip(wheel) == engine_zip()


def test_the_engine_is_small_and_python_only():
    content = engine_zip()
    assert len(content) < 400_000
    assert {"mulligan/nn/network.py", "mulligan/game/gan.py", "mulligan/web/browser/ring.py"} <= names(content)
    assert all(name.endswith(".py") for name in names(content))
    assert not any(name.startswith(("mulligan/cli", "mulligan/training")) for name in names(content))


def test_the_ring_needs_no_other_file(tmp_path):
    import subprocess

    (tmp_path / "engine.zip").write_bytes(engine_zip())
    code = "from mulligan.web.browser.ring import Ring; import mulligan; print(mulligan.__file__, Ring().train(1))"
    found = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": str(tmp_path / "engine.zip"), "PATH": ""},
    )
    assert found.returncode == 0, found.stderr
    assert "engine.zip" in found.stdout


def test_the_folder_is_complete(tmp_path):
    written = build(tmp_path / "site")
    assert {path.name for path in written} == {*PAGE, "engine.zip", "site.json"}
    about = json.loads((tmp_path / "site" / "site.json").read_text())
    assert about == {"runtime": RUNTIME, "version": mulligan.__version__}
    page = (tmp_path / "site" / "index.html").read_text()
    for name in ("ring.css", "page.mjs"):
        assert name in page
    assert re.search(r"pyodide/v\d+\.\d+\.\d+/full/$", RUNTIME)


def test_the_page_names_no_other_address():
    """One address, in one file: the stated runtime."""
    here = SOURCE / "web" / "browser"
    for name in PAGE:
        assert not re.search(r"https?://", (here / name).read_bytes().decode("latin-1")), name
    policy = re.search(r'Content-Security-Policy" content="([^"]+)', (here / "index.html").read_text())[1]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy


def test_a_runtime_is_put_beside(tmp_path):
    runtime = tmp_path / "rt"
    runtime.mkdir()
    with pytest.raises(DataError, match=r"pyodide\.mjs"):
        build(tmp_path / "site", runtime=runtime)
    assert not (tmp_path / "site").exists()
    (runtime / "pyodide.mjs").write_text("x")
    build(tmp_path / "site", runtime=runtime)
    assert (tmp_path / "site" / "pyodide" / "pyodide.mjs").read_text() == "x"
    assert json.loads((tmp_path / "site" / "site.json").read_text())["runtime"] == "./pyodide/"
    build(tmp_path / "site", runtime=runtime)  # again, over itself


def test_what_is_no_wheel_is_refused(tmp_path):
    for content in (b"no zip", None):
        path = tmp_path / "a.whl"
        if content:
            path.write_bytes(content)
        else:
            path.unlink(missing_ok=True)
        with pytest.raises(DataError, match="pip wheel"):
            build(tmp_path / "site", wheel=path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("other/nn/a.py", "")
    with pytest.raises(DataError, match="no package"):
        build(tmp_path / "site", wheel=path)


def test_the_command_says_how_to_look(tmp_path, monkeypatch, capsys, wheel):
    monkeypatch.setattr(sys, "argv", ["site", str(tmp_path / "s"), "--wheel", str(wheel)])
    site.main()
    assert "http.server" in capsys.readouterr().out
    assert (tmp_path / "s" / "engine.zip").read_bytes() == engine_zip()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("s", "--wheel", "none.whl"), "none.whl cannot be read as a wheel"),
        (("s", "--runtime", "."), "holds no pyodide.mjs"),
        (("a-file/s",), "a-file/s cannot be written (Not a directory)"),
    ],
)
def test_the_command_refuses_in_a_sentence(tmp_path, monkeypatch, capsys, words, said):
    monkeypatch.chdir(tmp_path)
    Path("a-file").touch()
    monkeypatch.setattr(sys, "argv", ["site", *words])
    with pytest.raises(SystemExit) as ended:
        site.main()
    assert ended.value.code == 2
    assert said in capsys.readouterr().err
    assert not Path("s").exists()
