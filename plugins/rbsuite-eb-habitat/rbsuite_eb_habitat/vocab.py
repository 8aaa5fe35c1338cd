"""The fixed vocabulary of EB-Habitat: categories, places, and the domain's types.

Facts of ``config/task/pddl_domain_replica_cad.yaml`` and ``dataset/configs/dataset.yaml``
(EmbodiedBench/EmbodiedBench, b24793607b7c5f1f236dad6d9c3f3c94d0bd4b04, embodiedbench/envs/eb_habitat).
"""

from __future__ import annotations

from collections.abc import Mapping

SETS: tuple[str, ...] = (
    "base",
    "common_sense",
    "complex_instruction",
    "long_horizon",
    "spatial_relationship",
    "visual_appearance",
)
"""The task sets, which are the domains of the environment."""

CATEGORIES: tuple[str, ...] = (
    *("ball", "clamp", "hammer", "screwdriver", "padlock", "scissors", "block", "drill", "spatula", "knife", "spoon"),
    *("plate", "sponge", "cleanser", "plum", "pear", "peach", "apple", "lemon", "can", "box", "banana", "strawberry"),
    *("lego", "rubriks cube", "book", "bowl", "cup", "mug", "orange", "lid", "toy airplane", "wrench"),
)
"""The 33 categories of objects, in the order of the actions; ``rubriks cube`` is upstream's spelling."""

_CABINET_NAMES: Mapping[str, str] = {f"cab_push_point_{number}": f"cabinet {number}" for number in (7, 6, 5, 4)}
_RECEPTACLE_NAMES: Mapping[str, str] = {
    "receptacle_aabb_Chr1_Top1_frl_apartment_chair_01": "chair 1",
    "receptacle_aabb_Tbl1_Top1_frl_apartment_table_01": "table 1",
    "receptacle_aabb_Tbl2_Top1_frl_apartment_table_02": "table 2",
    "receptacle_aabb_TvStnd1_Top1_frl_apartment_tvstand": "TV stand",
    "receptacle_aabb_sink_kitchen_counter": "sink in the kitchen",
    "receptacle_aabb_counter_right_kitchen_counter": "right counter in the kitchen",
    "receptacle_aabb_counter_left_kitchen_counter": "left counter in the kitchen",
    "receptacle_aabb_Sofa_frl_apartment_sofa": "sofa",
    "receptacle_aabb_middle_topfrl_apartment_refrigerator": "refrigerator",
    "receptacle_aabb_drawer_left_top_frl_apartment_kitchen_counter": "left drawer of the kitchen counter",
    "receptacle_aabb_drawer_right_top_frl_apartment_kitchen_counter": "right drawer of the kitchen counter",
}

CABINETS: tuple[str, ...] = tuple(_CABINET_NAMES)
"""The cabinets, in the order of the actions. They can be opened and closed; nothing is ever in them."""
FRIDGE = "fridge_push_point"
"""The refrigerator as a thing with a door; the place inside it is :data:`REFRIGERATOR`."""
DOORS: tuple[str, ...] = (FRIDGE, *CABINETS)
"""What can be opened and closed; an index into this is a door's bit."""
RECEPTACLES: tuple[str, ...] = tuple(_RECEPTACLE_NAMES)
"""The 11 places where objects can lie, in the order of the actions."""
REFRIGERATOR = "receptacle_aabb_middle_topfrl_apartment_refrigerator"
DRAWERS: tuple[str, ...] = RECEPTACLES[-2:]
"""The drawers. They are closed, and no action opens them; placing in them and picking from them works anyway."""

PLACES: tuple[str, ...] = (*CABINETS, FRIDGE, *RECEPTACLES)
"""The 16 places to navigate to, in the order of the actions; an index into this is a place's number."""
PLACE_NUMBER: Mapping[str, int] = {name: number for number, name in enumerate(PLACES)}
NAMES: Mapping[str, str] = {**_CABINET_NAMES, FRIDGE: "refrigerator push point", **_RECEPTACLE_NAMES}
"""What actions call each place."""

ROBOT = "robot_0"

PARENTS: Mapping[str, tuple[str, ...]] = {
    "recep_type": ("static_obj_type",),
    "movable_entity_type": ("static_obj_type",),
    "stackable_entity_type": ("movable_entity_type",),
    "static_receptacle_entity_type": ("recep_type", "nav_receptacle"),
    "art_receptacle_entity_type": ("recep_type", "nav_receptacle"),
    "nav_receptacle": ("recep_type",),
    "cab_type": ("art_receptacle_entity_type",),
    "fridge_type": ("art_receptacle_entity_type",),
    "place_receptacle": ("static_receptacle_entity_type",),
    "robot_entity_type": (),
    "goal_entity_type": (),
    "static_obj_type": (),
    **dict.fromkeys(CATEGORIES, ("movable_entity_type",)),
}
"""The direct supertypes of each type of the domain."""

CONSTANTS: Mapping[str, str] = {
    **dict.fromkeys(CABINETS, "cab_type"),
    FRIDGE: "fridge_type",
    ROBOT: "robot_entity_type",
    **dict.fromkeys(RECEPTACLES, "place_receptacle"),
}
"""The entities that every episode has, with their types."""


def is_subtype(kind: str, wanted: str) -> bool:
    """Whether a type is another one or a subtype of it."""
    return kind == wanted or any(is_subtype(parent, wanted) for parent in PARENTS.get(kind, ()))
