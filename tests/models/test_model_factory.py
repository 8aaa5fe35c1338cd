"""What the user writes after --model becomes a model, or one clear line."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from types import SimpleNamespace

import pytest

from rbsuite.errors import PluginError, UnknownNameError, UsageError
from rbsuite.hookspecs import hookimpl
from rbsuite.models.direct import DirectModel
from rbsuite.models.factory import is_simulated, make_model
from rbsuite.models.litellm_model import LiteLLMModel
from rbsuite.models.provider import BASE_URL_VARIABLES
from rbsuite.plugins import Plugins
from rbsuite.specs import ModelSpec, Option


def _make(size: int = 1) -> SimpleNamespace:
    if size == 13:
        raise RuntimeError("unlucky")
    return SimpleNamespace(name="sim/echo", size=size)


class _Models:
    @hookimpl
    def rbsuite_models(self) -> Sequence[ModelSpec]:
        size = (Option("size", "int", 1, "how big", minimum=1),)
        return [
            ModelSpec("sim/echo", "says it again", f"{__name__}:_make", size, simulated=True),
            ModelSpec("house/plain", "a model of a plugin", f"{__name__}:_make", size),
        ]


@pytest.fixture
def plugins() -> Plugins:
    plugins = Plugins()
    plugins.register(_Models(), "models")
    return plugins


def test_declared_models_get_their_options(plugins: Plugins) -> None:
    model, spec = make_model("sim/echo:size=3", plugins)
    assert (model.size, spec) == (3, plugins.models["sim/echo"])  # type: ignore[attr-defined]
    assert make_model("house/plain:2", plugins)[0].size == 2  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "name", ["openai/gpt-4o", "ollama/llama3:8b", "openrouter/meta/llama-3:free", "huggingface/a/b:c,d=e"]
)
def test_every_other_provider_model_is_litellms_verbatim(
    plugins: Plugins, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in BASE_URL_VARIABLES:
        monkeypatch.delenv(variable, raising=False)
    model, spec = make_model(name, plugins)
    assert isinstance(model, LiteLLMModel)
    assert (model.name, spec) == (name, None)


def test_a_server_of_ones_own_is_asked_directly_unless_told_otherwise(
    plugins: Plugins, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = "http://127.0.0.1:8000/v1"
    assert isinstance(make_model(f"openai/m:api_base={here}", plugins)[0], DirectModel)
    assert isinstance(make_model(f"openai/m:api_base={here}", plugins, transport="litellm")[0], LiteLLMModel)
    assert isinstance(make_model(f"hosted_vllm/m:api_base={here}", plugins)[0], LiteLLMModel)
    monkeypatch.setenv("OPENAI_BASE_URL", here)
    assert isinstance(make_model("openai/m", plugins)[0], DirectModel)
    monkeypatch.delenv("OPENAI_BASE_URL")
    assert isinstance(make_model("openai/m", plugins, transport="direct")[0], DirectModel)
    with pytest.raises(UsageError, match="can only be called through litellm"):
        make_model("anthropic/m", plugins, transport="direct")


@pytest.mark.parametrize(
    ("reference", "kind", "hint"),
    [
        ("sim/eco", UnknownNameError, "Did you mean 'sim/echo'"),
        ("gpt-4o", UnknownNameError, "openai/gpt-4o"),
        ("echo", UnknownNameError, "PROVIDER/MODEL"),
        ("llama3:8b", UnknownNameError, "PROVIDER/MODEL"),
        ("", UnknownNameError, "PROVIDER/MODEL"),
        ("openai/", UsageError, "PROVIDER/MODEL"),
        ("/gpt", UsageError, "PROVIDER/MODEL"),
        ("openai/gpt 4", UsageError, "PROVIDER/MODEL"),
        ("openai/gpt\x1b[2J", UsageError, "PROVIDER/MODEL"),
        ("sim/echo:sise=2", UnknownNameError, "Did you mean 'size'"),
        ("sim/echo:size=0", UsageError, ">= 1"),
    ],
)
def test_bad_references_say_what_to_write(plugins: Plugins, reference: str, kind: type[UsageError], hint: str) -> None:
    with pytest.raises(kind) as caught:
        make_model(reference, plugins)
    assert hint in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("reference", ["local/smollm2-135m", "local:path=model.gguf"])
def test_models_of_a_plugin_that_is_not_installed_say_how_to_get_it(plugins: Plugins, reference: str) -> None:
    with pytest.raises(UnknownNameError, match=r"uv run --group local rbsuite .* pip install rbsuite-local") as caught:
        make_model(reference, plugins)
    assert "\n" not in str(caught.value)


def test_failing_factory_names_the_model(plugins: Plugins) -> None:
    with pytest.raises(PluginError, match=r"model 'sim/echo' cannot be made: RuntimeError: unlucky"):
        make_model("sim/echo:13", plugins)


def test_simulated_models_are_known_as_such(plugins: Plugins) -> None:
    assert is_simulated("sim/echo:size=2", plugins)
    assert not is_simulated("house/plain", plugins)
    assert not is_simulated("openai/gpt-4o", plugins)
    with pytest.raises(UnknownNameError):
        is_simulated("sim/unheard-of", plugins)


def test_making_a_provider_model_imports_no_litellm() -> None:
    code = (
        "import sys; from rbsuite.models.factory import make_model; from rbsuite.plugins import Plugins;"
        "make_model('openai/gpt-4o', Plugins());"
        "print([m for m in ('litellm', 'openai', 'httpx', 'aiohttp', 'numpy', 'gymnasium') if m in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert run.stdout.strip() == "[]"
