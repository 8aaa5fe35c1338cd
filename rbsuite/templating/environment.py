"""The environment that templates are rendered in."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, MutableMapping
from itertools import chain
from typing import Any

from jinja2 import nodes
from jinja2.environment import Template, TemplateModule
from jinja2.exceptions import TemplateNotFound
from jinja2.ext import Extension
from jinja2.lexer import Token, TokenStream
from jinja2.runtime import Context, LoopContext, Undefined
from jinja2.sandbox import SandboxedEnvironment, SandboxedEscapeFormatter, SandboxedFormatter
from jinja2.utils import pass_context
from markupsafe import Markup

from rbsuite.templating.filters import check_call, check_format, check_number, given_to, join, taking_steps
from rbsuite.templating.rewriting import (
    INSERTED,
    compared,
    count_nodes,
    limited,
)
from rbsuite.templating.steps import (
    BUILTIN,
    CALL,
    CHARACTERS,
    MAX_BITS,
    MAX_PARTS,
    MAX_TEXT,
    PLAIN,
    SHORT,
    STEPS,
    Items,
    Keys,
    allow,
    bits_of,
    bounded,
    current_rendering,
    pieces_of,
    showable,
    size_of,
    spend,
    spend_on_key,
    text_of,
    too_long,
    too_much,
    turns_of,
    walk,
)

MAX_TOKENS = 10_000
"""Most names, signs, texts and tags in one template."""

MAX_SOURCE = 5_000_000
"""Most characters of the Python code that one template becomes."""

_NODE = 20
"""What an expression or statement takes once in a rendering, for compiling its template."""

_MISSING = 200
"""What looking for a template takes that does not exist."""

_LOADED = 400
"""How many compiled templates are kept."""

_COMPILED: dict[Hashable, tuple[Any, int]] = {}
"""The code of templates and what they take in a rendering, by their text, their name and what else their code depends on."""

_UNSAFE = ("lipsum",)
_TESTS = {
    "==": "eq",
    "equalto": "eq",
    "!=": "ne",
    ">": "gt",
    "greaterthan": "gt",
    ">=": "gteq",
    "ge": "gteq",
    "<": "lt",
}
_TESTS |= {"lessthan": "lt", "<=": "lteq", "le": "lteq", "eq": "eq", "ne": "ne", "gt": "gt", "lt": "lt", "in": "in"}


class _Short(Extension):
    """Refuses a template of too many parts before it is parsed."""

    def filter_stream(self, stream: TokenStream) -> Iterator[Token]:
        for count, token in enumerate(stream):
            if count > MAX_TOKENS:
                raise too_long()
            yield token


class _Context(Context):
    """A context whose copies take steps."""

    def get_all(self) -> dict[str, Any]:
        if self.vars or len(self.parent) >= CHARACTERS:
            spend((len(self.parent) + len(self.vars)) // 10)
        return super().get_all()

    def derived(self, locals: Any = None) -> Context:
        spend(len(self.blocks) // 4)
        return super().derived(locals)


class _Template(Template):
    """A template whose module, which is what imports it, is no larger than a text may be, and lasts for one rendering."""

    def make_module(self, vars: Any = None, shared: bool = False, locals: Any = None) -> TemplateModule:
        context = self.new_context(vars, shared, locals)
        return TemplateModule(self, context, pieces_of(self.root_render_func(context)))

    def _get_default_module(self, ctx: Context | None = None) -> TemplateModule:
        rendering = current_rendering.get(None)
        if rendering is None or (ctx is not None and ctx.globals_keys - self.globals.keys()):
            return super()._get_default_module(ctx)
        module: Any = rendering[1].get(self.name)
        if module is None:
            module = rendering[1][self.name] = self.make_module()
        spend(len(module._body_stream) // 4)
        return module  # type: ignore[no-any-return]


class LimitedEnvironment(SandboxedEnvironment):
    """The environment. Use :meth:`limited` to render."""

    intercepted_binops = frozenset(["*", "**", "%", "+", "-", "/", "//"])
    context_class = _Context
    template_class = _Template

    def __init__(self, **options: Any) -> None:
        super().__init__(finalize=_finalized, optimized=False, extensions=[_Short], **options)
        self.filters = {name: taking_steps(name, function) for name, function in self.filters.items()}
        self.filters |= {"join": join, **INSERTED}
        self.tests |= {name: _test(name) for name in _TESTS}
        self.tests |= {name: _text_test(self.tests[name]) for name in ("lower", "upper")}
        self.tests |= {name: self._division(self.tests[name]) for name in ("odd", "even", "divisibleby")}
        for name in _UNSAFE:
            self.globals.pop(name, None)
        self._syntax = tuple(item for item in sorted(options.items()) if item[0] not in ("loader", "undefined"))
        self._costs: dict[str, int] = {}
        self._kept: dict[str, Template] = {}

    def add_filter(self, name: str, function: Callable[..., Any]) -> None:
        """Add a filter, which takes steps as the others do."""
        self.filters[name] = taking_steps(name, function)

    def limited(self, name: str, variables: Mapping[str, Any]) -> str:
        """Render a template.

        Raises:
            jinja2.TemplateError: as Jinja2 does; its ``SecurityError`` for a template that does too much.
        """
        token = current_rendering.set([STEPS, {}])
        try:
            return self._load_template(name, None).render(variables)
        except (RecursionError, MemoryError) as error:
            raise too_much("what it calls or uses is nested too deeply, or too large") from error
        finally:
            current_rendering.reset(token)

    def compile(self, source: Any, name: Any = None, filename: Any = None, *rest: Any, **options: Any) -> Any:
        """Compile a template so that it takes steps. What a process has compiled is kept: most environments have the same templates."""
        if not isinstance(source, str) or name is None or rest or options:
            return self._compiled(source, name, filename, *rest, **options)
        key = (source, name, filename, self._syntax, frozenset(self.filters))
        known = _COMPILED.get(key)
        if known is None:
            code = self._compiled(source, name, filename)
            if len(_COMPILED) >= _LOADED:
                _COMPILED.clear()
            known = _COMPILED[key] = code, self._costs[name]
        code, self._costs[name] = known
        return code

    def _compiled(self, source: Any, name: Any, filename: Any, *rest: Any, **options: Any) -> Any:
        try:
            if isinstance(source, str):
                size = len(source)
                source = self.parse(source, name, filename)
                if name is not None:
                    self._costs[name] = _NODE * count_nodes(source) + size // CHARACTERS
                source = limited(source, self)
            return super().compile(source, name, filename, *rest, **options)
        except (RecursionError, MemoryError) as error:
            raise too_long() from error

    def parse(self, source: str, name: str | None = None, filename: str | None = None) -> nodes.Template:
        """Parse a template."""
        try:
            return super().parse(source, name, filename)
        except (RecursionError, MemoryError) as error:
            raise too_long() from error

    def _generate(self, *arguments: Any, **options: Any) -> str:
        generated = super()._generate(*arguments, **options)
        if len(generated) > MAX_SOURCE:
            raise too_long()
        return generated

    def _load_template(self, name: str, globals: Any) -> Template:
        template = self._kept.get(name)
        if template is None:
            try:
                template = super()._load_template(name, globals)
            except TemplateNotFound:
                spend(_MISSING)
                raise
            if len(self._kept) >= _LOADED:
                self._kept.clear()
            self._kept[name] = template
        rendering = current_rendering.get(None)
        if rendering is not None and name not in rendering[1]:
            rendering[1][name] = None
            spend(self._costs[name])
        return template

    def join_path(self, template: str, parent: str) -> str:
        """The name of a template that another one uses."""
        spend(CALL + size_of(template) // CHARACTERS)
        return template

    def make_globals(self, given: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        """The globals of a template: a plain dict, since Jinja2 copies them at every rendering, and its own ``ChainMap`` slowly."""
        return {**self.globals, **(given or {})}

    @staticmethod
    def concat(pieces: Iterable[str]) -> str:
        """The pieces as one text."""
        return "".join(pieces_of(pieces))

    def getattr(self, obj: Any, attribute: str) -> Any:
        """An attribute; a long text takes steps, since a property may make it."""
        value = super().getattr(obj, attribute)
        if isinstance(value, str):
            spend(1 + len(value) // CHARACTERS)
        return value

    def getitem(self, obj: Any, argument: Any) -> Any:
        """A part of a value; filters that go by attributes use it too."""
        spend(1)
        if type(argument) not in PLAIN or (isinstance(argument, int) and argument.bit_length() > 60):
            spend_on_key(obj, argument)
        value = super().getitem(obj, argument)
        if isinstance(value, str) and len(value) >= SHORT:
            spend(len(value) // CHARACTERS)
        return value

    def call_filter(self, *arguments: Any, **options: Any) -> Any:
        """Apply a filter whose name the template gives as a text."""
        spend(1)
        return super().call_filter(*arguments, **options)

    def call_test(self, *arguments: Any, **options: Any) -> Any:
        """Apply a test whose name the template gives as a text."""
        spend(2)
        return super().call_test(*arguments, **options)

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """Compute, unless the result would be too large."""
        spend(1 + (size_of(left) + size_of(right)) // CHARACTERS + (bits_of(left) * bits_of(right) >> 18))
        if operator == "-" and isinstance(left, Keys | Items):
            walk((left, right), hashed=True)
        if operator == "**" and not (isinstance(right, int | float) and abs(right) <= MAX_BITS):
            raise too_much("a power")
        bits = bits_of(left) * max(int(right), 1) if operator == "**" else bits_of(left) + bits_of(right)
        if operator in ("*", "**") and bits > MAX_BITS:
            raise too_much("a product" if operator == "*" else "a power")
        if operator == "**":
            spend(bits * bits >> 21)
        if operator == "*":
            repeated, times = (right, left) if isinstance(left, int) else (left, right)
            if isinstance(times, int) and isinstance(repeated, str | bytes | list | tuple):
                allow(max(len(repeated), 1) * times, MAX_TEXT if isinstance(repeated, str | bytes) else MAX_PARTS)
        if operator == "%" and isinstance(left, str | bytes):
            check_format(left, "%", given_to(right))
        return bounded(super().call_binop(context, operator, left, right))

    def wrap_str_format(self, value: Any) -> Any:
        """What replaces the methods ``format`` and ``format_map`` of a text."""
        if super().wrap_str_format(value) is None:
            return None
        pattern, by_map = value.__self__, value.__name__ == "format_map"

        def checked(*args: Any, **kwargs: Any) -> str:
            if by_map and (kwargs or len(args) != 1):
                raise TypeError(f"format_map() takes exactly one argument ({len(args) + len(kwargs)} given)")
            check_format(pattern, "{", (*args, *kwargs.values(), *(x for one in args for x in given_to(one))))
            formatter: SandboxedFormatter = _LimitedFormatter(self)
            if isinstance(pattern, Markup):
                formatter = _LimitedEscapeFormatter(self, escape=pattern.escape)
            given: tuple[Any, Any] = ((), args[0]) if by_map else (args, kwargs)
            made: str = type(pattern)(formatter.vformat(pattern, *given))
            return made

        return checked

    def call(__self, __context: Any, __obj: Any, *args: Any, **kwargs: Any) -> Any:
        """Call what a template calls."""
        spend(CALL)
        if args or kwargs:
            bounded(args)
            if kwargs:
                bounded([value for name, value in kwargs.items() if name not in ("_loop_vars", "_block_vars")])
        owner = getattr(__obj, "__self__", None)
        if isinstance(owner, BUILTIN):
            args = check_call(owner, getattr(__obj, "__name__", ""), args, kwargs)
        elif type(owner) in PLAIN or isinstance(owner, type):
            check_number(getattr(__obj, "__name__", ""), (*args, *kwargs.values()))
        elif isinstance(__obj, LoopContext):
            args = tuple(map(turns_of, args))
        if __obj is dict or getattr(__obj, "__name__", "") in ("fromkeys", "isdisjoint", "update"):
            args = tuple([*one] if hasattr(one, "__next__") else one for one in args)
            walk(args, hashed=True)
        return bounded(super().call(__context, __obj, *args, **kwargs))

    def _division(self, test: Any) -> Callable[..., Any]:
        """A test that divides, which formats a text."""

        def limited(value: Any, *divisor: Any, **options: Any) -> Any:
            spend(CALL)
            if isinstance(value, str | bytes):
                check_format(value, "%", chain.from_iterable(map(given_to, (2, *divisor, *options.values()))))
            return test(value, *divisor, **options)

        return limited


class _LimitedFormatter(SandboxedFormatter):
    """Counts what it puts into a text."""

    _made = 0

    def format_field(self, value: Any, format_spec: str) -> Any:
        showable(value)
        made = super().format_field(value, format_spec)
        self._made += len(made)
        allow(self._made, MAX_TEXT)
        spend(1 + len(made) // CHARACTERS)
        return made

    def convert_field(self, value: Any, conversion: Any) -> Any:
        if conversion:
            showable(value)
        return super().convert_field(value, conversion)


class _LimitedEscapeFormatter(_LimitedFormatter, SandboxedEscapeFormatter):
    """The same for a text that is marked as safe."""


@pass_context
def _finalized(context: Any, value: Any) -> Any:
    """What a template prints."""
    if (type(value) is str and len(value) < SHORT) or isinstance(value, Undefined):
        return value
    return text_of(value)


def _test(name: str) -> Callable[..., Any]:
    """A test that compares."""

    def limited(value: Any, other: Any) -> Any:
        return compared(None, value, other, _TESTS[name])

    return limited


def _text_test(test: Any) -> Callable[..., Any]:
    """A test of a text."""

    def limited(value: Any) -> Any:
        return test(text_of(value))

    return limited
