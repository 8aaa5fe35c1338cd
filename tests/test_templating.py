"""A template can neither run without end nor fill the memory, and each of its errors is one line."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from rbsuite.errors import TemplateError
from rbsuite.prompts import Prompts

DOUBLED = "{% set n = namespace(x='ab') %}{% for i in range(60) %}{% set n.x = n.x ~ n.x %}{% endfor %}"

MUCH = [
    "{% for i in range(99999) %}{% for j in range(99999) %}{% for k in range(99999) %}{% endfor %}{% endfor %}{% endfor %}",
    "{% for i in range(99999) %}{% for j in range(99999) if false %}{% endfor %}{% endfor %}",
    "{{ 10 ** (10 ** 10) }}",
    "{{ 9 ** (9 ** (9 ** 9)) }}",
    "{{ x ** 100000000 }}",
    "{{ 2 ** -(10 ** 9) }}",
    "{{ 'a' * 10 ** 9 }}",
    "{{ 10 ** 9 * 'a' }}",
    "{{ [0] * 10 ** 9 }}",
    DOUBLED + "{{ n.x | length }}",
    DOUBLED.replace("n.x ~ n.x", "n.x + n.x"),
    DOUBLED.replace("n.x ~ n.x", "[n.x, n.x]") + "{{ n.x }}",
    DOUBLED.replace("n.x ~ n.x", "[n.x, n.x] | join"),
    DOUBLED.replace("n.x ~ n.x", "'%s%s' % (n.x, n.x)"),
    DOUBLED.replace("n.x ~ n.x", "'{0}{0}'.format(n.x)"),
    "{% set n = namespace(x='ab') %}{% for i in range(60) %}{% set n.x %}{{ n.x }}{{ n.x }}{% endset %}{% endfor %}",
    "{% macro m(n) %}{% if n %}{{ m(n - 1) }}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(40) }}",
    "{% macro m(v) %}{{ v }}{{ v }}{% endmacro %}" + "{{ " + "m(" * 40 + "'ab'" + ")" * 40 + " }}",
    "{{ 'a'.center(10 ** 9) }}",
    "{{ 'a' | center(10 ** 9) }}",
    "{{ 'a' | center(1000000000) }}",
    "{{ '\\t' * 1000 | string }}{{ '\\t\\t'.expandtabs(10 ** 9) }}",
    "{{ '%1000000000d' % 1 }}",
    "{{ '%*d' % (1000000000, 1) }}",
    "{{ '%1000000000d' | format(1) }}",
    "{{ '{:1000000000}'.format(1) }}",
    "{{ '{:{}}'.format(1, 1000000000) }}",
    "{{ 'a\\na' | indent(1000000000) }}",
    "{{ [1, [2]] | tojson(indent=1000000000) }}",
    "{{ ([1] * 30000) | tojson(indent=100000) }}",
    "{{ ([1] * 20000) | tojson(indent='x' * 100000) }}",
    "{{ (1).to_bytes(3000000000, 'big') }}",
    "{{ (' ' * 4000000) | wordwrap(79) }}",
    "{{ ('a\\n' * 900000) | wordwrap(79) }}",
    "{% for i in range(90000) %}{% set x = (7 ** 3000) % (3 ** 1000) %}{% endfor %}",
    "{% set l = [] %}{% set _ = l.extend('a' * 9000000) %}",
    "{% set b = 'a' * 5000000 %}{{ b | replace('a', b) }}",
    "{% set b = 'a' * 5000000 %}{{ b.replace('a', b) }}",
    "{% set b = 'a' * 5000000 %}{{ b.join(b) }}",
    "{% set b = 'a' * 5000000 %}{{ range(99999) | join(b) }}",
    "{% set b = 'a' * 5000000 %}{% for i in range(9999) %}{{ b | upper | length }}{% endfor %}",
    "{% set b = 'a' * 5000000 %}{% for i in range(9999) %}{{ b }}{% endfor %}",
    "{% for i in range(99999) %}" + "constant" * 1000 + "{% endfor %}",
    "{% set b = 'a' * 5000000 %}{{ ('{0}' * 9999).format(b) }}",
    "{% set b = 'a' * 5000000 %}{{ ('{b}' * 9999).format_map({'b': b}) }}",
    "{% set b = 'a' * 5000000 %}{{ ('%(b)s' * 9999) % {'b': b} }}",
    "{{ lipsum(100000) }}",
    "{% for x in [1] recursive %}{{ loop([1, 1]) }}{% endfor %}",
    "{% include 'a.j2' %}",
    "{{ (1).to_bytes(1000000000, 'big') }}",
    "{{ 'a'.translate({97: 'a' * 5000000}) }}",
    "{{ range(10 ** 9) }}",
]
DEEP = (
    "{% set n = namespace(x=[1]) %}{% for i in range(60) %}{% set y = [] %}{% set z = y.append(n.x) %}{% set z = y.append(n.x) %}"
    "{% set n.x = y %}{% endfor %}"
)
PARTS = "{% set p = range(40000) | list %}{% set q = range(40000) | list %}{% set d = dict(p | batch(2)) %}"
TEXT = "{% set t = 'ab' * 4000000 %}{% set u = 'ab' * 4000000 %}"
EACH = "{% for i in range(99999) %}BODY{% endfor %}"
BUSY = [  # each is free, or nearly, of what a loop takes
    *(
        PARTS + EACH.replace("BODY", body)
        for body in (
            "{% if p == q %}{% endif %}",
            "{% if p < q %}{% endif %}",
            "{% if p == q == p %}{% endif %}",
            "{% if p is eq q %}{% endif %}",
            "{% if 'x' in p %}{% endif %}",
            "{% if 'x' in range(99999) %}{% endif %}",
            "{% if 'x' in d.values() %}{% endif %}",
            "{% if 'x' in p | select | select | select %}{% endif %}",
            "{% if d == d.copy() %}{% endif %}",
            "{% if d.items() == d.items() %}{% endif %}",
            "{% set x = d.keys() - d.keys() %}",
            "{% set x = p[1:] %}",
            "{% set x = p.count('x') %}",
            "{% set x = p.copy() %}",
            "{% set x = p.insert(0, 1) %}{% set x = p.pop(0) %}",
            "{% set x = range(99999).count('x') %}",
            "{% set x = p | select('none') | list %}",
            "{% set x = cycler(*p) %}",
        )
    ),
    *(
        TEXT + EACH.replace("BODY", body)
        for body in (
            "{% if t == u %}{% endif %}",
            "{% if 'ba!' in t %}{% endif %}",
            "{% if 'ba!' is in t %}{% endif %}",
            "{% if t is lower %}{% endif %}",
            "{% set x = t[1:] %}",
            "{% set x = t.count('ab') %}",
            "{% set x = t | safe %}{% set x = x.find('aa') %}",
            "{% set x = t.startswith((t,) * 9) %}",
            "{% set x = t | fence('text') %}",
            "{% filter upper %}{{ t }}{% endfilter %}",
        )
    ),
    PARTS + "{% macro m() %}{{ varargs[0] }}{% endmacro %}" + EACH.replace("BODY", "{% set x = m(*p) %}"),
    PARTS + "{% macro m(v) %}{% endmacro %}" + EACH.replace("BODY", "{% set x = p.sort(key=m) %}"),
    EACH.replace("BODY", "{% if x %}{% endif %}" * 900),
    "{% set a = 3 ** 6000 %}" + EACH.replace("BODY", "{% set b = a // 3 ** 3000 %}" * 100),
    "{% for i in range(99999) | select %}" + "{% set a = 3 ** 4900 %}" * 900 + "{% endfor %}",
    "{% macro m() %}" + "{% if x %}{% endif %}" * 900 + "{% endmacro %}" + EACH.replace("BODY", "{% set y = m() %}"),
    "{% block b scoped %}{% endblock %}".join(EACH.split("BODY"))
    + "".join(f"{{% block b{i} %}}{{% endblock %}}" for i in range(900)),
    "{% for a in 'LONG' %}{% for b in 'LONG' %}{% for c in 'LONG' %}{% endfor %}{% endfor %}{% endfor %}".replace(
        "LONG", "a" * 999
    ),
    "{% for x in [1] recursive %}{% if loop.depth < 4 %}{{ loop(range(90000)) }}{% endif %}{% endfor %}",
    "{% for i in range(100) %}{% set x = (-10 ** 9) | _spent %}" + EACH.replace("BODY", "") + "{% endfor %}",
    "{% set p = range(40000) | batch(1) | list %}{% for i in range(100) %}{% set x = p | sum(start=[]) %}{% endfor %}",
    "{% set p = [{'a': [1]}] * 30000 %}{% for i in range(100) %}{% set x = p | sum(attribute='a', start=[]) %}{% endfor %}",
    "{{ ('a' * 4000000).rfind('b' + 'a' * 1000000) }}",
    "{{ ('a' * 400000) | trim('b' * 100000 + 'a') }}",
    "{{ ('a' * 2000000) | wordwrap(1) }}",
    "{{ ('a@' + 'a.' * 200000 + '!') | urlize }}",
    "{{ ('www.a.com ' * 50000) | urlize(rel='x' * 100000) }}",
    "{{ ('<!---->' * 500000) | striptags }}",
    "{{ ('ü' * 400000).encode('idna') }}",
    "{{ ('\n' * 100000) | indent('x' * 1000000) }}",
    "{{ ('a' | safe).center(10 ** 9) }}",
    "{{ 1.5 | round(1000000, 'ceil') }}",
    "{{ '%999999999d' is even }}",
    "{% set b = 'a' * 5000000 %}{{ range(99999) | select | join(b) }}",
    "{% set b = 'a' * 5000000 %}{{ ('{0[0]}' * 9999).format([b]) }}",
    "{% set d = {} %}{% for i in range(60000) %}{% set x = d.update({i * (2 ** 61 - 1): 1}) %}{% endfor %}",
    "{% set p = [] %}{% for i in range(30000) %}{% set x = p.extend([i * (2 ** 61 - 1)]) %}{% endfor %}{{ p | select | unique | list }}",
    "{% set v = 'a' * 5000000 %}{{ ('{0.v}' * 9999).format(namespace(v=v)) }}",
    "{{ [{'a': 1}] | map(attribute='a,' * 10) | list }}{% set d = {} %}{% set x = d.update({'a': d}) %}"
    "{{ [d] | map(attribute='a.' * 2000000 + 'a') | list }}",
    *(
        DEEP + use
        for use in (
            "{{ n.x ~ '' }}",
            "{{ '%s' % (n.x,) }}",
            "{{ '{}'.format(n.x) }}",
            "{{ n }}",
            "{{ {1: n.x}.values() }}",
            "{{ n.x == n.x[:] }}",
            "{{ [n.x[:]].count(n.x) }}",
            "{{ {}[n.x] }}",
        )
    ),
    "{% include ['a'] * 90000 ignore missing %}",
    EACH.replace("BODY", "{% include 'nosuch' ignore missing %}"),
    "{% include 'twice0.j2' %}",
    "{% include 'twice0.j2' without context %}",
    EACH.replace("BODY", "{% import 'empty.j2' as m %}"),
    EACH.replace("BODY", "{% include 'empty.j2' without context %}"),
    "{% import 'long.j2' as m %}{{ m }}",
    "".join(f"{{% set a{i} = 1 %}}" for i in range(1200)) + EACH.replace("BODY", "{% include 'one.j2' %}"),
]
LONG = [
    "{% if 1 %}" + "{% elif 1 %}" * 20000 + "{% endif %}",
    "{{ x }}" * 20000,
    "{% if 1 %}" * 1200 + "{% endif %}" * 1200,
    "{{ " + "not " * 4000 + "1 }}",
    "{{ " + "1 + " * 4000 + "1 }}",
]
WRONG = [
    "{{ 1 / 0 }}",
    "{{ 1 | round('x') }}",
    "{{ 'a' + 1 }}",
    "{{ 'a' | nosuch }}",
    "{{ x.y.z }}",
    "{% for %}",
    "{{ 'a'.__class__.__mro__ }}",
    "{{ x() }}",
    "{{ " + "(" * 3000 + " }}",
    "{{ " + "9" * 5000 + " }}",
    "{{ [] | first }}",
    "{{ '{0.__class__}'.format(1) }}",
    "{{ 'x' | int(base=99) }}{{ 'x'.encode('no\nsuch') }}",
]


@pytest.mark.parametrize("text", [*MUCH, *WRONG], ids=lambda text: text[:40])
def test_every_fault_of_a_template_is_one_line_and_soon(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.j2").write_text(text, encoding="utf-8")
    prompts = Prompts([tmp_path])
    started = time.process_time()
    with pytest.raises(TemplateError) as caught:
        prompts.render("a.j2", x=10)
    assert time.process_time() - started < 5
    assert "a.j2" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


@pytest.fixture(scope="module")
def templates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Templates that others use: each of 25 includes the next twice, one is long, one has many pieces without a character."""
    made = tmp_path_factory.mktemp("templates")
    for i in range(25):
        (made / f"twice{i}.j2").write_text(f'{{% include "twice{i + 1}.j2" %}}' * 2, encoding="utf-8")
    (made / "twice25.j2").write_text("x", encoding="utf-8")
    (made / "one.j2").write_text("{{ a1 }}", encoding="utf-8")
    (made / "long.j2").write_text(EACH.replace("BODY", "constant" * 1000), encoding="utf-8")
    (made / "empty.j2").write_text("{% for i in range(9999) %}{{ '' }}{% endfor %}", encoding="utf-8")
    return made


@pytest.mark.parametrize(
    ("text", "what"), [*((text, "too much") for text in BUSY), *((text, "too long") for text in LONG)]
)
def test_everything_takes_steps_in_proportion_to_its_work(
    templates: Path, tmp_path: Path, text: str, what: str
) -> None:
    (tmp_path / "a.j2").write_text(text, encoding="utf-8")
    prompts = Prompts([tmp_path, templates])
    started = time.process_time()
    with pytest.raises(TemplateError, match=what):
        prompts.render("a.j2", x=10)
    assert time.process_time() - started < 4


def test_a_template_takes_the_same_steps_each_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also what it imports, and what was compiled before."""
    (tmp_path / "a.j2").write_text(
        "{% import 'b.j2' as b %}{{ b.n.x }}{% include 'b.j2' %}{{ b.m() }}", encoding="utf-8"
    )
    (tmp_path / "b.j2").write_text(
        "{% set n = namespace(x=1) %}{% macro m() %}{% set n.x = n.x + 1 %}{{ n.x }}{% endmacro %}"
        "{% for i in range(99) %}{{ i | string | upper }}{% endfor %}",
        encoding="utf-8",
    )
    taken: list[int] = []
    noted = _Noted(taken)
    for module in ("steps", "environment"):
        monkeypatch.setattr(f"rbsuite.templating.{module}.current_rendering", noted)
    prompts = Prompts([tmp_path])
    shown = [prompts.render("a.j2", x=[1]) for _ in range(3)]
    assert shown[0].endswith("2")
    assert len(set(shown)) == 1
    assert len(taken) == 3
    assert len(set(taken)) == 1


class _Noted:
    """Notes the steps that are left at the end of each rendering."""

    def __init__(self, taken: list[int]) -> None:
        self._taken = taken
        self._current: list[Any] | None = None

    def get(self, default: Any = None) -> Any:
        return self._current

    def set(self, value: list[Any]) -> None:
        self._current = value

    def reset(self, token: None) -> None:
        assert self._current is not None
        self._taken.append(self._current[0])
        self._current = None


@pytest.mark.parametrize(
    "text", ["{{ {}['a' * 5000000] }}", "{% include 'a' * 5000000 %}", "{{ x | map('a\n' * 5000) | list }}"]
)
def test_a_message_does_not_quote_a_long_text(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.j2").write_text(text, encoding="utf-8")
    with pytest.raises(TemplateError) as caught:
        Prompts([tmp_path]).render("a.j2", x=[1])
    assert len(str(caught.value)) < 400
    assert "\n" not in str(caught.value)


def test_a_template_that_is_too_long_is_found_by_the_check(tmp_path: Path) -> None:
    (tmp_path / "a.j2").write_text(LONG[0], encoding="utf-8")
    with pytest.raises(TemplateError, match="too long"):
        Prompts([tmp_path]).check("a.j2")


def test_a_template_does_what_templates_do(tmp_path: Path) -> None:
    """Values that are large of themselves, and all that a loop knows."""
    text = (
        "{% for a, b in pairs | sort %}{{ loop.index }}/{{ loop.length }} {{ a }}={{ b | indent(2) }}"
        "{% if not loop.last %}, {% endif %}{% endfor %}; {{ 'x' * 3 ~ 2 ** 10 }} {{ '%5.1f' % 2 }}"
        " {{ '{:>4}'.format(7) }} {{ (long | length) + 1 }} {{ long | truncate(9, true, '') | upper }}"
        " {% for x in tree recursive %}({{ x.name }}{{ loop(x.children) }}){% endfor %}"
        " {{ pairs | map(attribute=1) | join('+') }}{% for z in [] %}{% else %} none{% endfor %}"
    )
    (tmp_path / "a.j2").write_text(text, encoding="utf-8")
    tree = [{"name": "a", "children": [{"name": "b", "children": []}]}]
    shown = Prompts([tmp_path]).render("a.j2", pairs=[("q", "2"), ("p", "1\n1")], long="long " * 400_000, tree=tree)
    assert shown == ("1/2 p=1\n  1, 2/2 q=2; xxx1024   2.0    7 2000001 LONG LONG (a(b)) 2+1\n1 none")
