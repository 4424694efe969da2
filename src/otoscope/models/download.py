"""Download from the Hugging Face Hub: no code from there is run, and nothing is unpickled."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from otoscope.errors import InputError
from otoscope.models.checkpoints import CARD, CONFIG, WEIGHTS, is_checkpoint


def fetch(name: str, **options: Any) -> Path:
    """Download an Otoscope checkpoint from the Hub; of any other model, only its ``config.json``.

    Parameters
    ----------
    name : str
        ``org/name``.
    **options
        As `huggingface_hub.snapshot_download` takes them.

    Returns
    -------
    Path
        A folder in the Hub's cache.

    Raises
    ------
    InputError
        If there is no such model, or the Hub cannot be reached.
    """
    try:
        from huggingface_hub import hf_hub_download, snapshot_download
    except ImportError as missing:
        raise InputError("the Hugging Face Hub needs huggingface_hub: pip install 'otoscope[hf]'") from missing
    try:
        folder = Path(hf_hub_download(name, CONFIG, **options)).parent
        if is_checkpoint(folder):
            folder = Path(snapshot_download(name, allow_patterns=[CONFIG, WEIGHTS, CARD], **options))
    except Exception as error:  # the hub, the network and the cache raise many kinds
        reason = str(error).strip().split("\n")[0]
        raise InputError(f"hf:{name} cannot be loaded (offline, misspelt, or not a folder?): {reason}") from error
    return folder
