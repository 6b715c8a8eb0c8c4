"""A trained model to `saved_models/<name>/`, checked against itself."""
