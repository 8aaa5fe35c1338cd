"""Options of an experiment, from TOML and from the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments import prepare
from rbsuite import Execution, Experiment, evaluate, plan
from rbsuite.cli.evaluate import split_references
from rbsuite.errors import RbsuiteError, UnknownNameError, UsageError
from rbsuite.plugins import load_plugins
from rbsuite.run.config import FIELDS, ExperimentConfig, differences, from_plain, make_config, read_toml
from rbsuite.run.plan import make_plan
from rbsuite.run.presets import describe
from rbsuite.specs import ActionMode


def toml(directory: Path, text: str) -> dict[str, Any]:
    file = directory / "experiment.toml"
    file.write_text(text, encoding="utf-8")
    return dict(read_toml(file))


def test_toml_fills_options_of_every_kind(tmp_path: Path) -> None:
    values = toml(
        tmp_path,
        'env = "toy"\nmemory = ["none", "awm"]\nscaling = "single"\nmax-steps = 5\nuser_model = "sim/oracle"\ntemperature = 1\n',
    )
    config = make_config(values)
    assert config.memory == ("none", "awm")
    assert config.scaling == ("single",)
    assert config.max_steps == 5
    assert config.user_model == "sim/oracle"
    assert config.temperature == (1.0,)
    assert isinstance(config.temperature[0], float)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("memmory = 'none'", ["memmory", "'memory'", "experiment.toml"]),
        ("max_step = 3", ["max_step", "'max-steps'"]),
        ("orders = '3'", ["orders", "not a number"]),
        ("orders = true", ["orders", "not a number"]),
        ("orders = 2.5", ["orders", "not a number"]),
        ("orders = 0", ["orders", "at least 1"]),
        ("temperature = -0.1", ["temperature", "at least 0"]),
        ("temperature = nan", ["temperature", "not a number"]),
        ("temperature = inf", ["temperature", "not a number"]),
        ("env = ['toy']", ["env", "not text"]),
        ("env = 3", ["env", "not text"]),
        ("memory = []", ["memory", "list of names"]),
        ("memory = [1]", ["memory", "list of names"]),
        ("memory = ''", ["memory", "list of names"]),
        ("[memory]\nname = 'none'", ["memory", "list of names"]),
        ("env = ", ["experiment.toml", "not valid TOML"]),
    ],
)
def test_bad_toml_is_refused_in_one_line_that_names_the_option(tmp_path: Path, text: str, words: list[str]) -> None:
    with pytest.raises(UsageError) as caught:
        toml(tmp_path, text)
    message = str(caught.value)
    assert [word for word in words if word not in message] == []
    assert "\n" not in message


def test_toml_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nowhere"):
        read_toml(tmp_path / "nowhere.toml")
    (tmp_path / "latin.toml").write_bytes(b'env = "\xe9"')
    with pytest.raises(UsageError, match="not valid TOML"):
        read_toml(tmp_path / "latin.toml")


def test_later_sources_win_and_an_environment_is_needed() -> None:
    assert make_config({"env": "a", "seed": 1}, {"seed": 2}).seed == 2
    with pytest.raises(UsageError, match="--env"):
        make_config({"seed": 1})


def test_configuration_survives_the_manifest() -> None:
    config = prepare(memory=("none", "awm"), limit=3, temperature=0.5).config
    manifest = prepare(memory=("none", "awm"), limit=3, temperature=0.5).manifest
    assert from_plain(manifest.config) == config
    assert set(manifest.config) == set(FIELDS)
    assert differences(config, from_plain(manifest.config)) == []


def test_differences_name_the_option_and_both_values() -> None:
    lines = differences(ExperimentConfig("toy"), ExperimentConfig("toy", seed=4, max_steps=2))
    assert lines == ["seed: 0 there, 4 here", "max-steps: None there, 2 here"]


@pytest.mark.parametrize(
    ("text", "references"),
    [
        ("none", ["none"]),
        ("a,b:x=1,y=2,c", ["a", "b:x=1,y=2", "c"]),
        (" a , b:0.7 ", ["a", "b:0.7"]),
        ("a:1,x=2", ["a:1,x=2"]),
        ("a,,b", ["a", "b"]),
        ("a:x=1,b:y=2", ["a:x=1", "b:y=2"]),
        ("", []),
    ],
)
def test_references_are_split_at_commas_that_do_not_belong_to_options(text: str, references: list[str]) -> None:
    assert split_references(text) == references


NAMES = st.text("abcz-", min_size=1, max_size=6)
OPTIONS = st.dictionaries(NAMES, st.text("0123456789.", min_size=1, max_size=4), max_size=3)


@given(st.lists(st.tuples(NAMES, OPTIONS), max_size=4))
def test_split_is_the_inverse_of_join(parts: list[tuple[str, dict[str, str]]]) -> None:
    written = [
        f"{name}:{','.join(f'{key}={value}' for key, value in options.items())}" if options else name
        for name, options in parts
    ]
    assert split_references(",".join(written)) == written


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"env": "tou"}, ["environment", "'toy'"]),
        ({"split": "al"}, ["split of toy", "'all'"]),
        ({"domain": "apple"}, ["domain of toy", "'apples'"]),
        ({"tasks": ("apples/99",)}, ["task of toy", "apples/9"[:6]]),
        ({"memory": ("none", "reasoningbnak")}, ["memory", "'reasoningbank'"]),
        ({"memory": ("reasoningbank:kk=1",)}, ["option of memory", "'k'"]),
        ({"memory": ("reasoningbank:k=0",)}, ["k=0", "out of range"]),
        ({"memory": ("reasoningbank:k=one",)}, ["k='one'", "whole number"]),
        ({"memory": ("reasoningbank", "reasoningbank:k=1")}, ["reasoningbank", "twice"]),
        ({"judge": "slef"}, ["judge", "'self'"]),
        ({"judge": "noisy:1.5"}, ["accuracy=1.5", "out of range"]),
        ({"agent": "tools"}, ["agent 'tools'", "does not fit"]),
        ({"user": "llm"}, ["toy has no simulated user"]),
        ({"model": "sim/lerner"}, ["model", "'sim/learner'"]),
        ({"model": "sim/learner:slip=2"}, ["slip=2", "out of range"]),
        ({"embedder": "hsah"}, ["embedder", "'hash'"]),
        ({"prompts": "no/such/place"}, ["no/such/place", "does not exist"]),
        ({"scaling": ("singel",)}, ["scaling", "'single'"]),
    ],
)
def test_bad_option_is_refused_in_one_line_before_anything_is_written(config: dict[str, Any], words: list[str]) -> None:
    with pytest.raises(RbsuiteError) as caught:
        prepare(**config)
    message = str(caught.value)
    assert [word for word in words if word not in message] == []
    assert "\n" not in message


def test_unknown_index_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="exact"):
        prepare(index="hsnw")


def test_defaults_are_filled_in() -> None:
    config = prepare(judge="noisy:0.80").config
    assert (config.split, config.agent, config.judge) == ("all", ("text",), ("noisy:0.8",))


def test_tasks_domain_and_limit_choose() -> None:
    assert len(prepare(limit=5).tasks) == 5
    assert {task.domain for task in prepare(domain="clouds").tasks} == {"clouds"}
    chosen = prepare(tasks=("clouds/3", "apples/1")).tasks
    assert [task.id for task in chosen] == ["apples/1", "clouds/3"], "native order is kept"


def test_nothing_left_is_refused() -> None:
    with pytest.raises(UsageError):
        prepare(tasks=("apples/1",), domain="clouds")


@pytest.mark.parametrize(
    ("config", "warned"),
    [
        ({"model": "openai/x"}, True),
        ({"model": "openai/x", "temperature": (0.7, 0.2)}, True),
        ({"model": "openai/x", "temperature": 0.7}, False),
        ({"model": "openai/x", "scaling": "parallel:1"}, False),
        ({}, False),
    ],
)
def test_parallel_rollouts_of_a_cold_model_are_warned_of(
    config: dict[str, Any], warned: bool, caplog: pytest.LogCaptureFixture
) -> None:
    prepare(**{"scaling": "parallel:3", **config})
    said = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert len(said) == warned
    assert all("--scaling parallel:3" in line and "Use --temperature 0.7" in line and "\n" not in line for line in said)


def test_the_protocol_of_reasoningbank_sets_the_agent_too() -> None:
    pytest.importorskip("rbsuite_tau_bench")

    def agent(**config: Any) -> tuple[str, ...]:
        return make_plan(make_config({"env": "tau-bench", "limit": 1}, config), load_plugins()).config.agent

    assert agent() == ("tools",)
    assert agent(protocol="reasoningbank") == ("react",)
    assert agent(protocol="reasoningbank", agent=("act",)) == ("act",)
    assert prepare(protocol="reasoningbank").config.agent == ("text",), "an answer in text is reasoned out in it"
    told = [describe("reasoningbank", {}, mode, simulated=True)[1] for mode in get_args(ActionMode)]
    assert [line.split()[:2] for line in told[1:]] == [["--agent", "react"], ["--agent", "stepwise"]]
    assert "--agent" not in told[0]


@pytest.mark.parametrize("place", ["\0", "a" * 5000, "\ud800", 3, b"x"])
def test_what_is_no_path_is_refused_by_the_python_api(place: Any) -> None:
    with pytest.raises(UsageError, match="out"):
        evaluate("aime", limit=1, orders=1, memory=["none"], out=place)
    with pytest.raises(UsageError, match="directory"):
        Experiment(place)
    for name in ("data", "prompts", "warm_start"):
        with pytest.raises(UsageError, match=name.replace("_", ".")):
            plan("tau-bench", **{name: place})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("concurrency", "x"),
        ("concurrency", -1),
        ("speculate", -1),
        ("executor", True),
        ("call_time", -1),
        ("max_time", "x"),
        ("max_time", 10**400),
        ("cache", "\0"),
        ("cache", 3),
        ("outage", "x"),
        ("share", 1),
    ],
)
def test_a_bad_value_of_an_execution_is_refused_by_name(name: str, value: Any) -> None:
    with pytest.raises(UsageError, match=name.replace("_", "-")):
        Execution(**{name: value})


@pytest.mark.parametrize("given", [{"execution": {"a": 1}}, {"plugins": object()}])
def test_what_is_no_execution_or_no_plugins_is_refused(given: Any) -> None:
    with pytest.raises(UsageError, match=f"{next(iter(given))} must be"):
        evaluate("aime", limit=1, **given)
