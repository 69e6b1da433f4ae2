"""A GGUF file's header, read by bounded code of our own before llama.cpp sees a byte.

llama.cpp ends the whole process on some damaged files (a file without vocabulary at the first tokenisation, odd headers
in an assertion). This reader checks every length and offset against the file, keeps the few facts that we need, and
refuses what cannot be a language model. Layout: "GGUF Specification", ggml project, versions 2 and 3. It executes
nothing of the file; the chat template in it is handed on as a text, for those who ask for it.
"""

from __future__ import annotations

import math
import mmap
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ragedge.errors import ModelCorrupt, ModelError, ModelMissing

_MAX_ENTRIES = 65_536  # metadata entries or tensors; the largest known models have about 2,000
_MAX_KEY_BYTES = 65_535  # by the specification
_MAX_NAME_BYTES = 64  # GGML_MAX_NAME
_MAX_DIMENSION = 1 << 40  # elements; keeps every product far from overflow in 64 bits
_MAX_TOKENS = 2_000_000  # vocabulary entries; the largest known has 262,144
_STRING, _ARRAY = 8, 9
_SCALARS = {0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q", 11: "<q", 12: "<d"}
_MAX_LAYERS = 512  # LLAMA_MAX_LAYERS: llama.cpp asserts it, which ends the process
_KEPT_CHARS = 256  # characters; longer strings are skipped
_TEMPLATE = "tokenizer.chat_template"
_TEMPLATE_BYTES = 400_000  # the longest published ones have about 20,000

# ggml type -> (values per block, bytes per block), from ggml-common.h; types not listed are left to llama.cpp to judge
_BLOCKS = {
    **{0: (1, 4), 1: (1, 2), 2: (32, 18), 3: (32, 20), 6: (32, 22), 7: (32, 24), 8: (32, 34), 9: (32, 36)},
    **{10: (256, 84), 11: (256, 110), 12: (256, 144), 13: (256, 176), 14: (256, 210), 15: (256, 292)},
    **{24: (1, 1), 25: (1, 2), 26: (1, 4), 27: (1, 8), 28: (1, 8), 30: (1, 2)},
}
_LAST_TYPE = 63  # ggml types known to any version so far, with room; beyond it a header is damaged
_NO_GENERATION = ("bert", "t5encoder", "clip", "embedding")


@dataclass(frozen=True, slots=True)
class ModelHeader:
    """What a model file says of itself.

    `found_tokens` are those of the wanted ones that stand in its vocabulary; `template` is a program of a stranger.
    """

    architecture: str
    tokenizer: str
    vocabulary_tokens: int
    context_tokens: int
    found_tokens: frozenset[str]
    template: str = ""


def read_header(path: Path, wanted_tokens: Iterable[str] = ()) -> ModelHeader:
    """Read and check the header of the GGUF model at `path`.

    Raises:
        ModelMissing: when there is no such file.
        ModelCorrupt: when it is not GGUF, is cut off, contradicts itself or has no vocabulary.
        ModelError: when it cannot be read, or is a model of another kind than this program runs.
    """
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return _Parser(data, path, frozenset(token.encode() for token in wanted_tokens)).model()
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
        hint = 'Put a GGUF file there, or set [answer] kind = "extractive".'
        raise ModelMissing(f'There is no model file "{path}".', hint) from error
    except OSError as error:
        raise ModelError(f'The model file "{path}" cannot be read: {error.strerror}.', f'ls -l "{path}"') from error
    except ValueError as error:  # an empty file cannot be mapped; damaged headers end here, too
        reason = str(error) if isinstance(error, _Damaged) else "it is empty"
        hint = "Copy or download the file again and compare its sha256 with the publisher's."
        raise ModelCorrupt(f'The file "{path}" is not a usable GGUF model: {reason}.', hint) from error


class _Damaged(ValueError):
    """What is wrong, in words that continue "...: "."""


class _Parser:
    """One pass over the header; `at` is the next byte."""

    def __init__(self, data: mmap.mmap, path: Path, wanted: frozenset[bytes]) -> None:
        self.data = data
        self.path = path
        self.wanted = wanted
        self.size = len(data)
        self.at = 0
        self.values: dict[str, str | int | float | bool] = {}
        self.lengths: dict[str, tuple[int, int]] = {}  # key -> (type, length) of its array
        self.found: set[str] = set()

    def model(self) -> ModelHeader:
        if self.data[:4] != b"GGUF":
            raise _Damaged('it does not start with "GGUF"')
        self.at = 4
        version = self._number("<I")
        if version not in (2, 3):
            raise _Damaged(f"its format version is {version}, known are 2 and 3")
        tensors, entries = self._count("<Q"), self._count("<Q")
        for _ in range(entries):
            self._entry()
        shapes = self._tensors(tensors)
        return self._checked(shapes)

    # -------------------------------------------------------------------------------------- primitives

    def _skip(self, count: int) -> int:
        """Step over `count` bytes; the position before them."""
        start = self.at
        if count < 0 or count > self.size - start:
            raise _Damaged(f"its header is cut off or damaged at byte {start}")
        self.at = start + count
        return start

    def _number(self, form: str) -> int:
        start = self._skip(struct.calcsize(form))
        return int(struct.unpack_from(form, self.data, start)[0])

    def _count(self, form: str) -> int:
        count = self._number(form)
        if count > _MAX_ENTRIES:
            raise _Damaged(f"it claims {count} entries")
        return count

    def _bytes(self, limit: int) -> bytes:
        length = self._number("<Q")
        if length > limit:
            raise _Damaged(f"a name of {length} bytes stands at byte {self.at}")
        start = self._skip(length)
        return self.data[start : start + length]

    # -------------------------------------------------------------------------------------- metadata

    def _entry(self) -> None:
        try:
            key = self._bytes(_MAX_KEY_BYTES).decode("utf-8")
        except UnicodeDecodeError as error:
            raise _Damaged(f"a key before byte {self.at} is not text") from error
        if key in self.values or key in self.lengths:
            raise _Damaged(f'the key "{key[:80]}" stands twice')
        kind = self._number("<I")
        if kind == _ARRAY:
            self._array(key)
        elif kind == _STRING:
            length = self._number("<Q")
            start = self._skip(length)
            if length <= (_TEMPLATE_BYTES if key == _TEMPLATE else _KEPT_CHARS):
                self.values[key] = self.data[start : start + length].decode("utf-8", "replace")
        elif kind in _SCALARS:
            form = _SCALARS[kind]
            self.values[key] = struct.unpack_from(form, self.data, self._skip(struct.calcsize(form)))[0]
        else:
            raise _Damaged(f'the value of "{key[:80]}" has the unknown type {kind}')

    def _array(self, key: str) -> None:
        kind, length = self._number("<I"), self._number("<Q")
        if length > _MAX_TOKENS * 4:
            raise _Damaged(f'the list "{key[:80]}" claims {length} entries')
        self.lengths[key] = (kind, length)
        if kind == _STRING:
            self._strings(length, collect=key == "tokenizer.ggml.tokens")
        elif kind in _SCALARS:
            self._skip(length * struct.calcsize(_SCALARS[kind]))
        else:
            raise _Damaged(f'the list "{key[:80]}" has entries of the unknown type {kind}')

    def _strings(self, length: int, *, collect: bool) -> None:
        """Step over strings; a loop of its own, as a vocabulary has up to 262,144 of them."""
        data, at, size = self.data, self.at, self.size
        read = struct.Struct("<Q").unpack_from
        seen: set[bytes] = set()
        for _ in range(length):
            if at > size - 8:
                raise _Damaged(f"its header is cut off at byte {at}")
            count = read(data, at)[0]
            if count > size - at - 8:
                raise _Damaged(f"a text of {count} bytes stands at byte {at}")
            at += 8
            token = data[at : at + count].split(b"\0", 1)[0] if collect else b""  # as C reads it
            if token:
                if token in seen:  # llama.cpp asserts that there is none, which ends the process
                    raise _Damaged(f"two tokens of its vocabulary are the same, at byte {at}")
                seen.add(token)
            at += count
        self.found.update(token.decode() for token in self.wanted & seen)
        self.at = at

    # -------------------------------------------------------------------------------------- tensors

    def _tensors(self, count: int) -> dict[str, list[int]]:
        shapes: dict[str, list[int]] = {}
        furthest = 0
        alignment = self.values.get("general.alignment", 32)
        if not isinstance(alignment, int) or alignment < 8 or alignment > 65_536 or alignment & (alignment - 1):
            raise _Damaged(f"its alignment is {alignment}")
        for _ in range(count):
            name = self._bytes(_MAX_NAME_BYTES).decode("utf-8", "replace")
            dimensions = [0] * self._dimension_count(name)
            for i in range(len(dimensions)):
                dimensions[i] = self._number("<Q")
                if not 0 < dimensions[i] < _MAX_DIMENSION:
                    raise _Damaged(f'the tensor "{name}" has a dimension of {dimensions[i]}')
            kind, offset = self._number("<I"), self._number("<Q")
            if kind > _LAST_TYPE or offset % alignment or name in shapes:
                raise _Damaged(f'the entry of the tensor "{name}" is damaged')
            shapes[name] = dimensions
            furthest = max(furthest, offset + _tensor_bytes(kind, dimensions, name))
        start = -(-self.at // alignment) * alignment
        if start + furthest > self.size:
            raise _Damaged(f"it has {self.size} bytes, its tensors need {start + furthest}: it is cut off")
        return shapes

    def _dimension_count(self, name: str) -> int:
        count = self._number("<I")
        if not 1 <= count <= 4:
            raise _Damaged(f'the tensor "{name}" has {count} dimensions')
        return count

    # -------------------------------------------------------------------------------------- meaning

    def _checked(self, shapes: dict[str, list[int]]) -> ModelHeader:
        architecture = self.values.get("general.architecture")
        if not isinstance(architecture, str) or not architecture:
            raise _Damaged("it names no architecture")
        if any(part in architecture for part in _NO_GENERATION):
            hint = "Choose an instruction-tuned language model."
            raise ModelError(f'The model "{self.path}" ("{architecture}") does not write text.', hint)
        if isinstance(parts := self.values.get("split.count"), int) and parts > 1:
            hint = f'llama-gguf-split --merge "{self.path}" MERGED.gguf'
            raise ModelError(f'The model "{self.path}" is one of {parts} parts.', hint)
        if self._positive(f"{architecture}.block_count") > _MAX_LAYERS:
            raise _Damaged(f"it claims more than {_MAX_LAYERS} layers")
        heads, shared = (self.values.get(f"{architecture}.attention.head_count{part}") for part in ("", "_kv"))
        if isinstance(heads, int) and isinstance(shared, int) and shared > 0 and heads % shared:
            raise _Damaged(f"its {heads} attention heads cannot share {shared}")
        tokens = self._vocabulary(shapes)
        return ModelHeader(
            architecture=architecture,
            tokenizer=str(self.values["tokenizer.ggml.model"]),
            vocabulary_tokens=tokens,
            context_tokens=self._positive(f"{architecture}.context_length"),
            found_tokens=frozenset(self.found),
            template=str(self.values.get(_TEMPLATE, "")),
        )

    def _vocabulary(self, shapes: dict[str, list[int]]) -> int:
        """The number of tokens, after checking that everything indexed by a token has one entry for each."""
        kind, tokens = self.lengths.get("tokenizer.ggml.tokens", (0, 0))
        tokenizer = self.values.get("tokenizer.ggml.model")
        if not isinstance(tokenizer, str) or tokenizer in ("", "no_vocab", "none") or kind != _STRING or tokens == 0:
            raise _Damaged("it has no vocabulary that this program can use")
        for name, expected in (("scores", 6), ("token_type", 5)):
            kind, length = self.lengths.get(f"tokenizer.ggml.{name}", (expected, tokens))
            if length != tokens or kind != expected:
                raise _Damaged(f'its list "tokenizer.ggml.{name}" does not fit its {tokens} tokens')
        for key, value in self.values.items():
            is_id = key.startswith("tokenizer.ggml.") and key.endswith("_token_id")
            if is_id and (not isinstance(value, int) or (not -1 <= value < tokens and value != 0xFFFFFFFF)):
                raise _Damaged(f'"{key}" is {value}, it has {tokens} tokens')
        embedding = shapes.get("token_embd.weight")
        if embedding is None or len(embedding) < 2 or embedding[1] < tokens:
            raise _Damaged("its token embeddings are missing or do not fit its vocabulary")
        return tokens

    def _positive(self, key: str) -> int:
        value = self.values.get(key)
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise _Damaged(f'"{key}" is {value}')
        return value


def _tensor_bytes(kind: int, dimensions: list[int], name: str) -> int:
    """Bytes of a tensor; 1 for types whose layout is not listed here."""
    if kind not in _BLOCKS:
        return 1
    values, size = _BLOCKS[kind]
    if dimensions[0] % values:
        raise _Damaged(f'the rows of the tensor "{name}" do not fit its type')
    return math.prod(dimensions) // values * size
