"""What a lesson prints must be the same in every run: TensorFlow's warnings with addresses in memory stay away."""

import keras
import pytest

from cnnlib import lesson


@pytest.mark.skipif(keras.config.backend() != "tensorflow", reason="about TensorFlow's own log")
def test_grouped_convolutions_of_many_shapes_warn_of_nothing(caplog):
    import tensorflow as tf

    tf.get_logger().setLevel("WARNING")
    lesson.reproducible(0)
    for channels in range(1, 9):
        images = keras.ops.ones((1, 4, 4, 2 * channels))
        keras.layers.Conv2D(2 * channels, 3, groups=2)(images)
    assert tf.get_logger().level >= 40
    assert not caplog.records
