"""Views of the layers for programs that speak to the database themselves: one a layer, in schema `qgis`."""

from __future__ import annotations

from collections.abc import Iterator

from psycopg import sql

from gisapp.layers import Catalogue, Field, Layer
from gisapp.tables import LAYERS, quoted

SCHEMA, GROUP = "qgis", "gisapp_qgis"
#: What the schema's comment says: a digest of the statements that made the views.
MARK = f"SELECT obj_description(to_regnamespace('{SCHEMA}')::oid, 'pg_namespace')"
FORGET_RIGHTS = "DELETE FROM gisapp.desktop_acts; DELETE FROM gisapp.desktop_states"
KEEP_ACT = "INSERT INTO gisapp.desktop_acts VALUES (%s, %s)"
KEEP_STATE = "INSERT INTO gisapp.desktop_states VALUES (%s, %s, %s)"
LISTED = ("SELECT l.login, a.username, a.role, a.active, l.made_at FROM gisapp.desktop_logins AS l"
          " JOIN gisapp.accounts AS a ON a.id = l.account_id ORDER BY 1")
ACCOUNT = "SELECT id, username FROM gisapp.accounts WHERE username_key = %s"
FORGET_LOGIN = "DELETE FROM gisapp.desktop_logins WHERE account_id = %s RETURNING login"
KEEP_LOGIN = "INSERT INTO gisapp.desktop_logins (login, account_id, made_by) VALUES (%s, %s, %s)"
END_CONNECTIONS = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s"


def made_anew(catalogue: Catalogue) -> str:
    """The statements that make every view, in the place of those that are there."""
    parts = [drop(), f"CREATE SCHEMA {SCHEMA}"]
    for layer in catalogue.layers.values():
        parts += _view(layer)
    return ";\n".join([*parts, _grants(catalogue)])


def mark_with(digest: str) -> str:
    """The statement that leaves `digest` as the mark."""
    return f"COMMENT ON SCHEMA {SCHEMA} IS '{digest}'"


def drop() -> str:
    """Take the views away, so that migrations may change what they show."""
    return f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE"


def is_writable(layer: Layer) -> bool:
    """Whether features are written through the view: not where rules must be asked that only the application knows."""
    return not layer.rules


def columns(layer: Layer) -> list[str]:
    """The columns of the view: id first, by which programs know a feature, then fields and geometries."""
    second = [layer.second_geometry.id] if layer.second_geometry else []
    return ["id", *(field.id for field in layer.all_fields), "geom", *second]


def _view(layer: Layer) -> Iterator[str]:
    fields = {field.id: field for field in layer.all_fields}
    shown = ", ".join(_shown(name, fields.get(name)) for name in columns(layer))
    view = f"{SCHEMA}.{quoted(layer.id)}"
    # Asked once a statement, not once a row.
    yield (f"CREATE VIEW {view} AS SELECT {shown} FROM {LAYERS}.{quoted(layer.id)} AS t"  # noqa: S608
           " WHERE (SELECT gisapp.desktop_may('read'))")
    yield _comment(f"VIEW {view}", f"{layer.title.zh} / {layer.title.en}")
    for field in layer.all_fields:
        yield _comment(f"COLUMN {view}.{quoted(field.id)}", f"{field.title.zh} / {field.title.en}")
    if is_writable(layer):
        arguments = "', '".join(["assigned" if layer.assigned else "", *_writable(layer)])
        yield (f"CREATE TRIGGER w1_write INSTEAD OF INSERT OR UPDATE OR DELETE ON {view} FOR EACH ROW"
               f" EXECUTE FUNCTION gisapp.desktop_write('{arguments}')")


def _shown(name: str, field: Field | None) -> str:
    if field is not None and field.personal:
        return f"CASE WHEN (SELECT gisapp.desktop_may('read_personal')) THEN t.{quoted(name)} END AS {quoted(name)}"
    return f"t.{quoted(name)}"


def _writable(layer: Layer) -> Iterator[str]:
    """What a writer may set; a personal field with a leading '-'."""
    yield from ["status"] if layer.states else []
    for field in layer.fields:
        yield f"-{field.id}" if field.personal else field.id
    yield "geom"
    yield from [layer.second_geometry.id] if layer.second_geometry else []


def _comment(thing: str, words: str) -> str:
    return f"COMMENT ON {thing} IS {sql.Literal(words).as_string()}"


def _grants(catalogue: Catalogue) -> str:
    """Rights for the group, if the server has it; titles of codes may be read by whoever reads codes."""
    rights = [f"GRANT USAGE ON SCHEMA {SCHEMA}, codes TO {GROUP}",
              f"GRANT SELECT ON ALL TABLES IN SCHEMA codes TO {GROUP}",
              f"GRANT SELECT ON ALL TABLES IN SCHEMA {SCHEMA} TO {GROUP}"]
    rights += [f"GRANT INSERT, UPDATE, DELETE ON {SCHEMA}.{quoted(layer.id)} TO {GROUP}"
               for layer in catalogue.layers.values() if is_writable(layer)]
    given = "; ".join(rights)
    return f"DO $$ BEGIN IF EXISTS (SELECT FROM pg_roles WHERE rolname = '{GROUP}') THEN {given}; END IF; END $$"


def make_login(login: str, secret: str) -> sql.Composed:
    """The statement that makes a login of the group; `secret` is what the server keeps of the password."""
    return sql.SQL("CREATE ROLE {} LOGIN INHERIT CONNECTION LIMIT 20 IN ROLE {} PASSWORD {}").format(
        sql.Identifier(login), sql.Identifier(GROUP), sql.Literal(secret))


def drop_login(login: str) -> sql.Composed:
    """The statement that takes a login away."""
    return sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(login))
