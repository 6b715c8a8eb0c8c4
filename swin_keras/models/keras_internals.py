"""What is private of Keras that models need, and why."""


def all_layers(layer) -> list:
    """Return a layer and those inside it, at any depth; a model is a layer, too.

    The public `layers` are those of models alone, and of one level.
    """
    return layer._flatten_layers()
