"""A model file out of a hub into the folder of models: resumed, its size and sha256 checked, recorded.

Speaks the protocol of the Hugging Face hub through its own client, to whatever endpoint HF_ENDPOINT names. What the
client's `hf_hub_download` leaves out is done here: it deletes what an interrupted download had, and checks no sum. The
part that has come is kept under the file's sha256 and goes on with a Range request, also after a power cut; the file
gets its name only when its sum is right. This is the one command that uses the network.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlsplit

from huggingface_hub import constants, errors, get_hf_file_metadata, hf_hub_url
from huggingface_hub.file_download import http_get
from huggingface_hub.utils._headers import build_hf_headers

from ragedge.errors import DownloadFailed, ModelCorrupt, ModelError
from ragedge.model_registry import ModelRecord, Registry, need_room
from ragedge.models import verify_sha256

_SHA256 = re.compile(r"[0-9a-f]{64}")
_METADATA_SECONDS = 20.0  # to the first answer; a hub answers within one
_AGAIN = "run the same command again: it goes on where it stopped"
_OFFLINE = (
    "connect this box, or set HF_ENDPOINT to a mirror you reach; else carry the file here on a disk and: "
    "ragedge models add FILE.gguf"
)


@dataclass(frozen=True, slots=True)
class Remote:
    """A file in a repository of a hub, as the hub describes it."""

    repository: str
    file: str
    revision: str
    url: str
    location: str
    sha256: str
    size_bytes: int


def look_up(repository: str, file: str, *, revision: str = "main", endpoint: str | None = None) -> Remote:
    """Ask the hub for a file's size and sum; `endpoint` replaces HF_ENDPOINT.

    Raises:
        DownloadFailed: no network, no such file, no permission, or a server that is no hub.
    """
    with _translated(repository, file):
        url = hf_hub_url(repository, file, revision=revision, endpoint=endpoint)
        found = get_hf_file_metadata(url, timeout=_METADATA_SECONDS, library_name="ragedge", endpoint=endpoint)
    sha256 = (found.etag or "").lower()
    if not _SHA256.fullmatch(sha256) or not found.size:
        message = f'the server names no sha256 and size for "{file}" of "{repository}"'
        raise DownloadFailed(message, "is it a GGUF file? Fetch it by other means, then: ragedge models add FILE.gguf")
    return Remote(repository, file, found.commit_hash or revision, url, found.location, sha256, found.size)


def pull(registry: Registry, name: str, remote: Remote, *, sha256: str = "", licence: str = "") -> ModelRecord:
    """Fetch a file as the model `name` and record it; `sha256` is what it must have, where that is known.

    What is here whole under that name already is not fetched again.

    Raises:
        ModelCorrupt: it is not the file it should be.
        DownloadFailed: the connection failed; what has come is kept.
        ModelError: the disk has no room, or another process is at the same file.
        ConfigError: the name is not plain, or another model has it.
    """
    if sha256 and sha256.lower() != remote.sha256:
        message = f'"{remote.file}" of "{remote.repository}" has sha256 {remote.sha256}, expected was {sha256}'
        raise ModelCorrupt(message, "it was changed there; if you trust the new one: --sha256 with its sum")
    there = registry.find(name)
    if there is not None and there.sha256 == remote.sha256 and not registry.fault(there):
        return there
    if there is None or there.sha256 != remote.sha256:
        registry.check_free(name)
    registry.folder.mkdir(parents=True, exist_ok=True)
    part = registry.folder / f".{remote.sha256}.part"
    with _locked(part) as target:
        _fetch(remote, target, part)
        _check(remote, part)
        part.replace(registry.folder / f"{name}.gguf")
    source = f"{remote.repository}/{remote.file}@{remote.revision}"
    return registry.put(ModelRecord(name, f"{name}.gguf", remote.sha256, remote.size_bytes, source, licence))


def _fetch(remote: Remote, target: BinaryIO, part: Path) -> None:
    """Bring the part up to its full size."""
    there = target.seek(0, os.SEEK_END)
    if there > remote.size_bytes:
        there = 0
        target.truncate(0)
        target.seek(0)
    need_room(part.parent, remote.size_bytes - there)
    with _translated(remote.repository, remote.file):
        is_same_host = urlsplit(remote.location).netloc == urlsplit(remote.url).netloc
        # a token is for the hub alone, never for the storage that it points to
        headers = build_hf_headers(token=None if is_same_host else False, library_name="ragedge")
        http_get(
            remote.location,
            target,
            resume_size=there,
            headers=headers,
            expected_size=remote.size_bytes,
            displayed_filename=remote.file,
        )
        target.flush()
        os.fsync(target.fileno())


def _check(remote: Remote, part: Path) -> None:
    try:
        verify_sha256(part, remote.sha256)
    except ModelCorrupt as error:
        part.unlink(missing_ok=True)  # going on from a wrong beginning would never help
        message = f'what came for "{remote.file}" is not the file: {error.message}'
        raise ModelCorrupt(message, "it was thrown away; run the command again, or try another HF_ENDPOINT") from error


@contextmanager
def _locked(part: Path) -> Iterator[BinaryIO]:
    """The part, open for this process alone."""
    descriptor = os.open(part, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    with os.fdopen(descriptor, "r+b") as target:
        try:
            fcntl.flock(target, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ModelError("another process is fetching this file", "wait until it is done") from error
        yield target


@contextmanager
def _translated(repository: str, file: str) -> Iterator[None]:
    """The client's errors as ours, and the client silent: it would tell about this box and its programs."""
    constants.HF_HUB_DISABLE_TELEMETRY = True
    what = f'"{file}" of "{repository}"'
    try:
        yield
    except errors.GatedRepoError as error:
        hint = "accept its licence on the hub's page with your account, then set HF_TOKEN to a token of that account"
        raise DownloadFailed(f"{what} is given only to those who accept its licence", hint) from error
    except (errors.RepositoryNotFoundError, errors.RevisionNotFoundError, errors.EntryNotFoundError) as error:
        raise DownloadFailed(f"the hub has no {what}", "check the names; ragedge models list shows some") from error
    except errors.HfHubHTTPError as error:
        status = error.response.status_code
        raise DownloadFailed(f"the hub answered {status} for {what}", _AGAIN) from error
    except (errors.OfflineModeIsEnabled, errors.HTTPError) as error:  # type: ignore[attr-defined]
        reason = "HF_HUB_OFFLINE is set" if constants.is_offline_mode() else type(error).__name__
        raise DownloadFailed(f"the hub cannot be reached for {what} ({reason})", _OFFLINE) from error
    except errors.HFValidationError as error:
        raise DownloadFailed(f'"{repository}" is not a repository of a hub', 'write "OWNER/NAME"') from error
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise ModelError("the disk is full", f"free some space; {_AGAIN}") from error
        raise DownloadFailed(f"{what} did not come whole", _AGAIN) from error
