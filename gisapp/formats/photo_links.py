"""How many photos each row of a table has, and the address of the page that shows them; memory stays flat."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import numpy as np
import pyarrow as pa

from gisapp.words import Words

COUNT, LINK = Words("照片数", "Photos"), Words("照片", "Photo page")


@dataclass(frozen=True)
class PhotoLinks:
    """`ids` (16 bytes each, in order) of the features with photos, their `counts`, and the server's address."""

    base: str
    layer_id: str
    ids: np.ndarray
    counts: np.ndarray

    @classmethod
    def of(cls, base: str, layer_id: str, found: Mapping[UUID, int]) -> PhotoLinks:
        """From the number of photos by feature."""
        ids = np.array([key.bytes for key in found], "S16")
        order = np.argsort(ids, kind="stable")
        return cls(base, layer_id, ids[order], np.array(list(found.values()), np.int32)[order])

    def cells(self, ids: pa.Array) -> tuple[Sequence[int | None], Sequence[str | None]]:
        """Count and address for each row; None where there is no photo."""
        texts = ids.to_pylist()
        wanted = np.array([bytes.fromhex(text.replace("-", "")) for text in texts], "S16")
        places = np.minimum(np.searchsorted(self.ids, wanted), len(self.ids) - 1)
        there = self.ids[places] == wanted
        counts = [int(count) if found else None for count, found in zip(self.counts[places], there, strict=True)]
        return counts, [self._address(text) if found else None for text, found in zip(texts, there, strict=True)]

    def _address(self, feature_id: str) -> str:
        return f"{self.base}/panel/{self.layer_id}/{feature_id}/photos"
