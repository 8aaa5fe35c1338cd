"""What the plugin declares."""

from __future__ import annotations

from rbsuite_eb_alfred.environment import NAME, EbAlfred
from rbsuite_eb_alfred.pack import SETS
from rbsuite_eb_alfred.plugin import rbsuite_environments, rbsuite_prompt_dirs
from rbsuite_eb_alfred.resources import PACK, SPLITS
from rbsuite_embodied.environment import FEEDBACK, MAX_INVALID, MAX_STEPS, VISIBLE


def test_the_spec_says_what_the_environment_does() -> None:
    spec = next(spec for spec in rbsuite_environments() if spec.name == NAME)
    assert spec.aliases == ("eb-alfred",)
    assert spec.factory == f"{EbAlfred.__module__}:{EbAlfred.__name__}"
    assert spec.domains == SETS
    assert tuple(split.name for split in spec.splits) == SPLITS
    assert spec.pack == PACK
    assert spec.max_steps == MAX_STEPS + MAX_INVALID
    assert (spec.action_mode, spec.agent) == ("choice", "planner")
    assert [option.choices for option in spec.options] == [(FEEDBACK, VISIBLE)]
    assert {apart.domain for apart in spec.apart} == {"spatial", "visual_appearance"}
    assert [measure.name for measure in spec.measures] == ["progress", "progress_upstream"]
    assert {row.grade for row in spec.fidelity} == {"exact", "approximate", "absent"}


def test_the_templates_are_where_the_plugin_says() -> None:
    assert [(directory / EbAlfred.template).is_file() for directory in rbsuite_prompt_dirs()] == [True]
