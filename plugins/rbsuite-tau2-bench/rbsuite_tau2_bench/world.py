"""The world of a tau2-bench task: call tools of either side, see their observations, compare end states.

A world is a thin layer over databases that all worlds share, so thousands of them can be alive. It matches upstream
(``src/tau2/environment`` of sierra-research/tau2-bench, a2c0247) observation by observation and hash by hash, quirks included, apart from
the :data:`DEVIATIONS`. ``fidelity="fixed"`` repairs the :data:`REPAIRS`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from rbsuite.errors import UnknownNameError
from rbsuite_dialogue import deviations
from rbsuite_dialogue.database import Database
from rbsuite_dialogue.overlay import Overlay
from rbsuite_dialogue.refusal import Refusal
from rbsuite_dialogue.values import UnusableArgument, Value, plain
from rbsuite_tau2_bench.domains import Domain, Part, domain
from rbsuite_tau2_bench.phone import Phone
from rbsuite_tau2_bench.scenario import Call, Function, Scenario
from rbsuite_tau2_bench.toolkit import (
    BOUNDED_HISTORY,
    COUNTED_BILL_IDS,
    Side,
    Toolkit,
)

if TYPE_CHECKING:
    from rbsuite_tau2_bench.pack import Pack

FIDELITIES = ("upstream", "fixed")

DEVIATIONS: Mapping[str, str] = MappingProxyType(
    {
        **deviations.DEVIATIONS,
        BOUNDED_HISTORY: "cancelling a reservation once more gave an error; upstream doubles its payments without end",
        COUNTED_BILL_IDS: "a new bill was numbered in sequence; upstream draws its number at random",
    }
)
"""Where a world can depart from upstream, by the names that :attr:`World.deviations` uses."""

REPAIRS: Mapping[str, str] = MappingProxyType(
    {
        "item-options": "each modified item of a pending order gets its own price and options; upstream gives all the last one's",
        "synced-reference": "the sides are kept in step while the reference is replayed; upstream forgets it there",
        "own-user-data": "data that a task gives the agent's side stays there; upstream puts it in place of the user's too",
        "all-arguments": "a reference action needs all of its arguments; upstream takes a call that leaves some out",
    }
)
"""What ``fidelity="fixed"`` repairs."""

# Upstream passes these on as its own keywords, so that arguments of these names collide with them.
_TAKEN = {
    "self": "Environment.make_tool_call() got multiple values for argument 'self'",
    "tool_name": "Environment.make_tool_call() got multiple values for argument 'tool_name'",
    "requestor": (
        "tau2.environment.environment.Environment.make_tool_call() got multiple values for keyword argument 'requestor'"
    ),
}


class World:
    """Both sides of a domain: databases and tools. Not safe for calls from several threads at once.

    Args:
        domain: ``retail``, ``airline``, ``telecom`` or ``mock``.
        pack: the data; worlds made from one :class:`Pack` share its databases, a path is read again each time.
        task: the id of a task whose initial state is applied; ``None``: the databases as shipped.
        fidelity: ``upstream`` keeps upstream's quirks, ``fixed`` repairs the :data:`REPAIRS`.
        solo: whether the agent has the tools of both sides and works without a user.
        worn_vpn: whether the phone's VPN is poor from the start: in upstream's process all phones share its details, so that one task that
            breaks it breaks it for all later episodes. That is not copied, but records made under it can be compared.

    Raises:
        UnknownNameError: no such domain, task or fidelity.
        DataError: the data is missing or malformed.
    """

    __slots__ = ("_agent", "_domain", "_user", "fidelity", "solo")
    _agent: Toolkit
    _domain: Domain
    _user: Toolkit | None

    def __init__(
        self,
        domain: str,
        pack: Pack | str | Path,
        task: str | None = None,
        *,
        fidelity: str = "upstream",
        solo: bool = False,
        worn_vpn: bool = False,
    ) -> None:
        from rbsuite_tau2_bench.pack import Pack

        source = pack if isinstance(pack, Pack) else Pack(pack)
        if task is not None:
            twin = source.initial(domain, task, fidelity).fork()
            self._domain, self._agent, self._user = twin._domain, twin._agent, twin._user
        else:
            shipped = source.databases(domain)
            self._begin(domain, shipped, fidelity)
        self.fidelity = fidelity
        self.solo = solo
        if worn_vpn and isinstance(self._user, Phone):
            self._user.wear_vpn()

    @classmethod
    def begun(cls, name: str, databases: tuple[Database, Database | None], scenario: Scenario, fidelity: str) -> World:
        """The world at the start of a task.

        Raises:
            UnknownNameError: no such domain or fidelity.
            Exception: whatever the functions of its initial state raise.
        """
        world = object.__new__(cls)
        world.fidelity, world.solo = fidelity, False
        world._begin(name, databases, fidelity)
        world._set_up(scenario)
        return world

    def _begin(self, name: str, databases: tuple[Database, Database | None], fidelity: str) -> None:
        if fidelity not in FIDELITIES:
            raise UnknownNameError("fidelity", fidelity, FIDELITIES)
        self._domain = domain(name)
        agent, user = databases
        fixed = fidelity == "fixed"
        self._agent = self._domain.agent.toolkit(Overlay(agent), fixed=fixed)
        self._user = None
        if user is not None and self._domain.user is not None:
            self._user = self._domain.user.toolkit(Overlay(user), fixed=fixed)
        self._sync()

    @property
    def domain(self) -> str:
        """The domain's name."""
        return self._domain.name

    @property
    def deviations(self) -> frozenset[str]:
        """The names of the :data:`DEVIATIONS` that have taken effect in this world so far, including those before a fork."""
        return self._agent.db.deviations | (self._user.db.deviations if self._user else frozenset())

    def call(self, name: str, arguments: Mapping[str, Value], requestor: Side = "assistant") -> tuple[str, bool]:
        """Call a tool; returns its observation, and whether that is an error. Anything wrong with the call is an observation too.

        Args:
            name: name of the tool.
            arguments: the tool's arguments as JSON values. They are copied: neither side changes the other's.
            requestor: who calls: ``assistant`` or ``user``.
        """
        try:
            observation = self._use(name, arguments, requestor)
            self._sync()
        except UnusableArgument as error:
            self._agent.db.note(deviations.REFUSED_ARGUMENTS)
            return f"Error: {error}", True
        except Exception as error:
            return f"Error: {error}", True
        return observation, False

    def replay(self, reference: Call) -> None:
        """Carry out a reference action, as upstream's grader does: errors are ignored, and the sides are not kept in sync."""
        if self.fidelity == "fixed":
            self.call(reference.name, reference.arguments, reference.requestor)
            return
        try:
            self._use(reference.name, reference.arguments, reference.requestor)
        except Exception:
            return

    def run(self, function: Function) -> Value:
        """Call a function of a task's initial state or of its checks.

        Raises:
            Exception: whatever it raises.
        """
        side = self._agent if function.side == "assistant" else self._user
        if side is None or function.name not in side.functions:
            raise Refusal(f"Function {function.name} not found in {function.side} tools")
        result = getattr(side, function.name)(**function.arguments)
        self._sync()
        return result

    def hashes(self) -> tuple[str, str | None]:
        """Upstream's hashes of the agent's database and of the user's, if there is one: sha256, 64 hex digits."""
        user = self._user
        return _digest(self._agent), _digest(user) if user else None

    def same_state(self, other: World) -> bool:
        """Whether both sides' databases are in the same state as those of another world over the same data."""
        pairs = [(self._agent, other._agent)]
        if self._user is not None and other._user is not None:
            pairs.append((self._user, other._user))
        return all(one.db.database is two.db.database and one.db.changes() == two.db.changes() for one, two in pairs)

    def fork(self) -> World:
        """An independent world in the same state."""
        twin = object.__new__(World)
        twin._domain, twin.fidelity, twin.solo = self._domain, self.fidelity, self.solo
        agent = self._agent.db.fork()
        twin._agent = self._agent.forked(agent)
        twin._user = None
        if self._user is not None:
            shared = self._user.db is self._agent.db
            twin._user = self._user.forked(agent if shared else self._user.db.fork())
        return twin

    def _use(self, name: str, arguments: Mapping[str, Value], requestor: Side) -> str:
        keywords = _keywords(arguments)
        if requestor == "user":
            if self.solo:
                raise Refusal("User tool calls are not allowed in solo mode")
            if self._user is None:
                raise Refusal("User tools not available")
            return self._user.use(name, keywords)
        if requestor != "assistant":
            raise Refusal(f"Invalid requestor: {requestor}")
        if self.solo and self._user is not None and name in self._user.kinds:
            return self._user.use(name, keywords)
        return self._agent.use(name, keywords)

    def _sync(self) -> None:
        if self._domain.sync is not None:
            self._domain.sync(self._agent, self._user)

    def _set_up(self, scenario: Scenario) -> None:
        """Apply a task's initial state."""
        if scenario.agent_data is not None:
            self._agent.db = _updated(self._domain.agent, self._agent, scenario.agent_data)
            if self._user is not None and self.fidelity == "upstream":
                self._user.db = self._agent.db
        if scenario.user_data is not None and self._user is not None and self._domain.user is not None:
            self._user.db = _updated(self._domain.user, self._user, scenario.user_data)
            if self.fidelity == "upstream":
                self._agent.db = self._user.db
        for function in scenario.functions:
            self.run(function)
        for said in scenario.history:
            for _, call in said.calls:
                if self._domain.kinds.get(call.name) == "write":
                    self.call(call.name, call.arguments, call.requestor)
        self._sync()


def _keywords(arguments: Mapping[str, Value]) -> dict[str, Value]:
    """A private copy of the arguments, refused with the text Python gives upstream if they cannot be keywords."""
    if not isinstance(arguments, Mapping):
        raise UnusableArgument("arguments must be a JSON object")
    for name, problem in _TAKEN.items():
        if name in arguments:
            raise TypeError(problem)
    if not all(isinstance(name, str) for name in arguments):
        raise TypeError("keywords must be strings")
    return {str(name): plain(value) for name, value in arguments.items()}


def _digest(side: Toolkit) -> str:
    return side.db.database.digest(side.db.changes())


def _updated(part: Part, side: Toolkit, changes: Mapping[str, Value]) -> Overlay:
    """A database updated with a task's data: objects are merged, everything else is replaced."""
    document = part.document(side.db.database)
    return Overlay(part.database(_merged(document, changes)))


def _merged(known: Value, new: Value) -> Value:
    if not (isinstance(known, dict) and isinstance(new, Mapping)):
        return plain(new)
    return {**known, **{key: _merged(known.get(key), value) for key, value in new.items()}}
