"""A large network at four seconds is looked at whole, within a budget of memory and time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SCRIPT = """
import json, sys, time
import numpy as np, torch
sys.path.insert(0, sys.argv[1])
from graph_network import RATE, SAMPLES, GraphNetwork
import otoscope
from otoscope.probe.room import memory_budget

torch.set_num_threads(1)
torch.manual_seed(0)
time_ = np.arange(SAMPLES) / RATE
wave = sum(np.sin(2 * np.pi * 120 * k * time_) / k for k in range(1, 20)) * (1 + np.sin(8 * time_)) / 8
wave = wave.astype("f4")
scopes = [otoscope.Scope(GraphNetwork(), output=1, name=name) for name in "ab"]
memory = int(float(sys.argv[4])) if len(sys.argv) > 4 else None
if sys.argv[2] in ("inspect", "inspect and test"):
    missing = scopes[0].inspect(wave, sys.argv[3], control="test" in sys.argv[2], memory=memory)["missing"]
elif sys.argv[2] == "compare":
    missing = json.loads(otoscope.compare(scopes, wave, memory=memory).attrs["missing"])
else:
    with memory_budget(memory):
        found = scopes[0].control(wave, draws=2)
        assert found.share_changed > 0.9 and np.isfinite(found.control_random_draw).all()
        found = scopes[0].taken_away(wave, places=4)
        assert np.isfinite(found.taken_margin).all() and (found.elsewhere_count > 0).all()
    missing = {}
# not ru_maxrss, which begins at what the process that started this one took
peak = 1024 * next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(json.dumps({"missing": missing, "peak": peak, "seconds": time.process_time()}))
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak of memory as Linux gives it")
@pytest.mark.parametrize(("command", "seconds"), [("inspect", 60), ("inspect and test", 90), ("compare", 60)])
def test_a_large_network_is_seen_whole_within_its_budget(command: str, seconds: float, tmp_path: Path) -> None:
    found = _measured(command, tmp_path)
    assert found["missing"] == {}
    assert found["peak"] < 1.5e9
    assert found["seconds"] < seconds


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak of memory as Linux gives it")
def test_a_large_network_is_tested_within_its_budget(tmp_path: Path) -> None:
    """Few draws and places, for what they keep must not add up."""
    assert _measured("trust", tmp_path)["peak"] < 1.5e9


def _measured(command: str, tmp_path: Path) -> dict[str, Any]:
    arguments = [sys.executable, "-c", SCRIPT, str(Path(__file__).parent), command, str(tmp_path / "out"), "1.5e9"]
    environment = os.environ | {"THP_MEM_ALLOC_ENABLE": "1"}  # as the command line has it
    ran = subprocess.run(arguments, capture_output=True, text=True, timeout=900, env=environment)
    assert ran.returncode == 0, ran.stderr
    measured: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
    return measured
