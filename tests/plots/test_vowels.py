"""Picture of the shares of vowels whose F0, F1 and F2 are right."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from matplotlib.figure import Figure

from otoscope import plots
from otoscope.errors import InputError

SIGNALS = ["input", "relevance"]


def vowels_of(share: float) -> xr.Dataset:
    dims = ("signal", "group", "vowel", "measure")
    shares = np.full((2, 2, 3, 3), share)
    shares[1, 0, 0, 0] = np.nan
    names = {"signal": SIGNALS, "group": ["men", "women"], "vowel": ["ah", "iy", "uw"], "measure": ["F0", "F1", "F2"]}
    return xr.Dataset({"share": (dims, shares)}, names, attrs={"method": "vowels"})


def test_shares_are_written_in_percent_with_nothing_where_nothing_is_known() -> None:
    axes = plots.plot(vowels_of(0.5))
    assert [len(ax.texts) for ax in axes] == [17, 18]
    assert {text.get_text() for ax in axes for text in ax.texts} == {"50"}
    labels = [text.get_text() for text in axes[0].get_yticklabels()]
    assert labels == [f"{measure} {group}" for measure in ("F0", "F1", "F2") for group in ("men", "women")]


def test_the_number_of_axes_is_checked() -> None:
    with pytest.raises(InputError, match="drawn on two axes; 3 were given"):
        plots.plot(vowels_of(1.0), Figure().subplots(3))
