"""Run by the user's interpreter that has webarena-verified: reads a task's id, answer and trace, writes its evaluation.

It imports nothing from rbsuite. One JSON object on standard input, one on standard output.
"""

import json
import sys


def main() -> None:
    """Evaluate what comes on standard input."""
    given = json.load(sys.stdin)
    sys.stdout, out = sys.stderr, sys.stdout  # what the package prints is not the answer
    from webarena_verified.api import WebArenaVerified  # type: ignore[import-not-found]
    from webarena_verified.types.config import WebArenaVerifiedConfig  # type: ignore[import-not-found]

    environments = {name: {"urls": [url]} for name, url in given["urls"].items()}
    verified = WebArenaVerified(config=WebArenaVerifiedConfig(environments=environments))
    result = verified.evaluate_task(task_id=given["task"], agent_response=given["answer"], network_trace=given["trace"])
    told = {
        "score": float(result.score),
        "status": str(getattr(result.status, "value", result.status)),
        "error": str(result.error_msg or ""),
        "version": str(result.webarena_verified_version),
    }
    out.write(json.dumps(told))


if __name__ == "__main__":
    main()
