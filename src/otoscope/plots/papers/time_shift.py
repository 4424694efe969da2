"""Whether a sonification moves with the sound: thesis Fig. 5.1."""

from __future__ import annotations

import numpy as np
import xarray as xr

from otoscope.errors import InputError
from otoscope.plots.checks import having, samples_of
from otoscope.plots.drawing import INPUT_COLOUR, LINE_STYLES, draw_samples, small_size
from otoscope.plots.papers.panels import grid
from otoscope.plots.style import StyleName, styled


def time_shift(result: xr.Dataset, moved: xr.Dataset, offset: int, *, style: StyleName | None = "paper") -> np.ndarray:
    """Draw the sonification of a sound, that of the sound moved and moved back again, and their difference.

    Parameters
    ----------
    result, moved : xarray.Dataset
        What :func:`otoscope.methods.sonify.sonify` returned of one map for a sound, and for the sound moved.
    offset : int
        By how many samples it was moved, later where positive.
    style : {"paper", "screen"}
        See :func:`otoscope.plots.styled`.

    Returns
    -------
    numpy.ndarray of matplotlib.axes.Axes, shape (3,) or (4,)
        A row for the input where the result has it.

    Raises
    ------
    InputError
        If the maps differ, there are several, or nothing is left of the sound after the move.

    Notes
    -----
    Fig. 5.1 of the thesis, with an offset of 8645 samples. The difference is drawn on the same scale; how large it is
    stands above it, in dB below the sonification, over the stretch that both have. It is rounding alone where the
    offset is a multiple of the hop of the layer, and the map does not reach the ends of the sound.

    Examples
    --------
    >>> sound = np.random.default_rng(0).standard_normal(800)
    >>> one, other = (
    ...     xr.Dataset({"sonification": (("channel", "time"), x[None])}, {"channel": [3]}, {"sample_rate": 8000})
    ...     for x in (sound, np.roll(sound, 100)))
    >>> time_shift(one, other, 100)[-1].get_title(loc="left")
    'difference: none'
    """
    result, moved = having(result, ["sonification"]), having(moved, ["sonification"])
    (first, rate), (second, _) = (_one_map(one) for one in (result, moved))
    if result["channel"].values.tolist() != moved["channel"].values.tolist():
        raise InputError("the two sonifications are of different maps")
    size = min(first.size, second.size)
    start, stop = max(0, -offset), size - max(0, offset)
    if stop - start < 2:
        raise InputError(f"nothing is left of {size} samples that are moved by {offset}")
    back = second[start + offset : stop + offset]
    there, rest = first[start:stop], first[start:stop] - back
    colour, other = LINE_STYLES[0][0], LINE_STYLES[1][0]
    rows = [
        (f"sonification, map {result['channel'].values[0]}", first, 0.0, colour),
        (
            f"of the sound {abs(offset)} samples {'later' if offset > 0 else 'earlier'}, moved back",
            back,
            start / rate,
            other,
        ),
        (f"difference: {_level(rest, there)}", rest, start / rate, colour),
    ]
    if "input" in result:
        rows.insert(0, ("input", samples_of(result["input"], rate)[0], 0.0, INPUT_COLOUR))
    with styled(style):
        axes: np.ndarray = grid(len(rows), 1, height=0.4 + 0.6 * len(rows), sharex=True)[:, 0]
        limit = 1.08 * max(float(np.abs(values).max()) for _, values, _, _ in rows[-3:]) or 1.0
        for ax, (name, values, begin, shade) in zip(axes, rows, strict=True):
            draw_samples(ax, values, rate, begin, color=shade)
            ax.set_title(name, fontsize=small_size(ax), loc="left", pad=2)
            ax.set(xlim=(0, first.size / rate), ylabel="ampl.")
            if name != "input":
                ax.set_ylim(-limit, limit)
            ax.locator_params(axis="y", nbins=3)
        axes[-1].set_xlabel("time (s)")
    return axes


def _one_map(result: xr.Dataset) -> tuple[np.ndarray, float]:
    if result.sizes["channel"] != 1:
        raise InputError(
            f"one map is drawn; the sonification has {result.sizes['channel']}: take one by isel(channel=[0])"
        )
    return samples_of(result["sonification"].isel(channel=0), result.attrs.get("sample_rate"))


def _level(rest: np.ndarray, of: np.ndarray) -> str:
    size, whole = float(np.sqrt(np.square(rest).mean())), float(np.sqrt(np.square(of).mean()))
    if size == 0 or whole == 0:
        return "none" if size == 0 else "the sonification is silent"
    return f"{20 * np.log10(size / whole):.0f} dB"
