"""Writes a plugin's distribution from templates, ready to install, test and run."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rbsuite import __version__
from rbsuite.errors import UnknownNameError, UsageError

TEMPLATES = Path(__file__).with_name("templates")
LONGEST_NAME = 40
_NAME = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")


@dataclass(frozen=True, slots=True)
class Template:
    """What can be written.

    Attributes:
        kind: kind of the plugin.
        name: name of the template, if a kind has several.
        summary: the summary in the spec; in lower case, without a full stop.
        parts: (path below the package, what it contains) for the README.
        command: what runs it, after ``rbsuite eval``.
        quiz: whether its tests need an environment of their own.
    """

    kind: str
    name: str
    summary: str
    parts: Sequence[tuple[str, str]]
    command: str
    quiz: bool = True

    @property
    def requires(self) -> Sequence[str]:
        """The distributions that its command needs: that of the environment, if it is not its own."""
        shown = self.command.split()
        environment = shown[shown.index("--env") + 1]
        return [] if environment == "NAME" else [f"rbsuite-{environment}"]

    @property
    def directories(self) -> Sequence[str]:
        """Where its files are, below the directory of templates."""
        own = f"{self.kind}-{self.name}" if self.name else self.kind
        return ("common", own, *(["quiz"] if self.quiz else []))


def _environment(name: str, summary: str, *parts: tuple[str, str]) -> Template:
    shown = (("environment.py", "tasks, episodes, reference solutions"), *parts)
    return Template("environment", name, summary, shown, "--env NAME", quiz=False)


_ELSEWHERE = "--env tau-bench --limit 5"
ALL = (
    _environment(
        "question",
        "questions with one number as the answer",
        ("sample.jsonl", "sample data, written by you"),
        ("prompts/", "the text around a question"),
    ),
    _environment(
        "tools",
        "orders in a small shop, by tools",
        ("sample.json", "sample data, written by you"),
        ("prompts/", "the rules of the shop"),
    ),
    _environment(
        "choice",
        "lamps and switches, by named actions",
        ("sample.json", "sample data, written by you"),
        ("prompts/", "what the agent is told"),
    ),
    _environment("gymnasium", "a Gymnasium environment: the frozen lake"),
    Template(
        "memory",
        "",
        "one lesson from every judged task",
        (("memory.py", "recall and absorb"), ("prompts/", "the prompt that asks for a lesson")),
        f"{_ELSEWHERE} --memory none,NAME",
    ),
    Template(
        "judge",
        "",
        "the model looks for the first mistake",
        (("judge.py", "the judge"), ("prompts/", "what it asks the model")),
        f"{_ELSEWHERE} --judge NAME",
    ),
    Template(
        "agent",
        "",
        "answers in text, and checks its answer first",
        (("agent.py", "the agent"), ("prompts/", "its instructions")),
        "--env aime --limit 5 --agent NAME",
    ),
    Template(
        "embedder",
        "",
        "counts of groups of letters",
        (("embedder.py", "the embedder"),),
        f"{_ELSEWHERE} --embedder NAME",
    ),
    Template(
        "model",
        "",
        "adds the numbers of the last message",
        (("model.py", "the model"),),
        "--env aime --limit 5 --model NAME",
    ),
)
"""Every template, those of a kind together, the default first."""

KINDS = tuple(dict.fromkeys(template.kind for template in ALL))
NAMES = tuple(template.name for template in ALL if template.name)


@dataclass(frozen=True, slots=True)
class Distribution:
    """A distribution to be written.

    Attributes:
        name: what the plugin declares.
        template: what is written.
    """

    name: str
    template: Template

    @property
    def directory(self) -> str:
        """The name of its directory, which is that of the distribution."""
        return f"rbsuite-{self.name}"

    @property
    def package(self) -> str:
        """The name of its package."""
        return self.directory.replace("-", "_")

    @property
    def command(self) -> str:
        """What runs it."""
        return f"rbsuite eval {self.template.command.replace('NAME', self.name)}"

    def files(self) -> Iterator[tuple[str, str]]:
        """The path of every file below the directory, and its text."""
        import jinja2

        summary = self.template.summary
        variables = {
            "name": self.name,
            "field": self.name.replace("-", "_"),
            "kind": self.template.kind,
            "distribution": self.directory,
            "package": self.package,
            "class_name": "".join(part.capitalize() for part in self.name.split("-")),
            "summary": summary,
            "summary_sentence": f"{summary[0].upper()}{summary[1:]}.",
            "parts": [(f"{self.package}/{path}", meaning) for path, meaning in self.template.parts],
            "command": self.command,
            "requires": self.template.requires,
            "version": __version__,
        }
        # The files themselves contain Jinja2's usual delimiters.
        engine = jinja2.Environment(
            block_start_string="[%",
            block_end_string="%]",
            variable_start_string="[[",
            variable_end_string="]]",
            comment_start_string="[#",
            comment_end_string="#]",
            undefined=jinja2.StrictUndefined,
            keep_trailing_newline=True,
            trim_blocks=True,
            autoescape=False,
        )
        for place in self.template.directories:
            for path in sorted((TEMPLATES / place).rglob("*.j2")):
                shown = path.relative_to(TEMPLATES / place).as_posix().removesuffix(".j2")
                shown = (
                    shown.replace("dot_", ".")
                    .replace("PACKAGE", self.package)
                    .replace("test_NAME", f"test_{variables['field']}")
                )
                text = path.read_text(encoding="utf-8")
                yield shown.replace("NAME", self.name), engine.from_string(text).render(variables)

    def write(self, parent: Path) -> Path:
        """Write all of it, or nothing.

        Args:
            parent: the directory in which it gets one of its own.

        Returns:
            its directory.

        Raises:
            UsageError: the directory exists, or cannot be written.
        """
        target = parent / self.directory
        if target.exists() or target.is_symlink():
            raise UsageError(f"{target} already exists.", "Choose another name, or remove it.")
        try:
            parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=parent, prefix=f".{self.directory}-") as place:
                made = Path(place) / self.directory
                for path, text in self.files():
                    (made / path).parent.mkdir(parents=True, exist_ok=True)
                    (made / path).write_text(text, encoding="utf-8")
                made.rename(target)
        except OSError as error:
            raise UsageError(
                f"{target} cannot be written: {error.strerror or error}.", "Name another --into."
            ) from None
        return target


def plan_distribution(name: str, kind: str, template: str = "", taken: Mapping[str, str] | None = None) -> Distribution:
    """The distribution of a plugin.

    Args:
        name: what the plugin declares: lower case, words joined by ``-``.
        kind: kind of the plugin.
        template: which template, if the kind has several; ``""``: its first.
        taken: names of that kind that are already declared, with who declares them.

    Raises:
        UsageError: the name cannot be used, or the kind has no such template.
        UnknownNameError: no such kind or template.
    """
    if name.startswith("rbsuite"):
        shown = name.removeprefix("rbsuite").lstrip("-_") or "my-memory"
        raise UsageError(f"the name {name!r} begins with rbsuite, which is added anyway.", f"Write {shown}.")
    if not _NAME.fullmatch(name) or len(name) > LONGEST_NAME:
        raise UsageError(
            f"{name!r} cannot be the name of a plugin.",
            f"Use lower-case letters, digits and single hyphens, a letter first, at most {LONGEST_NAME} characters.",
        )
    fitting = {one.name: one for one in ALL if one.kind == kind}
    if not fitting:
        raise UnknownNameError("kind", kind, KINDS)
    if template and "" in fitting:
        raise UsageError(f"a plugin of kind {kind} has one template only.", "Leave --template out.")
    if template and template not in fitting:
        raise UnknownNameError("template", template, fitting)
    if owner := (taken or {}).get(name, ""):
        raise UsageError(f"the {kind} name {name!r} is taken: {owner} declares it.", "Choose another name.")
    return Distribution(name, fitting[template] if template else next(iter(fitting.values())))


__all__ = ["ALL", "KINDS", "NAMES", "Distribution", "Template", "plan_distribution"]
