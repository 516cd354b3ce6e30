"""Run by a Python that has QGIS (Debian: python3-qgis): opens a collection and prints what it finds, as JSON.

Arguments: address of the server, account, password, collection, an expression of QGIS.
"""

from __future__ import annotations

import json
import os
import sys

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from qgis.core import (  # type: ignore[import-not-found]
    QgsApplication,
    QgsFeatureRequest,
    QgsRectangle,
    QgsVectorLayer,
)


def main(server: str, account: str, password: str, collection: str, expression: str) -> None:
    """Print validity, count, fields, the features of the expression and those of a box."""
    application = QgsApplication([], False)
    application.initQgis()
    layer = QgsVectorLayer(f"typename='{collection}' url='{server}' username='{account}' password='{password}' "
                           "pagingEnabled='true' pageSize='7' version='OGC_API_FEATURES'", "x", "OAPIF")
    asked = QgsFeatureRequest().setFilterExpression(expression)
    box = QgsFeatureRequest().setFilterRect(QgsRectangle(113.3795, 31.68, 113.3825, 31.70))
    found = {
        "valid": layer.isValid(), "crs": layer.crs().authid(), "count": layer.featureCount(),
        "all": len(list(layer.getFeatures())), "fields": [field.name() for field in layer.fields()],
        "filtered": [feature["sign_no"] for feature in layer.getFeatures(asked)],
        "boxed": sorted(feature["sign_no"] for feature in layer.getFeatures(box)),
    }
    print(json.dumps(found))
    sys.stdout.flush()
    os._exit(0)  # QGIS takes its time to leave, and sometimes falls over it


main(*sys.argv[1:])
