"""A recipe: a whole training in a YAML file, with its model, data, augmentation, learning and outputs."""

from __future__ import annotations

import difflib
import inspect
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic_core import PydanticCustomError

from otoscope.data.sets import SETS, parse
from otoscope.errors import InputError
from otoscope.files import write_text

Share = Annotated[float, Field(gt=0, lt=1)]
Positive = Annotated[float, Field(gt=0, lt=math.inf)]
Count = Annotated[int, Field(ge=1)]
CountOrZero = Annotated[int, Field(ge=0)]
Seed = Annotated[int, Field(ge=0, lt=2**32)]
SplitNames = str | list[str]
"""One split of a data set, or several."""
Metric = Literal[
    "accuracy",
    "equal_error_rate",
    "mean_average_precision",
    "mean_auc",
    "d_prime",
    "frame_accuracy",
    "loss",
]
"""What can select an epoch."""
LOWER_IS_BETTER = frozenset(["equal_error_rate", "loss"])
"""Metrics of which the lowest is the best."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class ModelSection(_Section):
    """The model, and the weights it starts from.

    Attributes
    ----------
    name : str
        What :func:`otoscope.load` takes: a name of the zoo, ``file.py:Class`` or ``package.module:factory``.
    options : mapping
        Of its factory, without the classes, which follow from the data.
    weights : str, optional
        A checkpoint folder (or weights file) to start from. Its classifier is kept if it has the classes of the data.
    new_head : bool
        Replace the classifier of `weights`, as for another task.
    """

    name: str
    options: dict[str, Any] = {}
    weights: str | None = None
    new_head: bool = False


class DataSection(_Section):
    """The data.

    Attributes
    ----------
    set : str
        A data set that :func:`otoscope.data.read` knows; or, without `folder`, whatever DATA may be, which is then kept
        as the kind and its `folder`: ``list.csv`` as ``table`` and ``list.csv``.
    folder : str, optional
        Its folder; by default the one of its name in OTOSCOPE_DATA.
    task : str, optional
        Which labels are the classes; the first task of the data set by default.
    train, validation, test : str or list of str
        Official splits of the data set. `validation` and `test` may also be shares of `train` (the same of each class),
        drawn by the seed: ``validation: 0.2`` and ``test: 0.2`` divide it 60:20:20. Neither is required.
    validation_clips : int, optional
        So many clips to validate on, drawn by the seed, in place of `validation`.
    validation_from : "train" or "test"
        Which split these, or a share, are drawn from; what is drawn is not trained or tested on.
    folds : "all" or list of str, optional
        Cross-validation: each of these splits in turn is the test split, and all others are for training. It replaces
        `train` and `test`.
    duration : float, optional
        Length of the training pieces in s; by default the model's own input length.
    crop : "random" or "centre"
        Which piece of a longer clip is used.
    padding : "zeros" or "repeat"
        What follows a shorter clip: silence, or the clip itself again.
    in_memory : bool
        Decode every clip once, before training, and keep it; else decode it in the workers whenever it is used.
    workers : int
        Processes that decode, crop and augment; 0 to do it in the training process.
    order : "random" or "archives"
        Of the training clips in an epoch: any clip may be next; or one tar archive is read after another, in random
        order, each device has archives of its own, and `mixed` clips at a time are shuffled.
    mixed : int
        How many.
    shuffle_labels : bool
        Give the labels of the training clips to each other at random, by the seed; validation and test keep theirs. It
        makes the twin of a network that has learned nothing of what its labels mean.
    """

    set: str
    folder: str | None = None
    task: str | None = None
    train: SplitNames | None = None
    validation: SplitNames | Share | None = None
    test: SplitNames | Share | None = None
    validation_clips: Count | None = None
    validation_from: Literal["train", "test"] = "train"
    folds: Literal["all"] | list[str] | None = None
    duration: Positive | None = None
    crop: Literal["random", "centre"] = "random"
    padding: Literal["zeros", "repeat"] = "zeros"
    in_memory: bool = False
    workers: CountOrZero = 0
    order: Literal["random", "archives"] = "random"
    mixed: Count = 8192
    shuffle_labels: bool = False

    @property
    def validates(self) -> bool:
        """Whether there are clips to validate on."""
        return self.validation is not None or self.validation_clips is not None

    @model_validator(mode="before")
    @classmethod
    def _place(cls, given: Any) -> Any:
        """DATA as the kind of its data set and its folder."""
        name = given.get("set") if isinstance(given, dict) and given.get("folder") is None else None
        if not isinstance(name, str) or name in SETS:
            return given
        with suppress(InputError):  # what is said of an unknown name is said later
            place = parse(name)
            if place.folder is not None and place.splits is None:
                return {**given, "set": place.name, "folder": str(place.folder)}
        return given

    @field_validator("train", "validation", "test", "folds", mode="before")
    @classmethod
    def _name(cls, given: object) -> object:
        """A split may be named 1, which YAML reads as a number."""
        if isinstance(given, list):
            return [str(one) if type(one) is int else one for one in given]
        return str(given) if type(given) is int else given


class AugmentSection(_Section):
    """Random changes of training clips, with the ranges of :mod:`otoscope.training.augment`.

    Attributes
    ----------
    gain, noise, masks, background : bool
        Backgrounds are drawn from the training clips.
    mixup : float, optional
        Blend clips and labels in pairs, with this alpha.
    """

    gain: bool = False
    noise: bool = False
    masks: bool = False
    background: bool = False
    mixup: Positive | None = None


class LearnSection(_Section):
    """The training method.

    Attributes
    ----------
    method : "supervised", "contrastive", "linear" or "frames"
        Contrastive: SimCLR. Linear: only a new classifier is trained, on the frozen encoder of `model.weights`.
        Frames: the phone in the middle of each window (TIMIT), decoded into the phones of whole sentences.
    epochs, batch_size : int
        The batch size is that of each device.
    learning_rate : float
        Of AdamW; the peak of the schedule.
    weight_decay : float
        Decoupled from the gradient (AdamW). The thesis on sonification used Adam with a decay of 1e-3 and does not say
        which kind; added to the small gradient of binary cross-entropy over hundreds of classes, so large a decay would
        dominate it.
    schedule : "cosine", "exponential" or "constant"
        See :mod:`otoscope.training.schedule`.
    warm_up : int
        Epochs of linear increase before the cosine or the decay.
    decay : float
        By which the exponential schedule multiplies the learning rate after each epoch.
    temperature : float
        Of NT-Xent.
    projection : int
        Units of the hidden layer and of the output of the projection head of contrastive learning.
    patience : int, optional
        Stop after so many epochs without improvement on the validation split.
    select_by : str, optional
        The metric on the validation split that selects the best epoch, and that `patience` watches.
    class_weights : "balanced" or mapping of class to float, optional
        Of the classes in the training loss; see :mod:`otoscope.training.weights`.
    """

    method: Literal["supervised", "contrastive", "linear", "frames"] = "supervised"
    epochs: Count
    batch_size: Count
    learning_rate: Positive = 1e-3
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    schedule: Literal["cosine", "exponential", "constant"] = "cosine"
    warm_up: CountOrZero = 0
    decay: Annotated[float, Field(gt=0, le=1)] = 0.95
    temperature: Positive = 0.1
    projection: Count = 512
    patience: Count | None = None
    select_by: Metric | None = None
    class_weights: Literal["balanced"] | dict[str, Positive] | None = None

    @field_validator("class_weights", mode="before")
    @classmethod
    def _class_names(cls, given: object) -> object:
        """A class may be named 1, which YAML reads as a number."""
        return {str(name): weight for name, weight in given.items()} if isinstance(given, dict) else given


class KeepSection(_Section):
    """What is stored beside the model.

    Attributes
    ----------
    steps : list of int
        Optimizer steps after which the weights are stored, for the evolution of features; 0 is before the first.
    change_rate : bool
        Record how much the filters change at each step.
    log : "csv" or "tensorboard"
    every : int, optional
        Store a checkpoint to resume from after so many steps, and not only at the end of every epoch.
    """

    steps: list[CountOrZero] = []
    change_rate: bool = False
    log: Literal["csv", "tensorboard"] = "csv"
    every: Count | None = None


class Recipe(_Section):
    """A whole training.

    Attributes
    ----------
    about : str
        What it trains, and the experiment it follows.
    seed : int
    seeds : list of int, optional
        Train with each of these, and summarise; a range may be written ``1..10``.
    model, data, augment, learn, keep
        See the sections.
    trainer : mapping
        Options of Lightning's Trainer, passed on unchanged: devices, num_nodes, precision, strategy, ...

    Examples
    --------
    >>> recipe = Recipe.model_validate({
    ...     "about": "registers of vowels",
    ...     "model": {"name": "vowelnet"},
    ...     "data": {"set": "vowels", "task": "register", "train": "all"},
    ...     "learn": {"epochs": 1, "batch_size": 8},
    ... })
    >>> recipe.learn.method
    'supervised'
    """

    about: str
    seed: Seed = 0
    seeds: list[Seed] | None = None
    model: ModelSection
    data: DataSection
    augment: AugmentSection = AugmentSection()
    learn: LearnSection
    keep: KeepSection = KeepSection()
    trainer: dict[str, Any] = {}

    @field_validator("seeds", mode="before")
    @classmethod
    def _range(cls, given: object) -> object:
        """A range as a list."""
        if given is None or isinstance(given, list):
            return given
        found = _RANGE.fullmatch(given) if isinstance(given, str) else None
        if found is None or not int(found[1]) <= int(found[2]) < int(found[1]) + _MOST_SEEDS:
            raise PydanticCustomError("seeds", "a range such as 1..10, or a list such as [1, 2, 5]")
        return list(range(int(found[1]), int(found[2]) + 1))


_RANGE = re.compile(r"(\d+)\.\.(\d+)")
_MOST_SEEDS = 1000

RECIPES = Path(__file__).resolve().parents[1] / "recipes"
"""Folder of the recipes that come with Otoscope."""

_SET_ELSEWHERE = frozenset(
    "barebones callbacks default_root_dir enable_checkpointing enable_progress_bar fast_dev_run limit_test_batches "
    "limit_val_batches logger max_epochs overfit_batches use_distributed_sampler".split()
)


def available() -> dict[str, str]:
    """The recipes that come with Otoscope: their names, and what each of them trains.

    Returns
    -------
    dict of str to str

    Examples
    --------
    >>> available()["laptop/vowels"]
    'a small network on the built-in vowels'
    """
    return {name: str(_read_yaml(path).get("about", "")) for name, path in _bundled().items()}


def read_recipe(recipe: str | Path, changes: Sequence[str] = ()) -> Recipe:
    """Read a recipe by its name or from a YAML file.

    Parameters
    ----------
    recipe : str or Path
        The name of a recipe that comes with Otoscope, as in :func:`available`, or a YAML file.
    changes : sequence of str
        Such as ``learn.epochs=3``: a key, with dots between the levels, and its value in YAML.

    Returns
    -------
    Recipe

    Raises
    ------
    InputError
        If there is no such recipe, the file cannot be read, a key is unknown or missing, or a value is of the wrong
        type, out of range or in conflict with another; the message names the key.

    Examples
    --------
    >>> read_recipe("laptop/vowels", ["learn.epochs=3", "data.duration=0.2"]).learn.epochs
    3
    >>> read_recipe("laptop/vowels", ["learn.epoch=3"])
    Traceback (most recent call last):
    ...
    otoscope.errors.InputError: laptop/vowels: learn.epoch is not a key of a recipe; did you mean learn.epochs?
    """
    path = _find(recipe)
    content = _read_yaml(path)
    for change in changes:
        _change(content, change)
    try:
        found = Recipe.model_validate(content)
    except ValidationError as error:
        raise InputError(f"{recipe}: {'; '.join(_describe_errors(error))}") from None
    problems = [*_conflicts(found), *_trainer_problems(found.trainer)]
    if problems:
        raise InputError(f"{recipe}: {'; '.join(problems)}")
    return found


def changed(recipe: Recipe, section: str, **values: Any) -> Recipe:
    """A recipe with other values of some keys of one section.

    Examples
    --------
    >>> changed(read_recipe("laptop/vowels"), "learn", epochs=2).learn.epochs
    2
    """
    return recipe.model_copy(update={section: getattr(recipe, section).model_copy(update=values)})


def write_recipe(recipe: Recipe, path: Path) -> None:
    """Write a recipe with all its defaults, as :func:`read_recipe` reads it."""
    write_text(path, to_yaml(recipe.model_dump()))


def to_yaml(content: dict[str, Any]) -> str:
    """A mapping as YAML, in the order of its keys."""
    text: str = yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=110)
    return text


class _Loader(yaml.SafeLoader):
    """YAML without two of its traps: 1e-3 is a number here, and no key may be repeated."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        repeated = [key for number, key in enumerate(keys) if key in keys[:number]]
        if repeated:
            raise yaml.constructor.ConstructorError(None, None, f"the key {repeated[0]!r} is repeated", node.start_mark)
        mapping: dict[Any, Any] = super().construct_mapping(node, deep)
        return mapping


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"[-+]?\d+(\.\d*)?[eE][-+]?\d+"), list("-+0123456789")
)


def _parse(text: str, source: str) -> Any:
    try:
        return yaml.load(text, _Loader)
    except (yaml.YAMLError, RecursionError) as error:  # the latter from brackets without end
        raise InputError(f"{source} is not valid YAML: {' '.join(str(error).split())}") from None


def _bundled() -> dict[str, Path]:
    return {path.relative_to(RECIPES).with_suffix("").as_posix(): path for path in sorted(RECIPES.rglob("*.yaml"))}


def _find(recipe: str | Path) -> Path:
    """The file of a recipe: a name comes first, so a file of such a name is written ./name."""
    bundled = _bundled()
    if isinstance(recipe, str) and recipe in bundled:
        return bundled[recipe]
    if Path(recipe).is_file():
        return Path(recipe)
    if Path(recipe).suffix in (".yaml", ".yml"):
        raise InputError(f"the recipe {recipe} does not exist")
    near = difflib.get_close_matches(str(recipe), bundled, n=2)
    hint = f": did you mean {' or '.join(near)}?" if near else "."
    raise InputError(
        f"no recipe is called {str(recipe)!r}{hint} `otoscope train --list` lists all; your own is a YAML file"
    )


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        content = _parse(path.read_text(encoding="utf-8"), str(path))
    except UnicodeDecodeError:
        raise InputError(f"{path} is not text in UTF-8") from None
    if not isinstance(content, dict):
        raise InputError(f"{path} is not a recipe: it must be a mapping with keys such as model, data and learn")
    return content


def _change(content: dict[str, Any], change: str) -> None:
    key, equals, value = change.partition("=")
    names = key.strip().split(".")
    if not equals or not all(names):
        raise InputError(f"{change!r} is not a change of a recipe: give key=value, as in learn.epochs=3")
    place = content
    for name in names[:-1]:
        if place.get(name) is None:
            place[name] = {}
        place = place[name]
        if not isinstance(place, dict):
            raise InputError(f"{key} cannot be set: {name} has no keys below it")
    place[names[-1]] = _parse(value, change)


def _describe_errors(error: ValidationError) -> list[str]:
    """One sentence for each wrong key, with all the kinds of value that it takes."""
    expected: dict[str, list[str]] = {}
    given: dict[str, object] = {}
    problems = []
    for one in error.errors():
        key, message = _path(one["loc"]), one["msg"]
        if one["type"] == "extra_forbidden":
            problems.append(_unknown([str(name) for name in one["loc"]]))
        elif one["type"] == "missing":
            problems.append(f"{key} is missing")
        else:
            expected.setdefault(key, []).append(message.removeprefix("Input should be "))
            given.setdefault(key, one["input"])
    return problems + [f"{key} is {given[key]!r}, but should be {' or '.join(expected[key])}" for key in expected]


def _conflicts(recipe: Recipe) -> Iterator[str]:
    """Values that are valid alone and do not fit together."""
    model, data, learn = recipe.model, recipe.data, recipe.learn
    if learn.schedule != "constant" and learn.warm_up >= learn.epochs:
        epochs = "1 epoch" if learn.warm_up == 1 else f"{learn.warm_up} epochs"
        yield f"learn.warm_up is {epochs}, but the training has {learn.epochs}: set learn.warm_up={learn.epochs - 1}"
    if data.folds is None and data.train is None:
        yield "data.train is missing: name the training split, or set data.folds to cross-validate"
    if data.train == [] or data.folds == []:
        yield "data.train and data.folds cannot be empty: name a split, or leave the key out"
    if isinstance(data.folds, list) and len(set(data.folds)) < len(data.folds):
        yield "data.folds names a split twice"
    if data.folds is not None and (data.train, data.test) != (None, None):
        yield "data.folds names the training and test splits: leave data.train and data.test out"
    if data.folds is not None and not isinstance(data.validation, float | None):
        yield "with data.folds, data.validation must be a share of the training clips, such as 0.1"
    yield from _drawing_problems(data)
    if recipe.seeds is not None and not recipe.seeds:
        yield "seeds cannot be empty: name some, as in seeds=1..10, or leave the key out"
    if recipe.seeds is not None and len(set(recipe.seeds)) < len(recipe.seeds):
        yield "seeds has a seed twice"
    if model.weights is None and learn.method == "linear":
        yield "learn.method=linear needs model.weights, the checkpoint folder of the encoder"
    if model.weights is None and model.new_head:
        yield "model.new_head replaces the classifier of trained weights: set model.weights, or leave it out"
    if learn.method == "contrastive":
        for key, value in (
            ("augment.mixup", recipe.augment.mixup),
            ("data.validation", data.validation),
            ("data.validation_clips", data.validation_clips),
            ("data.test", data.test),
            ("data.shuffle_labels", data.shuffle_labels or None),
            ("learn.select_by", learn.select_by),
            ("learn.class_weights", learn.class_weights),
        ):
            if value is not None:
                yield f"learn.method=contrastive uses no labels: leave {key} out"
    elif learn.patience is not None and not data.validates:
        yield "learn.patience needs data.validation, to measure improvement"
    elif learn.select_by is not None and not data.validates:
        yield "learn.select_by needs data.validation, to measure it on"
    if learn.method == "frames" and learn.class_weights is not None:
        yield "learn.method=frames has no class weights: leave learn.class_weights out"
    if learn.method == "frames" and data.order == "archives":
        yield "learn.method=frames draws its windows in random order: leave data.order out"


def _drawing_problems(data: DataSection) -> Iterator[str]:
    """What does not fit together of the clips that are drawn."""
    if data.validation_clips is not None and data.validation is not None:
        yield "data.validation and data.validation_clips both say what to validate on: leave one out"
    if data.validation_from == "test":
        if data.validation_clips is None and not isinstance(data.validation, float):
            yield "data.validation_from=test needs data.validation_clips, or a share as data.validation"
        if data.test is None and data.folds is None:
            yield "data.validation_from=test needs data.test, or data.folds"
    shares = [share for share in (data.validation, data.test) if isinstance(share, float)]
    if sum(shares) >= 1 and data.validation_from == "train":
        yield f"data.validation and data.test are {sum(shares):g} of the clips together: leave some to train on"


def _trainer_problems(options: dict[str, Any]) -> Iterator[str]:
    if not options:  # Lightning takes seconds to import
        return
    from lightning.pytorch import Trainer

    known = set(inspect.signature(Trainer.__init__).parameters) - _SET_ELSEWHERE - {"self"}
    for name in options:
        if name in _SET_ELSEWHERE:
            yield f"trainer.{name} is set by other sections of the recipe: leave it out"
        elif name not in known:
            yield f"Lightning's Trainer has no option {name}{_close(name, known)}"


def _unknown(names: list[str]) -> str:
    """An unknown key, and what may have been meant: a similar key beside it, or the same one elsewhere."""
    keys = {tuple(key.split(".")): key for key in _keys(Recipe)}
    here = {path[-1]: key for path, key in keys.items() if list(path[:-1]) == names[:-1]}
    similar = [here[name] for name in difflib.get_close_matches(names[-1], here, n=1)]
    similar += [key for path, key in keys.items() if path[-1] == names[-1]]
    hint = f"did you mean {similar[0]}?" if similar else f"the keys there are {', '.join(here.values())}"
    return f"{'.'.join(names)} is not a key of a recipe; {hint}"


def _path(location: tuple[int | str, ...]) -> str:
    """The key in the location of an error, which ends in the kinds of value that were tried."""
    names = [str(name) for name in location]
    known = {".".join(names[:end]) for end in range(len(names) + 1)} & set(_keys(Recipe))
    return max(known, key=len, default=".".join(names))


def _keys(section: type[BaseModel], above: str = "") -> list[str]:
    found = []
    for name, field in section.model_fields.items():
        found.append(above + name)
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            found += _keys(field.annotation, f"{above}{name}.")
    return found


def _close(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {near[0]}?" if near else ""
