"""Prompts: Jinja2 templates, sandboxed, with every variable required.

Search path: the user's directory, then the plugins', then the core's. A template in an earlier directory replaces the one of the same
name, and can extend the core's with ``{% extends "core/NAME" %}``, overriding blocks.

Untrusted text reaches a template in a fence (:mod:`rbsuite.fencing`; memory items always do), or the template makes one with the
filter ``fence("LABEL")``; the filter ``one_line`` is for the entries of a list in a fence.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from functools import cache, partial
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rbsuite.errors import RbsuiteError, TemplateError, told
from rbsuite.experience import MemoryItem
from rbsuite.fencing import FencedItem, fence, one_line
from rbsuite.files import Unusable, read_file
from rbsuite.jsonable import text_digest

if TYPE_CHECKING:
    from rbsuite.templating.environment import LimitedEnvironment

CORE_PREFIX = "core/"
SUFFIX = ".j2"
MAX_TEMPLATE_BYTES = 1024 * 1024

_SHORT = 8192
"""Rendered texts of at most this many characters are kept."""
_PLAIN = frozenset([bool, int, float, type(None)])
_KEPT = 64
"""How many are kept at once."""
_MESSAGE = 200
"""Most characters of an error's message."""


def _unchanging(value: object) -> bool:
    """Whether a variable is a short text, a number or ``None``, or a tuple of these."""
    if type(value) is str:
        return len(value) <= _SHORT
    if type(value) is tuple:
        return all(map(_unchanging, value))
    return type(value) in _PLAIN


def core_directory() -> Path:
    """The directory of the core's own templates: inside an installed wheel, or the repository's ``prompts/``."""
    packaged = Path(str(files("rbsuite"))) / "_prompts"
    return packaged if packaged.is_dir() else Path(str(files("rbsuite"))).parent / "prompts"


def check_own(directory: Path, others: Sequence[Path] = ()) -> Sequence[str]:
    """Check that the templates of a user's directory are used: each must replace another, or be included or extended by one that does.

    Args:
        directory: the user's.
        others: the plugins' directories, which come before the core's.

    Returns:
        a line for each template that nothing would use, with the nearest known name.

    Raises:
        TemplateError: there is no such directory, or no file in it replaces a template.
    """
    own = {name: path for name, path in _files(directory).items() if not name.startswith(CORE_PREFIX)}
    known = {name for place in (*others, core_directory()) for name in _files(place)}
    used = {name for name in own if name in known}
    if not used:
        found = ", ".join(sorted(own)[:3]) or f"it has no {SUFFIX} file"
        raise TemplateError(
            f"nothing in the prompt directory {directory} replaces a template: {found}.{_nearest(sorted(own), known)}",
            "A file replaces the template of the same path; see `rbsuite prompts list`.",
        )
    waiting = list(used)
    while waiting:  # what is included may include more
        for name in _referred(own[waiting.pop()]) & own.keys() - used:
            used.add(name)
            waiting.append(name)
    return [
        f"--prompts: {name} replaces no template, and none uses it.{_nearest([name], known)}"
        for name in sorted(own.keys() - used)
    ]


def _files(directory: Path) -> Mapping[str, Path]:
    if not directory.is_dir():
        raise TemplateError(f"the prompt directory {directory} does not exist.", "Give an existing directory.")
    found = {path.relative_to(directory).as_posix(): path for path in directory.rglob(f"*{SUFFIX}")}
    for name, path in found.items():
        _read(path, name, directory)
    return found


def _referred(file: Path) -> set[str]:
    """The templates that a file extends or includes by name; none if it cannot be read, which rendering it will report."""
    from jinja2 import Environment, TemplateError, meta

    try:
        found = meta.find_referenced_templates(Environment(autoescape=False).parse(file.read_text(encoding="utf-8")))
        return {name for name in found if name}
    except (TemplateError, ValueError, OSError, RecursionError):
        return set()


def _nearest(names: Sequence[str], known: Collection[str]) -> str:
    from difflib import get_close_matches

    near = [match for name in names for match in get_close_matches(name, known, n=1, cutoff=0.7)]
    return f" Did you mean {near[0]!r}?" if near else ""


class Prompts:
    """Renders templates and remembers which ones it used.

    Args:
        directories: where to look before the core's own, first match wins.

    Raises:
        TemplateError: a directory does not exist.
    """

    def __init__(self, directories: Sequence[Path] = ()) -> None:
        for directory in directories:
            if not directory.is_dir():
                raise TemplateError(f"the prompt directory {directory} does not exist.", "Give an existing directory.")
        self._directories = [*directories, core_directory()]
        self._used: dict[str, str] = {}
        self._environment = self._make_environment()
        self._rendered: dict[tuple[Any, ...], str] = {}

    @property
    def used(self) -> Mapping[str, str]:
        """SHA-256 of the source of every template rendered or inherited from so far, by name."""
        return self._used

    def names(self) -> Sequence[str]:
        """All templates that can be rendered: files ending in ``.j2``; other files in a directory do not count."""
        found = {
            path.relative_to(directory).as_posix()
            for directory in self._directories
            for path in directory.rglob(f"*{SUFFIX}")
            if path.is_file()
        }
        return sorted(name for name in found if not name.startswith(CORE_PREFIX))

    def hashes(self) -> Mapping[str, str]:
        """SHA-256 of every template that can be rendered, and of those of the core (``core/NAME``) that another one replaces."""
        hashes = {name: text_digest(self.source(name)[0]) for name in self.names()}
        for name, seen in list(hashes.items()):
            core = _core_source(CORE_PREFIX + name)
            if core is not None and text_digest(core[0]) != seen:
                hashes[CORE_PREFIX + name] = text_digest(core[0])
        return dict(sorted(hashes.items()))

    def source(self, name: str) -> tuple[str, Path]:
        """A template's text and file.

        Raises:
            TemplateError: there is no such template.
        """
        from jinja2 import TemplateNotFound

        assert self._environment.loader is not None
        try:
            text, filename, _ = self._environment.loader.get_source(self._environment, name)
        except TemplateNotFound:
            from rbsuite.errors import UnknownNameError

            raise UnknownNameError("prompt template", name, self.names(), "rbsuite prompts list") from None
        except UnicodeDecodeError as error:
            raise _not_utf8(name) from error
        return text, Path(filename or name)

    def render(self, name: str, **variables: Any) -> str:
        """Render a template; leading and trailing white space is stripped.

        Memory items, alone or in a list, reach the template as :class:`rbsuite.fencing.FencedItem`. Many prompts are the same for many
        tasks, so short texts are kept and returned again for the same values.

        Raises:
            TemplateError: the template is missing or malformed, uses a variable that was not given, or does too much
                (:mod:`rbsuite.templating`).
        """
        values = variables.values()
        if not all(map(_unchanging, values)):
            return self._render(name, variables)
        key = (name, *variables, *values, *map(type, values))
        known = self._rendered.get(key)
        if known is None:
            known = self._render(name, variables)
            if len(known) <= _SHORT:
                if len(self._rendered) >= _KEPT:
                    self._rendered.clear()
                self._rendered[key] = known
        return known

    def check(self, name: str) -> None:
        """Check that a template is well formed, as far as that can be told without variables.

        Raises:
            TemplateError: it is not, or there is no such template.
        """
        from jinja2 import TemplateError as JinjaError

        text, _ = self.source(name)
        try:
            self._environment.parse(text)
        except JinjaError as error:
            line = getattr(error, "lineno", None)
            where = f"prompt template {name!r}" + (f", line {line}" if line else "")
            raise TemplateError(f"{where}: {_cut(str(error.message))}.", "Fix the template.") from error

    def _render(self, name: str, variables: Mapping[str, Any]) -> str:
        try:
            fenced = {name: _fenced(value) for name, value in variables.items()}
            return self._environment.limited(name, fenced).strip()
        except RbsuiteError:
            raise
        except Exception as error:
            raise _not_rendered(name, error) from error

    def _make_environment(self) -> LimitedEnvironment:
        from jinja2 import ChoiceLoader, FunctionLoader, StrictUndefined

        from rbsuite.templating.environment import LimitedEnvironment

        used = self._used

        class Recording(LimitedEnvironment):
            """Notes the hash of every source it compiles."""

            def compile(self, source: Any, name: Any = None, *args: Any, **kwargs: Any) -> Any:
                if isinstance(source, str) and name:
                    used[name] = text_digest(source)
                return super().compile(source, name, *args, **kwargs)

        loaders = [FunctionLoader(partial(_source, directory)) for directory in self._directories]
        environment = Recording(
            loader=ChoiceLoader([*loaders, FunctionLoader(_core_source)]),
            undefined=StrictUndefined,
            autoescape=False,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        # The block of a filter ends with a line break that belongs to the template.
        environment.add_filter("fence", lambda text, label: fence(str(text).removesuffix("\n"), label))
        environment.add_filter("one_line", lambda text: one_line(str(text)))
        return environment


def _cut(text: str) -> str:
    """The beginning of a message, which may quote a long text."""
    return text if len(text) <= _MESSAGE else f"{text[:_MESSAGE]}..."


def _fenced(value: Any) -> Any:
    """A variable with its memory items fenced."""
    if isinstance(value, MemoryItem):
        return FencedItem(value)
    if isinstance(value, list | tuple) and any(isinstance(one, MemoryItem) for one in value):
        return [_fenced(one) for one in value]
    return value


@cache
def shared_prompts(directory: Path | None) -> Prompts:
    """The core's templates, after those of one directory if there is one; made once for each directory."""
    return Prompts([] if directory is None else [directory])


def _read(path: Path, name: str, directory: Path) -> str:
    """The text of a template, which must be a regular file in the directory: a link out of it could send any file to a model.

    Raises:
        TemplateError: it is not, or is too large.
    """
    try:
        content = read_file(path, most=MAX_TEMPLATE_BYTES, within=directory)
    except (Unusable, OSError) as error:
        what = error.strerror if isinstance(error, OSError) else error
        raise TemplateError(
            f"prompt template {name!r} in {directory}: {what}.", "Put a file of text there, or remove it."
        ) from error
    try:
        return content.decode("utf-8").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as error:
        raise _not_utf8(name) from error


def _source(directory: Path, name: str) -> tuple[str, str, None] | None:
    """The template of that name in a directory, or ``None`` if it has none."""
    from jinja2.loaders import split_template_path

    path = directory.joinpath(*split_template_path(name))
    if not os.path.lexists(path) or path.is_dir():
        return None
    return _read(path, name, directory), str(path), None


def _not_rendered(name: str, error: Exception) -> TemplateError:
    """What to raise for a template that failed."""
    from jinja2 import TemplateError as JinjaError
    from jinja2 import TemplateNotFound

    if isinstance(error, TemplateNotFound):
        return TemplateError(f"there is no prompt template {_cut(repr(error.name))}.", "See `rbsuite prompts list`.")
    if isinstance(error, UnicodeDecodeError):
        return _not_utf8(name)
    if isinstance(error, JinjaError):
        line = getattr(error, "lineno", None)
        where, what = f", line {line}" if line else "", _cut(str(error.message).rstrip("."))
    else:  # a division by zero, an argument that a filter does not take, endless recursion, ...
        where, what = "", told(error)[:200]
    return TemplateError(f"prompt template {name!r}{where}: {what}.", "Fix the template.")


def _not_utf8(name: str) -> TemplateError:
    return TemplateError(f"prompt template {name!r}, or one that it extends, is not UTF-8 text.", "Save it as UTF-8.")


def _core_source(name: str) -> tuple[str, str, None] | None:
    """The core's template of the name ``core/NAME``, whatever comes before the core's directory."""
    from jinja2.loaders import split_template_path

    if not name.startswith(CORE_PREFIX):
        return None
    path = core_directory().joinpath(*split_template_path(name.removeprefix(CORE_PREFIX)))
    return (path.read_text(encoding="utf-8"), str(path), None) if path.is_file() else None
