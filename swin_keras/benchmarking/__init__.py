"""How fast a model file runs here, and what of it takes the time."""
