"""Models of transformers: what of their weights was loaded, and with which head."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from otoscope import Scope, load
from otoscope.errors import InputError
from otoscope.heard import untrained

transformers = pytest.importorskip("transformers")

RATE = 16_000
SIZES: dict[str, Any] = {
    "hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 8, "conv_dim": (4, 4),
    "conv_stride": (10, 8), "conv_kernel": (20, 8), "num_conv_pos_embeddings": 4, "num_conv_pos_embedding_groups": 2,
    "num_feat_extract_layers": 2, "vocab_size": 6, "classifier_proj_size": 8,
}  # fmt: skip


def saved(folder: Path, kind: str, architectures: Any = ..., extractor: bool = True) -> str:
    """A tiny model of a class of transformers in a folder, of which config.json may say that it is another."""
    cls = getattr(transformers, kind)
    torch.manual_seed(0)
    cls(cls.config_class(**SIZES, num_labels=3)).save_pretrained(folder)
    if extractor:
        transformers.Wav2Vec2FeatureExtractor(sampling_rate=RATE, do_normalize=True).save_pretrained(folder)
    if architectures is not ...:
        config = json.loads((folder / "config.json").read_text())
        (folder / "config.json").write_text(json.dumps(config | {"architectures": architectures}))
    return f"hf:{folder}"


def sound() -> torch.Tensor:
    return torch.randn(RATE // 4, generator=torch.Generator().manual_seed(0))


def test_a_head_that_is_not_in_the_checkpoint_is_said_to_be_random(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    spec = saved(tmp_path, "Wav2Vec2ForCTC", ["Wav2Vec2ForSequenceClassification"])
    capfd.readouterr()
    scope = Scope(spec, name="w2v")
    assert "".join(capfd.readouterr()) == ""  # the report of transformers names it only in a table of its own
    note = scope.relevance(sound()).attrs["note"]
    assert note == "The weights of w2v are not all in the checkpoint: projector.weight and 3 more are random"


def test_a_whole_checkpoint_has_no_such_note(tmp_path: Path) -> None:
    for kind in ("Wav2Vec2ForSequenceClassification", "HubertModel"):
        assert untrained(Scope(saved(tmp_path / kind, kind))) is None


def test_a_checkpoint_of_which_nothing_fits_is_refused(tmp_path: Path) -> None:
    spec = saved(tmp_path, "Wav2Vec2Model")
    from safetensors.torch import save_file

    save_file({"other.weight": torch.ones(2)}, tmp_path / "model.safetensors", {"format": "pt"})
    with pytest.raises(InputError, match=r"no weight of Wav2Vec2Model is in the checkpoint.*other\.weight"):
        load(spec)


@pytest.mark.parametrize("kind", ["HubertForSequenceClassification", "HubertForCTC"])
def test_where_nothing_names_the_class_the_weights_do(tmp_path: Path, kind: str) -> None:
    model = load(saved(tmp_path, kind, None))
    assert type(model.network).__name__ == kind
    assert untrained(Scope(model)) is None


def test_where_nothing_names_a_class_without_a_head_it_has_none(tmp_path: Path) -> None:
    model = load(saved(tmp_path, "HubertModel", None))
    assert type(model.network).__name__ == "HubertModel"


@pytest.mark.parametrize(
    ("kind", "architectures"),
    [("HubertModel", ...), ("HubertModel", None), ("Wav2Vec2Model", ["Wav2Vec2ForPreTraining"])],
)
def test_a_model_without_a_head_has_units_and_no_classes(tmp_path: Path, kind: str, architectures: Any) -> None:
    scope = Scope(saved(tmp_path, kind, architectures))
    with pytest.raises(InputError, match=r"last_hidden_state .* is a hidden state, .*one of its 8 units by number"):
        scope.relevance(sound())
    found = scope.relevance(sound(), target=3)
    assert found.attrs["target"] == "unit 3 of last_hidden_state" and found.attrs["score_kind"] == "value"
    assert not {"logit", "probability", "runner_up"} & set(found)


@pytest.mark.parametrize("extractor", [False, True])
def test_a_model_of_spectrograms_is_refused_with_the_way_out(tmp_path: Path, extractor: bool) -> None:
    sizes = {"encoder_layers": 1, "decoder_layers": 1, "encoder_ffn_dim": 4, "decoder_ffn_dim": 4, "vocab_size": 9}
    ids = {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2, "decoder_start_token_id": 1}
    heads = {"encoder_attention_heads": 1, "decoder_attention_heads": 1, "begin_suppress_tokens": None}
    config = transformers.WhisperConfig(d_model=4, max_source_positions=10, **sizes, **ids, **heads)
    transformers.WhisperModel(config).save_pretrained(tmp_path)
    if extractor:
        transformers.WhisperFeatureExtractor().save_pretrained(tmp_path)
    with pytest.raises(InputError, match=r"takes spectrograms.*Wrap it in a module that takes \(batch, time\)"):
        load(f"hf:{tmp_path}")
