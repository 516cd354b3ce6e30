"""The application without its limit on features in a tile: what everybody else sends, byte for byte as many."""

from gisapp import create_app, tiles

tiles.MOST = tiles.MOST_LINES = 10**9
app = create_app()
