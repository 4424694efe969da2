"""The same files from a Ray cluster of two nodes, also where one of them is lost; and an end where it stands still."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from runs_of_tests import content

from otoscope import InputError, sweep

pytestmark = pytest.mark.ray

SLOW = """
import time
import torch
from torch import nn


class Slow(nn.Module):
    sample_rate = 8000

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.conv = nn.Conv1d(1, 3, 20)

    def forward(self, x):
        time.sleep(0.3)
        return torch.relu(self.conv(x)).mean(-1)
"""


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A cluster of this test alone, with a head of one core."""
    pytest.importorskip("ray.data")
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    from ray.cluster_utils import Cluster

    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    yield made
    made.shutdown()


def test_two_nodes_write_what_one_process_does(cluster: Any, model: str, sounds: Path, tmp_path: Path) -> None:
    (sounds / "a" / "text.wav").write_text("no sound")
    usual: dict[str, Any] = {"methods": {"activations": {}, "output": {}}, "shard_size": 4}
    cluster.add_node(num_cpus=1)
    done = sweep(model, sounds, out=tmp_path / "ray", engine="ray", address=cluster.address, **usual)
    alone = sweep(model, sounds, out=tmp_path / "alone", workers=0, **usual)
    assert content(tmp_path / "ray") == content(tmp_path / "alone")
    assert (done.computed, done.rows, done.causes, done.missing) == (4, alone.rows, {"unreadable": 1}, {})


def test_a_node_that_is_lost_is_done_without(cluster: Any, sounds: Path, tmp_path: Path) -> None:
    (tmp_path / "slow.py").write_text(SLOW)
    place = f"{tmp_path / 'slow.py'}:Slow"
    usual: dict[str, Any] = {"methods": "activations", "shard_size": 1}
    other = cluster.add_node(num_cpus=1)

    def lose() -> None:
        deadline = time.monotonic() + 300
        while len(list((tmp_path / "ray" / "rows").glob("*.parquet"))) < 3 and time.monotonic() < deadline:
            time.sleep(0.05)
        cluster.remove_node(other, allow_graceful=False)

    loss = threading.Thread(target=lose)
    loss.start()
    done = sweep(place, sounds, out=tmp_path / "ray", engine="ray", address=cluster.address, patience=120, **usual)
    loss.join()
    if done.missing:  # Ray may have given up with the node; what is committed is whole, and the rest is taken up
        assert all(why.startswith("Ray") for why in done.missing.values())
        sweep(place, sounds, out=tmp_path / "ray", engine="ray", address=cluster.address, patience=120, **usual)
    sweep(place, sounds, out=tmp_path / "alone", workers=0, **usual)
    assert content(tmp_path / "ray") == content(tmp_path / "alone")


def test_a_cluster_that_stands_still_is_ended_and_said(model: str, sounds: Path, tmp_path: Path) -> None:
    pytest.importorskip("ray.data")
    from ray.cluster_utils import Cluster

    idle = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    try:
        done = sweep(
            model, sounds, methods="activations", out=tmp_path / "run", engine="ray", address=idle.address, patience=5,
            shard_size=6,
        )  # fmt: skip
    finally:
        idle.shutdown()
    assert done.missing == dict.fromkeys(range(2), "Ray finished no shard in 5 s")


def test_no_cluster_is_an_error(model: str, sounds: Path, tmp_path: Path) -> None:
    pytest.importorskip("ray.data")
    with pytest.raises(InputError, match="no Ray cluster was reached at 127"):
        sweep(model, sounds, methods="output", out=tmp_path / "run", engine="ray", address="127.0.0.1:1")
