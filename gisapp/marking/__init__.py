"""Marking beside the plain writes of `gisapp.changes`: every act is one transaction with its rights and history.

    duplicates   what of a layer lies near a place
    check        what is wrong with a feature that is not stored
    batch        one change to many features
    parts        a feature split by a line, several merged into one
    undo         the way back from one's own last act
"""
