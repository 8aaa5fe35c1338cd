"""A template can neither run without end nor fill the memory, and each of its errors is one line."""

from __future__ import annotations

import time
from pathlib import Path

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
