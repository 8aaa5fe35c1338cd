"""Poisoned data sets and configurations: taken, or refused in one line that no terminal obeys, with nothing written."""

from __future__ import annotations

import random
import shutil
import unicodedata
from collections import Counter
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import pytest

from edits import CORRUPTIONS
from experiments import core_plugins
from rbsuite.cli import run
from rbsuite.plugins import Plugins, load_plugins
from toy import ToyPlugin

pytestmark = pytest.mark.slow

POISONS = (
    b"\x1b]0;owned\x07", b"\xe2\x80\xae", b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b"\r", b"\\ud800", b"NaN", b"1e999",
    b"-Infinity", b"9" * 5_000, b"[" * 5_000, b'{"a":' * 2_000, b'"', b'"id": "x", "id": "y",', b"null", b"[]", b"{}",
    b"true", b"../../etc/passwd", b"/dev/zero", b"{{ 7 * 7 }}", b"{% raise %}", b"= [", b"\n[table]\n", b"inf", b"\n",
)  # fmt: skip
"""What has troubled a reader of JSON, TOML or text."""

CONFIG = b"""env = "toy"
memory = ["none", "reasoningbank"]
model = "sim/learner"
limit = 2
orders = 1
seed = 7
temperature = 0.5
concurrency = 4
quiet = true
"""

VALUES = (
    '"x"', '""', "0", "-1", "1", "3", "9e99", "nan", "-inf", "9223372036854775808", "true", "[]", "[[1]]", '["none"]',
    '["none", "none"]', "{a = 1}", "1979-05-27", "07:32:00", '"\\u001b[2J"', '"\\u202e"', '"a\\nb"', '"../../x"', '"{{ 7 * 7 }}"',
)  # fmt: skip
"""What TOML lets an option be, and rbsuite may not."""


def revalued(text: str, chance: random.Random) -> str:
    """The configuration with other values in one to three lines."""
    lines = text.splitlines()
    for _ in range(chance.randint(1, 3)):
        number = chance.choice(
            [at for at, line in enumerate(lines) if not line.startswith("model")]
        )  # no provider is asked
        lines[number] = f"{lines[number].partition(' = ')[0]} = {chance.choice(VALUES)}"
    return "\n".join(lines)


def poisoned(data: bytes, chance: random.Random) -> bytes:
    """The data with one to three poisons in it, or some of its bytes changed."""
    found = bytearray(data)
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        if not found or chance.random() < 0.3:
            CORRUPTIONS[chance.choice(("flip", "overwrite", "truncate", "insert"))](found or bytearray(b"x"), chance)
            continue
        start = chance.randrange(len(found))
        stop = start + chance.choice((0, 0, 1, 5, 30))
        found[start:stop] = chance.choice(POISONS)
    return bytes(found)


@pytest.fixture
def tried(
    tmp_path: Path, counts: Counter[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., None]:
    """Run a command on a poisoned input, and count what came of it."""
    monkeypatch.chdir(tmp_path)
    counts.update({"tried": 0, "taken": 0, "refused": 0, "different messages": 0})
    messages: set[str] = set()

    def attempt(arguments: list[str], plugins: Plugins) -> None:
        before = set(tmp_path.rglob("*"))
        code = run(arguments, plugins)
        shown = capsys.readouterr()
        hidden = {one for one in shown.out + shown.err if unicodedata.category(one) in ("Cc", "Cf", "Cs")} - {
            "\n",
            "\t",
        }
        assert hidden == set()
        counts["tried"] += 1
        counts["taken" if code == 0 else "refused"] += 1
        assert code in (0, 2), shown.err
        if code == 2:
            assert len(shown.err.splitlines()) == 1, shown.err
            assert set(tmp_path.rglob("*")) == before
            messages.add("".join(one for one in shown.err if not one.isdigit()))
            counts["different messages"] = len(messages)
        for place in ("out", "experiments"):
            shutil.rmtree(tmp_path / place, ignore_errors=True)

    return attempt


def test_configurations(tried: Callable[..., None], chance: random.Random, counts: Counter[str], scale: int) -> None:
    for number in range(100 * scale):
        changed = poisoned(CONFIG, chance) if number % 2 else revalued(CONFIG.decode(), chance).encode()
        Path("options.toml").write_bytes(changed if number else CONFIG)
        tried(["eval", "--config", "options.toml", "--out", "out"], core_plugins(ToyPlugin()))
    assert counts["refused"] > 0
    assert counts["taken"] > 0, "the sound one, which comes first, is not refused"


@pytest.mark.parametrize(
    ("name", "module", "split"), [("aime", "rbsuite_aime", "2025"), ("tau-bench", "rbsuite_tau_bench", "sample")]
)
def test_data_sets(
    name: str,
    module: str,
    split: str,
    tried: Callable[..., None],
    chance: random.Random,
    counts: Counter[str],
    scale: int,
) -> None:
    """Of a file, and of a directory with several."""
    pytest.importorskip(module)
    sample = Path(str(import_module(module).__file__)).parent / "sample"
    for number in range(40 * scale):
        shutil.rmtree("data", ignore_errors=True)
        shutil.copytree(sample, "data", ignore=shutil.ignore_patterns("*.py", "__pycache__"))
        victim = chance.choice(sorted(path for path in Path("data").rglob("*.json*")))
        if number:
            victim.write_bytes(poisoned(victim.read_bytes(), chance))
        data = str(victim) if name == "aime" else "data"
        options = ["--limit", "2", "--orders", "1", "--memory", "none", "--quiet", "--out", "out"]
        tried(["eval", "--env", name, "--split", split, "--data", data, *options], load_plugins())
    assert counts["refused"] > 0
    assert counts["taken"] > 0, "the sound one, which comes first, is not refused"
