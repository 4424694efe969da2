"""A folder that Hugging Face `datasets` wrote with ``save_to_disk``: Arrow files, read with pyarrow alone.

Sounds are read from their place in the files. Columns of text and numbers are facts; a ``ClassLabel`` has its names. A
folder of several splits (a ``DatasetDict``) holds one such folder for each.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from otoscope.data.items import DataSet, Item, Request, Source, alphabetical_classes
from otoscope.data.packed import pack
from otoscope.data.problems import EMPTY, MISSING, UNLABELLED, Problems
from otoscope.data.table import more_on, problem_of, text_of
from otoscope.embedded import Embedded
from otoscope.errors import InputError
from otoscope.optional import needs
from otoscope.text import from_json

_MARKS = ("state.json", "dataset_info.json")
_SPLITS = "dataset_dict.json"


def is_saved(folder: Path) -> bool:
    """Whether `datasets` wrote this folder."""
    if (folder / _SPLITS).is_file():
        return True
    return any((folder / name).is_file() for name in _MARKS) and any(folder.glob("*.arrow"))


def _read(request: Request) -> DataSet:
    if not is_saved(request.folder):
        raise InputError(
            f"{request.folder} is not a folder of Hugging Face datasets: it has neither {_SPLITS} nor {_MARKS[0]} "
            "beside *.arrow; write one with save_to_disk"
        )
    problems = Problems()
    parts = [_Part(folder, split, request.task, problems) for folder, split in _folders(request)]
    items = pack(item for part in parts for item in part.items())
    if not items:
        raise InputError(f"{request.folder} has no sound that can be used" + (f": {problems.said}" if problems else ""))
    classes = next((part.classes for part in parts if part.classes), None) or alphabetical_classes(items)
    notes = tuple(dict.fromkeys(note for part in parts for note in part.notes))
    return DataSet(items, classes, notes, multilabel=any(part.several for part in parts), problems=problems)


def _folders(request: Request) -> list[tuple[Path, str]]:
    """The folders of the splits that are asked for."""
    if not (request.folder / _SPLITS).is_file():
        state = _json(request.folder / _MARKS[0])
        return [(request.folder, str(state.get("_split") or "all"))]
    names = [str(name) for name in _json(request.folder / _SPLITS).get("splits", [])]
    wanted = [name for name in names if not request.splits or name in request.splits]
    if not wanted:
        asked = ", ".join(request.splits)
        raise InputError(f"{request.folder} has no split {asked!r}; the splits are {', '.join(names)}")
    return [(request.folder / name, name) for name in wanted]


def _json(path: Path) -> Mapping[str, Any]:
    if not path.is_file():
        return {}
    try:
        found = from_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"cannot read {path}: {error}") from None
    return found if isinstance(found, dict) else {}


class _Part:
    """The sounds of one folder of Arrow files."""

    def __init__(self, folder: Path, split: str, asked: str, problems: Problems) -> None:
        self.folder, self.split, self.problems = folder, split, problems
        self._arrow = needs("pyarrow", extra="sweep", purpose=f"the data set in {folder}")
        state = _json(folder / _MARKS[0])
        if state.get("_indices_data_files"):
            raise InputError(
                f"{folder} is a selection from larger files: write it with flatten_indices().save_to_disk(...)"
            )
        listed = [folder / str(one["filename"]) for one in state.get("_data_files") or []]
        self.files = listed or sorted(folder.glob("*.arrow"))
        schema = self._stream(self.files[0]).schema
        self.features = _features(folder, schema)
        self.columns = list(schema.names)
        self.audio = self._audio_column(schema)
        self.label, self.notes = self._label_column(asked)
        self.several = False
        self.classes = tuple(_class_names(self.features.get(self.label or "")) or ())
        self._names = {name: names for name in self.columns if (names := _class_names(self.features.get(name)))}
        types = self._arrow.types
        self.facts = [field.name for field in schema if field.name != self.audio and not _is_large(field.type, types)]

    def _stream(self, path: Path) -> Any:
        return self._opened(path)[0]

    def _opened(self, path: Path) -> tuple[Any, int]:
        """A stream of batches, and the address at which the file lies in memory."""
        try:
            whole = self._arrow.memory_map(str(path)).read_buffer()
            return self._arrow.ipc.open_stream(self._arrow.BufferReader(whole)), whole.address
        except (self._arrow.ArrowException, OSError) as error:
            raise InputError(f"cannot read {path} as a stream of Arrow: {str(error).splitlines()[0]}") from None

    def _audio_column(self, schema: Any) -> str:
        declared = [
            name for name, feature in self.features.items() if _kind(feature) == "Audio" and name in self.columns
        ]
        types = self._arrow.types
        shaped = [
            field.name
            for field in schema
            if types.is_struct(field.type) and {"bytes", "path"} <= {inner.name for inner in field.type}
        ]
        named = [name for name in ("audio", "path", "file") if name in self.columns]
        found: str | None = next(iter([*declared, *shaped, *named]), None)
        if found is None:
            raise InputError(f"{self.folder} has no column of sounds; its columns are {', '.join(self.columns)}")
        return found

    def _label_column(self, asked: str) -> tuple[str | None, tuple[str, ...]]:
        if asked and asked not in self.columns:
            raise InputError(f"{self.folder} has no column {asked!r}; its columns are {', '.join(self.columns)}")
        if asked or "label" in self.columns:
            return asked or "label", ()
        classes = [name for name, feature in self.features.items() if _class_names(feature) and name in self.columns]
        if len(classes) == 1:
            return classes[0], ()
        others = ", ".join(name for name in self.columns if name != self.audio)
        return None, (f"the sounds in {self.folder} have no classes: choose one of {others} (--by)",) if others else ()

    def items(self) -> Iterator[Item]:
        row = 0
        for path in self.files:
            batches, base = self._opened(path)
            size = path.stat().st_size
            for batch in batches:
                sounds = _sounds(batch.column(self.audio), path, base, size, row)
                others = batch.select(self.facts).to_pylist()
                for sound, values in zip(sounds, others, strict=True):
                    item = self._item(sound, values, f"{path.name}, row {row}")
                    row += 1
                    if item is not None:
                        yield item

    def _item(self, sound: Embedded | str | None, values: Mapping[str, Any], where: str) -> Item | None:
        if sound is None:
            self.problems.add(MISSING, where, f"the column {self.audio} has neither bytes nor a path")
            return None
        if isinstance(sound, str):
            path = self.folder / sound
            cause = problem_of(str(path))
            if cause:
                self.problems.add(cause, sound, f"{where}: {more_on(cause, str(path))}")
                return None
        elif not sound.size:
            self.problems.add(EMPTY, str(sound))
            return None
        others = [name for name in self.facts if not name == self.label == "label"]
        facts = {name: text for name in others if (text := self._text(name, values[name]))}
        labels: tuple[str, ...] = ()
        if self.label is not None:
            value = values[self.label]
            several = value if isinstance(value, list) else [value]
            labels = tuple(dict.fromkeys(text for one in several if (text := self._text(self.label, one))))
            self.several |= isinstance(value, list)
            if not labels and value != []:  # an empty list says that there is none
                self.problems.add(UNLABELLED, str(sound), f"{where}: the column {self.label} is empty")
                return None
        return Item(sound if isinstance(sound, Embedded) else path, labels, self.split, facts=facts)

    def _text(self, name: str, value: Any) -> str:
        """A value as text: of a class, its name; -1 is none."""
        names = self._names.get(name)
        if names is None:
            return text_of(value)
        numbers = value if isinstance(value, list) else [value]
        return ",".join(names[n] for n in numbers if isinstance(n, int) and 0 <= n < len(names))


def _sounds(column: Any, path: Path, base: int, size: int, row: int) -> Iterator[Embedded | str | None]:
    """Where each sound of a column lies: its bytes in the Arrow file, or the path of another file."""
    fields = [field.name for field in column.type] if column.type.num_fields else []
    if not fields:
        yield from column.to_pylist()
        return
    parts = dict(zip(fields, column.flatten(), strict=True))
    names, content = parts["path"].to_pylist(), parts["bytes"]
    _, ends_buffer, data = content.buffers()
    wide = "large" in str(content.type)
    ends = memoryview(ends_buffer).cast("q" if wide else "i") if ends_buffer is not None else ()
    for number, name in enumerate(names):
        if not content[number].is_valid:
            yield name or None
            continue
        first, last = (ends[content.offset + number + n] for n in (0, 1))
        place = 0 if last == first else data.address - base + first
        if not 0 <= place <= place + last - first <= size:
            raise InputError(
                f"{path} is compressed inside, so no sound in it can be read alone: write it with save_to_disk"
            )
        yield Embedded(path, Path(name).name if name else str(row + number), place, last - first)


def _features(folder: Path, schema: Any) -> Mapping[str, Any]:
    """What `datasets` says of the columns, in the folder or in the Arrow file."""
    stated = _json(folder / _MARKS[1]).get("features")
    if not stated and schema.metadata and b"huggingface" in schema.metadata:
        stated = from_json(schema.metadata[b"huggingface"].decode()).get("info", {}).get("features")
    return stated if isinstance(stated, dict) else {}


def _kind(feature: Any) -> str:
    return str(feature.get("_type", "")) if isinstance(feature, dict) else ""


def _class_names(feature: Any) -> Sequence[str] | None:
    """The names of the classes of a column, also where it holds lists of them."""
    if isinstance(feature, list) and feature:
        return _class_names(feature[0])
    if isinstance(feature, dict) and _kind(feature) in ("Sequence", "List", "LargeList"):
        return _class_names(feature.get("feature"))
    return [str(name) for name in feature.get("names") or []] if _kind(feature) == "ClassLabel" else None


def _is_large(kind: Any, types: Any) -> bool:
    """Whether a column holds no facts but structures, bytes or long lists of numbers."""
    if types.is_list(kind) or types.is_large_list(kind):
        return bool(types.is_floating(kind.value_type)) or _is_large(kind.value_type, types)
    return bool(types.is_struct(kind) or types.is_binary(kind) or types.is_large_binary(kind) or types.is_nested(kind))


SOURCE = Source(
    name="arrow",
    about="a folder that Hugging Face datasets wrote with save_to_disk, with one split or several",
    licence="your own",
    url="your own recordings",
    layout=(),
    tasks={},
    splits=(),
    sample_rate=None,
    read=_read,
)
