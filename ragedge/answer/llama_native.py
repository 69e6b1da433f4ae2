"""The native side of the language model: llama.cpp's model, context and samplers behind plain Python calls.

The one module of the language model that imports llama_cpp, its low-level layer only. It decides nothing about prompts
or queues: tokens in, tokens out, and a flag that stops a computation. The flag needs no Python while llama.cpp
computes: the abort callback is the C library's `strlen` on one byte of ours, so that a busy interpreter never slows the
model down (a Python callback would take the interpreter's lock several hundred times per token).
"""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from llama_cpp import llama_cpp as lib
from numpy.typing import NDArray

from ragedge import llama_log
from ragedge.answer.tuning import Tuning
from ragedge.contracts import Sampling
from ragedge.errors import ModelCorrupt, ModelError

_TOP_K, _TOP_P = 40, 0.95  # llama.cpp's own defaults
_MAX_TEMPERATURE = 2.0  # beyond it text is noise
_PIECE_BYTES = 64  # bytes; longer tokens are asked for a second time
_DECODE_ABORTED = 2  # llama_decode: the abort callback said stop
_GO, _STOP = b"\0", b"x"
_ATTENTION = {
    None: lib.LLAMA_FLASH_ATTN_TYPE_AUTO,
    False: lib.LLAMA_FLASH_ATTN_TYPE_DISABLED,
    True: lib.LLAMA_FLASH_ATTN_TYPE_ENABLED,
}


class NativeModel:
    """One model with one context; `keep`, `read`, `decode`, `sample` serve one job at a time, the rest any thread."""

    def __init__(self, path: Path, context_tokens: int, threads: int, tuning: Tuning | None = None) -> None:
        """Load the model at `path`; `tuning` is how, its `threads` aside.

        Raises:
            ModelCorrupt: when llama.cpp refuses it.
            ModelError: when it is of another kind, or memory is short.
        """
        llama_log.listen()
        tuning = tuning or Tuning()
        self._batch_tokens = min(tuning.batch_tokens, context_tokens)
        wanted = lib.llama_model_default_params()
        wanted.load_mode = lib.LLAMA_LOAD_MODE_MMAP if tuning.is_mapped else lib.LLAMA_LOAD_MODE_NONE
        wanted.use_extra_bufts = tuning.is_repacked
        self._model: Any = lib.llama_model_load_from_file(os.fsencode(path), wanted)
        if not self._model:
            reason = (llama_log.first_error() or "no reason was given").rstrip(".")
            hint = "Copy or download the file again and compare its sha256 with the publisher's."
            raise ModelCorrupt(f'llama.cpp cannot load the model "{path}": {reason}.', hint)
        self._context: Any = self._new_context(path, context_tokens, threads, tuning)
        self._vocabulary = lib.llama_model_get_vocab(self._model)
        self._memory = lib.llama_get_memory(self._context)
        # sliding windows and recurrent states cannot be cut back to an earlier token exactly
        self._is_reusable = lib.llama_model_n_swa(self._model) == 0 and not (
            lib.llama_model_is_recurrent(self._model) or lib.llama_model_is_hybrid(self._model)
        )
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

    def _new_context(self, path: Path, context_tokens: int, threads: int, tuning: Tuning) -> Any:
        wanted = lib.llama_context_default_params()
        wanted.n_ctx = context_tokens
        wanted.n_batch = wanted.n_ubatch = self._batch_tokens
        wanted.n_threads, wanted.n_threads_batch = threads, tuning.prompt_threads or threads
        wanted.flash_attn_type = _ATTENTION[tuning.flash_attention]
        wanted.type_k = wanted.type_v = lib.GGML_TYPE_Q8_0 if tuning.kv_type == "q8_0" else lib.GGML_TYPE_F16
        wanted.n_seq_max = 1
        wanted.no_perf = True
        is_decoder = not lib.llama_model_has_encoder(self._model)
        context = lib.llama_init_from_model(self._model, wanted) if is_decoder else None
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

    def piece(self, token: int) -> bytes:
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

    @property
    def can_cut(self) -> bool:
        """Whether tokens can be taken back exactly: not with sliding windows or recurrent states."""
        return bool(self._is_reusable)

    @contextmanager
    def borrowed(self) -> Iterator[tuple[Any, Any, Any]]:
        """Context, memory and vocabulary, for a computation beside those of this class; alone with them meanwhile."""
        with self._computing:
            self._check()
            self._is_at_logits = False
            yield self._context, self._memory, self._vocabulary

    def start(self) -> None:
        """A new job begins: forget an earlier `stop`."""
        self._flag[0] = _GO

    def stop(self) -> None:
        """End the running computation within milliseconds; `read` and `decode` then return early. Any thread."""
        self._flag[0] = _STOP

    def keep(self, tokens: Sequence[int], boundary: int) -> int:
        """Keep what the context has already read of `tokens`, forget the rest; the number of tokens kept.

        Only whole batches are kept, cut where reading anew would cut them, so that the result is the same bit by bit.
        A prompt that is the last one again is kept whole, with what came out at its end.
        """
        with self._computing:
            self._check()
            self._is_at_logits = self._logits is not None and self._prompt == list(tokens)
            if self._is_at_logits and lib.llama_memory_seq_rm(self._memory, 0, len(tokens), -1):
                return len(tokens)
            self._logits, self._is_at_logits = None, False
            same = 0
            for old, new in zip(self._prompt, tokens, strict=False):
                if old != new:
                    break
                same += 1
            marks = (
                self._marks.intersection(_batch_ends(len(tokens), boundary, self._batch_tokens)[:-1])
                if self._is_reusable
                else ()
            )
            kept = max((mark for mark in marks if mark <= same and mark < len(tokens)), default=0)
            if kept and not lib.llama_memory_seq_rm(self._memory, 0, kept, -1):
                kept = 0
            if not kept:
                lib.llama_memory_clear(self._memory, False)
            self._prompt = list(tokens[:kept])
            self._marks = frozenset(mark for mark in self._marks if mark <= kept)
            return kept

    def read(self, tokens: Sequence[int], boundary: int, kept: int) -> int:
        """Read `tokens` from number `kept` on; how many are read in the end, fewer than all only after `stop`."""
        for end in _batch_ends(len(tokens), boundary, self._batch_tokens):
            start = len(self._prompt)
            if end <= start:
                continue
            if not self.decode(tokens[start:end], has_logits=end == len(tokens)):
                return start
            self._prompt = list(tokens[:end])
            self._marks |= {end}
        if self._is_reusable and not self._is_at_logits:
            with self._computing:
                self._check()
                found = lib.llama_get_logits_ith(self._context, -1)
                size = int(lib.llama_vocab_n_tokens(self._vocabulary))
                self._logits = np.ctypeslib.as_array(found, (size,)).copy() if found else None
        return len(self._prompt)

    def decode(self, tokens: Sequence[int], *, has_logits: bool = True) -> bool:
        """Append tokens to the context; False after `stop`. Without logits the output layer, 1-2 % of it, is saved."""
        with self._computing:
            self._check()
            self._is_at_logits = False
            array = (lib.llama_token * len(tokens))(*tokens)
            batch = lib.llama_batch_get_one(array, len(tokens))
            if not has_logits:
                batch.logits = (ctypes.c_int8 * len(tokens))()
            code = lib.llama_decode(self._context, batch)
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
        return token, self.piece(token)

    def _picked(self, sampler: Any) -> int:
        """The sampler's choice from the last logits: the context's, or those kept of the end of the same prompt."""
        if not self._is_at_logits or self._logits is None:
            return int(lib.llama_sampler_sample(sampler, self._context, -1))
        # what llama_sampler_sample does with the context's own
        rows = np.zeros(len(self._logits), dtype=[("id", np.int32), ("logit", np.float32), ("p", np.float32)])
        rows["id"], rows["logit"] = np.arange(len(rows)), self._logits
        array = lib.llama_token_data_array(rows.ctypes.data_as(lib.llama_token_data_p), len(rows), -1, False)
        lib.llama_sampler_apply(sampler, ctypes.byref(array))
        token = int(array.data[array.selected].id)  # the sampler may have put its own list there
        lib.llama_sampler_accept(sampler, token)
        return token

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


def _batch_ends(tokens: int, boundary: int, size: int) -> list[int]:
    """Where the batches of a prompt end: at the boundary, then every `size` tokens, then at its end."""
    ends = [*range(boundary, 0, -size)][::-1] if boundary else []
    return [*ends, *range(boundary + size, tokens, size), tokens]


@contextmanager
def sampling_chain(sampling: Sampling) -> Iterator[Any]:
    """llama.cpp's sampler for `sampling`: greedy at temperature 0, else top-k, top-p, temperature and a seeded draw."""
    chain = lib.llama_sampler_chain_init(lib.llama_sampler_chain_default_params())
    try:
        if sampling.temperature > 0:
            lib.llama_sampler_chain_add(chain, lib.llama_sampler_init_top_k(_TOP_K))
            lib.llama_sampler_chain_add(chain, lib.llama_sampler_init_top_p(_TOP_P, 1))
            lib.llama_sampler_chain_add(chain, lib.llama_sampler_init_temp(min(sampling.temperature, _MAX_TEMPERATURE)))
            # 31 bits: all 32 set would mean "random" to llama.cpp
            lib.llama_sampler_chain_add(chain, lib.llama_sampler_init_dist(sampling.seed & 0x7FFFFFFF))
        else:
            lib.llama_sampler_chain_add(chain, lib.llama_sampler_init_greedy())
        yield chain
    finally:
        lib.llama_sampler_free(chain)
