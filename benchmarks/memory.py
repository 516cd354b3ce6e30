"""How much a worker holds after long and mixed work."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks import servers, session
from benchmarks.client import drive, get
from benchmarks.ground import WANTED, Ground


def memory(ground: Ground) -> Iterator[tuple[str, str]]:
    """What a worker holds after 10 000 mixed requests."""
    tiles_ = [session.ours(one) for one in session.looks(ground, 8, 17)]
    pages = [f"/collections/{layer}/items?limit={limit}&bbox=113.3,31.6,113.5,31.8" for layer in WANTED
             for limit in (10, 100, 1000)]
    others = ["/map", "/collections", "/collections/illegal_builds/schema", "/collections/nothing", "/map?lang=en",
              "/identify?lon=113.38&lat=31.69&zoom=15&layers=illegal_builds,rooftop_signs&f=json"]
    draw = random.Random(3)
    asked = draw.choices(tiles_, k=8500) + draw.choices(pages, k=1000) + draw.choices(others, k=500)
    draw.shuffle(asked)
    with servers.gisapp(ground) as (port, pid):
        cookie = ground.sign_in(port)
        before = _resident(pid)
        ground.forget_tiles()
        began = time.perf_counter()
        found = drive(port, [get(path, Cookie=cookie) for path in asked], 8)
        after = _resident(pid)
        yield "10 000 mixed requests", f"{time.perf_counter() - began:.0f} s, {dict(found.statuses)}"
        yield "resident memory of the server's processes, MiB before", ", ".join(f"{size:.0f}" for size in before)
        yield "resident memory of the server's processes, MiB after", ", ".join(f"{size:.0f}" for size in after)


def _resident(pid: int) -> list[float]:
    """MiB of a process and its children, its own first."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    sizes = []
    for one in (str(pid), *children):
        text = Path(f"/proc/{one}/status").read_text()
        line = next((line for line in text.splitlines() if line.startswith("VmRSS")), "VmRSS: 0 kB")
        sizes.append(int(line.split()[1]) / 1024)
    return sizes
