"""schemathesis over the whole OpenAPI document: whatever is sent, the answer is one that is described.

Bounded: a few examples for each operation, the same ones in every run; one each for layers made of the same parts.
"""

from __future__ import annotations

import re
from base64 import b64encode
from typing import Any

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import checks

from tests.conftest import Role

#: One layer is tried harder than the others.
OTHER_LAYERS = re.compile(r"^/collections/(?!rooftop_signs|\{)\w+/")
CHECKS = [checks.not_a_server_error, checks.status_code_conformance, checks.content_type_conformance,
          checks.response_schema_conformance]


@pytest.fixture(scope="module")
def api(app: Flask, admin: Role, accounts: dict[str, dict[str, str]]) -> Any:
    for n in range(3):
        sign = {"type": "Feature", "geometry": {"type": "Point", "coordinates": [113.38 + n / 1000, 31.69]},
                "properties": {"sign_no": f"模糊-{n}", "sign_kind": "01", "area_m2": n + 0.5}}
        assert admin.post("/collections/rooftop_signs/items", json=sign).status_code == 201
    account = accounts["admin"]
    signed = "Basic " + b64encode(f"{account['username']}:{account['password']}".encode()).decode()
    found = schemathesis.openapi.from_wsgi("/api?f=json&lang=en", app, headers={"Authorization": signed})
    return found, signed


def test_nothing_that_is_sent_surprises(api: Any) -> None:
    schema, signed = api
    failures: list[str] = []

    def tell(case: Any) -> None:
        answer = case.call(headers={"Authorization": signed, "Accept-Encoding": "identity"})
        try:
            case.validate_response(answer, checks=CHECKS)
        except (AssertionError, BaseExceptionGroup) as failure:
            failures.append(f"{case.method} {case.formatted_path}: {failure}"[:1500])

    tried = 0
    for result in schema.get_all_operations():
        operation, tried = result.ok(), tried + 1
        limited = settings(max_examples=1 if OTHER_LAYERS.match(operation.path) else 6, deadline=None,
                           derandomize=True, database=None, suppress_health_check=list(HealthCheck),
                           phases=[Phase.generate])
        limited(given(case=operation.as_strategy())(tell))()
    assert tried > 300
    assert not failures, "\n=====\n".join(failures)
