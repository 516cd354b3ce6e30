"""Layer files: the right ones read, every wrong one answered with file, key and what is wanted."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from gisapp import params, selection
from gisapp.catalogue import RESERVED, load_catalogue
from gisapp.cli.layers import layers as layers_command
from gisapp.layer_files import SHAPES, VOCABULARY, LayerFileError
from gisapp.params import grouping
from gisapp.rules import RULES
from tests.conftest import ROOT

FILES = Path(__file__).parent / "layers"
WRONG = sorted((FILES / "wrong").glob("*.toml"))
MISSION = ("illegal_builds", "rooftop_signs", "vendor_points", "waste_sites", "truck_routes")


@pytest.mark.parametrize("path", WRONG, ids=lambda path: path.stem)
def test_a_wrong_file_gives_the_message_it_expects(path: Path, tmp_path: Path) -> None:
    expected = path.read_text("utf-8").splitlines()[0].removeprefix("# expect: ")
    folder = shutil.copytree(FILES / "right", tmp_path / "layers")
    target = "codelists/lamp_kind.toml" if path.stem.startswith("codelist_") else "street_lamps.toml"
    shutil.copy(path, folder / target)
    with pytest.raises(LayerFileError) as caught:
        load_catalogue(folder, RULES)
    assert str(caught.value) == expected


def test_the_right_fixture_is_read_whole() -> None:
    layer = load_catalogue(FILES / "right", RULES).layers["street_lamps"]
    assert [field.id for field in layer.writable_fields] == ["status", "lamp_no", "kind", "power_w", "checked_on"]
    assert layer.status_codelist == "street_lamps_status"


def test_no_field_takes_the_name_of_a_parameter() -> None:
    names = {*params.COMMON, *grouping.OWN, *selection.OWN}
    assert {name for name in names if "-" not in name} <= RESERVED


def test_the_vocabulary_is_closed_and_small() -> None:
    used = {key for shape in SHAPES.values() for key in shape.keys}
    assert used == set(VOCABULARY)
    assert len(VOCABULARY) <= 40
    assert set(VOCABULARY.values()) == {"table", "schema", "style", "words"}


def test_the_shipped_layers_are_those_the_office_needs() -> None:
    catalogue = load_catalogue(ROOT / "layers", RULES)
    reference = {"districts", "streets", "communities", "unit_grids", "roads", "school_gates", "buildings",
                 "control_lines", "restricted_areas", "squadron_territories"}
    assert set(MISSION) | reference <= set(catalogue.layers)
    for name in MISSION:
        layer = catalogue.layers[name]
        assert layer.states, name
        assert layer.style.colour_by == "status"
        assert len([field for field in layer.fields if field.required]) <= 5


def test_every_export_name_can_be_written_to_a_shapefile() -> None:
    for layer in load_catalogue(ROOT / "layers", RULES).layers.values():
        names = [field.export for field in layer.all_fields]
        assert len(names) == len(set(names))
        assert all(name.isascii() and len(name) <= 10 for name in names)


def test_standards_stand_beside_the_codes_they_belong_to() -> None:
    lists = load_catalogue(ROOT / "layers", RULES).codelists
    found = {standard for codelist in lists.values() for code in codelist.codes for standard in code.standards}
    assert ("GB/T 47678.5-2026", "07003") in found
    assert ("GB/T 30428.2-2013", "02-03") in found


def test_show_prints_what_is_derived(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = CliRunner().invoke(layers_command, ["show", "rooftop_signs"])
    assert shown.exit_code == 0
    for part in ("CREATE TABLE layers.rooftop_signs", "rooftop_signs_history", "watch_layer", "GGBH", "户外广告"):
        assert part in shown.output


def test_a_folder_that_is_not_there_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(LayerFileError, match=r"there is no folder of layer files .*nowhere; GISAPP_LAYERS names it"):
        load_catalogue(tmp_path / "nowhere")


def test_check_names_the_fault(tmp_path: Path) -> None:
    folder = shutil.copytree(FILES / "right", tmp_path / "layers")
    assert "no fault" in CliRunner().invoke(layers_command, ["check", str(folder)]).output
    (folder / "street_lamps.toml").write_text("id = 1", "utf-8")
    result = CliRunner().invoke(layers_command, ["check", str(folder)])
    assert result.exit_code != 0
    assert "street_lamps.toml: id:" in str(result.exception)
