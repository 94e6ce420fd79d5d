"""The fused epoch on TensorFlow: a graph loop over the steps, one call for as many steps as wanted."""

import tensorflow as tf

from cnnlib.training.augmented import augmented
from cnnlib.training.losses import correct_in_top, scores_of

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
        self._train = tf.function(self._train_steps, reduce_retracing=True)
        self._evaluate = tf.function(self._evaluate_batches, reduce_retracing=True)

    def put(self, array):
        return tf.convert_to_tensor(array)

    def run(self, images, labels, order, start, stop):
        """Train; returns (sum of step losses, number of right answers) as floats."""
        total, correct = self._train(images, labels, order, tf.constant(start), tf.constant(stop))
        return float(total), float(correct)

    def evaluate(self, images, labels, order, weights):
        """Returns (sum of losses, right answers, labels among the five best) over weighted batches."""
        return tuple(float(value) for value in self._evaluate(images, labels, order, weights))

    def _batch(self, images, labels, index):
        x = tf.cast(tf.gather(images, index), tf.float32) * (1.0 / 255.0)
        return x, tf.gather(labels, index)

    def _train_steps(self, images, labels, order, start, stop):
        total, correct = tf.zeros(()), tf.zeros(())
        variables = self.model.trainable_variables
        for step in tf.range(start, stop):
            x, y = self._batch(images, labels, order[step])
            x, y = augmented(self.augmentation, x, y)
            with tf.GradientTape() as tape:
                outputs = self.model(x, training=True)
                value = tf.reduce_mean(self.loss(y, outputs, x)) + sum(self.model.losses)
                scaled = self.optimizer.scale_loss(value)
            self.optimizer.apply(tape.gradient(scaled, variables), variables)
            total += value
            correct += tf.reduce_sum(correct_in_top(y, scores_of(outputs), 1))
        return total, correct

    def _evaluate_batches(self, images, labels, order, weights):
        total, top1, top5 = tf.zeros(()), tf.zeros(()), tf.zeros(())
        for step in tf.range(tf.shape(order)[0]):
            x, y = self._batch(images, labels, order[step])
            outputs = self.model(x, training=False)
            total += tf.reduce_sum(weights[step] * self.loss(y, outputs, x))
            top1 += tf.reduce_sum(weights[step] * correct_in_top(y, scores_of(outputs), 1))
            top5 += tf.reduce_sum(weights[step] * correct_in_top(y, scores_of(outputs), 5))
        return total, top1, top5
