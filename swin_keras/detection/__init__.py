"""What a detector learns and what it says, as pure functions of arrays.

Letters in docstrings and comments: `B` batch; `P` points of the pyramid; `M` boxes of
a picture, padded; `K` classes. Boxes are x1, y1, x2, y2 in pixels of the model's
input; distances are left, top, right, bottom of a point.
"""
