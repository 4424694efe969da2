"""Every form of MODEL, every kind of weights file, and what is said when one is bad."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from otoscope import Scope
from otoscope.errors import InputError
from otoscope.heard import untrained
from otoscope.models import (
    ARCHITECTURES,
    Architecture,
    available,
    fit_weights,
    load,
    read_weights,
    save,
    weights_digest,
)
from otoscope.models.zoo import bundled_folder

SMALL = {"width": 0.05, "n_classes": 3}


@pytest.fixture
def state() -> dict[str, torch.Tensor]:
    torch.manual_seed(1)
    return load("cnn12", **SMALL).state_dict()


def same(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


# --- names ---


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_every_architecture_loads_in_eval_mode_with_its_description(name: str) -> None:
    model = load(name)
    assert not any(module.training for module in model.modules())
    assert isinstance(model.sample_rate, int)
    assert model.input_length is None or model.input_length > 0
    assert model.classes is None or all(isinstance(c, str) for c in model.classes)
    assert model.name == name
    assert model.padding in ("repeat", "zeros")
    assert model.weights_source is None


def test_available_has_one_line_for_every_name() -> None:
    assert available().keys() >= {*ARCHITECTURES, "vowel-name", "vowel-register"}
    assert all(line and "\n" not in line for line in available().values())


@pytest.mark.parametrize(
    ("wrong", "right"),
    [("cnn21", "cnn12"), ("inc_tssdnet", "inc-tssdnet"), ("SWAM-segmental", "swam-segmental")],
)
def test_unknown_name_offers_the_nearest_and_lists_all(wrong: str, right: str) -> None:
    with pytest.raises(InputError, match=f"did you mean {right}") as error:
        load(wrong)
    assert all(name in str(error.value) for name in available())


def test_empty_name() -> None:
    with pytest.raises(InputError, match="no model is called ''"):
        load("")


def test_unknown_option_lists_the_options() -> None:
    with pytest.raises(InputError, match="no option 'widht'; its options: n_classes, width, dropout"):
        load("cnn12", widht=2)
    with pytest.raises(InputError, match="has no option 'front_end'"):
        load("swam-segmental", front_end="subsegmental")


def test_option_of_the_wrong_kind() -> None:
    with pytest.raises(InputError, match="cnn12 cannot be built with"):
        load("cnn12", n_classes="ten")


def test_bundled_model_loads_with_its_classes() -> None:
    if not (bundled_folder("vowel-register") / "model.safetensors").is_file():
        pytest.skip("the bundled weights are not in this checkout")
    model = load("vowel-register")
    assert model.name == "vowel-register"
    assert model(torch.zeros(1, 1, 8000)).shape == (1, len(model.classes))


def test_an_entry_in_the_registry_makes_a_model_loadable_and_saveable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(ARCHITECTURES, "line", Architecture("torch.nn:Linear", "one layer", {"bias": False}))
    model = load("line", in_features=3, out_features=2)
    again = load(save(model, tmp_path))
    assert same(model.state_dict(), again.state_dict())
    assert again.bias is None


# --- weights files ---


@pytest.mark.parametrize("suffix", [".pt", ".pth", ".bin", ".ckpt", ".safetensors"])
def test_plain_state_dict_in_every_kind_of_file(tmp_path: Path, state: dict, suffix: str) -> None:
    path = tmp_path / f"weights{suffix}"
    save_file(state, path) if suffix == ".safetensors" else torch.save(state, path)
    model = load("cnn12", weights=path, width=0.05)
    assert same(model.state_dict(), state)
    assert model.weights_source == str(path)


@pytest.mark.parametrize("key", ["model_state_dict", "state_dict", "model"])
def test_state_dict_inside_the_dict_of_a_run(tmp_path: Path, state: dict, key: str) -> None:
    torch.save({"epoch": 3, key: state, "optimizer_state_dict": {"lr": 0.1}}, tmp_path / "run.pt")
    assert same(load("cnn12", weights=tmp_path / "run.pt", **SMALL).state_dict(), state)


def test_the_only_state_dict_of_a_file_is_taken_whatever_it_is_called(tmp_path: Path, state: dict) -> None:
    run = {"epoch": 3, "net": state, "optimizer": {"state": {}, "param_groups": [{"lr": 0.1}]}}
    torch.save(run, tmp_path / "run.pt")
    assert same(read_weights(tmp_path / "run.pt"), state)


def test_of_several_state_dicts_one_is_taken_aloud_or_none(tmp_path: Path, state: dict) -> None:
    others = {name: value + 1 for name, value in state.items()}
    torch.save({"ema": others, "model": state}, tmp_path / "ema.pt")
    with pytest.warns(UserWarning, match=r"ema\.pt holds the weights 'model', which are taken, and 'ema'"):
        assert same(read_weights(tmp_path / "ema.pt"), state)
    torch.save({"generator": state, "discriminator": others}, tmp_path / "gan.pt")
    with pytest.raises(InputError, match=r"several networks, 'generator', 'discriminator'.*torch\.save\(torch\.load"):
        read_weights(tmp_path / "gan.pt")


@pytest.mark.parametrize("prefix", ["module.", "model.", "module.model.", "_orig_mod."])
def test_prefix_of_a_wrapper_is_taken_off(tmp_path: Path, state: dict, prefix: str) -> None:
    torch.save({prefix + name: value for name, value in state.items()}, tmp_path / "wrapped.pt")
    assert same(load("cnn12", weights=tmp_path / "wrapped.pt", width=0.05).state_dict(), state)


def test_two_networks_in_one_file_are_not_guessed_between(tmp_path: Path, state: dict) -> None:
    both = {f"{who}.{name}": value for who in ("student", "teacher") for name, value in state.items()}
    torch.save(both, tmp_path / "both.pt")
    with pytest.raises(InputError, match="another architecture"):
        load("cnn12", weights=tmp_path / "both.pt", **SMALL)


def test_number_of_classes_is_read_from_the_weights(tmp_path: Path) -> None:
    model = load("swam-subsegmental", n_classes=5, input_length=2000)
    torch.save(model.state_dict(), tmp_path / "five.pt")
    again = load("swam-subsegmental", weights=tmp_path / "five.pt", input_length=2000)
    assert again.classifier.out_features == 5
    encoder = load("cnn12", width=0.05)
    torch.save(encoder.state_dict(), tmp_path / "encoder.pt")
    again = load("cnn12", weights=tmp_path / "encoder.pt", width=0.05)
    assert again(torch.zeros(1, 1, 4000)).shape == (1, 512)


def test_checkpoint_of_another_architecture_names_the_first_differences(tmp_path: Path, state: dict) -> None:
    torch.save(state, tmp_path / "cnn12.pt")
    with pytest.raises(InputError) as error:
        load("inc-tssdnet", weights=tmp_path / "cnn12.pt")
    message = str(error.value)
    assert "cnn12.pt does not fit inc-tssdnet; it is a checkpoint of another architecture" in message
    assert "the file lacks conv1.weight, bn1.weight" in message
    assert "the model has no features.conv1.weight" in message


def test_other_shapes_are_named_with_the_options_to_give(tmp_path: Path, state: dict) -> None:
    torch.save(state, tmp_path / "narrow.pt")
    with pytest.raises(InputError) as error:
        load("cnn12", weights=tmp_path / "narrow.pt")
    assert "features.conv1.weight is (3, 1, 7) in the file but (64, 1, 7) in the model" in str(error.value)
    assert "n_classes, width, dropout" in str(error.value)


def test_a_misfit_leaves_the_model_as_it_was(state: dict) -> None:
    model = load("cnn12", **SMALL)
    before = weights_digest(model)
    broken = dict(state)
    broken["classifier.bias"] = torch.zeros(9)
    with pytest.raises(InputError, match=r"classifier.bias is \(9,\)"):
        fit_weights(model, broken, "broken.pt")
    assert weights_digest(model) == before


# --- bad files ---


class _WritesAFile:
    """Unpickled freely, it would make a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple:
        return (open, (str(self.path), "w"))


class _RunsACommand(_WritesAFile):
    def __reduce__(self) -> tuple:
        return (os.system, (f"touch {self.path}",))


@pytest.mark.parametrize("hostile", [_WritesAFile, _RunsACommand])
@pytest.mark.parametrize("form", ["zip", "legacy", "raw", "raw-2"])
@pytest.mark.parametrize("suffix", [".pt", ".ckpt"])
def test_hostile_pickle_is_refused_and_nothing_runs(tmp_path: Path, hostile: type, form: str, suffix: str) -> None:
    trace = tmp_path / "executed"
    content = {"model_state_dict": hostile(trace)}
    path = tmp_path / f"hostile{suffix}"
    if form.startswith("raw"):
        path.write_bytes(pickle.dumps(content, protocol=2 if form == "raw-2" else 4))
    else:
        torch.save(content, path, _use_new_zipfile_serialization=form == "zip")
    with pytest.raises(InputError, match=rf"hostile\{suffix} was refused.*nothing was run"):
        load("cnn12", weights=path)
    assert not trace.exists()


def test_pickled_module_is_refused(tmp_path: Path) -> None:
    torch.save(nn.Linear(2, 2), tmp_path / "module.pt")
    with pytest.raises(InputError, match=r"was refused.*torch\.nn\.modules\.linear\.Linear.*state_dict"):
        read_weights(tmp_path / "module.pt")


@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
def test_missing_file(tmp_path: Path, suffix: str) -> None:
    with pytest.raises(InputError, match=rf"none\{suffix} does not exist"):
        load("cnn12", weights=tmp_path / f"none{suffix}")


@pytest.mark.parametrize("suffix", [".pt", ".pth", ".safetensors"])
@pytest.mark.parametrize("content", [b"\x80", b"version https", bytes(range(256)) * 8, b"PK\x03\x04", b"{}"])
def test_file_of_something_else(tmp_path: Path, suffix: str, content: bytes) -> None:
    path = tmp_path / f"noise{suffix}"
    path.write_bytes(content)
    with pytest.raises(InputError, match=f"noise\\{suffix}"):
        read_weights(path)


@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
@pytest.mark.parametrize("share", [0.01, 0.5, 0.99])
def test_truncated_file(tmp_path: Path, state: dict, suffix: str, share: float) -> None:
    path = tmp_path / f"cut{suffix}"
    save_file(state, path) if suffix == ".safetensors" else torch.save(state, path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(InputError, match="damaged"):
        read_weights(path)


def test_text_is_called_no_file_of_torch(tmp_path: Path) -> None:
    (tmp_path / "text.pt").write_text("hello")
    with pytest.raises(InputError, match=r"it begins with b'hello', and what torch\.save writes with b'PK'"):
        read_weights(tmp_path / "text.pt")


def test_empty_file_folder_and_wrong_suffix(tmp_path: Path) -> None:
    (tmp_path / "empty.pt").touch()
    (tmp_path / "weights.h5").write_bytes(b"x")
    with pytest.raises(InputError, match=r"empty\.pt is empty"):
        read_weights(tmp_path / "empty.pt")
    with pytest.raises(InputError, match=r"weights files end in \.safetensors.*'\.h5'"):
        read_weights(tmp_path / "weights.h5")
    with pytest.raises(InputError, match="is a folder"):
        read_weights(tmp_path)


@pytest.mark.parametrize("content", [{}, [1, 2], torch.zeros(3), {"state_dict": {}}, {"epoch": 3}, {3: torch.zeros(1)}])
def test_file_without_a_state_dict(tmp_path: Path, content: object) -> None:
    torch.save(content, tmp_path / "odd.pt")
    with pytest.raises(InputError, match=r"odd\.pt contains no (weights|plain state dict)"):
        read_weights(tmp_path / "odd.pt")


# --- checkpoint folders ---


def test_saved_folder_loads_back_the_same_model(tmp_path: Path) -> None:
    torch.manual_seed(2)
    model = load("swam-multiresolution", n_classes=2, input_length=2000, dropout=0.4)
    model.classes = ("yes", "no")
    model.sample_rate = 8000
    model.name = "mine"
    folder = save(model, tmp_path / "deep" / "folder")
    again = load(folder)
    assert sorted(p.name for p in folder.iterdir()) == ["config.json", "model.safetensors"]
    assert weights_digest(again) == weights_digest(model)
    assert (again.classes, again.sample_rate, again.name) == (("yes", "no"), 8000, "mine")
    assert again.config == model.config
    assert again.dense.dropout.p == 0.4
    x = torch.randn(1, 1, 2000)
    assert torch.equal(model(x), again(x))


def test_description_in_a_config_reaches_a_class_that_takes_it_as_options(tmp_path: Path) -> None:
    from otoscope.models.vowelnet import VowelNet

    network = VowelNet(["low", "mid", "high"], sample_rate=8000)
    save_file(network.state_dict(), tmp_path / "model.safetensors")
    contract = {"sample_rate": 8000, "classes": ["low", "mid", "high"]}
    config = {"architecture": "vowelnet", "options": {"stride": 10}, "name": "voices", "contract": contract}
    (tmp_path / "config.json").write_text(json.dumps(config))
    model = load(tmp_path)
    assert (model.name, model.sample_rate, model.classes) == ("voices", 8000, ("low", "mid", "high"))
    assert same(model.state_dict(), network.state_dict())
    again = load(save(model, tmp_path / "again"))
    assert (again.name, again.sample_rate, again.classes) == ("voices", 8000, ("low", "mid", "high"))
    assert weights_digest(again) == weights_digest(model)


def test_options_and_weights_given_with_a_folder_win(tmp_path: Path) -> None:
    folder = save(load("cnn12", **SMALL), tmp_path / "folder")
    other = load("cnn12", **SMALL)
    torch.save(other.state_dict(), tmp_path / "other.pt")
    model = load(str(folder), weights=tmp_path / "other.pt", dropout=0.1)
    assert same(model.state_dict(), other.state_dict())
    assert model.fc1.drop10.p == 0.1


def test_saving_again_replaces(tmp_path: Path) -> None:
    save(load("cnn12", **SMALL), tmp_path)
    second = load("cnn12", width=0.05, n_classes=4)
    save(second, tmp_path)
    assert weights_digest(load(tmp_path)) == weights_digest(second)


def test_an_interrupted_save_keeps_the_older_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = load("cnn12", **SMALL)
    save(first, tmp_path)

    def full_disk(path: Path, content: bytes) -> int:
        path.open("wb").write(b"half")
        raise OSError("No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full_disk)
    with pytest.raises(InputError, match="No space left"):
        save(load("cnn12", **SMALL), tmp_path)
    assert weights_digest(load(tmp_path)) == weights_digest(first)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["config.json", "model.safetensors"]


def test_only_models_built_by_name_can_be_saved(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="Linear cannot be saved"):
        save(nn.Linear(2, 2), tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="it is a file; give the name of a folder"):
        save(load("cnn12", **SMALL), tmp_path / "file")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not valid JSON"),
        pytest.param("[" * 100_000, "not valid JSON", id="brackets without end"),
        ("[1]", "must contain a JSON object, not a list"),
        ("{}", "has no architecture"),
        ('{"model_type": "wav2vec2"}', "give hf:"),
        ('{"architecture": "cnn21"}', "no architecture is called 'cnn21'; did you mean cnn12"),
        ('{"architecture": ["cnn12"]}', "architecture must be a name"),
        ('{"architecture": "cnn12", "options": {"depth": 3}}', "cnn12 has no option 'depth'"),
        ('{"architecture": "cnn12", "options": [3]}', "options must be an object"),
        ('{"architecture": "cnn12", "options": {"n_classes": "ten"}}', "cannot be built"),
        ('{"architecture": "cnn12", "contract": {"sample_rate": "8k"}}', "sample_rate has to be a whole number"),
        ('{"architecture": "cnn12", "contract": {"classes": "abc"}}', "classes has to be a list of names"),
        (
            '{"architecture": "cnn12", "contract": {"rate": 8}}',
            "the contract has no field 'rate'; its fields are sample",
        ),
        ('{"architecture": "cnn12", "contract": [8000]}', "contract must be an object"),
        ('{"architecture": "cnn12", "sample_rate": 8000}', "sample_rate belongs into the object contract"),
        ('{"architecture": "cnn12", "name": 3}', "name must be a string"),
    ],
)
def test_bad_config_is_named(tmp_path: Path, text: str, message: str) -> None:
    save(load("cnn12", **SMALL), tmp_path)
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(InputError, match=message) as error:
        load(tmp_path)
    assert "config.json" in str(error.value)


def test_folder_without_a_part(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"it has no config\.json"):
        load(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps({"architecture": "cnn12"}))
    with pytest.raises(InputError, match=r"has no model\.safetensors"):
        load(tmp_path)


def test_folder_whose_weights_do_not_fit(tmp_path: Path) -> None:
    save(load("cnn12", **SMALL), tmp_path)
    (tmp_path / "config.json").write_text(json.dumps({"architecture": "inc-tssdnet"}))
    with pytest.raises(InputError, match=r"model\.safetensors does not fit inc-tssdnet"):
        load(tmp_path)


# --- the user's own code ---

NET = """
from __future__ import annotations
from dataclasses import dataclass
import torch
from neighbour_of_net import CHANNELS

@dataclass
class Size:
    channels: int = CHANNELS

class Net(torch.nn.Module):
    def __init__(self, taps: int = 5) -> None:
        super().__init__()
        self.conv = torch.nn.Conv1d(1, Size().channels, taps)
        self.train()

ready = Net(taps=9)
number = 3
def text():
    return "no module"
def broken():
    raise RuntimeError("out of order")
"""


@pytest.fixture
def net(tmp_path: Path) -> Path:
    (tmp_path / "neighbour_of_net.py").write_text("CHANNELS = 4")
    path = tmp_path / "net.py"
    path.write_text(NET)
    return path


def test_class_from_a_file_with_options_and_weights(net: Path, tmp_path: Path) -> None:
    path_before = list(sys.path)
    model = load(f"{net}:Net", taps=7)
    assert model.conv.weight.shape == (4, 1, 7)
    assert not model.training
    assert sys.path == path_before
    ones = {"module.conv.weight": torch.ones(4, 1, 5), "module.conv.bias": torch.zeros(4)}
    torch.save(ones, tmp_path / "w.pt")
    assert load(f"{net}:Net", weights=tmp_path / "w.pt").conv.weight.sum() == 20
    assert load(f"{net}:ready").conv.kernel_size == (9,)


def test_weights_that_the_code_of_a_user_makes_are_said_to_be_its_own(net: Path, tmp_path: Path) -> None:
    made = untrained(Scope(f"{net}:Net", 8000))
    assert made is not None and made.startswith(
        "The weights of Net are as net.py:Net makes them, which is random unless"
    )
    torch.save(load(f"{net}:Net").state_dict(), tmp_path / "w.pt")
    assert untrained(Scope(load(f"{net}:Net", weights=tmp_path / "w.pt"), 8000)) is None
    assert untrained(Scope(nn.Conv1d(1, 1, 3), 8000)) is None


def test_files_of_one_name_do_not_meet(net: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "net.py").write_text("import torch\nclass Net(torch.nn.Linear):\n    pass\n")
    assert isinstance(load(f"{other / 'net.py'}:Net", in_features=2, out_features=1), nn.Linear)
    assert not isinstance(load(f"{net}:Net"), nn.Linear)


@pytest.mark.parametrize(
    ("attribute", "message"),
    [
        ("Nett", "there is no Nett; did you mean Net"),
        ("number", "is of type int, not a class or function"),
        ("text", "returned str, not a torch.nn.Module"),
        ("broken", "RuntimeError: out of order"),
    ],
)
def test_attribute_that_gives_no_module(net: Path, attribute: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        load(f"{net}:{attribute}")


def test_options_that_do_not_apply(net: Path) -> None:
    with pytest.raises(InputError, match="takes no options: leave out taps"):
        load(f"{net}:ready", taps=3)
    with pytest.raises(InputError, match="unexpected keyword argument 'depth'"):
        load(f"{net}:Net", depth=3)


def test_a_class_that_needs_arguments_says_how_to_give_them(tmp_path: Path) -> None:
    path = tmp_path / "net.py"
    path.write_text("import torch\nclass Net(torch.nn.Linear):\n    pass\n")
    with pytest.raises(InputError) as refused:
        load(f"{path}:Net")
    message = str(refused.value)
    assert "def make(): return Net(in_features=..., out_features=...)" in message and f"{path}:make" in message
    assert "{}" not in message


def test_bad_python_files(tmp_path: Path, net: Path) -> None:
    bad = tmp_path / "bad.py"
    bad.write_text("def (")
    before = set(sys.modules)
    with pytest.raises(InputError, match=r"bad\.py fails when it is imported: SyntaxError"):
        load(f"{bad}:Net")
    assert not [name for name in set(sys.modules) - before if "bad" in name]
    with pytest.raises(InputError, match=r"none\.py does not exist"):
        load(f"{tmp_path / 'none.py'}:Net")
    with pytest.raises(InputError, match="name the class or function too"):
        load(net)


def test_factory_from_a_module() -> None:
    model = load("torch.nn:Conv1d", in_channels=1, out_channels=2, kernel_size=3)
    assert isinstance(model, nn.Conv1d)
    with pytest.raises(InputError, match=r"module torch\.no_such cannot be imported: ModuleNotFoundError"):
        load("torch.no_such:Net")
    with pytest.raises(InputError, match="did you mean Conv1d"):
        load("torch.nn:Conv1")


def test_module_in_the_working_folder(net: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (net.parent / "my_net_for_the_working_folder.py").write_text(NET)
    monkeypatch.chdir(net.parent)
    assert load("my_net_for_the_working_folder:Net").conv.out_channels == 4


def test_weights_file_given_as_the_model(tmp_path: Path, state: dict) -> None:
    torch.save(state, tmp_path / "w.pt")
    with pytest.raises(InputError, match="is a file: give the architecture as the model"):
        load(tmp_path / "w.pt")


# --- Hugging Face ---


def wav2vec2(folder: Path, head: str, extractor: bool = True) -> nn.Module:
    transformers = pytest.importorskip("transformers")
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    front = {"conv_dim": (8, 8), "conv_kernel": (10, 3), "conv_stride": (5, 2), "num_feat_extract_layers": 2}
    small = {"num_conv_pos_embeddings": 4, "num_conv_pos_embedding_groups": 2, "classifier_proj_size": 8}
    config = transformers.Wav2Vec2Config(
        **sizes, **front, **small, num_labels=2, id2label={0: "no", 1: "yes"}, label2id={"no": 0, "yes": 1}
    )
    model = getattr(transformers, head)(config).eval()
    model.save_pretrained(folder)
    if extractor:
        transformers.Wav2Vec2FeatureExtractor(sampling_rate=8000, do_normalize=True).save_pretrained(folder)
    return model


def test_hugging_face_classifier_from_a_folder(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = wav2vec2(tmp_path, "Wav2Vec2ForSequenceClassification")
    model = load(f"hf:{tmp_path}")
    assert (model.sample_rate, model.classes, model.training) == (8000, ("no", "yes"), False)
    from transformers import Wav2Vec2FeatureExtractor

    clip = 0.3 + 0.1 * torch.randn(1600)
    prepared = Wav2Vec2FeatureExtractor.from_pretrained(tmp_path)(clip.numpy(), sampling_rate=8000)
    with torch.no_grad():
        expected = network(torch.as_tensor(prepared["input_values"][0])[None]).logits
        assert torch.allclose(model(clip[None, None]), expected, atol=1e-4)


def test_hugging_face_encoder_gives_its_last_hidden_state(tmp_path: Path) -> None:
    wav2vec2(tmp_path, "Wav2Vec2Model", extractor=False)
    with pytest.warns(UserWarning, match=r"no preprocessor_config\.json; a sample rate of 16000 Hz"):
        model = load(f"hf:{tmp_path}")
    assert model(torch.randn(2, 1, 1600))["last_hidden_state"].shape[::2] == (2, 16)
    assert (model.sample_rate, model.classes) == (16000, None)


def test_hugging_face_model_on_spectrograms_is_refused(tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    transformers.ASTConfig(hidden_size=8, num_hidden_layers=1).save_pretrained(tmp_path)
    (tmp_path / "preprocessor_config.json").write_text(
        json.dumps({"feature_extractor_type": "ASTFeatureExtractor", "num_mel_bins": 128})
    )
    with pytest.raises(InputError, match="takes spectrograms"):
        load(f"hf:{tmp_path}")


def test_hugging_face_errors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("transformers")
    with pytest.raises(InputError, match="hf:no/such-model cannot be loaded"):
        load("hf:no/such-model", local_files_only=True)
    wav2vec2(tmp_path, "Wav2Vec2Model")
    with pytest.raises(InputError, match="has no option 'trust_remote_code'"):
        load(f"hf:{tmp_path}", trust_remote_code=True)
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(InputError, match=r"pip install 'otoscope\[hf\]'"):
        load(f"hf:{tmp_path}")


# --- the hash ---


def test_digest_sees_names_shapes_types_and_bytes_and_nothing_else() -> None:
    layer = nn.Linear(2, 3)
    first = weights_digest(layer)
    assert len(first) == 16
    assert int(first, 16) >= 0
    copy = nn.Linear(2, 3)
    copy.load_state_dict(layer.state_dict())
    assert weights_digest(copy.eval()) == first
    with torch.no_grad():
        copy.weight[0, 0] += 1e-6
    assert weights_digest(copy) != first
    assert weights_digest(nn.Sequential(layer)) != first
    turned = nn.Linear(3, 2, bias=False)
    flat = nn.Linear(2, 3, bias=False)
    turned.weight.data = flat.weight.data.reshape(2, 3)
    assert weights_digest(turned) != weights_digest(flat)
    assert weights_digest(layer.bfloat16()) != first


def test_digest_sees_buffers() -> None:
    norm = nn.BatchNorm1d(2)
    before = weights_digest(norm)
    norm(torch.randn(4, 2))
    assert weights_digest(norm) != before


def test_importing_the_models_brings_in_no_optional_part() -> None:
    parts = {"transformers", "huggingface_hub", "matplotlib", "captum"}
    code = f"import sys, otoscope.models; print({parts} & set(sys.modules))"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "set()"
