"""Entry points for comparing the engine with upstream's records."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from rbsuite.errors import UnknownNameError, UsageError
from rbsuite_acebench.agent_metrics import end_to_end, process_accuracy
from rbsuite_acebench.cases import AGENT, PROTOCOLS, Item, Protocol
from rbsuite_acebench.checker import check_item
from rbsuite_acebench.gold import grade_script
from rbsuite_acebench.pack import Pack
from rbsuite_acebench.worlds import LANGUAGES, Language


def replay(
    language: Language,
    case_id: str,
    script: Sequence[str],
    pack: Pack | str | Path,
    protocol: Protocol = "official",
) -> dict[str, Any]:
    """Play a script in an agent item, as upstream's records were made (see :func:`~rbsuite_acebench.gold.grade_script`).

    Args:
        language: ``en`` or ``zh``.
        case_id: the item, such as ``agent_multi_turn_0``.
        script: what the agent writes.
        pack: the data, or its directory.
        protocol: ``official`` or ``fixed``.

    Returns:
        ``transcript``, ``process``, ``result``, ``crash`` (always ``None``) and ``score`` in the shapes of the records.

    Raises:
        UnknownNameError: there is no such item, language or protocol.
        UsageError: the item has no rollout.
    """
    item = _item(language, case_id, pack)
    if item.category not in AGENT:
        raise UsageError(f"{case_id} is a single-turn item.", "Use check.")
    if protocol not in PROTOCOLS:
        raise UnknownNameError("protocol", protocol, PROTOCOLS)
    _, dialogue = grade_script(item, _pack(pack).starts(language), protocol, script)
    result = dialogue.result
    return {
        "transcript": [said.plain() for said in dialogue.history],
        "process": dialogue.process,
        "result": result,
        "crash": None,
        "score": _score(item, result, dialogue.process, protocol),
    }


def check(language: Language, item_id: str, model_output: str, pack: Pack | str | Path) -> dict[str, Any]:
    """Check a single-turn output.

    Args:
        language: ``en`` or ``zh``.
        item_id: the item, such as ``normal_atom_bool_0``.
        model_output: what the model wrote.
        pack: the data, or its directory.

    Returns:
        ``valid`` and ``error_type``, upstream's term for what is wrong, or ``None``.

    Raises:
        UnknownNameError: there is no such item or language.
        UsageError: the item is not single-turn.
    """
    item = _item(language, item_id, pack)
    if item.category in AGENT:
        raise UsageError(f"{item_id} is a multi-turn item.", "Use replay.")
    problem = check_item(item, model_output)
    return {"valid": problem is None, "error_type": problem}


def _score(item: Item, result: list[dict[str, Any]], process: list[str], protocol: Protocol) -> dict[str, Any]:
    end = end_to_end(item, result, protocol)
    share = process_accuracy(item, process, end.correct, protocol)
    failure = {"id": 0, "valid": False, "error": end.errors, "error_type": end.error_type}
    return {
        "end_to_end_accuracy": round(float(end.correct), 3),
        "process_accuracy": round(share, 3),
        "failures": [] if end.correct else [failure],
    }


def _item(language: Language, name: str, pack: Pack | str | Path) -> Item:
    if language not in LANGUAGES:
        raise UnknownNameError("language", language, LANGUAGES)
    try:
        return _pack(pack).item(language, name)
    except KeyError:
        raise UsageError(f"there is no item {name!r} in {language}.", "Use an id of the data files.") from None


def _pack(pack: Pack | str | Path) -> Pack:
    return pack if isinstance(pack, Pack) else _opened(str(pack))


@lru_cache(maxsize=4)
def _opened(path: str) -> Pack:
    return Pack(path)
