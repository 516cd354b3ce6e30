"""The sentences of the database: modules of small functions, each returning one clause or one statement."""
