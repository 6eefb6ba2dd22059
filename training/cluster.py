"""Several machines: how their workers meet, watch one another, and part.

All this is done before and beside TensorFlow, which waits forever for a worker that does not come. The first worker is
the chief. The others tell it how they were started, and get in reply the state to go on from, or the reason why not.
The connections stay open: one that breaks shows at once, whatever TensorFlow is doing, that a worker is gone.
"""

import contextlib
import json
import math
import os
import socket
import struct
import threading
import time

from support.commands import UserError

PATIENCE = "WORKERS_TIMEOUT"  # environment variable: seconds to wait for the workers that have not come
READY, GOODBYE = b"!", b"."
GRACE = 3  # seconds: workers are started, and told to stop, not quite at the same time
# A machine that vanishes says nothing: ask after 15 seconds of silence, and give up after 30. The first has two names.
IDLE = {"TCP_KEEPIDLE": 15, "TCP_KEEPALIVE": 15, "TCP_KEEPINTVL": 5, "TCP_KEEPCNT": 3}


class Cluster:
    """The workers of a run, one of which is this process: a context manager, to be entered once, around the run.

    Args:
        workers: their addresses, host:port, the chief's first.
        index: which of them this is.
    """

    def __init__(self, workers, index):
        self.workers, self.index = workers, index
        self.peers, self.greetings = {}, {}  # by number: connections, and greetings
        self.heard = {READY: {}, GOODBYE: {}}  # for each word, by number, events set by those who say it

    @property
    def chief(self):
        return self.index == 0

    def __enter__(self):
        try:
            self.seconds = float(os.environ.get(PATIENCE, 300))
            if not 0 <= self.seconds <= 1e6:
                raise ValueError("no time to wait for")
        except ValueError as error:
            raise UserError(f"{PATIENCE} {os.environ[PATIENCE]!r} is no number of seconds: give, say, 300") from error
        port = int(self.workers[self.index].rpartition(":")[2])
        try:
            self.door = socket.create_server(("", port))
        except OSError as error:
            name = self.name(self.index)
            raise UserError(
                f"port {port} of {name} cannot be used ({error.strerror}): free it or choose another"
            ) from error
        self.deadline = math.inf  # until this worker has loaded its data, and waits for the others
        return self

    def __exit__(self, kind, error, traceback):
        self.watching = False
        for peer in (self.door, *self.peers.values()):
            with contextlib.suppress(OSError):
                peer.shutdown(socket.SHUT_RDWR)  # closing alone says nothing while a thread listens
            peer.close()

    def refuse(self, reason):
        """Have the chief tell the others, even those that come within seconds, why the run cannot begin."""
        if self.chief and not self.heard[GOODBYE]:
            self.deadline = min(self.deadline, time.monotonic() + GRACE)
            self._await()
            self._reply(reason)

    def name(self, number):
        return f"{f'worker {number}' if number else 'the chief'} ({self.workers[number]})"

    def gather(self, greeting, files):
        """The chief's part: wait for the others, and give them files, a dict of names and bytes, to begin with.

        Raises UserError, and has them raise it, if one does not come or its greeting is not `greeting`.
        """
        self.deadline = time.monotonic() + self.seconds
        greetings = self._await()
        if missing := [self.name(number) for number in range(1, len(self.workers)) if number not in greetings]:
            raise UserError(f"{', '.join(missing)} has not come within {self.seconds:g} s: start it, or leave it out")
        for number, other in greetings.items():
            for key, value in greeting.items():
                if other.get(key) != value:
                    raise UserError(f"{self.name(number)} has {key} {other.get(key)}, the chief {value}: give the same")
        self._reply("", files)
        self._watch()

    def join(self, greeting):
        """Another worker's part: greet the chief, and wait for the files it gives, a dict of names and bytes.

        Raises UserError if the chief cannot be reached, or refuses.
        """
        self.deadline = time.monotonic() + self.seconds
        host, _, port = self.workers[0].rpartition(":")
        while True:
            left = self.deadline - time.monotonic()
            if left < 0:
                raise UserError(f"{self.name(0)} has not come within {self.seconds:g} s: start it, or look where it is")
            try:
                peer = socket.create_connection((host, int(port)), timeout=min(left, 5))
                if peer.getsockname() != peer.getpeername():  # else the port has reached only itself
                    break
                peer.close()
            except OSError:
                time.sleep(0.1)
        try:
            self.peers[0] = peer
            peer.settimeout(2 * self.seconds + 30)  # the chief loads the data, and waits for the others
            _send(peer, json.dumps({"worker": self.index, "greeting": greeting}).encode())
            error, sizes = json.loads(_receive(peer))
            files = {name: _receive(peer) for name in sizes}
        except (OSError, ValueError) as error:
            raise UserError(f"{self.name(0)} went before all had come: look at what it says there") from error
        if error:
            raise UserError(error)
        self._watch()
        return files

    def _await(self):
        """Let the others in until all are here or time is up; returns their greetings by number."""
        greetings = self.greetings
        while len(greetings) < len(self.workers) - 1 and (left := self.deadline - time.monotonic()) > 0:
            self.door.settimeout(left)
            try:
                peer, _ = self.door.accept()
                message = json.loads(_receive(peer, 2**20, time.monotonic() + 5))
                number, greeting = message["worker"], message["greeting"]
                if number not in range(1, len(self.workers)) or not isinstance(greeting, dict):
                    raise ValueError(number)
            except (OSError, ValueError, LookupError, TypeError, RecursionError):  # none of ours
                continue
            self.peers[number], greetings[number] = peer, greeting
        return greetings

    def _reply(self, error, files=None):
        for peer in self.peers.values():
            try:
                peer.settimeout(60)
                _send(peer, json.dumps([error, list(files or ())]).encode())
                for content in (files or {}).values():
                    _send(peer, content)
            except OSError:  # it has gone, as will now be noticed
                with contextlib.suppress(OSError):
                    peer.shutdown(socket.SHUT_RDWR)

    def _watch(self):
        self.door.close()  # TensorFlow needs the port
        self.watching = True
        self.stderr = os.dup(2)  # which is silenced while TensorFlow starts
        for number, peer in self.peers.items():
            peer.settimeout(None)
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            for option, value in IDLE.items():
                if hasattr(socket, option):
                    peer.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
            for heard in self.heard.values():
                heard[number] = threading.Event()
            threading.Thread(target=self._listen, args=(number, peer), daemon=True).start()

    def _listen(self, number, peer):
        with contextlib.suppress(OSError):
            while (said := peer.recv(1)) in self.heard:
                self.heard[said][number].set()
                if said == GOODBYE:
                    return
        time.sleep(GRACE)
        if self.watching:
            # The main thread is waiting inside TensorFlow for a worker that will not answer. What this process has
            # written is whole, as if it had been killed.
            line = f"error: {self.name(number)} has gone: start all again, with --resume\n"
            os.write(self.stderr, ("\n" * self.chief + line).encode())  # below the chief's progress bar
            os._exit(1)

    def meet(self):
        """Wait until all have come this far.

        To be called right before TensorFlow has them meet: it holds Python's lock while it waits, so neither the watch
        nor a signal would be heard.
        """
        self._all_say(READY)

    def _all_say(self, word):
        """All say `word` to the chief, and then the chief to all: nobody goes on before all have come this far."""
        for my_turn in (not self.chief, self.chief):
            if my_turn:
                for peer in self.peers.values():
                    with contextlib.suppress(OSError):  # it has gone, as the watch says if that matters
                        peer.sendall(word)
            else:
                for heard in self.heard[word].values():
                    heard.wait()

    @contextlib.contextmanager
    def training(self, failure, own=()):
        """A context around the steps, during which workers need one another, and at whose end all wait for all.

        If TensorFlow fails with an exception of class `failure`, the watch has a minute to say who is gone, unless it
        is one of `own`, which others do not cause.
        """
        try:
            yield
        except BaseException as error:
            if isinstance(error, failure) and not isinstance(error, own):
                time.sleep(60)
            else:
                self.watching = False  # what ends this process is its own affair
            raise
        self._all_say(GOODBYE)
        self.watching = False


def _send(peer, content):
    peer.sendall(struct.pack(">Q", len(content)) + content)


def _receive(peer, limit=2**32, until=None):
    """What `_send` sent; raises ValueError if it is longer than `limit`.

    Raises OSError if it breaks off, or is not there by the monotonic time `until`.
    """
    (size,) = struct.unpack(">Q", _exactly(peer, 8, until))
    if size > limit:
        raise ValueError(size)
    return _exactly(peer, size, until)


def _exactly(peer, size, until):
    content = bytearray()
    while len(content) < size:
        if until:
            peer.settimeout(max(0.001, until - time.monotonic()))
        part = peer.recv(min(size - len(content), 2**20))
        if not part:
            raise ConnectionError("closed")
        content += part
    return bytes(content)
