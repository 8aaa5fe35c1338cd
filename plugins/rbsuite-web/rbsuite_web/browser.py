"""One Chromium, driven through ChromeDriver with selenium, that lives through many episodes and leaves nothing behind.

Each episode gets a fresh profile (a browser context: cookies, storage, cache) from :meth:`Browser.fresh`, which takes a fraction of the
time of a new browser. Names of hosts that are not allowed do not resolve, downloads are denied, no proxy is used. A failure of the browser
is an ``EnvironmentFailure``; after that it is no longer :attr:`Browser.usable`, and is closed.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import urllib.request
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from selenium.common import exceptions
from selenium.webdriver import ChromeOptions
from selenium.webdriver.chrome.remote_connection import ChromeRemoteConnection
from selenium.webdriver.common.proxy import Proxy
from selenium.webdriver.remote.client_config import ClientConfig
from selenium.webdriver.remote.remote_connection import RemoteConnection
from selenium.webdriver.remote.webdriver import WebDriver
from urllib3.exceptions import HTTPError
from websocket import WebSocket, WebSocketException, create_connection

from rbsuite.errors import EnvironmentFailure
from rbsuite.processes import end_group
from rbsuite_web import doctor, guard

LOOPBACK = ("127.0.0.1",)
"""What a browser may reach by default: servers of the episode itself."""

_PAGE_SECONDS = 20.0
_SCRIPT_SECONDS = 10.0
_COMMAND_SECONDS = 40.0
_START_SECONDS = 60.0
_GOODBYE = 5.0
"""Seconds that the guard has to end everything."""
_FLAGS = (
    "--headless",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--disable-default-apps",
    "--disable-breakpad",
    "--disable-crash-reporter",
    "--disable-dev-shm-usage",
    "--disable-features=Translate,MediaRouter,OptimizationHints,AutofillServerCommunication",
    "--disable-popup-blocking",
    "--disable-renderer-backgrounding",
    "--disable-backgrounding-occluded-windows",
    "--disable-background-timer-throttling",
    "--force-device-scale-factor=1",
    "--hide-scrollbars",
    "--lang=en-US",
    "--mute-audio",
    "--password-store=basic",
    "--use-mock-keychain",
)


class Browser:
    """A Chromium and its driver, started at once. Use it from one thread at a time.

    It ends with :meth:`close`, when it is garbage-collected, and at the latest with the interpreter, however that ends.

    Args:
        hosts: the hosts that can be reached, as Chromium patterns (``"*.example.org"``); other names do not resolve.
        proxy: the proxy to use, e.g. ``"http://proxy:3128"``; empty: none, whatever the environment's variables say.
        size: size of the window, in pixels.
        page_seconds: how long a page may take to load.

    Raises:
        EnvironmentFailure: it is unavailable; the message says what is missing.
    """

    def __init__(
        self,
        hosts: Sequence[str] = LOOPBACK,
        *,
        proxy: str = "",
        size: tuple[int, int] = (1280, 900),
        page_seconds: float = _PAGE_SECONDS,
    ) -> None:
        if fault := doctor.missing():
            raise EnvironmentFailure(fault)
        self.hosts = tuple(hosts)
        self.size = size
        self.episodes = 0
        """How many fresh profiles it has provided."""
        self._proxy = proxy
        self._page_seconds = page_seconds
        self._context = ""
        self._order: list[str] = []
        self._failed = False
        self._messages = 0
        self._scratch = tempfile.mkdtemp(prefix="rbsuite-web-")
        self._process = self._started()
        self._finish = weakref.finalize(self, _end, self._process, self._scratch, os.getpid())
        try:
            with self.failing("cannot be started"):
                self.driver = self._connected(self._port())
                self._home = self.driver.current_window_handle
                self._socket = self._devtools()
        except BaseException:
            self.close()
            raise

    @property
    def usable(self) -> bool:
        """Whether it can serve another episode."""
        return not self._failed and self._finish.alive

    @property
    def pid(self) -> int:
        """The id of the process that guards it, which has the browser's processes among its descendants."""
        return self._process.pid

    def fresh(self) -> None:
        """Discard the profile of the last episode, and open an empty page in a new one.

        Raises:
            EnvironmentFailure: the browser fails.
        """
        with self.failing("cannot open a page"):
            self.forget()
            context = str(self.devtools("Target.createBrowserContext", disposeOnDetach=True)["browserContextId"])
            self._context = context
            self.devtools("Browser.setDownloadBehavior", behavior="deny", browserContextId=context)
            width, height = self.size
            target = self.devtools(
                "Target.createTarget", url="about:blank", browserContextId=context, width=width, height=height
            )
            self._order = [str(target["targetId"])]
            self.driver.switch_to.window(self._order[0])
            self.episodes += 1

    def forget(self) -> None:
        """Discard the profile of the last episode, with its pages; does nothing if there is none.

        Raises:
            EnvironmentFailure: the browser fails.
        """
        if self._context:
            with self.failing("cannot close a page"):
                self.devtools("Target.disposeBrowserContext", browserContextId=self._context)
                self._context = ""
                self.driver.switch_to.window(self._home)

    def get(self, url: str) -> None:
        """Load a page.

        Raises:
            EnvironmentFailure: it does not load.
        """
        with self.failing(f"cannot load {url}"):
            self.driver.get(url)

    def script(self, text: str, *arguments: Any) -> Any:
        """What a script in the page returns.

        Raises:
            EnvironmentFailure: it fails.
        """
        with self.failing("cannot run a script"):
            return self.driver.execute_script(text, *arguments)

    def click(self, x: int, y: int) -> None:
        """Click a point in the window, as ChromeDriver clicks an element but without first querying the page a dozen times.

        Raises:
            selenium.common.exceptions.WebDriverException: the browser fails.
        """
        place = {"x": x, "y": y, "pointerType": "mouse"}
        button = {**place, "button": "left", "clickCount": 1}
        steps: Sequence[dict[str, Any]] = (
            {**place, "type": "mouseMoved", "button": "none"},
            {**button, "type": "mousePressed", "buttons": 0},
            {**button, "type": "mouseReleased", "buttons": 1},
        )
        for step in steps:
            self.driver.execute_cdp_cmd("Input.dispatchMouseEvent", step)

    def screenshot(self) -> str:
        """The visible part of the page as a PNG, in base64.

        Raises:
            EnvironmentFailure: the browser fails.
        """
        with self.failing("cannot take a screenshot"):
            return str(self.driver.get_screenshot_as_base64())

    def devtools(self, method: str, **parameters: Any) -> dict[str, Any]:
        """The result of a DevTools protocol command, sent to the browser itself and not to a page.

        Raises:
            EnvironmentFailure: it fails.
        """
        self._messages += 1
        number = self._messages
        with self.failing(f"does not answer {method}"):
            self._socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
            while True:
                reply = json.loads(self._socket.recv())
                if reply.get("id") == number:
                    break
        if "error" in reply:
            raise EnvironmentFailure(f"Chromium refuses {method}: {reply['error'].get('message')}.")
        result: dict[str, Any] = reply["result"]
        return result

    def tabs(self) -> list[str]:
        """The open pages of the episode, in the order in which they were opened."""
        found = self.devtools("Target.getTargets")["targetInfos"]
        open_ = [
            one["targetId"] for one in found if one.get("browserContextId") == self._context and one["type"] == "page"
        ]
        self._order = [tab for tab in self._order if tab in open_] + [tab for tab in open_ if tab not in self._order]
        return list(self._order)

    def open_tab(self) -> None:
        """Open an empty page in addition to the episode's other pages; it is not switched to."""
        self.devtools("Target.createTarget", url="about:blank", browserContextId=self._context)

    def close(self) -> None:
        """End it, with all its processes. Calling it more than once does no harm."""
        if self._finish.detach() is not None:
            with contextlib.suppress(AttributeError, OSError, WebSocketException):  # it may not have got that far
                self._socket.close()
            connection = getattr(getattr(self, "driver", None), "command_executor", None)
            if isinstance(connection, RemoteConnection):
                connection.close()  # type: ignore[no-untyped-call]
            _end(self._process, self._scratch, os.getpid())

    def kill(self) -> None:
        """End its processes at once, from any thread; whoever is waiting for it is told that it has failed."""
        self._failed = True
        if self._finish.alive:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._process.pid, signal.SIGTERM)

    @contextmanager
    def failing(self, what: str) -> Iterator[None]:
        """A context in which an error raised by selenium means that the browser has failed.

        Args:
            what: what it then cannot do, in words.

        Raises:
            EnvironmentFailure: it has failed.
        """
        try:
            yield
        except (exceptions.WebDriverException, WebSocketException, HTTPError, OSError, ValueError, KeyError) as error:
            self._failed = True
            raise EnvironmentFailure(f"Chromium {what}: {first_line(error)}.") from None

    def _started(self) -> subprocess.Popen[bytes]:
        """ChromeDriver, under its guard, with an environment that contains nothing of the user's."""
        variables = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ}
        variables |= {"HOME": self._scratch, "TMPDIR": self._scratch, "LANG": "C.UTF-8", "TZ": "UTC"}
        variables |= {"XDG_CONFIG_HOME": self._scratch, "XDG_CACHE_HOME": self._scratch}
        command = [sys.executable, "-I", "-S", str(guard.__file__), self._scratch, doctor.chromedriver(), "--port=0"]
        try:
            return subprocess.Popen(
                command,
                cwd=self._scratch,
                env=variables,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        except OSError as error:
            shutil.rmtree(self._scratch, ignore_errors=True)
            raise EnvironmentFailure(f"ChromeDriver cannot be started: {error}.", doctor.missing()) from None

    def _port(self) -> int:
        """The port on which ChromeDriver listens, as it reports."""
        stream = self._process.stdout
        assert stream is not None
        for line in stream:
            words = line.decode("utf-8", "replace").rstrip(" .\n").rsplit("on port ", 1)
            if len(words) == 2 and words[1].isdigit() and words[1] != "0":
                return int(words[1])
        raise OSError("ChromeDriver ended before it was listening")

    def _connected(self, port: int) -> WebDriver:
        options = ChromeOptions()
        options.binary_location = doctor.chromium()
        if doctor.is_shell(options.binary_location):
            options.set_capability("browserName", "chrome-headless-shell")
        options.unhandled_prompt_behavior = "accept"
        options.timeouts = {"pageLoad": int(self._page_seconds * 1000), "script": int(_SCRIPT_SECONDS * 1000)}
        for flag in self._flags():
            options.add_argument(flag)
        config = ClientConfig(
            f"http://127.0.0.1:{port}",
            proxy=Proxy({"proxyType": "direct"}),
            keep_alive=True,
            timeout=int(max(_START_SECONDS, _COMMAND_SECONDS)),
        )
        connection = ChromeRemoteConnection(config.remote_server_addr, keep_alive=True, client_config=config)
        driver = WebDriver(connection, options=options)
        config.timeout = int(max(_COMMAND_SECONDS, self._page_seconds + _SCRIPT_SECONDS))
        return driver

    def _flags(self) -> list[str]:
        excluded = "".join(f" , EXCLUDE {host}" for host in self.hosts)
        flags = [*_FLAGS, f"--user-data-dir={self._scratch}/profile", f"--window-size={self.size[0]},{self.size[1]}"]
        flags.append(f"--host-resolver-rules=MAP * ~NOTFOUND{excluded}")
        flags.append(f"--proxy-server={self._proxy}" if self._proxy else "--no-proxy-server")
        if os.geteuid() == 0:
            flags.append("--no-sandbox")  # Chromium refuses to run as root with it
        return [*flags, *os.environ.get(doctor.FLAGS, "").split()]

    def _devtools(self) -> WebSocket:
        address = str(self.driver.capabilities["goog:chromeOptions"]["debuggerAddress"])
        port = urlsplit(f"//{address}").port
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"http://127.0.0.1:{port}/json/version", timeout=_COMMAND_SECONDS) as reply:
            path = urlsplit(json.load(reply)["webSocketDebuggerUrl"]).path
        url = f"ws://127.0.0.1:{port}{path}"
        return create_connection(url, timeout=_COMMAND_SECONDS, suppress_origin=True, http_no_proxy=["127.0.0.1"])


def first_line(error: Exception) -> str:
    """The message of a browser error, without its stack trace."""
    text = str(getattr(error, "msg", None) or error).strip()
    return (text.splitlines() or [type(error).__name__])[0].rstrip(" .")


def _end(process: subprocess.Popen[bytes], scratch: str, owner: int) -> None:
    """End the guard, which ends the rest."""
    if end_group(process, owner=owner, patience=_GOODBYE):
        shutil.rmtree(scratch, ignore_errors=True)
