"""The study of networks that the four works did not look at: which of their claims carry over?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from otoscope.studies.beyond import figures
from otoscope.studies.beyond.claims import CLAIMS
from otoscope.studies.beyond.measures import PAIRED, across, cell, data_of
from otoscope.studies.beyond.trained import NETWORKS, SPEAKERS, WORDS, plan
from otoscope.studies.estimate import Estimate, short
from otoscope.studies.found import Found
from otoscope.studies.study import Listing, Picture, Study


def _by_network(found: Found) -> tuple[Sequence[str], Sequence[Sequence[object]]]:
    """Claims in rows, networks in columns: the verdict of each, and the number."""
    rows = []
    for claim in CLAIMS:
        row: list[object] = [claim.number, claim.text]
        for network in NETWORKS:
            one = cell(found, claim.number, network.name)
            row.append("" if one is None else f"{claim.verdict(one)}: {_said(one)}")
        whole = None if claim.number in PAIRED else across(claim.number)(found)
        row.append("" if whole is None else f"{claim.verdict(whole)}: {_said(whole)}")
        rows.append(row)
    return ["", "claim", *(network.name for network in NETWORKS), "all but pooled"], rows


def _said(one: Estimate) -> str:
    return _two(one.value) + (f" ({_two(one.low)} to {_two(one.high)})" if one.interval else "")


def _two(value: float) -> str:
    return short(float(f"{round(value, 9):.2g}"))


def _accuracies(found: Found) -> tuple[Sequence[str], Sequence[Sequence[object]]]:
    data = data_of(found)
    rows = []
    for network in NETWORKS:
        row: list[object] = [network.name]
        for task in (WORDS, SPEAKERS):
            values = found.values("training", "test_accuracy", data=data, task=task, network=network.name)
            row.append(_spread(values))
        sizes = found.values("training", "parameters", data=data, network=network.name)
        row.append(f"{sizes[0] / 1000:.0f} k" if len(sizes) else "")
        rows.append(row)
    return ["network", WORDS, SPEAKERS, "weights"], rows


def _spread(values: np.ndarray) -> str:
    if len(values) < 2:
        return f"{100 * values[0]:.1f} %" if len(values) else ""
    return f"{100 * values.mean():.1f} ± {100 * values.std(ddof=1):.1f} %"


STUDY = Study(
    "beyond",
    title="Beyond the four works: other architectures",
    about="Which claims on networks of raw waveforms hold for an AASIST, a residual, a strided, a SincNet, a LEAF and "
    "a wav2vec 2.0?",
    works=("swam", "relevance", "sonification", "simplenet"),
    claims=CLAIMS,
    plan=plan,
    parts=("accuracy", "response", "relevance", "depth", "folding"),
    pictures=(
        Picture(
            "claims",
            "Every claim for every network",
            published="none: the works have no such figure",
            caption="What each claim is judged by, of each network over its runs, and of all together over networks "
            "(diamond), with 95 % intervals; a single run has none. The line is where the claim would say nothing, the "
            "arrow points to where it holds. Green holds, red fails, grey is undecided. A network without a mark has "
            "no such number: LEAF has one layer with a way back; 13 and 15 are of the pair that differs in pooling.",
            draw=figures.claims_by_network,
            uses=("response", "relevance", "depth", "folding"),
            part="response",
        ),
        Picture(
            "crs",
            "Cumulative response spectra of both tasks",
            published="SWAM, Fig. 3: CRS of classes, models in columns",
            caption="Mean over clips, each over its mean over frequency; the band is the middle 80 % of the runs. "
            "Trained on words (digits), on speakers, and the weights that the training on words began with.",
            draw=figures.cumulative,
            uses=("response",),
            part="response",
        ),
        Picture(
            "relevance",
            "Where the relevance lies",
            published="Relevance, Fig. 5c and 5f: mean relevance over frequency",
            caption="Energy of the guided relevance of the likeliest class by band, mean over clips and runs.",
            draw=figures.relevance_by_band,
            uses=("relevance",),
            part="relevance",
        ),
        Picture(
            "coherence",
            "Coherence of sonification and input by layer",
            published="Sonification, Fig. 6.3: M_c over layers",
            caption="Mean over clips, tasks and runs, of the most active map of each layer; the band is from the "
            "lowest to the highest run. LEAF is missing: its other layers have no way back that the rule governs.",
            draw=figures.coherence_by_depth,
            uses=("depth",),
            part="depth",
        ),
        Picture(
            "folding",
            "Folding and gain by step",
            published="SimpleNet, Fig. 3: what a pooling folds",
            caption="Above, of each step that drops the rate the share of energy of sounds that it folds below the new "
            "limit; below, the root mean square of what sines of all frequencies leave behind it, over that of the "
            "sine. Mean over tasks and runs; the band is from the lowest to the highest. What a step folds matters as "
            "much as its output does: folding at a gain of -60 dB is not heard by what follows unless a norm lifts it.",
            draw=figures.folding_by_step,
            uses=("folding",),
            part="folding",
        ),
    ),
    tables=(
        Listing(
            "by-network",
            "Claims in rows, networks in columns",
            "The verdict by the rule of the claim for each network over its runs, with the number and its 95 % "
            "interval, and for all networks over networks. Empty where a network has no such number.",
            make=_by_network,
            uses=("response", "relevance", "depth", "folding"),
            part="response",
        ),
        Listing(
            "accuracy",
            "Test accuracy",
            "Mean and deviation over runs.",
            make=_accuracies,
            uses=("training",),
            part="accuracy",
        ),
    ),
    left_out=(
        "The networks are a tenth to a thousandth of the published ones, at 8 kHz and trained for 3 to 5 epochs: the "
        "claims are tested on architectures, and not on the published models.",
        "wav2vec 2.0 is trained with labels; what it learns by itself from masked speech is not looked at.",
        "AASIST has edges of its filters that are trained, since fixed ones cannot depend on the task.",
        "The initial weights are looked at with the running means of a normalisation that has seen no sound.",
        "Accuracies of Speech Commands and LibriSpeech are not those of a published table.",
    ),
    cost="quick about 5 min, in full about 30 min on one idle core (estimated from 7 of 42 trainings)",
)
