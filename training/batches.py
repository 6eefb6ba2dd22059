"""Which digits a step gets: a function of (seed, step), so a run can be resumed anywhere."""

import math

import tensorflow as tf


def training_batches(images, labels, batch_size, seed, first_step=0, replicas=range(1), of=1):
    """Return an endless `tf.data.Dataset` of (images, labels) batches, from step `first_step` on.

    Args:
        images: uint8 (N, S, S, C), best as a tensor: of an array, TensorFlow keeps another copy each time.
        labels: int (N,).
        replicas: which of all `of` replicas the batches are for. Each step's batch is divided equally among all, in
            order; here come the shares of these, one after the other.

    Some batches are made ahead: as many as fit into 32 MB, but at least 2 and at most 64.

    Each epoch is a new permutation, and which digits a step gets is a function of (seed, step) alone: nothing to save,
    no shuffle buffer to fill. The last len % batch_size digits of a permutation sit that epoch out.
    """
    images, labels = tf.constant(images), tf.constant(labels)
    count = len(images)
    steps_per_epoch = count // batch_size

    share = batch_size // of

    def batch(turn):
        step, replica = turn // len(replicas), replicas.start + turn % len(replicas)
        epoch, position = step // steps_per_epoch, step % steps_per_epoch * batch_size + replica * share
        positions = position + tf.range(share, dtype=tf.int64)
        chosen = tf.random.experimental.index_shuffle(positions, [seed, epoch], max_index=count - 1)
        return tf.gather(images, chosen), tf.gather(labels, chosen)

    # TensorFlow's tuning of the pipeline can hold up the end of an epoch for twenty seconds, until its thread wakes.
    untuned = tf.data.Options()
    untuned.autotune.enabled = False
    first = first_step * len(replicas)
    ahead = min(64, max(2, 2**25 // (share * math.prod(images.shape[1:]))))
    return tf.data.Dataset.range(first, 2**62).map(batch).prefetch(ahead).with_options(untuned)
