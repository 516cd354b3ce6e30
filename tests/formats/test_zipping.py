"""What is packed comes out of any unzip program as it was, small or beyond 32 bits."""

from __future__ import annotations

import random
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

from gisapp.formats import zipping
from gisapp.formats.zipping import Zip

SIZES = {"a.txt": 0, "b.dbf": 1, "数据.shp": 3 * 2**20 + 17, "c.bin": 2**20}


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    draw = random.Random(5)
    found = {}
    for number, (name, size) in enumerate(SIZES.items()):
        found[name] = tmp_path / str(number)
        found[name].write_bytes(draw.randbytes(size) if number % 2 else b"ab c" * (size // 4) + b"x" * (size % 4))
    return found


@pytest.mark.parametrize(("large", "most_files"), [(0xF0000000, 0xFFFF), (2**20, 0xFFFF), (0, 2)])
def test_every_file_comes_out_as_it_was(tmp_path, files, monkeypatch, large, most_files) -> None:
    """Smaller limits make the records that files beyond 4 GB, and very many files, need."""
    monkeypatch.setattr(zipping, "_LARGE", large)
    monkeypatch.setattr(zipping, "_MOST_FILES", most_files)
    path = tmp_path / "x.zip"
    with Zip(path) as archive:
        for name, source in files.items():
            archive.add(source, name)
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == list(SIZES)
        for name, source in files.items():
            assert archive.read(name) == source.read_bytes()
            assert archive.getinfo(name).external_attr >> 16 == 0o100644
    if shutil.which("unzip") and most_files == 0xFFFF:  # 0xFFFF is what tells of the record
        subprocess.run(["unzip", "-t", path], check=True, capture_output=True)


def test_large_numbers_go_into_records_of_their_own() -> None:
    member = zipping._Member(b"x.dbf", 0, (1, 1), 2**33, 7, 2**34, 2**35)
    raw = zipping._central(member)
    assert raw[46 + 5:] == (1).to_bytes(2, "little") + (24).to_bytes(2, "little") + b"".join(
        n.to_bytes(8, "little") for n in (2**35, 2**34, 2**33))
