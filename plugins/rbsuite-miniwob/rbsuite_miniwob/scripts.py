"""Reference solutions: for each task, a script that reads the page and acts on it with the agent's own tools.

What a script does on a seed is recorded, and is the solution of our task with that seed. Scripts may read the page in any way.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rbsuite.trajectory import Action, ToolCall
from rbsuite_miniwob.episode import VIEW, MiniWobEpisode
from rbsuite_web.page import Element, elements, reference

Script = Callable[["Hand"], None]

SCRIPTS: dict[str, Script] = {}
"""The scripts, by task name."""

_MONTHS = 13 * 12


class Hand:
    """Acts in an episode and remembers what it did.

    Args:
        episode: at its first observation.
    """

    def __init__(self, episode: MiniWobEpisode) -> None:
        self._episode = episode
        self.actions: list[Action] = []
        self.asked = episode.observation.text
        """What the page asks for."""

    @property
    def quoted(self) -> list[str]:
        """The quoted strings in it."""
        return re.findall(r'"([^"]*)"', self.asked)

    @property
    def over(self) -> bool:
        """Whether the episode has ended."""
        return self._episode.observation.turn == "over"

    def all(self, selector: str) -> list[Element]:
        """The elements with a reference that match a selector."""
        return elements(self._episode.browser, selector, VIEW)

    def one(self, selector: str, text: str | None = None) -> Element:
        """The first of them, or the first with the given text."""
        return next(one for one in self.all(selector) if text is None or one.text == text)

    def script(self, text: str, *arguments: Any) -> Any:
        """What a script in the page returns."""
        return self._episode.browser.script(text, *arguments)

    def text(self, selector: str) -> str:
        """The text of the first element that matches a selector."""
        return " ".join(str(self.script("return document.querySelector(arguments[0]).textContent", selector)).split())

    def do(self, *calls: tuple[str, Mapping[str, Any]]) -> None:
        """Call tools, in one action."""
        action = Action(calls=tuple(ToolCall("", name, arguments) for name, arguments in calls))
        self.actions.append(action)
        self._episode.observation = self._episode.act(action)

    def click(self, selector: str, text: str | None = None) -> None:
        """Click an element."""
        self.do(("click", {"ref": self.one(selector, text).ref}))

    def use(self, element: Element) -> None:
        """Click an element that was found before."""
        self.do(("click", {"ref": element.ref}))

    def type(self, selector: str | Element, text: str) -> None:
        """Fill in a field."""
        element = selector if isinstance(selector, Element) else self.one(selector)
        self.do(("type", {"ref": element.ref, "text": text}))

    def press(self, key: str, times: int = 1) -> None:
        """Press a key a number of times."""
        self.do(*[("press", {"key": key})] * times)


def script(*tasks: str) -> Callable[[Script], Script]:
    """Declare a function to be the script of some tasks."""

    def declare(function: Script) -> Script:
        SCRIPTS.update(dict.fromkeys(tasks, function))
        return function

    return declare


@script("click-test")
def click_test(hand: Hand) -> None:
    """The only button."""
    hand.click("button")


@script("click-test-2", "click-test-transfer")
def click_one(hand: Hand) -> None:
    """The first of two buttons."""
    hand.click("button", "ONE")


@script("click-button", "unicode-test")
def click_button(hand: Hand) -> None:
    """The named button."""
    hand.click("button", hand.quoted[0])


@script("click-button-sequence")
def click_button_sequence(hand: Hand) -> None:
    """Both buttons."""
    hand.click("button", "ONE")
    hand.click("button", "TWO")


@script("click-link")
def click_link(hand: Hand) -> None:
    """The named link."""
    hand.click("#area .alink", hand.quoted[0])


@script("click-dialog", "click-dialog-2")
def click_dialog(hand: Hand) -> None:
    """A button of the dialog; x stands for the one that closes it."""
    named = hand.quoted[0]
    if named == "x":
        hand.click(".ui-dialog-titlebar-close")
    else:
        hand.click(".ui-dialog-buttonset button", named)


def _listed(hand: Hand) -> list[str]:
    match = re.match(r"Select (.*?)(?: from the scroll list)? and click Submit", hand.asked)
    named = match.group(1) if match else ""
    return [] if named == "nothing" else named.split(", ")


@script("click-checkboxes", "click-checkboxes-large", "click-checkboxes-transfer")
def click_checkboxes(hand: Hand) -> None:
    """The named boxes."""
    for name in _listed(hand):
        hand.do(("click", {"ref": reference("checkbox", name)}))
    hand.click("button")


@script("click-option")
def click_option(hand: Hand) -> None:
    """The named option."""
    hand.do(("click", {"ref": reference("radio", _listed(hand)[0])}))
    hand.click("button")


@script("click-scroll-list")
def click_scroll_list(hand: Hand) -> None:
    """The named options."""
    ref = hand.one("select").ref
    hand.do(*[("select", {"ref": ref, "option": name}) for name in _listed(hand)])
    hand.click("button")


@script("choose-list")
def choose_list(hand: Hand) -> None:
    """The named option."""
    match = re.match(r"Select (.*) from the list", hand.asked)
    assert match
    hand.do(("select", {"ref": hand.one("select").ref, "option": match.group(1)}))
    hand.click("button")


@script("click-tab")
def click_tab(hand: Hand) -> None:
    """The named tab."""
    hand.click("li[role=tab] a", hand.asked.removeprefix("Click on ").rstrip("."))


@script("click-tab-2", "click-tab-2-easy", "click-tab-2-medium", "click-tab-2-hard")
def click_tab_2(hand: Hand) -> None:
    """Tab after tab, until the link appears."""
    _look_behind(hand, "li[role=tab] a", "#area .alink")


@script("click-collapsible-2", "click-collapsible-2-nodelay")
def click_collapsible_2(hand: Hand) -> None:
    """Section after section, until the link appears."""
    _look_behind(hand, "#area h3", "#area .alink")


def _look_behind(hand: Hand, doors: str, links: str) -> None:
    for number in range(-1, len(hand.all(doors))):
        if number >= 0:
            hand.use(hand.all(doors)[number])
        found = [link for link in hand.all(links) if link.text == hand.quoted[0]]
        if found:
            hand.use(found[0])
            return


@script("click-collapsible", "click-collapsible-nodelay")
def click_collapsible(hand: Hand) -> None:
    """Open the section, then press its button."""
    hand.click("#area h3")
    hand.click("#area button")


@script("enter-text", "enter-text-dynamic")
def enter_text(hand: Hand) -> None:
    """The given text."""
    hand.type("input", hand.quoted[0])
    hand.click("button")


@script("enter-text-2")
def enter_text_2(hand: Hand) -> None:
    """The text in the requested case."""
    text = hand.quoted[0]
    hand.type("input", text.upper() if "upper case" in hand.asked else text.lower())
    hand.click("button")


@script("enter-password")
def enter_password(hand: Hand) -> None:
    """The password in both fields."""
    for field in hand.all("input"):
        hand.type(field, hand.quoted[0])
    hand.click("button")


@script("login-user")
def login_user(hand: Hand) -> None:
    """Name and password."""
    for field, text in zip(hand.all("input"), hand.quoted, strict=False):
        hand.type(field, text)
    hand.click("button")


@script("login-user-popup")
def login_user_popup(hand: Hand) -> None:
    """Name and password; a dialog that comes up is cancelled."""
    for number, text in enumerate(hand.quoted[:2]):
        hand.use(hand.all("#form input")[number])
        if hand.script("return !!document.querySelector('#popup-cancel')"):
            hand.click("#popup-cancel")
        hand.type(hand.all("#form input")[number], text)
    hand.click("#subbtn")


@script("focus-text")
def focus_text(hand: Hand) -> None:
    """The only field."""
    hand.click("input")


@script("focus-text-2")
def focus_text_2(hand: Hand) -> None:
    """The field with that number."""
    hand.use(hand.all("input")[_number(hand) - 1])


def _number(hand: Hand) -> int:
    """The first ordinal of what is asked, or the first number."""
    match = re.search(r"(\d+)(?:st|nd|rd|th)\b", hand.asked) or re.search(r"(-?\d+)", hand.asked)
    assert match
    return int(match.group(1))


_OPERATORS: Mapping[str, Callable[[int, int], int]] = {"+": operator.add, "-": operator.sub, "x": operator.mul}


@script("simple-arithmetic")
def simple_arithmetic(hand: Hand) -> None:
    """Compute."""
    match = re.search(r"(-?\d+) *([-+x]) *(-?\d+)", hand.text("#area"))
    assert match
    left, sign, right = match.groups()
    hand.type("input", str(_OPERATORS[sign](int(left), int(right))))
    hand.click("button")


@script("simple-algebra")
def simple_algebra(hand: Hand) -> None:
    """Solve for x."""
    match = re.search(r"(-?\d+|x) *([-+]) *(-?\d+|x) *= *(-?\d+)", hand.text("#area"))
    assert match
    left, sign, right, result = match.groups()

    def value(part: str, x: int) -> int:
        return x if part == "x" else int(part)

    solved = next(x for x in range(-500, 500) if _OPERATORS[sign](value(left, x), value(right, x)) == int(result))
    hand.type("input", str(solved))
    hand.click("button")


@script("visual-addition")
def visual_addition(hand: Hand) -> None:
    """Count the blocks."""
    blocks = hand.script("return document.querySelectorAll('#area .addition-block').length")
    hand.type("input", str(blocks))
    hand.click("button")


@script("click-widget")
def click_widget(hand: Hand) -> None:
    """The first widget of that kind."""
    kind = hand.quoted[0]
    hand.click({"textarea": "textarea", "button": "#area button"}.get(kind, f"input[type={kind}]"))


@script("navigate-tree")
def navigate_tree(hand: Hand) -> None:
    """Open folders until the name appears."""
    opened: set[str] = set()
    while not hand.over:
        shown = hand.all("#tree .folder, #tree .file, #tree span, #tree li")
        found = [one for one in shown if one.text == hand.quoted[0]]
        hand.use(found[0] if found else next(one for one in shown if one.ref not in opened and one.tag != "li"))
        opened.add(shown[0].ref if found else hand.actions[-1].calls[0].arguments["ref"])


def _open_mail(hand: Hand, sender: str) -> None:
    mails = hand.all(".email-thread")
    at = next(number for number, mail in enumerate(mails) if mail.text.startswith(sender))
    hand.use(mails[at])


def _sender(hand: Hand) -> str:
    match = re.search(r"email by ([\w-]+)", hand.asked)
    assert match
    return match.group(1)


@script("email-inbox", "email-inbox-delete", "email-inbox-important", "email-inbox-star-reply", "email-inbox-reply")
def email_inbox(hand: Hand) -> None:
    """Open the mail, then do with it what is asked."""
    _open_mail(hand, _sender(hand))
    if "trash" in hand.asked:
        hand.click("#email span.trash")
    elif "star icon" in hand.asked:
        hand.click("#email span.star")
    elif "reply" in hand.asked:
        hand.click("#email .email-reply .icon, #email .email-reply span, #email .email-reply")
        hand.type("#reply-text", hand.quoted[0])
        hand.click("#send-reply")
    else:
        match = re.search(r"to ([\w-]+)\.?$", hand.asked)
        assert match
        hand.click("#email .email-forward .icon, #email .email-forward span, #email .email-forward")
        hand.type(".forward-sender", match.group(1))
        hand.click("#send-forward")


@script("read-table")
def read_table(hand: Hand) -> None:
    """The value of one row."""
    match = re.search(r"the value of (.*) into", hand.asked)
    assert match
    hand.type("#area input", _table(hand)[match.group(1)])
    hand.click("button")


@script("read-table-2")
def read_table_2(hand: Hand) -> None:
    """The values of two rows."""
    table = _table(hand)
    for number in (1, 2):
        hand.type(f"#tt{number}", table[hand.text(f"#ll{number}").rstrip(": ")])
    hand.click("button")


def _table(hand: Hand) -> dict[str, str]:
    cells = [one.text for one in hand.all("#tab td")]
    return dict(zip(cells[::2], cells[1::2], strict=True))


@script("enter-date")
def enter_date(hand: Hand) -> None:
    """The date in the form that a browser's field takes."""
    match = re.search(r"(\d+)/(\d+)/(\d+)", hand.asked)
    assert match
    month, day, year = match.groups()
    hand.type("input", f"{year}-{int(month):02}-{int(day):02}")
    hand.click("button")


@script("enter-time")
def enter_time(hand: Hand) -> None:
    """The time in the form that a browser's field takes."""
    match = re.search(r"(\d+):(\d+) (AM|PM)", hand.asked)
    assert match
    hour = int(match.group(1)) % 12 + (12 if match.group(3) == "PM" else 0)
    hand.type("input", f"{hour:02}:{match.group(2)}")
    hand.click("button")


@script("text-transform")
def text_transform(hand: Hand) -> None:
    """The letters that are rotated."""
    hand.type("input", "".join(one.text for one in hand.all("#captcha span")))
    hand.click("button")


@script("grid-coordinate")
def grid_coordinate(hand: Hand) -> None:
    """The point of the grid."""
    match = re.search(r"\((-?\d+),(-?\d+)\)", hand.asked)
    assert match
    points = hand.all("#area circle")
    column, row = int(match.group(1)) + 2, 2 - int(match.group(2))
    lefts, tops = (sorted({point.box[side] for point in points}) for side in (0, 1))
    hand.use(next(point for point in points if point.box[:2] == (lefts[column], tops[row])))


@script("search-engine")
def search_engine(hand: Hand) -> None:
    """The result with that number, three to a page."""
    hand.type("#search-text", hand.quoted[0])
    hand.click("#search")
    number = _number(hand) - 1
    for _ in range(number // 3):
        hand.click("#pagination a", ">")
    hand.use(hand.all("#page-content a")[number % 3])


@script("click-color")
def click_color(hand: Hand) -> None:
    """The box of that colour."""
    match = re.search(r"on the (.*) colored box", hand.asked)
    assert match
    hand.click(f'#area [data-color="{match.group(1)}"]')


@script("click-shades")
def click_shades(hand: Hand) -> None:
    """All boxes of that colour."""
    match = re.search(r"shades of (.*) and press", hand.asked)
    assert match
    for number in range(len(hand.all(f'#area [data-color="{match.group(1)}"]'))):
        hand.use(hand.all(f'#area [data-color="{match.group(1)}"]')[number])
    hand.click("button")


@script("identify-shape")
def identify_shape(hand: Hand) -> None:
    """What the figure is."""
    tag, text = hand.script(
        "const e = document.querySelector('#area svg').querySelector('circle, rect, polygon, text');"
        "return [e.tagName, e.textContent]"
    )
    kind = {"circle": "Circle", "rect": "Rectangle", "polygon": "Triangle"}.get(tag)
    hand.click("#area button", kind or ("Number" if text.isdigit() else "Letter"))


@script("find-greatest")
def find_greatest(hand: Hand) -> None:
    """The card with the greatest number."""
    cards = [card for card in hand.all("#area .card") if card.text]
    hand.use(max(cards, key=lambda card: int(card.text)))
    hand.click("button")


@script("find-word")
def find_word(hand: Hand) -> None:
    """The word with that number, without its comma."""
    words = hand.text("#area p").split()
    hand.type("#area input", words[_number(hand) - 1].strip(".,"))
    hand.click("button")


@script("odd-or-even")
def odd_or_even(hand: Hand) -> None:
    """A mark for each number."""
    for number, row in enumerate(hand.all("#area .display-number")):
        hand.use(hand.all(f"#area .{'odd' if int(row.text) % 2 else 'even'}")[number])
    hand.click("#submit")


@script("ascending-numbers")
def ascending_numbers(hand: Hand) -> None:
    """From the smallest to the greatest."""
    boxes = [hand.one("#area text", str(number)).box for number in range(1, 6)]
    for x, y, width, height in boxes:
        hand.do(("click_at", {"x": x + width // 2, "y": y + height // 2}))


@script("generate-number")
def generate_number(hand: Hand) -> None:
    """Again and again, until the number fits."""
    asked = hand.asked
    bound = re.search(r"(-?\d+)", asked)
    tests: Sequence[tuple[str, Callable[[int], bool]]] = (
        ("even number", lambda number: number % 2 == 0),
        ("odd number", lambda number: number % 2 == 1),
        ("less than", lambda number: bound is not None and number < int(bound.group(1))),
        ("greater than", lambda number: bound is not None and number > int(bound.group(1))),
    )
    fits = next(test for words, test in tests if words in asked)
    while True:
        hand.click("#generate")
        if fits(int(hand.text("#display-number"))):
            break
    hand.click("#submit")


@script("copy-paste")
def copy_paste(hand: Hand) -> None:
    """The text of the area."""
    hand.type("#answer-input, #area input", hand.one("#area textarea").value)
    hand.click("button")


@script("copy-paste-2")
def copy_paste_2(hand: Hand) -> None:
    """The text of the area with that number."""
    hand.type("#area input", hand.all("#area textarea")[_number(hand) - 1].value)
    hand.click("button")


@script("scroll-text")
def scroll_text(hand: Hand) -> None:
    """The last word of the area."""
    words = hand.one("#area textarea").value.split()
    hand.type("#area input", words[-1].strip(".,"))
    hand.click("button")


@script("scroll-text-2")
def scroll_text_2(hand: Hand) -> None:
    """To one end of the area."""
    ref = hand.one("#area textarea").ref
    direction = "down" if "bottom" in hand.asked else "up"
    hand.do(*[("scroll", {"ref": ref, "direction": direction})] * 12)
    hand.click("button")


@script("use-autocomplete", "use-autocomplete-nodelay")
def use_autocomplete(hand: Hand) -> None:
    """Choose what matches among the suggestions."""
    begin, *rest = hand.quoted
    hand.do(("type", {"ref": hand.one("#tags").ref, "text": begin}), ("wait", {"seconds": 1}))
    offered = [one for one in hand.all(".ui-menu-item *, .ui-menu-item") if one.text.endswith(rest[0] if rest else "")]
    hand.use(next(one for one in offered if one.text.startswith(begin)))
    hand.click("button")


@script("use-spinner")
def use_spinner(hand: Hand) -> None:
    """Up or down a number of times."""
    number = _number(hand)
    arrow = ".ui-spinner-up" if number > 0 else ".ui-spinner-down"
    for _ in range(abs(number)):
        hand.click(arrow)
    hand.click("#subbtn")


def _slide(hand: Hand, handle: Element, now: int, wanted: int) -> None:
    hand.use(handle)
    if now != wanted:
        hand.press("ArrowRight" if wanted > now else "ArrowLeft", abs(wanted - now))


@script("use-slider")
def use_slider(hand: Hand) -> None:
    """With the arrow keys."""
    _slide(hand, hand.one(".ui-slider-handle"), int(hand.text("#val")), _number(hand))
    hand.click("#subbtn")


@script("use-slider-2")
def use_slider_2(hand: Hand) -> None:
    """With the arrow keys, slider after slider."""
    wanted = [int(number) for number in re.findall(r"\d+", hand.asked)[-3:]]
    for number, goal in enumerate(wanted):
        now = hand.script(
            "return jQuery(document.querySelectorAll('.ui-slider')[arguments[0]]).slider('value')", number
        )
        _slide(hand, hand.all(".ui-slider-handle")[number], int(now), goal)
    hand.click("#subbtn")


@script("form-sequence")
def form_sequence(hand: Hand) -> None:
    """The slider, then a box."""
    match = re.search(r"Select (-?\d+) with", hand.asked)
    assert match
    _slide(hand, hand.one(".ui-slider-handle"), int(hand.text("#val")), int(match.group(1)))
    hand.use(hand.all("#area input[type=checkbox]")[_number(hand) - 1])
    hand.click("button")


@script("form-sequence-2")
def form_sequence_2(hand: Hand) -> None:
    """A radio button, then a field."""
    button, field = (int(number) for number in re.findall(r"(\d+)(?:st|nd|rd|th)", hand.asked))
    hand.use(hand.all("#area input[type=radio]")[button - 1])
    hand.type(hand.all("#area input[type=text]")[field - 1], hand.quoted[0])
    hand.click("button")


@script("form-sequence-3")
def form_sequence_3(hand: Hand) -> None:
    """An option, then a button."""
    match = re.search(r"Choose (.*) from the dropdown", hand.asked)
    assert match
    hand.click(".selectric .label, .selectric span")
    hand.click(".selectric-items li", match.group(1))
    hand.click("#area button", hand.quoted[0])


@script("social-media-all", "social-media-some")
def social_media(hand: Hand) -> None:
    """A button on posts of one person."""
    match = re.search(r"@[\w-]+", hand.asked)
    count = re.search(r"on (\d+) post", hand.asked)
    assert match
    kind = hand.quoted[0]
    posts: list[int] = hand.script(
        "return [...document.querySelectorAll('#area .media')].map((e, i) => (e.dataset.at = i, e))"
        ".filter(e => e.querySelector('.username').textContent === arguments[0]).map(e => +e.dataset.at)",
        match.group(),
    )
    several = "Submit" in hand.asked
    posts = posts[: int(count.group(1))] if count else posts if several else posts[:1]
    for post in posts:
        where = f"#area .media[data-at='{post}']"
        if kind in ("Reply", "Retweet", "Like") or (several and kind == "Share"):
            hand.click(f"{where} .{kind.lower()}")
        else:
            hand.click(f"{where} .more")
            hand.click(f"{where} li", kind)
    if several:
        hand.click("#area button")


@script("multi-orderings")
def multi_orderings(hand: Hand) -> None:
    """Fields by their labels, wherever they are."""
    match = re.search(r"for (\S+) movies directed by (\S+) from year (\d+)", hand.asked)
    assert match
    wanted = dict(zip(("genre", "director", "year"), match.groups(), strict=True))
    for field in hand.all("#area input[type=text]"):
        label = hand.script(
            "const all = [...document.querySelectorAll('#area input[type=text]')];"
            "let e = all[arguments[0]], t = e.placeholder || '';"
            "while (!/genre|director|year/i.test(t) && e) {"
            "  let s = e; while ((s = s.previousElementSibling) && !/genre|director|year/i.test(t)) t = s.textContent || '';"
            "  e = e.parentElement; }"
            "return t",
            [one.ref for one in hand.all("#area input[type=text]")].index(field.ref),
        )
        hand.type(field, next(text for name, text in wanted.items() if name in label.lower()))
    hand.use(
        next(one for one in hand.all("#area button, #area a, #area div, #area input[type=submit]") if _submits(one))
    )


def _submits(element: Element) -> bool:
    return bool(re.match(r"submit|search$|go$", element.text or element.value, re.IGNORECASE))


@script("phone-book")
def phone_book(hand: Hand) -> None:
    """Page after page, until the name appears."""
    match = re.search(r"Find ([\w-]+) .* (phone|email|address)", hand.asked)
    assert match
    name, what = match.groups()
    while hand.text("#contact h2") != name:
        hand.click("#pagination a", ">")
    hand.click(f"#contact .{what} a, #contact a.{what}")


@script("buy-ticket")
def buy_ticket(hand: Hand) -> None:
    """The cheapest, the shortest, or the other way round."""
    buttons = hand.all("#area .buy-ticket, #area button")
    prices = [int(re.sub(r"\D", "", one.text)) for one in buttons]
    times = [int(hours) * 60 + int(minutes) for hours, minutes in re.findall(r"(\d+)h (\d+)m", hand.text("#area"))]
    values = prices if re.search(r"cheap|expensive|cost|price", hand.asked) else times
    best = max if re.search(r"expensive|longest", hand.asked) else min
    hand.use(buttons[values.index(best(values))])


@script("click-menu")
def click_menu(hand: Hand) -> None:
    """Menu after menu."""
    path = hand.asked.removeprefix("Select ").split(">")
    for name in path[:-1]:
        hand.do(("hover", {"ref": hand.one(_MENU, name).ref}), ("wait", {"seconds": 1}))
    hand.click(_MENU, path[-1])


_MENU = "#area li div, #area li a, #area li span, .ui-menu-item-wrapper, #area li[role=menuitem], #area li"


@script("choose-date", "choose-date-easy", "choose-date-medium", "choose-date-nodelay")
def choose_date(hand: Hand) -> None:
    """Month by month, then the day."""
    match = re.search(r"(\d+)/(\d+)/(\d+)", hand.asked)
    assert match
    month, day, year = map(int, match.groups())
    hand.click("#datepicker")
    for _ in range(_MONTHS):
        shown_year, shown_month = hand.script(
            "const d = jQuery('#datepicker').data('datepicker'); return [d.drawYear, d.drawMonth + 1]"
        )
        if (shown_year, shown_month) == (year, month):
            break
        hand.click(
            ".ui-datepicker-prev span" if (shown_year, shown_month) > (year, month) else ".ui-datepicker-next span"
        )
    hand.click(".ui-datepicker-calendar td a", str(day))
    hand.click("#subbtn")


@script("highlight-text", "highlight-text-2")
def highlight_text(hand: Hand) -> None:
    """Drag the pointer across the text."""
    texts = hand.all("#area p, #area .paragraph, #area div")
    texts = [one for one in texts if one.text and "Submit" not in one.text]
    x, y, width, height = texts[_number(hand) - 1 if "paragraph below" not in hand.asked else 0].box
    hand.do(("drag_at", {"x": x + 1, "y": y + 3, "to_x": x + width, "to_y": y + height - 2}))
    hand.click("button")


@script("drag-box")
def drag_box(hand: Hand) -> None:
    """The small box into the large one."""
    small, large = hand.one("#area div", "s"), hand.one("#area div", "L")
    hand.do(("drag", {"from_ref": small.ref, "to_ref": large.ref}))
    hand.click("button")


@script("order-food")
def order_food(hand: Hand) -> None:
    """A number of dishes, of one kind or by name."""
    match = re.search(r"Order (\d+) items? that (?:is|are) ([\w-]+)", hand.asked)
    foods: list[list[str]] = hand.script(
        "return [...document.querySelectorAll('#area .food-item')].map(e => [e.querySelector('.food-name, div').textContent.trim(),"
        "[...e.querySelectorAll('img')].map(i => i.alt).join(' ')])"
    )
    if match:
        fitting = [at for at, food in enumerate(foods) if match.group(2) in food[1].split()]
        chosen = [fitting[0]] * int(match.group(1))
    else:
        chosen = [at for at, food in enumerate(foods) if food[0] in hand.asked]
    for at in chosen:
        hand.use(hand.all("#area .food-item .add")[at])
    hand.click("#submit-order button")
