"""Writes the demo city beside this file: `python data/make_demo.py` gives data/demo/<layer>.geojson."""

from pathlib import Path

from gisapp.demo.city import make_city
from gisapp.demo.files import write

if __name__ == "__main__":
    for layer, count in write(Path(__file__).parent / "demo", make_city().features).items():
        print(f"{layer}: {count}")
