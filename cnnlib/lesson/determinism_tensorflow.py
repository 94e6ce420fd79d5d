"""TensorFlow: CPU kernels are repeatable for a fixed number of threads; GPU kernels need a switch."""

import warnings

import tensorflow as tf


def prepare(threads):
    """Set threads and, on a GPU, deterministic kernels; returns the switches set."""
    # Grouped convolutions on a CPU are compiled anew for each shape, and TensorFlow warns with an address in memory.
    tf.get_logger().setLevel("ERROR")
    switches = {}
    if threads is not None:
        try:
            tf.config.threading.set_intra_op_parallelism_threads(threads)
            tf.config.threading.set_inter_op_parallelism_threads(threads)
        except RuntimeError:
            warnings.warn(
                "TensorFlow is running already: restart the kernel to change the number of threads",
                stacklevel=4,
            )
        switches["threads"] = tf.config.threading.get_intra_op_parallelism_threads() or None
    if tf.config.list_physical_devices("GPU"):
        tf.config.experimental.enable_op_determinism()
        switches["enable_op_determinism"] = True
    return switches
