"""One operation: what it is called, what it takes, what comes back."""

from __future__ import annotations

from typing import Any


def operation(tag: str, name: str, summary: str, responses: dict[str, Any], *parameters: dict[str, Any],
              body: dict[str, Any] | None = None) -> dict[str, Any]:
    """An operation object; `body` is the content of the request, by media type."""
    made: dict[str, Any] = {"tags": [tag], "operationId": name, "summary": summary}
    if parameters:
        made["parameters"] = list(parameters)
    if body:
        made["requestBody"] = {"required": True, "content": body}
    return made | {"responses": responses}
