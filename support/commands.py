"""What every command needs to begin and to end: flags, errors, and quiet while TensorFlow starts."""

import contextlib
import dataclasses
import errno
import importlib.util
import itertools
import os
import platform
import shlex
import shutil
import sys
import typing
import warnings
from pathlib import Path

import tyro
from tqdm import tqdm

from support.signals import Signals, Stopped

ROOT = Path(__file__).parent.parent  # where the commands, data/ and models/ are

os.environ["KERAS_BACKEND"] = "tensorflow"  # whatever another project asks of Keras
for _limit in ("KERAS_MAX_EPOCHS", "KERAS_MAX_STEPS_PER_EPOCH"):  # which would end a run early, as if it were done
    os.environ.pop(_limit, None)
if platform.machine() in ("x86_64", "AMD64"):  # before TensorFlow is imported
    # It keeps oneDNN for processors with VNNI; those with only AVX2, too, train up to half again as fast with it.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")


# How to show characters that end a line, turn its direction, control a terminal, or cannot be encoded.
_NO_TEXT = (*range(32), *range(127, 160), *range(0x2028, 0x202F), *range(0x2066, 0x206A), *range(0xD800, 0xE000))
VISIBLE = {code: repr(chr(code))[1:-1] for code in _NO_TEXT}


class UserError(Exception):
    """The user's input is wrong; the message reads `what is wrong: what to do`."""


class Range(typing.NamedTuple):
    """Smallest and largest value that a numeric hyperparameter may have, for use in `typing.Annotated`."""

    low: float
    high: float


def is_text(name):
    """Whether a str can be printed on one line and given to TensorFlow: file names and strangers' names may not be."""
    return name == name.translate(VISIBLE)


def check_text(value, what=""):
    """Raise UserError, which begins with `what`, if a value or path is not what `is_text` takes for text."""
    if not is_text(str(value)):
        raise UserError(f"{what}{str(value)!r} is no text: choose another name")


def check(config):
    """Raise UserError if a field of the dataclass `config` is no text, or not what its annotation allows.

    That is a type, a Range or a Literal. tyro checks the types of flags, but not defaults edited in a script.
    """
    for name, hint in typing.get_type_hints(type(config), include_extras=True).items():
        value, flag, several = getattr(config, name), as_flag(name), typing.get_origin(hint) is tuple
        if isinstance(value, tuple) != several:
            raise UserError(f"{flag} {value!r} is {'no tuple' if several else 'a tuple'}: look for the comma")
        if value == ():  # as from an unset shell variable
            raise UserError(f"{flag} has no value: give one or more")
        hint, values = (typing.get_args(hint)[0], value) if several else (hint, [value])
        hint, *ranges = typing.get_args(hint) if typing.get_origin(hint) is typing.Annotated else (hint,)
        options = typing.get_args(hint) or (hint,)  # the choices of a Literal, the types of a union
        types = tuple(each for each in options if isinstance(each, type))
        for value in values:
            check_text(value, f"{flag} ")
            if typing.get_origin(hint) is typing.Literal and value not in options:
                raise UserError(f"{flag} {value!r} is none of those there are: choose {', '.join(map(str, options))}")
            for low, high in ranges if value is not None else ():
                if not (isinstance(value, int | float) and low <= value <= high):  # so written, NaN fails too
                    raise UserError(f"{flag} {value} is out of range: choose {low} to {high}")
            if types and not isinstance(value, (*types, int) if float in types else types):
                names = " or ".join(each.__name__ for each in types if each is not type(None))
                raise UserError(f"{flag} {value!r} is no {names}: give one")


def _check_words(words, config_class):
    """Raise UserError if a word is empty, as from an unset shell variable: a path would be the current directory.

    Or if a name is None, which tyro would take for no value at all.
    """
    names = {as_flag(each.name) for each in dataclasses.fields(config_class) if each.type in (str | None, Path | None)}
    for before, word in itertools.pairwise(["", *words]):
        flag, equals, value = word.partition("=")
        if flag.startswith("--") and equals and not value:
            raise UserError(f"{flag} has no value: give one, or leave it out")
        if not word:
            after = f" after {before}" if before else ""
            raise UserError(f"there is an empty value{after}: give one, or leave it out")
        for named, name in ((before, word), (flag, value)):
            if named in names and name == "None":
                raise UserError(f"{named} None means no value: leave it out")


def run(main, config_class, flags=None):
    """Run a script: turn flags, by default the command line's, into a `config_class`, and give that to `main`.

    Bad input ends in one line on stderr and exit code 2.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow's start-up notices would bury our lines
    os.environ["MPLBACKEND"] = "agg"  # a notebook passes on its own, which may not be installed here
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:  # closed by whoever started this; a file opened now gets its descriptor
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode))
    with contextlib.suppress(AttributeError):  # if it is no file
        sys.stdout.reconfigure(errors="replace")  # not every encoding has an é
    try:
        _check_words(sys.argv[1:] if flags is None else flags, config_class)
        with warnings.catch_warnings(action="ignore"):  # what tyro would warn of, `check` refuses
            config = tyro.cli(config_class, args=flags, description=sys.modules["__main__"].__doc__)
        check(config)
        with Signals():  # so that half-written files are removed, whoever asks to stop
            main(config)
        sys.stdout.flush()
    except UserError as error:
        print(f"error: {str(error).translate(VISIBLE)}", file=sys.stderr)  # names in it may be a stranger's
        sys.exit(2)
    except (Stopped, OSError) as end:
        if isinstance(end, Stopped):
            code = 128 + end.signum
        elif isinstance(end, BrokenPipeError):
            code = 128 + 13  # SIGPIPE's number, which Windows lacks
        elif end.errno == errno.ENOSPC:
            code = 2
            print(f"error: the output cannot be written ({end.strerror}): make room", file=sys.stderr)
        else:
            raise
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except OSError:  # Ctrl-C has ended its reader, too, such as tee; or that had read enough
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        sys.exit(code)
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        tensorflow = sys.modules.get("tensorflow")
        shortages = (MemoryError, *([tensorflow.errors.ResourceExhaustedError] if tensorflow else []))
        if not isinstance(error, shortages):
            raise
        cure = "free some, or ask for less at a time (of train.py, a smaller --batch-size)"
        print(f"error: there is too little memory: {cure}", file=sys.stderr)
        sys.exit(2)


def require(module, flag, requirements):
    """Raise UserError if a module is missing that only `flag` needs."""
    spec = importlib.util.find_spec(module)
    if spec is None or spec.origin is None:  # a directory of that name, perhaps of its logs, is no module
        raise UserError(f"{flag} needs {module}, which is not installed: pip install -r {requirements}")


def as_flag(field):
    """What a field of a Config is called on the command line."""
    return "--" + field.replace("_", "-")


def flags(config, *left_out):
    """The flags that turn its class's defaults into `config`, without those in `left_out`."""
    words = []
    for field in dataclasses.fields(config):
        value, flag = getattr(config, field.name), as_flag(field.name)
        if value != field.default and field.name not in left_out:
            switch = flag if value else as_flag(f"no_{field.name}")
            words.append(switch if isinstance(value, bool) else f"{flag}={value}")
    return words


def command(script, *words):
    """The shell command that runs one of the scripts at the root with this Python, from here."""
    python = "python" if shutil.which("python") == sys.executable else sys.executable
    return shlex.join([python, os.path.relpath(ROOT / script), *words])


class StandardError:
    """sys.stderr for a progress bar: that nobody reads it any more is no reason to lose a run."""

    def write(self, text):
        with contextlib.suppress(OSError):
            sys.stderr.write(text)

    def flush(self):
        with contextlib.suppress(OSError):
            sys.stderr.flush()

    def __getattr__(self, name):
        return getattr(sys.stderr, name)


def progress_bar(*args, **options):
    """A `tqdm` bar for what may take long: it appears after two seconds, and goes when done."""
    return tqdm(*args, delay=2, leave=False, file=StandardError(), **options)


def import_keras():
    """Import Keras, quietly, with its defaults: ~/.keras/keras.json may have other settings, for another project."""
    with quiet():
        import keras

    keras.config.set_image_data_format("channels_last")
    keras.config.set_floatx("float32")
    return keras


@contextlib.contextmanager
def quiet():
    """Drop what native code writes to stderr: TensorFlow starts with notices that ignore the log level."""
    sys.stderr.flush()
    stderr, nothing = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 2)
    try:
        yield
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)
        os.close(nothing)
