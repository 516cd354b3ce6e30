"""The tables of docs/filters.md: functions of filters, and the questions that ship."""

from __future__ import annotations

from gisapp.cql2 import CLASSES
from gisapp.cql2.functions import FUNCTIONS, Function
from gisapp.docs.markdown import code, table
from gisapp.example_questions import absent, examples


def table_of_functions() -> str:
    """Every function with its arguments and what it yields."""
    rows = [(code(_call(one)), one.returns + (f" ({one.unit})" if one.unit else ""),
             f"{one.title.en}. {one.title.zh}。") for one in FUNCTIONS.values()]
    arguments = {each.name: each for one in FUNCTIONS.values() for each in one.arguments}
    return (table(("Call", "Yields", "What it says · 含义"), rows) + "\n"
            + table(("Argument", "What it is · 含义"),
                    [(code(one.name), f"{one.title.en}. {one.title.zh}。") for one in arguments.values()]))


def _call(one: Function) -> str:
    parts = [each.name + (", …" if each.many else "") for each in one.arguments if not each.optional]
    optional = [each.name for each in one.arguments if each.optional]
    inner = ", ".join(parts) + "".join(f"[, {name}]" if parts else f"[{name}]" for name in optional)
    return f"{one.name}({inner})"


def list_of_classes() -> str:
    """The conformance classes of the standard that hold."""
    return ", ".join(map(code, CLASSES)) + "\n"


def table_of_questions() -> str:
    """The questions that ship, and why the others of the list do not."""
    asked = {one.number: (code(one.layer), code(one.filter), one.title) for one in examples()}
    rows = [(str(number), layer, f"{title.en} · {title.zh}<br>{text}")
            for number, (layer, text, title) in sorted(asked.items())]
    rows += [(str(number), "–", f"{reason.en} · {reason.zh}") for number, reason in sorted(absent().items())]
    return table(("№", "Layer", "Question · 问题"), sorted(rows, key=lambda row: int(row[0])))
