"""What TF_CONFIG says of several machines."""

import subprocess

import pytest
from helpers import ROOT, tf_config

import train
from training.tf_config import read_cluster


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{not json", "not JSON"),
        ("[1]", "lacks a part"),
        ('{"cluster": {"worker": ["a:1", "b:2"]}}', "lacks a part"),
        (tf_config(2), "index 2 is out of range"),
        (tf_config(-1), "index -1 is out of range"),
        (tf_config("0"), "index '0' is out of range"),
        (tf_config(0, kind="cook"), "'cook'"),
        (tf_config(0, kind=["worker"]), "['worker']"),
        (tf_config(0, kind="evaluator"), "'evaluator'"),
        (tf_config(0, kind="ps", worker=["a:1"], ps=["b:1"]), "'ps'"),
        (tf_config(0, workers=("host1", "host2:4000")), "'host1'"),
        (tf_config(0, workers=("host1:70000", "host2:4000")), "'host1:70000'"),
        (tf_config(1, workers=("host1..lan:4000", "host2:4000")), "'host1..lan:4000'"),
        (tf_config(0, workers=("[::1]:4000", "host2:4000")), "'[::1]:4000'"),
        (tf_config(0, workers=("host1:4000", "host1:4000")), "twice"),
        (tf_config(0, kind="chief", chief=["a:1", "b:1"], worker=["c:1"]), "2 chiefs"),
    ],
)
def test_refuses_a_tf_config_that_is_wrong(text, said, refuses, monkeypatch, tmp_path):
    """In one line, before anything is written."""
    monkeypatch.setenv("TF_CONFIG", text)
    assert said in refuses(train.train, "--models-dir", tmp_path / "models")
    assert not any(tmp_path.iterdir())


def test_reads_who_is_who():
    with_chief = {"chief": ["a:1"], "worker": ["b:1", "c:1"]}
    for kind, index, place in (("chief", 0, 0), ("worker", 0, 1), ("worker", 1, 2)):
        found = read_cluster(tf_config(index, kind=kind, **with_chief))
        assert (found.workers, found.index, found.chief) == (["a:1", "b:1", "c:1"], place, place == 0)
    assert read_cluster(tf_config(1)).index == 1
    assert read_cluster("") is None and read_cluster(tf_config(0, workers=["host1:4000"])) is None


def test_the_readme_sets_tf_config_as_it_must_be():
    """Slurm's commands stand in for Slurm, and the shell for Kubernetes."""
    readme = (ROOT / "README.md").read_text()
    commands = """
        scontrol() { printf 'a\\nb\\n'; }
        srun() { SLURM_PROCID=1 "$@"; }
        python() { echo "$TF_CONFIG" | tr '\\n' ' '; echo; }
        export -f python
        JOB_COMPLETION_INDEX=1
    """
    blocks = [block.partition("\n```")[0] for block in readme.partition("## More machines")[2].split("```bash\n")[1:]]
    blocks.append(readme.partition("args:\n            - >-\n")[2].partition("```")[0])
    found = []
    for block in blocks:
        shell = ["bash", "-c", commands + block]
        said = subprocess.run(shell, capture_output=True, text=True, check=True).stdout
        found += [read_cluster(line) for line in said.splitlines()]
    assert [(one.workers[1], one.index) for one in found] == [
        ("host2:4000", 0),
        ("host2:4000", 1),
        ("b:4000", 1),
        ("gan-1.gan:4000", 1),
    ]
