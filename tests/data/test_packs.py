from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from rbsuite import __version__
from rbsuite.data.packs import file_hashes, import_pack, installed_packs, load_pack_info, verify_pack
from rbsuite.errors import DataError, UsageError


def test_import_writes_a_verified_pack(tmp_path: Path, toy_source: Path, kit: Any) -> None:
    report = import_pack(kit.ToyImporter(), toy_source, tmp_path / "data")
    assert report.path == tmp_path / "data/packs/toy"
    assert not report.replaced
    assert json.loads((report.path / "deep/riddles.json").read_text()) == ["what has keys but no locks?"]
    info = verify_pack(report.path)
    assert info == report.info
    assert (info.name, info.source, info.commit, info.rbsuite) == ("toy", "checkout", None, __version__)
    assert list(info.files) == ["deep/riddles.json"]
    assert kit.tree(tmp_path / "data") == [
        "packs",
        "packs/toy",
        "packs/toy/deep",
        "packs/toy/deep/riddles.json",
        "packs/toy/pack.json",
    ]


def test_the_same_import_gives_the_same_bytes_and_no_machine_path(tmp_path: Path, toy_source: Path, kit: Any) -> None:
    one = import_pack(kit.ToyImporter(), toy_source, tmp_path / "one").path / "pack.json"
    two = import_pack(kit.ToyImporter(), toy_source, tmp_path / "two").path / "pack.json"
    assert one.read_bytes() == two.read_bytes()
    assert str(tmp_path) not in one.read_text()


def test_import_replaces_the_old_pack_whole(tmp_path: Path, toy_source: Path, kit: Any) -> None:
    old = import_pack(kit.ToyImporter(), toy_source, tmp_path).path
    (old / "stray").write_text("")
    (toy_source / "riddles.json").write_text("[]")
    report = import_pack(kit.ToyImporter(), toy_source, tmp_path)
    assert report.replaced
    assert kit.tree(report.path) == ["deep", "deep/riddles.json", "pack.json"]
    assert report.info.counts == {"riddles": 0}


@pytest.mark.parametrize(
    "failure", [DataError("bad", "mend"), KeyboardInterrupt(), RuntimeError("bug"), OSError(28, "No space left")]
)
def test_a_failure_leaves_nothing_and_keeps_the_old_pack(
    tmp_path: Path, toy_source: Path, kit: Any, failure: BaseException
) -> None:
    expected = DataError if isinstance(failure, OSError) else type(failure)
    data_dir = tmp_path / "fresh" / "data"
    with pytest.raises(expected):
        import_pack(kit.ToyImporter(fail=failure), toy_source, data_dir)
    assert not (tmp_path / "fresh").exists()

    import_pack(kit.ToyImporter(), toy_source, data_dir)
    before = kit.tree(data_dir)
    with pytest.raises(expected):
        import_pack(kit.ToyImporter(fail=failure), toy_source, data_dir)
    assert kit.tree(data_dir) == before
    verify_pack(data_dir / "packs/toy")


def test_wrong_sources_are_refused_before_anything_is_made(tmp_path: Path, kit: Any) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("")
    for source, why in {"none": "does not exist", "file": "is a file", "empty": "not a source"}.items():
        with pytest.raises(DataError, match=why):
            import_pack(kit.ToyImporter(), tmp_path / source, tmp_path / "data")
    assert not (tmp_path / "data").exists()


def more_riddles(path: Path) -> Path:
    path.mkdir()
    (path / "riddles.json").write_text('["what gets wetter as it dries?"]')
    return path


def test_a_pack_may_be_made_from_several_sources(tmp_path: Path, toy_source: Path, kit: Any) -> None:
    more = more_riddles(tmp_path / "more")
    report = import_pack(kit.JointToyImporter(), toy_source, tmp_path / "one", [more])
    assert report.info.counts == {"riddles": 2}
    assert report.notes == ("Mind the riddles.",)
    turned = import_pack(kit.JointToyImporter(), more, tmp_path / "two", [toy_source])
    assert turned.info == report.info
    alone = import_pack(kit.JointToyImporter(), more, tmp_path / "two")
    assert alone.info.counts == {"riddles": 1}


def test_more_sources_than_the_importer_takes_are_refused(tmp_path: Path, toy_source: Path, kit: Any) -> None:
    more = more_riddles(tmp_path / "more")
    with pytest.raises(UsageError, match="made from one source, not 2"):
        import_pack(kit.ToyImporter(), toy_source, tmp_path / "data", [more])
    with pytest.raises(UsageError, match="made from at most 2 sources, not 3"):
        import_pack(kit.JointToyImporter(), toy_source, tmp_path / "data", [more, more])
    assert not (tmp_path / "data").exists()


def test_every_source_is_looked_at_before_anything_is_made(tmp_path: Path, toy_source: Path, kit: Any) -> None:
    (tmp_path / "empty").mkdir()
    for source, why in {"none": "does not exist", "empty": "not a source"}.items():
        with pytest.raises(DataError, match=why):
            import_pack(kit.JointToyImporter(), toy_source, tmp_path / "data", [tmp_path / source])
    assert not (tmp_path / "data").exists()


def test_a_failure_with_several_sources_leaves_nothing(tmp_path: Path, toy_source: Path, kit: Any) -> None:
    importer = kit.JointToyImporter(fail=KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        import_pack(importer, toy_source, tmp_path / "fresh/data", [toy_source])
    assert not (tmp_path / "fresh").exists()


def test_a_data_directory_that_is_a_file_gives_one_clear_line(tmp_path: Path, toy_source: Path, kit: Any) -> None:
    (tmp_path / "data").write_text("mine")
    with pytest.raises(DataError, match=r"cannot be written.*RBSUITE_DATA"):
        import_pack(kit.ToyImporter(), toy_source, tmp_path / "data")
    assert (tmp_path / "data").read_text() == "mine"


def test_a_pack_can_be_imported_from_its_own_place(tmp_path: Path, toy_source: Path, kit: Any) -> None:
    pack = tmp_path / "packs/toy"
    pack.mkdir(parents=True)
    (toy_source / "riddles.json").rename(pack / "riddles.json")
    assert import_pack(kit.ToyImporter(), pack, tmp_path).info.counts == {"riddles": 1}


def test_verify_names_what_was_changed_or_is_missing(tmp_path: Path, toy_source: Path, kit: Any) -> None:
    pack = import_pack(kit.ToyImporter(), toy_source, tmp_path).path
    (pack / "deep/riddles.json").write_text("[1]")
    with pytest.raises(DataError, match=r"deep/riddles\.json was changed"):
        verify_pack(pack)
    (pack / "deep/riddles.json").unlink()
    with pytest.raises(DataError, match=r"deep/riddles\.json is missing"):
        verify_pack(pack)


def test_what_is_too_large_for_a_pack_is_not_hashed(tmp_path: Path, toy_source: Path, kit: Any) -> None:
    pack = import_pack(kit.ToyImporter(), toy_source, tmp_path).path
    os.truncate(pack / "deep/riddles.json", 60 * 2**30)
    with pytest.raises(DataError, match=r"deep/riddles\.json is larger than 128 MiB"):
        verify_pack(pack)
    with pytest.raises(DataError, match="is larger than 16 GiB"):
        file_hashes(pack)
    value = json.loads((pack / "pack.json").read_text())
    names = [f"{number}.bin" for number in range(130)]
    for name in names:
        (pack / name).touch()
        os.truncate(pack / name, 2**27)
    (pack / "pack.json").write_text(json.dumps(value | {"files": dict.fromkeys(names, "00")}))
    with pytest.raises(DataError, match="is larger than 16 GiB"):
        verify_pack(pack)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"format": 99}, "newer rbsuite"),
        ({"format": None}, "not a description"),
        ({"name": 1}, "'name'"),
        ({"commit": "main"}, "'commit'"),
        ({"files": {"../x": "00"}}, "'files'"),
        ({"files": {"/etc/passwd": "00"}}, "'files'"),
        ({"counts": {"a": "1"}}, "'counts'"),
    ],
)
def test_a_malformed_description_is_refused(
    tmp_path: Path, toy_source: Path, kit: Any, change: dict[str, Any], why: str
) -> None:
    pack = import_pack(kit.ToyImporter(), toy_source, tmp_path).path
    value = json.loads((pack / "pack.json").read_text())
    (pack / "pack.json").write_text(json.dumps(value | change))
    with pytest.raises(DataError, match=why):
        load_pack_info(pack)


def test_missing_or_broken_description(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"pack\.json is missing.*rbsuite data import"):
        load_pack_info(tmp_path)
    (tmp_path / "pack.json").write_text("{\n")
    with pytest.raises(DataError, match=r"pack\.json:2"):
        load_pack_info(tmp_path)


def test_installed_packs_are_listed_by_name(tmp_path: Path, toy_source: Path, kit: Any) -> None:
    assert installed_packs(tmp_path / "none") == []
    pack = import_pack(kit.ToyImporter(), toy_source, tmp_path).path
    (tmp_path / "packs/.toy.staging").mkdir()
    (tmp_path / "packs/note.txt").write_text("")
    assert installed_packs(tmp_path) == [pack]
