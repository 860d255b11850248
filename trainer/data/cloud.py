"""Prepared folders that lie elsewhere, by fsspec: what is learned from is copied beside the run.

A copy is memory-mapped as any prepared folder is.  meta.json comes last: where it is, all is there.

Tested in tests/trainer/data/test_cloud.py.
"""

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from model.codecs.registry import corpus_of
from trainer.corpus import meta
from trainer.corpus.reading.sources import SPLITS
from trainer.errors import OperationError, RequestError

FOLDER = "prepared"
MARKS = "copied.json"
"""What the files were when they were copied, by the library's own marks."""
MISSING = "{} is not installed; data elsewhere needs it: pip install 'twobar[trainer,cloud]'"


def local(url: str, codec: str, run: Path, *, resume: bool = False) -> Path:
    """Return a folder on this machine that holds the phrases of a codec; what is there and the same stays.

    Args:
        url: of a folder that prepare wrote.
        codec: one of `model.codecs.registry.CODECS`.
        run: folder of the run; the copy lies beside it.
        resume: whether the run goes on: then with what was copied.

    Raises:
        RequestError: nothing lies there that prepare wrote, or fsspec does not know the protocol.
        OperationError: a library is missing, or it cannot be read.
    """
    try:
        from fsspec.core import url_to_fs  # noqa: PLC0415 - the cloud extra
        from fsspec.implementations.local import LocalFileSystem  # noqa: PLC0415 - as above
    except ImportError as error:
        raise OperationError(MISSING.format("fsspec")) from error
    try:
        system, root = url_to_fs(url)
        if isinstance(system, LocalFileSystem):
            return Path(root)
        return _copied(system, root, url, codec, run, resume=resume)
    except ImportError as error:  # fsspec says which library reads the protocol
        raise OperationError(f"'{url}' cannot be read: {error}") from error
    except FileNotFoundError as error:
        raise RequestError(
            f"'{url}' was not written by 'twobar-train prepare': {meta.NAME} is missing"
        ) from error
    except ValueError as error:
        raise RequestError(f"'{url}' is no place that fsspec knows: {error}") from error
    except (RequestError, OperationError):
        raise
    except Exception as error:  # each file system has its own faults
        raise OperationError(f"'{url}' cannot be read: {error or type(error).__name__}") from error


def _copied(system: Any, root: str, url: str, codec: str, run: Path, *, resume: bool) -> Path:  # noqa: ANN401 - fsspec publishes no types
    """Copy what is new or has changed."""
    mark = hashlib.blake2b(url.encode(), digest_size=3).hexdigest()
    name = root.rstrip("/").rsplit("/", 1)[-1] or "data"
    folder = run.resolve().parent / FOLDER / f"{name}-{mark}"
    kind = corpus_of(codec)
    if resume and (folder / meta.NAME).is_file() and (folder / kind).is_dir():
        return folder
    root = root.rstrip("/")
    files = {meta.NAME: str(system.checksum(f"{root}/{meta.NAME}"))}
    for split in SPLITS:
        for path in system.find(f"{root}/{kind}/{split}"):
            files[f"{kind}/{split}/{path.rsplit('/', 1)[-1]}"] = str(system.checksum(path))
    before = _marks(folder)
    for within in sorted(files, key=lambda each: each == meta.NAME):
        if before.get(within) != files[within] or not (folder / within).is_file():
            (folder / meta.NAME).unlink(missing_ok=True)
            _copy(system, f"{root}/{within}", folder / within)
    (folder / MARKS).write_text(json.dumps({**before, **files}, indent=1) + "\n", encoding="utf-8")
    return folder


def _copy(system: Any, place: str, path: Path) -> None:  # noqa: ANN401 - as above
    """Copy a file so that a reader sees the old one or the whole new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        system.get_file(place, str(draft))
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def _marks(folder: Path) -> dict[str, str]:
    try:
        found = json.loads((folder / MARKS).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {str(name): str(mark) for name, mark in found.items()} if isinstance(found, dict) else {}
