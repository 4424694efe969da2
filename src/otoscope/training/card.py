"""The card of a trained model: what it is, what it learnt from and how, how well it does, and how to look into it."""

from __future__ import annotations

import json
import math
import platform
import shlex
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NamedTuple

from torch import nn

from otoscope._version import __version__
from otoscope.data.sets import SETS
from otoscope.models import available
from otoscope.training.recipe import Recipe, to_yaml

#: Data sets that the Hugging Face Hub has too, under the names there.
ON_THE_HUB = {
    "librispeech": "openslr/librispeech_asr",
    "speech-commands": "google/speech_commands",
    "timit": "timit-asr/timit_asr",
}

#: What metrics are called in words. Where the Hub knows a metric by another name than ours, that follows.
METRICS: dict[str, tuple[str, str]] = {
    "accuracy": ("accuracy", "accuracy"),
    "equal_error_rate": ("equal error rate", "eer"),
    "mean_average_precision": ("mean average precision (mAP)", "mean_average_precision"),
    "mean_auc": ("mean area under the ROC curve (mAUC)", "roc_auc"),
    "d_prime": ("d-prime", "d_prime"),
    "phone_error_rate": ("phone error rate", "per"),
}

_METHODS = {
    "supervised": "supervised, with the labels of its clips",
    "contrastive": "contrastive (SimCLR), without labels",
    "linear": "linear: only its classifier learnt, the rest stayed as it was",
    "frames": "on single frames: the phone in the middle of each window",
}
_PARTS = ("train", "validation", "test")
_SHOWN = 60  # classes at most


class _Figure(NamedTuple):
    """How well the model does on one part."""

    part: str
    metric: str
    value: float
    interval: tuple[float, float] | None


def model_card(
    recipe: Recipe,
    model: nn.Module,
    *,
    name: str,
    clips: Mapping[str, int],
    metrics: Mapping[str, float],
    seconds: float | None = None,
    device: str | None = None,
    fold: str | None = None,
    intervals: Mapping[str, tuple[float, float]] | None = None,
    licence: str = "unknown",
    versions: Mapping[str, str] | None = None,
) -> str:
    """Describe a trained model in Markdown, with the heading in YAML that the Hugging Face Hub reads.

    Parameters
    ----------
    recipe : Recipe
        By which it was trained.
    model : torch.nn.Module
        With `sample_rate`, and where it has them `input_length` and `classes`; an encoder has no classes.
    name : str
        Of the model, and of its folder.
    clips : mapping of str to int
        How many there are in the parts train, validation and test.
    metrics : mapping of str to float
        Such as ``test_accuracy``, ``validation_d_prime`` or ``train_loss`` (of the last epoch). Those without a part
        are of the last part that there is.
    seconds : float, optional
        That the training took.
    device : str, optional
        On what, such as ``"2 CPU cores"``.
    fold : str, optional
        In a cross-validation, the part that it was tested on.
    intervals : mapping of str to tuple of two float, optional
        95 % intervals, by the names of `metrics`.
    licence : str
        Of the model, as the Hub calls it, such as ``"apache-2.0"``. By default it is left to who publishes.
    versions : mapping of str to str, optional
        Of what it was trained with; those of Otoscope, PyTorch, Lightning and Python that run now by default.

    Returns
    -------
    str

    Examples
    --------
    >>> from otoscope.models import load
    >>> recipe = Recipe.model_validate({
    ...     "about": "Registers of synthesised vowels.",
    ...     "model": {"name": "vowelnet"},
    ...     "data": {"set": "vowels", "task": "register", "train": "all", "validation": 0.2},
    ...     "learn": {"epochs": 3, "batch_size": 8},
    ... })
    >>> model = load("vowelnet", classes=["low", "mid", "high"])
    >>> text = model_card(recipe, model, name="registers", clips={"train": 192, "validation": 48},
    ...     metrics={"validation_accuracy": 0.9375})
    >>> [line for line in text.splitlines() if "0.9375" in line]
    ['      value: 0.9375', '| validation | 48 | accuracy | 0.9375 |']
    """
    figures = [_figure(key, value, clips, (intervals or {}).get(key)) for key, value in metrics.items()]
    heading = _heading(recipe, model, name, figures, licence)
    sections = {
        "Data": _data(recipe, clips, fold),
        "Training": _training(recipe, name, seconds, device, versions or _versions()),
        "How well it does": _figures_table(figures, clips),
        "How to look into it": _use(name),
        "Limits": _limits(recipe, model, clips, licence),
    }
    body = "\n\n".join(f"## {title}\n\n{text.strip()}" for title, text in sections.items())
    return f"---\n{to_yaml(heading)}---\n\n# {name}\n\n{_what_it_is(recipe, model)}\n\n{body}\n"


# -- The heading ------------------------------------------------------------------------------------------


def _heading(recipe: Recipe, model: Any, name: str, figures: list[_Figure], licence: str) -> dict[str, Any]:
    classifies = bool(getattr(model, "classes", None))
    judged = [figure for figure in figures if figure.metric in METRICS and math.isfinite(figure.value)]
    heading: dict[str, Any] = {
        "license": licence,
        "library_name": "otoscope",
        "pipeline_tag": "audio-classification" if classifies else "feature-extraction",
        "tags": ["audio", "raw-waveform", _architecture(recipe, model), recipe.data.set, recipe.learn.method],
    }
    if recipe.data.set in ON_THE_HUB:
        heading["datasets"] = [ON_THE_HUB[recipe.data.set]]
    if judged:
        heading["metrics"] = list(dict.fromkeys(METRICS[figure.metric][1] for figure in judged))
        heading["model-index"] = [{"name": name, "results": list(_results(recipe, judged))}]
    return heading


def _results(recipe: Recipe, judged: list[_Figure]) -> Iterator[dict[str, Any]]:
    for part in dict.fromkeys(figure.part for figure in judged):
        kind = ON_THE_HUB.get(recipe.data.set, recipe.data.set)
        yield {
            "task": {"type": "audio-classification"},
            "dataset": {"type": kind, "name": recipe.data.set, "split": part},
            "metrics": [
                {"type": METRICS[metric][1], "name": METRICS[metric][0], "value": float(f"{value:.6g}")}
                for where, metric, value, _ in judged
                if where == part
            ],
        }


# -- The sections -----------------------------------------------------------------------------------------


def _what_it_is(recipe: Recipe, model: Any) -> str:
    size = sum(parameter.numel() for parameter in model.parameters())
    rate, length, shortest = (getattr(model, key, None) for key in ("sample_rate", "input_length", "minimum_length"))
    takes = f"{shortest / rate:.3g} s or more" if shortest else "any length"
    if length:
        takes = f"{length / rate:.4g} s ({length:,} samples)"
    return "\n".join(
        [
            recipe.about.strip(),
            "",
            f"- **Architecture**: `{_architecture(recipe, model)}`, {size:,} parameters",
            f"- **Takes**: the raw waveform, (batch, 1, time), at {rate:,} Hz; {takes}",
            f"- **Tells**: {_classes(getattr(model, 'classes', None))}",
        ]
    )


def _architecture(recipe: Recipe, model: Any) -> str:
    return str((getattr(model, "config", None) or {}).get("architecture", recipe.model.name))


def _classes(classes: tuple[str, ...] | None) -> str:
    if not classes:
        return "no classes: it is an encoder, and what it returns is an embedding"
    shown = ", ".join(str(name) for name in classes[:_SHOWN])
    more = f" and {len(classes) - _SHOWN} more, see config.json" if len(classes) > _SHOWN else ""
    return f"{len(classes)} classes: {shown}{more}"


def _data(recipe: Recipe, clips: Mapping[str, int], fold: str | None) -> str:
    data, source = recipe.data, SETS.get(recipe.data.set)
    about = f"`{data.set}`"
    if source is not None:
        place = f"[`{data.set}`]({source.url})" if "://" in source.url else f"`{data.set}` ({source.url})"
        about = f"{place}: {source.about}. Licence: {source.licence}."
    task = data.task or next(iter(source.tasks if source else ()), None)
    if task and recipe.learn.method != "contrastive":
        about += f" Told apart: {task}."
    rows = [f"| {part} | {_split(recipe, part, fold)} | {number:,} |" for part, number in clips.items()]
    return "\n".join([about, "", "| part | of the official split | clips |", "| --- | --- | --- |", *rows])


def _split(recipe: Recipe, part: str, fold: str | None) -> str:
    """What of the official split a part is."""
    data = recipe.data
    asked = getattr(data, part, None)
    if part == "validation" and isinstance(asked, float):
        return f"{asked:.4g} of what there is to train on, held out"
    if asked is None and data.folds is not None and fold is not None:
        return {"train": f"all but {fold}", "test": fold}.get(part, "")
    return ", ".join([asked] if isinstance(asked, str) else asked or [])


def _training(recipe: Recipe, name: str, seconds: float | None, device: str | None, versions: Mapping[str, str]) -> str:
    started = f"the weights of `{_last_names(recipe.model.weights)}`" if recipe.model.weights else "random weights"
    took = "" if seconds is None else f" It took {_duration(seconds)}{f' on {device}' if device else ''}."
    content = recipe.model_dump()
    del content["data"]["folder"]  # where things lie on one machine says nothing to others
    content["model"]["weights"] = _last_names(recipe.model.weights)
    return "\n".join(
        [
            f"Method: {_METHODS[recipe.learn.method]}. It started from {started}.{took}",
            f"Trained with {', '.join(f'{what} {number}' for what, number in versions.items())}.",
            "",
            "```bash",
            f"otoscope train recipe.yaml --out {shlex.quote(name)}",
            "```",
            "",
            "`recipe.yaml`:",
            "",
            "```yaml",
            to_yaml(content).rstrip(),
            "```",
        ]
    )


def _figures_table(figures: list[_Figure], clips: Mapping[str, int]) -> str:
    if not figures:
        return "It was not measured."
    bounded = any(figure.interval for figure in figures)
    rows = [["part", "clips", "metric", "value", "95 % interval"], ["---"] * 5]
    for part, metric, value, interval in figures:
        called = METRICS[metric][0] if metric in METRICS else metric.replace("_", " ")
        bounds = " to ".join(map(_show, interval)) if interval else ""
        rows.append([part, f"{clips[part]:,}" if part in clips else "", called, _show(value), bounds])
    return "\n".join(f"| {' | '.join(row if bounded else row[:-1])} |" for row in rows)


def _use(name: str) -> str:
    folder = f"./{name}" if name in available() else name  # an architecture of that name would be built anew
    return f"""From where its folder lies; once it is published, `hf:ORG/NAME` stands in place of the folder.

```python
import otoscope

model = otoscope.load({json.dumps(folder, ensure_ascii=False)})
wave = otoscope.load_audio("clip.wav", sample_rate=model.sample_rate)
otoscope.Scope(model).strs(wave).otoscope.plot()
```

```bash
otoscope inspect {shlex.quote(folder)} clip.wav --out seen
otoscope filters {shlex.quote(folder)} --out filters
```
"""


def _limits(recipe: Recipe, model: Any, clips: Mapping[str, int], licence: str) -> str:
    limits = [f"It learnt from `{recipe.data.set}` and was measured on nothing else: other recordings may be harder."]
    if getattr(model, "classes", None):
        limits.append(
            "It knows only its classes, and gives each a score for any sound, also for one that is none of them."
        )
    else:
        limits.append("Its embedding means nothing by itself: a classifier has to learn to read it.")
    if clips.get("validation") and not clips.get("test"):
        limits.append("The validation clips also chose the epoch that was kept, so unseen clips may do worse.")
    if licence == "unknown":
        limits.append(
            "Under which licence it may be used is not said: who publishes it says so at the top of this card, as the "
            "licence of the data allows."
        )
    return "\n".join(f"- {limit}" for limit in limits)


# -- Figures and words ------------------------------------------------------------------------------------


def _figure(key: str, value: float | None, clips: Mapping[str, int], interval: tuple[float, float] | None) -> _Figure:
    """Tell part and metric in the name of a figure."""
    number = math.nan if value is None else float(value)
    part, _, metric = key.partition("_")
    if part in _PARTS and metric:
        return _Figure(part, metric, number, interval)
    last = next((part for part in reversed(_PARTS) if clips.get(part)), "train")
    return _Figure(last, key, number, interval)


def _show(value: float) -> str:
    if math.isnan(value):
        return "not defined"
    return f"{value:.4g}" if math.isfinite(value) else "infinite"


def _duration(seconds: float) -> str:
    if seconds < 100:
        return f"{seconds:.3g} s"
    return f"{seconds / 60:.3g} min" if seconds < 6000 else f"{seconds / 3600:.3g} h"


def _versions() -> dict[str, str]:
    found = {"Otoscope": __version__}
    for called, package in (("PyTorch", "torch"), ("Lightning", "lightning")):
        try:
            found[called] = version(package)
        except PackageNotFoundError:
            continue
    return found | {"Python": platform.python_version()}


def _last_names(place: str | None) -> str | None:
    return None if place is None else "/".join(Path(place).parts[-2:])
