"""Map sheets on paper: a fixed scale, a frame with a grid, a legend, and who printed what when.

`press` decides who may and starts a child; `work` is the child; the rest draws one part of a sheet each.
Lengths are millimetres from the top left corner of the paper, y downwards.
"""
