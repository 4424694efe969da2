"""A method is one new file and two lines in scope.py: everything else finds it by itself."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import otoscope

ROOT = Path(__file__).resolve().parents[1]
PAGES = ("README.md", "docs/command-line.md", "docs/methods/index.md")
METHOD = '''
"""How loud a sound is."""

from __future__ import annotations

import math
from typing import Literal

import torch
import xarray as xr

from otoscope.citations import cite
from otoscope.methods.catalogue import Rows, method, resolved
from otoscope.results import variable
from otoscope.subject import Subject
from otoscope.types import Wave


@method(source=cite("swam", "nowhere"), takes="wave", rows=Rows((), ("loudness", "floor")), main="loudness")
def loudness_of_it(
    subject: Subject, wave: Wave, *, measure: Literal["rms", "peak"] = "rms", floor: float | None = None
) -> xr.Dataset:
    """Loudness of a sound, in dB.

    Parameters
    ----------
    wave : wave, (time,) or (clip, time)
        A sound file, or samples at the rate of the model.
    measure : {"rms", "peak"}
        Root mean square, or largest magnitude.
    floor : float, optional
        The least that is returned, in dB; -200 by default.
    """
    floor = -200.0 if floor is None else floor
    sound = subject.inputs(wave).flatten(1)
    size = sound.square().mean(-1).sqrt() if measure == "rms" else sound.abs().amax(-1)
    values = (20 * torch.log10(size)).clamp(min=floor)
    result = xr.Dataset(
        {
            "loudness": variable(["clip"], values, "loudness", "dB"),
            "floor": variable([], floor, "least value", "dB"),
        }
    )
    return resolved(result, floor=floor)
'''
LINES = {
    "from otoscope.methods import (": "loudness_of_it,",
    "    strs = strs.strs": "loudness_of_it = loudness_of_it.loudness_of_it",
}
# what is added to scope.py, each after a line that is there
RUN = """
import contextlib, io, json, sys
from otoscope import Scope, cli, open
from otoscope.methods.catalogue import METHODS

def run(*arguments):
    sys.argv, out, err, code = ["otoscope", *arguments], io.StringIO(), io.StringIO(), 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            cli.main()
        except SystemExit as ended:
            code = ended.code or 0
    return code, out.getvalue(), err.getvalue()

sound = sys.argv[1]
command = ("loudness-of-it", "vowel-name", sound)
result = Scope("vowel-name").loudness_of_it(sound, measure="peak")
found = {
    "source": METHODS["loudness_of_it"].source,
    "python": float(result.loudness),
    "overview": run("--help"),
    "help": run("loudness-of-it", "--help"),
    "table": run(*command, "--measure", "peak"),
    "json": run(*command, "--measure", "peak", "--json", "--out", "written"),
    "misspelt": run(*command, "--mesure", "peak"),
    "wrong": run(*command, "--measure", "peek"),
    "saved": float(open("written/loudness_of_it.nc").loudness),
}
try:
    Scope("vowel-name").loudness_of_it(sound, mesure="peak")
except TypeError as error:
    found["type_error"] = str(error)
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a copy of the package makes of one new file and two new lines."""
    copy = tmp_path_factory.mktemp("copy")
    package = copy / "src" / "otoscope"
    shutil.copytree(Path(otoscope.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__"))
    for page in (*PAGES, "docs/studies.md"):  # which has tables of its own
        (copy / page).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / page, copy / page)
    shutil.copytree(ROOT / "docs" / "_ext", copy / "docs" / "_ext")

    (package / "methods" / "loudness_of_it.py").write_text(METHOD)
    scope = (package / "scope.py").read_text()
    changed = scope
    for line, new in LINES.items():
        changed = changed.replace(f"{line}\n", f"{line}\n    {new}\n")
    assert len(changed.splitlines()) == len(scope.splitlines()) + 2
    (package / "scope.py").write_text(changed)

    sound = copy / "sound.wav"
    otoscope.write_audio(sound, 0.5 * (-1.0) ** np.arange(8000), 16_000)
    printed = _python(copy, "-c", RUN, sound)
    _python(copy, "docs/_ext/tables.py")
    return json.loads(printed) | {"pages": {page: (copy / page).read_text() for page in PAGES}}


def _python(copy: Path, *arguments: str | Path) -> str:
    environment = os.environ | {"PYTHONPATH": str(copy / "src"), "COLUMNS": "80", "OMP_NUM_THREADS": "1"}
    ran = subprocess.run([sys.executable, *arguments], cwd=copy, env=environment, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_it_has_a_command_with_help(found: dict[str, Any]) -> None:
    code, listed, _ = found["overview"]
    assert code == 0 and "loudness-of-it" in listed and "Loudness of a sound, in dB." in listed
    code, helped, _ = found["help"]
    helped = " ".join(helped.replace("│", " ").split())
    wanted = ("--measure CHOICE Root mean square", "[choices: rms, peak] [default: rms]", "-200 by default")
    assert code == 0 and all(text in helped for text in wanted)


def test_python_command_table_and_file_say_the_same(found: dict[str, Any]) -> None:
    code, printed, _ = found["json"]
    (row,) = json.loads(printed)["rows"]
    assert code == 0 and row["loudness"] == found["python"] == found["saved"]
    assert found["python"] == pytest.approx(-6.02, abs=0.01)
    code, table, _ = found["table"]
    assert code == 0 and f"{found['python']:.4g}" in table and "loudness (dB)" in table


def test_json_has_the_envelope(found: dict[str, Any]) -> None:
    content = json.loads(found["json"][1])
    assert (content["method"], content["model"], content["audio"]) == ("loudness_of_it", "vowel-name", "sound.wav")
    assert content["source"] == found["source"] and content["arguments"] == {"measure": "peak", "floor": -200.0}


def test_what_is_misspelt_is_refused_with_a_suggestion(found: dict[str, Any]) -> None:
    code, out, err = found["misspelt"]
    assert (code, out) == (2, "") and "--measure" in err
    code, out, err = found["wrong"]
    assert (code, out) == (2, "") and "peak" in err
    assert "did you mean 'measure'?" in found["type_error"]


@pytest.mark.parametrize("page", PAGES)
def test_documentation_has_its_row(found: dict[str, Any], page: str) -> None:
    rows = [line for line in found["pages"][page].splitlines() if "Loudness of a sound, in dB" in line]
    assert len(rows) == 1
    if page == "README.md":
        assert "nowhere" in rows[0]
