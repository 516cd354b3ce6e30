"""What a form asks before it saves: a neighbour that may be the same thing, a shape that wants repair."""

from __future__ import annotations

import json
import re
from typing import Any
from uuid import uuid4

from tests.conftest import Role
from tests.form_page import FormPage
from tests.test_api import sign
from tests.test_marking import BOW_TIE
from tests.test_writes import BUILDS, SIGNS, build, created

HTML = {"Accept": "text/html"}


def button(page: str, name: str) -> str:
    """What the button that says yes would send."""
    found = re.search(rf'<button class="button" type="submit" name="{name}" value="([^"]+)"', page)
    assert found, page
    return found[1]


def post(client: Role, path: str, fields: dict[str, Any]) -> Any:
    return client.post(path, data=fields, headers=HTML)


def filled(client: Role, lon: float) -> dict[str, Any]:
    form = FormPage(client.get("/forms/rooftop_signs", headers=HTML).text)
    return dict(form.fields) | {"f-sign_no": uuid4().hex[:16], "f-sign_kind": "01", "f-area_m2": "2",
                                "f-geom-lon": str(lon), "f-geom-lat": "31.2"}


def test_a_neighbour_is_shown_before_saving(admin: Role) -> None:
    made = created(admin, SIGNS, sign() | {"geometry": {"type": "Point", "coordinates": [114.0, 31.2]}})
    fields = filled(admin, 114.0001)
    asked = post(admin, "/forms/rooftop_signs", fields)
    assert asked.status_code == 409
    assert f"/panel/rooftop_signs/{made['id']}" in asked.text
    assert "9.5 m" in asked.text
    assert admin.get(f"{SIGNS}/{fields['id']}").status_code == 404
    saved = post(admin, "/forms/rooftop_signs", fields | {"known": button(asked.text, "known")})
    assert saved.status_code == 303
    assert admin.get(f"{SIGNS}/{fields['id']}").status_code == 200


def test_a_word_for_one_neighbour_is_none_for_another(admin: Role) -> None:
    made = created(admin, SIGNS, sign() | {"geometry": {"type": "Point", "coordinates": [114.2, 31.2]}})
    fields = filled(admin, 114.2001) | {"known": f"{made['id']},nonsense"}
    other = created(admin, SIGNS, sign() | {"geometry": {"type": "Point", "coordinates": [114.2002, 31.2]}})
    asked = post(admin, "/forms/rooftop_signs", fields)
    assert asked.status_code == 409
    assert other["id"] in button(asked.text, "known")


def test_far_from_others_nothing_is_asked(admin: Role) -> None:
    assert post(admin, "/forms/rooftop_signs", filled(admin, 114.3)).status_code == 303


def test_a_bow_tie_is_repaired_on_the_users_word_and_for_this_shape_only(admin: Role) -> None:
    made = created(admin, BUILDS, build())
    path = f"/forms/illegal_builds/{made['id']}"
    fields = dict(FormPage(admin.get(path, headers=HTML).text).fields)
    crossed = fields | {"f-geom": json.dumps({"type": "Polygon", "coordinates": BOW_TIE})}
    refused = post(admin, path, crossed)
    assert refused.status_code == 422
    assert "自相交" in refused.text
    assert "data-repair=" in refused.text
    word = button(refused.text, "repair")
    moved = [[[lon + 1, lat] for lon, lat in BOW_TIE[0]]]
    other = fields | {"f-geom": json.dumps({"type": "Polygon", "coordinates": moved}), "repair": word}
    assert post(admin, path, other).status_code == 422
    assert post(admin, path, crossed | {"repair": word}).status_code == 303
    assert len(admin.get(f"{BUILDS}/{made['id']}").json["geometry"]["coordinates"]) == 2
