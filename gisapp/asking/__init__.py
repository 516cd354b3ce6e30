"""The page of questions: rows or text to one filter, into words and back, its answer, one change to many."""
