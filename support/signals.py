"""Signals that ask to stop, and work that they must not interrupt."""

import signal


class Stopped(KeyboardInterrupt):
    """A signal asks to stop.

    Not an Exception, so that nothing on the way up takes it for an error of its own; but whatever tidies up after
    Ctrl-C, as Keras does after half a download, does so.
    """

    def __init__(self, signum):
        super().__init__(signum)
        self.signum = signum


class Signals:
    """Within this context, SIGINT and SIGTERM raise Stopped; a second one kills the process.

    After `hold`, a signal is kept until `release`, so that what must not be interrupted is finished first.
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
        self.waiting = signum  # kept in any case: an exception raised in a destructor goes nowhere
        if not self.held:
            raise Stopped(signum)

    def hold(self):
        self.held = True

    def release(self):
        self.held = False
        if self.waiting:
            raise Stopped(self.waiting)
