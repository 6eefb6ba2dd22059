"""What suits each loss, unless a flag says otherwise: with these, `--loss X` alone trains well."""

from dataclasses import replace

RATES = {"generator_lr": 2e-3, "discriminator_lr": 2e-3, "beta_1": 0.5}
PENALTIES = {"r1_gamma": 1.0, "r2_gamma": 0.0, "slope_penalty": 0.0, "mismatch": 0.1}
WANTED = {
    "hinge": RATES | PENALTIES,
    "minimax": RATES | PENALTIES,
    # Without labels, lower penalties let the discriminator win at the start: the generator then learns late or never.
    "non-saturating": RATES | PENALTIES | {"r1_gamma": 3.0},
    "least-squares": RATES | PENALTIES | {"r1_gamma": 3.0, "r2_gamma": 3.0},
    # Only its own penalty holds it, and sees only the label's logit: with mismatch, the others would grow forever.
    "wasserstein": RATES | {"r1_gamma": 0.0, "r2_gamma": 0.0, "slope_penalty": 10.0, "mismatch": 0.0},
    "relativistic": RATES | {"r1_gamma": 0.15, "r2_gamma": 0.15, "slope_penalty": 0.0, "mismatch": 0.1},
}


def settle(config):
    """The configuration, with every None replaced by what suits its loss."""
    wanted = WANTED[config.loss].items()
    return replace(config, **{name: value for name, value in wanted if getattr(config, name) is None})
