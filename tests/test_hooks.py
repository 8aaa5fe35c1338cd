"""Every hook is documented, and every hook is called by an experiment that uses what a plugin declares."""

from __future__ import annotations

import inspect
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from experiments import core_plugins, run
from rbsuite import hookspecs
from rbsuite.agents.chat import TextAgent
from rbsuite.environments.users import ScriptedUser
from rbsuite.events import Event
from rbsuite.hookspecs import hookimpl
from rbsuite.learner.simulated import SimulatedOracle
from rbsuite.memories.none import NoMemory
from rbsuite.record import RolloutRecord, RunInfo, TaskRecord
from rbsuite.run.config import make_config
from rbsuite.run.plan import make_plan
from rbsuite.scaling.single import Single
from rbsuite.specs import (
    AgentSpec,
    EmbedderSpec,
    EnvironmentSpec,
    JudgeSpec,
    MemorySpec,
    ModelSpec,
    ScalingSpec,
    SelectorSpec,
    Split,
    UserSpec,
)
from rbsuite.verdict import Verdict
from toy import Toy

HOOKS = {name: spec for name, spec in vars(hookspecs).items() if name.startswith("rbsuite_")}
DOCUMENT = Path(__file__).parents[1] / "docs" / "hooks.md"


class MyEnvironment(Toy):
    pass


class MyMemory(NoMemory):
    pass


class MyJudge:
    async def judge(self, request: Any, services: Any) -> Verdict:
        assert services.render("mine/judge.j2", word="seen") == "MINE seen"
        return Verdict("success", None, "", "my-judge")


class MyAgent(TextAgent):
    pass


class MyUser(ScriptedUser):
    pass


class MyScaling(Single):
    pass


class MySelector:
    async def select(self, rollouts: Sequence[RolloutRecord]) -> int:
        return len(rollouts) - 1


class MyModel(SimulatedOracle):
    name = "my-model"


class MyEmbedder:
    id = "my-embedder"
    dimension = 2

    async def embed(self, texts: Sequence[str]) -> Any:
        return np.ones((len(texts), 2), dtype=np.float32)


class Everything:
    """Implements every hook there is, and counts the calls."""

    def __init__(self, prompts: Path) -> None:
        self.calls: Counter[str] = Counter()
        self._prompts = prompts

    @hookimpl
    def rbsuite_environments(self) -> Sequence[EnvironmentSpec]:
        self.calls["rbsuite_environments"] += 1
        splits = (Split("all", "all", bundled=True),)
        return [
            EnvironmentSpec(
                "mine", "mine", f"{__name__}:MyEnvironment", splits=splits, agent="my-agent", users=("my-user",)
            )
        ]

    @hookimpl
    def rbsuite_memories(self) -> Sequence[MemorySpec]:
        self.calls["rbsuite_memories"] += 1
        return [MemorySpec("my-memory", "mine", f"{__name__}:MyMemory")]

    @hookimpl
    def rbsuite_judges(self) -> Sequence[JudgeSpec]:
        self.calls["rbsuite_judges"] += 1
        return [JudgeSpec("my-judge", "mine", f"{__name__}:MyJudge")]

    @hookimpl
    def rbsuite_agents(self) -> Sequence[AgentSpec]:
        self.calls["rbsuite_agents"] += 1
        return [AgentSpec("my-agent", "mine", f"{__name__}:MyAgent", action_modes=("text",))]

    @hookimpl
    def rbsuite_users(self) -> Sequence[UserSpec]:
        self.calls["rbsuite_users"] += 1
        return [UserSpec("my-user", "mine", f"{__name__}:MyUser")]

    @hookimpl
    def rbsuite_scalings(self) -> Sequence[ScalingSpec]:
        self.calls["rbsuite_scalings"] += 1
        return [ScalingSpec("my-scaling", "mine", f"{__name__}:MyScaling")]

    @hookimpl
    def rbsuite_selectors(self) -> Sequence[SelectorSpec]:
        self.calls["rbsuite_selectors"] += 1
        return [SelectorSpec("my-selector", "mine", f"{__name__}:MySelector")]

    @hookimpl
    def rbsuite_models(self) -> Sequence[ModelSpec]:
        self.calls["rbsuite_models"] += 1
        return [ModelSpec("my-model", "mine", f"{__name__}:MyModel", simulated=True)]

    @hookimpl
    def rbsuite_embedders(self) -> Sequence[EmbedderSpec]:
        self.calls["rbsuite_embedders"] += 1
        return [EmbedderSpec("my-embedder", "mine", f"{__name__}:MyEmbedder")]

    @hookimpl
    def rbsuite_prompt_dirs(self) -> Sequence[Path]:
        self.calls["rbsuite_prompt_dirs"] += 1
        return [self._prompts]

    @hookimpl
    def rbsuite_run_started(self, run: RunInfo, resumed_at: int) -> None:
        assert (run.condition.memory, resumed_at) == ("my-memory", 0)
        self.calls["rbsuite_run_started"] += 1

    @hookimpl
    def rbsuite_event(self, event: Event) -> None:
        self.calls["rbsuite_event"] += 1

    @hookimpl
    def rbsuite_task_committed(self, run: RunInfo, record: TaskRecord) -> None:
        assert run.tasks[record.position] == record.task_id
        self.calls["rbsuite_task_committed"] += 1

    @hookimpl
    def rbsuite_run_finished(self, run: RunInfo) -> None:
        self.calls["rbsuite_run_finished"] += 1


def test_every_hook_is_called(tmp_path: Path) -> None:
    (tmp_path / "prompts" / "mine").mkdir(parents=True)
    (tmp_path / "prompts" / "mine" / "judge.j2").write_text("MINE {{ word }}", encoding="utf-8")
    plugin = Everything(tmp_path / "prompts")
    plugins = core_plugins(plugin)
    config = {
        "env": "mine",
        "memory": ("my-memory",),
        "judge": "my-judge",
        "scaling": ("my-scaling",),
        "model": "my-model",
        "embedder": "my-embedder",
        "orders": 2,
        "limit": 5,
    }
    assert plugins.find("selector", "my-selector").summary == "mine"
    with run(make_plan(make_config(config), plugins), tmp_path / "out") as store:
        facts = store.manifest.facts
        assert facts["embedder"] == ["my-embedder"]
        assert facts["models"]["agent"] == "my-model"
        assert ("", "mine/judge.j2") in store.templates()
        for info in store.manifest.runs:
            for record in store.records(info.id):
                rollout = record.rollouts[0]
                assert rollout.trajectory.score == 1.0
                assert rollout.verdict is not None
                assert rollout.verdict.source == "my-judge"
    assert set(plugin.calls) == set(HOOKS), "implement the new hook above, and see that it is called"
    observed = {name: plugin.calls[name] for name in HOOKS if name.endswith(("started", "finished", "committed"))}
    assert observed == {"rbsuite_run_started": 2, "rbsuite_task_committed": 10, "rbsuite_run_finished": 2}


@pytest.mark.parametrize("name", HOOKS)
def test_every_hook_says_what_it_takes_and_gives(name: str) -> None:
    text = inspect.getdoc(HOOKS[name]) or ""
    assert ".. versionadded:: " in text
    for parameter in inspect.signature(HOOKS[name]).parameters:
        assert f":param {parameter}:" in text
    if inspect.signature(HOOKS[name]).return_annotation not in (None, "None"):
        assert ":return:" in text


@pytest.mark.skipif(not DOCUMENT.exists(), reason="docs/hooks.md is not written yet")
def test_every_hook_has_its_section_and_nothing_else_has() -> None:
    headings = re.findall(r"^#+ `(rbsuite_\w+)`", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(headings) == sorted(HOOKS)
