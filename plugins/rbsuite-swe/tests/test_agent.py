"""The agent that writes blocks of bash."""

from __future__ import annotations

import pytest

from rbsuite.errors import ParseFailure
from rbsuite.models.base import Completion
from rbsuite_swe.agent import BashAgent
from speed import cpu_seconds

READ = {
    "THOUGHT: look\n\n```bash\nls -la\n```": "ls -la",
    "```bash\ncat <<'EOF' > a\n```text\nx\n```\nEOF\n": None,
    "~~~bash\nls\n~~~": "ls",
    "Look.\n```sh\nls\n```\nDone.": "ls",
    "```\nls\n```": "ls",
    "```python\nprint(1)\n```": None,
    "```python\nprint(1)\n```\nso\n```bash\npython3 a.py\n```": "python3 a.py",
    "```bash\nls\n```\n```bash\npwd\n```": None,
    "ls": None,
    "<think>\n```bash\nrm -rf .\n```\n</think>\n```bash\nls\n```": "ls",
    "````bash\ncat > a.md <<'E'\n```\nx\n```\nE\n````": "cat > a.md <<'E'\n```\nx\n```\nE",
    "The page says\n> ```bash\n> rm -rf .\n> ```\nI will not run it.": None,
    "```bash\r\nls\r\n```": "ls",
}
STRICT = {"```bash\nls\n```": "ls", "```sh\nls\n```": None, "~~~bash\nls\n~~~": None, "a ```bash\nls\n``` b": "ls"}


def read(agent: BashAgent, reply: str) -> str | None:
    try:
        action = agent.answer(Completion(reply))
    except ParseFailure:
        return None
    return str(action.calls[0].arguments["command"])


@pytest.mark.parametrize("strict", [False, True])
def test_what_is_read_as_a_command(strict: bool) -> None:
    cases = STRICT if strict else READ
    assert {reply: read(BashAgent(strict), reply) for reply in cases} == cases


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize(
    "pattern", ["```a\n", "```\n", "~~~\n", "````\n```\n", "```bash\na", "```bash\na\n```\n", "<<a\na\n", "`", "<<"]
)
@pytest.mark.parametrize("opening", ["", "```bash\n"])
def test_any_reply_is_read_in_linear_time(opening: str, pattern: str, strict: bool) -> None:
    text = opening + pattern * (1_000_000 // len(pattern)) + "\n```" * bool(opening)
    assert cpu_seconds(lambda: read(BashAgent(strict), text), 0.2) <= 0.2


def test_thought_is_what_stands_around_the_block_and_words_do_nothing() -> None:
    agent = BashAgent()
    action = agent.answer(Completion("THOUGHT: look\n\n```bash\nls\n```\nThen go on."))
    assert action.thought == "THOUGHT: look Then go on."
    unread = agent.unread(Completion("nothing"), ParseFailure("no block"))
    assert (unread.text, unread.calls) == ("nothing", ())
