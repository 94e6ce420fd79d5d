"""The fused epoch on JAX: `lax.fori_loop` over the steps of a stateless training step.

The bounds of the loop are arguments of the compiled function, so one compilation serves every stretch of steps.
"""

import jax
import jax.numpy as jnp

from cnnlib.training.augmented import mixes_labels
from cnnlib.training.losses import correct_in_top, scores_of


class Loop:
    """Training and evaluation of one network, compiled once; the contract of `loop_tensorflow.Loop`.

    Weights, moments and random states go into each compiled call and come back out of it.
    """

    def __init__(self, model, optimizer, loss, augmentation=None):
        self.model, self.optimizer, self.loss, self.augmentation = model, optimizer, loss, augmentation
        self._train = jax.jit(self._train_steps, donate_argnums=(0,))
        self._evaluate = jax.jit(self._evaluate_batches)

    def put(self, array):
        return jnp.asarray(array)

    def run(self, images, labels, order, start, stop):
        """Train; returns (sum of step losses, number of right answers) as floats."""
        # The state is donated to the compiled call, whose results take its place at once.
        state, total, correct = self._train(self._state(), images, labels, order, start, stop)
        self._keep(state)
        return float(total), float(correct)

    def evaluate(self, images, labels, order, weights):
        """Returns (sum of losses, right answers, labels among the five best) over weighted batches."""
        trainable, frozen = _values(self._weights())
        return tuple(float(v) for v in self._evaluate(trainable, frozen, images, labels, order, weights))

    def _state(self):
        return _values(self._variables())

    def _keep(self, state):
        for variables, values in zip(self._variables(), state, strict=True):
            for variable, value in zip(variables, values, strict=True):
                variable.assign(value)

    def _variables(self):
        augmentation = self.augmentation.non_trainable_variables if self.augmentation is not None else []
        return (*self._weights(), self.optimizer.variables, augmentation)

    def _weights(self):
        return self.model.trainable_variables, self.model.non_trainable_variables

    def _batch(self, images, labels, index):
        return images[index].astype(jnp.float32) * (1.0 / 255.0), labels[index]

    def _augmented(self, x, y, noise):
        """`augmented.augmented` with the random states `noise` going in and coming out."""
        if self.augmentation is None:
            return x, y, noise
        mixes = mixes_labels(self.augmentation)
        result, noise = self.augmentation.stateless_call([], noise, [x, y] if mixes else x, training=True)
        return (*result, noise) if mixes else (result, y, noise)

    def _loss_of(self, trainable, frozen, x, y):
        outputs, frozen, penalties = self.model.stateless_call(
            trainable, frozen, x, training=True, return_losses=True
        )
        value = jnp.mean(self.loss(y, outputs, x)) + sum(penalties)
        return self.optimizer.scale_loss(value), (value, outputs, frozen)

    def _train_steps(self, state, images, labels, order, start, stop):
        gradient = jax.grad(self._loss_of, has_aux=True)

        def step(i, carry):
            (trainable, frozen, moments, noise), total, correct = carry
            x, y = self._batch(images, labels, order[i])
            x, y, noise = self._augmented(x, y, noise)
            gradients, (value, outputs, frozen) = gradient(trainable, frozen, x, y)
            trainable, moments = self.optimizer.stateless_apply(moments, gradients, trainable)
            correct += jnp.sum(correct_in_top(y, scores_of(outputs), 1))
            return (list(trainable), list(frozen), list(moments), list(noise)), total + value, correct

        return jax.lax.fori_loop(start, stop, step, (state, jnp.zeros(()), jnp.zeros(())))

    def _evaluate_batches(self, trainable, frozen, images, labels, order, weights):
        def step(i, sums):
            x, y = self._batch(images, labels, order[i])
            outputs, _ = self.model.stateless_call(trainable, frozen, x, training=False)
            total, top1, top5 = sums
            scores = scores_of(outputs)
            return (
                total + jnp.sum(weights[i] * self.loss(y, outputs, x)),
                top1 + jnp.sum(weights[i] * correct_in_top(y, scores, 1)),
                top5 + jnp.sum(weights[i] * correct_in_top(y, scores, 5)),
            )

        return jax.lax.fori_loop(0, order.shape[0], step, (jnp.zeros(()),) * 3)


def _values(groups):
    return tuple([variable.value for variable in group] for group in groups)
