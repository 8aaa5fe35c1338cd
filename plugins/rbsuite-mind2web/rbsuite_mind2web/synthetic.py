"""Six invented web sites with two pages each, a form and a list, and tasks on them.

The sites pose the same difficulties: a search box in the header in addition to the form's field, a link in the navigation with the words of
the form's button, drop-downs, and a sponsored copy above the list. What was learned on one site helps on the next.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from html import escape
from typing import NamedTuple

from rbsuite.environments.solution import Mistake
from rbsuite.seeds import derive_seed, unit
from rbsuite.trajectory import Action
from rbsuite_mind2web.samples import Said, Sample, Step

_SHARES = (0.5, 0.4, 0.1)
"""Shares of tasks with one, two and three traps."""


class Wish(NamedTuple):
    """What a task asks for: the text for the field, the option of the drop-down, the filter (empty: none), the entry."""

    typed: str
    option: str
    filtered: str
    entry: str


@dataclass(frozen=True, slots=True)
class Site:
    """An invented web site.

    Attributes:
        name, domain, subdomain: what the data says about it.
        part: the test split that it represents.
        field: label of the form's text field.
        menu: label of its drop-down.
        options: what the drop-down offers.
        button: words on the form's button.
        filters: check boxes above the list.
        verb: words on the button of an entry, before its name.
        entries: what the list has.
        asking: the wording of the tasks, with placeholders for the fields of a :class:`Wish`.
        wishes: what they ask for.
    """

    name: str
    domain: str
    subdomain: str
    part: str
    field: str
    menu: str
    options: tuple[str, ...]
    button: str
    filters: tuple[str, ...]
    verb: str
    entries: tuple[str, ...]
    asking: str
    wishes: tuple[Wish, ...]


SITES = (
    Site(
        *("skylane", "Travel", "Airlines", "test_task", "Leaving from", "Cabin"),
        ("Economy", "Premium", "Business"),
        "Find flights",
        ("Direct only", "Bags included"),
        "Select",
        ("07:10 to Oslo", "09:45 to Oslo", "13:20 to Bergen", "18:05 to Oslo"),
        "Book the flight {entry} from {typed} in {option}{filtered}.",
        (
            Wish("Vienna", "Business", "", "09:45 to Oslo"),
            Wish("Ljubljana", "Economy", "Direct only", "13:20 to Bergen"),
            Wish("Thessaloniki", "Premium", "", "18:05 to Oslo"),
            Wish("Gothenburg", "Economy", "Bags included", "07:10 to Oslo"),
        ),
    ),
    Site(
        *("railhop", "Travel", "Ground", "test_website", "Station", "Ticket"),
        ("Adult", "Student", "Senior"),
        "Show trains",
        ("No changes", "Quiet coach"),
        "Take",
        ("08:02 Coastliner", "10:14 Valley Express", "12:40 Night Owl", "16:30 Coastliner"),
        "Take the {entry} from {typed} on a {option} ticket{filtered}.",
        (
            Wish("Harbour Street", "Student", "", "10:14 Valley Express"),
            Wish("Milltown Junction", "Senior", "No changes", "16:30 Coastliner"),
            Wish("Abbey Bridge", "Adult", "", "12:40 Night Owl"),
            Wish("Kingsferry Central", "Student", "Quiet coach", "08:02 Coastliner"),
        ),
    ),
    Site(
        *("pantrylane", "Shopping", "Grocery", "test_task", "Product", "Delivery day"),
        ("Monday", "Thursday", "Saturday"),
        "Show products",
        ("Organic", "On offer"),
        "Add",
        ("Oat drink 1 l", "Rye bread 750 g", "Red lentils 500 g", "Olive oil 250 ml"),
        "Look for {typed} to be delivered on {option} and add {entry}{filtered}.",
        (
            Wish("lentils", "Thursday", "Organic", "Red lentils 500 g"),
            Wish("breakfast oats", "Monday", "", "Oat drink 1 l"),
            Wish("wholegrain bread", "Saturday", "On offer", "Rye bread 750 g"),
            Wish("cooking oil", "Thursday", "", "Olive oil 250 ml"),
        ),
    ),
    Site(
        *("encorehall", "Entertainment", "Event", "test_website", "Artist or show", "Seats"),
        ("Stalls", "Balcony", "Standing"),
        "Find events",
        ("With interval", "Step-free access"),
        "Reserve",
        ("Friday 19:30", "Saturday 15:00", "Saturday 20:00", "Sunday 18:00"),
        "Reserve {option} for {typed} on {entry}{filtered}.",
        (
            Wish("The Paper Lanterns", "Balcony", "", "Saturday 20:00"),
            Wish("Winter Quartet", "Stalls", "Step-free access", "Sunday 18:00"),
            Wish("Copper Kettle Trio", "Standing", "", "Friday 19:30"),
            Wish("A Play of Mirrors", "Stalls", "With interval", "Saturday 15:00"),
        ),
    ),
    Site(
        *("leafbook", "Info", "Library", "test_domain", "Title or author", "Branch"),
        ("Central", "Riverside", "Hill Park"),
        "Search catalogue",
        ("Large print", "Audiobook"),
        "Place hold on",
        ("A Field of Stones", "The Salt Road", "Maps for Nobody", "Quiet Machines"),
        "Search for {typed} at {option} and place a hold on {entry}{filtered}.",
        (
            Wish("Ines Okafor", "Riverside", "", "The Salt Road"),
            Wish("Tom Aldersey", "Central", "Large print", "Maps for Nobody"),
            Wish("Greta Lindqvist", "Hill Park", "", "Quiet Machines"),
            Wish("Samuel Ferro", "Riverside", "Audiobook", "A Field of Stones"),
        ),
    ),
    Site(
        *("townclinic", "Service", "Health", "test_domain", "Doctor", "Kind of visit"),
        ("First visit", "Check-up", "Vaccination"),
        "Find appointments",
        ("Wheelchair access", "Evenings"),
        "Choose",
        ("Monday 08:20", "Tuesday 11:00", "Wednesday 14:40", "Friday 17:15"),
        "Choose {entry} with {typed} as a {option}{filtered}.",
        (
            Wish("Dr Hanna Weiss", "Check-up", "", "Tuesday 11:00"),
            Wish("Dr Paulo Martins", "First visit", "Evenings", "Friday 17:15"),
            Wish("Dr Yuki Tanabe", "Vaccination", "", "Monday 08:20"),
            Wish("Dr Ruth Adeyemi", "Check-up", "Wheelchair access", "Wednesday 14:40"),
        ),
    ),
)


class _Writer:
    """Writes a page and numbers its elements."""

    def __init__(self, first: int) -> None:
        self._next = first
        self._parts: list[str] = []
        self.ids: dict[str, str] = {}

    def element(self, tag: str, text: str = "", key: str = "", *inside: str, **attributes: str) -> str:
        """An element; if a ``key`` is given, its id is stored under it."""
        number = str(self._next)
        self._next += 1
        if key:
            self.ids[key] = number
        told = "".join(f' {name}="{escape(value)}"' for name, value in attributes.items())
        words = f"<text>{escape(text)}</text>" if text else ""
        return f'<{tag} backend_node_id="{number}"{told}>{words}{"".join(inside)}</{tag}>'


class Pages(NamedTuple):
    """The two pages of a site, with the ids of what matters on them."""

    form: str
    list: str
    ids: Mapping[str, str]


@cache
def pages(site: Site) -> Pages:
    """The pages of a site."""
    writer = _Writer(100 * (1 + SITES.index(site)))
    make = writer.element
    options = [make("option", one, value=one) for one in site.options]
    form = make(
        "form",
        "",
        "",
        make("label", site.field),
        make("input", "", "field", type="text", aria_label=site.field),
        make("label", site.menu),
        make("select", "", "menu", *options, aria_label=site.menu),
        make("button", "", "button", make("span", site.button, "span"), type="submit"),
    )
    first = make("body", "", "", _header(writer, site, "form"), make("main", "", "", form), _footer(writer))
    filters = [
        make("label", "", "", make("input", "", one, type="checkbox"), make("span", one)) for one in site.filters
    ]
    entries = [make("li", one, "", make("button", f"{site.verb} {one}", one)) for one in site.entries]
    adverts = [make("button", f"{site.verb} {one}", f"sponsored {one}") for one in site.entries]
    sponsored = make("aside", "Sponsored", "", *adverts, aria_label="Sponsored")
    main = make("main", "", "", make("div", "", "", *filters), sponsored, make("ul", "", "", *entries))
    second = make("body", "", "", _header(writer, site, "list"), main, _footer(writer))
    return Pages(f"<html>{first}</html>", f"<html>{second}</html>", writer.ids)


def _header(writer: _Writer, site: Site, page: str) -> str:
    make = writer.element
    box = make("input", "", f"{page} box", type="search", placeholder="Search this site")
    link = make("a", site.button, f"{page} link", role="link")
    return make("header", "", "", make("a", site.name, "", role="link"), box, make("nav", "", "", link))


def _footer(writer: _Writer) -> str:
    make = writer.element
    box = make("input", "", "", type="email", placeholder="E-mail for offers")
    return make("footer", "", "", box, make("button", "Sign up"))


def part_of(id: str) -> str:
    """The test split that a task of the sample represents."""
    return next(site.part for site in SITES if site.name == id.rpartition("-")[0])


@cache
def samples() -> Sequence[Sample]:
    """The tasks, alternating between sites."""
    return tuple(_sample(site, number) for number in range(len(SITES[0].wishes)) for site in SITES)


def _sample(site: Site, number: int) -> Sample:
    wish = site.wishes[number]
    filtered = f" ({wish.filtered})" if wish.filtered else ""
    asked = site.asking.format(**{**wish._asdict(), "filtered": filtered})
    id = f"{site.name}-{number + 1}"
    return Sample(id, site.name, site.domain, site.subdomain, asked, tuple(_steps(site, wish, id)))


def _steps(site: Site, wish: Wish, id: str) -> Iterator[Step]:
    form, listed, ids = pages(site)
    near = [ids[key] for key in ("form box", "form link", "field", "menu", "button")]

    def step(operation: str, value: str, told: str, positives: Sequence[str], around: Sequence[str], html: str) -> Step:
        others = tuple(one for one in around if one not in positives)
        ranks = {one: place for place, one in enumerate(positives)}
        return Step(f"{id}-{told[:12]}", operation, value, told, html, tuple(positives), ranks, others)

    yield step("TYPE", wish.typed, f"[input] {site.field} -> TYPE: {wish.typed}", [ids["field"]], near, form)
    yield step("SELECT", wish.option, f"[select] {site.menu} -> SELECT: {wish.option}", [ids["menu"]], near, form)
    yield step("CLICK", "", f"[button] {site.button} -> CLICK", [ids["button"], ids["span"]], near, form)
    near = [ids[f"sponsored {wish.entry}"], *(ids[one] for one in (*site.filters, *site.entries))]
    if wish.filtered:
        yield step("CLICK", "", f"[checkbox] {wish.filtered} -> CLICK", [ids[wish.filtered]], near, listed)
    entry = ids[wish.entry]
    yield step("CLICK", "", f"[button] {site.verb} {wish.entry} -> CLICK", [entry], near, listed)


def traps(id: str) -> Sequence[Mistake]:
    """One to three mistakes, drawn for a task of the sample; any of them makes a step wrong."""
    site = next(one for one in SITES if one.name == id.rpartition("-")[0])
    wish, ids = site.wishes[int(id.rpartition("-")[2]) - 1], pages(site).ids
    last = 4 if wish.filtered else 3
    found = [
        _instead("form/field", 0, Said("TYPE", ids["form box"], wish.typed)),
        _instead("form/verbatim", 0, Said("TYPE", ids["field"], wish.typed[:3].upper())),
        _instead("form/select", 1, Said("CLICK", ids["menu"])),
        _instead("form/submit", 2, Said("CLICK", ids["form link"])),
        _instead("list/advert", last, Said("CLICK", ids[f"sponsored {wish.entry}"])),
    ]
    found.sort(key=lambda one: unit("mind2web trap", id, one.skill))
    if derive_seed("mind2web first", id) % 2:  # the two mistakes with the field exclude each other
        found = [one for one in found if one.skill != "form/field"]
    else:
        found = [one for one in found if one.skill != "form/verbatim"]
    draw, wanted = unit("mind2web traps", id), 1
    for share in _SHARES[:-1]:
        draw -= share
        wanted += draw >= 0
    return found[:wanted]


def _instead(skill: str, place: int, said: Said) -> Mistake:
    return Mistake(skill, {place: (Action(str(said)),)})
