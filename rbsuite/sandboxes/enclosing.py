"""Runs a command for the sandbox ``local``; a program of its own, which needs nothing but the standard library.

    python3 -I -S enclosing.py walls|bare PLACE SCRATCH closed|open SHOWN PROGRAM...

With ``walls`` the command gets namespaces of its own: no network (unless it is ``open``), no processes but its own, and of the machine's
files only its programs (``/usr`` and what belongs to it) and the directories SHOWN (separated by ``:``), read-only; PLACE, where it may
write; and temporary files of its own, up to SCRATCH bytes. That takes the right to make user namespaces. ``bare`` takes no such right: the
command has no capabilities and gets no new privileges.

In both cases nothing is left of the command when it ends, or when this program is killed: with ``walls`` because the first process of a
namespace takes the others with it, with ``bare`` because orphans become children of the process that waits here, which kills them.
"""

# ruff: noqa: PTH102, PTH103, PTH112, PTH120, PTH123, PTH208, PTH211 (pathlib and contextlib take longer to load than all the rest)

from __future__ import annotations

import ctypes
import os
import sys
import warnings  # noqa: F401 (os.execvp imports it, when the standard library may be hidden)

_LIBC = ctypes.CDLL(None, use_errno=True)
_SIGKILL, _SIGTERM = 9, 15
_SET_PDEATHSIG, _CAPBSET_DROP, _SET_CHILD_SUBREAPER, _SET_NO_NEW_PRIVS = 1, 24, 36, 38
_NEWNS, _NEWUTS, _NEWIPC, _NEWUSER, _NEWPID, _NEWNET = 0x20000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000
_NOSUID, _NODEV, _NOEXEC, _BIND, _REC, _PRIVATE = 2, 4, 8, 0x1000, 0x4000, 0x40000
_MOUNT_SETATTR, _AT_FDCWD, _AT_RECURSIVE, _ATTR_RDONLY, _ATTR_NOSUID = 442, -100, 0x8000, 1, 2
_CAPABILITY_VERSION = 0x20080522
_SHARED = frozenset(["usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32", "proc"])
"""The machine's directories that stay visible; all others are hidden."""
_ETC = ("/etc/ld.so.cache", "/etc/alternatives")
_WRITABLE = ("/tmp", "/run", "/dev")
_DEVICES = ("null", "zero", "full", "random", "urandom")


def _checked(result: int) -> None:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _mount(source: str, target: str, kind: str | None, flags: int, data: str | None = None) -> None:
    texts = [None if text is None else text.encode() for text in (source, target, kind, data)]
    _checked(_LIBC.mount(texts[0], texts[1], texts[2], ctypes.c_ulong(flags), texts[3]))


def _set_attributes(place: str, *, added: int, removed: int, recursive: bool) -> None:
    attributes = (ctypes.c_uint64 * 4)(added, removed, 0, 0)
    flags = _AT_RECURSIVE if recursive else 0
    _checked(
        _LIBC.syscall(
            _MOUNT_SETATTR, _AT_FDCWD, place.encode(), flags, attributes, ctypes.c_size_t(len(attributes) * 8)
        )
    )


def separate(*, network: bool) -> None:
    """Make namespaces for the processes that are started from now on, with this user as the only one in them."""
    user, group = os.geteuid(), os.getegid()
    _checked(_LIBC.unshare(_NEWUSER | _NEWNS | _NEWPID | _NEWIPC | _NEWUTS | (0 if network else _NEWNET)))
    for name, text in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(text)


def build_walls(place: str, scratch: int, shown: list[str]) -> None:
    """Set up the file systems in a mount namespace of one's own."""
    _mount("none", "/", None, _REC | _PRIVATE)
    held = os.open(place, os.O_PATH | os.O_DIRECTORY)
    kept = [*filter(os.path.exists, _ETC), *(path for path in shown if not path.startswith("/usr/"))]
    back = {path: os.open(path, os.O_PATH) for path in kept}
    devices = {name: os.open(f"/dev/{name}", os.O_PATH) for name in _DEVICES}
    _mount("proc", "/proc", "proc", _NOSUID | _NODEV | _NOEXEC)
    _set_attributes("/", added=_ATTR_RDONLY | _ATTR_NOSUID, removed=0, recursive=True)
    unshared = [entry for entry in os.scandir("/") if entry.name not in _SHARED and not entry.is_symlink()]
    for entry in unshared:
        if not entry.is_dir():
            _mount(f"/proc/self/fd/{devices['null']}", entry.path, None, _BIND)
    hidden = [entry.path for entry in unshared if entry.is_dir()]
    for path in hidden:
        own = f"size={scratch},mode=1777" if path in _WRITABLE else "size=1m,mode=755"
        _mount("tmpfs", path, "tmpfs", _NOSUID | _NODEV, own)
    for path, source in back.items():
        _bind(source, path)
    for name, device in devices.items():
        _bind(device, f"/dev/{name}")
    for name, target in (("fd", ""), ("stdin", "/0"), ("stdout", "/1"), ("stderr", "/2")):
        os.symlink(f"/proc/self/fd{target}", f"/dev/{name}")
    os.mkdir("/dev/shm")
    _set_attributes("/dev", added=_ATTR_RDONLY, removed=0, recursive=False)
    _mount("tmpfs", "/dev/shm", "tmpfs", _NOSUID | _NODEV, f"size={scratch},mode=1777")
    _bind(held, place)
    _set_attributes(place, added=0, removed=_ATTR_RDONLY, recursive=True)
    for path in hidden:
        if path not in _WRITABLE:
            _set_attributes(path, added=_ATTR_RDONLY, removed=0, recursive=False)


def _bind(source: int, path: str) -> None:
    """Mount what a descriptor refers to at a path in a hidden directory, and close the descriptor."""
    if os.path.isdir(f"/proc/self/fd/{source}"):
        os.makedirs(path, exist_ok=True)
    else:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        os.close(os.open(path, os.O_CREAT))
    _mount(f"/proc/self/fd/{source}", path, None, _BIND | _REC)
    os.close(source)


def give_up_privileges() -> None:
    """Drop all capabilities, for good."""
    _checked(_LIBC.prctl(_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
    for number in range(64):
        _LIBC.prctl(_CAPBSET_DROP, number, 0, 0, 0)  # refused without capabilities, and for those that do not exist
    header, none = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION, 0), (ctypes.c_uint32 * 6)()
    _checked(_LIBC.capset(header, none))


def sweep() -> None:
    """Kill all descendants of this process, which inherits the orphans among them."""
    own = str(os.getpid()).encode()
    while True:
        for name in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{name}/stat", "rb") as file:
                    parent = file.read().rpartition(b")")[2].split()[1]
                if parent == own:
                    os.kill(int(name), _SIGKILL)
            except (OSError, IndexError):  # it has ended
                pass
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return


def keep(program: list[str]) -> int:
    """Run a program in a session of its own, wait for it, and leave nothing behind."""
    child = os.fork()
    if child == 0:
        os.setsid()
        os.execvp(program[0], program)
    ended, status = os.waitpid(-1, 0)
    while ended != child:
        ended, status = os.waitpid(-1, 0)
    sweep()
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def _ended(number: int, _frame: object) -> None:
    sweep()
    os._exit(128 + number)


def main() -> int:
    """The exit code of the program."""
    way, place, scratch, network, shown, *program = sys.argv[1:]
    walls = way == "walls"
    _checked(_LIBC.prctl(_SET_PDEATHSIG, _SIGKILL, 0, 0, 0))
    if walls:
        separate(network=network == "open")
    keeper = os.fork()
    if keeper:
        code = os.waitstatus_to_exitcode(os.waitpid(keeper, 0)[1])
        return code if code >= 0 else 128 - code
    os.setsid()  # killing this program's group does not kill the keeper with it
    if walls:
        build_walls(place, int(scratch), [path for path in shown.split(":") if path])
    else:
        _checked(_LIBC.prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0))
        import signal

        signal.signal(_SIGTERM, _ended)
    give_up_privileges()
    _checked(_LIBC.prctl(_SET_PDEATHSIG, _SIGKILL if walls else _SIGTERM, 0, 0, 0))
    return keep(program)


if __name__ == "__main__":
    sys.exit(main())
