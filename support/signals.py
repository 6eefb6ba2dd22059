"""Signals that ask to stop, and what must not be torn meanwhile."""

import signal


class Stopped(KeyboardInterrupt):
    """A signal asks to stop.

    No Exception, so that nothing on the way up takes it for an error of its own; but what tidies up after Ctrl-C, as
    Keras does after half a download, tidies up.
    """

    def __init__(self, signum):
        super().__init__(signum)
        self.signum = signum


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
