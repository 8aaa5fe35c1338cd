"""What the plugin declares, and its few-shot agent."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from rbsuite.agents.base import AgentStart
from rbsuite.environments.base import Environment
from rbsuite.environments.builtin import rbsuite_users
from rbsuite.errors import DataError, UsageError
from rbsuite.models.base import Completion
from rbsuite.plugins import Plugins
from rbsuite.prompts import Prompts
from rbsuite.specs import load_object
from rbsuite.trajectory import Message, Observation, ToolSpec
from rbsuite_tau_bench import plugin
from rbsuite_tau_bench.few_shot import FewShotAgent, default_displays, read_displays
from rbsuite_tau_bench.resources import SPLITS, sample_directory

FIRST = Observation("Hello", messages=(Message("system", "POLICY"),), data={"domain": "airline", "split": "sample"})


@pytest.fixture
def plugins() -> Plugins:
    plugins = Plugins()
    plugins.register(plugin, "tau-bench")
    return plugins


def test_the_environment_is_declared_in_full(plugins: Plugins) -> None:
    spec = plugins.environment("tau-bench")
    assert [split.name for split in spec.splits] == list(SPLITS)
    assert [split.name for split in spec.splits if split.bundled] == ["sample"]
    assert set(spec.users) == {user.name for user in rbsuite_users()}
    assert spec.users[0] == "llm"
    assert (spec.max_steps, spec.action_mode, spec.refine, spec.agent) == (30, "tools", "retry", "tools")
    assert "2406.12045" in spec.citation
    assert spec.data_licence.startswith("MIT")
    assert any("19/50" in note and "7/115" in note for note in spec.notes)
    environment = load_object(spec.factory, "test")
    assert issubclass(environment, Environment)
    made = environment(**{option.name: option.default for option in spec.options})
    assert len(made.tasks(spec.splits[0].name)) == 55


def test_the_importer_is_for_the_same_pack(plugins: Plugins) -> None:
    spec = plugins.environment("tau-bench")
    assert load_object(spec.importer, "test").name == spec.pack == "tau-bench"


class Once:
    """Services whose model says hello."""

    def __init__(self, plugins: Plugins) -> None:
        self.prompts = Prompts(list(plugins.prompt_dirs))
        self.system = ""

    def render(self, template: str, **variables: Any) -> str:
        return self.prompts.render(template, **variables)

    async def complete(
        self, messages: Sequence[Message], tools: Sequence[ToolSpec] = (), *, temperature: float | None = None
    ) -> Completion:
        self.system = messages[0].text
        return Completion("Hello")


def prompt(plugins: Plugins, seed: int = 1, memory: str = "", **options: Any) -> str:
    services = Once(plugins)
    agent = load_object(plugins.agents["few-shot"].factory, "test")(**options)
    agent.start(AgentStart(services, memory, seed))
    asyncio.run(agent.act(FIRST))
    return services.system


def test_few_shot_shows_a_sample_of_its_domain(plugins: Plugins) -> None:
    airline = [text for domain, text in read_displays(sample_directory() / "few_shot.jsonl") if domain == "airline"]
    text = prompt(plugins, memory="LESSON")
    assert text.startswith("POLICY")
    assert text.endswith("LESSON")
    assert sum(display in text for display in airline) == 5
    assert text.count("\nExample ") == 5
    assert prompt(plugins) == prompt(plugins)
    assert len({prompt(plugins, seed) for seed in range(20)}) > 10


def test_few_shot_reads_a_file_of_ones_own(plugins: Plugins, tmp_path: Path) -> None:
    file = tmp_path / "displays.jsonl"
    lines = [
        {"messages_display": "ONE"},
        {"display": "TWO", "domain": "airline"},
        {"display": "NO", "domain": "retail"},
    ]
    file.write_text("\n".join(json.dumps(line) for line in lines) + "\n\n")
    text = prompt(plugins, displays=str(file), number=2)
    assert "ONE" in text
    assert "TWO" in text
    assert "NO" not in text
    with pytest.raises(UsageError, match="2 displays"):
        prompt(plugins, displays=str(file))


@pytest.mark.parametrize("line", ["{", "[]", '{"display": 1}', "{}", "[" * 100_000])
def test_malformed_displays_name_their_line(tmp_path: Path, line: str) -> None:
    file = tmp_path / "displays.jsonl"
    file.write_text('{"display": "fine"}\n' + line)
    with pytest.raises(DataError, match="line 2"):
        read_displays(file)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="nowhere"):
        read_displays(tmp_path / "nowhere.jsonl")


def test_the_imported_displays_are_for_imported_splits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RBSUITE_DATA", str(tmp_path))
    bundled = sample_directory() / "few_shot.jsonl"
    assert default_displays("test") == bundled
    imported = tmp_path / "packs" / "tau-bench" / "few_shot.jsonl"
    imported.parent.mkdir(parents=True)
    imported.write_text("")
    assert (default_displays("test"), default_displays("sample")) == (imported, bundled)


def test_few_shot_is_a_tool_calling_agent(plugins: Plugins) -> None:
    assert plugins.agents["few-shot"].action_modes == ("tools",)
    assert FewShotAgent().offered() == ()
