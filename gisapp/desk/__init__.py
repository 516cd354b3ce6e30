"""The import desk: rows of a file are checked, shown, and enter only when somebody says so.

`check` reads the file into a stage (one table an import) with a verdict on each row; `preview` shows them; `commit`
lets them enter in one transaction; `undo` takes an import back. All of them can run in a request or in a job.
"""
