"""Signals that ask to stop."""

import signal
import subprocess
import sys

from helpers import ROOT


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
