"""A simulator made up of the engine's physics, behind the face that upstream's Python sees of habitat-sim.

Space is a row of places, far from each other: what is near does not follow from positions but from the household's reach, which the robot's
transformation turns into distances that upstream's thresholds tell apart (1.5 m for objects, 2 m for places).
"""

from __future__ import annotations

import types
from collections.abc import Iterator
from typing import Any

import gymnasium
import numpy as np

from rbsuite_eb_habitat.household import Household
from rbsuite_eb_habitat.vocab import DOORS, FRIDGE, PLACE_NUMBER, RECEPTACLES, REFRIGERATOR

from .states import Situation
from .stubs import Anything, Matrix4, Range3D, Vector3

APART = 100.0
"""Metres between two places."""
FAR, WITHIN, CLOSE = 50.0, 1.8, 0.5
"""Distances (metres) that upstream's thresholds take for out of reach, within reach of ``robot_at`` alone, and of ``robot_at_obj`` too."""
_ASIDE = Vector3(0.5, 0.0, 0.0)
_START, _HAND = -50 * APART, -90 * APART


def _middle(place: int) -> Vector3:
    return Vector3(place * APART, 0.0, 0.0)


def _place(position: Any) -> int:
    return round(float(position[0]) / APART)


class _Body(Anything):
    """A rigid object."""

    def __init__(self, number: int) -> None:
        self.object_id = number
        self.transformation = Matrix4()


class _Hand(Anything):
    """The grasp manager."""

    def __init__(self, simulator: FakeSimulator) -> None:
        self._simulator = simulator
        self.snap_idx: int | None = None

    @property
    def is_grasped(self) -> bool:
        """Whether something is held."""
        return self.snap_idx is not None

    def desnap(self, _: bool = False) -> None:
        """Let go."""
        self.snap_idx = None

    def snap_to_obj(self, number: int) -> None:
        """Take hold of an object."""
        self.snap_idx = number
        self._simulator.bodies[number].transformation = Matrix4.translation((_HAND, 0.0, 0.0))

    def is_violating_hold_constraint(self) -> bool:
        """Nothing slips."""
        return False


class _Robot(Anything):
    """The articulated agent; it is its own transformation, which is as good as its inverse here."""

    def __init__(self, simulator: FakeSimulator) -> None:
        self._simulator = simulator
        self.base_pos: Any = Vector3(_START, 0.0, 0.0)
        self.base_rot = 0.0

    @property
    def base_transformation(self) -> _Robot:
        """From the robot to the world."""
        return self

    def inverted(self) -> _Robot:
        """From the world to the robot."""
        return self

    def transform_point(self, position: Any) -> Vector3:
        """Straight ahead, as far away as the household's reach says."""
        household, here, there = self._simulator.household, _place(self.base_pos), _place(position)
        if there == _place((_HAND,)):
            return Vector3(CLOSE, 0.0, 0.0)
        if here < 0 or (there not in household.reach[here] and there != household.picking[here]):
            return Vector3(FAR, 0.0, 0.0)
        is_place = bool(np.all(position == _middle(there)))
        return Vector3(CLOSE if is_place or there == household.picking[here] else WITHIN, 0.0, 0.0)


class _Link(Anything):
    """A link of a piece of furniture: that of a door."""

    def __init__(self, door: str) -> None:
        self.transformation = Matrix4.translation(_middle(PLACE_NUMBER[door]))
        inside = PLACE_NUMBER[REFRIGERATOR if door == FRIDGE else door]
        # Nothing is ever in a cabinet.
        half = (1.0, 1.0, 1.0) if door == FRIDGE else (0.0, 0.0, 0.0)
        self.cumulative_bb = Range3D.from_center(_middle(inside), half)


class _Furniture(Anything):
    """A piece of furniture with one door."""

    def __init__(self, door: str) -> None:
        self.handle = door
        self.joint_positions = [0.0]
        self.num_links = 0
        self.link = _Link(door)

    def get_link_joint_pos_offset(self, _: int) -> int:
        """The joint of the door."""
        return 0

    def get_link_scene_node(self, _: int) -> _Link:
        """The door."""
        return self.link


class FakeSimulator(Anything):
    """What upstream's task, domain and actions use of ``RearrangeSim``; the loading of objects and their names is upstream's.

    Args:
        config: upstream's configuration of the simulator.
    """

    def __init__(self, config: Any) -> None:
        self.habitat_config = self.sim_config = config
        self.sim_config.enable_batch_renderer = False
        self.sensor_suite = types.SimpleNamespace(observation_spaces=gymnasium.spaces.Dict({}))
        self._sensor_suite = types.SimpleNamespace(get_observations=lambda observations: observations)
        self._sensors: dict[str, object] = {}
        self.cur_runtime_perf_scope: list[str] = []
        self._additional_object_paths = ["objects"]
        self._handle_to_goal_name: dict[str, str] = {}
        self._kinematic_mode = True
        self.draw_bb_objs: list[int] = []
        self.num_articulated_agents = 1
        self.household: Any = None
        self.bodies: dict[int, _Body] = {}
        self._empty()

    def set_household(self, household: Household) -> None:
        """Say whose reach holds from the next reset on."""
        self.household = household

    def reconfigure(self, _: Any, episode: Any) -> None:
        """Load the objects of an episode, by upstream's own code, where the episode says that they lie."""
        from habitat.tasks.rearrange.rearrange_sim import RearrangeSim  # type: ignore[import-not-found]

        self._empty()
        RearrangeSim._add_objs(self, episode, True, False)
        for name, number in self._handle_to_object_id.items():
            place = PLACE_NUMBER[episode.name_to_receptacle[name]]
            body = self.bodies[self._scene_obj_ids[number]]
            body.transformation = Matrix4.translation(_middle(place) + _ASIDE)

    def _empty(self) -> None:
        self.bodies = {}
        self._scene_obj_ids: list[int] = []
        self._handle_to_object_id: dict[str, int] = {}
        self.hand, self.robot = _Hand(self), _Robot(self)
        self.furniture = {door: _Furniture(door) for door in DOORS}
        self.agents_mgr = _Agents(self)

    def get_all_markers(self) -> dict[str, Any]:
        """Upstream's own records of the doors."""
        from habitat.tasks.rearrange.marker_info import MarkerInfo  # type: ignore[import-not-found]

        return {door: MarkerInfo((0.0, 0.0, 0.0), each.link, each, 0) for door, each in self.furniture.items()}

    @property
    def receptacles(self) -> dict[str, Range3D]:
        """A box for each."""
        return {name: Range3D.from_center(_middle(PLACE_NUMBER[name]), (1.0, 1.0, 1.0)) for name in RECEPTACLES}

    @property
    def art_objs(self) -> list[_Furniture]:
        """The furniture."""
        return list(self.furniture.values())

    @property
    def handle_to_object_id(self) -> dict[str, int]:
        """The number of each object."""
        return self._handle_to_object_id

    @property
    def scene_obj_ids(self) -> list[int]:
        """The numbers of the bodies."""
        return self._scene_obj_ids

    def get_targets(self) -> tuple[list[int], list[Any]]:
        """There are no geometric goals."""
        return [], []

    def get_agent_data(self, _: int) -> Any:
        """The robot and its hand."""
        return types.SimpleNamespace(articulated_agent=self.robot, grasp_mgr=self.hand)

    def get_rigid_object_manager(self) -> FakeSimulator:
        """This keeps the bodies."""
        return self

    def add_object_by_template_handle(self, _: str) -> _Body:
        """A new body."""
        number = 1000 + len(self.bodies)
        self.bodies[number] = _Body(number)
        return self.bodies[number]

    def get_object_by_id(self, number: int) -> _Body:
        """A body."""
        return self.bodies[number]

    def set_articulated_agent_base_to_random_point(self, **_: object) -> tuple[Any, float]:
        """At no place, as in the engine."""
        return Vector3(_START, 0.0, 0.0), 0.0

    def safe_snap_point(self, position: Any) -> Any:
        """One can stand everywhere."""
        return np.array(position)

    def is_point_within_bounds(self, _: Any) -> bool:
        """Nothing is out of bounds."""
        return True

    def get_sensor_observations(self) -> dict[str, Any]:
        """No pictures."""
        return {}

    def step(self, _: Any) -> dict[str, Any]:
        """Nothing moves by itself."""
        return {}

    def set_situation(self, situation: Situation) -> None:
        """Bring a state about: where the robot is, what lies where, what is held, which doors are open."""
        self.robot.base_pos = _middle(situation.place) if situation.place >= 0 else Vector3(_START, 0.0, 0.0)
        for number, place in zip(self._scene_obj_ids, situation.lies, strict=True):
            self.bodies[number].transformation = Matrix4.translation(_middle(place) + _ASIDE)
        self.hand.snap_idx = None
        if situation.held >= 0:
            self.hand.snap_to_obj(self._scene_obj_ids[situation.held])
        for bit, door in enumerate(DOORS):
            self.furniture[door].joint_positions = [1.5 if situation.open_doors & 1 << bit else 0.0]

    def where(self) -> tuple[tuple[int, ...], int, tuple[str, ...]]:
        """The place of each object (-1: in the hand), the object held (-1: none), the doors that are open."""
        lies = tuple(-1 if number == self.hand.snap_idx else _place(self._at(number)) for number in self._scene_obj_ids)
        held = -1 if self.hand.snap_idx is None else self._scene_obj_ids.index(self.hand.snap_idx)
        return lies, held, tuple(door for door, each in self.furniture.items() if each.joint_positions[0] > 0)

    def _at(self, number: int) -> Vector3:
        return self.bodies[number].transformation.offset


class _Agents:
    def __init__(self, simulator: FakeSimulator) -> None:
        self._simulator = simulator

    def __len__(self) -> int:
        return 1

    @property
    def grasp_iter(self) -> Iterator[_Hand]:
        """The one hand."""
        return iter([self._simulator.hand])
