"""Templates as pages with a strict policy: style and script are allowed only by their hash. Every text in them is text, never markup."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

from jinja2 import DictLoader, Environment, StrictUndefined
from markupsafe import Markup

from rbsuite.inert import inert

_SHARED = ("base.html", "base.css")


def templates(package: str, names: Sequence[str], *, style: Sequence[str], script: str) -> Environment:
    """The templates of a package, with those that all pages share; ``base.html`` is the frame.

    Args:
        package: the package, which has a directory ``templates``.
        names: its files.
        style: those of them that are style sheets, after the shared one.
        script: the one that is the script.
    """
    texts = {**_read("rbsuite.pages", _SHARED), **_read(package, names)}
    made = Environment(
        loader=DictLoader(texts), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    sheet, code = "".join(texts[name] for name in ("base.css", *style)), texts[script]
    made.globals |= {"style": Markup(sheet), "script": Markup(code), "policy": policy(sheet, code)}
    made.filters["inert"] = inert
    made.finalize = lambda value: inert(value) if type(value) is str else value
    return made


def policy(style: str, script: str, *, connect: str = "'none'") -> str:
    """A content security policy: nothing is loaded, and nothing runs but one style sheet and one script, which are in the page.

    Args:
        style: the style sheet.
        script: the script.
        connect: what the script may connect to.
    """
    return "; ".join(
        [
            *("default-src 'none'", "img-src data:", "base-uri 'none'", "form-action 'none'"),
            *([] if connect == "'none'" else [f"connect-src {connect}"]),
            f"style-src '{_hash(style)}'",
            f"script-src '{_hash(script)}'",
        ]
    )


def render(made: Environment, template: str, values: Mapping[str, Any]) -> str:
    """A page, or a part of one."""
    return made.get_template(template).render(**values).rstrip() + "\n"


def _read(package: str, names: Sequence[str]) -> Mapping[str, str]:
    home = files(package) / "templates"
    return {name: (home / name).read_text(encoding="utf-8") for name in names}


def _hash(text: str) -> str:
    """What a page's policy identifies a style or script by."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
