"""Draw inspect.png, the picture of the first page of the documentation: ``python docs/images/draw_inspect.py``."""

from __future__ import annotations

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from otoscope import Scope, plots
from otoscope.data.vowels import vowel_clip
from otoscope.demo import GROUP, MODELS, SYMBOL
from otoscope.plots.crs import crs
from otoscope.plots.drawing import STYLE
from otoscope.plots.relevance import relevance_spectrum


def main() -> None:
    clip = vowel_clip(SYMBOL, GROUP)
    marks = {"F0": clip.attrs["f0"]} | {f"F{i}": f for i, f in enumerate(np.ravel(clip.attrs["formants"])[:3], 1)}
    plt.rcParams.update(STYLE)
    figure, axes = plt.subplots(2, 3, figsize=(9, 4.4), layout="constrained")
    plots.spectrogram(clip, ax=axes[0, 0])
    axes[0, 0].set_title(f"a synthesised vowel /{SYMBOL}/")
    for ax, name in zip((axes[0, 1], axes[0, 2]), MODELS, strict=True):
        relevance_spectrum(Scope(name).relevance(clip), ax=ax, marks=marks)
        ax.set_xlim(0, 4)
        ax.set_title(f"relevance for {name}", pad=24)
    namer = Scope(MODELS[0])
    plots.plot(namer.strs(clip), axes[1, 0])
    axes[1, 0].set_title("response spectra (STRS)")
    crs([namer.crs(clip), Scope(MODELS[1]).crs(clip)], axes[1, 1])
    axes[1, 1].set_xlim(0, 4)
    axes[1, 1].set_title("mean response of both (CRS)")
    namer.sonify(clip, layer="pool2").otoscope.plot(axes[1, 2])
    axes[1, 2].set_title("a feature map, as sound")
    figure.savefig(Path(__file__).with_name("inspect.png"), dpi=150)


if __name__ == "__main__":
    main()
