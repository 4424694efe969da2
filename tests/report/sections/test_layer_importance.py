"""The section of the importance of layers has a picture of all settings and a table for each."""

from __future__ import annotations

import numpy as np
import xarray as xr

from otoscope.report.html import Table, render
from otoscope.report.sections.layer_importance import layer_importance


def known(*accuracy: float) -> xr.Dataset:
    values = {
        name: ("layer", list(accuracy)) for name in ("accuracy", "ci_low", "ci_high", "test_ci_low", "test_ci_high")
    }
    result = xr.Dataset({**values, "features": ("layer", [6, 5])}, {"layer": ["1", "3"], "run": [0, 1]})
    result = result.assign(run_accuracy=(("layer", "run"), np.ones((2, 2))), train_clips=12, test_clips=4, chance=0.5)
    return result.assign_attrs(method="layer_importance")


def test_one_result_and_several() -> None:
    section = layer_importance(known(0.25, 0.75))
    (table,) = (item for item in section.body if isinstance(item, Table))
    assert [list(row) for row in table.rows] == [["1", 6, *[0.25] * 5], ["3", 5, *[0.75] * 5]]
    assert table.caption.startswith("2 runs, 12 sounds to train on and 4 to test on")
    both = layer_importance({"frozen": known(0.25, 0.75), "full": known(0.5, np.nan)})
    tables = [item for item in both.body if isinstance(item, Table)]
    assert [table.caption.split(":")[0] for table in tables] == ["frozen", "full"]
    assert tables[1].rows[1][2] is None
    assert render("page", [both], {}).count("<img") == 1
