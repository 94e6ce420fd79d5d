"""One step of SGD or Adam on TensorFlow: what `optimizer.apply` does, in far fewer operations.

Keras works out the learning rate of the schedule, and Adam's corrections of its averages, anew for each variable, and
wraps each update in what serves several devices. In a small network that is about half of all operations of a step,
and all of them are traced before the first. Here they are worked out once. What happens to a variable is Keras's
arithmetic, operation by operation, so that the weights come out equal to the bit.

This reads attributes that Keras keeps to itself; `tests/training/test_fused_operations_tensorflow.py` holds it against
Keras.
"""

import keras
import tensorflow as tf


def apply(optimizer, gradients, variables):
    """Change `variables` on one device as `optimizer.apply(gradients, variables)` would.

    Args:
        optimizer: SGD, Adam or AdamW, built for `variables`, as `make_optimizer` gives it.
        gradients: a tensor for each variable, or None where the loss does not depend on it.
        variables: trainable `keras.Variable`s; none of them is no error.

    Raises:
        ValueError: the loss depends on none of the variables.
    """
    if not variables:
        return
    pairs = [pair for pair in zip(gradients, variables, strict=True) if pair[0] is not None]
    if not pairs:
        raise ValueError(
            "the loss depends on none of the trainable variables; train what leads to the outputs"
        )
    gradients = optimizer._clip_gradients([tf.convert_to_tensor(gradient) for gradient, _ in pairs])
    variables = [variable for _, variable in pairs]
    learning_rate = tf.convert_to_tensor(optimizer.learning_rate)
    _decay(optimizer, variables, learning_rate)
    update = _adam if isinstance(optimizer, keras.optimizers.Adam) else _sgd
    update(optimizer, gradients, variables, learning_rate)
    for variable in variables:
        if variable.constraint is not None:
            variable.assign(variable.constraint(variable))
    optimizer.iterations.assign_add(1)


def _decay(optimizer, variables, learning_rate):
    if optimizer.weight_decay is None:
        return
    weight_decay = tf.constant(optimizer.weight_decay)
    for variable in variables:
        if optimizer._use_weight_decay(variable):
            value = variable.value
            value.assign_sub(value * weight_decay * learning_rate)


def _sgd(optimizer, gradients, variables, learning_rate):
    momentum = tf.constant(optimizer.momentum, tf.float32)
    for gradient, variable in zip(gradients, variables, strict=True):
        step = gradient * learning_rate
        if not optimizer.momentum:
            variable.value.assign_sub(step)
            continue
        velocity = optimizer.momentums[optimizer._get_variable_index(variable)].value
        moved = velocity * momentum - step
        velocity.assign(moved)
        variable.value.assign_add(moved * momentum - step if optimizer.nesterov else moved)


def _adam(optimizer, gradients, variables, learning_rate):
    beta_1, beta_2 = optimizer.beta_1, optimizer.beta_2
    step = tf.cast(optimizer.iterations + 1, tf.float32)
    # Both averages start at zero and are too small at first; this makes up for it.
    corrected = learning_rate * tf.sqrt(1 - tf.pow(beta_2, step)) / (1 - tf.pow(beta_1, step))
    share, square_share = tf.constant(1 - beta_1), tf.constant(1 - beta_2)
    epsilon = tf.constant(optimizer.epsilon)
    for gradient, variable in zip(gradients, variables, strict=True):
        index = optimizer._get_variable_index(variable)
        mean, square = optimizer._momentums[index].value, optimizer._velocities[index].value
        new_mean = mean + (gradient - mean) * share
        new_square = square + (tf.square(gradient) - square) * square_share
        mean.assign(new_mean)
        square.assign(new_square)
        variable.value.assign_sub(new_mean * corrected / (tf.sqrt(new_square) + epsilon))
