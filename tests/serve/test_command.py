"""``rbsuite serve-model`` as users start and stop it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from urllib.request import ProxyHandler, build_opener

import pytest

PROGRAM = [sys.executable, "-c", "from rbsuite.cli import main; main()", "serve-model"]


def test_it_serves_until_it_is_interrupted() -> None:
    options = ["--model", "sim/noop,sim/learner:known=0.5,slip=0", "--fault", "429:0.1"]
    with subprocess.Popen([*PROGRAM, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as served:
        try:
            assert served.stdout is not None
            url = served.stdout.readline().strip()
            with build_opener(ProxyHandler({})).open(f"{url}/models", timeout=20) as answer:
                names = [model["id"] for model in json.load(answer)["data"]]
            assert names == ["sim/noop", "sim/learner:known=0.5,slip=0", "hash"]
        finally:
            served.send_signal(signal.SIGINT)
        _, errors = served.communicate(timeout=20)
    assert served.returncode == 130
    assert "Traceback" not in errors


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--model", "sim/lerner"], "Did you mean 'sim/learner'"),
        (["--model", "sim/noop", "--fault", "429"], "Write KIND:SHARE"),
        (["--model", "sim/noop", "--script", "418"], "unknown fault '418'"),
        (["--model", "sim/noop", "--host", ""], "--host is empty"),
        (["--model", "sim/noop", "--host", "a..b"], "it is not a host"),
    ],
)
def test_what_cannot_be_served_is_one_line(options: list[str], words: str) -> None:
    run = subprocess.run([*PROGRAM, *options], capture_output=True, text=True, timeout=60)
    assert run.returncode == 2
    assert words in run.stderr
    assert run.stderr.count("\n") == 1
