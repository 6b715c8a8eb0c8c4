"""Studies: which configuration is best, found by training many."""
