"""How TensorFlow uses the machine, or several of them."""

import contextlib
import ctypes
import os
import signal

from support.commands import UserError, quiet


def configure(deterministic=True):
    """Set TensorFlow's threads, memory and determinism, before its first operation; returns the GPUs.

    A step's operations are small: two at a time, on half of the cores each, are done sooner than one after the other on
    all cores. (On two cores, a step is a fifth faster: see benchmarks/README.md.) If TensorFlow has already started,
    its threads stay as they are.
    """
    with quiet():
        import tensorflow as tf

        gpus = tf.config.list_physical_devices("GPU")
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    with contextlib.suppress(RuntimeError):
        for gpu in gpus:  # rather than take all of its memory at once
            tf.config.experimental.set_memory_growth(gpu, True)
        if not gpus:
            tf.config.threading.set_intra_op_parallelism_threads(max(1, cores // 2))
    if deterministic:
        tf.config.experimental.enable_op_determinism()
    return gpus


def start_tensorflow(deterministic=True, cluster=None, batch_size=None):
    """Start TensorFlow quietly on the devices there are; returns the `tf.distribute.Strategy` to build networks under.

    Args:
        cluster: `training.cluster.Cluster` whose workers have met, for a MultiWorkerMirroredStrategy. Without one,
            several GPUs, or logical devices set up before, get a MirroredStrategy, and one device TensorFlow's default.
        batch_size: images per step, over all replicas.

    Raises UserError if the batch cannot be shared equally. For a cluster, TensorFlow must have run no operation before.
    """
    gpus = configure(deterministic)
    import tensorflow as tf

    _keep_freed_memory()
    if cluster:
        resolver = tf.distribute.cluster_resolver.SimpleClusterResolver(
            tf.train.ClusterSpec({"worker": cluster.workers}),
            task_type="worker",
            task_id=cluster.index,
            num_accelerators={"GPU": len(gpus)},
            rpc_layer="grpc",
        )
        cluster.meet()
        with quiet():
            strategy = tf.distribute.MultiWorkerMirroredStrategy(resolver)
        # Its service among workers takes this signal over, and nobody would hear of it.
        signal.signal(signal.SIGTERM, signal.getsignal(signal.SIGTERM))
    else:
        devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
        if len(devices) == 1:
            return tf.distribute.get_strategy()
        strategy = tf.distribute.MirroredStrategy([device.name for device in devices])
    replicas, workers = strategy.num_replicas_in_sync, len(cluster.workers) if cluster else 1
    name = "MultiWorkerMirroredStrategy" if cluster else "MirroredStrategy"
    kind, each = "GPU" if gpus else "CPU", replicas // workers
    if batch_size % replicas:
        raise UserError(
            f"--batch-size {batch_size} cannot be shared by {replicas} replicas ({workers} x {each} {kind}): "
            f"choose a multiple of {replicas}"
        )
    print(
        f"{name}: {workers} x {each} {kind}, {batch_size // replicas} images each of a batch of {batch_size}",
        flush=True,
    )
    return strategy


def _keep_freed_memory():
    """Have glibc keep 64 MiB of free memory at the top of a heap, instead of returning it to the system.

    A strategy's input makes TensorFlow set glibc to return whatever is free beyond 128 KiB (generator_dataset_op.cc),
    so each step would begin by asking for its pages again, which took more than half of its processor time. This helps
    only if it comes before the strategy.
    """
    with contextlib.suppress(AttributeError, OSError, TypeError):  # there is no glibc here
        ctypes.CDLL(None).mallopt(-2, 2**26)  # M_TOP_PAD


@contextlib.contextmanager
def scope(strategy):
    """Within this context, networks and optimizers are built for all replicas of a strategy."""
    if strategy.num_replicas_in_sync == 1:
        yield
        return
    import tensorflow as tf

    def moving_statistics_are_means(make, **options):
        # Each replica has seen different digits. Keras lets each keep its own statistics, and would draw with and save
        # those of the first.
        if not options.get("trainable") and tf.as_dtype(options["dtype"]).is_floating:
            options["aggregation"] = tf.VariableAggregation.MEAN
        return make(**options)

    with strategy.scope(), tf.variable_creator_scope(moving_statistics_are_means):
        yield
