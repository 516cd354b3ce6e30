"""docs/layers.md: every layer with its fields, units, states and code lists, in both languages."""

from __future__ import annotations

from collections.abc import Iterator

from gisapp.docs.markdown import MADE, code, table
from gisapp.layers import Catalogue, Code, CodeList, Field, Layer, State
from gisapp.words import Words

_ABOUT = """# Layers · 图层

{made}

Every layer also has the derived fields at the end of its table: state, territory, measured size, version and
authorship. Clients cannot write them, except `status`. Areas and lengths that are computed (`geom_area_m2`,
`geom_length_m`) are geodesic, on the ellipsoid. `synthetic` is true for demonstration data.

每个图层的表格末尾是派生字段，除 `status` 外不能写入。计算所得面积、长度按椭球面计算。`synthetic` 为真表示演示数据。

Marks · 标记: **r** required 必填, **u** unique 唯一, **p** personal 个人信息, **d** derived 派生.
"""
_LISTS = """
# Code lists · 代码表

The numbers of national standards were copied from secondary sources and are stored as unverified
(`verified = false`): check them against the standard before you rely on them.
国家标准代码来自二手资料，以“未核实”保存，使用前请对照标准原文。
"""


def page(catalogue: Catalogue) -> str:
    """The page: layers in the order of the map's tree, then the code lists."""
    layers = list(catalogue.layers.values())
    names = "".join(f"- [{_both(layer.title)}](#{layer.id})\n" for layer in layers)
    used = sorted({field.codelist for layer in layers for field in layer.all_fields if field.codelist})
    own = {layer.status_codelist for layer in layers}
    lists = [catalogue.codelists[name] for name in used if name not in own]
    return "".join([_ABOUT.format(made=MADE), "\n", names, *map(_layer, layers), _LISTS, *map(_codelist, lists)])


def _both(words: Words) -> str:
    return words.zh if words.zh == words.en else f"{words.zh} · {words.en}"


def _layer(layer: Layer) -> str:
    parts = [f'\n<a id="{layer.id}"></a>\n\n## {_both(layer.title)}\n\n']
    if layer.description:
        parts.append(f"{layer.description.zh}\n\n{layer.description.en}\n\n")
    parts += [f"- {line}\n" for line in _facts(layer)]
    parts.append("\n" + table(("Field · 字段", "Title · 名称", "Type · 类型", "Unit", "Short name · 短名称", "Marks"),
                              map(_field, layer.all_fields)))
    if layer.states:
        parts.append("\n" + table(("State · 状态", "Title · 名称", "May become · 可变为"), map(_state, layer.states)))
    return "".join(parts)


def _facts(layer: Layer) -> Iterator[str]:
    yield f"id {code(layer.id)}, geometry {code(layer.geometry)}, named by {code(layer.name_field)}"
    second = layer.second_geometry
    if second:
        stands_in = "; may stand in for the geometry · 可代替几何" if second.stands_in else ""
        yield f"second geometry {code(second.id)} ({second.geometry}, {_both(second.title)}){stands_in}"
    if layer.rules:
        yield f"rules {', '.join(map(code, layer.rules))}"


def _field(field: Field) -> tuple[str, ...]:
    marks = (("r", field.required), ("u", field.unique), ("p", field.personal), ("d", field.derived))
    title = _both(field.title) + (f"\n{_both(field.description)}" if field.description else "")
    return code(field.id), title, _type(field), field.unit or "", code(field.export), " ".join(
        mark for mark, holds in marks if holds)


def _type(field: Field) -> str:
    if field.codelist:
        is_states = field.id == "status" and field.derived
        return f"{field.type}: " + (code(field.codelist) if is_states else f"[{field.codelist}](#{field.codelist})")
    limits = [f"≤ {field.max_length}"] if field.max_length else []
    limits += [f"{field.decimals} decimals"] if field.decimals is not None else []
    if field.min is not None or field.max is not None:
        limits.append(f"{'' if field.min is None else field.min}…{'' if field.max is None else field.max}")
    return field.type + (f" ({', '.join(limits)})" if limits else "")


def _state(state: State) -> tuple[str, ...]:
    return code(state.id), _both(state.title), ", ".join(map(code, state.next)) or "–"


def _codelist(codes: CodeList) -> str:
    return (f'\n<a id="{codes.id}"></a>\n\n## {_both(codes.title)} ({code(codes.id)})\n\n'
            + table(("Code · 代码", "Title · 名称", "Standard (unverified) · 标准（未核实）"), map(_code, codes.codes)))


def _code(entry: Code) -> tuple[str, ...]:
    retired = " (retired · 已停用)" if entry.retired else ""
    numbers = "\n".join(f"{name}: {number}" for name, number in entry.standards)
    return code(entry.id), _both(entry.title) + retired, numbers
