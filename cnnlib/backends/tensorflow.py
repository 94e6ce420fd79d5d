"""TensorFlow: a graph loop over the steps of an epoch, to which the weights are arguments.

A `tf.Variable` that is an argument of a compiled function is bound at the call, so one function trains every network
of an architecture, in place. Several devices work under a `MirroredStrategy`: each has a copy of every weight and sees
its share of the batch only, of which batch normalization takes its statistics; dropout draws the same mask for all.
"""

import contextlib
import functools
import subprocess
import warnings

import tensorflow as tf

from cnnlib.backends import cpu_flags

VIRTUAL_CPUS = (
    "call tf.config.set_logical_device_configuration(tf.config.list_physical_devices('CPU')[0], "
    "[tf.config.LogicalDeviceConfiguration()] * 2) before anything is computed"
)


def put(array):
    return tf.convert_to_tensor(array)


def compile_training(forward, update, state, arrays):
    def steps(groups, images, labels, order, rates, settings, first, start, stop):
        trainable, frozen, moments, noise = groups

        def step_of(step, total, correct):
            values = [variable.read_value() for variable in trainable]
            others = [[variable.read_value() for variable in group] for group in (frozen, noise)]
            with tf.GradientTape() as tape:
                tape.watch(values)
                index = order[step]
                batch = tf.gather(images, index), tf.gather(labels, index)
                value, (right, *new_others) = forward(values, *others, *batch, settings)
            gradients = tape.gradient(value, values)
            held = [variable.read_value() for variable in moments]
            done = first + step
            values, held = update(values, gradients, held, done + 1, rates[done], settings)
            for group, new in zip(
                (trainable, moments, frozen, noise), (values, held, *new_others), strict=True
            ):
                for variable, value_ in zip(group, new, strict=True):
                    variable.assign(value_)
            return step + 1, total + value, correct + right

        return _graph_loop(step_of, start, stop, sums=2)

    lengths = map(_any_length, (arrays.images, arrays.labels, arrays.order, arrays.rates))
    groups, numbers = tuple(map(_handles, state.groups())), [tf.constant(0)] * 3
    with _without_rewriting():
        compiled = _function(steps).get_concrete_function(groups, *lengths, arrays.settings, *numbers)

    def program(state, arrays, first, start, stop):
        data = (arrays.images, arrays.labels, arrays.order, arrays.rates, arrays.settings)
        with _without_rewriting():
            sums = compiled(
                tuple(map(_handles, state.groups())), *data, *map(tf.constant, (first, start, stop))
            )
        return tuple(float(value) for value in sums)

    return program


def compile_sums(sums, variables, arrays):
    def batches(handles, images, labels, order, weights):
        values = [variable.read_value() for variable in handles]

        def batch_of(step, *totals):
            index = order[step]
            found = sums(values, tf.gather(images, index), tf.gather(labels, index), weights[step])
            return step + 1, *(total + value for total, value in zip(totals, found, strict=True))

        return _graph_loop(batch_of, tf.constant(0), tf.shape(order)[0], sums=3)

    with _without_rewriting():
        compiled = _function(batches).get_concrete_function(_handles(variables), *map(_any_length, arrays))

    def program(variables, *arrays):
        with _without_rewriting():
            return tuple(float(value) for value in compiled(_handles(variables), *arrays))

    return program


def parallel_training(forward, update, state, devices, optimizer):
    strategy = _strategy_of(state.trainable)
    with strategy.scope():  # the optimizer's moments lie where the weights do
        optimizer = optimizer()

    def copies(array):
        # One for each device; from a single one, each step would fetch the whole data.
        def copy(context):
            with tf.device(strategy.extended.worker_devices[context.replica_id_in_sync_group]):
                return tf.identity(array)

        return strategy.experimental_distribute_values_from_function(copy)

    def share(images, labels, order, settings, step):
        """What one device does in a step; its parts of the batch's loss and of the right answers."""
        context = tf.distribute.get_replica_context()
        index = tf.reshape(order[step], (devices, -1))[context.replica_id_in_sync_group]
        trainable, frozen, _, noise = state.groups()
        with tf.GradientTape() as tape:
            values = [tf.convert_to_tensor(variable.value) for variable in trainable]
            tape.watch(values)
            others = [[tf.convert_to_tensor(v.value) for v in group] for group in (frozen, noise)]
            value, (right, *others) = forward(
                values, *others, tf.gather(images, index), tf.gather(labels, index), settings
            )
            value = value / devices  # divided, the shares' gradients add up to that of the batch's mean
        for group, new in zip((frozen, noise), others, strict=True):
            for variable, value_ in zip(group, new, strict=True):
                variable.assign(value_)
        optimizer.apply(_clipped(tape.gradient(value, values), optimizer, devices), trainable)
        return value, right

    @_function
    def steps(images, labels, order, rates, settings, first, start, stop):
        def step_of(step, total, correct):
            optimizer.learning_rate.assign(strategy.experimental_local_results(rates)[0][first + step])
            shares = strategy.run(share, args=(images, labels, order, settings, step))
            value, right = (strategy.reduce(tf.distribute.ReduceOp.SUM, s, axis=None) for s in shares)
            return step + 1, total + value, correct + right

        return _graph_loop(step_of, start, stop, sums=2)

    def program(state, arrays, first, start, stop):
        data = (arrays.images, arrays.labels, arrays.order, arrays.rates, arrays.settings)
        with strategy.scope():
            sums = steps(*data, *map(tf.constant, (first, start, stop)))
        return tuple(float(value) for value in sums)

    return copies, program


def _clipped(gradients, optimizer, devices):
    """Gradients of shares that add up to the batch's gradient, clipped.

    The optimizer would clip each share by itself, before it adds them up. So the batch's gradient is clipped here,
    and each share becomes an equal part of it, which is too short to be clipped again.
    """
    if optimizer.global_clipnorm is None:
        return gradients
    there = [gradient for gradient in gradients if gradient is not None]
    context = tf.distribute.get_replica_context()
    clipped, _ = tf.clip_by_global_norm(
        context.all_reduce(tf.distribute.ReduceOp.SUM, there), optimizer.global_clipnorm
    )
    parts = iter(clipped)
    return [None if gradient is None else next(parts) / devices for gradient in gradients]


def device_names():
    """The GPUs, or the CPUs where there are none."""
    devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
    return [device.name.removeprefix("/device:") for device in devices]


def device_scope(devices):
    """The scope in which variables are made once for each of the first `devices` devices."""
    return _strategy(devices).scope()


@functools.cache  # one for all networks, so that the loss of one can call another, its teacher for instance
def _strategy(devices):
    # Gradients are added up on one device: the collective operations that TensorFlow would take by itself fail as soon
    # as another strategy, over another number of devices, is used in the same process.
    return tf.distribute.MirroredStrategy(
        device_names()[:devices], cross_device_ops=tf.distribute.ReductionToOneDevice()
    )


def built_for(model):
    strategy = _strategy_of(model.variables)
    return strategy.num_replicas_in_sync if strategy else 1


def _strategy_of(variables):
    """The strategy under which variables were made, or None for those of one device."""
    values = [variable.value for variable in variables[:1]]
    mirrored = values and isinstance(values[0], tf.distribute.DistributedValues)
    return values[0].distribute_strategy if mirrored else None


def free_bytes():
    if not tf.config.list_logical_devices("GPU"):
        return None
    # TensorFlow tells what it uses but not the size of the device; the driver's tool is asked for that.
    query = ["nvidia-smi", "--query-gpu=memory.total", "--format=csv,noheader,nounits", "--id=0"]
    try:
        found = subprocess.run(query, capture_output=True, text=True, check=True).stdout
        total = int(found.split()[0]) * 2**20
    except (OSError, subprocess.CalledProcessError, ValueError, IndexError):
        return None
    return total - tf.config.experimental.get_memory_info("GPU:0")["current"]


def make_deterministic(threads):
    """CPU kernels are repeatable for a fixed number of threads; GPU kernels need a switch."""
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


def input_gradient(function, array):
    array = tf.convert_to_tensor(array)
    with tf.GradientTape() as tape:
        tape.watch(array)
        value = function(array)
    return tape.gradient(value, array).numpy()


def accelerator():
    devices = tf.config.list_physical_devices("GPU")
    return (
        tf.config.experimental.get_device_details(devices[0]).get("device_name", "GPU") if devices else None
    )


def uses_gpus():
    return tf.test.is_built_with_cuda()


def gains_from_bfloat16():
    """On a GPU, and on CPUs that multiply bfloat16 (oneDNN was measured to gain there)."""
    native = {"avx512_bf16", "amx_bf16"} & cpu_flags()
    return bool(tf.config.list_physical_devices("GPU") or native)


# Without autograph: rewriting Python into graph code takes a second or two, and there is nothing to rewrite.
_function = functools.partial(tf.function, autograph=False)


@contextlib.contextmanager
def _without_rewriting():
    """Functions that first run within keep the graph as it was traced.

    Rewriting the graph of a deep network takes longer than the rewritten graph saves: a quarter of GoogLeNet's first
    epoch on a CPU. The option holds for the calls within only; other functions of the process do not see it.
    """
    before = tf.config.optimizer.get_experimental_options().get("disable_meta_optimizer", False)
    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
    try:
        yield
    finally:
        tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": before})


def _handles(variables):
    """The `tf.Variable`s; of one that lies on several devices, the copy on the first."""
    values = [variable.value for variable in variables]
    return [v.values[0] if isinstance(v, tf.distribute.DistributedValues) else v for v in values]


def _any_length(tensor):
    """The specification of a tensor whose first side may be another in the next call."""
    return tf.TensorSpec((None, *tensor.shape[1:]), tensor.dtype)


def _graph_loop(body, start, stop, sums):
    """The `sums` that `body(step, *sums)` adds up from `start` to `stop`, in a loop of the graph."""
    values = (start, *(tf.zeros(()) for _ in range(sums)))
    return tf.while_loop(lambda step, *_: step < stop, body, values, parallel_iterations=1)[1:]
