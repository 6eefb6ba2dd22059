"""The recipes that people start from, re-implemented from their published code and papers, to be timed beside ours.

Layers, losses, optimisers, batch sizes and the order of updates are those of the source that each class names; only
the loop around the step is ours: batches come from `training.batches`, so the last, incomplete batch of an epoch is
left out. Each step is one `tf.function`, as in the newer of the sources, which helps the older ones.
"""

from benchmarks.peers.goodfellow import Goodfellow
from benchmarks.peers.keras_documentation import KerasDocumentation
from benchmarks.peers.keras_gan import KerasGAN
from benchmarks.peers.tensorflow_tutorial import TensorFlowTutorial
from benchmarks.peers.tf_gan import TFGAN

PEERS = {
    "TensorFlow tutorial": TensorFlowTutorial,
    "Keras-GAN": KerasGAN,
    "Keras documentation": KerasDocumentation,
    "Goodfellow": Goodfellow,
    "TF-GAN": TFGAN,
}
