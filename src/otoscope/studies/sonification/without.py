"""Networks without the sonification of their most active map, and without a signal of its level (section 6.2)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from otoscope.data.find import drawn
from otoscope.methods.controls import CONTROLS
from otoscope.methods.residual_study import residual_study
from otoscope.studies.inputs import Sounds
from otoscope.studies.sonification.encoders import CONTRASTIVE, FREE, FULL, LINEAR, Trained
from otoscope.studies.sonification.features import blocks, subject_of
from otoscope.studies.step import Outcome, Row, Step, Work


def without_steps(one: Trained) -> Iterator[Step]:
    """The contrastive encoder with a classifier, whole and frozen, on digits here and on FSD50K as in the thesis."""
    task = "digits" if one.data == FREE else "events"
    if task not in one.tasks:
        return
    sounds = Sounds("fsdd", "digit", ("test",)) if one.data == FREE else Sounds("fsd50k", splits=("eval",))
    for mode in (FULL, LINEAR):
        yield Step(
            "without",
            without,
            {"clips": (20 if one.setting.quick else 150) if one.data == FREE else None, "controls": list(CONTROLS)},
            {"data": one.data, "task": task, "mode": mode, "seed": one.seed},
            (sounds,),
            (one.transfer(task, CONTRASTIVE, mode),),
            part="residuals",
            seconds=4 if one.setting.quick else 25,
            command=f"otoscope residual-study FOLDER {sounds.name} --control noise",
        )


def without(work: Work) -> Outcome:
    """Of each layer the score on residuals, and with controls in place of the sonification; of sounds with several
    labels the mean average precision.
    """
    subject = subject_of(work.model())
    given = work.arguments
    found = residual_study(
        subject, drawn(work.sounds(), given["clips"]), layer=blocks(subject.model), control=given["controls"],
        progress=lambda done, total: work.report("clips", done, total),
    )  # fmt: skip
    rows: list[Row] = []
    for layer in range(found.sizes["layer"]):
        one = found.isel(layer=layer)
        rows.append({
            "layer": layer + 1, "metric": found.attrs["metric"], "clips": int(found.attrs["clips"]),
            "baseline": float(found["baseline"]), "score": float(one["score"]),
            "score_ci_low": float(one["score_ci_low"]), "score_ci_high": float(one["score_ci_high"]),
            "agreement": float(one["agreement"]), "probability": float(one["probability_change"]),
            **{
                f"{kind}_{control}": float(np.asarray(one[f"control_{name}"].sel(control=control)))
                for control in given["controls"]
                for kind, name in (("score", "score"), ("probability", "probability_change"))
            },
        })  # fmt: skip
    return Outcome(rows)
