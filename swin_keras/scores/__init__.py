"""How good predictions are: exact figures, fed image by image, in NumPy."""
