"""Checkpoint folders published on the Hugging Face Hub with their model card.

What is uploaded is what `save` writes: ``config.json``, ``model.safetensors`` and ``README.md``. What is downloaded is
read by `load`: nothing is unpickled, and no code from the Hub is run.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch import nn

from otoscope.errors import InputError
from otoscope.models.checkpoints import CARD, describe, save
from otoscope.models.download import fetch
from otoscope.models.resolve import load

try:
    from huggingface_hub import ModelHubMixin
except ImportError as missing:
    raise InputError("the Hugging Face Hub needs huggingface_hub: pip install 'otoscope[hf]'") from missing

# for a model without a card of its own
_CARD = """\
---
{{ card_data }}
---

# A model on raw waveforms

Inspect it with [Otoscope]({{ docs_url }}): `otoscope inspect hf:ORG/NAME clip.wav`, or in Python
`otoscope.load("hf:ORG/NAME")`. Its training data and its accuracy are not documented.
"""


class Published(
    ModelHubMixin,
    library_name="otoscope",
    tags=["audio", "raw-waveform"],
    docs_url="https://otoscope.readthedocs.io",
    model_card_template=_CARD,
):
    """A model with its card, ready for the Hugging Face Hub: ``push_to_hub("org/name")``.

    Parameters
    ----------
    model : torch.nn.Module
        A model from `load`.
    card : str, optional
        Its model card, in Markdown; by default the ``README.md`` already in the folder it is saved to, or else a short
        one.

    Raises
    ------
    InputError
        If the model was not built by name.

    Notes
    -----
    ``push_to_hub`` and ``save_pretrained`` are those of `huggingface_hub.ModelHubMixin`. A checkpoint folder is
    published by ``Published.from_pretrained(folder).push_to_hub("org/name")`` and loaded by anyone with
    ``otoscope.load("hf:org/name")``.

    Examples
    --------
    >>> import tempfile
    >>> from otoscope.models import load
    >>> folder = tempfile.mkdtemp()
    >>> Published(load("vowelnet"), card="# Vowels").save_pretrained(folder)
    >>> sorted(path.name for path in Path(folder).iterdir())
    ['README.md', 'config.json', 'model.safetensors']
    >>> Published.from_pretrained(folder).card
    '# Vowels'
    """

    def __init__(self, model: nn.Module, card: str | None = None) -> None:
        describe(model)  # fails for a model that cannot be saved, before the mixin deletes an older config.json
        self.model, self.card = model, card

    def _save_pretrained(self, save_directory: Path) -> None:
        save(self.model, save_directory, self.card)

    @classmethod
    def from_pretrained(cls, name: str | Path, **options: Any) -> Published:  # type: ignore[override]
        """Read a checkpoint folder, or download one from the Hub.

        Parameters
        ----------
        name : str or Path
            A folder, or ``org/name``.
        **options
            As `huggingface_hub.snapshot_download` takes them: ``revision``, ``token``, ``cache_dir``, ...

        Raises
        ------
        InputError
            If there is no such model, or it is not an Otoscope checkpoint.
        """
        folder = Path(name) if Path(name).is_dir() else fetch(str(name), **options)
        card = folder / CARD
        return cls(load(folder.resolve()), card.read_text(encoding="utf-8") if card.is_file() else None)
