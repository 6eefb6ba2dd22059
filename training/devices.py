"""How TensorFlow uses the machine."""

import contextlib
import os

from support.commands import quiet


def start_tensorflow(deterministic=True):
    """Start TensorFlow for training: quietly, on the processor's cores as suits small networks.

    A step's operations are small: split over all cores each is done later than two of them, half of the cores each.
    (On two cores it is a fifth faster, see benchmarks/README.md.) Where TensorFlow has already started, its threads
    stay as they are.
    """
    with quiet():
        import tensorflow as tf

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    with contextlib.suppress(RuntimeError):
        tf.config.threading.set_intra_op_parallelism_threads(max(1, cores // 2))
    if deterministic:
        tf.config.experimental.enable_op_determinism()
