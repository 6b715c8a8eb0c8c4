"""Why a model says what it says: maps over the picture, and where they come from."""
