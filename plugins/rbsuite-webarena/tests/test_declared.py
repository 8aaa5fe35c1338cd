"""What is declared; where the plugin is not installed it is said here."""

from __future__ import annotations

import pytest

from rbsuite.run.presets import describe

pytest.importorskip(
    "rbsuite_web", reason="rbsuite-webarena is not installed (uv run --group web pytest plugins/rbsuite-webarena)"
)


def test_what_differs_from_the_protocol_is_told() -> None:
    from rbsuite_webarena.plugin import rbsuite_environments

    (spec,) = rbsuite_environments()
    here = spec.protocols["reasoningbank"]
    lines = describe("reasoningbank", {}, spec.action_mode, simulated=True, here=here)
    assert any(line.startswith("  --max-steps 30") for line in lines)
    assert any(line.startswith("  --scope domain") for line in lines)
    assert sum(line.startswith("  differs here: ") for line in lines) == len(here.differs) > 4
    assert "evo-memory" not in spec.protocols
