"""What several rooms share: a browser, of which a process can start one, and a run that takes milliseconds."""

import os
import shutil
import signal
import sys
import tracemalloc

import pytest

for _library in ("OMP", "OPENBLAS", "MKL"):  # before NumPy comes: two processes of tests have two cores
    os.environ.setdefault(f"{_library}_NUM_THREADS", "1")

os.fsync = lambda file: None  # half the time of a short run; what needs it is tested with a stand-in

if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    # `nohup pytest`: what the tests start would inherit that, and wait for ever to be told that its terminal closed. A
    # handler is not inherited, and keeps this process alive as well.
    signal.signal(signal.SIGHUP, lambda number, frame: None)

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # `pytest &` in a script
    signal.signal(signal.SIGINT, signal.default_int_handler)

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

SLOW = {
    "bench/test_speed.py::test_five_steps_are_the_same": ("[torch tuned-classic-64", "[jax jit-classic-64"),
    "book/test_pages.py::test_a_page_stands": ("book/04", "reference/d", "reference/m"),
    "cli/test_front.py::test_json_is_utf_8": (),
    "cli/test_museum.py::test_json_is_one_document": (),
    "cli/test_names.py::test_the_home_folder_is_meant_where": (),
    "cli/test_outputs.py::test_a_site": (),
    "cli/test_outputs.py::test_a_command_writes": ("[draw]", "[export torch]"),
    "cli/test_front.py::test_ctrl_c_and_kill": ("[SIGINT",),
    "cli/test_train.py::test_a_reader_that_leaves": (),
    "cli/test_train.py::test_ctrl_c_saves": (),
    "config/test_serialization.py::test_every_configuration": (),
    "data/test_anything.py": ("any_bytes[folder/a.jpg]", "any_bytes[a.npz]"),
    "data/sources/test_mnist.py::test_stacked": (),
    "game/test_checking.py::test_both_players_follow": ("[relativistic]",),
    "game/test_laws.py::test_memory_does_not_grow": ("[relativistic, r1 + wgan_gp",),
    "game/test_laws.py::test_processes_give_the_bytes": (
        "[augmented, flip",
        "[batch norm in G, conv",
        "[spectral norm",
    ),
    "metrics/test_known_sets.py": (),
    "metrics/test_pixels.py::test_a_damage": ("[blur",),
    "metrics/test_pixels.py::test_a_set_of_which_half": (),
    "museum/test_cases.py::test_the_failure_fails": ("[frozen-d]",),
    "museum/test_quirks.py::test_the_recipe_is_the_script": ("mended-1",),
    "output/export/test_html.py::test_a_thousand_seeds": ("[rgb",),
    "studies/test_processes.py::test_ctrl_c": (),
    "training/test_diagnosed_runs.py::test_a_grid_of_a_fifth": (),
    "training/test_diagnosed_runs.py::test_broken_toys": ("[D wins", "[wrong sign"),
    "training/test_remedies.py::test_every_remedy": ("[ring]", "[classic]", "[mlp]"),
    "training/store/test_checkpoint.py::test_layers_with_chance": ("[dropout",),
    "training/store/test_kill.py::test_killed_at_random_moments": ("[alternating",),
    "training/store/test_recorder.py::test_leaving_and_coming_back": ("[1]",),
    "training/test_recipes.py::test_a_recipe_trains[article": ("[article-multi",),
    "training/test_recipes.py::test_a_recipe_trains[stacked": (),
    "web/browser/test_browser_lab.py": ("cannot_do", "stand_ins"),
    "web/browser/test_browser_pyodide.py": (),
    "web/test_serving.py::test_a_closed_server_saves": (),
    "web/test_serving.py::test_a_killed_worker": (),
    "web/test_serving.py::test_the_address": (),
}
"""Tests that take more than a second or two, by how their names begin, and their cheap cases, which are always run."""

ELSEWHERE = {
    "doors/test_write.py::test_on_windows_a_reader_is_waited_for[1-linux": "nobody waits on Linux",
    "training/store/test_kill.py::test_the_first_signal_saves_and_stops[1-": "Windows has no SIGHUP",
    "training/store/test_kill.py::test_what_nohup": "Windows has no SIGHUP",
    "training/test_refusals.py::test_a_file_system_without_locks": "it replaces the lock of Linux",
    "training/test_refusals.py::test_a_folder_that_is_taken_away": "Windows does not move a folder that is in use",
    "web/test_serving.py::test_a_closed_server_saves[1]": "Windows has no SIGHUP",
}
"""Tests of what Windows has not, by how their names begin; see tests/as_windows."""


def pytest_collection_modifyitems(items):
    """Mark what is slow; ``pytest -m 'slow and not story'`` runs that. Skip what a stand-in for Windows cannot do."""
    as_windows = "as_windows" in getattr(sys.modules.get("sitecustomize"), "__file__", "")
    for item in items:
        name = item.nodeid.removeprefix("tests/")
        for start, why in ELSEWHERE.items() if as_windows else ():
            if name.startswith(start):
                item.add_marker(pytest.mark.skip(reason=why))
        slow = any(name.startswith(start) and not any(case in name for case in kept) for start, kept in SLOW.items())
        if slow or "browser" in getattr(item, "fixturenames", ()):  # a Chromium makes the README's line no longer
            item.add_marker(pytest.mark.slow)
    items.sort(key=lambda item: "test_the_lines_of_the_readme" not in item.nodeid)  # minutes long: not last, and alone


def scope_of_browser(fixture_name, config):
    return "session" if config.getoption("markexpr") == "story" else "module"


@pytest.fixture(scope=scope_of_browser)
def browser():
    """A real Chromium; while it is there, Playwright's event loop is the one that runs, so only stories share one."""
    playwright = pytest.importorskip("playwright.sync_api")
    if CHROMIUM is None:
        pytest.skip("there is no Chromium here")
    with playwright.sync_playwright() as started:
        chromium = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture
def from_disk(browser):
    """Open files from disk, each in a window of its own; none may complain, or ask any network."""
    complaints, contexts = [], []

    def asked(request):
        if not request.url.startswith(("file:", "data:", "blob:")):
            complaints.append(request.url)

    def open_(path, **options):
        contexts.append(browser.new_context(**options))
        page = contexts[-1].new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("requestfailed", lambda request: complaints.append(request.url))
        page.on("request", asked)
        page.goto(path.as_uri())
        return page

    yield open_
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture(scope="session")
def contrast():
    """Return the contrast of two colours, #rgb or #rrggbb (WCAG 2.2: relative luminance, 1.4.3)."""

    def luminance(colour):
        digits = colour.lstrip("#")
        digits = "".join(2 * c for c in digits) if len(digits) == 3 else digits
        parts = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
        r, g, b = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
        return 0.2126 * r + 0.7152 * g + 0.0722 * b

    def ratio(one, other):
        low, high = sorted((luminance(one), luminance(other)))
        return (high + 0.05) / (low + 0.05)

    return ratio


@pytest.fixture(scope="session")
def peak_of():
    """Return the most bytes that a call holds at once."""

    def measured(call, *args):
        tracemalloc.start()
        try:
            call(*args)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    return measured


@pytest.fixture(scope="session")
def tiny():
    """Make the configuration of a run that takes milliseconds: 2-16-16-1 on points of the ring."""
    from mulligan.training import recipe, with_overrides  # late: the threads are set above

    def dense(units):
        return {"kind": "dense", "units": units}

    def small(**changes):
        player = {"optimizer": {"kind": "adam", "lr": 1e-3, "beta1": 0.5, "beta2": 0.99}}
        base = {
            "generator": {"layers": [dense(16), "leaky_relu", dense(2)], **player},
            "discriminator": {"layers": [dense(16), "leaky_relu", dense(16), "leaky_relu", dense(1)], **player},
            "latent": {"dim": 4, "distribution": "normal"},
            "steps": 24,
            "batch_size": 16,
            "threads": 1,
            "report_every": 5,
            "sample_every": 8,
            "save_every": 6,
            "data": {"name": "ring", "labels": "none", "limit": 100},
        }
        return with_overrides(recipe("ring"), {**base, **changes})

    return small


@pytest.fixture
def digits():
    """Forty pictures of 8×8, in four classes."""
    import numpy as np

    from mulligan.data import Dataset

    images = np.random.default_rng(5).integers(0, 256, (40, 8, 8, 1)).astype(np.uint8)
    return Dataset("digits", images, np.arange(40) % 4, ("a", "b", "c", "d"))


@pytest.fixture(scope="session")
def pictures():
    """Two hundred pictures of 8×8 without classes, and a hundred that are held out."""
    import numpy as np

    from mulligan.data import Dataset

    images = np.random.default_rng(3).integers(0, 256, (300, 8, 8, 1)).astype(np.uint8)
    return Dataset("noise", images[:200], None, (), test=Dataset("noise", images[200:], None, ()))


@pytest.fixture(scope="session")
def run_on():
    """Make a small run on data, or on the ring without any."""
    from mulligan.training import Run, recipe, with_overrides

    small = ["generator.layers.hidden=[16]", "discriminator.layers.hidden=[16]", "data.labels=none", "penalties=[]"]

    def run(data, *changes):
        config = recipe("ring" if data is None else "mlp", threads=1, batch_size=16)
        return Run(with_overrides(config, [*small, *changes]), data=data)

    return run


@pytest.fixture
def drawing(monkeypatch):
    """Let the G of a run draw these samples, whatever z is."""
    import numpy as np

    def draw(run, samples):
        shape = samples.shape[1:]
        monkeypatch.setattr(run, "generate", lambda z, *labels, **how: np.resize(samples, (len(z), *shape)))

    return draw


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Keep the tests of a file in one process: those of the pages tell one story to one server."""
    from xdist.scheduler import LoadFileScheduling

    return LoadFileScheduling(config, log)
