"""What `make dist` builds is whole: it runs without the repository beside it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from otoscope import write_audio
from otoscope.data.vowels import vowel_clip

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from the source archive, so that this is whole too."""
    pytest.importorskip("build")
    out = tmp_path_factory.mktemp("dist")
    subprocess.run([sys.executable, "-m", "build", "--outdir", str(out), str(ROOT)], check=True, capture_output=True)
    [wheel] = out.glob("otoscope-*.whl")
    assert list(out.glob("otoscope-*.tar.gz"))
    return wheel


@pytest.fixture(scope="module")
def site(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel unpacked, as pip does it."""
    site = tmp_path_factory.mktemp("site")
    zipfile.ZipFile(wheel).extractall(site)
    return site


def run(site: Path, folder: Path, *command: str) -> str:
    environment = os.environ | {"PYTHONPATH": str(site), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, *command], cwd=folder, env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_it_holds_every_file_of_the_package_and_nothing_else(wheel: Path) -> None:
    listed = subprocess.run(["git", "ls-files", "src"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("not a git checkout")
    wanted = {str(Path(name).relative_to("src")) for name in listed.stdout.split() if (ROOT / name).exists()}
    found = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert found == wanted


def test_it_runs_from_elsewhere(site: Path, tmp_path: Path) -> None:
    place = run(site, tmp_path, "-c", "import otoscope; print(otoscope.__file__)")
    assert Path(place.strip()).is_relative_to(site)
    write_audio(tmp_path / "clip.wav", vowel_clip(), 16_000)
    assert "relevance" in run(site, tmp_path, "-m", "otoscope", "demo")
    stepped = json.loads(run(site, tmp_path, "-m", "otoscope", "train", "laptop/vowels", "--dry-run", "--json"))
    assert stepped["classes"] == 12
    run(site, tmp_path, "-m", "otoscope", "inspect", "vowel-name", "clip.wav", "--out", "seen")
    assert list((tmp_path / "seen").rglob("*.html"))
