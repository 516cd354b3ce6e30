"""How far a job is and how long it takes yet, reckoned from what its steps tell."""

from __future__ import annotations

from datetime import timedelta

from gisapp.sql.jobs import Row

#: Of the whole way of each act, what lies behind a step when it begins, and its own part. "enter" lets rows enter that
#: were checked before, "store" such as were checked just now.
_WAYS: dict[str, dict[str, tuple[float, float]]] = {
    "export": {"read": (0.0, 0.45), "write": (0.45, 0.4), "prove": (0.85, 0.15)},
    "check": {"check": (0.0, 0.5), "judge": (0.5, 0.5)},
    "commit": {"check": (0.0, 0.15), "judge": (0.15, 0.15), "store": (0.3, 0.7), "enter": (0.0, 1.0)},
    "undo": {"undo": (0.0, 1.0)},
}
#: A worker that was not heard of for so long says nothing of the remaining time.
_SILENT = timedelta(seconds=5)
#: A smaller part of the way tells nothing of the whole.
_TELLING = 0.02


def way(act: str, step: str, done: int, whole: int) -> int:
    """How many of all rows the work is through, reckoned over its steps: each step passes all of them once. `act` is
    export, check, commit or undo."""
    before, part = _WAYS[act].get(step, (0.0, 0.0))
    return int(whole * (before + part * min(done / max(whole, 1), 1)))


def rows(row: Row) -> tuple[int, int | None]:
    """Rows done and rows in all, None where nobody knows."""
    if row["state"] == "done":
        told = int((row["result"] or {}).get("rows", row["rows_all"] or 0))
        return told, told
    whole, done = row["rows_all"], row["rows_done"]
    act = row["kind"] if row["kind"] == "export" else row["asked"].get("act", "commit")
    return (way(act, row["step"], done, whole) if whole else done), whole


def remaining(row: Row) -> int | None:
    """Seconds that remain, reckoned from the time that the way so far took; None where nothing is known: at first, when
    the worker is silent, and when it takes longer than was reckoned."""
    done, whole = rows(row)
    if row["state"] != "running" or not whole or not done or row["started_at"] is None or row["moved_at"] is None:
        return None
    if row["now"] - row["seen_at"] > _SILENT or done < whole * _TELLING:
        return None
    gone = (row["moved_at"] - row["started_at"]).total_seconds()
    left = gone * (whole - done) / done - (row["now"] - row["moved_at"]).total_seconds()
    return round(left) if left >= 1 else None
