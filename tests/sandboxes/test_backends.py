"""How backends are chosen, told, and asked; what the contract leaves open."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from rbsuite.cli.doctor import check_sandboxes
from rbsuite.errors import EnvironmentFailure, UsageError
from rbsuite.sandboxes import bwrap, choice
from rbsuite.sandboxes.base import MIB, CommandLimits, Setup
from rbsuite.sandboxes.containers import Engine
from rbsuite.sandboxes.local import Local


def missing(text: str) -> Callable[[object], str]:
    return lambda self: text


def test_auto_takes_the_first_that_works_and_never_local(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bwrap.Bwrap, "missing", missing("bwrap is not installed. Install it"))
    monkeypatch.setattr(Engine, "missing", lambda self: "" if self.name == "docker" else "podman is not installed")
    assert choice.choose("auto", unsafe_local=False).name == "docker"
    monkeypatch.setattr(Engine, "missing", missing("no engine"))
    with pytest.raises(
        UsageError, match=r"^no sandbox can run here: bwrap is not installed\. Install it\. Or get podman"
    ):
        choice.choose("auto", unsafe_local=False)
    assert choice.choose("auto", unsafe_local=True).name == "local"
    with pytest.raises(UsageError, match="--unsafe-local"):
        choice.choose("local", unsafe_local=False)
    with pytest.raises(UsageError, match="Use one of: auto, podman"):
        choice.choose("bwrap", unsafe_local=False, offered=("podman",))


def test_doctor_tells_each_and_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bwrap.Bwrap, "missing", missing(""))
    monkeypatch.setattr(Engine, "missing", lambda self: f"{self.name} is not installed. Install {self.name}")
    found = {finding.name: finding for finding in check_sandboxes()}
    assert found["sandbox bwrap"].status == "ok"
    assert "Install docker" in found["sandbox docker"].detail
    monkeypatch.setattr(bwrap.Bwrap, "missing", missing("bwrap is not installed. Install it"))
    assert {finding.status for finding in check_sandboxes() if finding.name != "sandbox local"} == {"warn"}
    told = found["sandbox local"].detail.removeprefix("only with --unsafe-local: ")
    assert told == (Local().gaps() or "enforces all rules here")


@pytest.mark.skipif(bool(bwrap.Bwrap().missing()), reason="the fake engine runs on bubblewrap")
def test_an_engine_copies_the_workspace_in_and_ends_what_it_started(
    fake_engine: Callable[[], list[list[str]]], tmp_path: Path
) -> None:
    workspace = tmp_path / "ws"
    workspace.mkdir()
    (workspace / "a").write_text("1")

    async def use() -> str:
        sandbox = await Engine("docker").start(Setup(workspace, image="registry.example/ours:1"))
        try:
            return (await sandbox.exec("ls")).output
        finally:
            await sandbox.close()

    assert asyncio.run(use()) == "a\n"
    calls = fake_engine()
    name = calls[0][calls[0].index("--name") + 1]
    assert calls[0][-2] == "registry.example/ours:1"
    assert calls[-1] == ["rm", "--force", "--volumes", name]
    with pytest.raises(EnvironmentFailure, match="manifest unknown"):
        asyncio.run(Engine("docker").start(Setup(image="no-such-image")))
    assert fake_engine()[-1][0] == "rm"
    with pytest.raises(EnvironmentFailure, match="needs an image"):
        asyncio.run(Engine("docker").start(Setup()))


def test_a_command_that_fills_the_disk_is_stopped_while_it_runs() -> None:
    async def fill() -> tuple[bool, bool]:
        sandbox = await Local().start(Setup(limits=CommandLimits(disk=MIB)))
        try:
            outcome = await sandbox.exec("for i in 1 2 3; do head -c 1M /dev/zero > f$i; done; sleep 30")
            return outcome.over_disk, outcome.timed_out
        finally:
            await sandbox.close()

    assert asyncio.run(fill()) == (True, False)


def test_what_is_cancelled_leaves_nothing(tmp_path: Path) -> None:
    async def cancel() -> None:
        sandbox = await Local().start(Setup())
        running = asyncio.create_task(sandbox.exec(f"sleep 1; touch {tmp_path}/left"))
        await asyncio.sleep(0.2)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        await sandbox.close()
        await asyncio.sleep(1.2)

    asyncio.run(cancel())
    assert not (tmp_path / "left").exists()
