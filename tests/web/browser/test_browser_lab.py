"""The lab as a browser runs it, in this Python: one thread, no sockets, the same calls and events as the server."""

import asyncio
import json
import os
import sys
import threading

import numpy as np
import pytest
from scipy.special import gammainc, rel_entr

from mulligan.config.recipes import RECIPES
from mulligan.data import DATASETS
from mulligan.web import settings
from mulligan.web.browser import stand_ins as ours
from mulligan.web.browser.lab import open_lab
from mulligan.web.browser.site import digits


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with the site's digits. What the lab takes out of the registries comes back."""
    monkeypatch.setitem(sys.modules, "joblib", None)  # nor does a browser have it
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    (tmp_path / "digits.npz").write_bytes(digits())
    monkeypatch.setattr(os, "cpu_count", os.cpu_count)
    settings.list_recipes.cache_clear()
    kept = [(registry, dict(registry)) for registry in (DATASETS, RECIPES)]
    yield tmp_path
    for registry, before in kept:
        registry.clear()
        registry.update(before)
    settings.list_recipes.cache_clear()


class Page:
    """What the page does: it calls, and hears the stream."""

    def __init__(self, lab):
        self.lab, self.heard = lab, []

    async def call(self, method, address, body=None):
        status, media, _, content = await self.lab.call(method, address, json.dumps(body or {}))
        return status, json.loads(content) if "json" in media else content

    async def listen(self):
        content = (await self.lab.call("GET", "/api/stream?client=aaaaaaaaaaaaaaaa", ""))[3]
        async for part in content:
            for event in part.decode().split("\n\n"):
                if event and "ping" not in event:
                    words = dict(line.split(": ", 1) for line in event.splitlines())
                    self.heard.append((words["event"], json.loads(words["data"])))

    async def until(self, state):
        for _ in range(3000):
            await asyncio.sleep(0.01)
            if self.lab.session.state == state:
                return self.lab.session
        raise AssertionError((state, self.lab.session.state, self.lab.session.error))


def play(folder, story):
    async def played():
        lab = await open_lab(str(folder))
        page = Page(lab)
        listening = asyncio.create_task(page.listen())
        try:
            await story(page)
        finally:
            await lab.close()
            await listening
        return page

    return asyncio.run(played())


def test_a_run_from_start_to_end_with_a_pause_and_single_steps(folder):
    before = threading.active_count()

    async def story(page):
        start = {"recipe": "small", "paused": True, "changes": [["steps", 40], "report_every=10", "sample_every=20"]}
        status, answer = await page.call("POST", "/api/train/start", start)
        assert status == 200, answer
        await page.until("paused")
        seen = {"try": 1, "run": "small-1"}
        for step in (1, 4):
            assert (await page.call("POST", "/api/train/step", {**seen, "count": step}))[0] == 200
            await asyncio.sleep(0.2)
            await page.until("paused")
        assert page.lab.session.current.step == 5
        assert (await page.call("POST", "/api/train/resume", seen))[0] == 200
        await page.until("finished")
        assert threading.active_count() == before

    page = play(folder, story)
    kinds = [kind for kind, _ in page.heard]
    assert kinds[0] == "snapshot"
    assert {"status", "event", "samples", "notice"} <= set(kinds)
    steps = [words["step"] for kind, words in page.heard if kind == "event" and words["event"] == "stepped"]
    assert steps == [10, 20, 30, 40]


def test_calls_are_answered_while_it_trains_and_an_alarm_brings_a_second_try(folder):
    async def story(page):
        start = {
            "recipe": "ring",
            "changes": [["steps", 3000], ["generator.optimizer.lr", 0.3], ["discriminator.optimizer.lr", 0.3]],
        }
        await page.call("POST", "/api/train/start", start)
        await page.until("training")
        for address in ("/api/draw?seed=3", "/api/look/field", "/api/runs", "/api/models"):
            status, answer = await page.call("GET", address)
            assert status == 200, answer
        assert (await page.call("GET", "/api/runs/ring-1/samples/0.png"))[1].startswith(b"\x89PNG")
        state = await page.until("alarm")
        assert state.advice["can_try"]
        seen = {"try": 1, "run": "ring-1"}
        status, answer = await page.call("POST", "/api/train/second-try", seen)
        assert status == 200, answer
        await page.until("training")
        assert [each.number for each in state.tries] == [1, 2]
        assert state.tries[1].summary

    play(folder, story)


def test_what_a_browser_cannot_do_says_why(folder):
    async def story(page):
        catalog = (await page.call("GET", "/api/catalog"))[1]
        assert [data["name"] for data in catalog["data"]][:2] == ["mnist", "mnist-test"]
        assert "5,000" in catalog["data"][0]["line"]
        assert {"small", "ring", "grid", "mlp"} <= {recipe["name"] for recipe in catalog["recipes"]}
        assert "quick" not in {recipe["name"] for recipe in catalog["recipes"]}
        status, answer = await page.call("GET", "/api/nearest?seed=3")
        assert (status, "too few" in answer["detail"]) == (500, True) or status in (404, 422)
        assert (await page.call("GET", "/api/none"))[0] == 404
        assert (await page.call("POST", "/api/train/pause", {"try": "one"}))[0] == 422

    play(folder, story)


def test_the_stand_ins_do_what_the_libraries_do():
    for a in (0.5, 1.0, 1.5, 32.0):
        for x in (0.0, 0.1, 4.5, 40.0):
            assert ours.gammainc(a, x) == pytest.approx(gammainc(a, x), rel=1e-12)
    shares = np.array([0.0, 0.25, 0.75])
    assert ours.rel_entr(shares, 1 / 3) == pytest.approx(rel_entr(shares, 1 / 3), rel=1e-12)
