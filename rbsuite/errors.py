"""The error tree of rbsuite.

Every error a user can meet derives from :class:`RbsuiteError` and says in one line what was wrong, where, and what to do about it.
The command line prints that line and exits with :attr:`RbsuiteError.exit_code`; it never shows a traceback for one of these.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from types import CoroutineType

from rbsuite.redact import redact

NAMES_SHOWN = 20
"""How many known names a message lists."""

NAMES_LENGTH = 200
"""How much of an unknown name is compared with the known ones: no name is longer."""

LONGEST_TOLD = 2000
"""Characters of what an exception says that are repeated."""

PLUGIN_REMEDY = "Fix the plugin and run the same command again; what was committed is kept."


def in_words(value: object) -> str:
    """A value of the wrong kind, in a few words: ``None``, ``True``, ``an int``.

    A coroutine, which nobody will await, is closed: else Python would warn of it besides.
    """
    if value is None or type(value) is bool:
        return repr(value)
    if type(value) is CoroutineType:
        value.close()
    name = type(value).__name__ or "nameless object"
    return f"{'an' if name[0] in 'aeioAEIO' else 'a'} {name}"


def shortened(text: str, most: int = 100) -> str:
    """A text that a user gave, for a message: whole if it is short, else its beginning. Secrets are masked first: half of one is one."""
    text = redact(text)
    return text if len(text) <= most else f"{text[:most]}..."


class RbsuiteError(Exception):
    """Base of all errors that are part of rbsuite's contract.

    Anything that looks like a secret is masked in both arguments.

    Args:
        message: what was wrong and where, one line.
        remedy: what to do about it, one line; shown after the message.
    """

    exit_code: int = 2
    # A plugin's subclass may leave out our __init__.
    message: str = ""
    remedy: str = ""

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.message = " ".join(redact(str(message)).split())
        self.remedy = " ".join(redact(str(remedy)).split())

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}".strip() or type(self).__name__


def exit_code_of(error: RbsuiteError) -> int:
    """The exit code of a command that ends with an error: :attr:`RbsuiteError.exit_code`, or 2 if that of a plugin's subclass is none."""
    code: object = error.exit_code
    return code if type(code) is int and 0 < code < 256 else RbsuiteError.exit_code


class UsageError(RbsuiteError):
    """An option, name or configuration value that cannot be used."""


class ConfinedError(UsageError):
    """Private data that would leave this machine. None of it has been sent."""


class UnknownNameError(UsageError):
    """A name that nobody provides; the message suggests the nearest known ones, and lists them up to :data:`NAMES_SHOWN`.

    Args:
        kind: what kind of thing it should name.
        name: the name.
        known: all known names.
        lister: the command that shows all of them, mentioned if there are too many for the message.
    """

    def __init__(self, kind: str, name: str, known: Iterable[str], lister: str = "") -> None:
        names = sorted(known)
        near = difflib.get_close_matches(name[:NAMES_LENGTH], names, n=2, cutoff=0.5)
        guess = f"Did you mean {' or '.join(repr(n) for n in near)}?" if near else ""
        listing = f"Known: {', '.join(names[:NAMES_SHOWN])}" if names else "None is installed"
        if len(names) > NAMES_SHOWN:
            listing += f", and {len(names) - NAMES_SHOWN} more" + (f"; `{lister}` shows all" if lister else "")
        super().__init__(f"unknown {kind} {shortened(name)!r}.", f"{guess} {listing}.".strip())


class PluginError(RbsuiteError):
    """A plugin that cannot be loaded, or that breaks the contract of a hook.

    Args:
        message: see :class:`RbsuiteError`.
        remedy: see :class:`RbsuiteError`.
        owner: who is to blame and where, e.g. ``"memory 'x' on task 't'"``; comes before the message. Then nobody else is blamed.
    """

    owner: str = ""

    def __init__(self, message: str, remedy: str = "", *, owner: str = "") -> None:
        super().__init__(f"{owner}: {message}" if owner else message, remedy)
        self.owner = owner

    @classmethod
    def of(cls, owner: str, error: BaseException, remedy: str) -> PluginError:
        """The error for an exception that a plugin's code raised."""
        made = cls(f"{owner} failed: {told(error)}.", remedy)
        made.owner = owner
        return made


def is_mistake(error: BaseException) -> bool:
    """Whether what a plugin's code raised is its own mistake: anything but the suite's errors, Ctrl-C, and a cancellation that somebody
    asked for. The suite itself never raises a plain :class:`RbsuiteError`, only one that says what kind it is."""
    if type(error) is RbsuiteError:
        return True
    if isinstance(error, RbsuiteError | KeyboardInterrupt):
        return False
    if isinstance(error, Exception):
        return True
    from asyncio import CancelledError, current_task

    if not isinstance(error, CancelledError):
        return True
    try:
        task = current_task()
    except RuntimeError:  # no event loop is running
        return True
    return task is None or not task.cancelling()


def is_failure(error: BaseException) -> bool:
    """Whether an error is one of the suite's or a plugin's mistake; anything else ends what is going on."""
    return isinstance(error, RbsuiteError) or is_mistake(error)


def words_of(error: BaseException) -> str:
    """What an exception says; the name of its class if its ``__str__`` fails."""
    try:
        return str(error)
    except BaseException as failure:
        if not is_failure(failure):
            raise
        return type(error).__name__


def told(error: BaseException) -> str:
    """An exception that a plugin's code raised: its class and what it says, shortened if it says very much."""
    name, words = type(error).__name__, shortened(words_of(error), LONGEST_TOLD)
    return name if words in ("", name) else f"{name}: {words}"


class blamed_on:
    """A context for calls of a plugin's code: what it raises is blamed on it, on one line. Errors of this module pass through.

    Args:
        owner: who is to blame, e.g. ``"environment 'x'"``.
        remedy: see :class:`RbsuiteError`.

    Raises:
        PluginError: something else was raised.
    """

    __slots__ = ("_owner", "_remedy")

    def __init__(self, owner: str, remedy: str = PLUGIN_REMEDY) -> None:
        self._owner = owner
        self._remedy = remedy

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if error is not None and is_mistake(error):
            raise PluginError.of(self._owner, error, self._remedy) from error


class DataError(RbsuiteError):
    """Data (a pack, a checkout, a download) that is missing, incomplete or malformed."""


class TemplateError(RbsuiteError):
    """A prompt template that is missing, malformed or lacks a variable."""


class ModelError(RbsuiteError):
    """A model call that failed for good. Ends a rollout as ``model_error``."""


class ModelUnusable(RbsuiteError):
    """A model that no call can reach: no key, no access, no such model. Stops the run, as every further rollout would fail too."""


class EnvironmentFailure(RbsuiteError):
    """An environment that could not go on. Ends a rollout as ``env_error``."""


class ParseFailure(RbsuiteError):
    """A model's reply that its agent cannot read as an action. Ends a rollout as ``parse_errors``."""


class ContextOverflow(RbsuiteError):
    """A conversation that no longer fits the model's context. Ends a rollout as ``context_overflow``."""


class ReplyRefused(RbsuiteError):
    """A reply that the model or its provider withheld. Ends a rollout as ``refused``."""


class BudgetSpent(RbsuiteError):
    """A rollout's limit on money, tokens or calls that is used up. Ends it as ``budget``."""


class LimitReached(RbsuiteError):
    """The experiment's limit on money, tokens, calls or time that is used up. Stops it; with a higher limit it resumes.

    Args:
        message: see :class:`RbsuiteError`.
        option: the option that sets the limit, e.g. ``max-calls``.
    """

    exit_code = 3

    def __init__(self, message: str, option: str = "") -> None:
        super().__init__(message, option and f"Raise --{option} to continue.")


class StoreError(RbsuiteError):
    """An experiment directory that cannot be read, written or resumed."""


class Outage(RbsuiteError):
    """A model that no longer answers any call of a task. Pauses the run before the task is committed; what was committed stays."""

    exit_code = 3


class Interrupted(RbsuiteError):
    """The run was stopped from outside; what was committed stays, and the message says how to resume.

    Args:
        message: see :class:`RbsuiteError`.
        remedy: see :class:`RbsuiteError`.
        exit_code: 128 plus the number of the signal: 130 for Ctrl-C.
    """

    def __init__(self, message: str, remedy: str = "", *, exit_code: int = 130) -> None:
        super().__init__(message, remedy)
        self.exit_code = exit_code
