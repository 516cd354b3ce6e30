"""The application without its limit on features in a tile: what everybody else sends."""

from gisapp import create_app, tile_drawing

tile_drawing.MOST = tile_drawing.MOST_POINTS = tile_drawing.MOST_LINES = 10**9
app = create_app()
