"""What TF_CONFIG, TensorFlow's environment variable, says about several machines."""

import json
import os
import re

from support.commands import UserError
from training.cluster import Cluster

EXAMPLE = '{"cluster": {"worker": ["host1:4000", "host2:4000"]}, "task": {"type": "worker", "index": 0}}'


def read_cluster(text=None):
    """Read TF_CONFIG, or `text`; returns the Cluster, or None if there is only one worker.

    Raises UserError if it is not what TensorFlow asks for: JSON with cluster, lists of host:port, and task.
    """
    text = os.environ.get("TF_CONFIG", "") if text is None else text
    if not text.strip():
        return None
    try:
        settings = json.loads(text)
        jobs, task = settings["cluster"], settings["task"]
        kind, index = task["type"], task["index"]
        workers = [address for job in ("chief", "worker") for address in jobs.get(job, [])]
    except ValueError as error:
        raise UserError(f"TF_CONFIG is not JSON ({error}): write {EXAMPLE}") from error
    except (LookupError, TypeError, AttributeError) as error:
        raise UserError(f"TF_CONFIG lacks a part: write {EXAMPLE}") from error
    for job in jobs:
        if job not in ("chief", "worker"):
            raise UserError(f"TF_CONFIG has tasks of type {job!r}: leave them out, there are only chief and worker")
    if not isinstance(kind, str) or not jobs.get(kind):
        raise UserError(f"TF_CONFIG's task is of type {kind!r}, of which its cluster has none: write {EXAMPLE}")
    for address in workers:
        match = re.fullmatch(r"[^\s/:\[\]]+:(\d{1,5})", address) if isinstance(address, str) else None
        if not match or not 0 < int(match[1]) < 2**16 or not _names_a_host(address.rpartition(":")[0]):
            raise UserError(f"TF_CONFIG has {address!r} for a worker: write host:port")
        if workers.count(address) > 1:
            raise UserError(f"TF_CONFIG has {address} twice: give each worker a port of its own")
    if type(index) is not int or not 0 <= index < len(jobs[kind]):
        raise UserError(f"TF_CONFIG's index {index!r} is out of range: {kind} has 0 to {len(jobs[kind]) - 1}")
    if len(jobs.get("chief", [])) > 1:
        raise UserError(f"TF_CONFIG has {len(jobs['chief'])} chiefs: leave one, or none")
    if len(workers) == 1:
        return None
    return Cluster(workers, index + (len(workers) - len(jobs["worker"]) if kind == "worker" else 0))


def _names_a_host(name):
    """Whether a name is one that can be looked up: host1..lan is not."""
    try:
        name.encode("idna")
    except UnicodeError:
        return False
    return True
