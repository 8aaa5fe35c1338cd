"""What this plugin declares. Importing it loads nothing heavy."""

from __future__ import annotations

from collections.abc import Sequence

from rbsuite.hookspecs import hookimpl
from rbsuite.specs import Check, EnvironmentSpec, Fidelity, Option, Published, Split

CITATION = (
    "Shuyan Zhou, Frank F. Xu, Hao Zhu, Xuhui Zhou, Robert Lo, Abishek Sridhar, Xianyi Cheng, Tianyue Ou, Yonatan Bisk, Daniel Fried, "
    "Uri Alon, Graham Neubig: WebArena: A Realistic Web Environment for Building Autonomous Agents. ICLR 2024."
)

_FIDELITY = (
    Fidelity("tasks", "exact", "those of the user's task file; the results say whose file it is"),
    Fidelity("text, address and page evaluators", "exact", "rewritten: products of 0 and 1, with upstream's helpers"),
    Fidelity("references of one character", "approximate", "words are split by a pattern; upstream uses NLTK"),
    Fidelity(
        "fuzzy_match", "approximate", "left out by default; fuzzy=model asks the grading model in this project's words"
    ),
    Fidelity(
        "webarena-verified",
        "exact",
        "its own code, in a separate process; requests in the first moment of a new tab may be missed",
    ),
    Fidelity(
        "when it is graded", "approximate", "once, at the end, as WebArena does; BrowserGym grades after every action"
    ),
    Fidelity("pages and actions", "approximate", "this project's own text and references; no coordinates"),
    Fidelity("leaving the sites", "exact", "ends the task with 0, as in BrowserGym"),
)
_DIFFERS = (
    "it measures 684 tasks without the map: --split no-map; test has all 812, and fuzzy=skip leaves out those that a model must grade",
    "its task file answers 13 tasks differently from libwebarena's; the results say whose was imported, as task_file",
    "its fuzzy_match is more lenient than stock, and asks gemini-2.5-pro; here the grading model is asked strictly, with fuzzy=model",
    "its agent acts through BrowserGym (bid and chat, several actions per turn, window 1500x1280); here through tools by reference, "
    "1280x720",
    "its history is rendered again in every prompt, with errors; here the conversation is the history",
    "BrowserGym grades after every action and ends at success; here an episode is graded when it has ended",
)
_NOTES = (
    "You run the servers: set those of WA_SHOPPING, WA_SHOPPING_ADMIN, WA_REDDIT, WA_GITLAB, WA_MAP, WA_WIKIPEDIA that the tasks need. "
    "WA_SITE_USERNAME and WA_SITE_PASSWORD name accounts other than those of WebArena's images.",
    "Tasks change the servers: they run one at a time, and each finds what the last one left behind. reset=start or reset=task asks "
    "WA_FULL_RESET first.",
    "A failed login, reset or first page is tried setup_tries times; then the rollout ends as env_error; --retries N tries it again.",
    "Each rollout of --scaling parallel:K needs servers of its own; one set of servers is refused unless --allow-shared-state is given.",
    "The sample is 15 tasks on three small sites of this project's own, with a server for every episode.",
)


@hookimpl
def rbsuite_environments() -> Sequence[EnvironmentSpec]:
    """WebArena."""
    return [
        EnvironmentSpec(
            name="webarena",
            summary="tasks on web sites that you serve: two shops, a forum, GitLab, a map",
            factory="rbsuite_webarena.environment:WebArena",
            options=(
                Option(
                    "grader",
                    "str",
                    "stock",
                    "upstream's evaluators, or webarena-verified",
                    choices=("stock", "verified"),
                ),
                Option(
                    "fuzzy",
                    "str",
                    "skip",
                    "tasks that a model must grade: leave out, or ask",
                    choices=("skip", "model"),
                ),
                Option("reset", "str", "never", "when the servers are reset", choices=("never", "start", "task")),
                Option("setup_tries", "int", 2, "tries for login, reset and first page", minimum=1, maximum=10),
                Option("page_seconds", "int", 30, "seconds that a page may take to load", minimum=1, maximum=300),
                Option(
                    "settle", "float", 3.0, "seconds that a page opened for grading is given", minimum=0, maximum=60
                ),
                Option("images", "bool", False, "whether observations have a screenshot of the page"),
            ),
            version="1",
            splits=(
                Split("sample", "15 tasks on sites of this project's own", bundled=True),
                Split("test", "all tasks of the imported file"),
                Split("no-map", "those that need no map: 684 of 812, as ReasoningBank measures"),
                Split("hard", "webarena-verified's hard subset"),
            ),
            domains=("gitlab", "map", "multi", "reddit", "shopping", "shopping_admin"),
            action_mode="tools",
            concurrency="thread",
            stateful_server=True,
            max_steps=30,
            refine="continue",
            needs=(
                Check("Chromium and ChromeDriver", "rbsuite_webarena.doctor:browser"),
                Check("WebArena's servers", "rbsuite_webarena.doctor:check"),
            ),
            fidelity=_FIDELITY,
            protocols={"reasoningbank": Published(differs=_DIFFERS)},
            pack="webarena",
            importer="rbsuite_webarena.importer:IMPORTER",
            citation=CITATION,
            data_licence="Apache-2.0; the sample: Apache-2.0",
            homepage="https://webarena.dev",
            notes=_NOTES,
        )
    ]
