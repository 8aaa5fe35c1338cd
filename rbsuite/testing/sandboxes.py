"""The rules that every sandbox keeps (:mod:`rbsuite.sandboxes.base`), each as a function that tries to break the rule.

    for name, rule in RULES.items():
        assert await rule(begin) == "", name

where ``begin`` starts a sandbox of the backend under test, with the limits of :data:`TRIED`. A rule returns ``""`` if it is kept, otherwise
what happened. The attacks are on the machine they run on: none of them does harm if it succeeds.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import shlex
import socket
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from rbsuite.errors import EnvironmentFailure
from rbsuite.sandboxes.base import MIB, CommandLimits, Sandbox

Begin = Callable[[], Awaitable[Sandbox]]
Rule = Callable[[Begin], Awaitable[str]]

TRIED = CommandLimits(seconds=20.0, memory=256 * MIB, file_size=8 * MIB, output=MIB, disk=16 * MIB, scratch=16 * MIB)
"""The limits with which the rules are checked."""


@contextmanager
def _variable(name: str, value: str) -> Iterator[None]:
    os.environ[name] = value
    try:
        yield
    finally:
        del os.environ[name]


async def environment(begin: Begin) -> str:
    """Rule 2: variables of this process are not visible."""
    secret = secrets.token_hex(8)
    with _variable("TRIED_API_KEY", secret):
        sandbox = await begin()
        try:
            seen = await sandbox.exec("env; cat /proc/*/environ 2>/dev/null")
        finally:
            await sandbox.close()
    return "a variable of the host is visible" if secret in seen.output else ""


async def network(begin: Begin) -> str:
    """Rule 3: neither the machine's own services nor others can be reached."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        return await _refused(begin, f"exec 3<>/dev/tcp/127.0.0.1/{port}", "a service of the host is reached")


async def privileges(begin: Begin) -> str:
    """Rule 4: no capabilities, no way to new ones, no terminal."""
    sandbox = await begin()
    try:
        seen = (await sandbox.exec("cat /proc/self/status")).output
        terminal = await sandbox.exec("exec 3<>/dev/tty")
    finally:
        await sandbox.close()
    if "CapEff:\t0000000000000000" not in seen or "NoNewPrivs:\t1" not in seen:
        return "it has capabilities, or can get some"
    return "" if terminal.code else "there is a terminal"


async def processes(begin: Begin) -> str:
    """Rule 4: no processes are visible but its own."""
    mark = f"{1000 + secrets.randbelow(9000)}.5"
    host = await asyncio.create_subprocess_exec("sleep", mark)
    sandbox = await begin()
    try:
        seen = (await sandbox.exec("cat /proc/[0-9]*/cmdline | tr '\\0' ' '")).output
    finally:
        host.kill()
        await host.wait()
        await sandbox.close()
    return "processes of the host are visible" if f"sleep {mark}" in seen else ""


async def system(begin: Begin) -> str:
    """Rule 5: the machine's files cannot be changed; temporary files and home are the sandbox's own."""
    with tempfile.TemporaryDirectory(prefix="rbsuite-tried-") as host:
        name = Path(host).name
        places = ["/usr", "/usr/bin", "/etc", host, str(Path.home())]
        sandbox = await begin()
        try:
            changed = await sandbox.exec(
                f'for d in {shlex.join(places)}; do touch "$d/{name}" 2>/dev/null && echo "$d"; done'
            )
            own = await sandbox.exec(f'touch /tmp/{name}-own "$HOME/{name}-own" && echo written; touch /dev/{name}-own')
        finally:
            await sandbox.close()
        written = [place for place in places if Path(place, name).exists()]
        left = [
            path
            for place in (tempfile.gettempdir(), Path.home(), "/dev")
            if (path := Path(place, f"{name}-own")).exists()
        ]
        for path in (*left, *(Path(place, name) for place in written)):
            path.unlink()
    if written or {"/usr", "/usr/bin", "/etc"} & {*changed.output.splitlines()}:
        return f"directories of the machine can be written: {written or changed.output.split()}"
    # A container's /dev can be written if it has its own.
    return "temporary files, home or devices are the host's" if left or "written" not in own.output else ""


async def unseen(begin: Begin) -> str:
    """Rule 5: the machine's files are not visible, except the system files that programs need."""
    with tempfile.TemporaryDirectory(prefix=".rbsuite-tried-", dir=Path.home()) as host:
        secret = Path(host, "secret")
        secret.write_text("secret", encoding="utf-8")
        sandbox = await begin()
        try:
            seen = await sandbox.exec(["cat", str(secret)])
        finally:
            await sandbox.close()
    return "a file of the host is visible" if seen.output == "secret" else ""


async def links(begin: Begin) -> str:
    """Rule 5: the harness does not follow a link that the agent makes."""
    with tempfile.NamedTemporaryFile(prefix="rbsuite-tried-") as secret:
        secret.write(b"secret")
        secret.flush()
        sandbox = await begin()
        try:
            await sandbox.exec(f"ln -s {secret.name} link")
            with suppress(EnvironmentFailure):
                await sandbox.write("link", b"changed")
            if Path(secret.name).read_bytes() != b"secret":
                return "a file of the host is written through a link"
            try:
                return "a link leads out of the sandbox" if await sandbox.read("link") == b"secret" else ""
            except FileNotFoundError:
                return ""
        finally:
            await sandbox.close()


async def limits(begin: Begin) -> str:
    """Rule 6: the size of files and memory are limited, and there are no core dumps."""
    sandbox = await begin()
    try:
        await sandbox.exec("head -c 20M /dev/zero > large")
        size = (await sandbox.exec("stat -c %s large")).output.strip()
        memory = await sandbox.exec("head -c 400M /dev/zero | tail | wc -c")
        core = (await sandbox.exec("ulimit -c")).output.strip()
    finally:
        await sandbox.close()
    if size != str(TRIED.file_size):
        return f"a file grew to {size} bytes, not {TRIED.file_size}"
    if memory.output.strip().endswith(str(400 * MIB)):
        return "a process took more memory than allowed"
    return "" if core == "0" else "there are core dumps"


async def timeout(begin: Begin) -> str:
    """Rule 7: at its time limit a command is killed, along with everything it started."""
    mark = f"{1000 + secrets.randbelow(9000)}.5"
    sandbox = await begin()
    try:
        started = time.monotonic()
        outcome = await sandbox.exec(
            f"sleep {mark} & (trap '' TERM; sleep {mark}) & echo on; sleep {mark}", seconds=1.5
        )
        took = time.monotonic() - started
        if not outcome.timed_out or took > 15:
            return f"it ended after {took:.1f} s, timed_out={outcome.timed_out}"
        if "on" not in outcome.output:
            return "what was said before is lost"
        return "a process lives on" if await _lives(mark) else ""
    finally:
        await sandbox.close()


async def background(begin: Begin) -> str:
    """Rule 7: what a command leaves in the background ends with it."""
    mark = f"{1000 + secrets.randbelow(9000)}.5"
    sandbox = await begin()
    try:
        outcome = await sandbox.exec(f"setsid sleep {mark} >/dev/null 2>&1 & echo done")
        if outcome.code or "done" not in outcome.output:
            return f"the command failed: {outcome}"
        return "a process lives on" if await _lives(mark) else ""
    finally:
        await sandbox.close()


async def output(begin: Begin) -> str:
    """Rule 8: the head and tail of long output are kept, and input is closed."""
    sandbox = await begin()
    try:
        outcome = await sandbox.exec("echo first; head -c 5M /dev/zero | tr '\\0' a; echo; echo last")
        waits = await sandbox.exec("cat; echo end", seconds=10)
    finally:
        await sandbox.close()
    kept = len(outcome.output)
    if not (kept <= TRIED.output + 100 and outcome.left_out >= 4 * MIB):
        return f"{kept} characters were kept and {outcome.left_out} left out"
    if not (outcome.output.startswith("first") and outcome.output.endswith("last\n")):
        return "head or tail is missing"
    return "" if waits.output == "end\n" and not waits.timed_out else "the input is open"


async def disk(begin: Begin) -> str:
    """Rule 10: a work directory that is too large is reported, and one that keeps growing is stopped."""
    sandbox = await begin()
    try:
        fill = "for i in 1 2 3 4; do head -c 6M /dev/zero > f$i; done"
        if not (await sandbox.exec(fill)).over_disk:
            return "a directory that is too large is not reported"
        if (await sandbox.exec("rm f*; echo gone")).over_disk:
            return "it is reported although there is room again"
        return ""
    finally:
        await sandbox.close()


async def fork(begin: Begin) -> str:
    """A fork has the files, and neither sees what the other does afterwards."""
    sandbox = await begin()
    try:
        await sandbox.exec("echo 1 > a; ln a hard; ln -s a soft; mkdir d; echo x > d/e; chmod +x a")
        twin = await sandbox.fork()
        try:
            same = await twin.exec("cat a hard soft d/e; test -x a && test -L soft && echo kept")
            await twin.exec("echo 2 > a; echo 2 > hard; rm -r d")
            await sandbox.exec("echo 3 > new")
            first, second = (
                await sandbox.exec("cat a hard d/e"),
                await twin.exec("cat a; test -e new || test -e d || echo alone"),
            )
        finally:
            await twin.close()
    finally:
        await sandbox.close()
    if same.output != "1\n1\n1\nx\nkept\n":
        return f"the fork differs: {same.output!r}"
    return "" if (first.output, second.output) == ("1\n1\nx\n", "2\nalone\n") else "one sees the other's changes"


async def files(begin: Begin) -> str:
    """What is written can be read; a missing file, or one that cannot be written, is an error."""
    sandbox = await begin()
    data = bytes(range(256))
    try:
        await sandbox.write("some/where/a file", data)
        if await sandbox.read("some/where/a file") != data:
            return "what was written is not what is read"
        try:
            await sandbox.read("nowhere")
            return "a file that does not exist is read"
        except FileNotFoundError:
            pass
        try:
            await sandbox.write("some/where", data)
        except EnvironmentFailure:
            return ""
        return "a directory is written as a file"
    finally:
        await sandbox.close()


async def loop(begin: Begin) -> str:
    """The event loop keeps running while a command runs."""
    sandbox = await begin()
    turns = 0
    try:
        running = asyncio.ensure_future(sandbox.exec("sleep 0.5; exit 7"))
        while not running.done():
            await asyncio.sleep(0.01)
            turns += 1
        return "" if turns >= 10 and running.result().code == 7 else f"the loop had {turns} turns"
    finally:
        await sandbox.close()


async def closing(begin: Begin) -> str:
    """A closed sandbox is gone, may be closed again, and runs nothing."""
    sandbox = await begin()
    await sandbox.exec("touch x; mkdir shut; chmod 000 shut")
    await sandbox.close()
    await sandbox.close()
    try:
        await sandbox.exec("true")
    except EnvironmentFailure:
        return ""
    return "it runs commands after its end"


RULES: Mapping[str, Rule] = {
    rule.__name__: rule
    for rule in (
        environment,
        network,
        privileges,
        processes,
        system,
        unseen,
        links,
        limits,
        timeout,
        background,
        output,
        disk,
        fork,
        files,
        loop,
        closing,
    )
}
"""The rules by name."""


async def _refused(begin: Begin, command: str, problem: str) -> str:
    sandbox = await begin()
    try:
        outcome = await sandbox.exec(f"({command}) 2>/dev/null && echo reached", seconds=10)
    finally:
        await sandbox.close()
    return problem if "reached" in outcome.output else ""


async def _lives(mark: str) -> bool:
    """Whether a process with an argument still exists after a moment in which it could end."""
    for _ in range(20):
        found = False
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                found = found or mark.encode() in path.read_bytes().split(b"\0")
            except OSError:  # it has ended
                continue
        if not found:
            return False
        await asyncio.sleep(0.05)
    return True
