"""What is published as a collection: every layer, and every saved question as a layer of its own.

A question's collection is its layer with the question asked along: `q-` and the question's id. It is there for
whoever the question is shared with, and shows what that reader may see of the layer; its owner lends no rights.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from gisapp import features, questions
from gisapp.errors import Problem
from gisapp.house import House
from gisapp.layers import Layer
from gisapp.params import SHAPING, Query, parse
from gisapp.permissions import Actor
from gisapp.questions import Question

PREFIX = "q-"
#: The parameter that carries a question beside what a request asks.
ALSO = "and"


@dataclass(frozen=True)
class Collection:
    """A layer as it is published, or with `question` what answers it; titles are in the reader's language."""

    id: str
    title: str
    description: str
    layer: Layer
    question: Question | None = None

    @property
    def conditions(self) -> dict[str, str]:
        """The parameters of the question that ask something of a feature; nothing of a whole layer."""
        return conditions_of(self.question.query) if self.question else {}

    def asking(self, args: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
        """The arguments of an items request of the layer that ask the same of this collection."""
        asked = {name: list(given) for name, given in args.items()}
        return asked | ({ALSO: [_beside(asked.get(ALSO), self.conditions)]} if self.conditions else {})

    def query(self, house: House, args: Mapping[str, Sequence[str]] | None = None) -> Query:
        """The parsed question of the whole collection, or of a request to it. Problems: those of `params.parse`."""
        return parse(self.asking(args or {}), self.layer, house.catalogue)


def conditions_of(query: Mapping[str, str]) -> dict[str, str]:
    """The parameters of a question that ask something of a feature."""
    return {name: text for name, text in query.items() if name not in SHAPING and name != ALSO}


def _beside(given: Sequence[str] | None, conditions: dict[str, str]) -> str:
    try:
        asked = json.loads(given[0]) if given else []
    except (ValueError, RecursionError):
        return given[0] if given else ""  # params.parse says what is wrong with it
    return json.dumps([*(asked if isinstance(asked, list) else [asked]), conditions], ensure_ascii=False)


def is_question(collection_id: str) -> bool:
    """Whether the id is that of a question's collection."""
    return collection_id.startswith(PREFIX)


def question_of(collection_id: str) -> str:
    """The id of the question behind a question's collection; nothing for a layer."""
    return collection_id.removeprefix(PREFIX) if is_question(collection_id) else ""


def find(house: House, actor: Actor, collection_id: str, language: str) -> Collection:
    """The collection of that id. Problems: `layer_unknown`, `question_unknown` (404), `field_masked` (403) when the
    question leans on a field that this reader may not see."""
    if not is_question(collection_id):
        return of_layer(features.layer_for(house, actor, collection_id, "read"), language)
    found = of_question(house, questions.get(house, actor, question_of(collection_id), language))
    features.open_layer(house, actor, found.layer.id, "read", found.query(house))
    return found


def listed(house: House, actor: Actor, language: str) -> list[Collection]:
    """Every layer, then the questions that were made layers, as far as this reader may ask them."""
    made = [of_layer(layer, language) for layer in features.layers_for(house, actor)]
    return made + layers_of_questions(house, actor, language)


def layers_of_questions(house: House, actor: Actor, language: str) -> list[Collection]:
    """The questions that were made layers, as far as this reader may ask them, by name."""
    found = []
    for one in questions.made_layers(house, actor):
        try:
            collection = of_question(house, one)
            features.open_layer(house, actor, one.layer, "read", collection.query(house))
        except Problem:  # it leans on a masked field, or on one that is gone
            continue
        found.append(collection)
    return found


def of_layer(layer: Layer, language: str) -> Collection:
    """A whole layer."""
    return Collection(layer.id, layer.title.get(language),
                      layer.description.get(language) if layer.description else "", layer)


def of_question(house: House, question: Question) -> Collection:
    """A question's collection. Problem `layer_unknown` (404) when its layer is gone."""
    return Collection(f"{PREFIX}{question.id}", question.name, question.description, house.layer(question.layer),
                      question)


def require_member(house: House, actor: Actor, collection: Collection, feature_id: UUID) -> None:
    """Problem `feature_unknown` (404) when the feature does not answer the collection's question."""
    if collection.question is None:
        return
    query = collection.query(house, {"ids": [str(feature_id)]})
    if not features.count_features(house, actor, collection.layer.id, query):
        raise Problem("feature_unknown", id=str(feature_id))
