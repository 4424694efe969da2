"""A large network at four seconds is looked at whole, within a budget of memory and time."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import json, sys, time
import numpy as np, torch
sys.path.insert(0, sys.argv[1])
from graph_network import RATE, SAMPLES, GraphNetwork
import otoscope

torch.set_num_threads(1)
torch.manual_seed(0)
time_ = np.arange(SAMPLES) / RATE
wave = sum(np.sin(2 * np.pi * 120 * k * time_) / k for k in range(1, 20)) * (1 + np.sin(8 * time_)) / 8
scopes = [otoscope.Scope(GraphNetwork(), output=1, name=name) for name in "ab"]
memory = int(float(sys.argv[4])) if len(sys.argv) > 4 else None
if sys.argv[2] == "inspect":
    missing = scopes[0].inspect(wave.astype("f4"), sys.argv[3], memory=memory)["missing"]
else:
    missing = json.loads(otoscope.compare(scopes, wave.astype("f4"), memory=memory).attrs["missing"])
# not ru_maxrss, which begins at what the process that started this one took
peak = 1024 * next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(json.dumps({"missing": missing, "peak": peak, "seconds": time.process_time()}))
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak of memory as Linux gives it")
@pytest.mark.parametrize("command", ["inspect", "compare"])
def test_a_large_network_is_seen_whole_within_its_budget(command: str, tmp_path: Path) -> None:
    arguments = [sys.executable, "-c", SCRIPT, str(Path(__file__).parent), command, str(tmp_path / "out"), "1.5e9"]
    ran = subprocess.run(arguments, capture_output=True, text=True, timeout=900)
    assert ran.returncode == 0, ran.stderr
    found = json.loads(ran.stdout.splitlines()[-1])
    assert found["missing"] == {}
    assert found["peak"] < 1.5e9
    assert found["seconds"] < 60
