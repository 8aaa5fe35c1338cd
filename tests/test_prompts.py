"""Templates: which one is found, what it may use, and what its hash is."""

from __future__ import annotations

from pathlib import Path

import pytest

from rbsuite.errors import RbsuiteError, TemplateError, UnknownNameError
from rbsuite.jsonable import text_digest
from rbsuite.prompts import Prompts, check_own, core_directory

CORE = sorted(path.relative_to(core_directory()).as_posix() for path in core_directory().rglob("*.j2"))
JUDGE = "judge/self.j2"


def directory(home: Path, **templates: str) -> Path:
    """A directory with templates; ``__`` in a name stands for ``/``."""
    for name, text in templates.items():
        file = home / f"{name.replace('__', '/')}.j2"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return home


@pytest.mark.parametrize("name", CORE)
def test_every_template_of_the_core_compiles(name: str) -> None:
    import jinja2.meta

    prompts = Prompts()
    text, path = prompts.source(name)
    environment = prompts._make_environment()
    assert path.is_file()
    assert text.isascii()
    environment.get_template(name)
    assert jinja2.meta.find_undeclared_variables(environment.parse(text)) is not None


def test_the_core_has_templates_for_every_role() -> None:
    assert {name.partition("/")[0] for name in CORE} >= {"agent", "judge", "memory", "user"}
    assert list(Prompts().names()) == CORE


def test_own_templates_that_nothing_uses_are_told(tmp_path: Path) -> None:
    included = "{% include 'mine/part.j2' %}"
    mine = directory(
        tmp_path,
        judge__self=included,
        mine__part="{% include 'mine/deeper.j2' %}",
        mine__deeper="x",
        memory__injekt="y",
        alone="z",
    )
    assert list(check_own(mine)) == [
        "--prompts: alone.j2 replaces no template, and none uses it.",
        "--prompts: memory/injekt.j2 replaces no template, and none uses it. Did you mean 'memory/inject.j2'?",
    ]
    assert list(check_own(directory(tmp_path / "fine", judge__self="x"))) == []


def test_own_templates_of_which_none_is_used_are_refused(tmp_path: Path) -> None:
    with pytest.raises(TemplateError, match=r"replaces a template: judge/slef\.j2\. Did you mean 'judge/self\.j2'\?"):
        check_own(directory(tmp_path / "misspelt", judge__slef="x"))
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "self.txt").write_text("x")
    with pytest.raises(TemplateError, match=r"it has no \.j2 file"):
        check_own(tmp_path / "empty")
    with pytest.raises(TemplateError, match="does not exist"):
        check_own(tmp_path / "nowhere")
    other = directory(tmp_path / "plugin", toy__greet="x")
    assert list(check_own(directory(tmp_path / "own", toy__greet="y"), [other])) == []


def test_first_directory_wins(tmp_path: Path) -> None:
    user = directory(tmp_path / "user", judge__self="user's {{ query }}")
    plugin = directory(tmp_path / "plugin", judge__self="plugin's", memory__mine="plugin's memory")
    prompts = Prompts([user, plugin])
    assert prompts.render(JUDGE, query="q", rules="", transcript="t") == "user's q"
    assert prompts.render("memory/mine.j2") == "plugin's memory"
    assert prompts.render("memory/inject.j2", items=[]) == Prompts().render("memory/inject.j2", items=[]) != ""
    assert prompts.source(JUDGE)[1] == user / JUDGE
    assert set(prompts.names()) == {*CORE, "memory/mine.j2"}


def test_block_of_the_core_is_overridden_by_inheritance(tmp_path: Path) -> None:
    mine = directory(
        tmp_path, judge__self='{% extends "core/judge/self.j2" %}{% block role %}\nYou are very strict.\n{% endblock %}'
    )
    prompts = Prompts([mine])
    text = prompts.render(JUDGE, query="QUERY", rules="", transcript="TRANSCRIPT")
    plain = Prompts().render(JUDGE, query="QUERY", rules="", transcript="TRANSCRIPT")
    assert text.startswith("You are very strict.")
    assert text.splitlines()[1:] == plain.splitlines()[1:]
    assert set(prompts.used) == {JUDGE, "core/judge/self.j2"}


def test_every_injection_asks_to_weigh_in_silence_and_says_what_data_is() -> None:
    prompts = Prompts()
    weighing = prompts.render("memory/weighing.j2")
    injections = [name for name in prompts.names() if name.startswith("memory/inject")]
    assert len(injections) == 8
    for name in injections:
        shown = prompts.render(name, items=[], episodes=[], bullets="", document="")
        assert shown.endswith(weighing), "after what it is and before what was recalled"


@pytest.mark.parametrize(
    ("name", "first", "then"),
    [
        (JUDGE, "Reasoning:", "Verdict:"),
        ("scaling/best_of_n.j2", '"analysis"', '"index"'),
        ("memory/ace_reflect.j2", "First go through", "Bullets:"),
        ("memory/ace_curate.j2", "First say", "ADD: ..."),
        ("memory/prune.j2", "Say in a sentence", "Prune: 1"),
        ("memory/cheatsheet_cumulative.j2", "First say", "<sheet>"),
        ("memory/extract_success.j2", "First think", "# H 1"),
        ("memory/extract_failure.j2", "First think", "# H 1"),
        ("memory/extract_contrast.j2", "First think", "# H 1"),
        ("memory/induce_workflow.j2", "First think", "# H 1"),
        ("memory/induce_document.j2", "First say", "# H 1"),
        ("memory/reflect.j2", "First look back", "# H 1"),
        ("agent/react.j2", "Thought:", "Action:\n{"),
        ("agent/planner.j2", '"reasoning_and_reflection"', '"executable_plan"'),
        ("agent/stepwise.j2", '"reasoning"', '"action_id"'),
    ],
)
def test_a_prompt_lets_the_model_think_before_it_answers(name: str, first: str, then: str) -> None:
    names = (
        "query",
        "rules",
        "transcript",
        "rationale",
        "notes",
        "rollouts",
        "bullets",
        "insights",
        "history",
        "policy",
        "tools",
    )
    given: dict[str, object] = dict.fromkeys((*names, "episodes", "choices", "sources", "sheet", "respond"), "")
    shown = Prompts().render(name, **given, limit=3, heading="H", characters=9)
    assert 0 <= shown.find(first) < shown.find(then)


def test_a_template_cannot_stand_in_for_the_core_itself(tmp_path: Path) -> None:
    """``core/NAME`` is the core's own wherever it is rendered, or an override could not extend what it replaces."""
    mine = directory(tmp_path, judge__self='{% extends "core/judge/self.j2" %}')
    plain = Prompts().render(JUDGE, query="q", rules="", transcript="t")
    assert Prompts([mine]).render(JUDGE, query="q", rules="", transcript="t") == plain


@pytest.mark.parametrize("name", ["memory/inject.j2", JUDGE, "memory/extract_failure.j2", "agent/memory.j2"])
def test_missing_variable_is_an_error_that_names_template_and_variable(name: str) -> None:
    with pytest.raises(TemplateError) as caught:
        Prompts().render(name)
    assert name in str(caught.value)
    assert "is undefined" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("{% if %}", "line 1"),
        ("\n\n{{ x ", "line 3"),
        ("{{ nothing }}", "'nothing' is undefined"),
        ("{{ word.__class__ }}", "unsafe"),
        ("{{ ''.__class__.__mro__[1].__subclasses__() }}", "unsafe"),
        ("{{ word.nothing }}", "nothing"),
        ('{% extends "core/no/such.j2" %}', "core/no/such.j2"),
        ('{% include "../../secret.j2" %}', "../../secret.j2"),
        ("{{ cycler.__init__.__globals__ }}", "unsafe"),
    ],
)
def test_faulty_or_prying_template_is_refused_in_one_line(tmp_path: Path, text: str, word: str) -> None:
    (tmp_path / "secret.j2").write_text("secret", encoding="utf-8")
    prompts = Prompts([directory(tmp_path / "a" / "b", bad=text)])
    with pytest.raises(TemplateError) as caught:
        prompts.render("bad.j2", word="word")
    assert word in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_template_is_named() -> None:
    with pytest.raises(TemplateError, match=r"judge/slef\.j2"):
        Prompts().render("judge/slef.j2")
    with pytest.raises(UnknownNameError, match=r"Did you mean 'judge/self\.j2'"):
        Prompts().source("judge/slef.j2")


def test_missing_directory_is_named(tmp_path: Path) -> None:
    with pytest.raises(TemplateError, match="nowhere does not exist"):
        Prompts([tmp_path / "nowhere"])


def test_hashes_are_those_of_the_sources(tmp_path: Path) -> None:
    prompts = Prompts([directory(tmp_path, judge__self="one {{ query }}")])
    assert prompts.used == {}
    prompts.render(JUDGE, query="q", rules="", transcript="t")
    assert prompts.used == {JUDGE: text_digest("one {{ query }}")}


def test_manifest_hashes_cover_what_an_override_extends(tmp_path: Path) -> None:
    hashes = Prompts([directory(tmp_path, judge__self='{% extends "core/judge/self.j2" %}')]).hashes()
    assert hashes["core/judge/self.j2"] == Prompts().hashes()[JUDGE]
    assert hashes[JUDGE] != hashes["core/judge/self.j2"]
    assert set(Prompts().hashes()) == set(CORE)


def test_what_is_no_template_is_left_alone(tmp_path: Path) -> None:
    """A picture, an editor's backup or a stray archive in a directory of prompts is neither read nor hashed."""
    mine = directory(tmp_path, judge__self="mine")
    (mine / "judge" / "self.j2~").write_bytes(b"\xff\xfe")
    (mine / "picture.png").write_bytes(b"\x89PNG\xff")
    assert set(Prompts([mine]).hashes()) == {*CORE, "core/judge/self.j2"}


def test_template_that_is_not_utf8_is_named(tmp_path: Path) -> None:
    (tmp_path / "bad.j2").write_bytes(b"caf\xe9")
    prompts = Prompts([tmp_path])
    for use in (prompts.render, prompts.source):
        with pytest.raises(RbsuiteError, match=r"bad\.j2.*UTF-8"):
            use("bad.j2")


def test_text_is_not_escaped_and_not_run_again() -> None:
    text = Prompts().render(JUDGE, query="<a> & {{ nothing }} {% if %}", rules="", transcript="t")
    assert "<a> & {{ nothing }} {% if %}" in text
