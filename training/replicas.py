"""Training on several devices at once, each with a share of every batch (synchronous data parallelism).

Replicas have the same weights at every step, bit for bit: gradients are summed over all of them, and the statistics
that batch normalisation keeps are averaged. What only the chief needs, the averaged generator and the metrics, lies
outside the strategy, so that drawing, measuring and saving ask nothing of the others.
"""

import tensorflow as tf

from training.batches import training_batches


def shared_batches(strategy, images, labels, batch_size, seed, first_step):
    """`batches.training_batches`, for all replicas of a strategy."""
    if strategy.num_replicas_in_sync == 1:
        return training_batches(images, labels, batch_size, seed, first_step)

    def of_worker(context):
        local = context.num_replicas_in_sync // context.num_input_pipelines
        replicas = range(context.input_pipeline_id * local, (context.input_pipeline_id + 1) * local)
        return training_batches(images, labels, batch_size, seed, first_step, replicas, context.num_replicas_in_sync)

    return strategy.distribute_datasets_from_function(of_worker)


def train_function(gan, strategy):
    """The function for `gan.fit` to call: it takes `gan.steps_per_execution` steps, and returns mean metrics.

    Keras' own reduces each metric at every step, in collectives as slow as those of the gradients, and fails on scalars
    if there are several workers. Here they are reduced once per call.
    """

    @tf.function
    @tf.autograph.experimental.do_not_convert
    def call(iterator):
        for metric in gan.metrics:
            metric.reset_state()

        def step(number):
            strategy.run(gan.train_step, (next(iterator),))
            return (number + 1,)

        tf.while_loop(lambda number: number < gan.steps_per_execution, step, (0,))
        means = strategy.run(lambda: tf.stack([metric.result() for metric in gan.metrics]))
        means = tf.unstack(strategy.reduce("MEAN", means, axis=None))
        return {metric.name: mean for metric, mean in zip(gan.metrics, means, strict=True)}

    return call
