"""How far the token estimate is from the counts of tokenizers.

    python benchmarks/tokens.py [--packs DIR] [--experiment DIR]...

Texts are records of the packs (``--packs``, else ``$RBSUITE_TEST_PACKS``, else ``../shared/packs`` next to the repository), files of this
repository, noise, and the transcripts of the named experiments. Tokenizers are those that come with litellm. The ratio estimate / count is
printed for each; above 1 the estimate is too high.
"""

# ruff: noqa: D103 (each function does what its name says; noise is no secret)

from __future__ import annotations

import argparse
import base64
import os
import random
from collections.abc import Callable, Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path

import rbsuite
from rbsuite.tokens import tokens_of

ROOT = Path(__file__).resolve().parents[1]
RECORDS = (
    *("tau-bench/records", "tau2-bench/records", "acebench/records", "acebench/data_zh", "toolsandbox/records"),
    *("mimic-synthetic", "model-replies", "mmlu-pro"),
)
MOST = 60_000
"""Characters of a text that are counted."""


def texts(packs: Path) -> Iterator[tuple[str, str]]:
    for name in RECORDS:
        files = sorted(path for path in (packs / name).rglob("*") if path.suffix in (".json", ".jsonl"))
        yield name, "".join(path.read_text(errors="replace")[: MOST // 3] for path in files[:3])
    yield "source code", "".join(path.read_text() for path in sorted((ROOT / "rbsuite").glob("*.py")))[:MOST]
    yield "documentation", "".join(path.read_text() for path in sorted((ROOT / "docs").glob("*.md")))[:MOST]
    noise = random.Random(1)
    yield "base64", base64.b64encode(noise.randbytes(20_000)).decode()
    yield "hexadecimal", noise.randbytes(10_000).hex()
    yield "Russian", "Система проверяет, как память помогает агенту решать новые задачи. " * 100
    yield "Chinese", "这个系统检查记忆如何帮助代理解决新的任务。" * 100


def transcripts(place: str) -> str:
    """The rollouts of an experiment, as judges see them without a limit."""
    with rbsuite.Experiment.open(place) as made:
        records = [record for run in made.runs for record in made.store.records(run.id)]
    rollouts = (rollout for record in records for rollout in record.rollouts)
    return "\n".join(rbsuite.render_transcript(rollout.trajectory, budget=0) for rollout in rollouts)[: 10 * MOST]


def tokenizers() -> Mapping[str, Callable[[str], int]]:
    litellm = Path(str(find_spec("litellm").origin)).parent / "litellm_core_utils" / "tokenizers"  # type: ignore[union-attr]
    os.environ["TIKTOKEN_CACHE_DIR"] = str(litellm)
    import tiktoken
    from tokenizers import Tokenizer

    claude = Tokenizer.from_file(str(litellm / "anthropic_tokenizer.json"))
    found: dict[str, Callable[[str], int]] = {"Claude 2": lambda text: len(claude.encode(text).ids)}
    for name in ("cl100k_base", "o200k_base"):
        encoding = tiktoken.get_encoding(name)
        found[name] = lambda text, encoding=encoding: len(encoding.encode(text, disallowed_special=()))
    return found


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    default = Path(os.environ.get("RBSUITE_TEST_PACKS") or ROOT.parent / "shared" / "packs")
    options.add_argument("--packs", type=Path, default=default)
    options.add_argument("--experiment", action="append", default=[])
    given = options.parse_args()
    counting = tokenizers()
    shown = [*texts(given.packs), *((place, transcripts(place)) for place in given.experiment)]
    print(f"{'text':24}{'characters':>12}{'per token':>11}", *(f"{name:>12}" for name in counting))
    for name, text in shown:
        if not text:
            continue
        estimate, counts = tokens_of(text), [count(text) for count in counting.values()]
        ratios = (f"{estimate / count:12.2f}" for count in counts)
        print(
            f"{Path(name).name if name in given.experiment else name:24}{len(text):12,}{len(text) / estimate:11.1f}",
            *ratios,
        )


if __name__ == "__main__":
    main()
