"""Planning a sweep over as many clips as AudioSet has, in a made-up copy of links to a few files: time and memory."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import soundfile

CLIPS, FOLDERS, CLASSES = 2_000_000, 41, 527
SECONDS, MEMORY = 60, 1000  # the goals: s of processor time, and MB

PLAN = """
import hashlib, pathlib, resource, sys, time
from otoscope.data import read
from otoscope.data.headers import read_headers
from otoscope.sweeps.plan import hashed, listed
from otoscope.sweeps.store import Store
def told(what, start):
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(f"{what}: {time.process_time() - start:.0f} s, {1.024e-3 * used.ru_maxrss:.0f} MB", flush=True)
begin = start = time.process_time()
data = read("audioset", sys.argv[1], split="unbalanced")
told(f"the list of {len(data)} clips ({data.items.memory / len(data):.0f} bytes each)", start)
if sys.argv[2] == "headers":
    read_headers(data.items)
    told("headers, read for the first time", start)
    sys.exit()
start = time.process_time()
plan = listed(data.items)
told("ids, order and lengths, whose headers are kept from an earlier start", start)
start = time.process_time()
digest = hashlib.sha256()
with Store(pathlib.Path(sys.argv[1], "run")).new_list(hashed(plan.tables(), digest), digest.hexdigest):
    told("the list, written and hashed", start)
told(f"planning in all, goal at most {sys.argv[3]} s and {sys.argv[4]} MB", begin)
"""


def make_copy(root: Path, clips: int) -> None:
    """The tables of AudioSet, and in part folders a link for each clip."""
    mids = [f"/m/{number:05d}" for number in range(CLASSES)]
    rows = "".join(f'{number},{mid},"class {number}"\n' for number, mid in enumerate(mids))
    (root / "class_labels_indices.csv").write_text(f"index,mid,display_name\n{rows}")
    with open(root / "unbalanced_train_segments.csv", "w") as table:
        for number in range(clips):
            table.write(f'{number:011x}, 30.000, 40.000, "{mids[number % CLASSES]},{mids[7 * number % CLASSES]}"\n')
    for part in range(FOLDERS):
        folder = root / f"unbalanced_train_segments/part{part:02d}"
        folder.mkdir(parents=True)
        first = folder / f"Y{part:011x}.wav"
        soundfile.write(first, np.zeros(1600), 16_000)
        for number in range(part + FOLDERS, clips, FOLDERS):
            os.link(first, folder / f"Y{number:011x}.wav")


def main() -> None:
    clips = int(sys.argv[1]) if len(sys.argv) > 1 else CLIPS
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        make_copy(root, clips)
        environment = os.environ | {"XDG_CACHE_HOME": str(root / "cache"), "OMP_NUM_THREADS": "1"}
        for what in ("headers", "plan"):
            command = [sys.executable, "-c", PLAN, str(root), what, str(SECONDS), str(MEMORY)]
            subprocess.run(command, check=True, env=environment)


if __name__ == "__main__":
    main()
