"""The study of sonification: encoders with labels and without, what their maps sound like, and which of them matter."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from otoscope.dsp.statistics import mean_interval
from otoscope.studies.found import Found
from otoscope.studies.sonification import figures, measures
from otoscope.studies.sonification.claims import CLAIMS
from otoscope.studies.sonification.encoders import CONTRASTIVE, FREE, FULL, LARGE, LINEAR, NONE, SUPERVISED
from otoscope.studies.sonification.steps import LAYERS, PUBLISHED_OFFSET, plan
from otoscope.studies.study import Listing, Picture, Study


def _shifts(found: Found) -> tuple[Sequence[str], Sequence[Sequence[object]]]:
    rows = []
    for layer in LAYERS:
        for offset in found.distinct("shift", "offset", layer=layer):
            values = found.values("shift", "correlation", layer=layer, offset=offset)
            mean, low, high = map(float, mean_interval(values))
            hop = found.distinct("shift", "hop", layer=layer)[0]
            rows.append([layer, hop, offset, offset % hop, f"{mean:.4f} ({low:.4f} to {high:.4f})"])
    return ["layer", "hop", "offset", "beyond a multiple of the hop", "correlation"], rows


def _transfers(found: Found) -> tuple[Sequence[str], Sequence[Sequence[object]]]:
    """A row for each data, task, start and mode: the mean score and its interval over runs."""
    rows: list[list[object]] = []
    for data in (FREE, LARGE):
        tasks = dict.fromkeys(
            [*found.distinct("transfer", "task", data=data), *found.distinct("probe", "task", data=data)]
        )
        seeds = sorted({row["seed"] for row in [*found.rows("transfer", data=data), *found.rows("probe", data=data)]})
        for task in tasks:
            for start in (NONE, CONTRASTIVE, SUPERVISED):
                for mode in (LINEAR, FULL):
                    values = [measures.score_of(found, data, seed, task, start, mode) for seed in seeds]
                    known = [one for one in values if one is not None]
                    if known:
                        rows.append([_DATA[data], task, start, mode, len(known), _mean(known)])
    return ["data", "task", "pre-training", "trained", "runs", "score"], rows


def _labels(found: Found) -> tuple[Sequence[str], Sequence[Sequence[object]]]:
    """Linear classifiers for shares of the labels, and what SimCLR adds to random weights."""
    rows: list[list[object]] = []
    for task in found.distinct("probe", "task", data=FREE):
        for share in sorted({row["share"] for row in found.rows("probe", data=FREE, task=task, layer=11)}):
            of = {
                start: {
                    row["seed"]: row["score"]
                    for row in found.rows("probe", data=FREE, task=task, layer=11, share=share, start=start)
                }
                for start in (NONE, CONTRASTIVE, SUPERVISED)
            }
            gains = [of[CONTRASTIVE][seed] - of[NONE][seed] for seed in of[CONTRASTIVE] if seed in of[NONE]]
            labels = found.distinct("probe", "labels", data=FREE, task=task, share=share)
            means = [_mean(list(one.values())) for one in of.values()]
            rows.append([task, f"{100 * share:g} %", labels[0], *means, _mean(gains)])
    return ["task", "labels", "clips", "random weights", "contrastive", "supervised", "contrastive minus random"], rows


def _dead(found: Found) -> tuple[Sequence[str], Sequence[Sequence[object]]]:
    """Dead maps before and after training, of all layers together."""
    rows: list[list[object]] = []
    for start in (CONTRASTIVE, SUPERVISED):
        for seed in sorted({row["seed"] for row in found.rows("growth", start=start)}):
            first = found.rows("growth", start=start, seed=seed, step="0", data=FREE)
            if first:
                sums = [
                    sum(row[name] for row in first) for name in ("maps", "dead", "dead_at_end", "dead_then_and_at_end")
                ]
                rows.append([start, seed, *sums, sums[2] - sums[3]])
    return ["encoder", "seed", "maps", "dead before training", "dead after", "both", "died in training"], rows


def _mean(values: Sequence[float]) -> str:
    if not values:
        return ""
    mean, low, high = map(float, mean_interval(np.asarray(values)))
    return f"{mean:.3f}" if np.isnan(low) else f"{mean:.3f} ({low:.3f} to {high:.3f})"


_DATA = {FREE: "FSDD and ESC-10", LARGE: "AudioSet and others"}

STUDY = Study(
    "sonification",
    title="Sonification of supervised and contrastive encoders",
    about="What do the maps of supervised and of contrastive encoders sound like, and which of them matter?",
    works=("sonification",),
    claims=CLAIMS,
    plan=lambda setting: tuple(plan(setting)),
    parts=("data", "encoder", "transfer", "sounds", "activity", "evolution", "layers", "residuals", "coherence"),
    pictures=(
        Picture(
            "fig-5.2",
            "Band selectivity and activity",
            published="Fig. 5.2: input and sonification of maps of layers 1, 8 and 9, supervised beside contrastive",
            caption="A random map of each layer and the word of FSDD's test set that drives it most; first run.",
            draw=figures.band_selectivity,
            uses=("pictures",),
            part="activity",
        ),
        Picture(
            "fig-5.2-numbers",
            "Activity and bands in numbers",
            published="section 5.3.1, in words",
            caption="Share of the maps that a clip drives (more than a hundredth of the most active one); of six "
            "random maps, where they sound, the peak over the mean of the spectrum of their sonification, and its "
            "energy above 2 kHz. Means over 40 clips of FSDD and ESC-10 that no encoder was trained on; bands: 95 % "
            "over runs.",
            draw=figures.activity,
            uses=("heard",),
            part="activity",
        ),
        Picture(
            "fig-5.3",
            "Supervised: layers 3 to 7",
            published="Fig. 5.3: chosen pairs of layers 3 to 7",
            caption="Not chosen: the random maps of Fig. 5.2. First run.",
            draw=figures.middle_layers,
            uses=("pictures",),
            part="activity",
        ),
        Picture(
            "fig-5.4",
            "Contrastive: layers 8 and 11",
            published="Fig. 5.4: chosen pairs of layers 8 and 11",
            caption="Not chosen: the random maps of Fig. A.1. First run.",
            draw=figures.deep_layers,
            uses=("pictures",),
            part="activity",
        ),
        Picture(
            "recognised",
            "Digits in sonifications, by an independent recogniser",
            published="section 5.3.2 says by ear that contrastive sonifications are more discernible",
            caption="The model fsdd-digit hears the sonification of the most active map of each layer of 100 words of "
            "the test set. Dotted: chance. Bands: 95 % over runs.",
            draw=figures.recognised,
            uses=("recognised",),
            part="activity",
        ),
        Picture(
            "fig-5.5",
            "Evolution of maps",
            published="Fig. 5.5: sonifications of chosen maps at checkpoints of the contrastive training",
            caption="Random maps of five layers for the word that drives them most in the end, contrastive, first run.",
            draw=figures.some_evolution,
            uses=("pictures",),
            part="activity",
        ),
        Picture(
            "dead-maps",
            "Dead maps, before training and after",
            published="section 5.3.3 asks whether initialisation or training makes them",
            caption="Share of the maps of a layer that none of 80 clips drives. Bands: 95 % over runs.",
            draw=figures.dead_maps,
            uses=("growth",),
            part="evolution",
        ),
        Picture(
            "fig-6.1",
            "Scores of the first layers",
            published="Fig. 6.1: FSD50K and Speech Commands over the layers that are kept, frozen and fine-tuned",
            caption="Whole lines: a linear classifier on frozen layers, all labels. Broken lines: all of it trained, "
            "on a tenth of the labels here. Events and digits were told to the supervised encoder, speakers to none. "
            "Bands: 95 % over runs.",
            draw=figures.layer_scores,
            uses=("probe",),
            part="layers",
        ),
        Picture(
            "few-labels",
            "Few labels",
            published="not in the thesis",
            caption="A linear classifier on the last layer, frozen, with shares of the labels (one of each class at "
            "least). Bands: 95 % over runs, of which each draws its own labels.",
            draw=figures.few_labels,
            uses=("probe",),
            part="layers",
        ),
        Picture(
            "fig-6.2",
            "Without the sonification of the most active map",
            published="Fig. 6.2: mAP on FSD50K without it, by layer, fine-tuned and with a classifier alone",
            caption="Ours on digits of FSDD, with controls of the same level. Broken: the whole sound. Bands: 95 % "
            "over runs.",
            draw=figures.residuals,
            uses=("without",),
            part="residuals",
        ),
        Picture(
            "fig-6.3",
            "Coherence of sonification and sound",
            published="Fig. 6.3: top-5 coherence by layer, supervised and contrastive",
            caption="With a network of random weights, one with strides in place of pooling, and, as what any "
            "unrelated sound of that spectrum and length has, the sonification played backwards. Means over 40 clips; "
            "bands: 95 % over runs.",
            draw=figures.coherence,
            uses=("heard",),
            part="coherence",
        ),
        Picture(
            "fig-a.1",
            "Contrastive: all layers",
            published="Fig. A.1: of three random maps of each layer the three sounds that drive it most",
            caption="One random map and two words of FSDD's test set. First run.",
            draw=figures.all_contrastive,
            uses=("pictures",),
            part="activity",
        ),
        Picture(
            "fig-a.2",
            "Supervised: all layers",
            published="Fig. A.2: as Fig. A.1",
            caption="As Fig. A.1, the same maps. First run.",
            draw=figures.all_supervised,
            uses=("pictures",),
            part="activity",
        ),
        Picture(
            "fig-a.3",
            "Contrastive: evolution of all layers",
            published="Fig. A.3: random maps at checkpoints",
            caption="One random map of each layer for the word that drives it most in the end. First run.",
            draw=figures.contrastive_evolution,
            uses=("pictures",),
            part="activity",
        ),
        Picture(
            "fig-a.4",
            "Supervised: evolution of all layers",
            published="Fig. A.4: random maps at checkpoints",
            caption="As Fig. A.3. First run.",
            draw=figures.supervised_evolution,
            uses=("pictures",),
            part="activity",
        ),
    ),
    tables=(
        Listing(
            "tables-4",
            "Tables 4.1 to 4.9 for what is trained here",
            "Test score, mean and 95 % interval over runs: accuracy, and mAP where a sound has several labels. "
            "`linear` is a classifier on the frozen encoder, `full` the whole network. Without pre-training `linear` "
            "is on random weights. Encoders heard FSDD and ESC-10 together; supervised ones were told digits and "
            "events, none the speakers. These are no reproductions: the thesis pre-trains on two million clips of "
            "AudioSet.",
            make=_transfers,
            uses=("transfer",),
            part="transfer",
        ),
        Listing(
            "few-labels",
            "Does SimCLR gain anything? Linear classifiers for shares of the labels",
            "Score on the test set, mean and 95 % interval over runs; a run draws its own labels, the same for all "
            "encoders.",
            make=_labels,
            uses=("probe",),
            part="layers",
        ),
        Listing(
            "dead-maps",
            "Dead maps: initialisation or training?",
            "Maps of all layers that none of 80 clips drives.",
            make=_dead,
            uses=("growth",),
            part="evolution",
        ),
        Listing(
            "fig-5.1",
            "Fig. 5.1 in numbers: sonifications of shifted sounds",
            f"Correlation with the sonification of the sound without its first samples, moved back: at "
            f"{PUBLISHED_OFFSET} samples, as in the thesis, and at the multiple of the hop below. Means over clips of "
            "ESC-10 with 95 % intervals; the most active map of each layer of fsdd-digit.",
            make=_shifts,
            uses=("shift",),
            part="sounds",
        ),
    ),
    left_out=(
        "Rows of Tables 4.3, 4.5, 4.7 and 4.9 on networks of others: they are quoted, not trained.",
        "On the free data Fig. A.1 to A.4 have one map of each layer and two sounds, to keep the rows small.",
        "What is heard by ear in section 5.3 is measured by a recogniser of digits; events have none.",
        "Fig. 3.1 (a drawing by others) claims nothing.",
    ),
    cost="quick about 6 min, in full about 60 min of one idle core (measured step by step, not yet run whole)",
)
