"""The native side of the language model: llama.cpp's model, context and samplers behind plain Python calls.

The one module of the language model that imports llama_cpp, its low-level layer only. It decides nothing about prompts
or queues: tokens in, tokens out, and a flag that stops a computation. The flag needs no Python while llama.cpp
computes: the abort callback is the C library's `strlen` on one byte of ours, so that a busy interpreter never slows the
model down (a Python callback would take the interpreter's lock several hundred times per token).
"""

from __future__ import annotations

import array
import ctypes
import itertools
import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from llama_cpp import llama_cpp as lib
from numpy.typing import NDArray

from ragedge import llama_log
from ragedge.answer.llama_sampling import picked
from ragedge.answer.llama_states import MAIN, SEQUENCES, ReadPrompt, build_id, can_cut, copy_out, put_in
from ragedge.errors import ModelCorrupt, ModelError

_BATCH_TOKENS = 128  # tokens read at once; 512 was as fast within noise, takes more memory and obeys a cancel later
_PIECE_BYTES = 64  # bytes; longer tokens are asked for a second time
_DECODE_ABORTED = 2  # llama_decode: the abort callback said stop
_GO, _STOP = b"\0", b"x"


class NativeModel:
    """One model with one context; `keep`, `read`, `decode`, `sample` serve one job at a time, the rest any thread."""

    def __init__(self, path: Path, context_tokens: int, threads: int) -> None:
        """Load the model at `path`, memory-mapped.

        Raises:
            ModelCorrupt: when llama.cpp refuses it.
            ModelError: when it is of another kind, or memory is short.
        """
        llama_log.listen()
        wanted = lib.llama_model_default_params()
        wanted.load_mode = lib.LLAMA_LOAD_MODE_MMAP
        self._model: Any = lib.llama_model_load_from_file(os.fsencode(path), wanted)
        if not self._model:
            reason = (llama_log.first_error() or "no reason was given").rstrip(".")
            hint = "Copy or download the file again and compare its sha256 with the publisher's."
            raise ModelCorrupt(f'llama.cpp cannot load the model "{path}": {reason}.', hint)
        self._context: Any = self._new_context(path, context_tokens, threads)
        self._vocabulary = lib.llama_model_get_vocab(self._model)
        self._memory = lib.llama_get_memory(self._context)
        self.is_reusable = can_cut(self._model)
        self._prompt: list[int] = []  # what the context has read of the last prompt, and where its batches ended
        self._marks: frozenset[int] = frozenset()
        self._logits: NDArray[np.float32] | None = None  # what came out at the end of that prompt
        self._is_at_logits = False  # nothing was read since: the next token is picked from them
        self._is_closed = False
        self._computing = threading.Lock()
        self._spelling = threading.Lock()
        self._flag = ctypes.create_string_buffer(_GO, 2)
        c_library = ctypes.CDLL("msvcrt" if os.name == "nt" else None)
        self._abort = ctypes.cast(c_library.strlen, lib.ggml_abort_callback)
        lib.llama_set_abort_callback(self._context, self._abort, ctypes.cast(self._flag, ctypes.c_void_p))

    def _new_context(self, path: Path, context_tokens: int, threads: int) -> Any:
        wanted = lib.llama_context_default_params()
        wanted.n_ctx = context_tokens
        wanted.n_batch = wanted.n_ubatch = min(_BATCH_TOKENS, context_tokens)
        wanted.n_threads = wanted.n_threads_batch = threads
        wanted.n_seq_max, wanted.kv_unified = SEQUENCES, True  # one memory: the second sequence only cuts and moves
        wanted.no_perf = True
        is_decoder = not lib.llama_model_has_encoder(self._model)
        context = lib.llama_init_from_model(self._model, wanted) if is_decoder else None
        self._made_with = (wanted.n_ctx, wanted.n_batch, threads, wanted.type_k, wanted.type_v, wanted.flash_attn_type)
        if not context:
            lib.llama_model_free(self._model)
            if not is_decoder:
                raise ModelError(f'The model "{path}" does not just write text.', "Choose a decoder-only model.")
            message = f'There is no memory for {context_tokens} tokens of context with the model "{path}".'
            raise ModelError(message, "Set a smaller [answer] context_tokens, or choose a smaller model.")
        return context

    # -------------------------------------------------------------------------------------- words

    def first_tokens(self) -> list[int]:
        """What the model wants at the beginning of everything, if anything."""
        with self._spelling:
            self._check()
            token = lib.llama_vocab_bos(self._vocabulary)
            return [token] if lib.llama_vocab_get_add_bos(self._vocabulary) and token >= 0 else []

    def tokenize(self, text: str, *, is_special: bool = False) -> list[int]:
        """Tokens of `text`; only with `is_special` may a part of it become a special token."""
        data = text.encode("utf-8", "replace")
        if not data:
            return []
        room = len(data) + 8  # a token mostly has a byte or more; some vocabularies spell a blank as three bytes
        with self._spelling:
            self._check()
            for _ in range(2):
                tokens = (lib.llama_token * room)()
                count = lib.llama_tokenize(self._vocabulary, data, len(data), tokens, room, False, is_special)
                if count >= 0:
                    return list(tokens[:count])
                room = -count  # what it needs
        raise ModelError("The model's tokenizer failed on a text.", "Choose another model.")

    def _piece(self, token: int) -> bytes:
        """The bytes of a token; none for special tokens."""
        with self._spelling:
            self._check()
            buffer = ctypes.create_string_buffer(_PIECE_BYTES)
            count = lib.llama_token_to_piece(self._vocabulary, token, buffer, len(buffer), 0, False)
            if count < 0:
                buffer = ctypes.create_string_buffer(-count)
                count = lib.llama_token_to_piece(self._vocabulary, token, buffer, len(buffer), 0, False)
        return buffer.raw[: max(0, count)]

    # -------------------------------------------------------------------------------------- computing

    def start(self) -> None:
        """A new job begins: forget an earlier `stop`."""
        self._flag[0] = _GO

    def stop(self) -> None:
        """End the running computation within milliseconds; `read` and `decode` then return early. Any thread."""
        self._flag[0] = _STOP

    def would_keep(self, tokens: Sequence[int], borders: Sequence[int]) -> int:
        """How many tokens `keep` would keep."""
        if self._logits is not None and self._prompt == list(tokens):
            return len(tokens)
        return common_mark(self._prompt, self._marks, tokens, borders) if self.is_reusable else 0

    def keep(self, tokens: Sequence[int], borders: Sequence[int]) -> int:
        """Keep what the context has already read of `tokens`, forget the rest; the number of tokens kept.

        Only whole batches are kept, cut where reading anew would cut them, so that the result is the same bit by bit.
        A prompt that is the last one again is kept whole, with what came out at its end.
        """
        with self._computing:
            self._check()
            kept = self.would_keep(tokens, borders)
            if not kept or not lib.llama_memory_seq_rm(self._memory, MAIN, kept, -1):
                kept = 0
                lib.llama_memory_clear(self._memory, False)
            self._is_at_logits = 0 < kept == len(tokens)
            if not self._is_at_logits:
                self._logits = None
            self._prompt = list(tokens[:kept])
            self._marks = frozenset(mark for mark in self._marks if mark <= kept)
            return kept

    def read_so_far(self, end: int | None = None) -> ReadPrompt | None:
        """A copy of the state of the last prompt, or of its first `end` tokens; None where it was not read whole."""
        with self._computing:
            self._check()
            if not self.is_reusable or self._logits is None:
                return None
            stop = len(self._prompt) if end is None else end
            marks = frozenset(mark for mark in self._marks if mark <= stop)
            state = copy_out(self._context, self._memory, 0, stop)
            tokens = array.array("i", self._prompt[:stop])
            return ReadPrompt(tokens, marks, self._logits if stop == len(self._prompt) else None, state)

    def restore(self, earlier: ReadPrompt, kept: int) -> bool:
        """Take up a prompt that was read earlier, up to token `kept`, one of its marks; else the context is empty."""
        with self._computing:
            self._check()
            self._prompt, self._marks, self._logits, self._is_at_logits = [], frozenset(), None, False
            lib.llama_memory_clear(self._memory, False)
            is_in = put_in(self._context, MAIN, earlier.state)
            if not is_in or not lib.llama_memory_seq_rm(self._memory, MAIN, kept, -1):
                lib.llama_memory_clear(self._memory, False)
                return False
            self._prompt = list(earlier.tokens[:kept])
            self._marks = frozenset(mark for mark in earlier.marks if mark <= kept)
            if kept == len(earlier.tokens):
                self._logits = earlier.logits
            return True

    def forget(self) -> None:
        """Forget all that was read."""
        with self._computing:
            self._check()
            self._prompt, self._marks, self._logits, self._is_at_logits = [], frozenset(), None, False
            lib.llama_memory_clear(self._memory, True)

    @property
    def made_with(self) -> str:
        """Build and settings that a state depends on, besides the model; states of others are of no use here."""
        return f"{build_id()} {self._made_with}"

    def read(self, tokens: Sequence[int], borders: Sequence[int]) -> int:
        """Read what was not kept of `tokens`; how many are read in the end, fewer than all only after `stop`."""
        for end in batch_ends(len(tokens), borders):
            start = len(self._prompt)
            if end <= start:
                continue
            if not self.decode(tokens[start:end]):
                return start
            self._prompt = list(tokens[:end])
            self._marks |= {end}
        if self.is_reusable and not self._is_at_logits:
            with self._computing:
                self._check()
                found = lib.llama_get_logits_ith(self._context, -1)
                size = int(lib.llama_vocab_n_tokens(self._vocabulary))
                self._logits = np.ctypeslib.as_array(found, (size,)).copy() if found else None
        return len(self._prompt)

    def decode(self, tokens: Sequence[int]) -> bool:
        """Append tokens to the context; False after `stop`."""
        with self._computing:
            self._check()
            self._is_at_logits = False
            array = (lib.llama_token * len(tokens))(*tokens)
            code = lib.llama_decode(self._context, lib.llama_batch_get_one(array, len(tokens)))
        if code not in (0, _DECODE_ABORTED):
            reason = llama_log.last_error() or f"code {code}"
            raise ModelError(
                f"The language model failed: {reason}.", "Ask again; if it happens again, check the model."
            )
        return bool(code == 0)

    def sample(self, sampler: Any) -> tuple[int, bytes] | None:
        """The next token and its bytes; None when the model has ended its turn."""
        with self._computing:
            self._check()
            token = self._picked(sampler)
            if lib.llama_vocab_is_eog(self._vocabulary, token):
                return None
        return token, self._piece(token)

    def _picked(self, sampler: Any) -> int:
        """The sampler's choice from the last logits: the context's, or those kept of the end of the same prompt."""
        if not self._is_at_logits or self._logits is None:
            return int(lib.llama_sampler_sample(sampler, self._context, -1))
        return picked(sampler, self._logits)

    def close(self) -> None:
        """Stop what runs and free everything; waits for the native call in progress only."""
        self.stop()
        with self._computing, self._spelling:
            if not self._is_closed:
                self._is_closed = True
                lib.llama_free(self._context)
                lib.llama_model_free(self._model)

    def _check(self) -> None:
        if self._is_closed:
            raise ModelError("The language model has been closed.", "Start the program again.")


def batch_ends(tokens: int, borders: Sequence[int]) -> list[int]:
    """Where the batches of a prompt end: at each border, every `_BATCH_TOKENS` after one, and at the prompt's end.

    Before the first border batches are counted back from it.
    """
    inner = sorted({border for border in borders if 0 < border < tokens})
    ends = [*range(inner[0], 0, -_BATCH_TOKENS)][::-1] if inner else []
    for start, end in itertools.pairwise([*(inner or [0]), tokens]):
        ends += [*range(start + _BATCH_TOKENS, end, _BATCH_TOKENS), end]
    return ends


def common_mark(read: Sequence[int], marks: frozenset[int], tokens: Sequence[int], borders: Sequence[int]) -> int:
    """The last end of a batch up to which `read` and `tokens` are the same, and were read, or would be, alike."""
    same = 0
    for old, new in zip(read, tokens, strict=False):
        if old != new:
            break
        same += 1
    kept = 0
    for earlier, later in zip(sorted(marks), batch_ends(len(tokens), borders)[:-1], strict=False):
        if earlier != later or later > same:
            break
        kept = later
    return kept
