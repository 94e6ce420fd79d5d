"""Batch normalisation on TensorFlow in one fused operation instead of thirty.

`keras.layers.BatchNormalization` is made of elementary operations, whose gradients are elementary ones again. They are
most of the graph of a deep network, and so of the time before its first step; and each passes over the maps once more.
"""

import contextlib

import keras
import tensorflow as tf

_KERAS_CALL = keras.layers.BatchNormalization.call


@contextlib.contextmanager
def fused_batch_norm():
    """Networks called inside normalise in one operation; their layers stay those of Keras.

    The same function up to rounding: biased variance, and moving averages by the layer's `momentum`.
    """
    keras.layers.BatchNormalization.call = _call
    try:
        yield
    finally:
        keras.layers.BatchNormalization.call = _KERAS_CALL


def _call(layer, inputs, training=None, mask=None):
    # A frozen layer of a network that trains stays as it is: this operation has no repeatable gradient then on a GPU.
    frozen = training and not layer.trainable
    if frozen or mask is not None or not _is_plain(layer, inputs):
        return _KERAS_CALL(layer, inputs, training=training, mask=mask)
    # (N,C) is an image of one pixel.
    images = inputs if len(inputs.shape) == 4 else inputs[:, tf.newaxis, tf.newaxis]
    known = [tf.zeros((0,))] * 2 if training else [layer.moving_mean.value, layer.moving_variance.value]
    outputs, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
        x=images,
        scale=layer.gamma.value,
        offset=layer.beta.value,
        mean=known[0],
        variance=known[1],
        epsilon=layer.epsilon,
        is_training=bool(training),
    )
    if training:
        for moving, batch in ((layer.moving_mean, mean), (layer.moving_variance, variance * _bias(images))):
            moving.value.assign_sub((moving.value - batch) * (1 - layer.momentum))
    return outputs if len(inputs.shape) == 4 else outputs[:, 0, 0]


def _is_plain(layer, inputs):
    rank = len(inputs.shape)
    return (
        rank in (2, 4)
        and layer.axis in (-1, rank - 1)
        and layer.scale
        and layer.center
        and inputs.dtype == layer.gamma.value.dtype == tf.float32
        and not layer.renorm
        and not layer.synchronized
    )


def _bias(images):
    """(n - 1) / n over the n values of a channel: the fused operation divides their squares by n - 1, Keras by n."""
    count = images.shape[:3].num_elements()
    if count is None:
        count = tf.cast(tf.reduce_prod(tf.shape(images)[:3]), tf.float32)
        return tf.maximum(count - 1, 1.0) / count
    return max(count - 1, 1) / count
