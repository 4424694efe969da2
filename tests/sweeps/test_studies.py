"""Methods of a data set swept clip by clip: rows of each clip, whose means are those of the method over all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from runs_of_tests import RATE, read, write_sounds
from torch import nn

from otoscope import InputError, Scope, sweep
from otoscope.audio import as_clip
from otoscope.data.aev import vowel_tokens
from otoscope.data.items import Item
from otoscope.dsp.scores import share_interval
from otoscope.runs import Run, questions
from otoscope.sweeps.known import resolved_methods

STUDIES: dict[str, tuple[dict[str, Any], list[str]]] = {
    "residual_study": (
        {"control": ["live_map", "noise", "moved"], "own_answers": True},
        ["agreement", "logit_change", "probability_change", "control_probability_change", "logit_effect",
         "probability_effect", "agreement_effect"],
    ),
    "coherence": ({"nperseg": 64}, ["coherence"]),
    "subband_emphasis": ({"n_bands": 6, "rule": "gradient"}, ["emphasis", "input_emphasis"]),
}  # fmt: skip
pytest.importorskip("duckdb")

BOUNDS = {"coherence": "", "emphasis": ""}  # of which the bounds are called ci_low and ci_high alone


def test_the_means_of_a_run_are_those_of_the_method(model: str, sounds: Path, tmp_path: Path) -> None:
    methods = {name: given for name, (given, _) in STUDIES.items()}
    done = sweep(model, sounds, methods=methods, out=tmp_path / "run", workers=0)
    assert (done.clips, done.causes) == (12, {})
    for name, (given, measures) in STUDIES.items():
        result = getattr(Scope(model), name)(sounds, **given)
        for measure in measures:
            found = questions.summary(Run(tmp_path / "run"), method=name, variable=f"clip_{measure}")
            assert len(found) == result[measure].size and set(found["clips"]) == {12}
            for row in found.itertuples():
                one = result.sel({"layer": row.layer} if isinstance(row.layer, str) else {}).sel(**_coordinates(row.at))
                assert row.mean == pytest.approx(float(one[measure]), rel=1e-4, abs=1e-6)
                if measure != "input_emphasis":  # has no bounds
                    prefix = BOUNDS.get(measure, f"{measure}_")
                    assert row.ci_low == pytest.approx(float(one[f"{prefix}ci_low"]), rel=1e-3, abs=1e-5)
                    assert row.ci_high == pytest.approx(float(one[f"{prefix}ci_high"]), rel=1e-3, abs=1e-5)


def _coordinates(at: Any) -> dict[str, Any]:
    return json.loads(at) if isinstance(at, str) else {}


def small(seed: int) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv1d(1, 6, 20, stride=2), nn.ReLU(), nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(6, 3)
    )


def test_intervals_over_seeds_are_those_of_the_method_and_speakers_have_their_own_means(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    waves = [as_clip(draw.uniform(-0.4, 0.4, 1600), RATE, name=str(n)) for n in range(8)]
    items = [Item(wave, ("0",), facts={"speaker": f"s{n % 4}"}) for n, wave in enumerate(waves)]
    models = [Scope(small(seed), sample_rate=RATE) for seed in range(3)]
    given = {"own_answers": True, "control": "moved"}
    for number, scope in enumerate(models):
        sweep(scope, items, methods={"residual_study": given}, out=tmp_path / str(number), workers=0)
    runs = [Run(tmp_path / str(number)) for number in range(3)]
    result = models[0].residual_study(waves, **given, others=[scope.model for scope in models[1:]])
    alone = models[0].residual_study(waves, **given)
    for measure in ("agreement", "logit_change", "probability_effect"):
        (row,) = questions.summary(runs[0], variable=f"clip_{measure}", others=runs[1:]).to_dict("records")
        for bound in ("low", "high"):
            expected = float(result[f"{measure}_ci_{bound}"].squeeze())
            assert row[f"seeds_{bound}"] == pytest.approx(expected, rel=1e-3, abs=1e-5)
        by_clip = alone[f"clip_{measure}"].squeeze().values.reshape(2, 4)  # speakers are in turn
        assert row["speakers_low"] == pytest.approx(by_clip.mean(0).min(), rel=1e-3, abs=1e-5)
        assert row["speakers_high"] == pytest.approx(by_clip.mean(0).max(), rel=1e-3, abs=1e-5)


def test_clips_by_themselves_say_what_they_say_together(model: str, tmp_path: Path) -> None:
    sounds = write_sounds(tmp_path / "sounds", each=1)
    given = {"methods": {"residual_study": {"control": "live_map", "own_answers": True}}, "workers": 0}
    sweep(model, sounds, out=tmp_path / "together", **given)
    sweep(model, sounds, out=tmp_path / "apart", batch_size=1, **given)
    together, apart = read(tmp_path / "together"), read(tmp_path / "apart")
    assert [{**row, "value": 0} for row in together] == [{**row, "value": 0} for row in apart]
    np.testing.assert_allclose([row["value"] for row in together], [row["value"] for row in apart], atol=1e-4)


@pytest.mark.parametrize("name", ["layer_importance", "top_activations", "crs_classifier"])
def test_what_says_nothing_of_a_clip_is_refused_with_what_can_be_swept(name: str) -> None:
    with pytest.raises(InputError, match=r"nothing of one clip.*swept is .*coherence.*study.*output") as raised:
        resolved_methods(name)
    assert "layer_importance," not in str(raised.value)


def test_arguments_that_hold_for_a_clip_by_itself_cannot_be_set() -> None:
    assert resolved_methods("subband_emphasis")["subband_emphasis"]["by_class"] is False
    with pytest.raises(InputError, match="no argument by_class"):
        resolved_methods({"subband_emphasis": {"by_class": True}})


def test_the_vowel_protocol_gives_the_shares_of_the_method(tmp_path: Path) -> None:
    pytest.importorskip("parselmouth")
    tokens = list(vowel_tokens(groups=["men", "girls"], limit=12))
    known = [dict(zip(("f0", "f1", "f2"), map(str, token.known), strict=True)) for token in tokens]
    facts = [
        {"vowel": one.vowel, "group": one.group, "centre": str(one.centre)} | of
        for one, of in zip(tokens, known, strict=True)
    ]
    items = [Item(token.clip, (of["vowel"],), facts=of) for token, of in zip(tokens, facts, strict=True)]
    scope = Scope("vowel-name")
    done = sweep(scope, items, methods="vowels", out=tmp_path / "run", workers=0)
    assert (done.clips, done.causes) == (12, {})
    expected = scope.vowels(groups=["men", "girls"], limit=12)
    found = questions.summary(Run(tmp_path / "run"), variable="clip_right", by="group")
    assert len(found) == 2 * 2 * 3
    for row in found.itertuples():
        cell = expected.sel(group=row.group, **json.loads(row.at))
        tokens_of, hits = cell["tokens"].sum(), (cell["share"] * cell["tokens"]).sum()
        assert row.clips == int(tokens_of) and row.mean == pytest.approx(float(hits / tokens_of))
        low, high = share_interval(float(hits), float(tokens_of))
        assert (row.ci_low, row.ci_high) == pytest.approx((float(low), float(high)))


def test_a_sound_of_which_nothing_is_known_is_no_vowel(model: str, sounds: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"not known as a vowel of a talker: it needs the facts vowel .*has no facts"):
        sweep(model, sounds, methods="vowels", out=tmp_path / "run", workers=0)
