"""How the networks' weights move: Adam for the generator, Muon for the discriminator, and their rates over a run."""

import math

import keras
from keras import ops


def build_optimizers(config, discriminator, total_steps, replicas=1):
    """Build the generator's optimizer and the discriminator's, for a run of `total_steps`.

    Args:
        config: generator_lr, discriminator_lr, lr_fall and beta_1 as in `train.Config`, settled.
    """
    peaks = config.generator_lr, config.discriminator_lr
    generator_rate, discriminator_rate = (HoldThenFall(peak, config.lr_fall, total_steps) for peak in peaks)
    # Replicas' gradients are summed; divided by this, they become the mean.
    both = {"beta_1": config.beta_1, "loss_scale_factor": replicas}
    return keras.optimizers.Adam(generator_rate, **both), Muon(discriminator, discriminator_rate, **both)


class HoldThenFall(keras.optimizers.schedules.LearningRateSchedule):
    """A learning rate that is `peak` at first and falls linearly to 0 over the last `fall` (0..1) of `total_steps`."""

    def __init__(self, peak, fall, total_steps):
        self.peak, self.fall, self.total_steps = peak, fall, total_steps

    def __call__(self, step):
        left = 1 - ops.cast(step, "float32") / self.total_steps  # 1 at the start of the run, 0 at its end
        return self.peak * (ops.minimum(1.0, left / self.fall) if self.fall else 1.0)

    def get_config(self):
        return {"peak": self.peak, "fall": self.fall, "total_steps": self.total_steps}


class Muon(keras.optimizers.Muon):
    """Keras' Muon, for convolutions, too: a kernel is taken as the matrix from all the inputs it sums to its outputs.

    All directions of a kernel learn alike, faint ones as fast as strong ones (Jordan et al., 2024; Bernstein and
    Newhouse, 2024). As Jordan et al. advise, a network's first and last kernels are left to Adam, as vectors are.

    Args:
        network: the Keras Sequential to train.
        learning_rate: Adam's; a matrix's entries move by 0.4 of it, in root mean square.
        beta_1: momentum of both, 0 to below 1.
        **kwargs: `keras.optimizers.Muon`'s own.
    """

    def __init__(self, network, learning_rate, beta_1=0.5, **kwargs):
        plain = {"weight_decay": None, "adam_weight_decay": None, "nesterov": False, "rms_rate": None}
        super().__init__(learning_rate, adam_beta_1=beta_1, momentum=beta_1, **plain, **kwargs)
        self.matrices = [weight.path for weight in network.trainable_variables if weight.path.endswith("/kernel")][1:-1]

    def _should_use_adamw(self, variable):
        return variable.path not in self.matrices

    def zeropower_via_newtonschulz5(self, x, steps):
        matrix = ops.reshape(x, (-1, x.shape[-1]))
        orthogonal = super().zeropower_via_newtonschulz5(matrix, steps)
        # The mean square of its entries is 1 / max(shape); now they are about as large as Adam's, whatever the shape
        # (Liu et al., 2025, with 0.2).
        return ops.reshape(orthogonal, x.shape) * 0.4 * math.sqrt(max(matrix.shape))
