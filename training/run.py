"""What a run owns from its start to its last file: signals, the lock on its models, its states, its record."""

import contextlib
import shlex
import tempfile
import time
from pathlib import Path

import utils
from support import commands, files
from support.commands import UserError
from support.datasets import check_outside, is_of_pngs
from support.model_files import NETWORKS, RESULTS
from support.signals import Signals, Stopped
from training import checkpoint, places, results, same_run
from training.lock import only_run
from training.record import Record
from training.results import FILM, PLOT
from training.tf_config import read_cluster


class Run:
    """A training run: a context manager, to be entered once, around all that the run does.

    If a signal ends it, the state is saved, if it is whole, and the command that resumes the run is printed.

    Args:
        models_dir, samples_dir: where its files go.
        command: the shell command that resumes it.

    Attributes:
        signals: `support.signals.Signals`, in force while the run is entered.
        record: `training.record.Record` of all sittings.
        cluster: `training.cluster.Cluster`, if TF_CONFIG names other workers; else None.
        chief: whether this process saves and writes: only a cluster's workers other than the chief do not.
    """

    def __init__(self, models_dir, samples_dir, command):
        self.models_dir, self.samples_dir, self.command = models_dir, samples_dir, command
        self.record, self.gan, self.state, self.begun = Record(), None, None, False
        self.cluster = read_cluster()
        self.chief = self.cluster is None or self.cluster.chief

    def __enter__(self):
        self.started, self.earlier = time.perf_counter(), 0.0
        with contextlib.ExitStack() as owned:
            self.signals = owned.enter_context(Signals())
            if self.cluster:
                owned.enter_context(self.cluster)
            self.owned = owned.pop_all()
        return self

    def __exit__(self, kind, error, traceback):
        with self.owned:
            if self.cluster and kind is UserError:
                self.cluster.refuse(str(error))
            # A signal in the middle of a call finds a state that is not whole; the one saved before is.
            learned = self.gan.step * self.batch_size if self.gan else 0
            if kind is Stopped and self.chief and 0 < learned == self.record.images:
                self.save()
        if kind is Stopped:
            with contextlib.suppress(OSError):  # nobody reads it any more
                # Until it has begun, any state that is there is another run's.
                print(f"stopped; to go on: {self.command}" if self.begun else "stopped before it began", flush=True)

    @property
    def seconds(self):
        """Seconds that the run has taken so far, over all sittings."""
        return self.earlier + time.perf_counter() - self.started

    def begin(self, about, resume):
        """Claim the directories, and, if `resume` is set, find the state to go on from.

        Args:
            about: dict with config and data, what a saved state should say about the run.

        Raises:
            UserError: a directory cannot be written or is taken, or the run to resume is a different one.
        """
        self.about, self.batch_size = about, about["config"]["batch_size"]
        if self.cluster and self.batch_size % (count := len(self.cluster.workers)):
            raise UserError(f"--batch-size {self.batch_size} cannot be shared by {count} workers: choose a multiple")
        if self.cluster and is_of_pngs(about["config"]["dataset"]):  # TensorFlow has read these, so started too early
            raise UserError("several workers cannot read folders of PNGs: give them a .npz or IDX files")
        greeting = about["config"] | about["data"]
        greeting = {key: value for key, value in greeting.items() if key == "epochs" or key not in same_run.FREE}
        if not self.chief:
            self.received = self.owned.enter_context(contextlib.ExitStack())
            directory = Path(self.received.enter_context(tempfile.TemporaryDirectory()))
            self.state = checkpoint.unpack(self.cluster.join(greeting), directory)
            self.begun = True
            return
        config = about["config"]
        check_outside(config["dataset"], **{name: config[name] for name in ("models_dir", "samples_dir", "log_dir")})
        if config["log_dir"]:
            commands.require("tensorboard", "--log-dir", "requirements-tensorboard.txt")
            files.check_writable(Path(config["log_dir"]) / "events")
        for path in (*(self.models_dir / name for name in RESULTS), self.samples_dir / PLOT, self.samples_dir / FILM):
            files.check_writable(path)
        self.owned.enter_context(only_run(self.models_dir))
        for directory in (self.models_dir, self.samples_dir):
            files.sweep(directory)
        self.state = checkpoint.find(self.models_dir) if resume else None
        if self.state:
            same_run.refuse_differences(self.state.about, about)
        else:
            self.signals.hold()  # until both are done
            aside = places.begin(self.models_dir)
            self.owned.callback(self._withdraw, aside)
            self.signals.release()
            if aside:
                flags = shlex.join(["--resume", "--models-dir", str(aside)])
                print(f"there was an unfinished run; it is now in {aside}, for {flags} beside the flags that it had")
            elif resume:
                waiting = sorted(self.models_dir.glob(f"{places.ASIDE}*"))
                others = "".join(f"; there is one in {path}" for path in waiting)
                print(f"there is no run in {self.models_dir} to resume: starting one{others}")
        self.begun = True
        if self.cluster:
            self.cluster.gather(greeting, checkpoint.pack(self.state))

    def _withdraw(self, aside):
        if places.withdraw(self.models_dir, aside):
            self.begun = False
            if aside and not aside.exists():
                with contextlib.suppress(OSError):  # nobody reads it any more
                    print(f"the unfinished run is back in {self.models_dir}")

    def restore(self, gan):
        """Set a compiled `gan.GAN` to the state found, if any; from here on, `save` saves this GAN.

        Raises UserError if its layers are not those of that state.
        """
        self.about["architecture"] = {name: same_run.architecture(getattr(gan, name)) for name in NETWORKS}
        if self.state:
            same_run.refuse_differences(self.state.about, self.about)  # now with the architecture
            self.record = checkpoint.restore(self.state, gan)
        if not self.chief:
            self.received.close()  # now: a worker whose fellow dies has no time to
        self.earlier, self.first_step = self.record.seconds["total"], gan.step
        self.replicas = here = gan.generator.distribute_strategy.num_replicas_in_sync
        self.about["replica_counts"] = before = list(self.state.about.get("replica_counts", ())) if self.state else []
        self.gan = gan  # only now: from here on, a signal saves it
        steps = self.about["config"]["epochs"] * (self.about["data"]["images"] // self.batch_size)
        if self.chief and self.state and gan.step == steps:
            print("this run is trained to its end: to train it further, give more --epochs")
        elif self.chief and before and before[-1] != here:
            print(f"replicas: {before[-1]} until here, {here} from now on, so the bits will be those of neither")

    def count_replicas(self):
        """Note how many replicas made the steps of this sitting; returns the numbers so far, repetitions left out."""
        counts = self.about["replica_counts"]
        if self.gan.step > self.first_step and counts[-1:] != [self.replicas]:
            counts.append(self.replicas)
        return counts or [self.replicas]

    def save(self):
        """Save the state; raises UserError if it cannot be written, or a weight is not finite.

        It asks nothing of other workers, so the chief can save whenever its own state is whole.
        """
        now = time.perf_counter()
        self.record.seconds["total"] = self.seconds
        self.count_replicas()
        checkpoint.save(self.models_dir, self.gan, self.record, self.about)
        self.record.seconds["checkpoints"] += time.perf_counter() - now

    def fit(self, dataset, epochs, callbacks):
        """Train with `gan.fit` from the run's current step to its last.

        Args:
            dataset: `support.dataset.Dataset`.
            epochs: of the whole run.
            callbacks: Keras callbacks: one of them puts each finished epoch into the record, and the last saves it.
        """
        import keras
        import tensorflow as tf

        from training import replicas

        strategy = self.gan.generator.distribute_strategy  # the one it was built under
        images, labels = tf.constant(dataset.x_train), tf.constant(dataset.y_train)
        steps_per_epoch = len(images) // self.batch_size

        if strategy.num_replicas_in_sync > 1:
            self.gan.train_function = replicas.train_function(self.gan, strategy)

        def fit(epoch, until, steps):
            gan, seed = self.gan, self.about["config"]["seed"]
            gan.fit(
                replicas.shared_batches(strategy, images, labels, self.batch_size, seed, gan.step),
                initial_epoch=epoch,
                epochs=until,
                steps_per_epoch=steps,
                callbacks=callbacks,
                shuffle=False,  # shared_batches does
                verbose=0,  # Progress shows more
            )

        errors = tf.errors.OpError, tf.errors.ResourceExhaustedError
        with self.cluster.training(*errors) if self.cluster else contextlib.nullcontext():
            epoch = len(self.record.epochs)
            if self.gan.step % steps_per_epoch:  # Keras cannot resume within an epoch: first train what is left of it
                fit(epoch, epoch + 1, (epoch + 1) * steps_per_epoch - self.gan.step)
            elif self.gan.step > epoch * steps_per_epoch:  # stopped after the last step of the epoch, before its end
                keras.callbacks.CallbackList(callbacks, model=self.gan).on_epoch_end(epoch, {})
            done = self.gan.step // steps_per_epoch  # workers other than the chief keep no record
            if done < epochs:
                fit(done, epochs, steps_per_epoch)

    def plot(self, quality=None):
        """Draw losses.png of the run so far."""
        utils.plot_run(self.samples_dir / PLOT, self.record.curve, self.record.epochs, quality and quality.floor)

    def write(self, quality=None):
        """Write the results of a finished run; `quality` is a callback of `evaluation.quality`."""
        results.write(self, quality)
        places.finish(self.models_dir)
        self.gan = None  # a signal that comes now finds nothing to save
