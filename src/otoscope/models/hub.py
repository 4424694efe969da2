"""Our checkpoint folders on the Hugging Face Hub: published with their card, and fetched again.

What is uploaded is what `save` writes: ``config.json``, ``model.safetensors`` and ``README.md``. What comes back is
read by `load`, so nothing is unpickled and no code of others is run.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch import nn

from otoscope.errors import InputError
from otoscope.models.checkpoints import CARD, CONFIG, WEIGHTS, describe, is_checkpoint, save
from otoscope.models.resolve import load

try:
    from huggingface_hub import ModelHubMixin, hf_hub_download, snapshot_download
except ImportError as missing:
    raise InputError("the Hugging Face Hub needs huggingface_hub: pip install 'otoscope[hf]'") from missing

# of a model that has no card
_CARD = """\
---
{{ card_data }}
---

# A model on raw waveforms

To be looked into with [Otoscope]({{ docs_url }}): `otoscope inspect hf:ORG/NAME clip.wav`, or in Python
`otoscope.load("hf:ORG/NAME")`. What it learnt from and how well is not said.
"""


class Published(
    ModelHubMixin,
    library_name="otoscope",
    tags=["audio", "raw-waveform"],
    docs_url="https://otoscope.readthedocs.io",
    model_card_template=_CARD,
):
    """A model with its card, to be put on the Hugging Face Hub by ``push_to_hub("org/name")``.

    Parameters
    ----------
    model : torch.nn.Module
        A model from `load`.
    card : str, optional
        Its card, in Markdown; by default the one in the folder that it is saved to, and else a short one.

    Raises
    ------
    InputError
        If the model was not built by name.

    Notes
    -----
    ``push_to_hub`` and ``save_pretrained`` are those of `huggingface_hub.ModelHubMixin`. A checkpoint folder is
    published by ``Published.from_pretrained(folder).push_to_hub("org/name")``; anyone loads it by
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
        describe(model)  # or says why it cannot be saved, before the mixin takes an older config.json away
        self.model = model
        self.card = card

    def _save_pretrained(self, save_directory: Path) -> None:
        save(self.model, save_directory, self.card)

    @classmethod
    def from_pretrained(  # type: ignore[override]
        cls,
        name: str | Path,
        *,
        revision: str | None = None,
        token: str | bool | None = None,
        cache_dir: str | Path | None = None,
        force_download: bool = False,
        local_files_only: bool = False,
        **options: Any,
    ) -> Published:
        """Take a checkpoint folder, or one of ours from the Hub.

        Parameters
        ----------
        name : str or Path
            A folder, or ``org/name``.
        revision, token, cache_dir, force_download, local_files_only
            As `huggingface_hub.snapshot_download` takes them.
        **options
            Of the architecture, in place of those in ``config.json``.

        Returns
        -------
        Published

        Raises
        ------
        InputError
            If it cannot be found or read, or is no checkpoint of ours.
        """
        folder = Path(name)
        if not folder.is_dir():
            folder = fetch(
                str(name),
                revision=revision,
                token=token,
                cache_dir=cache_dir,
                force_download=force_download,
                local_files_only=local_files_only,
            )
        card = folder / CARD
        return cls(load(folder.resolve(), **options), card.read_text(encoding="utf-8") if card.is_file() else None)


def fetch(name: str, **where: Any) -> Path:
    """Download a checkpoint of ours from the Hub; of another library's model, only what tells so.

    Parameters
    ----------
    name : str
        ``org/name``.
    **where
        ``revision``, ``local_files_only`` and others, as `huggingface_hub.snapshot_download` takes them.

    Returns
    -------
    Path
        A folder in the cache, with ``config.json``; where `is_checkpoint`, with the rest too.

    Raises
    ------
    InputError
        If there is no such model, or it cannot be had.
    """
    try:
        folder = Path(hf_hub_download(name, CONFIG, **where)).parent
        if is_checkpoint(folder):
            folder = Path(snapshot_download(name, allow_patterns=[CONFIG, WEIGHTS, CARD], **where))
    except Exception as error:  # of the hub, the network and the cache, of many kinds
        reason = str(error).strip().split("\n")[0]
        raise InputError(f"hf:{name} cannot be loaded (offline, misspelt, or no folder?): {reason}") from error
    return folder
