"""Relevance of a minute in time, frequency, both and bands, against the way back through CNN12 that it is made of."""

from __future__ import annotations

import resource
import time

import torch

from _measure import fastest, say_cost
from otoscope import backproject, load
from otoscope.dsp.bands import third_octaves
from otoscope.dsp.cross_spectra import Frames
from otoscope.methods.relevance_spectra import Relevance, labelled

RATE, SECONDS, TARGET = 16_000, 60, 3


def main() -> None:
    torch.manual_seed(0)
    sound = torch.randn(1, RATE * SECONDS)
    carried = torch.randn_like(sound)
    frames, edges = Frames.of(0.025, 0.010, RATE), third_octaves(RATE / 2)

    def spectra(relevance: Relevance) -> object:
        return labelled(relevance, RATE, frames, edges)

    spectra(Relevance("product", carried[:, :RATE], sound[:, :RATE]))  # what is imported and planned once
    before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    spectra(Relevance("product", carried, sound))
    seconds, grown = time.process_time() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    cost = f"{seconds:.2f} s of processor time and {grown / 1024**2:.2f} GiB more"
    print(f"a minute at {RATE} Hz: {cost}; goal under 1 each", flush=True)

    model = load("cnn12", n_classes=10)

    def way_back() -> torch.Tensor:
        return backproject(model, sound[:, None], _one_logit, rule="gradient")

    tasks = {"way back": way_back}
    for form in ("product", "gradient"):
        tasks[form] = lambda form=form: spectra(Relevance(form, carried, sound))
    found = fastest(tasks, repeats=3)
    for form in ("product", "gradient"):
        what = f"spectra of a {form}, {SECONDS} s at {RATE} Hz"
        say_cost(what, found[form], found["way back"], "the way back through CNN12", 0.1)


def _one_logit(output: torch.Tensor) -> torch.Tensor:
    seed = torch.zeros_like(output)
    seed[:, TARGET] = 1
    return seed


if __name__ == "__main__":
    main()
