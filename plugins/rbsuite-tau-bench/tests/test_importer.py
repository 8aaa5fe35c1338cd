"""The importer on a small checkout of our own making, and, where they are, on upstream's checkout and on the pack."""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
import threading
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from rbsuite.cli.data import TransferProgress, command
from rbsuite.data.packs import import_pack, verify_pack
from rbsuite.errors import DataError, RbsuiteError
from rbsuite.hookspecs import hookimpl
from rbsuite.plugins import Plugins
from rbsuite.specs import EnvironmentSpec, Split
from rbsuite_tau_bench import pinned
from rbsuite_tau_bench.importer import IMPORTER, content_digest

COMMIT = "0123456789" * 4
ADDRESS = {"address1": "1 Quay", "address2": "", "city": "Ostby", "country": "Nowhere", "state": "OS", "zip": "00001"}
DATABASES: dict[str, dict[str, Any]] = {
    "retail/data/orders.json": {
        "#W1": {
            "order_id": "#W1",
            "user_id": "ada_1",
            "address": ADDRESS,
            "items": [],
            "fulfillments": [],
            "status": "pending",
            "payment_history": [],
        }
    },
    "retail/data/products.json": {"7": {"name": "Kite", "product_id": "7", "variants": {}}},
    "retail/data/users.json": {
        "ada_1": {"name": {}, "address": ADDRESS, "email": "ada@example.com", "payment_methods": {}, "orders": ["#W1"]}
    },
    "airline/data/flights.json": {
        "F1": {
            "flight_number": "F1",
            "origin": "AAA",
            "destination": "BBB",
            "scheduled_departure_time_est": "01:00:00",
            "scheduled_arrival_time_est": "02:00:00+1",
            "dates": {},
        }
    },
    "airline/data/reservations.json": {
        "R1": {
            "reservation_id": "R1",
            "user_id": "bo_2",
            "origin": "AAA",
            "destination": "BBB",
            "flight_type": "one_way",
            "cabin": "economy",
            "flights": [],
            "passengers": [],
            "payment_history": [],
            "created_at": "2024-05-01T00:00:00",
            "total_baggages": 0,
            "nonfree_baggages": 0,
            "insurance": "no",
        }
    },
    "airline/data/users.json": {
        "bo_2": {
            "name": {},
            "address": ADDRESS,
            "email": "bo@example.com",
            "dob": "1990-01-01",
            "payment_methods": {},
            "saved_passengers": [],
            "membership": "gold",
            "reservations": ["R1"],
        }
    },
}
TOOL = """
import json
from somewhere import Tool

class {name}(Tool):
    @staticmethod
    def invoke(data, text):
        raise SystemExit("never run")

    @staticmethod
    def get_info():
        return {{"type": "function", "function": {{
            "name": "{tool}", "description": ("Says " "{tool}."), "parameters": {{"type": "object"}}}}}}
"""
TOOLS = "from .ping import Ping\nfrom .call_off import CallOff\n\nALL_TOOLS = [\n    Ping,\n    CallOff,\n]\n"
TASKS = """from tau_bench.types import Task, Action

{symbol} = [
    Task(
        annotator="x",
        user_id="{user}",
        instruction="You want " "a word.",
        actions=[
            Action(name="call_off", kwargs={{"text": "hi", "depth": -1, "more": [1.5, None, True, ("a",)]}}),
        ],
        outputs=["5"],
    ),
    Task(annotator="y", user_id="{user}", instruction="You wait.", actions=[], outputs=[]),
]
"""
TASK_FILES = {
    "retail/tasks_test.py": ("TASKS_TEST", "ada_1"),
    "retail/tasks_dev.py": ("TASKS_DEV", "ada_1"),
    "retail/tasks_train.py": ("TASKS_TRAIN", "ada_1"),
    "airline/tasks_test.py": ("TASKS", "bo_2"),
}
EXPECTED_TASKS = [
    {
        "user_id": "ada_1",
        "actions": [{"name": "call_off", "kwargs": {"text": "hi", "depth": -1, "more": [1.5, None, True, ["a"]]}}],
        "instruction": "You want a word.",
        "outputs": ["5"],
    },
    {"user_id": "ada_1", "actions": [], "instruction": "You wait.", "outputs": []},
]


def checkout_files() -> dict[str, str]:
    """A checkout of upstream's layout, by path."""
    files = {name: json.dumps(value, indent=4) for name, value in DATABASES.items()}
    files |= {name: TASKS.format(symbol=symbol, user=user) for name, (symbol, user) in TASK_FILES.items()}
    for domain in ("retail", "airline"):
        files |= {
            f"{domain}/tools/__init__.py": TOOLS,
            f"{domain}/tools/ping.py": TOOL.format(name="Ping", tool="ping"),
            f"{domain}/tools/call_off.py": TOOL.format(name="CallOff", tool="call_off"),
            f"{domain}/wiki.md": f"# Policy of {domain}\n\nBe kind.\n",
            f"{domain}/rules.py": "RULES = []\n" if domain == "airline" else 'RULES = [\n    "One " "rule.",\n]\n',
        }
    files = {f"tau_bench/envs/{name}": text for name, text in files.items()}
    return files | {
        "few_shot_data/MockRetailDomainEnv-few_shot.jsonl": '{"messages_display": "user: hello"}\n',
        "LICENSE": "A licence.\n",
        ".git/HEAD": f"{COMMIT}\n",
    }


def write(root: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    return write(tmp_path / "checkout", checkout_files())


def read(path: Path) -> Any:
    return json.loads(path.read_text("utf-8"))


def test_a_checkout_becomes_a_pack(checkout: Path, tmp_path: Path) -> None:
    report = import_pack(IMPORTER, checkout, tmp_path / "data")
    pack = report.path
    for name in DATABASES:
        domain, _, file = name.split("/")
        assert (pack / f"{domain}_db" / file).read_bytes() == (checkout / "tau_bench/envs" / name).read_bytes()
    for split in ("test", "dev", "train"):
        assert read(pack / f"retail_{split}_tasks.json") == EXPECTED_TASKS
    assert [tool["function"]["name"] for tool in read(pack / "airline_tools.json")] == ["ping", "call_off"]
    assert read(pack / "airline_tools.json")[1]["function"]["description"] == "Says call_off."
    assert (pack / "retail_wiki.md").read_text() == "# Policy of retail\n\nBe kind.\n"
    assert (read(pack / "retail_rules.json"), read(pack / "airline_rules.json")) == (["One rule."], [])
    assert (pack / "few_shot.jsonl").read_text() == '{"domain": "retail", "display": "user: hello"}\n'
    assert (pack / "LICENSE").read_text() == "A licence.\n"
    assert COMMIT in (pack / "SOURCE.md").read_text()
    assert (report.info.source, report.info.commit, report.info.equals_commit) == ("checkout", COMMIT, None)
    assert report.info.counts["retail train tasks"] == 2


def test_an_imported_pack_imports_again_to_the_same_content(checkout: Path, tmp_path: Path) -> None:
    one = import_pack(IMPORTER, checkout, tmp_path / "one").path
    two = import_pack(IMPORTER, one, tmp_path / "two")
    assert two.info.source == "pack"
    assert two.info.commit == COMMIT
    assert two.info.files == verify_pack(one).files


def test_windows_line_ends_give_the_same_texts(checkout: Path, tmp_path: Path) -> None:
    one = import_pack(IMPORTER, checkout, tmp_path / "one").path
    for path in checkout.rglob("*.*"):
        if path.is_file():
            path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    two = import_pack(IMPORTER, checkout, tmp_path / "two").path
    for name in ("retail_wiki.md", "retail_test_tasks.json", "retail_tools.json", "few_shot.jsonl"):
        assert (one / name).read_bytes() == (two / name).read_bytes()


def test_what_is_optional_may_be_missing(checkout: Path, tmp_path: Path) -> None:
    (checkout / "LICENSE").unlink()
    (checkout / ".git/HEAD").unlink()
    (checkout / "few_shot_data/MockRetailDomainEnv-few_shot.jsonl").unlink()
    report = import_pack(IMPORTER, checkout, tmp_path / "data")
    assert report.info.commit is None
    assert not (report.path / "few_shot.jsonl").exists()
    assert "commit unknown" in (report.path / "SOURCE.md").read_text()


@pytest.mark.parametrize(
    "name", sorted(set(checkout_files()) - {"LICENSE", ".git/HEAD", "few_shot_data/MockRetailDomainEnv-few_shot.jsonl"})
)
def test_half_a_checkout_is_refused(checkout: Path, tmp_path: Path, name: str) -> None:
    (checkout / name).unlink()
    with pytest.raises(DataError, match=rf"{name} is missing"):
        import_pack(IMPORTER, checkout, tmp_path / "data")
    assert not (tmp_path / "data").exists()


TEST_TASKS = "retail/tasks_test.py"
BREAKS: list[tuple[str, str, str, str]] = [
    (TEST_TASKS, "TASKS_TEST = [", "TASKS_TEST = [,", r"tasks_test\.py:3: not valid Python"),
    (TEST_TASKS, "TASKS_TEST = [", "OTHER = [", "does not assign TASKS_TEST"),
    (TEST_TASKS, '"You wait."', "open('x').read()", r"tasks_test\.py:13: .*never run"),
    (TEST_TASKS, '"You wait."', 'f"You {1}"', r"tasks_test\.py:13: JoinedStr is not data"),
    (TEST_TASKS, '"You wait."', '""', r"tasks_test\.py:13: the instruction is empty"),
    (TEST_TASKS, "-1", "2**9", r"tasks_test\.py:9: BinOp"),
    (TEST_TASKS, "-1", "Action(name='ping', kwargs={})", r"tasks_test\.py:9: 'kwargs' is not plain data"),
    (TEST_TASKS, 'name="call_off"', 'name="fly"', r"tasks_test\.py:9: there is no tool 'fly'"),
    (
        TEST_TASKS,
        'annotator="y", user_id="ada_1"',
        'user_id="eve"',
        r"tasks_test\.py:13: user 'eve' is not in the database",
    ),
    (TEST_TASKS, 'outputs=["5"]', "outputs=[5]", r"tasks_test\.py:4: 'outputs' must be a list of strings"),
    (TEST_TASKS, 'outputs=["5"],', "", r"tasks_test\.py:4: the task has no 'outputs'"),
    (TEST_TASKS, "actions=[],", "actions=5,", "'actions' is not a list"),
    (TEST_TASKS, "actions=[],", "actions=[5],", "a malformed action"),
    (TEST_TASKS, "]\n", "]\nTASKS_TEST.clear()\n", r"tasks_test\.py:\d+: Expr is not data"),
    ("retail/data/orders.json", '"pending"', "", r"orders\.json:\d+: not valid JSON"),
    ("retail/data/orders.json", '"status": "pending",', "", "record '#W1' lacks a proper 'status'"),
    ("retail/data/orders.json", '"order_id": "#W1"', '"order_id": "#W2"', "calls itself '#W2'"),
    ("airline/data/users.json", "{", "[] or {", r"users\.json:1: not valid JSON"),
    ("airline/tools/__init__.py", "    Ping,\n", "    Pong,\n", r"__init__\.py:5: a tool that is not imported"),
    ("airline/tools/__init__.py", "ALL_TOOLS", "TOOLS", r"__init__\.py:4: Assign is not data"),
    ("airline/tools/__init__.py", "from .ping", "from ..ping", r"__init__\.py:1: ImportFrom is not data"),
    ("airline/tools/ping.py", "return {", "x = {", "get_info that does more"),
    ("airline/tools/ping.py", "class Ping", "class Pong", "class Ping with one get_info is missing"),
    ("airline/tools/ping.py", '"name": "ping"', '"name": "call_off"', "two tools 'call_off'"),
    ("airline/tools/ping.py", '"name": "ping"', '"name": data', r"ping\.py:\d+: Name is not data"),
    ("airline/rules.py", "[]", "[1]", r"rules\.py: the rules must be a list of strings"),
    ("airline/wiki.md", "# Policy of airline\n\nBe kind.\n", " \n", "the policy is empty"),
]


@pytest.mark.parametrize(("name", "old", "new", "why"), BREAKS)
def test_a_broken_checkout_gives_one_clear_line_and_leaves_nothing(
    checkout: Path, tmp_path: Path, name: str, old: str, new: str, why: str
) -> None:
    path = checkout / "tau_bench/envs" / name
    text = path.read_text()
    assert old in text
    path.write_text(new.join(text.rsplit(old, 1)) if old == "]\n" else text.replace(old, new, 1))
    with pytest.raises(DataError, match=why) as caught:
        import_pack(IMPORTER, checkout, tmp_path / "data")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "data").exists()


def broken_task(change: Callable[[list[Any]], Any]) -> Callable[[Path], None]:
    def apply(pack: Path) -> None:
        tasks = read(pack / "retail_dev_tasks.json")
        (pack / "retail_dev_tasks.json").write_text(json.dumps(change(tasks)))

    return apply


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (broken_task(lambda tasks: {"tasks": tasks}), r"retail_dev_tasks\.json: not a list"),
        (broken_task(lambda tasks: [*tasks, 1]), "task 2: a malformed task"),
        (broken_task(lambda tasks: [{**tasks[0], "note": 1}]), "task 0: the task has an unknown field 'note'"),
        (
            broken_task(lambda tasks: [{**tasks[0], "actions": [{"name": "x", "kwargs": {}}]}]),
            "task 0, action 0: there is no tool 'x'",
        ),
        (lambda pack: (pack / "airline_wiki.md").unlink(), r"airline_wiki\.md is missing"),
        (lambda pack: (pack / "airline_tools.json").write_text("[1]"), "tool 0: not a function schema"),
        (lambda pack: (pack / "few_shot.jsonl").write_text('{"domain": "sea"}'), "display 0: not a few-shot display"),
    ],
)
def test_a_broken_pack_is_refused(checkout: Path, tmp_path: Path, change: Callable[[Path], Any], why: str) -> None:
    pack = import_pack(IMPORTER, checkout, tmp_path / "one").path
    (pack / "pack.json").unlink()
    change(pack)
    with pytest.raises(DataError, match=why):
        import_pack(IMPORTER, pack, tmp_path / "two")
    assert not (tmp_path / "two").exists()


def test_a_pack_that_was_changed_after_its_import_is_refused(checkout: Path, tmp_path: Path) -> None:
    pack = import_pack(IMPORTER, checkout, tmp_path / "one").path
    (pack / "retail_wiki.md").write_text("other")
    with pytest.raises(DataError, match=r"retail_wiki\.md was changed"):
        import_pack(IMPORTER, pack, tmp_path / "two")


@pytest.mark.parametrize(
    ("source", "why"),
    [("none", "does not exist"), ("file", "is a file"), ("empty", "neither a checkout with tau-bench")],
)
def test_wrong_places_are_refused(tmp_path: Path, source: str, why: str) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=why):
        import_pack(IMPORTER, tmp_path / source, tmp_path / "data")


# The command line ------------------------------------------------------------------------------------------------------


class _Plugin:
    @hookimpl
    def rbsuite_environments(self) -> list[EnvironmentSpec]:
        importer = "rbsuite_tau_bench.importer:IMPORTER"
        splits = (Split("sample", "Bundled.", bundled=True), Split("test", "Upstream's."))
        return [
            EnvironmentSpec("tau-bench", "Shops.", "x:y", splits=splits, pack="tau-bench", importer=importer),
            EnvironmentSpec("plain", "Has no data.", "x:y"),
        ]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Result]:
    plugins = Plugins()
    plugins.register(_Plugin(), "test")
    monkeypatch.setattr("rbsuite.plugins.load_plugins", lambda: plugins)
    monkeypatch.setenv("RBSUITE_DATA", str(tmp_path / "data"))
    return lambda *arguments: CliRunner().invoke(command, arguments)


def test_import_says_what_was_imported_and_what_to_do_next(run: Callable[..., Result], checkout: Path) -> None:
    result = run("import", "tau-bench", "--from", str(checkout))
    assert result.exit_code == 0, result.output
    for text in (
        f"commit {COMMIT}",
        "retail train tasks: 2",
        "airline test tasks: 2",
        "MIT",
        "Next: rbsuite eval --env tau-bench --split test ",
    ):
        assert text in result.output
    assert run("import", "tau-bench", "--from", str(checkout)).output.startswith("Replaced pack 'tau-bench'")


def test_errors_are_of_the_tree(run: Callable[..., Result], checkout: Path) -> None:
    (checkout / "tau_bench/envs/retail/wiki.md").unlink()
    for arguments in (
        ("import", "tau-bench", "--from", str(checkout)),
        ("import", "tau-bnch", "--from", str(checkout)),
        ("import", "plain", "--from", str(checkout)),
        ("fetch", "tau-bench", "--url", "http://example.org/x.tar.gz"),
    ):
        error = run(*arguments).exception
        assert isinstance(error, RbsuiteError)
        assert error.exit_code == 2


def test_progress_is_shown_on_a_terminal_alone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for terminal in (False, True):
        monkeypatch.setattr("sys.stderr.isatty", lambda terminal=terminal: terminal)
        progress = TransferProgress()
        progress(1, 3 << 20)
        progress(2, 3 << 20)
        progress(3 << 20, 3 << 20)
        progress(4 << 20, None)
        progress.end()
        expected = "\r0.0 of 3.0 MiB \r3.0 of 3.0 MiB \r4.0 MiB \n" if terminal else ""
        assert capsys.readouterr().err == expected


def test_list_shows_what_is_here_changed_and_missing(
    run: Callable[..., Result], checkout: Path, tmp_path: Path
) -> None:
    assert "tau-bench: not imported. Run: rbsuite data fetch tau-bench" in run("list").output
    assert json.loads(run("list", "--json").output)["importable"] == ["tau-bench"]
    run("import", "tau-bench", "--from", str(checkout))
    head, row = run("list").output.splitlines()
    assert head.split() == ["name", "source", "commit", "files", "state"]
    assert row.split() == ["tau-bench", "checkout", COMMIT[:12], "19", "verified"]
    (tmp_path / "data/packs/tau-bench/retail_wiki.md").write_text("")
    assert "retail_wiki.md was changed" in run("list").output
    (described,) = json.loads(run("list", "--json").output)["packs"]
    assert (described["name"], described["ok"], described["commit"]) == ("tau-bench", False, COMMIT)
    (tmp_path / "data/packs/tau-bench/pack.json").write_text("")
    assert "pack.json:1: not valid JSON" in run("list").output


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    folder = tmp_path / "served"
    folder.mkdir()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield folder, f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


def archive_of(root: Path) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        tar.add(root, arcname="tau-bench-main", filter=lambda info: None if "/.git" in info.name else info)
    return out.getvalue()


def test_fetch_takes_an_archive_that_its_hash_vouches_for(
    run: Callable[..., Result], checkout: Path, served: tuple[Path, str], tmp_path: Path
) -> None:
    folder, origin = served
    content = archive_of(checkout)
    (folder / "t.tar.gz").write_bytes(content)
    refused = run("fetch", "tau-bench", "--url", f"{origin}/t.tar.gz")
    assert isinstance(refused.exception, DataError)
    assert f"commit {pinned.COMMIT[:12]}" in str(refused.exception)
    assert not (tmp_path / "data").exists()
    result = run("fetch", "tau-bench", "--url", f"{origin}/t.tar.gz", "--sha256", hashlib.sha256(content).hexdigest())
    assert result.exit_code == 0, result.output
    assert "Imported pack 'tau-bench' from an archive: commit unknown" in result.output


# Upstream's own data, where it is --------------------------------------------------------------------------------------


def upstream_checkout() -> Path:
    place = os.environ.get("RBSUITE_TAU_BENCH_CHECKOUT", "")
    if not place:
        pytest.skip("RBSUITE_TAU_BENCH_CHECKOUT names no checkout of tau-bench")
    return Path(place)


def reference_pack() -> Path:
    root = Path(__file__).resolve().parents[3]
    pack = Path(os.environ.get("RBSUITE_TEST_PACKS") or root.parent / "shared" / "packs") / "tau-bench"
    if not pack.is_dir():
        pytest.skip("no tau-bench pack: set RBSUITE_TEST_PACKS")
    return pack


def assert_equal_packs(pack: Path, reference: Path) -> None:
    compared = 0
    for path in sorted(reference.rglob("*")):
        name = path.relative_to(reference).as_posix()
        if path.is_dir() or name.startswith("records/") or name in ("SOURCE.md", "pack.json"):
            continue
        compared += 1
        same = (pack / name).read_bytes() == path.read_bytes()
        # Compared as text so that the order of keys counts.
        assert same or json.dumps(read(pack / name)) == json.dumps(read(path)), name
    assert compared >= 16


def test_upstreams_checkout_gives_the_reference_pack(tmp_path: Path) -> None:
    report = import_pack(IMPORTER, upstream_checkout(), tmp_path)
    assert_equal_packs(report.path, reference_pack())
    assert report.info.counts["few-shot displays"] == 88
    if report.info.commit == pinned.COMMIT:
        assert report.info.equals_commit == pinned.COMMIT


def test_upstreams_archive_is_fetched_with_no_hash_given(
    run: Callable[..., Result], served: tuple[Path, str], tmp_path: Path
) -> None:
    folder, origin = served
    (folder / "t.tar.gz").write_bytes(archive_of(upstream_checkout()))
    result = run("fetch", "tau-bench", "--url", f"{origin}/t.tar.gz")
    assert result.exit_code == 0, result.exception
    assert f"commit {pinned.COMMIT}, content verified" in result.output


def test_the_pinned_hashes_are_those_of_the_checkout() -> None:
    root = upstream_checkout()
    assert {name: hashlib.sha256((root / name).read_bytes()).hexdigest() for name in pinned.FILES} == pinned.FILES


def test_the_reference_pack_round_trips(tmp_path: Path) -> None:
    report = import_pack(IMPORTER, reference_pack(), tmp_path)
    assert_equal_packs(report.path, reference_pack())
    assert report.info.equals_commit == pinned.COMMIT
    assert content_digest(report.path) == pinned.PACK_DIGEST
