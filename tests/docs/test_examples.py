"""The code in the documentation runs."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

from experiments import core_plugins, measure
from rbsuite.hookspecs import hookimpl
from rbsuite.plugins import Plugins
from rbsuite.run.config import read_toml
from rbsuite.specs import ScalingSpec, SelectorSpec, Spec, load_object
from rbsuite.statistics.summary import summarise
from toy import ToyPlugin

DOCS = Path(__file__).resolve().parents[2] / "docs"
KINDS = ("environments", "memories", "judges", "agents", "users", "scalings", "selectors", "models", "embedders")
ELSEWHERE = ("rbsuite_", "my_plugin")
"""Modules that the examples of hooks name and do not show."""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty working directory whose modules can be imported, and are forgotten afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("RBSUITE_DATA", str(tmp_path / "data"))
    known = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - known:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(tmp_path)):
            del sys.modules[name]


def python(pages: ModuleType, page: str) -> list[str]:
    return [block.text for block in pages.blocks(DOCS / page) if block.language == "python" and not block.kind]


def as_module(place: Path, name: str, text: str) -> ModuleType:
    (place / f"{name}.py").write_text(text, encoding="utf-8")
    return import_module(name)


def test_python_can_be_parsed(pages: ModuleType, page: Path) -> None:
    for block in pages.blocks(page):
        if block.language == "python":
            ast.parse(block.text)


def test_the_plugins_run_as_the_page_says(pages: ModuleType, place: Path) -> None:
    written = pages.write_files(DOCS / "plugins.md", place)
    assert {path.name for path in written} >= {"rbsuite_recent.py", "rbsuite_sums.py", "try_plugins.py"}
    import_module("try_plugins")
    import_module("try_fences")
    import_module("try_contract")


def test_the_memory_plugin_helps_elsewhere_too(pages: ModuleType, place: Path) -> None:
    pages.write_files(DOCS / "plugins.md", place)
    recent = import_module("rbsuite_recent")
    with measure(place / "out", ToyPlugin(), recent, memory=("none", "recent")) as store:
        off, on = summarise(store).conditions
        learnt = [op for info in store.manifest.runs for _, op in store.ops(info.id)]
    assert {op.provenance.label for op in learnt} == {"success"}
    assert on.recalled > 0.5
    assert on.success.mean > off.success.mean


def test_the_memory_plugin_goes_on_with_the_bank_of_another_experiment(pages: ModuleType, place: Path) -> None:
    pages.write_files(DOCS / "plugins.md", place)
    recent = import_module("rbsuite_recent")
    measure(place / "first", ToyPlugin(), recent, memory=("none", "recent"), orders=1).close()
    warm = {"memory": ("none", "recent"), "orders": 1, "warm_start": str(place / "first")}
    with measure(place / "second", ToyPlugin(), recent, **warm) as store:
        (info,) = [info for info in store.manifest.runs if info.condition.memory == "recent"]
        begun = {op.item.id for op in store.seed_ops(info.id) if op.item}
        learnt = {op.item.id for _, op in store.ops(info.id) if op.item}
        recalled = next(iter(store.records(info.id))).recalls[0].recall.items
    assert begun
    assert learnt
    assert not begun & learnt
    assert recalled, "the first task recalls what the other experiment learnt"


def hook_examples() -> dict[str, str]:
    text = (DOCS / "hooks.md").read_text(encoding="utf-8")
    parts = re.split(r"^## `(\w+)`$", text, flags=re.MULTILINE)
    found = {}
    for name, section in zip(parts[1::2], parts[2::2], strict=True):
        example = re.search(r"^```python\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
        assert example is not None, f"{name} has no example"
        found[name] = example[1]
    return found


@pytest.mark.parametrize("hook", hook_examples())
def test_the_example_of_a_hook_is_a_plugin(place: Path, hook: str) -> None:
    (place / "prompts").mkdir()
    module = as_module(place, f"example_{hook}", hook_examples()[hook])
    assert callable(getattr(module, hook))
    plugins = core_plugins(module)
    assert all(info.status == "loaded" for info in plugins.infos)
    declared = [spec for kind in KINDS for spec in specs(plugins, kind) if spec.name not in built_in(kind)]
    for spec in declared:
        if not spec.factory.startswith(ELSEWHERE):
            assert callable(load_object(spec.factory, spec.name))
    if hook.removeprefix("rbsuite_") in KINDS:
        assert len(declared) == 1
    elif hook == "rbsuite_prompt_dirs":
        assert list(plugins.prompt_dirs) == [place / "prompts"]
    else:
        assert declared == []


def specs(plugins: Plugins, kind: str) -> list[Spec]:
    return list(getattr(plugins, kind).values())


def built_in(kind: str) -> set[str]:
    return {spec.name for spec in specs(core_plugins(), kind)}


def test_the_scaling_and_the_selector_run(pages: ModuleType, place: Path) -> None:
    (text,) = python(pages, "scaling.md")
    as_module(place, "example_scaling", text)
    plugin = ToyPlugin(
        scalings=[ScalingSpec("pair", "two", "example_scaling:Pair")],
    )
    with measure(place / "out", plugin, ShortestPlugin(), scaling=("pair",), selector="shortest", limit=3) as store:
        records = [record for info in store.manifest.runs for record in store.records(info.id)]
    assert {(len(record.rollouts), record.selected) for record in records} == {(2, 0)}


class ShortestPlugin:
    """Declares the selector of the example."""

    @hookimpl
    def rbsuite_selectors(self) -> Sequence[SelectorSpec]:
        return [SelectorSpec("shortest", "fewest turns", "example_scaling:Shortest")]


@pytest.mark.parametrize("name", ["environments.md", "users.md", "library.md", "contract-kit.md"])
def test_the_examples_of_a_page_run_in_order(pages: ModuleType, place: Path, name: str) -> None:
    for path in pages.write_files(DOCS / name, place):
        if path.suffix == ".py":
            import_module(path.stem)
    for number, text in enumerate(python(pages, name)):
        as_module(place, f"example_{Path(name).stem}_{number}", text)


def test_the_store_can_be_read(pages: ModuleType, place: Path) -> None:
    (command,) = [block.argument for block in pages.blocks(DOCS / "store.md") if block.kind == "output"]
    pages.run(command)
    for number, text in enumerate(python(pages, "store.md")):
        as_module(place, f"example_store_{number}", text)
    assert (place / "demo.jsonl").read_text(encoding="ascii").startswith('{"type":"experiment"')


def test_the_configuration_is_valid(pages: ModuleType, place: Path) -> None:
    (file,) = pages.write_files(DOCS / "configuration.md", place)
    assert read_toml(file)["memory"][0] == "none"
