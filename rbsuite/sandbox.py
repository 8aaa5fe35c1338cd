"""A Jinja2 sandbox in which a template can neither run forever nor use up the memory.

Jinja2's own sandbox keeps templates away from the interpreter and bounds ``range``. Here each rendering has :data:`STEPS`, and everything
takes some, in proportion to its work: an iteration of a loop, by the length of its body; a call, a filter, an include; a comparison, a
search, a slice; every :data:`CHARACTERS` characters that are handled. What makes much out of little (powers, products, repetition, padding,
formats) is refused before it is computed. The counts depend only on the templates and their variables: nothing is computed while a template
is compiled, and a template takes the same whether or not it is compiled already.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping, Sequence
from contextvars import ContextVar
from functools import wraps
from itertools import chain
from typing import Any

from jinja2 import nodes
from jinja2.environment import Template, TemplateModule
from jinja2.exceptions import SecurityError, TemplateNotFound
from jinja2.ext import Extension
from jinja2.lexer import Token, TokenStream
from jinja2.runtime import Context, LoopContext, Undefined
from jinja2.sandbox import SandboxedEnvironment, SandboxedEscapeFormatter, SandboxedFormatter
from jinja2.utils import Namespace, pass_context
from jinja2.visitor import NodeTransformer
from markupsafe import Markup

STEPS = 1_000_000
"""How many steps one rendering may take; about a second."""

CHARACTERS = 100
"""How many characters count as one step."""

CALL = 10
"""What a call or a filter takes, in steps; an iteration of a loop takes one."""

MAX_TEXT = 10_000_000
"""Most characters of a text that a template makes, its result included."""

MAX_PARTS = 100_000
"""Most parts of a list or mapping that a template makes, at all depths."""

MAX_BITS = 10_000
"""Largest size of a whole number."""

MAX_ARGUMENT = 1_000_000
"""Largest number that may be given to a filter or a method of a text."""

MAX_TOKENS = 10_000
"""Most names, signs, texts and tags in one template."""

MAX_SOURCE = 5_000_000
"""Most characters of the Python code that one template becomes."""

_NODE = 20
"""What an expression or statement takes once in a rendering, for compiling its template."""

_MISSING = 200
"""What looking for a template takes that does not exist."""

_BODY = 64
"""A body with fewer expressions and statements takes nothing of its own: what enters it takes as much."""

_LOADED = 400
"""How many compiled templates are kept."""

_SHORT = CALL * CHARACTERS
"""Texts below this length take no steps of their own: whatever makes one takes as many."""


_rendering: ContextVar[list[Any]] = ContextVar(
    "a rendering: the steps that are left, and the modules of the templates that it has loaded"
)
_WIDE = re.compile(r"\d{5}|\*|\{[^{}]*\{")
_WORD = re.compile(r"\S{100,}")
_MULTIPLY = frozenset(["indent", "center", "ljust", "rjust", "zfill", "expandtabs"])
_FORWARDS = frozenset(["find", "index", "count", "replace", "split", "partition", "in"])
_BACKWARDS = frozenset(["rfind", "rindex", "rsplit", "rpartition", "strip", "lstrip", "rstrip", "trim"])
_CODECS = frozenset(["utf-8", "utf8", "utf_8", "ascii", "latin-1", "latin1", "iso-8859-1", "utf-16", "utf-32"])
_UNSAFE = ("lipsum",)

_SLOW = {
    "title": 20,
    "urlencode": 20,
    "wordwrap": 20,
    "urlize": 200,
    "pprint": 20,
    "xmlattr": 20,
    "wordcount": 10,
    "tojson": 5,
}
_SLOW |= {"striptags": 5, "sort": 20, "dictsort": 20, "groupby": 20, "unique": 5, "min": 5, "max": 5}
"""How many times more than other filters some take."""

_OF_PARTS = frozenset(
    ["batch", "dictsort", "groupby", "items", "join", "list", "map", "max", "min", "reject", "rejectattr"]
)
_OF_PARTS |= {"reverse", "select", "selectattr", "slice", "sort", "sum", "unique"}
"""Filters that go through the parts of a value, also if it is a text."""

_OF_NONE = frozenset(["attr", "count", "d", "default", "first", "last", "length", "random"])
"""Filters that neither go through the parts nor make a text of them."""

_AT_ONCE = frozenset(["dictsort", "groupby", "list", "max", "min", "slice", "sort", "sum", "unique", "urlencode"])
"""Filters that go through an iterator at once."""

_OPERATORS: Mapping[str, Callable[[Any, Any], Any]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "gt": operator.gt,
    "gteq": operator.ge,
    "lt": operator.lt,
    "lteq": operator.le,
    "in": lambda one, other: one in other,
    "notin": lambda one, other: one not in other,
}
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
_NONE: dict[Any, Any] = {}
_Keys, _Values, _Items = type(_NONE.keys()), type(_NONE.values()), type(_NONE.items())
_BUILTIN = (str, bytes, list, tuple, dict, set, frozenset, range, _Keys, _Values, _Items)
_WALKED = (*_BUILTIN, Namespace)
_PLAIN = frozenset([int, float, bool, type(None)])


class _Short(Extension):
    """Refuses a template of too many parts before it is parsed."""

    def filter_stream(self, stream: TokenStream) -> Iterator[Token]:
        for count, token in enumerate(stream):
            if count > MAX_TOKENS:
                raise _too_long()
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
        return TemplateModule(self, context, _pieces(self.root_render_func(context)))

    def _get_default_module(self, ctx: Context | None = None) -> TemplateModule:
        rendering = _rendering.get(None)
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
        self.filters = {name: _checked(name, function) for name, function in self.filters.items()}
        self.filters |= {"join": _join, "_spent": _spent, "_turns": _turns, "_bounded": _bounded, "_keys": _keys}
        self.filters |= {"_joined": _joined, "_sliced": _sliced, "_compared": _compared, "_weighed": _weighed}
        self.tests |= {name: _test(name) for name in _TESTS}
        self.tests |= {name: _text_test(self.tests[name]) for name in ("lower", "upper")}
        self.tests |= {name: self._division(self.tests[name]) for name in ("odd", "even", "divisibleby")}
        for name in _UNSAFE:
            self.globals.pop(name, None)
        self._costs: dict[str, int] = {}
        self._kept: dict[str, Template] = {}

    def add_filter(self, name: str, function: Callable[..., Any]) -> None:
        """Add a filter, which takes steps as the others do."""
        self.filters[name] = _checked(name, function)

    def limited(self, name: str, variables: Mapping[str, Any]) -> str:
        """Render a template.

        Raises:
            jinja2.TemplateError: as Jinja2 does; its ``SecurityError`` for a template that does too much.
        """
        token = _rendering.set([STEPS, {}])
        try:
            return self._load_template(name, None).render(variables)
        except (RecursionError, MemoryError) as error:
            raise _too_much("what it calls or uses is nested too deeply, or too large") from error
        finally:
            _rendering.reset(token)

    def compile(self, source: Any, name: Any = None, filename: Any = None, *rest: Any, **options: Any) -> Any:
        """Compile a template so that it takes steps."""
        try:
            if isinstance(source, str):
                size = len(source)
                source = self.parse(source, name, filename)
                if name is not None:
                    self._costs[name] = _NODE * _count(source) + size // CHARACTERS
                source = _Limits(self).visit(source)
            return super().compile(source, name, filename, *rest, **options)
        except (RecursionError, MemoryError) as error:
            raise _too_long() from error

    def parse(self, source: str, name: str | None = None, filename: str | None = None) -> nodes.Template:
        """Parse a template."""
        try:
            return super().parse(source, name, filename)
        except (RecursionError, MemoryError) as error:
            raise _too_long() from error

    def _generate(self, *arguments: Any, **options: Any) -> str:
        generated = super()._generate(*arguments, **options)
        if len(generated) > MAX_SOURCE:
            raise _too_long()
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
        rendering = _rendering.get(None)
        if rendering is not None and name not in rendering[1]:
            rendering[1][name] = None
            spend(self._costs[name])
        return template

    def join_path(self, template: str, parent: str) -> str:
        """The name of a template that another one uses."""
        spend(CALL + _size(template) // CHARACTERS)
        return template

    def make_globals(self, given: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        """The globals of a template: a plain dict, since Jinja2 copies them at every rendering, and its own ``ChainMap`` slowly."""
        return {**self.globals, **(given or {})}

    @staticmethod
    def concat(pieces: Iterable[str]) -> str:
        """The pieces as one text."""
        return "".join(_pieces(pieces))

    def getattr(self, obj: Any, attribute: str) -> Any:
        """An attribute; a long text takes steps, since a property may make it."""
        value = super().getattr(obj, attribute)
        if isinstance(value, str):
            spend(1 + len(value) // CHARACTERS)
        return value

    def getitem(self, obj: Any, argument: Any) -> Any:
        """A part of a value; filters that go by attributes use it too."""
        spend(1)
        if type(argument) not in _PLAIN or (isinstance(argument, int) and argument.bit_length() > 60):
            _keyed(obj, argument)
        value = super().getitem(obj, argument)
        if isinstance(value, str) and len(value) >= _SHORT:
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
        spend(1 + (_size(left) + _size(right)) // CHARACTERS + (_bits(left) * _bits(right) >> 20))
        if operator == "-" and isinstance(left, _Keys | _Items):
            _walk((left, right), hashed=True)
        if operator == "**" and not (isinstance(right, int | float) and abs(right) <= MAX_BITS):
            raise _too_much("a power")
        bits = _bits(left) * max(int(right), 1) if operator == "**" else _bits(left) + _bits(right)
        if operator in ("*", "**") and bits > MAX_BITS:
            raise _too_much("a product" if operator == "*" else "a power")
        if operator == "**":
            spend(bits * bits >> 23)
        if operator == "*":
            repeated, times = (right, left) if isinstance(left, int) else (left, right)
            if isinstance(times, int) and isinstance(repeated, str | bytes | list | tuple):
                _allow(max(len(repeated), 1) * times, MAX_TEXT if isinstance(repeated, str | bytes) else MAX_PARTS)
        if operator == "%" and isinstance(left, str | bytes):
            _check_format(left, "%", _given(right))
        return _bounded(super().call_binop(context, operator, left, right))

    def wrap_str_format(self, value: Any) -> Any:
        """What replaces the methods ``format`` and ``format_map`` of a text."""
        if super().wrap_str_format(value) is None:
            return None
        pattern, by_map = value.__self__, value.__name__ == "format_map"

        def checked(*args: Any, **kwargs: Any) -> str:
            if by_map and (kwargs or len(args) != 1):
                raise TypeError(f"format_map() takes exactly one argument ({len(args) + len(kwargs)} given)")
            _check_format(pattern, "{", (*args, *kwargs.values(), *(x for one in args for x in _given(one))))
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
            _bounded(args)
            if kwargs:
                _bounded([value for name, value in kwargs.items() if name not in ("_loop_vars", "_block_vars")])
        owner = getattr(__obj, "__self__", None)
        if isinstance(owner, _BUILTIN):
            args = _check_call(owner, getattr(__obj, "__name__", ""), args, kwargs)
        elif isinstance(__obj, LoopContext):
            args = tuple(map(_turns_of, args))
        if __obj is dict or getattr(__obj, "__name__", "") in ("fromkeys", "isdisjoint", "update"):
            args = tuple([*one] if hasattr(one, "__next__") else one for one in args)
            _walk(args, hashed=True)
        return _bounded(super().call(__context, __obj, *args, **kwargs))

    def _division(self, test: Any) -> Callable[..., Any]:
        """A test that divides, which formats a text."""

        def limited(value: Any, *divisor: Any, **options: Any) -> Any:
            spend(CALL)
            if isinstance(value, str | bytes):
                _check_format(value, "%", chain.from_iterable(map(_given, (2, *divisor, *options.values()))))
            return test(value, *divisor, **options)

        return limited


class _LimitedFormatter(SandboxedFormatter):
    """Counts what it puts into a text."""

    _made = 0

    def format_field(self, value: Any, format_spec: str) -> Any:
        _shown(value)
        made = super().format_field(value, format_spec)
        self._made += len(made)
        _allow(self._made, MAX_TEXT)
        spend(1 + len(made) // CHARACTERS)
        return made

    def convert_field(self, value: Any, conversion: Any) -> Any:
        if conversion:
            _shown(value)
        return super().convert_field(value, conversion)


class _LimitedEscapeFormatter(_LimitedFormatter, SandboxedEscapeFormatter):
    """The same for a text that is marked as safe."""


class _Limits(NodeTransformer):
    """Puts limits into a parsed template."""

    def __init__(self, environment: LimitedEnvironment) -> None:
        self._environment = environment

    def visit_For(self, node: nodes.For) -> nodes.For:
        turn = 1 + (_count(*node.body) + (_count(node.test) if node.test else 0)) // 4
        found: nodes.For = self.generic_visit(node)  # type: ignore[assignment]
        found.iter = self._filtered(found.iter, "_turns", nodes.Const(turn))
        if node.recursive:  # its later levels are calls
            found.body.insert(0, self._spending(turn, node.lineno))
        return found

    def visit_Template(self, node: nodes.Template) -> nodes.Node:
        return self._with_body(node)

    def visit_Block(self, node: nodes.Block) -> nodes.Node:
        return self._with_body(node)

    def visit_Macro(self, node: nodes.Macro) -> nodes.Node:
        return self._with_body(node)

    def visit_CallBlock(self, node: nodes.CallBlock) -> nodes.Node:
        return self._with_body(node)

    def visit_Concat(self, node: nodes.Concat) -> nodes.Expr:
        found: nodes.Concat = self.generic_visit(node)  # type: ignore[assignment]
        return self._filtered(found.nodes[0], "_joined", *found.nodes[1:])

    def visit_Compare(self, node: nodes.Compare) -> nodes.Expr:
        found: nodes.Compare = self.generic_visit(node)  # type: ignore[assignment]
        if len(found.ops) == 1:
            return self._filtered(found.expr, "_compared", found.ops[0].expr, nodes.Const(found.ops[0].op))
        found.expr = self._filtered(found.expr, "_weighed")
        for one in found.ops:
            one.expr = self._filtered(one.expr, "_weighed")
        return found

    def visit_Getitem(self, node: nodes.Getitem) -> nodes.Expr:
        found: nodes.Getitem = self.generic_visit(node)  # type: ignore[assignment]
        if not isinstance(found.arg, nodes.Slice):
            return found
        bounds = (found.arg.start, found.arg.stop, found.arg.step)
        return self._filtered(found.node, "_sliced", *(nodes.Const(None) if one is None else one for one in bounds))

    def visit_List(self, node: nodes.List) -> nodes.Expr:
        return self._filtered(self.generic_visit(node), "_bounded")

    def visit_Dict(self, node: nodes.Dict) -> nodes.Expr:
        return self._filtered(self.generic_visit(node), "_keys")

    def visit_Tuple(self, node: nodes.Tuple) -> nodes.Node:
        found: nodes.Tuple = self.generic_visit(node)  # type: ignore[assignment]
        return found if found.ctx == "store" else self._filtered(found, "_bounded")

    def _with_body(self, node: nodes.Template | nodes.Block | nodes.Macro | nodes.CallBlock) -> nodes.Node:
        count = _count(*node.body)
        self.generic_visit(node)
        if count >= _BODY:
            node.body.insert(0, self._spending(count // 4, node.lineno))
        return node

    def _spending(self, steps: int, line: int) -> nodes.ExprStmt:
        return nodes.ExprStmt(self._filtered(nodes.Const(steps, lineno=line), "_spent"), lineno=line)

    def _filtered(self, node: nodes.Node, name: str, *arguments: nodes.Expr) -> nodes.Filter:
        made = nodes.Filter(node, name, list(arguments), [], None, None, lineno=node.lineno)
        made.environment = self._environment
        for one in arguments:
            one.set_environment(self._environment)
        return made


def _count(*parts: nodes.Node) -> int:
    """The nodes of a template, without the bodies that count for themselves."""
    count, waiting = 0, list(parts)
    while waiting:
        node = waiting.pop()
        count += 1
        own = isinstance(node, nodes.For | nodes.Macro | nodes.CallBlock)
        waiting.extend(node.iter_child_nodes(exclude=("body", "test") if own else None))
    return count


def spend(steps: int) -> None:
    """Take steps from the current rendering.

    Raises:
        SecurityError: not enough are left.
    """
    rendering = _rendering.get(None)
    if rendering is not None:
        rendering[0] -= steps
        if rendering[0] < 0:
            raise _too_much(f"more than {STEPS:,} steps")


def _too_much(what: str) -> SecurityError:
    return SecurityError(f"it does too much: {what}")


def _too_long() -> SecurityError:
    return SecurityError("it is too long, or nested too deeply")


def _allow(size: int, most: int) -> None:
    if size > most:
        raise _too_much(f"something of {size:.3g} characters or parts")


def _bits(value: Any) -> int:
    return value.bit_length() if isinstance(value, int) else 0


def _size(value: Any) -> int:
    """Characters of a text, or parts of something else; 0 for what has no size."""
    return len(value) if isinstance(value, _BUILTIN) else 0


def _pieces(pieces: Iterable[str]) -> list[str]:
    """The pieces of a text, if it is not too long."""
    made, size = [], 0
    for piece in pieces:
        size += len(piece)
        if size > MAX_TEXT:
            raise _too_much(f"a text of more than {MAX_TEXT:,} characters")
        made.append(piece)
    if size >= _SHORT:
        spend(size // CHARACTERS)
    return made


def _bounded(value: Any) -> Any:
    """A value, if it is not too large as a whole: what it contains several times counts several times."""
    if (type(value) is str and len(value) < _SHORT) or type(value) in (bool, float):
        return value
    if isinstance(value, str | bytes):
        spend(len(value) // CHARACTERS)
        _allow(len(value), MAX_TEXT)
    elif isinstance(value, int):
        _allow(_bits(value), MAX_BITS)
    elif value is not None:
        _walk(value)
    return value


def _shown(value: Any) -> Any:
    """A value, if it is not too large to be made a text."""
    if isinstance(value, str | bytes | int | float):
        return _bounded(value)
    _walk(value, shown=True)
    return value


def _walk(value: Any, shown: bool = False, hashed: bool = False) -> tuple[int, int]:
    """Take steps for the parts of a value at all depths.

    Args:
        value: any value; one that is no list, mapping or the like has no parts.
        shown: whether its parts are made a text, so that the texts of other objects count too.
        hashed: whether they become keys, so that those count more that can be chosen to stand all in one place.

    Returns:
        how many parts there are, and how many characters.
    """
    parts = characters = large = 0
    waiting = [value]
    while waiting:
        one = waiting.pop()
        children: Iterable[Any]
        if isinstance(one, list | tuple | set | frozenset | _Keys | _Values | range):
            parts += len(one)
            children = () if isinstance(one, range) else one
        elif isinstance(one, dict):
            parts += 2 * len(one)
            children = chain(one, one.values())
        elif isinstance(one, _Items):
            parts += 3 * len(one)
            children = chain.from_iterable(one)
        elif isinstance(one, Namespace):
            children = (object.__getattribute__(one, "_Namespace__attrs"),)
        else:
            if shown and one is not value and not isinstance(one, Undefined):
                characters += len(repr(one))
                _allow(characters, MAX_TEXT)
            continue
        _allow(parts, MAX_PARTS)
        for child in children:
            kind = type(child)
            if kind is str:
                characters += len(child)
            elif kind is int:
                bits = child.bit_length()
                if bits > 32 or (child < 0 and type(one) is tuple):
                    characters += bits
                    large += bits > 60 or type(one) is tuple
            elif kind in _PLAIN:
                pass
            elif isinstance(child, str | bytes):
                characters += len(child)
            elif shown or isinstance(
                child, list | tuple | dict | set | frozenset | _Keys | _Items | _Values | Namespace
            ):
                waiting.append(child)
                parts += 1
        _allow(characters, MAX_TEXT)
    spend(2 + parts // 10 + characters // CHARACTERS + (large * large // 20 if hashed else 0))
    return parts, characters


def _text(value: Any) -> str:
    """A value as a text."""
    if isinstance(value, str):
        _bounded(value)
        return str(value)
    if isinstance(value, int):
        _allow(_bits(value), MAX_BITS)
    elif isinstance(value, _WALKED):
        _walk(value, shown=True)
    text = str(value)
    spend(1 + len(text) // CHARACTERS)
    _allow(len(text), MAX_TEXT)
    return text


def _keys(value: Any) -> Any:
    """A mapping that a template writes out."""
    _walk(value, hashed=True)
    return value


@pass_context
def _finalized(context: Any, value: Any) -> Any:
    """What a template prints."""
    if (type(value) is str and len(value) < _SHORT) or isinstance(value, Undefined):
        return value
    return _text(value)


@pass_context
def _spent(context: Any, steps: int) -> None:
    """Takes the steps of a body."""
    spend(abs(steps))


@pass_context
def _turns(context: Any, value: Any, turn: int) -> Any:
    """What a loop iterates over."""
    turn = max(turn, 1)
    if isinstance(value, _BUILTIN):
        spend(len(value) * turn)
        return value
    return _counted(value, turn)


def _turns_of(value: Any) -> Any:
    return value if isinstance(value, _BUILTIN) else _counted(value)


def _counted(values: Iterable[Any], turn: int = 1) -> Iterator[Any]:
    for value in values:
        spend(turn)
        yield value


@pass_context
def _joined(context: Any, *values: Any) -> str:
    """The texts of values, one after the other."""
    return "".join(_pieces(map(_text, values)))


@pass_context
def _sliced(context: Any, value: Any, start: Any, stop: Any, step: Any) -> Any:
    """A part of a value."""
    part = value[start:stop:step]
    spend(1 + _size(part) // (CHARACTERS if isinstance(part, str | bytes) else 10))
    return part


@pass_context
def _compared(context: Any, left: Any, right: Any, how: str) -> Any:
    """Whether a comparison holds."""
    if how in ("in", "notin"):
        _sought(left, right)
    elif type(left) not in _PLAIN and type(right) not in _PLAIN:
        same = how in ("eq", "ne")
        if isinstance(left, str | bytes):
            if isinstance(right, str | bytes) and (not same or len(left) == len(right)):
                spend(min(len(left), len(right)) // CHARACTERS)
        elif not (same and (isinstance(right, str | bytes) or _differ(left, right))):
            _walk(left)
            _walk(right)
    return _OPERATORS[how](left, right)


def _differ(left: Any, right: Any) -> bool:
    """Whether two lists or mappings differ in length."""
    return isinstance(left, list | tuple | dict) and isinstance(right, list | tuple | dict) and len(left) != len(right)


@pass_context
def _weighed(context: Any, value: Any) -> Any:
    """A value in a chain of comparisons, each of which may be a search."""
    if isinstance(value, str | bytes):
        spend(len(value) // CHARACTERS)
    elif type(value) not in _PLAIN:
        _walk(value)
    return value


def _sought(part: Any, whole: Any) -> None:
    """Take steps for looking for something in something else."""
    if isinstance(whole, str | bytes):
        if isinstance(part, str | bytes):
            spend(_search(len(whole), len(part)))
    elif isinstance(whole, range) and isinstance(part, int):
        pass
    elif isinstance(whole, dict | set | frozenset | _Keys | _Items):
        _keyed(whole, part)
    else:
        spend(_size(whole) // 10)
        if type(part) not in _PLAIN and not (isinstance(part, str) and len(part) < _SHORT):
            _walk(whole)
            _bounded(part)


def _keyed(whole: Any, key: Any) -> None:
    """Take steps for a key, which may be long, or chosen to stand in the place of others."""
    if isinstance(key, str | bytes):
        spend(len(key) // CHARACTERS)
        return
    _walk((key,))
    if _chosen(key):
        spend(_size(whole) // 5)


def _chosen(key: Any) -> bool:
    """Whether a key may be chosen to stand in the place of others: a large whole number, or a tuple of other things than texts."""
    if isinstance(key, tuple):
        return not all(type(one) is str or (type(one) is int and 0 <= one < 2**32) for one in key)
    return _bits(key) > 60 or isinstance(key, frozenset)


def _search(size: int, sought: int, backwards: bool = False) -> int:
    """The steps of a search in a text, at the worst: a long text is searched in proportion to its length, but not backwards."""
    tries = sought if backwards or size < 2500 else min(sought, 100 if size < 30_000 else 8)
    return size // CHARACTERS + size * max(tries - 1, 0) // 1000


def _given(value: Any) -> Iterable[Any]:
    """The values in the one argument that a format is given."""
    return value.values() if isinstance(value, dict) else value if isinstance(value, tuple) else (value,)


def _check_format(pattern: Any, sign: str, values: Iterable[Any]) -> None:
    """Refuse a format that pads to a large width, or repeats what is long."""
    if isinstance(pattern, bytes):
        pattern = pattern.decode("latin-1")
    if _WIDE.search(pattern):
        raise _too_much("a format")
    times = pattern.count(sign)
    spend(CALL + 2 * times + len(pattern) // CHARACTERS)
    if times:
        _allow(times * max(map(_length, values), default=0), 10 * MAX_TEXT)


def _length(value: Any) -> int:
    """About how long the text of a value is."""
    if isinstance(value, str | bytes):
        return len(value)
    if isinstance(value, Undefined) or type(value) in _PLAIN:
        return _bits(value) // 3
    if isinstance(value, _BUILTIN):
        parts, characters = _walk(value, shown=True)
        return 4 * parts + characters
    return len(_text(value))


def _check_call(owner: Any, name: str, arguments: tuple[Any, ...], options: Mapping[str, Any]) -> tuple[Any, ...]:
    """Take steps for a method of a text, list or the like, and refuse one that would make much out of little.

    Returns:
        the arguments to give it.
    """
    size = _size(owner)
    if isinstance(owner, str | bytes):
        if name == "join":
            arguments = tuple(_bounded([*_turns_of(one)]) if hasattr(one, "__next__") else one for one in arguments)
        spend(size // CHARACTERS)
        given = (*arguments, *options.values())
        longest = max((len(one) for one in given if isinstance(one, str | bytes)), default=0)
        if name in ("encode", "decode"):
            encoding = next((str(one).lower() for one in (*arguments[:1], *(options.get("encoding"),)) if one), "utf-8")
            if encoding not in _CODECS:
                spend(size * size // 10)
            if len(given) > 1:
                _allow(100 * size, 10 * MAX_TEXT)
        elif name in ("startswith", "endswith", "removeprefix", "removesuffix"):
            spend(longest // CHARACTERS)
        elif name in _FORWARDS:
            spend(_search(size, longest))
        elif name in _BACKWARDS:
            spend(_search(size, longest, backwards=True))
        elif name == "striptags":
            spend(size * 5 // CHARACTERS + size * owner.count("<") // 2000 if isinstance(owner, str) else 0)
        elif name == "title":
            spend(size * 2 // CHARACTERS)
    elif isinstance(owner, list | range):
        if name in ("pop", "insert", "append", "extend"):
            spend(size // 500)
        elif name == "sort":
            spend(size * (CALL if options.get("key") else 2))
            _walk(owner)
        else:
            for one in arguments:
                _sought(one, owner)
            spend(size // 10)
    elif isinstance(owner, dict):
        if name not in ("get", "setdefault", "pop", "popitem", "keys", "values", "items", "update"):
            spend(size // 5)
        for one in arguments[:1]:
            if isinstance(one, dict):
                if any(map(_chosen, one)):
                    spend(len(one) * size // 5)
            elif type(one) not in _PLAIN or _bits(one) > 60:
                _keyed(owner, one)
                if isinstance(one, Sequence) and not isinstance(one, str):
                    _walk(one, hashed=True)
                    spend(
                        len(one) * size // 5 if name == "update" and any(map(_chosen, chain.from_iterable(one))) else 0
                    )
    else:
        spend(size // 5)
    _check_method(owner, name, (*arguments, *options.values()))
    return arguments


def _check_method(value: Any, name: str, arguments: tuple[Any, ...]) -> None:
    """Refuse a method or filter that would make much out of little."""
    numbers = [abs(one) for one in arguments if isinstance(one, int)]
    if name == "format":  # the filter; methods of that name do not get here
        return _check_format(str(value), "%", (*arguments, *(x for one in arguments for x in _given(one))))
    if any(number > (1000 if name == "round" else MAX_ARGUMENT) for number in numbers):
        raise _too_much(f"{name} with {'a large number' if max(numbers) > 10**300 else f'{max(numbers):.3g}'}")
    size, longest = _size(value), max((len(one) for one in arguments if isinstance(one, str | bytes)), default=0)
    if name in _MULTIPLY:
        _allow((size + 1) * max([longest, *numbers]), 10 * MAX_TEXT)
    if name in ("replace", "join", "translate", "wordwrap", "urlize"):
        # The method joins its argument with the text; the filter is given the text as its argument.
        parts = max((_size(one) for one in arguments if not isinstance(one, str)), default=size)
        _allow(
            (max(size, parts) + 1) * max(longest, size if name == "join" and isinstance(value, str) else 1),
            10 * MAX_TEXT,
        )
        if name == "translate":
            raise _too_much("translate")


def _checked(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """A filter that takes steps and may not do too much; a filter that is passed Jinja2's context first still gets it first."""
    place = 1 if hasattr(function, "jinja_pass_arg") else 0
    makes_text = name not in _OF_PARTS and name not in _OF_NONE
    more = _SLOW.get(name, 1) - 1

    @wraps(function)
    def limited(*arguments: Any, **options: Any) -> Any:
        value, given = arguments[place], (*arguments[place + 1 :], *options.values())
        spend(CALL)
        if name in _AT_ONCE and hasattr(value, "__next__"):
            value = [*_counted(value)]
            arguments = (*arguments[:place], value, *arguments[place + 1 :])
        if given and not all(type(one) in _PLAIN or (type(one) is str and len(one) < _SHORT) for one in given):
            _walk(given)
        if isinstance(value, str | bytes):
            size = len(value)
            _bounded(value)
            if name in _OF_PARTS:
                spend(size)
            else:
                if more:
                    spend(size * more // CHARACTERS)
                if makes_text and size >= CHARACTERS:
                    _check_text(name, str(value), given, options)
        elif type(value) not in _PLAIN and not isinstance(value, Undefined):
            parts, characters = _walk(value, shown=makes_text, hashed=name == "unique")
            spend(more * (parts // 10 + characters // CHARACTERS))
            if name == "pprint":
                spend(parts * _depth(value) // 10)
            if makes_text and not isinstance(value, _BUILTIN):
                spend(more * len(_text(value)) // CHARACTERS)
        else:
            _bounded(value)
        _check_method(value, name, given)
        if name == "sum" and any(isinstance(one, list | tuple) for one in given):
            arguments = (*arguments[:place], _sum_steps(value), *arguments[place + 1 :])
        made = function(*arguments, **options)
        return _counted(made) if hasattr(made, "__next__") else _bounded(made)

    return limited


def _check_text(name: str, text: str, given: Sequence[Any], options: Mapping[str, Any]) -> None:
    """Take more steps for the filters whose work grows faster than a text."""
    longest = max((len(one) for one in given if isinstance(one, str | bytes)), default=0)
    if name in ("wordwrap", "urlize"):
        words = sum(len(word) ** 2 for word in _WORD.findall(text))
        if name == "urlize":
            spend(words // CHARACTERS)
            spend(len(text) * sum(map(_size, (one for one in given if not isinstance(one, str)))) // 10)
        else:
            width = next((one for one in (*given[:1], options.get("width")) if isinstance(one, int)), 79)
            spend(words // (1000 * max(width, 1)))
    elif name == "replace":
        spend(
            _search(
                len(text),
                max((len(one) for one in (*given[:1], options.get("old")) if isinstance(one, str)), default=0),
            )
        )
    elif name == "trim":
        spend(_search(len(text), longest, backwards=True))
    elif name == "striptags":
        spend(len(text) * text.count("<") // 2000)


def _depth(value: Any) -> int:
    """How deeply lists and mappings are nested; the value is not too large."""
    depth, level = 0, [value]
    while level:
        depth += 1
        level = (
            [
                child
                for one in level
                for child in (one.values() if isinstance(one, dict) else one)
                if isinstance(child, list | tuple | dict | set)
            ]
            if depth or isinstance(value, list | tuple | dict | set)
            else []
        )
    return depth


def _sum_steps(values: Iterable[Any]) -> Iterator[Any]:
    """Values to add up, each of which takes steps for the list or tuple that is copied to add it."""
    size = 0
    for value in values:
        size += sum(map(_size, value.values() if isinstance(value, dict) else (value,)))
        _allow(size, MAX_PARTS)
        spend(1 + size // 1000)
        yield value


@pass_context
def _join(context: Any, value: Any, d: Any = "", attribute: Any = None) -> str:
    """The texts of a list with another between them."""
    spend(CALL + _size(value) // CHARACTERS)
    between = _text(d)
    if attribute is not None:
        value = context.environment.call_filter("map", value, [], {"attribute": attribute}, context)
    pieces: list[str] = []
    size = 0
    for one in value:
        text = one if type(one) is str else _text(one)
        size += len(text) + len(between)
        pieces.append(text)
        if size > MAX_TEXT + len(between):
            raise _too_much(f"a text of more than {MAX_TEXT:,} characters")
    spend(len(pieces) // 10 + size // CHARACTERS)
    return between.join(pieces)


def _test(name: str) -> Callable[..., Any]:
    """A test that compares."""

    def limited(value: Any, other: Any) -> Any:
        return _compared(None, value, other, _TESTS[name])

    return limited


def _text_test(test: Any) -> Callable[..., Any]:
    """A test of a text."""

    def limited(value: Any) -> Any:
        return test(_text(value))

    return limited
