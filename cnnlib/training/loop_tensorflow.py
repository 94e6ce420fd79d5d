"""The fused epoch on TensorFlow: a graph loop over the steps, one call for as many steps as wanted."""

import tensorflow as tf

from cnnlib.training.augmented import augmented
from cnnlib.training.batch_norm_tensorflow import fused_batch_norm
from cnnlib.training.losses import correct_in_top, scores_of
from cnnlib.training.update_tensorflow import apply

# Each network gets functions of its own, on purpose; TensorFlow would warn of "excessive retracing" for that.
tf.get_logger().setLevel("ERROR")
# Rewriting the graph of a deep network takes longer than the rewritten graph saves: a quarter of GoogLeNet's first
# epoch on a CPU, and the epochs after it are no slower without.
tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})


class Loop:
    """Training and evaluation of one network, compiled once.

    `put` places an array on the device; `run` trains on batches `start` to `stop` of `order` (steps, batch),
    whose entries are rows of `images`; both return sums that the caller reads back when it wants them.
    """

    def __init__(self, model, optimizer, loss, augmentation=None):
        self.model, self.optimizer, self.loss, self.augmentation = model, optimizer, loss, augmentation
        # Without autograph: rewriting Python into graph code takes a second or two, and there is nothing to rewrite.
        self._train = tf.function(self._train_steps, reduce_retracing=True, autograph=False)
        self._evaluate = tf.function(self._evaluate_batches, autograph=False)

    def put(self, array):
        return tf.convert_to_tensor(array)

    def run(self, images, labels, order, start, stop):
        """Train; returns (sum of step losses, number of right answers) as floats."""
        total, correct = self._train(images, labels, order, tf.constant(start), tf.constant(stop))
        return float(total), float(correct)

    def evaluate(self, images, labels, order, weights):
        """Returns (sum of losses, right answers, labels among the five best) over weighted batches."""
        arguments = (images, labels, order, weights)
        # Splits differ in how many images they have, which one function serves.
        specs = [tf.TensorSpec((None, *argument.shape[1:]), argument.dtype) for argument in arguments]
        return tuple(float(value) for value in self._evaluate.get_concrete_function(*specs)(*arguments))

    def _batch(self, images, labels, index):
        x = tf.cast(tf.gather(images, index), tf.float32) * (1.0 / 255.0)
        return x, tf.gather(labels, index)

    def _train_steps(self, images, labels, order, start, stop):
        variables = self.model.trainable_variables

        def step_of(step, total, correct):
            x, y = self._batch(images, labels, order[step])
            x, y = augmented(self.augmentation, x, y)
            with tf.GradientTape() as tape, fused_batch_norm():
                outputs = self.model(x, training=True)
                value = tf.reduce_mean(self.loss(y, outputs, x)) + sum(self.model.losses)
                scaled = self.optimizer.scale_loss(value)
            apply(self.optimizer, tape.gradient(scaled, variables), variables)
            right = tf.reduce_sum(correct_in_top(y, scores_of(outputs), 1))
            return step + 1, total + value, correct + right

        return graph_loop(step_of, start, stop, sums=2)

    def _evaluate_batches(self, images, labels, order, weights):
        def batch_of(step, total, top1, top5):
            x, y = self._batch(images, labels, order[step])
            with fused_batch_norm():
                outputs = self.model(x, training=False)
            scores = scores_of(outputs)
            total += tf.reduce_sum(weights[step] * self.loss(y, outputs, x))
            top1 += tf.reduce_sum(weights[step] * correct_in_top(y, scores, 1))
            top5 += tf.reduce_sum(weights[step] * correct_in_top(y, scores, 5))
            return step + 1, total, top1, top5

        return graph_loop(batch_of, tf.constant(0), tf.shape(order)[0], sums=3)


def graph_loop(body, start, stop, sums):
    """The `sums` that `body(step, *sums)` adds up from `start` to `stop`, in a loop of the graph."""
    values = (start, *(tf.zeros(()) for _ in range(sums)))
    return tf.while_loop(lambda step, *_: step < stop, body, values, parallel_iterations=1)[1:]
