"""Serves a shop on 127.0.0.1, on a free port, for as long as an episode lasts."""

from __future__ import annotations

import threading
from typing import Any

from werkzeug.serving import WSGIRequestHandler, make_server

from rbsuite_webshop_mini.shop import Shop
from rbsuite_webshop_mini.site import make_site

HOST = "127.0.0.1"
_BUILDING = threading.Lock()
"""Held while a site is built: its routes are compiled from syntax trees, which Python 3.11 occasionally fails at if two threads do it at
once (python/cpython 106905)."""


class _Quiet(WSGIRequestHandler):
    """Writes no log. A connection that the browser opens in advance but does not use is dropped after a while."""

    timeout = 5

    def log(self, type: str, message: str, *args: Any) -> None:
        pass


class ShopServer:
    """A shop that is being served.

    Args:
        shop: the shop.
    """

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        with _BUILDING:
            site = make_site(shop)
        self._server = make_server(HOST, 0, site, threaded=True, request_handler=_Quiet)
        # Otherwise closing would wait for connections that the browser keeps open.
        self._server.daemon_threads, self._server.block_on_close = True, False  # type: ignore[attr-defined]
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, name="webshop-mini", daemon=True
        )
        self._thread.start()

    @property
    def origin(self) -> str:
        """Where it is served."""
        return f"http://{HOST}:{self._server.server_port}"

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
