"""A trained or exported model is asked: one image, a folder, a whole data set."""
