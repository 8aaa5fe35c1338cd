"""A recorded page: read from the cleaned HTML of a sample, and shown as an outline of what surrounds the candidates.

A page is read as data: by Python's HTML parser, which runs nothing and expands only character entities, into a flat list of nodes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser

NODE = "backend_node_id"
"""The attribute that identifies an element."""
DEPTH, CHILDREN, SIBLINGS, WORDS = 5, 50, 3, 20
"""What is kept around a candidate: levels and number of descendants, siblings on either side, words of a text."""
LONGEST = 400_000
"""Maximum length of an outline, in characters."""

_SHOWN = (
    *(
        "role",
        "aria_role",
        "type",
        "alt",
        "aria_description",
        "aria_label",
        "label",
        "title",
        "name",
        "text_value",
        "value",
    ),
    *("placeholder", "input_checked", "input_value", "option_selected", "class"),
)
_EMPTY = frozenset(["hidden", "none", "presentation", "null", "undefined"])
_VOID = frozenset(
    ["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"]
)


@dataclass(slots=True)
class Node:
    """An element of a page.

    Attributes:
        tag: its name.
        id: the id by which actions name it; empty if it has none.
        told: what its attributes say, in a few words.
        parent: the index of its parent in the page; -1: it has none.
        depth: number of levels above it.
        texts: the text in it, not counting that of its children.
        children: the indices of its children.
    """

    tag: str
    id: str
    told: str
    parent: int
    depth: int
    texts: list[str] = field(default_factory=list)
    children: list[int] = field(default_factory=list)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.nodes: list[Node] = []
        self._open: list[int] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "text":
            return
        known = {name: value or "" for name, value in attrs}
        parent = self._open[-1] if self._open else -1
        self.nodes.append(Node(tag, known.get(NODE, ""), _told(known), parent, len(self._open)))
        if parent >= 0:
            self.nodes[parent].children.append(len(self.nodes) - 1)
        if tag not in _VOID:
            self._open.append(len(self.nodes) - 1)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        place = next((n for n in range(len(self._open) - 1, -1, -1) if self.nodes[self._open[n]].tag == tag), None)
        if place is not None:
            del self._open[place:]

    def handle_data(self, data: str) -> None:
        if self._open and data.strip():
            self.nodes[self._open[-1]].texts.append(" ".join(data.split()[:WORDS]))


def _told(attributes: dict[str, str]) -> str:
    """The values of the attributes that say something, without repetition: at most five short words each, twenty in total."""
    found = dict[str, None]()
    for name in _SHOWN:
        value = attributes.get(name, "").lower()
        if value not in _EMPTY and not value.startswith("http"):
            found[" ".join([word for word in value.split() if len(word) < 15][:5])] = None
    return " ".join(" ".join(found).split()[:WORDS])


class Page:
    """A page.

    Args:
        html: its cleaned HTML.
    """

    def __init__(self, html: str) -> None:
        reader = _Reader()
        reader.feed(html)
        reader.close()
        self._nodes: Sequence[Node] = reader.nodes
        self._places = {node.id: place for place, node in reversed(list(enumerate(reader.nodes))) if node.id}

    def has(self, id: str) -> bool:
        """Whether there is an element with that id."""
        return id in self._places

    def words(self, id: str) -> str:
        """What an element and everything in it say, for ranking."""
        if id not in self._places:
            return ""
        places = [self._places[id], *self._below(self._places[id], DEPTH)]
        return " ".join(
            f"{self._nodes[place].told} {' '.join(self._nodes[place].texts)}" for place in places[:CHILDREN]
        )

    def outline(self, candidates: Collection[str]) -> str:
        """The candidates with what is above, inside and next to them: one element per line, indented by depth. Only candidates show their
        ids.
        """
        kept = set[int]()
        for place in (self._places[id] for id in candidates if id in self._places):
            kept.add(place)
            kept.update(self._below(place, DEPTH)[:CHILDREN])
            parent = self._nodes[place].parent
            if parent >= 0:
                beside = self._nodes[parent].children
                at = beside.index(place)
                kept.update(beside[max(0, at - SIBLINGS) : at + SIBLINGS + 1])
            while parent >= 0:
                kept.add(parent)
                parent = self._nodes[parent].parent
        lines = (self._line(place, candidates) for place in sorted(kept))
        return "\n".join(line for line in lines if line)[:LONGEST]

    def _line(self, place: int, candidates: Collection[str]) -> str:
        node = self._nodes[place]
        said = " ".join(node.texts)
        if node.id in candidates:
            parts = [f"[{node.id}]", node.tag, node.told, said]
        elif node.told or said:
            parts = [node.tag, node.told, said]
        else:
            return ""
        return "  " * min(node.depth, 12) + " ".join(part for part in parts if part)

    def _below(self, place: int, levels: int) -> list[int]:
        """What is inside an element, in page order."""
        return list(self._walk(place, levels))

    def _walk(self, place: int, levels: int) -> Iterator[int]:
        waiting = [(child, 1) for child in reversed(self._nodes[place].children)]
        while waiting:
            at, level = waiting.pop()
            yield at
            if level <= levels:
                waiting += [(child, level + 1) for child in reversed(self._nodes[at].children)]
