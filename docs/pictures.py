"""Makes the pictures of the documentation: the report, two rollouts side by side, and a leaderboard, each light and dark.

    uv run python docs/pictures.py

It runs the experiments that the pictures show (simulated, a minute), builds the pages, and photographs them in Chromium (Debian:
``apt-get install chromium chromium-driver``).
"""

from __future__ import annotations

import base64
import shutil
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from selenium import webdriver
from selenium.webdriver.chrome.service import Service

from rbsuite.cli import run

ROOT = Path(__file__).resolve().parent.parent
PICTURES = ROOT / "docs" / "pictures"
BOARD = "tau-bench-simulated"
WIDTH = 1300
LARGEST = 150_000
"""Bytes that a picture may have."""

OPEN_GAINED = """
const outcome = document.getElementById("outcome");
outcome.value = "gained";
outcome.dispatchEvent(new Event("input"));
document.querySelector("#list tr.row").click();
document.getElementById("rollouts").scrollIntoView();
"""


def main() -> None:
    """Make them all."""
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        done("eval", "--env", "tau-bench", "--quiet", "--out", home / "demo")
        done("report", home / "demo", "--out", home / "report.html")
        report, board = (home / "report.html").as_uri(), make_board(home).as_uri()
        browser = chromium(home)
        try:
            for scheme in ("light", "dark"):
                shoot(browser, report, f"report-{scheme}", scheme, 800)
                shoot(browser, report, f"rollouts-{scheme}", scheme, 820, OPEN_GAINED)
                shoot(browser, board, f"board-{scheme}", scheme, 1000)
        finally:
            browser.quit()


def make_board(home: Path) -> Path:
    """The page of a board with two simulated systems."""
    root = home / "leaderboards"
    shutil.copytree(ROOT / "leaderboards" / BOARD, root / BOARD, ignore=shutil.ignore_patterns("submissions"))
    shutil.copy(ROOT / "leaderboards" / "reference.toml", root)
    systems: Mapping[str, tuple[str, ...]] = {
        "Plain learner": (),
        "Skilled learner": ("--model", "sim/learner:known=0.7"),
    }
    for number, (system, options) in enumerate(systems.items()):
        shared = ("--env", "tau-bench", "--domain", "retail", "--memory", "none,reasoningbank,awm", "--quiet")
        done("eval", *shared, *options, "--out", home / f"{number}")
        to = ("--board", BOARD, "--root", root, "--date", "2026-11-01", "--org", "Example Lab")
        done("leaderboard", "add", home / f"{number}", *to, "--system", system)
    done("leaderboard", "build", "--root", root, "--out", home / "pages", "--receipts", home / "receipts")
    return home / "pages" / f"{BOARD}.html"


def done(*arguments: object) -> None:
    """Run a command, which must succeed."""
    if run([str(one) for one in arguments]):
        sys.exit(f"rbsuite {' '.join(map(str, arguments))} failed")


def chromium(home: Path) -> Any:
    """A browser without a window."""
    binary, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not binary or not driver:
        sys.exit("chromium and chromedriver are needed.")
    options = webdriver.ChromeOptions()
    options.binary_location = binary
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"):
        options.add_argument(argument)
    options.add_argument(f"--user-data-dir={home / 'profile'}")
    return webdriver.Chrome(options=options, service=Service(driver))


def shoot(browser: Any, address: str, name: str, scheme: str, height: int, script: str = "") -> None:
    """Make one picture of what a window shows."""
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    size = {"width": WIDTH, "height": height, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    browser.get("about:blank")
    browser.get(address)
    time.sleep(1)
    if script:
        browser.execute_script(script)
        time.sleep(1)
    picture = base64.b64decode(browser.execute_cdp_cmd("Page.captureScreenshot", {"format": "png"})["data"])
    if len(picture) > LARGEST:
        sys.exit(f"{name} has {len(picture)} bytes, more than {LARGEST}")
    PICTURES.mkdir(exist_ok=True)
    (PICTURES / f"{name}.png").write_bytes(picture)
    print(f"{name}.png {len(picture)} bytes")  # noqa: T201


if __name__ == "__main__":
    main()
