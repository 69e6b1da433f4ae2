"""llama.cpp's model and context behind plain Python calls: words to tokens, tokens into a sequence, a flag that stops.

It decides nothing about prompts, states or queues. The flag needs no Python while llama.cpp computes: the abort
callback is the C library's `strlen` on one byte of ours, so that a busy interpreter never slows the model down (a
Python callback would take the interpreter's lock several hundred times per token).
"""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from llama_cpp import llama_cpp as lib

from ragedge import llama_log
from ragedge.answer.large_pages import LargePages
from ragedge.answer.llama_states import MAIN, SEQUENCES, SPARE
from ragedge.answer.tuning import Tuning
from ragedge.errors import ModelCorrupt, ModelError

BATCH_TOKENS = 128
"""Tokens handed over at once: what is kept of a prompt ends where one of these ends."""

_PIECE_BYTES = 64  # bytes; longer tokens are asked for a second time
_DECODE_ABORTED = 2  # llama_decode: the abort callback said stop
_GO, _STOP = b"\0", b"x"
_ATTENTION = {
    None: lib.LLAMA_FLASH_ATTN_TYPE_AUTO,
    False: lib.LLAMA_FLASH_ATTN_TYPE_DISABLED,
    True: lib.LLAMA_FLASH_ATTN_TYPE_ENABLED,
}


class NativeContext:
    """One model with one context of two sequences; words and `stop` for any thread, the rest for one job at a time."""

    def __init__(self, path: Path, context_tokens: int, threads: int, tuning: Tuning | None = None) -> None:
        """Load the model at `path`; `tuning` is how, its `threads` aside.

        Raises:
            ModelCorrupt: when llama.cpp refuses it.
            ModelError: when it is of another kind, or memory is short.
        """
        llama_log.listen()
        wanted = lib.llama_model_default_params()
        tuning = tuning or Tuning()
        wanted.load_mode = lib.LLAMA_LOAD_MODE_MMAP if tuning.is_mapped else lib.LLAMA_LOAD_MODE_NONE
        wanted.use_extra_bufts = tuning.is_repacked
        self._model: Any = _load(path, wanted)
        if not self._model:
            reason = (llama_log.first_error() or "no reason was given").rstrip(".")
            hint = "Copy or download the file again and compare its sha256 with the publisher's."
            raise ModelCorrupt(f'llama.cpp cannot load the model "{path}": {reason}.', hint)
        self._context: Any = self._new_context(path, context_tokens, threads, tuning)
        self._vocabulary = lib.llama_model_get_vocab(self._model)
        self._memory = lib.llama_get_memory(self._context)
        self._is_closed = False
        self._computing = threading.Lock()
        self._spelling = threading.Lock()
        self._flag = ctypes.create_string_buffer(_GO, 2)
        c_library = ctypes.CDLL("msvcrt" if os.name == "nt" else None)
        self._abort = ctypes.cast(c_library.strlen, lib.ggml_abort_callback)
        lib.llama_set_abort_callback(self._context, self._abort, ctypes.cast(self._flag, ctypes.c_void_p))
        self._batch = lib.llama_batch_init(BATCH_TOKENS, 0, 1)  # for the second sequence; the first needs none

    def _new_context(self, path: Path, context_tokens: int, threads: int, tuning: Tuning) -> Any:
        wanted = lib.llama_context_default_params()
        wanted.n_ctx = context_tokens
        wanted.n_batch = min(BATCH_TOKENS, context_tokens)
        wanted.n_ubatch = min(tuning.slice_tokens, wanted.n_batch)
        wanted.n_threads, wanted.n_threads_batch = threads, tuning.prompt_threads or threads
        wanted.flash_attn_type = _ATTENTION[tuning.flash_attention]
        wanted.type_k = wanted.type_v = lib.GGML_TYPE_Q8_0 if tuning.kv_type == "q8_0" else lib.GGML_TYPE_F16
        wanted.n_seq_max, wanted.kv_unified = SEQUENCES, True  # one memory: the second sequence only cuts and moves
        wanted.no_perf = True
        is_decoder = not lib.llama_model_has_encoder(self._model)
        pages = LargePages()
        context = lib.llama_init_from_model(self._model, wanted) if is_decoder else None
        pages.ask()  # most of what it has reserved is written to when the first prompt is read
        self._made_with = (
            *(wanted.n_ctx, wanted.n_batch, wanted.n_ubatch, threads, wanted.n_threads_batch, tuning.is_repacked),
            *(wanted.type_k, wanted.type_v, wanted.flash_attn_type),
        )
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

    def start(self) -> None:
        """A new job begins: forget an earlier `stop`."""
        self._flag[0] = _GO

    def stop(self) -> None:
        """End the running computation within milliseconds; `read` and `decode` then return early. Any thread."""
        self._flag[0] = _STOP

    def _append(self, tokens: Sequence[int], *, has_logits: bool = True) -> bool:
        """Append tokens to the first sequence; False after `stop`."""
        array = (lib.llama_token * len(tokens))(*tokens)
        batch = lib.llama_batch_get_one(array, len(tokens))
        if not has_logits:
            batch.logits = (ctypes.c_int8 * len(tokens))()
        return self._decoded(batch)

    def _append_to(self, sequence: int, tokens: Sequence[int], position: int) -> bool:
        """Append at most `BATCH_TOKENS` tokens to a sequence, the first of them at `position`; False after `stop`."""
        batch = self._batch
        batch.n_tokens = len(tokens)
        for at, token in enumerate(tokens):
            batch.token[at], batch.pos[at], batch.logits[at] = token, position + at, 0
            batch.n_seq_id[at], batch.seq_id[at][0] = 1, sequence
        return self._decoded(batch)

    def _read_apart(self, before: int, tokens: Sequence[int]) -> bool:
        """Read a passage behind the head alone; the second sequence then holds the passage without the head."""
        lib.llama_memory_seq_cp(self._memory, MAIN, SPARE, 0, before)
        for start in range(0, len(tokens), BATCH_TOKENS):
            if not self._append_to(SPARE, tokens[start : start + BATCH_TOKENS], before + start):
                return False
        lib.llama_memory_seq_rm(self._memory, SPARE, 0, before)
        return True

    def _decoded(self, batch: Any) -> bool:
        code = lib.llama_decode(self._context, batch)
        if code not in (0, _DECODE_ABORTED):
            reason = llama_log.last_error() or f"code {code}"
            raise ModelError(
                f"The language model failed: {reason}.", "Ask again; if it happens again, check the model."
            )
        return bool(code == 0)

    def close(self) -> None:
        """Stop what runs and free everything; waits for the native call in progress only."""
        self.stop()
        with self._computing, self._spelling:
            if not self._is_closed:
                self._is_closed = True
                lib.llama_batch_free(self._batch)
                lib.llama_free(self._context)
                lib.llama_model_free(self._model)

    def _check(self) -> None:
        if self._is_closed:
            raise ModelError("The language model has been closed.", "Start the program again.")


def _load(path: Path, wanted: Any) -> Any:
    """The model, or a null pointer; its memory in large pages where there are any (9 % faster for each token here)."""
    pages = LargePages()
    asked: list[int] = []

    def begins(_share: float, _data: object) -> bool:
        if not asked:  # the first call of many: memory is reserved, and nothing is in it yet
            asked.append(pages.ask())
        return True

    wanted.progress_callback = callback = lib.llama_progress_callback(begins)
    model = lib.llama_model_load_from_file(os.fsencode(path), wanted)
    del callback  # it had to live until here
    return model
