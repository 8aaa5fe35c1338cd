"""Pages of the site that are not in docs/: an mkdocs hook, named in mkdocs.yml.

The reference has one page for each part of the package, found in the package itself, so that no module can be forgotten. The pages at the
root of the repository, and the plugins' own, become part of the site too; links to files of the repository lead to them.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = "rbsuite"

# Modules of the package that share a page; every other part of the package has one of its own.
SUBJECTS = {
    "Records": ("task", "trajectory", "verdict", "experience", "record", "oplog", "transcript"),
    "Specs and hooks": ("specs", "hookspecs", "options", "plugins"),
}

_ELSEWHERE = {
    "README.md": "overview.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changes.md",
    "leaderboards/README.md": "leaderboards.md",
}
_LINK = re.compile(r"\[(?P<text>[^\]\[]*)\]\((?P<target>[^)#:\s]+)(?P<anchor>#[^)\s]*)?\)")
_FENCED = re.compile(r"(^```.*?^```$)", re.MULTILINE | re.DOTALL)


def modules(package: str = PACKAGE) -> list[str]:
    """The public modules of a package, by their dotted names: a package before what is in it, otherwise by name."""
    found = []
    for path in (ROOT / package).rglob("*.py"):
        parts = path.relative_to(ROOT).with_suffix("").parts
        parts = parts[:-1] if parts[-1] == "__init__" else parts
        if not any(part.startswith("_") for part in parts):
            found.append(parts)
    return [".".join(parts) for parts in sorted(found)]


def reference() -> dict[str, list[str]]:
    """The modules that each page of the reference is about, by the page's title, in the order of the navigation."""
    pages: dict[str, list[str]] = {PACKAGE: [PACKAGE], **{subject: [] for subject in SUBJECTS}}
    subject_of = {part: subject for subject, parts in SUBJECTS.items() for part in parts}
    for module in modules()[1:]:
        part = module.split(".")[1]
        title = subject_of.get(part, part.capitalize() if part != "cli" else "Command line")
        pages.setdefault(title, []).append(module)
    for subject, parts in SUBJECTS.items():
        pages[subject].sort(key=lambda module: parts.index(module.split(".")[1]))
    return pages


def elsewhere() -> dict[str, str]:
    """Pages of the repository that are not in docs/, and what they are called in the site."""
    plugins = sorted(ROOT.glob("plugins/*/README.md"))
    return _ELSEWHERE | {page.relative_to(ROOT).as_posix(): f"plugins/{page.parent.name}.md" for page in plugins}


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Put the pages that are not named in mkdocs.yml into the navigation."""
    assert config.nav is not None
    for section in config.nav:
        if "Reference" in section:
            section["Reference"] = [{title: _address(title)} for title in reference()]
        elif "Plugins" in section:
            names = [name for name in elsewhere().values() if name.startswith("plugins/")]
            section["Plugins"] += [{Path(name).stem: name} for name in names]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages."""
    for path, name in elsewhere().items():
        files.append(File.generated(config, name, content=(ROOT / path).read_text(encoding="utf-8")))
    for title, names in reference().items():
        files.append(File.generated(config, _address(title), content=_reference_page(title, names)))
    return files


def on_page_markdown(markdown: str, page: Page, **kwargs: Any) -> str:
    """Lead links to files of the repository to their pages; a file that is no page loses its link."""
    pages = elsewhere()
    source = {name: path for path, name in pages.items()}.get(page.file.src_uri, f"docs/{page.file.src_uri}")
    here = posixpath.dirname(page.file.src_uri)

    def lead(match: re.Match[str]) -> str:
        path = posixpath.normpath(posixpath.join(posixpath.dirname(source), match["target"]))
        anchor = match["anchor"] or ""
        if path in pages:
            target = pages[path]
        elif path.startswith("docs/"):
            target = path.removeprefix("docs/")
        elif path.split("/")[0] == PACKAGE and (ROOT / path).exists():
            module = path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
            target = next(_address(title) for title, names in reference().items() if module in names)
            anchor = f"#{module}"
        elif (ROOT / path).exists():
            return match["text"]
        else:
            return match[0]  # mkdocs reports it
        return f"[{match['text']}]({posixpath.relpath(target, here or '.')}{anchor})"

    parts = _FENCED.split(markdown)
    return "".join(part if part.startswith("```") else _LINK.sub(lead, part) for part in parts)


def on_post_build(config: MkDocsConfig) -> None:
    """See that every public module has come out.

    Raises:
        PluginError: modules are missing; the message names them.
    """
    built = "".join(page.read_text(encoding="utf-8") for page in Path(config.site_dir, "reference").glob("*.html"))
    missing = [module for module in modules() if f'id="{module}"' not in built]
    if missing:
        raise PluginError(f"no page of the reference describes {', '.join(missing)}")


def _address(title: str) -> str:
    return f"reference/{title.lower().replace(' ', '-')}.md"


def _reference_page(title: str, names: list[str]) -> str:
    alone = title not in SUBJECTS  # the first module gives the page its heading
    lines = [] if alone else [f"# {title}", ""]
    for number, name in enumerate(names):
        level = 1 if alone and number == 0 else 2
        lines += [f"::: {name}", "    options:", f"        heading_level: {level}", ""]
    return "\n".join(lines)
