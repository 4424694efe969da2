"""Draw inspect.png, the picture of the README: ``python docs/images/draw_inspect.py``."""

from __future__ import annotations

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from otoscope import Scope, drawing, load, plots
from otoscope.data.vowels import vowel_clip
from otoscope.demo import GROUP, MODELS, SYMBOL


def main() -> None:
    clip = vowel_clip(SYMBOL, GROUP)
    marks = {"F0": clip.attrs["f0"]} | {f"F{i}": f for i, f in enumerate(np.ravel(clip.attrs["formants"])[:3], 1)}
    plt.rcParams.update(drawing.STYLE)
    figure, axes = plt.subplots(2, 3, figsize=(9, 4.4), layout="constrained")
    plots.spectrogram(clip, ax=axes[0, 0])
    axes[0, 0].set_title(f"a synthesised vowel /{SYMBOL}/")
    for ax, name in zip((axes[0, 1], axes[0, 2]), MODELS, strict=True):
        plots.relevance_spectrum(Scope(load(name)).relevance(clip), ax=ax, marks=marks)
        ax.set_xlim(0, 4)
        ax.set_title(f"relevance for {name}", pad=24)
    namer = Scope(load(MODELS[0]))
    plots.strs(namer.strs(clip), ax=axes[1, 0])
    axes[1, 0].set_title("response spectra (STRS)")
    plots.crs([namer.crs(clip), Scope(load(MODELS[1])).crs(clip)], ax=axes[1, 1], labels=list(MODELS))
    axes[1, 1].set_xlim(0, 4)
    axes[1, 1].set_title("mean response of both (CRS)")
    plots.sonification(namer.sonify(clip, "pool2"), ax=axes[1, 2])
    axes[1, 2].set_title("a feature map, as sound")
    figure.savefig(Path(__file__).with_name("inspect.png"), dpi=150)


if __name__ == "__main__":
    main()
