"""Signals that ask to stop."""

import signal
import subprocess
import sys
from pathlib import Path

import keras
import pytest
from helpers import ROOT

from support.signals import Signals, Stopped


def test_a_second_signal_kills():
    """Signals that the process holds back, because steps are under way, wait only once."""
    program = (
        "import os, signal\n"
        "from support.signals import Signals\n"
        "with Signals() as signals:\n"
        "    signals.hold()\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n"
        "    print('held', flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGTERM)\n"
        "    print('not killed')\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (-signal.SIGTERM, "held\n")


def test_half_a_download_is_tidied_up(monkeypatch, tmp_path):
    """Keras would take it for the whole next time."""

    def retrieve(url, target, progress):
        Path(target).write_bytes(b"half")
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr("keras.src.utils.file_utils.urlretrieve", retrieve)
    with pytest.raises(Stopped), Signals():
        keras.utils.get_file("digits.gz", "http://localhost/digits.gz", cache_dir=tmp_path)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_what_signals_did_before_they_do_again():
    before = {signum: signal.getsignal(signum) for signum in (signal.SIGINT, signal.SIGTERM)}
    with Signals():
        assert signal.getsignal(signal.SIGTERM) != before[signal.SIGTERM]
    assert {signum: signal.getsignal(signum) for signum in before} == before
