"""`gisapp demo` refuses what it cannot do, in one line."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from gisapp.cli.demo import demo
from gisapp.faults import Fault


@pytest.mark.parametrize("wrong", ["illegal_builds", "illegal_builds=0", "roads=5", "rooftop_signs=-1"])
def test_a_wrong_only_is_refused(wrong: str) -> None:
    result = CliRunner().invoke(demo, ["--only", wrong])
    assert isinstance(result.exception, Fault)
    assert wrong in result.exception.text("en")


def test_scale_is_a_positive_number() -> None:
    assert CliRunner().invoke(demo, ["--scale", "0"]).exit_code == 2
