"""The Wigner-Ville distribution that the page computes, against the one of the library."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.interpolate import PchipInterpolator

from otoscope.dsp.wigner import wigner_ville

MODULE = Path(__file__).resolve().parents[3] / "src/otoscope/app/static/wigner.js"
CASES = [(7, 256, 1), (31, 32, 1), (64, 64, 3), (300, 128, 1), (1, 256, 1)]
NODE = ["node", "--experimental-default-type=module", "--input-type=module", "-e"]


@pytest.mark.skipif(shutil.which("node") is None, reason="runs the page's own code: install node 20 or later")
@pytest.mark.parametrize(
    ("samples", "rows", "step"), [(7, 256, 1), (31, 32, 1), (64, 64, 3), (300, 128, 1), (1, 256, 1)]
)
def test_the_page_has_the_distribution_of_the_library(samples: int, rows: int, step: int) -> None:
    kernel = np.random.default_rng(samples).standard_normal(samples)
    expected = wigner_ville(torch.from_numpy(kernel), rows, step).numpy()
    code = (
        f"import {{ finerColumns, wignerVille }} from {json.dumps(MODULE.as_uri())};"
        f"const found = wignerVille(new Float64Array({json.dumps(kernel.tolist())}), {rows}, {step});"
        "console.log(JSON.stringify([Array.from(found.values), Array.from(finerColumns(found, 4).values)]));"
    )
    ran = subprocess.run([*NODE, code], capture_output=True, text=True, check=True, timeout=60)
    values, finer = (np.array(one).reshape(rows, -1) for one in json.loads(ran.stdout))
    np.testing.assert_allclose(values, expected, atol=1e-6 * np.abs(expected).max())
    columns = expected.shape[1]
    if columns > 1:
        smooth = PchipInterpolator(np.arange(columns), expected, axis=1)(np.linspace(0, columns - 1, 4 * columns - 3))
        np.testing.assert_allclose(finer, smooth, atol=1e-6 * np.abs(expected).max())
