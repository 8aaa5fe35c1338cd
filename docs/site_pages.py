"""Pages of the site that are not in docs/: an mkdocs hook, named in mkdocs.yml.

The reference has one page for each part of the package, found in the package itself, so that no module can be forgotten. The pages at the
root of the repository, and the plugins' own, become part of the site too; links to files of the repository lead to them.
"""

from __future__ import annotations

import logging
import posixpath
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

_log = logging.getLogger("mkdocs.site_pages")

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = "rbsuite"

# Parts of the package that share a page, in this order; every other part has one of its own. The package itself is the part "".
SUBJECTS = {
    PACKAGE: ("", "api"),
    "Records": ("task", "trajectory", "verdict", "experience", "record", "oplog", "transcript"),
    "Specs and hooks": ("specs", "hookspecs", "options", "plugins"),
    "Environments": ("environments", "gym"),
    "Command line": ("cli",),
}

_ELSEWHERE = {
    "README.md": "overview.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changes.md",
    "leaderboards/README.md": "leaderboards.md",
}
_LINK = re.compile(r"\[(?P<text>[^\]\[]*)\]\((?P<target>[^)#:\s]+)(?P<anchor>#[^)\s]*)?\)")
_PICTURE = re.compile(r'(?<=")docs/(?=pictures/)')
# What a forge shows as a list, and Python's Markdown does not.
_NO_LIST = re.compile(r"^(?: {1,3}(?:[-*]|\d+\.) |[\w`(\[].*\n[-*] ).*", re.MULTILINE)
_FENCED = re.compile(r"(^```.*?^```$)", re.MULTILINE | re.DOTALL)


def packages() -> list[Path]:
    """The directories of the package and of the plugins' packages."""
    return [ROOT / PACKAGE, *sorted(path.parent for path in ROOT.glob("plugins/*/rbsuite_*/__init__.py"))]


def modules(package: Path) -> dict[str, str]:
    """The public modules of a package and their files in the repository: a package before what is in it, otherwise by name."""
    found = {}
    for path in package.rglob("*.py"):
        parts = path.relative_to(package.parent).with_suffix("").parts
        parts = parts[:-1] if parts[-1] == "__init__" else parts
        if not any(part.startswith("_") for part in parts):
            found[parts] = path.relative_to(ROOT).as_posix()
    return {".".join(parts): found[parts] for parts in sorted(found)}


def reference() -> dict[str, dict[str, str]]:
    """The modules and files that each page of the reference is about, by the page's title, in the order of the navigation."""
    core, *plugins = packages()
    parts: dict[str, dict[str, str]] = {}
    for module, path in modules(core).items():
        part = f"{module}.".split(".")[1]
        parts.setdefault(part, {})[module] = path
    pages: dict[str, dict[str, str]] = {}
    for title, names in SUBJECTS.items():
        pages[title] = {module: path for name in names for module, path in parts.pop(name, {}).items()}
    pages |= {name.replace("_", " ").capitalize(): found for name, found in parts.items()}
    return pages | {plugin.name: modules(plugin) for plugin in plugins}


def elsewhere() -> dict[str, str]:
    """Pages of the repository that are not in docs/, and what they are called in the site."""
    readmes = sorted(ROOT.glob("plugins/*/README.md"))
    return _ELSEWHERE | {page.relative_to(ROOT).as_posix(): f"plugins/{page.parent.name}.md" for page in readmes}


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Put the pages that are not named in mkdocs.yml into the navigation."""
    assert config.nav is not None
    for section in config.nav:
        if "Reference" in section:
            plugins = [package.name for package in packages()[1:]]
            section["Reference"] = [{title: _address(title)} for title in reference() if title not in plugins]
            section["Reference"].append({"Plugins": [{name: _address(name)} for name in plugins]})
        elif "Plugins" in section:
            names = [name for name in elsewhere().values() if name.startswith("plugins/")]
            section["Plugins"] += [{Path(name).stem: name} for name in names]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages."""
    for path, name in elsewhere().items():
        files.append(File.generated(config, name, content=(ROOT / path).read_text(encoding="utf-8")))
    for title, found in reference().items():
        files.append(File.generated(config, _address(title), content=_reference_page(title, list(found))))
    return files


def on_page_markdown(markdown: str, page: Page, **kwargs: Any) -> str:
    """Lead links to files of the repository to their pages; a file that is no page loses its link. Broken lists are warned of."""
    pages = elsewhere()
    source = {name: path for path, name in pages.items()}.get(page.file.src_uri, f"docs/{page.file.src_uri}")
    described = {
        file.removesuffix("/__init__.py"): f"{_address(title)}#{module}"
        for title, found in reference().items()
        for module, file in found.items()
    }
    here = posixpath.dirname(page.file.src_uri)

    def lead(match: re.Match[str]) -> str:
        path = posixpath.normpath(posixpath.join(posixpath.dirname(source), match["target"]))
        anchor = match["anchor"] or ""
        if path in pages:
            target = pages[path]
        elif path in described:
            target, anchor = described[path], ""
        elif path.startswith("docs/"):
            target = path.removeprefix("docs/")
        elif (ROOT / path).exists():
            return match["text"]
        else:
            return match[0]  # mkdocs reports it
        return f"[{match['text']}]({posixpath.relpath(target, here or '.')}{anchor})"

    parts = _FENCED.split(markdown)
    for text in parts[::2]:
        for found in _NO_LIST.findall(text):
            _log.warning(
                "%s: not a list without an empty line before it, or 4 spaces if it is in another: %r", source, found
            )
    # A <picture> is HTML, whose addresses mkdocs leaves alone.
    to_root = posixpath.relpath(".", posixpath.dirname(page.url) or ".")
    return "".join(
        part if part.startswith("```") else _PICTURE.sub(f"{to_root}/", _LINK.sub(lead, part)) for part in parts
    )


def on_post_build(config: MkDocsConfig) -> None:
    """See that every public module has come out.

    Raises:
        PluginError: modules are missing; the message names them.
    """
    built = "".join(page.read_text(encoding="utf-8") for page in Path(config.site_dir, "reference").glob("*.html"))
    known = [module for package in packages() for module in modules(package)]
    missing = [module for module in known if f'id="{module}"' not in built]
    if missing:
        raise PluginError(f"no page of the reference describes {', '.join(missing)}")


def _address(title: str) -> str:
    return f"reference/{title.lower().replace(' ', '-')}.md"


def _reference_page(title: str, names: Sequence[str]) -> str:
    headed = names[0].rpartition(".")[2] == title.lower()  # the first module is what the page is called after
    lines = [] if headed else [f"# {title}", ""]
    for name in names:
        level = 1 if headed and name == names[0] else 2
        lines += [f"::: {name}", "    options:", f"        heading_level: {level}", ""]
    return "\n".join(lines)
