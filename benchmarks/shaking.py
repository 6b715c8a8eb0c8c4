"""Fresh models with no weight at zero, as trained ones are."""


def shake(model):
    """Add noise to all that is trained, and return the model.

    Fresh biases are zero, and a converter leaves out what adds zero.
    """
    import keras

    for weight in model.trainable_variables:
        weight.assign(weight + keras.random.normal(weight.shape, stddev=0.02))
    return model
