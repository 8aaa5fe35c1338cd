"""The named actions: the 162 of every scene, and those that a scene's further instances add.

Follows ``get_global_action_space`` and ``EBAlfEnv.generate_additional_action_space`` (EmbodiedBench/EmbodiedBench,
b24793607b7c5f1f236dad6d9c3f3c94d0bd4b04, EBAlfEnv.py). Upstream numbers instances in the order in which the simulator lists them, which is
not recorded in any data; here they are numbered in the order of their sorted ids.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from rbsuite_eb_alfred.vocabulary import OBJECTS, OPENABLE, PICKABLE, SLICEABLE, TOGGLEABLE, spoken

Verb = Literal["find", "pick", "put", "drop", "open", "close", "on", "off", "slice"]

PUT_DOWN = "put down the object in hand"
DROP = "drop the object in hand"

_FORMS: Mapping[Verb, str] = {
    "find": "find a {}",
    "pick": "pick up the {}",
    "open": "open the {}",
    "close": "close the {}",
    "on": "turn on the {}",
    "off": "turn off the {}",
    "slice": "slice the {}",
}
_BOUND: frozenset[Verb] = frozenset({"find", "open", "close"})
"""Only for these does an instance's name mean that instance; all other actions go by type."""


@dataclass(frozen=True, slots=True)
class Command:
    """An action, taken apart.

    Attributes:
        verb: what is done.
        key: what it is done to: an instance's id, or the bare name; empty for what is in the hand.
        kind: the type to choose from, in lower case.
        shown: what upstream's messages call it.
        thing: index of the instance that the name is bound to; ``None``: the nearest of the type.
    """

    verb: Verb
    key: str = ""
    kind: str = ""
    shown: str = ""
    thing: int | None = None


@dataclass(frozen=True, slots=True)
class Instances:
    """The names of a scene's instances.

    Attributes:
        ids: id by name; only for types with at least two instances, the first of which keeps the bare name.
        receptacles: names of receptacles beyond the first of a type, sorted.
        objects: likewise of objects that can be picked up and are not receptacles.
    """

    ids: Mapping[str, str]
    receptacles: tuple[str, ...]
    objects: tuple[str, ...]


def action_name(verb: Verb, name: str) -> str:
    """The name of an action on something, e.g. ``find a Cabinet_2``."""
    return _FORMS[verb].format(name)


def base_actions() -> tuple[str, ...]:
    """The 162 actions that every scene has, in upstream's order."""
    names = [action_name("find", name) for name in OBJECTS]
    names += [action_name("pick", name) for name in PICKABLE]
    names += [PUT_DOWN, DROP]
    names += _pairs("open", "close", OPENABLE)
    names += _pairs("on", "off", TOGGLEABLE)
    names += [action_name("slice", name) for name in SLICEABLE]
    return tuple(names)


def further_actions(instances: Instances) -> tuple[str, ...]:
    """The actions on further instances: receptacles are found, then opened and closed; then objects are found."""
    names = [action_name("find", name) for name in instances.receptacles]
    names += _pairs("open", "close", [name for name in instances.receptacles if _base(name) in OPENABLE])
    names += [action_name("find", name) for name in instances.objects]
    return tuple(names)


def name_instances(receptacles: Mapping[str, Sequence[str]], objects: Mapping[str, Sequence[str]]) -> Instances:
    """Name the instances of types that have at least two.

    Args:
        receptacles: ids of the receptacles by type, in the order of numbering.
        objects: likewise for what can be picked up and is not a receptacle.
    """
    ids: dict[str, str] = {}
    further = []
    for group in (receptacles, objects):
        names: list[str] = []
        for kind, members in group.items():
            if len(members) >= 2:
                numbered = [kind, *(f"{kind}_{number}" for number in range(2, len(members) + 1))]
                ids.update(zip(numbered, members, strict=True))
                names += numbered[1:]
        further.append(tuple(sorted(names)))
    return Instances(ids, further[0], tuple(name for name in further[1] if _base(name) in PICKABLE))


def commands(names: Iterable[str], instances: Instances, index: Mapping[str, int]) -> tuple[Command, ...]:
    """Take the names of actions apart.

    Args:
        names: names of actions.
        instances: the names of the scene's instances.
        index: index of each thing by its id.
    """
    return tuple(_command(name, instances, index) for name in names)


def _command(name: str, instances: Instances, index: Mapping[str, int]) -> Command:
    if name == PUT_DOWN:
        return Command("put")
    if name == DROP:
        return Command("drop")
    argument = name.rpartition(" ")[2]
    verb = next(verb for verb, form in _FORMS.items() if form.format(argument) == name)
    if verb in _BOUND and argument in instances.ids:
        bound = instances.ids[argument]
        # The id's first part, not the object's type: for the basin of a sink, that is Sink.
        shown = bound.partition("|")[0]
        return Command(verb, bound, shown.casefold(), shown, index[bound])
    return Command(verb, argument, argument.casefold(), spoken(argument))


def _pairs(first: Verb, second: Verb, names: Iterable[str]) -> list[str]:
    return [action_name(verb, name) for name in names for verb in (first, second)]


def _base(name: str) -> str:
    return name.partition("_")[0]
