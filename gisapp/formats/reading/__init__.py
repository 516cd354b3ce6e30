"""The ways to read what people send, one module for each: GDAL's drivers, texts in columns, workbooks, Parquet.

They run in the child process (`gisapp.formats.intake`) only; the paths are ours, never the sender's.
"""
