"""A disk that is full is told as such, and nothing half written stays."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import pytest

from gisapp.children import Limits, run
from gisapp.errors import Problem
from gisapp.formats import archive
from tests.conftest import Role
from tests.test_imports import emptied, geojson, send, sign, stored, zipped


def test_an_upload_to_a_full_disk_is_an_answer(admin: Role, house: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("werkzeug.datastructures.FileStorage.save", full)
    kept = house.settings.instance / "imports"
    before = set(kept.iterdir()) if kept.is_dir() else set()
    answer = send(admin, "rooftop_signs", {"a.geojson": geojson(sign())})
    assert (answer.status_code, answer.json["code"]) == (507, "storage_full")
    assert "administrator" in answer.json["en"]
    assert set(kept.iterdir()) == before


def test_a_child_without_room_says_so(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="storage_full"):
        run("tests.disk_full", {"folder": str(tmp_path)}, tmp_path, Limits(seconds=60, memory_mb=4096, file_mb=64))


def test_a_report_without_room_lets_nothing_enter(admin: Role, house: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    emptied(house, "rooftop_signs")
    sent = send(admin, "rooftop_signs", {"a.geojson": geojson(sign("F-1"))}).json
    with monkeypatch.context() as patch:
        patch.setattr("gisapp.desk.report.keep", _full)
        answer = admin.post(f"/imports/{sent['id']}/commit", json={})
    assert (answer.status_code, answer.json["code"]) == (507, "storage_full")
    assert stored(house, "rooftop_signs") == {}
    assert admin.post(f"/imports/{sent['id']}/commit", json={}).json["inserted"] == 1


def _full(*_: Any, **__: Any) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_zip_that_finds_no_room_is_not_called_damaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "u0").write_bytes(zipped({"a.geojson": geojson(sign())}))
    monkeypatch.setattr(archive, "_copy", _full)
    with pytest.raises(OSError, match="No space"):
        archive.unpacked([archive.Upload("a.zip", tmp_path / "u0")], tmp_path, 10)


def test_a_check_without_room_takes_its_pieces_away(admin: Role, house: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    sent = send(admin, "rooftop_signs", {"a.geojson": geojson(sign("F-9"))}).json
    folder = house.settings.instance / "imports" / sent["id"].replace("-", "")
    before = set(folder.iterdir())

    def full(_: str, __: Any, given: Path, *more: Any) -> Any:
        (given / "part-000001.making").write_text("half", "ascii")
        raise Problem("storage_full")

    with monkeypatch.context() as patch:
        patch.setattr("gisapp.desk.check.run", full)
        assert admin.post(f"/imports/{sent['id']}/check", json={}).json["code"] == "storage_full"
    assert set(folder.iterdir()) == before
    assert admin.post(f"/imports/{sent['id']}/check", json={}).json["counts"]["accepted"] == 1
