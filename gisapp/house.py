"""What every service needs, made once at the start: settings, declarations, tables, database."""

from __future__ import annotations

from dataclasses import dataclass, replace

from gisapp.basemaps import Basemap, load_basemaps
from gisapp.catalogue import load_catalogue
from gisapp.config import Settings
from gisapp.db import Database
from gisapp.errors import Problem
from gisapp.layers import Catalogue, FilterLimits, Layer
from gisapp.rules import RULES
from gisapp.tables import Tables


@dataclass(frozen=True)
class House:
    settings: Settings
    catalogue: Catalogue
    tables: Tables
    db: Database
    basemaps: tuple[Basemap, ...] = ()

    def layer(self, layer_id: str) -> Layer:
        """The declaration; Problem `layer_unknown` (404) when there is none."""
        if layer_id not in self.catalogue.layers:
            raise Problem("layer_unknown", layer=layer_id[:60])
        return self.catalogue.layers[layer_id]


def make_house(settings: Settings, database_url: str, options: str = "") -> House:
    """The house on a database that is already migrated. Raises LayerFileError for a wrong layer file."""
    limits = FilterLimits(settings.filter_length, settings.filter_depth)
    catalogue = replace(load_catalogue(settings.layers, RULES), filter_limits=limits)
    database = Database(database_url, pool_size=settings.threads + 1,
                        statement_timeout_s=settings.statement_timeout_s, options=options)
    tables = Tables(catalogue)
    tables.metadata.info["time_zone"] = settings.time_zone
    return House(settings, catalogue, tables, database,
                 load_basemaps(settings.basemaps, type(settings).basemaps))
