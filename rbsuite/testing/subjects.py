"""The subjects of rules, and the rules for everything that a plugin declares."""

from __future__ import annotations

import asyncio
import random
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any, Generic, TypeVar, cast

from rbsuite.errors import PluginError, UsageError
from rbsuite.plugins import Plugins
from rbsuite.prompts import Prompts
from rbsuite.run.names import Part
from rbsuite.specs import Check, Spec, load_object
from rbsuite.testing.elsewhere import elsewhere
from rbsuite.testing.fences import UNKNOWN_FORM, check_fences
from rbsuite.testing.rules import Broken, NotTried, Rule, raised, require, rule

_NAME = re.compile(r"[a-z0-9.]+(?:[-/][a-z0-9.]+)*(?:\[[a-z0-9]+(?:-[a-z0-9]+)*\])?")
_SUMMARY = 160


SpecT = TypeVar("SpecT", bound=Spec)


@dataclass
class Subject(Generic[SpecT]):
    """One thing that a plugin declares, with the values of its options. Subclasses know the contract of a kind.

    Attributes:
        part: its spec and the values of its options.
        plugins: where other names are looked up.
    """

    part: Part
    plugins: Plugins

    @property
    def spec(self) -> SpecT:
        """Its spec."""
        return cast(SpecT, self.part.spec)

    @property
    def name(self) -> str:
        """Its name as a user writes it."""
        return self.part.reference

    @cached_property
    def prompts(self) -> Prompts:
        """The templates."""
        return Prompts(list(self.plugins.prompt_dirs))

    async def use(self) -> Any:
        """Have it do its work, and return the results in a form that can be compared."""
        raise NotImplementedError

    async def aclose(self) -> None:
        """Close what was kept; by default nothing is kept."""

    def make(self) -> Any:
        """Create a new one.

        Raises:
            NotTried: it needs something that is not available, or an option without a default.
            PluginError: it cannot be created.
        """
        self.require_needs()
        try:
            return self.part.make()
        except UsageError as error:
            if self.spec.options:
                raise NotTried(f"it cannot be made as it is: {error}") from error
            raise

    def require_needs(self) -> None:
        """Check that what it needs besides its package is available.

        Raises:
            NotTried: something is missing.
        """
        needs: Sequence[Check] = getattr(self.spec, "needs", ())
        for need in needs:
            problem = str(load_object(need.check, self.name)() or "")
            if problem:
                raise NotTried(f"{need.name}: {problem}")


def common_rules(kind: str, missing: Callable[[Any], str]) -> tuple[Rule[Any], ...]:
    """The rules for the spec of a kind, and for what its factory returns.

    Args:
        kind: the kind.
        missing: says what a created object lacks; empty if nothing.
    """

    @rule(
        kind,
        "name",
        "Rename it: users write NAME:OPTION=VALUE, so spaces, colons, commas and capitals get in the way.",
    )
    async def name(subject: Subject[Spec]) -> None:
        """The name is lower case, its words joined by `-`."""
        require(_NAME.fullmatch(subject.spec.name), f"its name is {subject.spec.name!r}")

    @rule(
        kind,
        "summary",
        "Say in a few words what it is: `rbsuite list` shows that.",
    )
    async def summary(subject: Subject[Spec]) -> None:
        """The summary and the help of every option are one line each."""
        texts = {"summary": subject.spec.summary}
        texts |= {f"help of the option {option.name!r}": option.help for option in subject.spec.options}
        for what, text in texts.items():
            require(text.strip() and "\n" not in text and len(text) <= _SUMMARY, f"its {what} is {text[:80]!r}")

    @rule(
        kind,
        "factory",
        'Name the class or function as "module:attribute", with the declared options as keyword arguments.',
    )
    async def factory(subject: Subject[Spec]) -> None:
        """The factory can be imported, and gives what the contract asks for."""
        subject.require_needs()
        load_object(subject.spec.factory, subject.name)
        lacks = missing(subject.make())
        require(not lacks, f"{subject.spec.factory} gives something without {lacks}")

    @rule(
        kind,
        "options",
        "Give the default the option's type, and a value within its bounds and choices.",
    )
    async def options(subject: Subject[Spec]) -> None:
        """Options have unique names, and defaults that they would allow."""
        names = [option.name for option in subject.spec.options]
        for option in subject.spec.options:
            require(option.name.isidentifier(), f"the option {option.name!r} cannot be a keyword")
            require(names.count(option.name) == 1, f"the option {option.name!r} is declared twice")
            shown = str(option.default).lower() if isinstance(option.default, bool) else str(option.default)
            if option.type == "str" and not shown and option.choices:
                continue  # not one of the choices
            require(option.read(shown, subject.name) == option.default, f"{option.name}={shown} is not read as such")

    @rule(
        kind,
        "import",
        "Move the work into the factory or later: a module is imported whenever what it declares is listed.",
        after=("factory",),
    )
    async def imports(subject: Subject[Spec]) -> None:
        """Importing its module does nothing but define things."""
        module = subject.spec.factory.partition(":")[0]
        require_importable(module)
        work = await asyncio.to_thread(_work_of, module)
        require(not work, f"importing {module} {', '.join(work)}")

    return name, summary, factory, options, imports


def repeatable(kind: str, remedy: str, *after: str) -> Rule[Any]:
    """The rule that repeated use has the same results. See :func:`rbsuite.testing.rules.rule` for the arguments."""

    @rule(kind, "repeatable", remedy, after=after)
    async def check(subject: Subject[Spec]) -> None:
        """Given the same again, it does the same, also as another object."""
        first, second = [await subject.use() for _ in range(2)]
        require(first == second, "given the same again, it does something different")

    return check


def own_chance(kind: str, remedy: str, *after: str) -> Rule[Any]:
    """The rule that a subject draws from its own random generators. See :func:`rbsuite.testing.rules.rule` for the arguments."""

    @rule(kind, "own-chance", remedy, after=after)
    async def check(subject: Subject[Spec]) -> None:
        """It leaves the random generators that the whole process shares alone."""
        numpy: Any = sys.modules.get("numpy")

        def states() -> tuple[Any, str]:
            return random.getstate(), repr(numpy.random.get_state()) if numpy is not None else ""

        before = states()
        await subject.use()
        for whose, one, other in zip(("`random`", "numpy"), before, states(), strict=True):
            require(one == other, f"the global generator of {whose} was used")

    return check


async def require_fenced(subject: Subject[Any], **options: Any) -> None:
    """Run an experiment with hostile texts (:func:`rbsuite.testing.fences.check_fences`) and check that all of them are fenced.

    Raises:
        Broken: a hostile text is not fenced.
        NotTried: its prompts ask for replies in a form that the check does not know.
    """
    given = {"plugins": subject.plugins, **options}
    try:
        await asyncio.to_thread(lambda: check_fences(**given))
    except AssertionError as error:
        if str(error).startswith(UNKNOWN_FORM):
            raise NotTried(
                "its model is asked for replies in a form that the check does not know; use check_fences(reply=...)"
            ) from error
        raise Broken(str(error)) from error


@cache
def _work_of(module: str) -> Sequence[str]:
    """What importing a module does besides defining things; the same for everything in it."""
    done: Sequence[str] = asyncio.run(elsewhere("import", module=module))
    return done


def require_importable(module: str) -> None:
    """Check that another process can import a module.

    Raises:
        NotTried: it has no file that another process could find.
    """
    loaded = sys.modules.get(module)
    if module == "__main__" or getattr(loaded, "__file__", None) is None:
        raise NotTried(f"the module {module} has no file that another process could import")


def lacking(*methods: str) -> Callable[[Any], str]:
    """A function that says which of the methods or attributes an object lacks."""

    def missing(made: Any) -> str:
        return ", ".join(name for name in methods if not hasattr(made, name))

    return missing


@contextmanager
def bearing(what: str, *allowed: type[Exception]) -> Iterator[None]:
    """Check that nothing is raised except what is allowed.

    Args:
        what: what the subject is given, in words.
        allowed: the exceptions that it may raise; they are swallowed.

    Raises:
        Broken: it raised something else.
    """
    try:
        yield
    except (Broken, NotTried):
        raise
    except allowed:
        pass
    except PluginError as error:
        raise Broken(f"{what}: {error.message}") from error
    except Exception as error:
        raise Broken(f"{what}: {raised(error)}") from error
