"""swe-mini: its instances hold, its prompts hide what decides, and forged success counts for nothing."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import TypeVar

import pytest

import rbsuite
from rbsuite.environments.base import PlainServices
from rbsuite.sandboxes.bwrap import Bwrap
from rbsuite.trajectory import Action, Observation
from rbsuite_swe.episode import FORMAT_ERRORS, SUBMISSION, SUBMIT, TOOL, SweEpisode
from rbsuite_swe.grading.verdict import Verdict
from rbsuite_swe.instance import patched_files, read_instance, row_of
from rbsuite_swe.mini.catalogue import catalogue, diff
from rbsuite_swe.mini.environment import SweMini
from rbsuite_swe.mini.grader import MiniGrader
from rbsuite_swe.mini.rules import HOUSES, RULES

pytestmark = pytest.mark.skipif(bool(Bwrap().missing()), reason=f"no bubblewrap: {Bwrap().missing()}")
T = TypeVar("T")


def with_environment(work: Callable[[SweMini], Awaitable[T]]) -> T:
    async def run() -> T:
        environment = SweMini()
        environment.tasks("sample")
        try:
            return await work(environment)
        finally:
            await environment.aclose()

    return asyncio.run(run())


def graded(patches: Mapping[tuple[str, str], str]) -> Mapping[tuple[str, str], Verdict]:
    """The verdicts on patches by instance and label, two at a time; nothing is remembered."""

    async def work(environment: SweMini) -> Mapping[tuple[str, str], Verdict]:
        two = asyncio.Semaphore(2)

        async def one(key: tuple[str, str], patch: str) -> Verdict:
            mini = catalogue()[key[0]]
            async with two:
                return await MiniGrader(Bwrap()).grade(mini, await environment._setup(mini), patch)

        return dict(zip(patches, await asyncio.gather(*(one(*item) for item in patches.items())), strict=True))

    return with_environment(work)


def test_every_reference_resolves_twice_and_without_a_rule_it_does_not() -> None:
    patches: dict[tuple[str, str], str] = {}
    for name, mini in catalogue().items():
        patches |= {(name, f"reference {time}"): mini.instance.patch for time in (1, 2)}
        patches[name, "code alone"] = mini.steps[0].patch
        patches[name, "empty"] = "\n"
    verdicts = graded(patches)
    assert {key for key, verdict in verdicts.items() if verdict.resolved} == {
        key for key in patches if key[1].startswith("reference")
    }
    assert all(verdict.partly for key, verdict in verdicts.items() if key[1] == "code alone")


def test_there_are_enough_and_each_rule_recurs() -> None:
    made = catalogue()
    assert len({mini.instance.repo for mini in made.values()}) == len(made) == 32
    rules = [step.rule for mini in made.values() for step in mini.steps[1:]]
    assert set(rules) == set(RULES) == {rule for rules in HOUSES.values() for rule in rules}
    assert min(rules.count(rule) for rule in RULES) >= 3
    for mini in made.values():
        assert read_instance(json.loads(json.dumps(row_of(mini.instance))), "") == mini.instance
        words = [lesson for rule in RULES.values() for lesson in (rule.lesson.lesson, rule.lesson.symptom)]
        shown = [mini.instance.problem_statement, *mini.files.values()]
        assert not any(word in text for word in words for text in shown), "a rule stands somewhere"


FORGED = {
    "printed": "print('PASSED tests.test_hidden.HiddenTest.test_no_unit')\nimport os\nos._exit(0)\n",
    "raises at the end": "import atexit, os\natexit.register(os._exit, 0)\nraise SystemExit(0)\n",
    "a report": "open('report.xml', 'w').write('<testsuite><testcase classname=\"a\" name=\"b\"/></testsuite>')\nraise SystemExit\n",
}


def test_forged_success_counts_for_nothing() -> None:
    name = "quillshop__tides-1"
    mini = catalogue()[name]
    patches = {}
    for label, code in FORGED.items():
        patches[name, label] = diff(mini.files, {**mini.files, mini.module: code})
    emptied = {
        **mini.files,
        "tests/test_reading.py": "",
        "tests/test_hidden.py": "",
        "unittest.py": "raise SystemExit(0)\n",
    }
    patches[name, "tests emptied"] = diff(mini.files, emptied)
    patches[name, "no patch"] = "this is none\n"
    patches[name, "reference, tests broken"] = diff(
        mini.files, {**mini.files, "tests/test_reading.py": "raise SystemExit(1)\n"}
    )
    verdicts = graded(patches)
    assert not any(verdict.resolved for verdict in verdicts.values())
    assert not any(verdicts[name, label].ran for label in (*FORGED, "no patch"))
    assert verdicts[name, "tests emptied"].ran, "the tests are brought back"


def play(*commands: str, task: str = "quillshop__tides-1") -> list[Observation]:
    async def work(environment: SweMini) -> list[Observation]:
        one = environment.tasks("sample").by_id[task]
        episode = await environment.open(one, seed=0, services=PlainServices(environment))
        seen = [episode.observation]
        try:
            for command in commands:
                action = Action.call(TOOL, {"command": command}) if command else Action("I think.")
                seen.append(await episode.act(action))
            return seen
        finally:
            await episode.aclose()

    return with_environment(work)


def test_the_agent_gets_one_commit_and_nothing_that_decides() -> None:
    seen = play(
        "git log --all --format=%s; git remote; git tag; git reflog | wc -l; git count-objects",
        "ls -R . /tmp; cat tests/*",
        "grep -rl HiddenTest . /tmp /home /dev/shm; echo $?",
    )
    text = "\n".join([*(message.text for message in seen[0].messages), *(one.text for one in seen)])
    instance = catalogue()["quillshop__tides-1"].instance
    assert "The state before the change\n1\n" in seen[1].text
    hidden = [*instance.fail_to_pass, *(test.rsplit(".", 1)[1] for test in instance.fail_to_pass), "TID-002", "rbsuite"]
    assert [word for word in hidden if word in text] == []
    assert patched_files(instance.test_patch) == ("tests/test_hidden.py",)
    assert instance.problem_statement in seen[0].text


def test_what_commands_give_and_how_they_end() -> None:
    seen = play("echo hi; exit 3", "seq 1 4000", "", "echo one", "", "", "")
    assert seen[1].text == "<returncode>3</returncode>\n<output>\nhi\n</output>"
    assert "<elided_chars>8893 characters elided</elided_chars>" in seen[2].text
    assert "<output_head>\n1\n2\n" in seen[2].text
    assert seen[2].text.endswith("4000\n\n</output_tail>")
    assert [one.turn for one in seen] == [*["agent"] * 7, "over"]
    assert FORMAT_ERRORS == 3
    handed = play("echo x >> new.txt", SUBMISSION)
    assert (handed[-1].turn, handed[-1].text) == ("over", "The patch was handed in.")


def test_a_command_that_hands_in_is_known_before_it_runs() -> None:
    closes = SweEpisode.closes
    assert closes(None, Action.call(TOOL, {"command": f"echo {SUBMIT}"}))  # type: ignore[arg-type]
    assert not closes(None, Action.call(TOOL, {"command": "ls"}))  # type: ignore[arg-type]


@pytest.mark.parametrize("agent", ["bash", "tools"])
def test_an_experiment_runs_with_either_agent(agent: str, tmp_path: Path) -> None:
    options = {"memory": ["none", "reasoningbank"], "orders": 1, "domain": "parsers", "agent": agent}
    with rbsuite.evaluate("swe-mini", out=tmp_path / "out", **options) as experiment:
        assert experiment.complete
        assert experiment.manifest.facts["environment"]["sandbox"] == "bwrap"
        assert {row.end for row in experiment.rollouts()} == {"finished"}
