"""Zip packages (office files, books) opened with limits that hold against bombs, and their XML parts.

Sizes in a zip directory are the file's own claim: every byte is counted while it is unpacked (CVE-2019-9674). Names are
keys into the archive and never become paths. What a package refers to outside itself is never followed.
"""

from __future__ import annotations

import posixpath
import zipfile
import zlib
from typing import Any, BinaryIO

from ragedge.errors import UnreadableDocument
from ragedge.ingest.readers.markup import local_name, parse_xml

MAX_ENTRIES = 20_000
"""Entries per package; the largest office files seen have a few thousand."""
MAX_PART_BYTES = 256 * 2**20
"""Unpacked size of one part; a sheet of a million cells has about 60 MB."""
MAX_TOTAL_BYTES = 512 * 2**20
"""Unpacked size of all parts that are read, a third of the memory a reader may use."""
MAX_RATIO = 400
"""Unpacked to packed size of a part; real XML reaches about 100, a zip bomb 1,000."""
RATIO_FREE_BYTES = 4 * 2**20
"""Parts up to this size are not measured by their ratio: empty sheets pack very well."""
_STEP_BYTES = 2**20


class Package:
    """A zip file of which only named parts are read, each within its limits."""

    def __init__(self, stream: BinaryIO) -> None:
        try:
            self._zip = zipfile.ZipFile(stream)
        except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError) as error:
            raise UnreadableDocument(
                "broken", "is not a complete file of its kind: the zip inside is damaged"
            ) from error
        infos = self._zip.infolist()
        if len(infos) > MAX_ENTRIES:
            raise UnreadableDocument(
                "too_large", f"holds {len(infos):,} parts, more than the {MAX_ENTRIES:,} that are read"
            )
        self._infos = {info.filename.lstrip("/"): info for info in infos}
        self._spent = 0

    @property
    def names(self) -> list[str]:
        """Names of all parts, in the order of the archive."""
        return list(self._infos)

    def __contains__(self, name: str) -> bool:
        return name in self._infos

    def read(self, name: str) -> bytes:
        """The unpacked bytes of a part.

        Raises:
            UnreadableDocument: "broken" where it is missing or damaged, "encrypted", "too_large".
        """
        info = self._infos.get(name)
        if info is None:
            raise UnreadableDocument("broken", f"lacks its part '{name[:100]}'")
        if info.flag_bits & 1:
            raise UnreadableDocument("encrypted", "is a zip that needs a password", "save it without a password")
        limit = min(MAX_PART_BYTES, MAX_TOTAL_BYTES - self._spent)
        limit = min(limit, max(RATIO_FREE_BYTES, info.compress_size * MAX_RATIO))
        pieces, size = [], 0
        try:
            with self._zip.open(info) as part:
                while piece := part.read(_STEP_BYTES):
                    size += len(piece)
                    if size > limit:
                        raise UnreadableDocument("too_large", f"unpacks '{name[:100]}' to more than {limit:,} bytes")
                    pieces.append(piece)
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError) as error:
            raise UnreadableDocument("broken", f"has a damaged part '{name[:100]}'") from error
        self._spent += size
        return b"".join(pieces)

    def check(self) -> None:
        """Unpack every part once within the limits, for libraries that open the package themselves.

        Raises:
            UnreadableDocument: as `read`.
        """
        for name, info in self._infos.items():
            if not info.is_dir():
                self.read(name)

    def xml(self, name: str) -> Any:
        """Root element of an XML part."""
        return parse_xml(self.read(name))

    def relations(self, name: str) -> dict[str, tuple[str, str]]:
        """Id -> (kind, name of the part) of an Office part's relations; those leading outside are left out."""
        folder, base = posixpath.split(name)
        rels = posixpath.join(folder, "_rels", f"{base}.rels")
        found: dict[str, tuple[str, str]] = {}
        if rels not in self:
            return found
        for element in self.xml(rels).iter():
            target = element.get("Target")
            if local_name(element) != "Relationship" or not target or element.get("TargetMode") == "External":
                continue
            full = target.lstrip("/") if target.startswith("/") else posixpath.normpath(posixpath.join(folder, target))
            found[element.get("Id", "")] = (element.get("Type", "").rsplit("/", 1)[-1], full)
        return found
