"""Copy the browser libraries that `npm ci` installed to static/vendor, with their licences. No bundling.

Usage: python scripts/build_vendor.py [--modules node_modules] [--target static/vendor]
"""

import argparse
import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# package: the files the pages use, relative to the package. They land in static/vendor/<package>/<file name>.
FILES: dict[str, list[str]] = {
    "leaflet": ["dist/leaflet.js", "dist/leaflet.css", "dist/images"],
    "protomaps-leaflet": ["dist/protomaps-leaflet.js"],
    "htmx.org": ["dist/htmx.min.js"],
    "echarts": ["dist/echarts.min.js"],
    "leaflet.control.layers.tree": ["L.Control.Layers.Tree.js", "L.Control.Layers.Tree.css"],
    "leaflet.fullscreen": ["Control.FullScreen.js", "Control.FullScreen.css", "icon-fullscreen.svg"],
    "leaflet.locatecontrol": ["dist/L.Control.Locate.min.js", "dist/L.Control.Locate.min.css"],
    "leaflet-mouse-position": ["src/L.Control.MousePosition.js", "src/L.Control.MousePosition.css"],
    "@geoman-io/leaflet-geoman-free": ["dist/leaflet-geoman.min.js", "dist/leaflet-geoman.css"],
}


def short_name(package: str) -> str:
    """The folder of a package under static/vendor: its name without the npm scope."""
    return package.rsplit("/", 1)[-1]


def copy_package(modules: Path, package: str, target: Path) -> str:
    """Copy one package's files and licence; returns its version."""
    source, folder = modules / package, target / short_name(package)
    folder.mkdir(parents=True)
    for name in FILES[package]:
        path = source / name
        if path.is_dir():
            shutil.copytree(path, folder / path.name)
        else:
            shutil.copyfile(path, folder / path.name)
    for licence in licences(source):
        shutil.copyfile(licence, folder / licence.name)
    return str(json.loads((source / "package.json").read_text("utf-8"))["version"])


def licences(folder: Path) -> list[Path]:
    """The licence files of one package."""
    return sorted(path for path in folder.iterdir() if path.is_file() and "licen" in path.name.lower())


def all_packages(modules: Path) -> Iterator[Path]:
    """Every installed package, those bundled inside another one's file included."""
    for path in sorted(modules.rglob("package.json")):
        if path.parent.parent == modules or path.parent.parent.name.startswith("@"):
            yield path.parent


def licence_texts(modules: Path) -> str:
    """One text with the licence of every installed package."""
    parts = []
    for package in all_packages(modules):
        about = json.loads((package / "package.json").read_text("utf-8"))
        texts = [path.read_text("utf-8").strip() for path in licences(package)]
        head = f"{about['name']} {about['version']} ({about.get('license', 'see its files')})"
        parts.append("\n\n".join([head, *texts]))
    return f"\n\n{'-' * 78}\n\n".join(parts) + "\n"


def build(modules: Path, target: Path) -> None:
    """Make `target` anew: built beside it first, so that a half-made folder is never served."""
    fresh = target.with_name(target.name + ".new")
    shutil.rmtree(fresh, ignore_errors=True)
    versions = {package: copy_package(modules, package, fresh) for package in sorted(FILES)}
    (fresh / "LICENCES.txt").write_text(licence_texts(modules), "utf-8")
    (fresh / "versions.json").write_text(json.dumps(versions, indent=2) + "\n", "utf-8")
    shutil.rmtree(target, ignore_errors=True)
    fresh.rename(target)


def main() -> int:
    """Run as a script; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--modules", type=Path, default=ROOT / "node_modules")
    parser.add_argument("--target", type=Path, default=ROOT / "static" / "vendor")
    options = parser.parse_args()
    if not options.modules.is_dir():
        print(f"{options.modules} is missing: run `npm ci --ignore-scripts` first", file=sys.stderr)
        return 1
    build(options.modules, options.target)
    print(f"static libraries copied to {options.target}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
