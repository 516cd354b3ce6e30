"""`gisapp export` and `gisapp import`, on the module's database."""

from __future__ import annotations

import errno
import json
import os
import stat
import zipfile
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from gisapp.cli import gisapp as command
from gisapp.config import Settings
from gisapp.faults import Fault
from gisapp.house import House
from tests.conftest import Role
from tests.samples import fill

LAYER = "rooftop_signs"


@pytest.fixture
def run(settings: Settings, accounts: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs `gisapp …`; what it printed."""
    monkeypatch.setenv("GISAPP_DATABASE_URL", settings.database_url)
    monkeypatch.setenv("GISAPP_OWNER_DATABASE_URL", settings.owner_database_url)

    def invoke(*words: str) -> str:
        result: Result = CliRunner().invoke(command, [*words, "--instance", str(settings.instance)])
        if result.exception is not None:
            raise result.exception
        return result.stdout

    return invoke


@pytest.fixture(scope="module")
def filled(house: House) -> list[dict[str, Any]]:
    return fill(house, LAYER, 8)


def signs(path: Path, *numbers: str, lon: float = 113.38) -> Path:
    features = [{"type": "Feature", "geometry": {"type": "Point", "coordinates": [lon + n / 1000, 31.69]},
                 "properties": {"sign_no": number, "sign_kind": "01", "area_m2": 12.5}}
                for n, number in enumerate(numbers)]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), "utf-8")
    return path


def test_a_layer_is_written_and_logged_in_the_name_of_the_account(run: Any, filled: list[dict[str, Any]],
                                                                  admin: Role, tmp_path: Path) -> None:
    path = tmp_path / "signs.zip"
    said = run("export", LAYER, "-o", str(path), "--as", "exporter", "--crs", "EPSG:4547")
    assert said.startswith(f"{path}: {len(filled)} records")
    with zipfile.ZipFile(path) as archive:
        assert f"{LAYER}.shp" in archive.namelist()
    answer = admin.get("/deliveries")
    assert answer.status_code == 200, answer.get_data(as_text=True)
    told = answer.json["deliveries"][0]
    assert (told["username"], told["rows"], told["crs"]) == ("exporter", len(filled), "EPSG:4547")


def test_a_filter_and_a_folder(run: Any, filled: list[dict[str, Any]], tmp_path: Path) -> None:
    said = run("export", LAYER, "--format", "geojson", "--filter", "area_m2 < 0", "-o", str(tmp_path), "--as", "admin")
    [path] = tmp_path.iterdir()
    assert path.suffix == ".geojson"
    assert json.loads(path.read_text("utf-8"))["features"] == []
    assert f"{path}: 0 records" in said


@pytest.mark.parametrize(("words", "said"), [
    (("--as", "viewer"), "does not include"), (("--as", "nobody"), "no such account"),
    (("--as", "admin", "--format", "exe"), "exe"), (("--as", "admin", "--receiver", "nobody"), "receiver"),
    (("--as", "admin", "--set", "x"), "NAME=VALUE"), (("--as", "admin", "--filter", "a ="), "filter"),
    (("--as", "admin", "--difference"), "no delivery")])
def test_what_is_wrong_is_said_in_one_line(run: Any, filled: Any, tmp_path: Path, words: tuple[str, ...],
                                           said: str) -> None:
    with pytest.raises(Fault) as fault:
        run("export", LAYER, "-o", str(tmp_path / "x"), *words)
    assert said in fault.value.words.en
    assert list(tmp_path.iterdir()) == []


def test_where_no_file_can_be_written_none_is_made_or_logged(run: Any, admin: Role, filled: Any,
                                                              tmp_path: Path) -> None:
    before = admin.get("/deliveries").json["deliveries"]
    (tmp_path / "plain").write_text("no folder")
    for target in (tmp_path / "none" / "signs.zip", tmp_path / "plain" / "signs.zip"):
        with pytest.raises(Fault, match="no folder"):
            run("export", LAYER, "-o", str(target), "--as", "exporter")
    assert admin.get("/deliveries").json["deliveries"] == before
    with pytest.raises(Fault, match="no folder"):
        run("import", str(signs(tmp_path / "signs.geojson", "R-1")), "--layer", LAYER, "--as", "admin",
            "--check", "--report", str(tmp_path / "none" / "report.csv"))


def test_what_stood_there_stays_unless_the_new_file_is_whole(run: Any, filled: Any, tmp_path: Path,
                                                             monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "signs.csv"
    target.write_text("of yesterday", "utf-8")

    def full(source: Path, place: Path) -> None:
        place.write_text("half", "utf-8")
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("gisapp.cli.hand_over.shutil.move", full)
        with pytest.raises(Fault, match=r"signs\.csv cannot be written: No space left on device"):
            run("export", LAYER, "--format", "csv", "-o", str(target), "--as", "exporter")
    assert (target.read_text("utf-8"), list(tmp_path.iterdir())) == ("of yesterday", [target])
    run("export", LAYER, "--format", "csv", "-o", str(target), "--as", "exporter")
    assert "of yesterday" not in target.read_text("utf-8")
    assert list(tmp_path.iterdir()) == [target]


def test_what_is_no_plain_file_is_written_into(run: Any, filled: Any, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        run("export", LAYER, "--format", "geojson", "--filter", "area_m2 < 0", "-o", str(pipe), "--as", "admin")
        assert json.loads(os.read(reader, 65536))["features"] == []
    finally:
        os.close(reader)
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_a_file_enters_with_the_suggested_mapping(run: Any, admin: Role, tmp_path: Path) -> None:
    said = run("import", str(signs(tmp_path / "new.geojson", "C-1", "C-2")), "--layer", LAYER, "--as", "reviewer")
    assert f"{LAYER}: 2 records, 0 left out" in said
    found = admin.get(f"/collections/{LAYER}/items?f=json&filter=sign_no='C-2'").json
    assert found["numberMatched"] == 1
    assert found["features"][0]["properties"]["created_by"] == "reviewer"


def test_a_wrong_row_keeps_all_out_unless_the_good_ones_are_asked_for(run: Any, admin: Role, tmp_path: Path) -> None:
    path = signs(tmp_path / "new.geojson", "D-1", "x" * 500)
    with pytest.raises(Fault):
        run("import", str(path), "--layer", LAYER, "--as", "reviewer")
    assert admin.get(f"/collections/{LAYER}/items?f=json&filter=sign_no='D-1'").json["numberMatched"] == 0
    said = run("import", str(path), "--layer", LAYER, "--as", "reviewer", "--valid")
    assert "1 records, 1 left out" in said


def test_who_may_not_import_is_refused(run: Any, tmp_path: Path) -> None:
    with pytest.raises(Fault):
        run("import", str(signs(tmp_path / "new.geojson", "E-1")), "--layer", LAYER, "--as", "exporter")


def test_choices_of_a_file_are_those_of_the_desk(run: Any, admin: Role, tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("no,what,lon,lat\nG-1,big,113.38,31.69\n", "utf-8")
    choices = tmp_path / "choices.json"
    choices.write_text(json.dumps({
        "crs": "EPSG:4326", "mapping": {"no": "sign_no", "what": "sign_kind"}, "codes": {"sign_kind": {"big": "01"}}}),
        "utf-8")
    words = ("import", str(path), "--layer", LAYER, "--as", "reviewer", "--choices", str(choices))
    report = tmp_path / "report.csv"
    assert "accepted 1, insert 1" in run(*words, "--check", "--report", str(report))
    assert "table,1,新增,new" in report.read_text("utf-8-sig")
    assert admin.get(f"/collections/{LAYER}/items?f=json&filter=sign_no='G-1'").json["numberMatched"] == 0
    assert f"{LAYER}: 1 records, 0 left out" in run(*words)
    changed = json.loads(choices.read_text("utf-8")) | {"mode": "update", "key": "sign_no"}
    choices.write_text(json.dumps(changed), "utf-8")
    path.write_text("no,what,lon,lat\nG-1,big,113.39,31.70\n", "utf-8")
    run(*words)
    [found] = admin.get(f"/collections/{LAYER}/items?f=json&filter=sign_no='G-1'").json["features"]
    assert found["geometry"]["coordinates"] == [113.39, 31.7] and found["properties"]["version"] == 2


@pytest.mark.parametrize("text", ["{", "[]", '{"mapping": {"no": "nothing"}}', '{"wrong": 1}'])
def test_wrong_choices_are_told_and_nothing_is_left(run: Any, settings: Settings, tmp_path: Path, text: str) -> None:
    choices = tmp_path / "choices.json"
    choices.write_text(text, "utf-8")
    table = tmp_path / "a.csv"
    table.write_text("no,lon,lat\nH-1,113.38,31.69\n", "utf-8")
    with pytest.raises(Fault):
        run("import", str(table), "--layer", LAYER, "--crs", "EPSG:4326", "--as", "admin", "--choices", str(choices))
    kept = settings.instance / "imports"
    assert not kept.is_dir() or not [path for path in kept.iterdir() if (path / "u0").is_file()]
