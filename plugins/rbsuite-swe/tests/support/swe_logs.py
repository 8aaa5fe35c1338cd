"""Logs of test runs as each runner words them, with what they come to. Written for this suite; no benchmark's output is in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rbsuite_swe.instance import EvalType, Instance

START, END = "+ : '>>>>> Start Test Output'", "+ : '>>>>> End Test Output'"


@dataclass(frozen=True)
class Case:
    """A log, and whether it can be read, whether it resolves, and which of the tests that should pass do."""

    instance: Instance
    text: str
    resolved: bool
    passed: Sequence[str]
    ran: bool = True


def instance(
    fail_to_pass: Sequence[str],
    pass_to_pass: Sequence[str],
    parser: str = "pytest",
    eval_type: EvalType = "pass_and_fail",
    name: str = "ours__ours-1",
) -> Instance:
    return Instance(
        "ours/ours",
        name,
        "0",
        "",
        "",
        "",
        tuple(fail_to_pass),
        tuple(pass_to_pass),
        "1.0",
        image="ours",
        eval_script="true",
        log_parser=f"parse_log_{parser}",
        eval_type=eval_type,
    )


def log(body: str, code: int | None = None) -> str:
    end = "" if code is None else f"\n>>>>> Test Exit Code: {code}"
    return f"prepared\n{START}\n{body}\n{END}{end}\nrestored\n"


def read_by(parser: str, body: str, good: str, bad: str, name: str = "ours__ours-1") -> Case:
    """A log in which one test passes, one fails and a third does not show."""
    return Case(instance([good, bad, "not there"], [], parser, name=name), log(body), False, [good])


A, B = "tests/test_a.py::test_a", "tests/test_a.py::test_b"
P = "tests/test_a.py::test_p[log(x"

LOGS: dict[str, Case] = {
    # The rules, in pytest's words.
    "all pass": Case(instance([A], [B]), log(f"PASSED {A}\nPASSED {B}", 0), True, [A]),
    "expected failure passes": Case(instance([A], []), log(f"XFAIL {A} - known\nPASSED {B}", 0), True, [A]),
    "skipped is no solution": Case(instance([A], []), log(f"SKIPPED {A}\nPASSED {B}", 0), False, []),
    "skipped is kept": Case(instance([A], [B]), log(f"PASSED {A}\nSKIPPED {B}", 0), True, [A]),
    "count of skipped is no test": Case(
        instance([A], ["[1]"]), log(f"PASSED {A}\nSKIPPED [1] tests/test_a.py:3: no", 0), False, [A]
    ),
    "a test broke": Case(instance([A], [B]), log(f"PASSED {A}\nFAILED {B} - assert 1 == 2", 1), False, [A]),
    "an error": Case(instance([A, B], []), log(f"PASSED {A}\nERROR {B}", 1), False, [A]),
    "missing is failed": Case(instance([A, B], []), log(f"PASSED {A}", 0), False, [A]),
    "missing of those to keep": Case(instance([A], [B]), log(f"PASSED {A}", 0), False, [A]),
    "nothing to fix": Case(instance([], [B]), log(f"PASSED {B}", 0), True, []),
    "nothing to keep": Case(instance([A], []), log(f"PASSED {A}", 0), True, [A]),
    "the last line counts": Case(instance([A], []), log(f"FAILED {A}\nPASSED {A}", 0), True, [A]),
    "an odd word is neither": Case(instance([A], []), log(f"PASSED {B}\nERRORS: {A}", 0), True, []),
    # The run.
    "no exit code": Case(instance([A], []), log(f"PASSED {A}"), True, [A]),
    "forged: success printed, exit code of failure": Case(
        instance([A], [B]), log(f"PASSED {A}\nPASSED {B}", 1), False, [], ran=False
    ),
    "exit code of failure with a failed test": Case(instance([A], []), log(f"PASSED {A}\nFAILED {B}", 1), True, [A]),
    "killed with success printed": Case(instance([A], []), log(f"PASSED {A}", -9), False, [], ran=False),
    "no marks": Case(instance([A], []), f"PASSED {A}\n", False, [], ran=False),
    "no mark of the end": Case(instance([A], []), f"{START}\nPASSED {A}\n", False, [], ran=False),
    "patch does not apply": Case(
        instance([A], []), ">>>>> Patch Apply Failed\n" + log(f"PASSED {A}", 0), False, [], ran=False
    ),
    "reset failed": Case(instance([A], []), log(f">>>>> Reset Failed\nPASSED {A}", 0), False, [], ran=False),
    "tests errored": Case(instance([A], []), log(f"PASSED {A}") + ">>>>> Tests Errored", False, [], ran=False),
    "timed out": Case(instance([A], []), log(f"PASSED {A}") + ">>>>> Tests Timed Out", False, [], ran=False),
    "nothing shows": Case(instance([A], []), log("nothing at all"), False, [], ran=False),
    "outcomes outside of the marks": Case(instance([A], []), f"PASSED {A}\n" + log("moved elsewhere", 0), True, [A]),
    "a second run after the marks": Case(instance([A], []), log(f"PASSED {A}") + log(f"FAILED {A}"), True, [A]),
    # Names that break off inside of a parameter.
    "cut name, all agree": Case(
        instance([P], []),
        log("PASSED tests/test_a.py::test_p[log(x+y)]\nXFAIL tests/test_a.py::test_p[log(x)]"),
        True,
        [P],
    ),
    "cut name, they differ": Case(
        instance([P], []),
        log("PASSED tests/test_a.py::test_p[log(x+y)]\nFAILED tests/test_a.py::test_p[log(x)]"),
        False,
        [],
    ),
    "cut name, all fail": Case(
        instance([P], []),
        log("FAILED tests/test_a.py::test_p[log(x+y)]\nERROR tests/test_a.py::test_p[log(x)]"),
        False,
        [],
    ),
    "whole name is not cut": Case(instance([A], []), log(f"PASSED {A}_more"), False, []),
    # Logs that name failures alone.
    "fail only: silence passes": Case(
        instance(["a", "b"], ["c"], "tap", "fail_only"), log("Tests: 3\nok 1 c"), True, ["a", "b"]
    ),
    "fail only: a failure": Case(
        instance(["a", "b"], ["c"], "tap", "fail_only"), log("not ok 1 a\nok 2 c"), False, ["b"]
    ),
    "fail only: nothing ran": Case(
        instance(["a"], [], "tap", "fail_only"), log("Executed 0 of 0"), False, [], ran=False
    ),
    "fail only: it ran and nothing failed": Case(
        instance(["a"], [], "tap", "fail_only"), log("Executed 7 of 7"), True, ["a"]
    ),
    # Runners.
    "pytest, long failure": read_by("pytest", f"PASSED {A}\nFAILED {B} - E: a - b", A, B),
    "pytest options": read_by(
        "pytest_options",
        "PASSED t.py::a[/home/me/x.txt]\nFAILED t.py::b[http://h/x] - no",
        "t.py::a[/x.txt]",
        "t.py::b[http://h/x]",
    ),
    "pytest options, doubled slash and star": read_by(
        "requests", "PASSED t.py::a[//h/x]\nPASSED t.py::a[/h/*]\nFAILED t.py::b", "t.py::a[//h/x]", "t.py::b"
    ),
    "pytest v2": read_by(
        "pytest_v2", "PASSED t.py::a[x y]\nFAILED t.py::b - assert - x\nt.py::c PASSED", "t.py::a[x y]", "t.py::b"
    ),
    "pytest v2, colours and the old order": read_by(
        "sphinx", "\x1b[32mPASSED\x1b[0m t.py::a\nt.py::b FAILED", "t.py::a", "t.py::b"
    ),
    "matplotlib": read_by("matplotlib", "PASSED t.py::a[MouseButton.LEFT]\nFAILED t.py::b", "t.py::a[1]", "t.py::b"),
    "seaborn": read_by("seaborn", "t.py::a PASSED [ 50%]\nFAILED t.py::b - no\nPASSED t.py::c", "t.py::a", "t.py::b"),
    "sympy": read_by("sympy", "test_a ok\ntest_b F\ntest_c E\n____ sympy/x.py:test_d ____", "test_a", "test_b"),
    "sympy, heading of a failure": read_by(
        "sympy", "test_a ok\n_____ sympy/x.py:test_d _____", "test_a", "sympy/x.py:test_d"
    ),
    "django": read_by(
        "django",
        "test_a (t.T) ... ok\ntest_b (t.T) ... FAIL\ntest_c (t.T) ... skipped 'no'",
        "test_a (t.T)",
        "test_b (t.T)",
    ),
    "django, words between": read_by(
        "django",
        "test_a (t.T) ... Creating table\nok\ntest_b (t.T) ... ERROR\nERROR: test_z",
        "test_a (t.T)",
        "test_b (t.T)",
    ),
    "django, version": read_by(
        "django",
        "--version is equivalent to version ...\ntest_b (t.T) ... FAIL",
        "--version is equivalent to version",
        "test_b (t.T)",
    ),
    "django, server error": read_by(
        "django",
        "test_a (t.T) ... Internal Server Error: /x/\nok\nFAIL: test_b",
        "test_a (t.T)",
        "test_b",
    ),
    "django, system check": read_by(
        "django",
        "test_a (t.T) ... System check identified no issues (0 silenced)\nok\nFAIL: test_b",
        "test_a (t.T)",
        "test_b",
    ),
    "django, a migration": read_by(
        "django",
        "Applying sites.0002_alter_domain_unique...test_no_migrations (t.T) ... ok\nFAIL: test_b",
        "test_no_migrations (t.T)",
        "test_b",
    ),
    "gotest": read_by(
        "gotest", "--- PASS: TestA (0.00s)\n    --- FAIL: TestB/x (0.1s)\n--- SKIP: TestC (0s)", "TestA", "TestB/x"
    ),
    "cargo": read_by("cargo", "test a::b ... ok\ntest c ... FAILED\ntest d ... ignored", "a::b", "c"),
    "redis": read_by(
        "redis", "[ok]: it sets (12 ms)\n[err]: it gets in tests/x.tcl\n[skip]: it waits", "it sets", "it gets"
    ),
    "jq": read_by("jq", "PASS: tests/a\n FAIL: tests/b", "tests/a", "tests/b"),
    "micropython": read_by("micropython_test", "pass  a.py\nFAIL  b.py\nskip  c.py", "a.py", "b.py"),
    "googletest": read_by("googletest", "1: [       OK ] S.a (0 ms)\n[  FAILED  ] S.b (1 ms)", "S.a", "S.b"),
    "doctest": read_by(
        "doctest",
        '<doctest><TestSuite><TestCase name="c"><SubCase name="a"><Expression success="true"/></SubCase>'
        '<SubCase name="b"><Expression success="true"/><Expression success="false"/></SubCase></TestCase></TestSuite></doctest>',
        "c > a",
        "c > b",
    ),
    "maven": read_by(
        "maven",
        "+ mvn test -Dtest=A#a\n[INFO] BUILD SUCCESS\n+ mvn test -Dtest=B#b\n[INFO] BUILD FAILURE",
        "A#a",
        "B#b",
    ),
    "maven, out of order": read_by(
        "maven",
        "[INFO] BUILD SUCCESS\n[INFO] BUILD FAILURE\n+ mvn -Dtest=A#a\n+ mvn -Dtest=B#b\n+ mvn -Dtest=C#c",
        "A#a",
        "B#b",
    ),
    "ant": read_by("ant", "  [junit] [PASS] a\n  [junit] [ERR] b", "a", "b"),
    "gradle": read_by("gradle_custom", "T > a PASSED\nT > b\nWARNING\nFAILED\n> Task PASSED", "T > a", "T > b"),
    "phpunit": read_by(
        "phpunit",
        "Suite One (Ns\\One)\n ✔ A works\n ✘ B works\n ↩ C waits",
        "Suite One > A works",
        "Suite One > B works",
    ),
    "minitest": read_by("minitest", "T#test_a. = 0.01 s = .\nT#test_b. = 0.01 s = F", "T#test_a", "T#test_b"),
    "cucumber": read_by("cucumber", "Feature a ....\nFeature b ..F", "Feature a", "Feature b"),
    "ruby unit": read_by(
        "ruby_unit", "  test: a works:\t.: (0.1)\n  test: b works:\tF\n  test: c:\tO", "a works", "b works"
    ),
    "rspec": read_by("rspec_transformed_json", "a works - passed\nb works - failed\nc - pending", "a works", "b works"),
    "jekyll by minitest": read_by("jekyll", "T#a. = 0 s = .\nT#b. = 0 s = E", "T#a", "T#b", name="jekyll__jekyll-9141"),
    "jekyll by cucumber": read_by("jekyll", "a ...\nb .F", "a", "b", name="jekyll__jekyll-8761"),
    "immutable by jest": read_by("immutable_js", "  ✓ a\n  ✕ b", "a", "b", name="immutable-js__immutable-js-2006"),
    "immutable by jest as JSON": read_by(
        "immutable_js", "[PASSED] a\n[FAILED] b", "a", "b", name="immutable-js__immutable-js-2005"
    ),
    "jest": read_by("jest", "  ✓ adds (5 ms)\n  ✕ takes\n  ○ waits", "adds", "takes"),
    "jest as JSON": read_by("jest_json", "[PASSED] x > a\n[FAILED] x > b", "x > a", "x > b"),
    "vitest": read_by("vitest", " ✓ x > a 12ms\n × x > b\n ↓ x > c [skipped]", "x > a", "x > b"),
    "karma": read_by(
        "karma",
        "Starting browser Chrome\n  outer\n    inner\n      ✔ a\n      ✖ b\n  next\n    ✔ c\nSUMMARY:\n ✔ z",
        "outer > inner > a",
        "outer > inner > b",
    ),
    "tap": read_by("tap", "ok 1 a\nnot ok 2 b # why", "a", "b # why"),
}
