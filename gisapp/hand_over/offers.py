"""What the export page offers: which features, in what systems of coordinates, in which formats, along with what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gisapp import features, published, questions
from gisapp.crs import MENU, Crs, local_zone
from gisapp.errors import Problem
from gisapp.formats import FILE_FORMATS, Format
from gisapp.formats.question import in_words
from gisapp.house import House
from gisapp.layers import Layer
from gisapp.permissions import Actor, may, require
from gisapp.photos import attachments
from gisapp.published import Collection
from gisapp.questions import Question
from gisapp.words import Words


@dataclass(frozen=True)
class Offer:
    """What a file of a question would hold, and the choices that its reader has.

    `formats` are pairs: a format and whether it can hold the layer. `others` are the layers that may go into the same
    file; `questions` the saved ones that could be asked instead; `personal` the titles of the personal fields, empty
    for who may not see them; `reason_needed` that the question itself leans on such a field; `photos` and
    `photo_bytes` what an archive would hold beside the data.
    """

    collection: Collection
    count: int
    in_words: Words
    systems: Sequence[Crs]
    formats: Sequence[tuple[Format, bool]]
    others: Sequence[Layer]
    questions: Sequence[Question]
    personal: Sequence[Words]
    reason_needed: bool
    photos: int = 0
    photo_bytes: int = 0


def offer(house: House, actor: Actor, collection_id: str, question: Mapping[str, Sequence[str]],
          language: str) -> Offer:
    """What `question` (arguments of an items request to a layer, or to a saved question `q-…`) would hand over.

    Needs the right to export. Problems: `act_not_allowed`, `layer_unknown`, `question_unknown`, `field_masked`, those
    of `params.parse`.
    """
    require(actor, "export")
    found = published.find(house, actor, collection_id, language)
    layer = found.layer
    query = found.query(house, question).plain()
    photos, size = attachments.weight(house, actor, layer.id, query)
    return Offer(
        found, features.count_features(house, actor, layer.id, query), in_words(layer, house.catalogue, query),
        systems(features.extent(house, actor, layer.id)),
        [(each, each.holds(layer.geometry)) for each in FILE_FORMATS.values()],
        [other for other in features.layers_for(house, actor) if other is not layer],
        questions.listed(house, actor, language),
        [field.title for field in layer.fields if field.personal] if may(actor, "read_personal") else [],
        features.names_people(house, layer, query), photos, size)


def systems(bounds: tuple[float, float, float, float] | None) -> list[Crs]:
    """The menu, the local 3-degree zone of the middle of `bounds` (degrees) right after the first everyday system."""
    everyday = [MENU[4490], MENU[4326], MENU[3857]]
    if bounds:
        try:
            prefixed, plain = local_zone((bounds[0] + bounds[2]) / 2)
            everyday[1:1] = [plain, prefixed]
        except Problem:  # the layer lies outside China's zones
            pass
    return everyday + [crs for crs in MENU.values() if crs.srid and crs not in everyday]
