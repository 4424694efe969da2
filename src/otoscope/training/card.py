"""The model card: architecture, data, training, results, usage and limitations of a trained model."""

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
from otoscope.data.items import Source
from otoscope.data.joined import JOINS, names_of_joined
from otoscope.data.sets import SETS
from otoscope.models import available
from otoscope.training.recipe import Recipe, to_yaml

#: Data sets that are on the Hugging Face Hub, and their names there.
ON_THE_HUB = {
    "librispeech": "openslr/librispeech_asr",
    "speech-commands": "google/speech_commands",
    "timit": "timit-asr/timit_asr",
}

#: Names of metrics in words, and on the Hub.
METRICS: dict[str, tuple[str, str]] = {
    "accuracy": ("accuracy", "accuracy"),
    "equal_error_rate": ("equal error rate", "eer"),
    "mean_average_precision": ("mean average precision (mAP)", "mean_average_precision"),
    "mean_auc": ("mean area under the ROC curve (mAUC)", "roc_auc"),
    "d_prime": ("d-prime", "d_prime"),
    "phone_error_rate": ("phone error rate", "per"),
}

_METHODS = {
    "supervised": "supervised, on labelled clips",
    "contrastive": "contrastive (SimCLR), without labels",
    "linear": "linear: only the classifier was trained, on a frozen encoder",
    "frames": "frame by frame: the phone in the middle of each window",
}
_SOURCES = {"train": "training", "test": "test"}
_SPLITS = ("train", "validation", "test")
_SHOWN = 60  # classes at most


_NOT_METRICS = ("clips", "seconds", "device", "parameters", "epochs", "otoscope_version")


class _Figure(NamedTuple):
    """One metric of one split."""

    split: str
    metric: str
    value: float
    interval: tuple[float, float] | None


def model_card(
    recipe: Recipe,
    model: nn.Module,
    metrics: Mapping[str, Any],
    *,
    name: str,
    fold: str | None = None,
    licence: str = "unknown",
    versions: Mapping[str, str] | None = None,
) -> str:
    """Describe a trained model in Markdown, with the YAML header that the Hugging Face Hub reads.

    Parameters
    ----------
    recipe : Recipe
        Of its training.
    model : torch.nn.Module
        With `sample_rate`, and where it has them `input_length` and `classes`; an encoder has no classes.
    metrics : mapping
        The results of the training, as in ``metrics.json``: metrics such as ``test_accuracy``, ``validation_d_prime``
        or ``train_loss`` (of the last epoch), ``clips`` (how many there are in each split) and, optionally, ``seconds``
        (training time) and ``device``. Metrics without a split in their name are of the last split. Accuracies get 95 %
        intervals after Wilson.
    name : str
        Of the model, and of its folder.
    fold : str, optional
        The test split, in a cross-validation.
    licence : str
        Of the model, in the Hub's spelling, such as ``"apache-2.0"``. By default it is left to the publisher.
    versions : mapping of str to str, optional
        Software it was trained with; the running Otoscope, PyTorch, Lightning and Python by default.

    Returns
    -------
    str

    Examples
    --------
    >>> from otoscope.models import load
    >>> from otoscope.training.recipe import read_recipe
    >>> model = load("vowelnet", classes=["low", "mid", "high"])
    >>> results = {"validation_accuracy": 0.9375, "clips": {"train": 192, "validation": 48}}
    >>> text = model_card(read_recipe("laptop/vowels", ["data.task=register"]), model, results, name="registers")
    >>> [line for line in text.splitlines() if "0.9375" in line]
    ['      value: 0.9375', '| validation | 48 | accuracy | 0.9375 | 0.8316 to 0.9785 |']
    """
    clips = metrics["clips"]
    figures = [_figure(key, value, clips) for key, value in metrics.items() if key not in _NOT_METRICS]
    sections = {
        "Data": _data(recipe, clips, fold),
        "Training": _training(recipe, name, metrics, versions or _versions()),
        "Results": _results_table(figures, clips),
        "Usage": _usage(name),
        "Limitations": _limitations(recipe, model, clips, licence),
    }
    body = "\n\n".join(f"## {title}\n\n{text.strip()}" for title, text in sections.items())
    header = to_yaml(_header(recipe, model, name, figures, licence))
    return f"---\n{header}---\n\n# {name}\n\n{_summary(recipe, model)}\n\n{body}\n"


# -- The header ------------------------------------------------------------------------------------------


def _header(recipe: Recipe, model: Any, name: str, figures: list[_Figure], licence: str) -> dict[str, Any]:
    classifies = bool(getattr(model, "classes", None))
    results = [figure for figure in figures if figure.metric in METRICS and math.isfinite(figure.value)]
    header: dict[str, Any] = {
        "license": licence,
        "library_name": "otoscope",
        "pipeline_tag": "audio-classification" if classifies else "feature-extraction",
        "tags": ["audio", "raw-waveform", _architecture(recipe, model), recipe.data.set, recipe.learn.method],
    }
    if recipe.data.set in ON_THE_HUB:
        header["datasets"] = [ON_THE_HUB[recipe.data.set]]
    if results:
        header["metrics"] = list(dict.fromkeys(METRICS[figure.metric][1] for figure in results))
        header["model-index"] = [{"name": name, "results": list(_hub_results(recipe, results))}]
    return header


def _hub_results(recipe: Recipe, results: list[_Figure]) -> Iterator[dict[str, Any]]:
    for split in dict.fromkeys(figure.split for figure in results):
        kind = ON_THE_HUB.get(recipe.data.set, recipe.data.set)
        yield {
            "task": {"type": "audio-classification"},
            "dataset": {"type": kind, "name": recipe.data.set, "split": split},
            "metrics": [
                {"type": METRICS[metric][1], "name": METRICS[metric][0], "value": float(f"{value:.6g}")}
                for of_split, metric, value, _ in results
                if of_split == split
            ],
        }


# -- The sections -----------------------------------------------------------------------------------------


def _summary(recipe: Recipe, model: Any) -> str:
    size = sum(parameter.numel() for parameter in model.parameters())
    rate, length, shortest = (getattr(model, key, None) for key in ("sample_rate", "input_length", "minimum_length"))
    duration = f"{shortest / rate:.3g} s or more" if shortest else "any length"
    if length:
        duration = f"{length / rate:.4g} s ({length:,} samples)"
    return "\n".join(
        [
            recipe.about.strip(),
            "",
            f"- **Architecture**: `{_architecture(recipe, model)}`, {size:,} parameters",
            f"- **Input**: raw waveform (batch, 1, time) at {rate:,} Hz, {duration}",
            f"- **Output**: {_classes(getattr(model, 'classes', None))}",
        ]
    )


def _architecture(recipe: Recipe, model: Any) -> str:
    return str((getattr(model, "config", None) or {}).get("architecture", recipe.model.name))


def _classes(classes: tuple[str, ...] | None) -> str:
    if not classes:
        return "an embedding: it is an encoder without classes"
    shown = ", ".join(str(name) for name in classes[:_SHOWN])
    more = f" and {len(classes) - _SHOWN} more, see config.json" if len(classes) > _SHOWN else ""
    return f"{len(classes)} classes: {shown}{more}"


def _data(recipe: Recipe, clips: Mapping[str, int], fold: str | None) -> str:
    data = recipe.data
    sources = [SETS[name] for name in names_of_joined(data.set) if name in SETS]
    about = " ".join(map(_about, sources)) or f"`{data.set}`"
    task = data.task or JOINS.join(next(iter(source.tasks), "") for source in sources)
    if task and recipe.learn.method != "contrastive":
        about += f" Task: {task}."
    rows = [f"| {split} | {_official(recipe, split, fold)} | {number:,} |" for split, number in clips.items()]
    return "\n".join([about, "", "| split | official split | clips |", "| --- | --- | --- |", *rows])


def _about(source: Source) -> str:
    place = f"[`{source.name}`]({source.url})" if "://" in source.url else f"`{source.name}` ({source.url})"
    return f"{place}: {source.about}. Licence: {source.licence}."


def _official(recipe: Recipe, split: str, fold: str | None) -> str:
    """The official splits that a split consists of."""
    data = recipe.data
    named = getattr(data, split, None)
    if split == "validation" and data.validation_clips is not None:
        return f"{data.validation_clips} of the {_SOURCES[data.validation_from]} clips, held out"
    if isinstance(named, float):
        source = _SOURCES[data.validation_from if split == "validation" else "train"]
        return f"{named:.4g} of the {source} clips, held out"
    if named is None and data.folds is not None and fold is not None:
        return {"train": f"all but {fold}", "test": fold}.get(split, "")
    return ", ".join([named] if isinstance(named, str) else named or [])


def _training(recipe: Recipe, name: str, metrics: Mapping[str, Any], versions: Mapping[str, str]) -> str:
    seconds, device = metrics.get("seconds"), metrics.get("device")
    started = f"the weights of `{_last_names(recipe.model.weights)}`" if recipe.model.weights else "random weights"
    took = "" if seconds is None else f" It took {_duration(seconds)}{f' on {device}' if device else ''}."
    content = recipe.model_dump()
    del content["data"]["folder"]  # a path of one machine
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


def _results_table(figures: list[_Figure], clips: Mapping[str, int]) -> str:
    if not figures:
        return "Not evaluated."
    bounded = any(figure.interval for figure in figures)
    rows = [["split", "clips", "metric", "value", "95 % interval"], ["---"] * 5]
    for split, metric, value, interval in figures:
        called = METRICS[metric][0] if metric in METRICS else metric.replace("_", " ")
        bounds = " to ".join(map(_format, interval)) if interval else ""
        rows.append([split, f"{clips[split]:,}" if split in clips else "", called, _format(value), bounds])
    return "\n".join(f"| {' | '.join(row if bounded else row[:-1])} |" for row in rows)


def _usage(name: str) -> str:
    folder = f"./{name}" if name in available() else name  # a bare name would be the architecture
    return f"""In the folder that contains the model's folder. Once it is published, use `hf:ORG/NAME` instead.

```python
import otoscope

model = otoscope.load({json.dumps(folder, ensure_ascii=False)})
wave = otoscope.load_audio("clip.wav", sample_rate=model.sample_rate)
otoscope.Scope(model).strs(wave).otoscope.plot()
```

```bash
otoscope inspect {shlex.quote(folder)} clip.wav --out inspection
otoscope filters {shlex.quote(folder)} --out filters
```
"""


def _limitations(recipe: Recipe, model: Any, clips: Mapping[str, int], licence: str) -> str:
    limits = [f"It was trained and evaluated on `{recipe.data.set}` alone: other recordings may be harder."]
    if getattr(model, "classes", None):
        limits.append("It scores its classes for any sound, also for one that belongs to none of them.")
    else:
        limits.append("Its embedding needs a classifier trained on top of it.")
    if clips.get("validation") and not clips.get("test"):
        limits.append("The validation clips also selected the epoch, so accuracy on unseen clips may be lower.")
    if licence == "unknown":
        limits.append(
            "Its licence is not stated: whoever publishes it states it at the top of this card, as the licence of the "
            "data allows."
        )
    return "\n".join(f"- {limit}" for limit in limits)


# -- Figures and words ------------------------------------------------------------------------------------


def _figure(key: str, value: float | None, clips: Mapping[str, int]) -> _Figure:
    """A metric and its split, from a name such as ``test_accuracy``."""
    number = math.nan if value is None else float(value)
    split, _, metric = key.partition("_")
    if split not in _SPLITS or not metric:
        split, metric = next((split for split in reversed(_SPLITS) if clips.get(split)), "train"), key
    interval = _wilson(number, clips[split]) if metric == "accuracy" and clips.get(split) else None
    return _Figure(split, metric, number, interval)


def _wilson(share: float, clips: int) -> tuple[float, float]:
    """The 95 % interval of a share of correct clips."""
    from scipy.stats import binomtest

    interval = binomtest(round(share * clips), clips).proportion_ci(method="wilson")
    return float(interval.low), float(interval.high)


def _format(value: float) -> str:
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
