"""Derives, from the episodes of all sets, what lies within reach together, and where receptacles are."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import reduce
from operator import add

from rbsuite.jsonable import Json

_ROBOT_AT = re.compile(r"robot_at\((receptacle_aabb_\w+|cab_push_point_\w+|fridge_push_point\w*)\)")


def standpoint_sets(episodes: Iterable[Json]) -> Json:
    """For each apartment (``v3_sc3``, ...), the sets of places that a subgoal has the robot at, with the number of such subgoals; most
    frequent first.

    Subgoals state every place that was within 2 m and in front of where the expert stood.
    """
    found: dict[str, Counter[tuple[str, ...]]] = {}
    for episode in episodes:
        counts = found.setdefault(episode["scene_id"].partition("_staging")[0], Counter())
        counts.update(
            tuple(sorted(name for predicate in subgoal for name in _ROBOT_AT.findall(predicate)))
            for subgoal in episode["subgoals"]
        )
    return {
        apartment: [[list(places), count] for places, count in counts.most_common()]
        for apartment, counts in found.items()
    }


def receptacle_centroids(episodes: Iterable[Json]) -> Json:
    """For each scene, the mean position (x, y, z in metres, to three places) of the objects on each receptacle."""
    found: dict[str, dict[str, list[list[float]]]] = {}
    for episode in episodes:
        scene = found.setdefault(episode["scene_id"], {})
        for thing in episode["objects"]:
            scene.setdefault(thing["receptacle"], []).append(thing["position"])
    return {
        scene: {receptacle: _mean(positions) for receptacle, positions in receptacles.items()}
        for scene, receptacles in found.items()
    }


def _mean(positions: Sequence[Sequence[float]]) -> list[float]:
    # Added one by one: the result of sum() on floats depends on the Python version, and the third place depends on that.
    return [round(reduce(add, axis) / len(axis), 3) for axis in zip(*positions, strict=True)]
