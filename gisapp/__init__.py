"""The map, ledger and hand-over of a city enforcement office."""
