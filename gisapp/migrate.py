"""Bring the database to what the migrations say, draft the next one, and compare it with the layer files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.operations import ops
from alembic.script import ScriptDirectory
from sqlalchemy import CheckConstraint, Connection, Engine, Inspector, Table, inspect, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex, CreateTable

from gisapp.faults import Fault
from gisapp.layers import Catalogue, Layer
from gisapp.tables import CODES, LAYERS, Tables

FOLDER = Path(__file__).parent / "migrations"
_VERSION_TABLE = "gisapp_version"
_LAYER_TRIGGERS = {"b1_stamp", "b4_shape", "h1_insert", "h2_update", "h3_delete", "t1_truncate",
                   "m1_insert", "m2_update", "m3_delete", "m4_truncate"}


class DraftRefused(Exception):
    """The layer files ask for something that would lose data; the sentence says what to do instead."""


def config(connection: Connection | None = None, versions: Path | None = None, **attributes: Any) -> Config:
    """Alembic's configuration without a file; `versions` is a further folder of migrations."""
    made = Config()
    made.set_main_option("script_location", str(FOLDER))
    folders = [str(FOLDER / "versions")] + ([str(versions)] if versions else [])
    made.set_main_option("version_locations", "\n".join(folders))
    made.set_main_option("path_separator", "newline")
    made.attributes.update(connection=connection, **attributes)
    return made


def upgrade(engine: Engine, target: str = "heads", versions: Path | None = None) -> None:
    """Run what is missing, in one transaction: a stopped migration leaves nothing behind."""
    with engine.begin() as connection:
        command.upgrade(config(connection, versions), target)


def pending(engine: Engine, versions: Path | None = None) -> list[str]:
    """Revisions that have not run yet, oldest first. Fault for a database that knows more than this program."""
    script = ScriptDirectory.from_config(config(versions=versions))
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"version_table": _VERSION_TABLE, "version_table_schema": "public"})
        current = context.get_current_heads()
    if strange := sorted(set(current) - {each.revision for each in script.walk_revisions()}):
        names = ", ".join(strange)
        raise Fault(f"数据库已由较新的版本迁移（{names}），本程序没有这些迁移。请装回那个版本，或从升级前的备份恢复。",
                    f"the database was migrated by a newer version (to {names}), of which this program knows nothing: "
                    "go back to that version, or restore the backup made before the upgrade")
    missing = script.iterate_revisions("heads", current or "base")
    return [revision.revision for revision in missing][::-1]


def lacking(connection: Connection, tables: Tables) -> list[str]:
    """Layers whose table, or a column of it, is not in the database: nobody has drafted their migration yet."""
    columns = connection.execute(text(
        "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = :schema"),
        {"schema": LAYERS}).all()
    there = {(row[0], row[1]) for row in columns}
    return [name for name, table in tables.layers.items()
            if any((table.name, column.name) not in there for column in table.columns)]


def compare(connection: Connection, catalogue: Catalogue, tables: Tables) -> list[str]:
    """What differs between the database and the layer files, in words; empty when nothing does."""
    context = MigrationContext.configure(connection, opts=_options() | {
        "version_table": _VERSION_TABLE, "version_table_schema": "public"})
    found = [_words(difference) for difference in compare_metadata(context, tables.metadata)]
    found += [f"check {change}" for change in _check_changes(connection, tables)]
    return found + _missing_triggers(connection, catalogue)


def draft(engine: Engine, catalogue: Catalogue, tables: Tables, message: str,
          versions: Path | None = None) -> Path | None:
    """Write a migration from the database to the layer files; None when nothing differs.

    DraftRefused when it would drop a column or table or change a type, or migrations wait that nobody has run.
    """
    if waiting := pending(engine, versions):
        raise DraftRefused(f"{', '.join(waiting)} wait to be run: start with `gisapp migrate`")
    written: list[Path] = []

    def finish(context: MigrationContext, revision: Any, directives: list[Any]) -> None:
        script = directives[0]
        _refuse_losses(script.upgrade_ops)
        if context.connection is not None:
            script.upgrade_ops.ops += list(_check_ops(context.connection, tables))
        script.upgrade_ops.ops += list(_watch_ops(script.upgrade_ops, catalogue))
        if script.upgrade_ops.is_empty():
            directives.clear()

    with engine.connect() as connection:
        options = _options() | {"process_revision_directives": finish}
        settings = config(connection, versions, metadata=tables.metadata, options=options)
        script = command.revision(settings, message, autogenerate=True, rev_id=_next_number(settings),
                                  version_path=str(versions) if versions else None)
        written += [Path(item.path) for item in _as_list(script) if item is not None]
    return written[0] if written else None


def _next_number(settings: Config) -> str:
    """Number the file after the highest there is: 0003 → 0004."""
    numbers = [int(script.revision[:4]) for script in ScriptDirectory.from_config(settings).walk_revisions()]
    return f"{max(numbers, default=0) + 1:04d}"


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _options() -> dict[str, Any]:
    def include_name(name: str | None, kind: str, parents: Any) -> bool:
        return name in (LAYERS, CODES) if kind == "schema" else True

    return {"include_schemas": True, "include_name": include_name, "compare_type": _type_differs,
            "render_item": _render_item}


def _type_differs(context: Any, inspected: Any, declared: Any, inspected_type: Any, declared_type: Any) -> bool:
    dialect = context.dialect
    return bool(inspected_type.compile(dialect).lower() != declared_type.compile(dialect).lower())


def _render_item(kind: str, item: Any, context: Any) -> str | bool:
    if kind == "type" and type(item).__name__ == "Geometry":
        context.imports.add("from geoalchemy2 import Geometry")
        return f"Geometry({item.geometry_type!r}, {item.srid}, spatial_index=False)"
    return False


def _flat(container: Any) -> Iterator[Any]:
    for operation in container.ops:
        if isinstance(operation, ops.ModifyTableOps):
            yield from _flat(operation)
        else:
            yield operation


_LOSSES = {
    ops.DropTableOp: "table {0.table_name} has no file any more; a layer or code list is kept, never dropped",
    ops.DropColumnOp: "column {0.table_name}.{0.column_name} has no field any more; ids are permanent: keep it",
}


def _refuse_losses(container: Any) -> None:
    for operation in _flat(container):
        sentence = _LOSSES.get(type(operation))
        if sentence:
            raise DraftRefused(sentence.format(operation))
        if isinstance(operation, ops.AlterColumnOp) and operation.modify_type is not None:
            raise DraftRefused(
                f"column {operation.table_name}.{operation.column_name} would change its type; "
                "make a new field and move the values in a migration of your own")


def _check_changes(connection: Connection, tables: Tables) -> Iterator[str]:
    for table, constraint in _checks_to_drop(connection, tables):
        yield f"{table.name}.{constraint} is no longer declared"
    for table, check in _checks_to_create(connection, tables):
        yield f"{table.name}.{check.name} is missing"


def _check_ops(connection: Connection, tables: Tables) -> Iterator[ops.MigrateOperation]:
    for table, name in _checks_to_drop(connection, tables):
        yield ops.DropConstraintOp(name, table.name, type_="check", schema=table.schema)
    for table, check in _checks_to_create(connection, tables):
        yield ops.CreateCheckConstraintOp(str(check.name), table.name, check.sqltext, schema=table.schema)


def _stored_checks(inspector: Inspector, table: Table) -> set[str] | None:
    if not inspector.has_table(table.name, schema=table.schema):
        return None
    return {str(c["name"]) for c in inspector.get_check_constraints(table.name, schema=table.schema)}


def _declared_checks(table: Table) -> dict[str, CheckConstraint]:
    return {str(c.name): c for c in table.constraints if isinstance(c, CheckConstraint)}


def _checks_to_drop(connection: Connection, tables: Tables) -> Iterator[tuple[Table, str]]:
    inspector = inspect(connection)
    for table in tables.layers.values():
        for name in sorted((_stored_checks(inspector, table) or set()) - set(_declared_checks(table))):
            yield table, name


def _checks_to_create(connection: Connection, tables: Tables) -> Iterator[tuple[Table, CheckConstraint]]:
    inspector = inspect(connection)
    for table in tables.layers.values():
        stored = _stored_checks(inspector, table)
        for name, check in sorted(_declared_checks(table).items()):
            if stored is not None and name not in stored:
                yield table, check


def _code_arrays(layer: Layer) -> list[str]:
    return [word for f in layer.fields if f.type == "codes" for word in (f.id, f.codelist or "")]


def derived_sql(tables: Tables, layer: Layer) -> Iterator[str]:
    """The statements that make a layer's table, its history and its triggers on an empty database."""
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    for table in (tables.layers[layer.id], tables.history[layer.id]):
        yield str(CreateTable(table).compile(dialect=dialect)).strip() + ";"
        yield from (str(CreateIndex(index).compile(dialect=dialect)) + ";" for index in sorted(
            table.indexes, key=lambda index: str(index.name)))
    yield watch_sql(layer) + ";"


def watch_sql(layer: Layer) -> str:
    """The statements that set the triggers and rights of a layer's table."""
    kind = next((field.id for field in layer.fields if field.type == "code"), None)
    quoted_kind = f"'{kind}'" if kind else "NULL"
    stand_in = layer.stand_in.id if layer.stand_in else ""
    arrays = ", ".join(f"'{word}'" for word in _code_arrays(layer))
    assigned = str(layer.assigned).lower()
    return (f"SELECT gisapp.watch_layer('{layer.id}', {assigned}, '{stand_in}', ARRAY[{arrays}]::text[]), "
            f"gisapp.watch_tiles('{layer.id}', {quoted_kind})")


def _watch_ops(container: Any, catalogue: Catalogue) -> Iterator[ops.MigrateOperation]:
    touched = {operation.table_name for operation in _flat(container)
               if isinstance(operation, (ops.CreateTableOp, ops.AddColumnOp))}
    for layer in catalogue.layers.values():
        if layer.id in touched:
            yield ops.ExecuteSQLOp(watch_sql(layer))


def _missing_triggers(connection: Connection, catalogue: Catalogue) -> list[str]:
    rows = connection.execute(text(
        "SELECT c.relname, t.tgname FROM pg_trigger AS t JOIN pg_class AS c ON c.oid = t.tgrelid "
        "WHERE c.relnamespace = to_regnamespace('layers') AND NOT t.tgisinternal AND t.tgenabled <> 'D'"))
    present = {(table, trigger) for table, trigger in rows}
    return [f"trigger {layer.id}.{name} is missing" for layer in catalogue.layers.values()
            for name in sorted(_expected_triggers(layer)) if (layer.id, name) not in present]


def _expected_triggers(layer: Layer) -> set[str]:
    more = ({"b2_territory"} if layer.assigned else set()) | ({"b3_codes"} if _code_arrays(layer) else set())
    return _LAYER_TRIGGERS | more


def _words(difference: Any) -> str:
    """One line for one of Alembic's difference tuples."""
    if isinstance(difference, list):
        return "; ".join(map(_words, difference))
    kind, *parts = difference
    return " ".join([str(kind), *(str(getattr(part, "name", part)) for part in parts if part is not None)])
