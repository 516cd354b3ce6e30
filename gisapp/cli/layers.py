"""`gisapp layers`: check the files, show what is derived, draft a migration, sync code lists, reassign."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from gisapp.catalogue import load_catalogue
from gisapp.cli.instance import instance_option, settings as chosen_settings
from gisapp.cluster.connections import connections
from gisapp.config import Settings
from gisapp.faults import Fault
from gisapp.house import House, make_house
from gisapp.layer_files import VOCABULARY, LayerFileError
from gisapp.layers import Catalogue, Layer
from gisapp.migrate import DraftRefused, derived_sql, draft
from gisapp.permissions import SYSTEM
from gisapp.rules import RULES
from gisapp.tables import Tables


@click.group()
def layers() -> None:
    """The layer files and what is derived from them."""


def read_files(settings: Settings) -> Catalogue:
    """The catalogue; a Fault of one line for a wrong file."""
    try:
        return load_catalogue(settings.layers, RULES)
    except LayerFileError as error:
        raise Fault(f"图层文件有误：{error}", f"wrong layer file: {error}") from error


@contextmanager
def owner_house() -> Iterator[House]:
    """The house on the owner's connection, for the time of a command."""
    settings = chosen_settings()
    read_files(settings)
    with connections(settings) as urls:
        house = make_house(settings, urls.owner)
        try:
            yield house
        finally:
            house.db.close()


@layers.command()
@click.argument("folder", required=False, type=click.Path(exists=True, file_okay=False, path_type=Path))
def check(folder: Path | None) -> None:
    """Read every layer file and say what is wrong with the first wrong one."""
    settings = Settings.from_env(layers=folder)
    catalogue = read_files(settings)
    click.echo(f"{len(catalogue.layers)} layers, {len(catalogue.codelists)} code lists: no fault found")


@layers.command()
@click.argument("layer_id", metavar="ID")
def show(layer_id: str) -> None:
    """Print all that is derived from a layer's file."""
    catalogue = read_files(Settings.from_env())
    if layer_id not in catalogue.layers:
        raise Fault(f"没有图层 {layer_id}；现有：{'、'.join(catalogue.layers)}",
                    f"there is no layer {layer_id}; known: {', '.join(catalogue.layers)}")
    for line in _described(catalogue, catalogue.layers[layer_id]):
        click.echo(line)


def _described(catalogue: Catalogue, layer: Layer) -> Iterator[str]:
    yield f"# {layer.id}: {layer.title.zh} / {layer.title.en}"
    yield f"collection /collections/{layer.id}   schema /collections/{layer.id}/schema"
    yield f"tiles /collections/{layer.id}/tiles/WebMercatorQuad/{{z}}/{{y}}/{{x}}, detail from zoom {layer.detail_zoom}"
    yield "\n## fields (id, type, short export name, titles)"
    for field in layer.all_fields:
        marks = [name for name in ("required", "unique", "personal", "indexed", "derived") if getattr(field, name)]
        yield (f"{field.id:24} {field.type:9} {field.export:10} {field.title.zh} / {field.title.en}"
               f"{' [' + ', '.join(marks) + ']' if marks else ''}")
    if layer.states:
        yield "\n## workflow"
        yield from (f"{s.id} {s.title.zh} / {s.title.en} → {', '.join(s.next) or 'final'}" for s in layer.states)
    yield "\n## tables"
    yield from derived_sql(Tables(catalogue), layer)


@layers.command()
def vocabulary() -> None:
    """Print the keys of the layer file language and what a change to each asks for."""
    for key, impact in sorted(VOCABULARY.items()):
        click.echo(f"{key:16} {impact}")


@layers.command("draft")
@click.argument("message")
@instance_option
@click.option("--versions", type=click.Path(file_okay=False, path_type=Path), help="Folder for the migration.")
def draft_migration(message: str, versions: Path | None) -> None:
    """Draft the migration from the database to the layer files; read it before you commit it."""
    with owner_house() as house:
        try:
            written = draft(house.db.engine, house.catalogue, house.tables, message, versions)
        except DraftRefused as refused:
            raise Fault(f"不能起草迁移：{refused}", f"no migration drafted: {refused}") from refused
    click.echo(f"drafted {written}" if written else "the database is as the layer files say; nothing drafted")


@layers.command()
@instance_option
def sync() -> None:
    """Bring the code lists in the database to what the files say."""
    from gisapp.codelists import sync_codelists

    with owner_house() as house:
        click.echo(f"{sync_codelists(house)} codes changed")


@layers.command()
@click.argument("layer_id", metavar="[ID]", required=False)
@instance_option
def reassign(layer_id: str | None) -> None:
    """Assign district, street, community, grid and squadron anew, after boundaries changed."""
    from gisapp.territories import reassign as reassign_features

    with owner_house() as house:
        for layer, count in reassign_features(house, SYSTEM, layer_id).items():
            click.echo(f"{layer:24} {count} changed")
