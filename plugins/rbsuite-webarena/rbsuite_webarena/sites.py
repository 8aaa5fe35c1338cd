"""The sites: where they are, who logs in, how, and what is on them. Addresses and accounts come from environment variables."""

from __future__ import annotations

import json
import os
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from rbsuite.errors import DataError, EnvironmentFailure
from rbsuite_webarena.records import SITES

if TYPE_CHECKING:
    from rbsuite_web.browser import Browser

PREFIX = "WA_"
RESET = "WA_FULL_RESET"
_RESET_SECONDS = 600.0
_CALL_SECONDS = 30.0

_ACCOUNTS: Mapping[str, tuple[str, str]] = {
    "shopping": ("emma.lopez@gmail.com", "Password.123"),
    "shopping_admin": ("admin", "admin1234"),
    "reddit": ("MarvelsGrantMan136", "test1234"),
    "gitlab": ("byteblaze", "hello1234"),
}
"""The accounts of WebArena's own images, which are public. ``WA_SITE_USERNAME`` and ``WA_SITE_PASSWORD`` name others."""

_FORMS: Mapping[str, tuple[str, tuple[str, ...], tuple[str, ...]]] = {
    "shopping": ("/customer/account/login/", ("email", "login[username]"), ("pass", "login[password]")),
    "shopping_admin": ("", ("username", "login[username]"), ("login", "login[password]")),
    "reddit": ("/login", ("login-username", "_username"), ("login-password", "_password")),
    "gitlab": ("/users/sign_in", ("user_login", "user[login]"), ("user_password", "user[password]")),
}
"""Where a site's form is, and the ids or names that its two fields may have."""


@dataclass(frozen=True, slots=True)
class Sites:
    """The sites of an environment.

    Attributes:
        urls: their addresses, without a slash at the end.
        accounts: name and password by site.
        home: the page that lists the sites; may be empty.
    """

    urls: Mapping[str, str]
    accounts: Mapping[str, tuple[str, str]] = field(repr=False)
    home: str = ""

    @classmethod
    def of_environment(cls, needed: Sequence[str]) -> Sites:
        """The sites that the variables name.

        Args:
            needed: the sites that are required; the others may be missing.

        Raises:
            DataError: one of them is missing, or is not an address.
        """
        urls = {site: os.environ.get(f"{PREFIX}{site.upper()}", "").rstrip("/") for site in SITES}
        missing = [f"{PREFIX}{site.upper()}" for site in needed if not urls[site]]
        if missing:
            raise DataError(
                f"webarena: {', '.join(missing)} {'is' if len(missing) == 1 else 'are'} not set.",
                "Set each to the address of your server, e.g. http://host:7770; sites that no task needs may be left out.",
            )
        for site, url in urls.items():
            if url and (urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname):
                raise DataError(
                    f"webarena: {PREFIX}{site.upper()} is not the address of a server.", "Give http://HOST:PORT."
                )
        accounts = {
            site: tuple(
                os.environ.get(f"{PREFIX}{site.upper()}_{part}", default)
                for part, default in zip(_PARTS, pair, strict=True)
            )
            for site, pair in _ACCOUNTS.items()
        }
        home = os.environ.get(f"{PREFIX}HOMEPAGE", "").rstrip("/")
        return cls({site: url for site, url in urls.items() if url}, accounts, home)  # type: ignore[arg-type]

    @property
    def hosts(self) -> tuple[str, ...]:
        """The hosts that a browser may reach."""
        return tuple(dict.fromkeys(urlsplit(url).hostname or "" for url in self._all))

    def holds(self, url: str) -> bool:
        """Whether an address is on one of the sites, or is that of an empty page."""
        parts = urlsplit(url)
        return parts.scheme == "about" or parts.netloc in {urlsplit(one).netloc for one in self._all}

    def filled(self, text: str) -> str:
        """A text of the task file with the addresses in place of their names."""
        for site in sorted(SITES, key=len, reverse=True):
            text = text.replace(f"__{site.upper()}__", self.urls.get(site, f"__{site.upper()}__"))
        return text

    @property
    def _all(self) -> Sequence[str]:
        return [*self.urls.values(), *([self.home] if self.home else [])]


_PARTS = ("USERNAME", "PASSWORD")


def status(browser: Browser) -> int:
    """The HTTP status of the page that is open; 0: unknown."""
    return int(browser.script("return (performance.getEntriesByType('navigation')[0] || {}).responseStatus || 0;"))


def visit(browser: Browser, url: str) -> None:
    """Load a page that must exist.

    Raises:
        EnvironmentFailure: it does not load, or the server fails.
    """
    browser.get(url)
    found = status(browser)
    if found >= 500:
        raise EnvironmentFailure(f"the server answers {url} with status {found}.")


def log_in(browser: Browser, sites: Sites, site: str) -> None:
    """Log in to a site; does nothing if it has no accounts.

    Raises:
        EnvironmentFailure: the login fails; the message names the site, but nothing about the account.
    """
    if site not in _FORMS:
        return
    path, names, passwords = _FORMS[site]
    visit(browser, sites.urls[site] + path)
    if not browser.script(_FILL, names, passwords, *sites.accounts[site]):
        raise EnvironmentFailure(f"the login to {site} failed: its form does not have the expected fields.")
    if not _loaded(browser):
        raise EnvironmentFailure(f"the login to {site} failed: no page followed.")
    if (found := status(browser)) >= 500:
        raise EnvironmentFailure(f"the login to {site} failed with status {found}.")
    if browser.script(f"{_FIND} return !!find(arguments[0]);", passwords):
        raise EnvironmentFailure(f"the login to {site} failed: the form is still there.")


_FIND = "const find = all => all.map(one => document.getElementById(one) || document.getElementsByName(one)[0]).find(Boolean);"
_FILL = f"""{_FIND}
const [name, word] = [find(arguments[0]), find(arguments[1])];
if (!name || !word || !word.form) return false;
for (const [field, text] of [[name, arguments[2]], [word, arguments[3]]]) {{
  field.value = text;
  for (const kind of ["input", "change"]) field.dispatchEvent(new Event(kind, {{bubbles: true}}));
}}
window.rbsuiteWaits = true;
word.form.requestSubmit();
return true;"""
_LOADED = "return document.readyState === 'complete' && !window.rbsuiteWaits;"


def _loaded(browser: Browser, seconds: float = 20.0) -> bool:
    """Whether another page has loaded within that many seconds."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if browser.script(_LOADED):
            return True
        time.sleep(0.02)
    return False


def full_reset() -> None:
    """Have the sites reset, and wait until they are.

    Raises:
        DataError: no address is set.
        EnvironmentFailure: it failed.
    """
    url = os.environ.get(RESET, "")
    if not url:
        raise DataError(
            f"webarena: reset needs {RESET}, which is not set.", "Set it to the address that resets your servers."
        )
    try:
        with _opener().open(url, timeout=_RESET_SECONDS) as reply:
            reply.read(1024)
    except (urllib.error.URLError, OSError, ValueError) as error:
        raise EnvironmentFailure(f"the reset of the servers failed: {_why(error)}.") from None


def call(url: str, *, token: str = "", data: Any = None) -> Any:
    """The JSON returned by a site's own interface.

    Raises:
        EnvironmentFailure: it returns none.
    """
    headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})}
    request = urllib.request.Request(url, json.dumps(data).encode() if data is not None else None, headers)
    try:
        with _opener().open(request, timeout=_CALL_SECONDS) as reply:
            return json.loads(reply.read(2**22))
    except (urllib.error.URLError, OSError, ValueError) as error:
        raise EnvironmentFailure(f"the request to {url.partition('?')[0]} failed: {_why(error)}.") from None


def _opener() -> urllib.request.OpenerDirector:
    return urllib.request.build_opener(urllib.request.ProxyHandler({}))


def _why(error: Exception) -> str:
    return f"status {error.code}" if isinstance(error, urllib.error.HTTPError) else str(getattr(error, "reason", error))


def reachable(site: str, url: str) -> None:
    """Do nothing if a server answers, whatever it says.

    Raises:
        EnvironmentFailure: it does not answer.
    """
    try:
        _opener().open(url, timeout=_CALL_SECONDS).close()
    except urllib.error.HTTPError as error:
        if error.code >= 500:
            raise EnvironmentFailure(f"the server of {site} answers with status {error.code}.") from None
    except (urllib.error.URLError, OSError, ValueError) as error:
        raise EnvironmentFailure(f"the server of {site} cannot be reached: {_why(error)}.") from None
