"""The tasks of MiniWoB++ 1.1.0 by what they require of an agent, and those that upstream calls nondeterministic.

The groups are this project's own; upstream has none.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

_GROUPS: Mapping[str, str] = {
    "one-step": """
        click-button click-color click-dialog click-dialog-2 click-link click-shape click-tab click-test click-test-2
        click-test-transfer click-widget find-midpoint focus-text focus-text-2 grid-coordinate identify-shape count-shape
        unicode-test
    """,
    "few-steps": """
        ascending-numbers buy-ticket choose-list click-button-sequence click-checkboxes click-checkboxes-soft
        click-checkboxes-transfer click-collapsible click-collapsible-nodelay click-option click-pie click-pie-nodelay
        click-scroll-list copy-paste copy-paste-2 enter-date enter-password enter-text enter-text-2 enter-text-dynamic
        enter-time find-greatest find-word form-sequence-2 form-sequence-3 generate-number login-user odd-or-even read-table
        simple-algebra simple-arithmetic social-media text-transform use-autocomplete use-autocomplete-nodelay use-spinner
        visual-addition
    """,
    "many-steps": """
        book-flight book-flight-nodelay choose-date choose-date-easy choose-date-medium choose-date-nodelay
        click-checkboxes-large click-collapsible-2 click-collapsible-2-nodelay click-menu click-menu-2 click-shades
        click-tab-2 click-tab-2-easy click-tab-2-hard click-tab-2-medium daily-calendar email-inbox email-inbox-delete
        email-inbox-forward email-inbox-forward-nl email-inbox-forward-nl-turk email-inbox-important email-inbox-nl-turk
        email-inbox-noscroll email-inbox-reply email-inbox-star-reply form-sequence guess-number login-user-popup multi-layouts
        multi-orderings navigate-tree number-checkboxes order-food phone-book read-table-2 scroll-text scroll-text-2
        search-engine sign-agreement social-media-all social-media-some terminal text-editor tic-tac-toe use-slider
        use-slider-2
    """,
    "pointer": """
        bisect-angle circle-center count-sides drag-box drag-circle drag-cube drag-items drag-items-grid drag-shapes
        drag-shapes-2 drag-single-shape drag-sort-numbers draw-circle draw-line highlight-text highlight-text-2 hot-cold
        resize-textarea right-angle use-colorwheel use-colorwheel-2
    """,
    "timed": "button-delay chase-circle hover-shape moving-items simon-says stock-market",
}
DOMAINS = tuple(_GROUPS)
"""The groups, from easy to hard."""

NONDETERMINISTIC = frozenset(
    [
        "book-flight",
        "book-flight-nodelay",
        "choose-date",
        "choose-date-easy",
        "choose-date-medium",
        "choose-date-nodelay",
        "click-dialog",
        "click-dialog-2",
        "click-pie",
        "click-pie-nodelay",
        "click-scroll-list",
        "drag-cube",
        "scroll-text",
        "scroll-text-2",
        "search-engine",
        "social-media",
        "social-media-all",
        "social-media-some",
        "terminal",
        "order-food",
        "phone-book",
        "stock-market",
    ]
)
"""Tasks whose world may differ between two episodes with the same seed, as upstream registers them."""


@cache
def domains() -> Mapping[str, str]:
    """The group of every task, by its name."""
    return {name: domain for domain, names in _GROUPS.items() for name in names.split()}
