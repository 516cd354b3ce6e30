"""`gisapp attachments check`: what is told of photos that are not what they were, and what it repairs."""

from __future__ import annotations

import io
import os
from uuid import UUID

import pytest

from gisapp import changes
from gisapp.cli.attachments import look
from gisapp.house import House
from gisapp.permissions import SYSTEM
from gisapp.photos import attachments, files as attachment_files
from tests.photos import photo


@pytest.fixture
def digest(owner: House) -> str:
    feature = changes.create(owner, SYSTEM, "rooftop_signs", {
        "type": "Feature", "geometry": {"type": "Point", "coordinates": [113.38, 31.69]},
        "properties": {"sign_no": os.urandom(6).hex(), "sign_kind": "01", "area_m2": 3}})
    made, _ = attachments.add(owner, SYSTEM, "rooftop_signs", UUID(str(feature.id)), io.BytesIO(photo()), ours=True)
    return made.sha256


@pytest.mark.parametrize(("language", "word"), [("zh", "从备份恢复"), ("en", "from a backup")])
def test_a_changed_photo_is_told(owner: House, digest: str, capsys: pytest.CaptureFixture[str], language: str,
                                 word: str) -> None:
    assert look(owner, repair=False, language=language) == 0
    path = attachment_files.path_of(attachment_files.root(owner), digest)
    kept = path.read_bytes()
    path.write_bytes(b"something else")
    capsys.readouterr()
    assert look(owner, repair=True, language=language) == 1
    assert digest in (said := capsys.readouterr().out)
    assert word in said
    path.write_bytes(kept)


def test_shown_pictures_are_made_anew_and_stray_files_go(owner: House, digest: str) -> None:
    folder = attachment_files.root(owner)
    small = attachment_files.path_of(folder, digest, "small")
    small.unlink()
    stray = folder / "ff" / ("f" * 64)
    stray.parent.mkdir(exist_ok=True)
    stray.write_bytes(b"x")
    os.utime(stray, (1, 1))
    assert look(owner, repair=False, language="en") == 1
    assert look(owner, repair=True, language="en") == 0
    assert small.is_file()
    assert not stray.exists()
