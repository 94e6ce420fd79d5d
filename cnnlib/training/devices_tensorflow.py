"""Several devices on TensorFlow: a `MirroredStrategy`, under which each device has a copy of every weight.

Each copy of the network sees its share of the batch only: batch normalization takes the statistics of a share, and
those of the first device are kept; dropout draws the same mask for every share.
"""

import functools

import tensorflow as tf

from cnnlib.training.augmented import augmented
from cnnlib.training.loop_tensorflow import Loop, graph_loop
from cnnlib.training.losses import correct_in_top, scores_of

VIRTUAL_CPUS = (
    "call tf.config.set_logical_device_configuration(tf.config.list_physical_devices('CPU')[0], "
    "[tf.config.LogicalDeviceConfiguration()] * 2) before anything is computed"
)


def names():
    """The backend's devices, by name: its GPUs, or its CPUs where it has none."""
    devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
    return [device.name.removeprefix("/device:") for device in devices]


def scope(devices):
    """The scope in which variables are made once for each of the first `devices` devices."""
    return _strategy(devices).scope()


@functools.cache  # one for all networks, so that the loss of one can call another, its teacher for instance
def _strategy(devices):
    # Gradients are added up on one device: the collective operations that TensorFlow would take by itself fail as soon
    # as another strategy, over another number of devices, is used in the same process.
    return tf.distribute.MirroredStrategy(
        names()[:devices], cross_device_ops=tf.distribute.ReductionToOneDevice()
    )


def scope_of(model):
    """The scope in which a network that passed `check_network` was built."""
    return _strategy_of(model).scope()


def check_network(model, devices):
    """ValueError unless the weights of `model` lie on as many devices as it shall be trained on."""
    strategy = _strategy_of(model)
    built_for = strategy.num_replicas_in_sync if strategy else 1
    if built_for != devices:
        raise ValueError(
            f"devices={devices}, but the network {model.name} was built for {built_for}; train it with "
            f"devices={built_for}, or build it under `with training.on_devices({devices}):`"
        )


class ParallelLoop(Loop):
    """`loop_tensorflow.Loop` over the devices on which the network's weights lie."""

    def __init__(self, model, optimizer, loss, augmentation, devices):
        super().__init__(model, optimizer, loss, augmentation)
        self.devices, self.strategy = devices, _strategy_of(model)

    def put(self, array):
        # A copy for each device; from a single one, each step would fetch the whole data.
        def copy(context):
            with tf.device(self.strategy.extended.worker_devices[context.replica_id_in_sync_group]):
                return tf.identity(array)

        return self.strategy.experimental_distribute_values_from_function(copy)

    def _train_steps(self, images, labels, order, start, stop):
        def step_of(step, total, correct):
            shares = self.strategy.run(self._step_of_share, args=(images, labels, order, step))
            value, right = (self.strategy.reduce(tf.distribute.ReduceOp.SUM, s, axis=None) for s in shares)
            return step + 1, total + value, correct + right

        return graph_loop(step_of, start, stop, sums=2)

    def _step_of_share(self, images, labels, order, step):
        """What one device does in a step; returns its parts of the batch's loss and of the right answers."""
        variables = self.model.trainable_variables
        share = tf.distribute.get_replica_context().replica_id_in_sync_group
        x, y = self._batch(images, labels, tf.reshape(order[step], (self.devices, -1))[share])
        x, y = augmented(self.augmentation, x, y)
        with tf.GradientTape() as tape:
            outputs = self.model(x, training=True)
            # The optimizer adds up the gradients of the shares; divided, they make that of the batch's mean.
            value = (tf.reduce_mean(self.loss(y, outputs, x)) + sum(self.model.losses)) / self.devices
            scaled = self.optimizer.scale_loss(value)
        gradients = tape.gradient(scaled, variables)
        self.optimizer.apply(self._clipped(gradients), variables)
        return value, tf.reduce_sum(correct_in_top(y, scores_of(outputs), 1))

    def _clipped(self, gradients):
        """Gradients of shares that add up to the batch's gradient, clipped.

        The optimizer would clip each share by itself, before it adds them up. So the batch's gradient is clipped here,
        and each share becomes an equal part of it, which is too short to be clipped again.
        """
        if self.optimizer.global_clipnorm is None:
            return gradients
        there = [gradient for gradient in gradients if gradient is not None]
        context = tf.distribute.get_replica_context()
        clipped, _ = tf.clip_by_global_norm(
            context.all_reduce(tf.distribute.ReduceOp.SUM, there), self.optimizer.global_clipnorm
        )
        parts = iter(clipped)
        return [None if gradient is None else next(parts) / self.devices for gradient in gradients]


def _strategy_of(model):
    """The strategy under which a network was built, or None for a network on one device."""
    values = [variable.value for variable in model.variables[:1]]
    mirrored = values and isinstance(values[0], tf.distribute.DistributedValues)
    return values[0].distribute_strategy if mirrored else None
