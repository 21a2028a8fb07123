"""The second try as the page commands it: with the remedy, edited first, and no further than a start may reach."""

import pytest

NAME = "ring-1"


def test_the_second_try(call, stand, playground, toml):
    assert "second-try" not in call.begun(stand)["can"]  # there is nothing to repair
    refused = call.post("/api/train/step", **{"try": 1}).json()
    assert "second-try" not in refused["detail"]
    (playground.runs / NAME / "config.toml").write_text(toml)
    stand.diagnoses()
    stand.say("state", state="alarm", step=1500)
    snapshot = call.get("/api/snapshot").json()
    assert (snapshot["advice"]["title"], snapshot["advice"]["overrides"]) == ("Mode collapse", ["loss.kind=hinge"])
    assert snapshot["tries"][0]["alarm"]["step"] == 1500
    assert {"step", "second-try"} <= {*snapshot["status"]["can"]}
    assert call.post("/api/train/second-try", **{"try": 1}).json()["status"]["try"] == 2
    kind, words = stand.sent[-1]
    assert (kind, words["overrides"], words["step"]) == ("second", [["loss.kind", "hinge"]], 1000)
    assert words["parent"].endswith(NAME)
    assert words["folder"].endswith(f"{NAME}-try-2")
    stand.open()
    first, second = call.get("/api/snapshot").json()["tries"]
    assert (first["state"], second["parent"], second["summary"]) == ("failed", 1, "hinge")
    assert second["changes"][0] == {"path": "loss.kind", "label": "Loss", "old": "relativistic", "new": "hinge"}
    assert call.get("/api/snapshot").json()["advice"] is None  # nothing is said of this one yet
    assert call.post("/api/train/second-try", **{"try": 2}).json()["type"] == "/problems/wrong-state"
    # undo: try 1 goes on
    stand.say("state", state="paused", step=1200)
    assert call.post("/api/train/continue", **{"try": 2, "number": 1}).json()["status"]["run"] == NAME
    assert call.post("/api/train/continue", **{"try": 1, "number": 9}).status_code == 409  # while it is read
    stand.open()


@pytest.mark.parametrize(("step", "begins"), [(None, 1000), (1200, 1000), (999, 500), (499, 0), (0, 0)])
def test_a_second_try_goes_back_as_far_as_asked(step, begins, call, stand, playground, toml):
    call.begun(stand)
    (playground.runs / NAME / "config.toml").write_text(toml)
    (playground.runs / NAME / "checkpoints" / "step-000500").mkdir(parents=True)
    stand.diagnoses()
    assert call.get("/api/snapshot").json()["advice"]["checkpoints"] == [500, 1000]
    assert (
        call.post("/api/train/second-try", **{"try": 1}, **({} if step is None else {"step": step})).status_code == 200
    )
    assert stand.sent[-1][1]["step"] == begins
    assert call.get("/api/snapshot").json()["tries"][-1]["from_step"] == begins
    stand.open()


@pytest.mark.parametrize("story", ["again", "other", "later", "adjusted"])
def test_a_remedy_that_leads_back_to_a_try_that_failed_is_told(story, call, stand, playground, toml):
    call.begun(stand)
    (playground.runs / NAME / "config.toml").write_text(toml)
    if story == "adjusted":
        stand.adjusts()
    start = {"healthy_step": 0}
    stand.diagnoses(**start)
    stand.say("state", state="alarm", step=1500)
    assert call.get("/api/snapshot").json()["advice"]["tried"] is None
    call.post("/api/train/second-try", **{"try": 1})
    stand.open()
    lines = ["loss.kind=hinge" if story == "other" else "loss.kind=relativistic"]
    stand.diagnoses(overrides=lines, **({} if story == "later" else start))
    found = call.get("/api/snapshot").json()["advice"]["tried"]
    assert found == ({"number": 1, "state": "mode collapse", "step": 1500} if story == "again" else None)


@pytest.mark.parametrize(
    ("changes", "restart"),
    [(["discriminator.layers.hidden=[8]"], True), (["latent.dim=3"], True), (["generator.optimizer.lr=1e-4"], False)],
)
def test_edit_first(call, stand, playground, toml, changes, restart):
    call.begun(stand)
    stand.diagnoses(overrides=[])
    refused = call.post("/api/train/second-try", **{"try": 1}).json()["detail"]
    assert refused == "no change of settings alone repairs this. Try: another loss."
    assert call.post("/api/train/second-try", **{"try": 1, "changes": ["x.y=1"]}).json()["field"] == "changes"
    assert (
        call.post("/api/train/second-try", **{"try": 1, "changes": ["loss.kind=relativistic"]}).json()["field"]
        == "changes"
    )
    (playground.runs / NAME / "config.toml").write_text(toml)
    assert call.post("/api/train/second-try", **{"try": 1, "changes": changes}).status_code == 200
    assert stand.sent[-1][1]["step"] == (0 if restart else 1000)
    assert call.get("/api/snapshot").json()["tries"][-1]["from_step"] == (0 if restart else 1000)
    stand.open()


@pytest.mark.parametrize(
    "change",
    ["data.name='/etc'", "data={name='/etc'}", "recipe=quick"],
)
def test_an_edited_second_try_reaches_no_further_than_a_start(call, stand, playground, toml, change):
    call.begun(stand)
    stand.diagnoses()
    (playground.runs / NAME / "config.toml").write_text(toml)
    said = call.post("/api/train/second-try", **{"try": 1, "changes": [change]}).json()
    assert (said["type"], said["field"]) == ("/problems/bad-field", "changes")
    assert stand.sent[-1][0] != "second"
