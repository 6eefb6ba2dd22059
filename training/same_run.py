"""Is this the run to resume? Its configuration, data and networks, beside those that a saved state names."""

import json

from support.commands import UserError, as_flag

# What may differ when resuming:
FREE = ("dataset", "epochs", "models_dir", "samples_dir", "log_dir", "resume", "checkpoint_every")


def architecture(network):
    """Describe the layers of a Keras Sequential, without their names, as a list for about.json."""
    layers = [layer.get_config() | {"class": type(layer).__name__} for layer in network.layers]
    return json.loads(json.dumps([{k: v for k, v in layer.items() if k != "name"} for layer in layers], default=str))


def refuse_differences(theirs, ours):
    """Raise UserError if this run, `ours`, is not the one to resume, `theirs`, as about.json describes it."""
    for name, value in ours["config"].items():
        flag, old = as_flag(name), theirs["config"].get(name)
        if name not in FREE and name in theirs["config"] and value != old:  # else the state is older than the flag
            give = "the same" if not isinstance(old, bool) else flag if old else as_flag(f"no_{name}")
            raise UserError(f"{flag} is {value} here and {old} in the run to resume: give {give}")
    if ours["config"]["epochs"] < theirs["config"]["epochs"]:
        raise UserError(
            f"--epochs {ours['config']['epochs']} is less than the {theirs['config']['epochs']} of the run to resume: "
            "give as many, or more"
        )
    if ours["data"] != theirs["data"]:
        raise UserError("the data is not that of the run to resume: give --dataset the same images and labels")
    for network, layers in ours.get("architecture", {}).items():
        old_layers = theirs["architecture"][network]
        for number, (new, old) in enumerate(zip(layers, old_layers, strict=False), 1):
            if new != old:
                changed = [name for name in new | old if new.get(name) != old.get(name)]
                new, old = ({name: layer[name] for name in changed if name in layer} for layer in (new, old))
                raise UserError(f"layer {number} of the {network} is {new} here and {old} in the run: make it the same")
        if len(layers) != len(old_layers):
            raise UserError(
                f"the {network} has {len(layers)} layers here and {len(old_layers)} in the run: give as many"
            )
