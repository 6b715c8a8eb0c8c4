"""How well a model did: exact figures from answers and truth, in NumPy."""
