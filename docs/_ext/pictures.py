"""The gallery: how its pictures are drawn, and in which order its scripts stand."""

from __future__ import annotations

from typing import Any

from cycler import cycler

from otoscope.methods.listing import listing
from otoscope.plots.drawing import COLUMN_WIDTH, LINE_STYLES, STYLE

#: What people come for, then as a reader goes through a model; other scripts follow.
ORDER = ("own_model", "integrated_gradients", "antispoofing", "taps", *listing(), "compare")


class Order:
    """Place of a script in the gallery, to sort by."""

    def __init__(self, folder: str) -> None:
        pass

    def __call__(self, script: str) -> tuple[int, str]:
        name = script.removeprefix("plot_").removesuffix(".py")
        return ORDER.index(name) if name in ORDER else len(ORDER), name


def reset(gallery: dict[str, Any], script: str) -> None:
    """Draw what a script draws itself as Otoscope draws; text of 8 points is as large here as the text around it."""
    import matplotlib.pyplot as plt

    colours, lines = zip(*LINE_STYLES, strict=True)
    plt.rcdefaults()
    plt.rcParams.update(
        STYLE
        | {
            "axes.prop_cycle": cycler(color=colours) + cycler(linestyle=lines),
            "figure.constrained_layout.use": True,
            "figure.figsize": (COLUMN_WIDTH, 2.2),
            "lines.linewidth": 0.9,
            "legend.frameon": False,
            "savefig.dpi": 150,
        }
    )
