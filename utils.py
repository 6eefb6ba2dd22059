"""What every script needs: errors and flags, signals, files that appear whole or not at all."""

import contextlib
import errno
import json
import os
import re
import shlex
import shutil
import signal
import sys
import tempfile
import time
import typing
from pathlib import Path

import tyro

# Errors and flags


class UserError(Exception):
    """The user's input is wrong; the message reads `what is wrong: what to do`."""


class Range(typing.NamedTuple):
    """Smallest and largest value that a numeric hyperparameter may have, for use in `typing.Annotated`."""

    low: float
    high: float


def check_ranges(config):
    """Raise UserError where a field of the dataclass `config` lies outside the Range in its annotation."""
    for name, hint in typing.get_type_hints(type(config), include_extras=True).items():
        value, flag = getattr(config, name), "--" + name.replace("_", "-")
        for bounds in getattr(hint, "__metadata__", ()):
            if isinstance(bounds, Range) and not bounds.low <= value <= bounds.high:  # so written, NaN fails too
                raise UserError(f"{flag} {value} is out of range: choose {bounds.low} to {bounds.high}")


def run(main, config_class, flags=None):
    """Run a script: flags (those of the command line) to a `config_class`, that to `main`.

    Bad input ends in one line on stderr and exit code 2.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow's start-up notices would bury our lines
    try:
        config = tyro.cli(config_class, args=flags, description=sys.modules["__main__"].__doc__)
        check_ranges(config)
        main(config)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    except Stopped as stop:
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except OSError:  # Ctrl-C has ended its reader, too, as it does with tee
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        sys.exit(128 + stop.signum)
    except KeyboardInterrupt:
        sys.exit(130)


def command(script, *words):
    """The shell's line that runs one of our scripts with this Python, from here."""
    python = "python" if shutil.which("python") == sys.executable else sys.executable
    return shlex.join([python, os.path.relpath(Path(__file__).with_name(script)), *words])


class Stopped(BaseException):
    """A signal asks to stop. No Exception, so that nothing on the way up takes it for an error of its own."""

    def __init__(self, signum):
        super().__init__(signum)
        self.signum = signum


class StandardError:
    """sys.stderr for a progress bar, which is no reason to lose a run when nobody reads it any more."""

    def write(self, text):
        with contextlib.suppress(OSError):
            sys.stderr.write(text)

    def flush(self):
        with contextlib.suppress(OSError):
            sys.stderr.flush()

    def __getattr__(self, name):
        return getattr(sys.stderr, name)


class Signals:
    """Within this context SIGINT and SIGTERM raise Stopped; a second one kills the process.

    While `hold` is in force, what must not be torn is finished first: the signal is kept until `release`.
    """

    def __enter__(self):
        self.held, self.waiting = False, None
        self.before = {signum: signal.signal(signum, self._stop) for signum in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(self, *exception):
        for signum, handler in self.before.items():
            signal.signal(signum, handler)

    def _stop(self, signum, frame):
        for each in self.before:
            signal.signal(each, signal.SIG_DFL)
        self.waiting = signum  # kept in any case: raised in a destructor, an exception goes nowhere
        if not self.held:
            raise Stopped(signum)

    def hold(self):
        self.held = True

    def release(self):
        self.held = False
        if self.waiting:
            raise Stopped(self.waiting)


# Files

MAX_TEXT = 2**24  # bytes of a file of text: far above any of ours


@contextlib.contextmanager
def whole_files(*paths):
    """Yield a temporary path beside each path; what was written there takes their places at the end, in one go.

    Raises UserError where one cannot be written. After that, or any other failure, the old files are still there: all
    of them, but for a kill in the instant between two renames.
    """
    paths = [Path(path) for path in paths]
    # The suffix stays: Keras and Pillow go by it.
    temporaries = [path.with_name(f".{os.getpid()}.part-{path.name}") for path in paths]
    try:
        for path in paths:
            path.parent.mkdir(parents=True, exist_ok=True)
        yield temporaries
        for temporary, path in zip(temporaries, paths, strict=True):
            flush(temporary)
            if path.is_dir():
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        for temporary, path in zip(temporaries, paths, strict=True):
            os.replace(temporary, path)
        for path in paths:
            flush(path.parent)
    except OSError as error:
        names = " or ".join(map(str, paths))
        raise UserError(
            f"cannot write {names} ({error.strerror or error}): choose another place, or make room"
        ) from error
    finally:
        for temporary in temporaries:
            with contextlib.suppress(OSError):
                temporary.unlink()


@contextlib.contextmanager
def whole_file(path):
    """`whole_files` for one."""
    with whole_files(path) as [temporary]:
        yield temporary


def flush(path):
    """Have what was written to a file or a directory reach the disk: renamed before that, it could be lost."""
    directory = path.is_dir()
    with contextlib.suppress(OSError if directory else ()):  # Windows and some file systems have no such thing
        descriptor = os.open(path, os.O_RDONLY if directory else os.O_RDWR)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def sweep(directory):
    """Remove the temporary files of `whole_files` in processes that were killed: those older than a minute."""
    for path in directory.glob(".*.part-*"):
        with contextlib.suppress(OSError):  # another run's, that was faster
            if re.match(r"\.\d+\.part-", path.name) and time.time() - path.stat().st_mtime > 60:
                path.unlink()


def read_text(path):
    """The text of a small file; raises ValueError where it is not small or no text, and OSError."""
    with open(path, encoding="utf-8") as file:
        text = file.read(MAX_TEXT)
    if len(text) == MAX_TEXT:
        raise ValueError(f"{path} is too large")
    return text


def to_json(value):
    return json.dumps(value, indent=2, default=str) + "\n"


def write_json(path, value):
    with whole_file(path) as temporary:
        temporary.write_text(to_json(value))


def check_writable(path):
    """Raise UserError unless a file can be written at `path`; its directory is made if need be."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path.parent):
            pass
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    except OSError as error:
        raise UserError(f"cannot write {path} ({error.strerror or error}): choose another place") from error


# TensorFlow


@contextlib.contextmanager
def quiet():
    """Drop what native code writes to stderr: TensorFlow greets with notices that heed no log level."""
    sys.stderr.flush()
    stderr, nothing = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 2)
    try:
        yield
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)
        os.close(nothing)
