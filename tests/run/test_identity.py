"""An experiment is what takes part in it: other plugins and templates are no part of it, its own are."""

from __future__ import annotations

from pathlib import Path

import pytest

import altered
from experiments import core_plugins, run
from rbsuite.errors import StoreError
from rbsuite.plugins import Plugins
from rbsuite.run.config import make_config
from rbsuite.run.directory import default_directory, open_experiment
from rbsuite.run.plan import Plan, make_plan
from rbsuite.store import experiment_digest
from toy import ToyPlugin


def plan(*plugins: object, found: Plugins | None = None, **config: object) -> Plan:
    options = {"env": "toy", "orders": 1, "limit": 3, "memory": ("none", "reasoningbank")}
    return make_plan(make_config(options, config), found or core_plugins(*(plugins or (ToyPlugin(),))))


def write(directory: Path, name: str, text: str) -> None:
    (directory / name).parent.mkdir(parents=True, exist_ok=True)
    (directory / name).write_text(text, "utf-8")


def test_the_same_command_finds_the_same_directory_and_another_one_another() -> None:
    assert default_directory(plan()) == default_directory(plan())
    assert default_directory(plan(judge="noisy:0.8")) == default_directory(plan(judge="noisy:accuracy=0.80"))
    others = [plan(), plan(seed=1), plan(limit=4), plan(temperature=0.5), plan(rollout_max_time=3.0)]
    assert len({default_directory(other) for other in others}) == len(others)


def test_a_plugin_that_takes_no_part_changes_neither_directory_nor_resumption(tmp_path: Path) -> None:
    write(tmp_path / "more", "other/thing.j2", "Other.")
    unrelated = ToyPlugin(memories=[altered.memory("muted", altered.Muted)], prompt_dirs=[tmp_path / "more"])
    there = default_directory(plan(), tmp_path)
    with run(plan(), there) as store:
        digest = experiment_digest(store)
    more = plan(unrelated)
    assert default_directory(more, tmp_path) == there
    with run(more, there) as store:
        assert experiment_digest(store) == digest


def test_a_plugin_that_takes_part_is_named_with_its_version() -> None:
    found = core_plugins()
    found.register(ToyPlugin(), "toy", "toy 1.0")
    newer = core_plugins()
    newer.register(ToyPlugin(), "toy", "toy 1.1")
    assert plan(found=found).manifest.facts["plugins"] == {"environment toy": "toy 1.0"}
    assert default_directory(plan(found=found)) != default_directory(plan(found=newer))


@pytest.mark.parametrize("where", ["--prompts", "a plugin"])
def test_a_template_that_was_used_makes_another_experiment_when_it_changes_and_no_other_does(
    tmp_path: Path, where: str
) -> None:
    own = tmp_path / "own"
    write(own, "judge/self.j2", "{{ query }} {{ transcript }} one")
    write(own, "memory/induce.j2", "nothing uses this one")

    def planned() -> Plan:
        return plan(prompts=str(own)) if where == "--prompts" else plan(ToyPlugin(prompt_dirs=[own]))

    there = default_directory(planned(), tmp_path)
    with run(planned(), there) as store:
        digest, used = experiment_digest(store), {name for _, name in store.templates()}
    assert "judge/self.j2" in used
    assert "memory/induce.j2" not in used

    write(own, "memory/induce.j2", "nor this")
    write(own, "agent/unheard.j2", "nor a new one")
    assert default_directory(planned(), tmp_path) == there
    with run(planned(), there) as store:
        assert experiment_digest(store) == digest

    write(own, "judge/self.j2", "{{ query }} {{ transcript }} two")
    with pytest.raises(StoreError, match=r"the prompt template judge/self\.j2 has changed.*--out") as caught:
        open_experiment(planned(), there)
    assert "\n" not in str(caught.value)
    beside = default_directory(planned(), tmp_path)
    assert beside != there
    run(planned(), beside).close()
    assert default_directory(planned(), tmp_path) == beside

    write(own, "judge/self.j2", "{{ query }} {{ transcript }} one")
    assert default_directory(planned(), tmp_path) == there, "as it was is as it was"
