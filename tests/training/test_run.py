"""Whole trainings: what they write, that a cut leaves no trace, and what is refused."""

from __future__ import annotations

import csv
import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
import xarray as xr
from safetensors.torch import load_file

from otoscope import InputError, load
from otoscope.training.recipe import Recipe, write_recipe
from otoscope.training.run import dry_run, train

FULL: dict[str, Any] = {
    "augment": {"gain": True, "noise": True, "masks": True, "background": True, "mixup": 0.4},
    "keep": {"every": 2, "change_rate": True, "steps": [0, 1, 6]},
}
"""Everything that draws from chance, and everything that is kept. There are 4 steps in an epoch."""


class Cut(Exception):
    """In the place of a power cut."""


def cut(
    monkeypatch: pytest.MonkeyPatch, at: int, loader: str = "TrainingLoader", error: type[BaseException] = Cut
) -> None:
    """End a training when it takes its batch number `at`, or clip to be judged."""
    from otoscope.training import loader as loaders

    kind = getattr(loaders, loader)
    take, counter = kind.__iter__, itertools.count(1)

    def broken(self: Any) -> Iterator[Any]:
        for batch in take(self):
            if next(counter) == at:
                raise error
            yield batch

    monkeypatch.setattr(kind, "__iter__", broken)


def train_in_two(recipe: Recipe, out: Path, at: int, loader: str = "TrainingLoader") -> dict[str, Any]:
    with pytest.MonkeyPatch.context() as patch:
        cut(patch, at, loader)
        with pytest.raises(Cut):
            train(recipe, out)
    return train(recipe, out, resume=True)


def expect_same(out: Path, other: Path) -> None:
    """Metrics, model, weights of steps, change rates, log: all but the time."""
    one, two = (json.loads((folder / "metrics.json").read_text()) for folder in (out, other))
    assert one | {"seconds": 0} == two | {"seconds": 0}
    files = sorted(path.relative_to(out) for path in out.rglob("*.safetensors"))
    assert files == sorted(path.relative_to(other) for path in other.rglob("*.safetensors"))
    for file in files:
        weights, others = load_file(out / file), load_file(other / file)
        assert weights.keys() == others.keys()
        assert all(torch.equal(value, others[name]) for name, value in weights.items()), file
    if (out / "change_rate.nc").exists():
        rate, other_rate = (xr.load_dataset(folder / "change_rate.nc") for folder in (out, other))
        assert rate.equals(other_rate)
    assert (out / "log.csv").read_text() == (other / "log.csv").read_text()


# What is written


def test_a_run_folder(made: Any, tmp_path: Path) -> None:
    metrics = train(made(**FULL), tmp_path / "run")
    names = {path.name for path in (tmp_path / "run").iterdir()}
    assert names == {
        "recipe.yaml", "config.json", "model.safetensors", "README.md", "metrics.json", "last.ckpt", "best.ckpt",
        "steps", "change_rate.nc", "log.csv",
    }  # fmt: skip
    assert json.loads((tmp_path / "run" / "metrics.json").read_text()) == metrics
    assert metrics["epochs"] == 3 and metrics["clips"] == {"train": 18, "validation": 6} and metrics["seconds"] > 0
    model = load(str(tmp_path / "run"))
    assert metrics["parameters"] == sum(parameter.numel() for parameter in model.parameters())
    assert tuple(model.classes) == ("high", "low", "mid") and not model.training
    assert sorted(path.name for path in (tmp_path / "run" / "steps").iterdir()) == [
        f"step={step}.safetensors" for step in (0, 1, 6)
    ]


def test_the_log_has_a_row_for_each_epoch(made: Any, tmp_path: Path) -> None:
    metrics = train(made(), tmp_path / "run")
    with (tmp_path / "run" / "log.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [(row["epoch"], row["step"]) for row in rows] == [("0", "4"), ("1", "8"), ("2", "12")]
    assert float(rows[-1]["loss"]) == metrics["train_loss"]
    best = max(rows, key=lambda row: float(row["validation_accuracy"]))  # the first of them
    for name in ("validation_accuracy", "validation_loss"):
        assert float(best[name]) == pytest.approx(metrics[name], abs=1e-6)


def test_tensorboard(made: Any, tmp_path: Path) -> None:
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    metrics = train(made(keep={"log": "tensorboard"}), tmp_path / "run")
    events = accumulator.EventAccumulator(str(tmp_path / "run" / "log1"))
    events.Reload()
    assert [event.step for event in events.Scalars("loss")] == [3, 7, 11]
    assert events.Scalars("loss")[-1].value == pytest.approx(metrics["train_loss"])
    assert not (tmp_path / "run" / "log.csv").exists()


def test_it_learns(made: Any, tmp_path: Path) -> None:
    recipe = made(
        model={"name": "vowelnet", "options": {"channels": [8, 8, 8]}},
        learn={"epochs": 12, "learning_rate": 1e-2},
        data={"in_memory": True},
    )
    metrics = train(recipe, tmp_path / "run")
    assert metrics["validation_accuracy"] == 1.0 and metrics["train_loss"] < 0.5
    other = train(recipe.model_copy(update={"seed": 1}), tmp_path / "other")
    assert other["train_loss"] != metrics["train_loss"]


def test_progress_is_reported(made: Any, tmp_path: Path) -> None:
    said: list[tuple[str, int, int]] = []
    train(made(learn={"epochs": 1}), tmp_path / "run", report=lambda *step: said.append(step))
    assert [step for step in said if step[0] == "sounds to train on"][-1][1:] == (18, 18)
    assert [step[1:] for step in said if step[0].startswith("epoch 1/1")] == [(1, 4), (2, 4), (3, 4), (4, 4)]


# A cut leaves no trace


@pytest.fixture(scope="module")
def whole(made: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A training that was not cut off."""
    out = tmp_path_factory.mktemp("runs") / "whole"
    train(made(**FULL), out)
    return out


@pytest.mark.parametrize(
    ("at", "loader", "workers"),
    [
        (1, "TrainingLoader", 0),  # before the first checkpoint
        (8, "TrainingLoader", 0),  # after one in the middle of an epoch
        (8, "TrainingLoader", 1),
        (9, "TrainingLoader", 0),  # at the end of an epoch
        (9, "TrainingLoader", 1),
        (8, "EvaluationLoader", 0),  # while it validates, behind the last step of an epoch
        (20, "EvaluationLoader", 0),  # when all is learnt
    ],
)
def test_a_cut_leaves_no_trace(made: Any, whole: Path, tmp_path: Path, at: int, loader: str, workers: int) -> None:
    train_in_two(made(**FULL, data={"workers": workers}), tmp_path / "cut", at, loader)
    expect_same(whole, tmp_path / "cut")


def test_a_cut_and_a_move_leave_no_trace(made: Any, whole: Path, tmp_path: Path) -> None:
    """Which epoch was best is known in the other place too."""
    with pytest.MonkeyPatch.context() as patch:
        cut(patch, 10)
        with pytest.raises(Cut):
            train(made(**FULL), tmp_path / "here")
    (tmp_path / "here").rename(tmp_path / "there")
    train(made(**FULL), tmp_path / "there", resume=True)
    expect_same(whole, tmp_path / "there")
    assert not (tmp_path / "here").exists()


def test_what_is_done_is_not_done_again(made: Any, tmp_path: Path) -> None:
    first = train(made(), tmp_path / "run")
    said: list[str] = []
    again = train(made(), tmp_path / "run", resume=True, report=lambda step, *_: said.append(step))
    assert again | {"seconds": 0} == first | {"seconds": 0}
    assert not any(step.startswith("epoch") for step in said)


@pytest.mark.parametrize("at", [12, 18, 21])
def test_patience_is_the_same_after_a_cut(made: Any, tmp_path: Path, at: int) -> None:
    """A rate that makes no difference, so that no epoch is better than the first."""
    recipe = made(learn={"epochs": 9, "learning_rate": 1e-9, "patience": 2})
    metrics = train(recipe, tmp_path / "whole")
    assert metrics["epochs"] == 3
    train_in_two(recipe, tmp_path / "cut", at, "EvaluationLoader")
    expect_same(tmp_path / "whole", tmp_path / "cut")


def test_a_contrastive_training_is_the_same_after_a_cut(made: Any, tmp_path: Path) -> None:
    recipe = made(
        learn={"method": "contrastive", "projection": 16},
        data={"validation": None, "duration": 0.3},
        augment={"gain": True, "noise": True, "masks": True, "background": True},
        keep={"every": 2},
    )
    metrics = train(recipe, tmp_path / "whole")
    assert metrics["clips"] == {"train": 24} and metrics["epochs"] == 3
    train_in_two(recipe, tmp_path / "cut", 10)
    expect_same(tmp_path / "whole", tmp_path / "cut")


def test_a_linear_evaluation_is_the_same_after_a_cut(made: Any, whole: Path, tmp_path: Path) -> None:
    """No dropout, and no change of batch statistics, on either side of the cut."""
    learn = {"method": "linear", "learning_rate": 1e-2}
    recipe = made(model={"weights": str(whole), "new_head": True}, learn=learn, keep={"every": 2})
    train(recipe, tmp_path / "whole")
    train_in_two(recipe, tmp_path / "cut", 8)
    expect_same(tmp_path / "whole", tmp_path / "cut")


def test_interrupted_from_the_keyboard(made: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import signal

    with pytest.MonkeyPatch.context() as patch:
        cut(patch, 6, error=KeyboardInterrupt)
        with pytest.raises(KeyboardInterrupt):
            train(made(), tmp_path / "run")
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert capsys.readouterr() == ("", "")
    train(made(), tmp_path / "run", resume=True)
    train(made(), tmp_path / "whole")
    expect_same(tmp_path / "whole", tmp_path / "run")


# Cross-validation


@pytest.fixture
def folds(tones: Path, tmp_path: Path) -> Path:
    """A table of the tones in three parts."""
    rows = [f"{path},{path.parent.name},part{number % 3}" for number, path in enumerate(sorted(tones.rglob("*.wav")))]
    (tmp_path / "table.csv").write_text("\n".join(["file,label,split", *rows]) + "\n")
    return tmp_path / "table.csv"


def test_cross_validation_goes_on_in_its_fold(made: Any, folds: Path, tmp_path: Path) -> None:
    parts = ["part0", "part1", "part2"]
    data = {"set": "csv", "folder": str(folds), "train": None, "validation": None, "folds": parts}
    recipe = made(data=data, learn={"epochs": 2})
    metrics = train(recipe, tmp_path / "whole")
    assert list(metrics["folds"]) == parts
    each = [metrics["folds"][part]["test_accuracy"] for part in parts]
    assert metrics["test_accuracy"] == pytest.approx(np.mean(each))
    low, high = metrics["test_accuracy_interval"]
    assert low <= metrics["test_accuracy"] <= high
    assert all(metrics["folds"][part]["clips"] == {"train": 16, "test": 8} for part in parts)
    again = train_in_two(recipe, tmp_path / "cut", 8 + 6)  # 4 steps in an epoch
    assert again["test_accuracy"] == metrics["test_accuracy"]
    for part in parts:
        expect_same(tmp_path / "whole" / part, tmp_path / "cut" / part)
    seconds = [json.loads((tmp_path / "cut" / "part0" / "metrics.json").read_text())["seconds"]]
    assert seconds == [again["folds"]["part0"]["seconds"]]


def test_linear_evaluation_takes_the_encoder_of_each_fold(made: Any, folds: Path, tmp_path: Path) -> None:
    data = {
        "set": "csv", "folder": str(folds), "train": None, "validation": None, "folds": ["part0", "part1", "part2"],
        "duration": 0.3,
    }  # fmt: skip
    train(made(data=data, learn={"method": "contrastive", "epochs": 1, "projection": 8}), tmp_path / "encoders")
    model = {"weights": str(tmp_path / "encoders" / "{fold}")}
    train(made(data=data, model=model, learn={"method": "linear", "epochs": 1}), tmp_path / "heads")
    found = {}
    for part in ("part0", "part1"):
        encoder = load_file(tmp_path / "encoders" / part / "model.safetensors")
        linear = load_file(tmp_path / "heads" / part / "model.safetensors")
        changed = {
            name for name, value in linear.items() if name not in encoder or not torch.equal(value, encoder[name])
        }
        assert len(changed) == 2  # weight and bias of the classifier; batch statistics stay
        found[part] = encoder
    assert any(not torch.equal(value, found["part1"][name]) for name, value in found["part0"].items())


# What a training starts from


def test_fine_tuning_changes_all_of_an_encoder(made: Any, tmp_path: Path) -> None:
    plain = {"validation": None, "duration": 0.3}
    learn = {"method": "contrastive", "epochs": 1, "projection": 8}
    train(made(data=plain, learn=learn, keep={"steps": [0]}), tmp_path / "encoder")
    for weights in ("encoder", "encoder/last.ckpt"):
        out = tmp_path / weights.replace("/", "_").replace(".", "_").join(("from_", ""))
        model = {"weights": str(tmp_path / weights)}
        train(made(data=plain, model=model, learn={"epochs": 1}, keep={"steps": [0]}), out)
        encoder = load_file(tmp_path / "encoder" / "model.safetensors")
        begun, ended = load_file(out / "steps" / "step=0.safetensors"), load_file(out / "model.safetensors")
        assert all(torch.equal(value, begun[name]) for name, value in encoder.items())
        filters = [name for name, value in encoder.items() if value.ndim > 1]
        assert filters and not any(torch.equal(ended[name], begun[name]) for name in filters)


def test_a_model_of_own_code(made: Any, tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(
        "import torch\nfrom torch import nn\n\nclass Own(nn.Module):\n    sample_rate = 8000\n"
        "    def __init__(self):\n        super().__init__()\n"
        "        self.conv, self.out = nn.Conv1d(1, 4, 20, stride=5), nn.Linear(4, 3)\n"
        "    def forward(self, x):\n        return self.out(torch.relu(self.conv(x)).mean(-1))\n"
    )
    name = f"{tmp_path / 'own.py'}:Own"
    train(made(model={"name": name, "options": {}}, learn={"epochs": 1}), tmp_path / "run")
    model = load(name, weights=str(tmp_path / "run" / "model.safetensors"))
    weights = load_file(tmp_path / "run" / "model.safetensors")
    assert all(torch.equal(value, weights[key]) for key, value in model.state_dict().items())


# What is refused


def test_a_folder_that_is_not_empty(made: Any, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter.txt").write_text("dear")
    with pytest.raises(InputError, match=r"is not empty: name another folder, or resume .* --resume"):
        train(made(), tmp_path / "full")
    with pytest.raises(InputError, match="there is no training to resume in"):
        train(made(), tmp_path / "full", resume=True)
    with pytest.raises(InputError, match="is a file: name a folder"):
        train(made(), tmp_path / "full" / "letter.txt")
    assert [path.name for path in (tmp_path / "full").iterdir()] == ["letter.txt"]


def test_to_resume_what_has_not_begun_begins_it(made: Any, tmp_path: Path) -> None:
    """So that a job that may be started again always has the same command."""
    assert train(made(learn={"epochs": 1}), tmp_path / "new", resume=True)["epochs"] == 1


def test_another_recipe_does_not_go_on(made: Any, tmp_path: Path) -> None:
    train(made(learn={"epochs": 1}), tmp_path / "run")
    with pytest.raises(InputError, match=r"learn\.batch_size differs from the recipe of the training in"):
        train(made(learn={"epochs": 1, "batch_size": 3}), tmp_path / "run", resume=True)
    with pytest.raises(InputError, match=r"seed differs"):
        train(made(learn={"epochs": 1}).model_copy(update={"seed": 1}), tmp_path / "run", resume=True)
    train(made(learn={"epochs": 1}, data={"workers": 1}), tmp_path / "run", resume=True)


def test_a_training_that_goes_astray(made: Any, tmp_path: Path) -> None:
    recipe = made(learn={"epochs": 2, "learning_rate": 1e9}, data={"validation": None})
    with pytest.raises(InputError, match=r"the loss is not finite .*learn\.learning_rate=1e\+09 is too high"):
        train(recipe, tmp_path / "run")
    assert not (tmp_path / "run" / "metrics.json").exists()
    slower = made(learn={"epochs": 1}, data={"validation": None})
    assert np.isfinite(train(slower, tmp_path / "again")["train_loss"])


def test_a_folder_with_a_recipe_alone_is_begun_anew(made: Any, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="Lightning cannot train with trainer="):
        train(made(trainer={"accelerator": "gpuu"}), tmp_path / "run")
    assert not (tmp_path / "run").exists()
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "recipe.yaml").write_text("about: another one")
    train(made(learn={"epochs": 1}), tmp_path / "run")
    assert (tmp_path / "run" / "metrics.json").is_file()


def test_resumed_folds_are_of_one_recipe(made: Any, tmp_path: Path) -> None:
    halves = {"data": {"train": None, "validation": None, "folds": ["one", "other"]}}
    (tmp_path / "run").mkdir()
    write_recipe(made(**halves, learn={"epochs": 1}), tmp_path / "run" / "recipe.yaml")
    with pytest.raises(InputError, match=r"learn\.epochs differs"):
        train(made(**halves, learn={"epochs": 2}), tmp_path / "run", resume=True)


def test_a_damaged_checkpoint_is_said(made: Any, tmp_path: Path) -> None:
    train(made(learn={"epochs": 1}), tmp_path / "run")
    last = tmp_path / "run" / "last.ckpt"
    last.write_bytes(last.read_bytes()[:2000])
    with pytest.raises(InputError, match=r"last\.ckpt is damaged"):
        train(made(learn={"epochs": 1}), tmp_path / "run", resume=True)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"data": {"duration": None}}, "set data.duration, the length of the training pieces"),
        ({"data": {"duration": 1e-4}}, "needs .* s or more"),
        ({"data": {"set": "nothing"}}, "nothing"),
        ({"data": {"folder": "/nowhere"}}, "/nowhere"),
        ({"data": {"train": "first"}}, "first"),
        ({"data": {"test": "all"}}, "the split 'all' of folder is named twice"),
        ({"learn": {"batch_size": 100}}, "the 18 clips to train on do not fill a batch of 100"),
        ({"model": {"name": "nothing"}}, "nothing"),
        ({"learn": {"method": "linear"}, "model": {"weights": "/nowhere"}}, "/nowhere"),
    ],
)
def test_nothing_is_written_when_it_cannot_begin(made: Any, tmp_path: Path, changes: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        train(made(**changes), tmp_path / "run")
    assert not (tmp_path / "run").exists()


# BrokenClip files


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    """A data set with one file whose samples are no numbers, which its header does not show."""
    for name in "ab":
        (tmp_path / "set" / name).mkdir(parents=True)
        for number in range(5):
            wave = np.random.default_rng(number).uniform(-0.5, 0.5, 3000)
            wave[:] = np.nan if (name, number) == ("b", 3) else wave
            soundfile.write(tmp_path / "set" / name / f"{number}.wav", wave, 8000, subtype="FLOAT")
    return tmp_path / "set"


@pytest.mark.parametrize(
    ("workers", "validation"),
    [(0, None), (1, 0.2), *(pytest.param(*pair, marks=pytest.mark.slow) for pair in ((0, 0.2), (1, None)))],
)
def test_a_file_that_breaks_later(
    made: Any, broken: Path, tmp_path: Path, workers: int, validation: float | None
) -> None:
    recipe = made(data={"folder": str(broken), "workers": workers, "validation": validation}, learn={"batch_size": 2})
    with pytest.raises(InputError) as raised:
        train(recipe, tmp_path / "run")
    message = str(raised.value)
    assert message.startswith(str(broken / "b" / "3.wav")) and "\n" not in message and "Traceback" not in message
    assert not (tmp_path / "run" / "model.safetensors").exists()
    # When the file is mended, it goes on.
    soundfile.write(broken / "b" / "3.wav", np.zeros(3000), 8000)
    assert train(recipe, tmp_path / "run", resume=True)["epochs"] == 3


def test_a_broken_file_found_before_training_leaves_nothing(made: Any, broken: Path, tmp_path: Path) -> None:
    for path in broken.rglob("*.wav"):
        path.write_bytes(b"no sound")
    with pytest.raises(InputError, match=r"none of \d+ sounds can be read: .*\.wav"):
        train(made(data={"folder": str(broken)}), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_broken_file_among_others_is_left_out_with_a_warning(made: Any, broken: Path, tmp_path: Path) -> None:
    count = len(list(broken.rglob("*.wav")))
    (broken / "b" / "3.wav").write_bytes(b"no sound")
    with pytest.warns(UserWarning, match=r"1 sound is left out: 1 unreadable \(.*b/3\.wav"):
        metrics = train(made(data={"folder": str(broken)}), tmp_path / "run")
    assert sum(metrics["clips"].values()) == count - 1


# A trial


def test_a_dry_run_writes_nothing(made: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = dry_run(made(data={"set": "esc50", "folder": None, "train": "fold1", "validation": "fold2"}))
    assert found["classes"] == 50 and np.isfinite(found["loss"]) and found["parameters"] > 1000
    assert list(tmp_path.iterdir()) == []


def test_a_dry_run_finds_what_does_not_fit(made: Any) -> None:
    with pytest.raises(InputError, match="there is no data set 'nothing'"):
        dry_run(made(data={"set": "nothing"}))
    with pytest.raises(InputError, match="labelled by digit or speaker"):
        dry_run(made(data={"set": "fsdd", "task": "colour"}))
