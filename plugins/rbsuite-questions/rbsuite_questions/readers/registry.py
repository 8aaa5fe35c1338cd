"""The readers by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from rbsuite.errors import UnknownNameError, UsageError
from rbsuite_questions.readers.base import Kind, Reader, ReaderInfo
from rbsuite_questions.readers.inspect_reader import InspectReader
from rbsuite_questions.readers.lm_eval import LmEvalFlexReader, LmEvalReader, LmEvalStrictReader
from rbsuite_questions.readers.math_verify_reader import MathVerifyReader
from rbsuite_questions.readers.mmlu_pro import MmluProApiReader, MmluProApixReader, MmluProReader
from rbsuite_questions.readers.simple_evals import SimpleEvalsReader
from rbsuite_questions.readers.strict import StrictReader, StrictReader2

_READERS = (
    StrictReader,
    SimpleEvalsReader,
    LmEvalReader,
    LmEvalStrictReader,
    LmEvalFlexReader,
    InspectReader,
    MmluProReader,
    MmluProApiReader,
    MmluProApixReader,
    MathVerifyReader,
)
_FACTORIES: Mapping[str, Callable[[], Reader]] = MappingProxyType({one.info.name: one for one in _READERS})
_EARLIER: Mapping[str, Callable[[], Reader]] = MappingProxyType({StrictReader2.info.id: StrictReader2})
"""Earlier versions by id, to grade as stored experiments were graded."""

READERS: Mapping[str, ReaderInfo] = MappingProxyType({one.info.name: one.info for one in _READERS})
"""The available readers, by name; ``rbsuite`` first."""


def get_reader(name: str) -> Reader:
    """A reader by its name (``rbsuite``) or its id (``rbsuite/3``), which may be that of an earlier version (``rbsuite/2``).

    Raises:
        UnknownNameError: there is no such reader.
        UsageError: the id names a different version, or the reader needs a package that is not installed.
    """
    if name in _EARLIER:
        return _EARLIER[name]()
    plain, _, version = name.partition("/")
    if plain not in READERS:
        raise UnknownNameError("reader", name, READERS)
    known = READERS[plain]
    if version and name != known.id:
        raise UsageError(
            f"there is no reader {name!r}: this rbsuite has {known.id}.",
            "Scores of different versions must not be mixed; use the rbsuite version that made the first ones.",
        )
    return _FACTORIES[plain]()


def reader_of_kind(name: str, kind: Kind) -> Reader:
    """A reader that reads a kind of answer; see :func:`get_reader`.

    Raises:
        UsageError: it does not read that kind.
    """
    reader = get_reader(name)
    if kind not in reader.info.kinds:
        fitting = [info.name for info in READERS.values() if kind in info.kinds]
        noun = {"integer": "integer answers", "choice": "choices"}[kind]
        raise UsageError(f"the reader {name!r} does not read {noun}.", f"Use one of: {', '.join(fitting)}.")
    return reader
