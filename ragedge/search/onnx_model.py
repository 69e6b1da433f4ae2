"""A BERT with its heads run by ONNX Runtime: one row of token numbers in, the heads' values for each token out.

The one module that imports onnxruntime, which Chroma brings along (imported in 0.03 s, a model loaded in 0.06 s
and 60 MB here). Its integer kernels are why the reader is not run by llama.cpp: 0.10 against 0.33 ms a token
on one x86 core. Rows are run one by one, because padding them to one length would cost more than it saves, and several
at a time, each on one thread: see `crew`. Knows no texts.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from ragedge.errors import ModelCorrupt, ModelError
from ragedge.search.crew import Crew

_ERRORS_ONLY = 3  # of ONNX Runtime's log, which goes to standard error


class OnnxModel:
    """A model of one input, int64 [1, tokens], and one output, float32 [1, tokens, values]; safe from several threads.

    `threads` rows are read at a time.

    Raises:
        ModelCorrupt: ONNX Runtime refuses the file, or it is another kind of model.
    """

    def __init__(self, path: Path, *, values: int, threads: int) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = _ERRORS_ONLY
        # The file is written as it is to be run. The next level would join addition and normalization into an operation
        # that is four times slower than the two.
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
        try:
            self._session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
            (wanted,), (given,) = self._session.get_inputs(), self._session.get_outputs()
        except Exception as error:  # its errors have no class of their own
            raise ModelCorrupt(f'ONNX Runtime cannot load the model "{path}": {error}') from error
        if wanted.type != "tensor(int64)" or given.shape[-1] != values:
            raise ModelCorrupt(f'"{path}" is another model')
        self._input = wanted.name
        self._crew = Crew(threads)

    def values(self, rows: Sequence[Sequence[int]]) -> list[NDArray[np.float32]]:
        """For each row the heads' values of all its tokens, float32 [len(row), values].

        Raises:
            ModelError: ONNX Runtime failed, or a token number is none of the model's.
        """
        order = sorted(range(len(rows)), key=lambda i: -len(rows[i]))
        found = self._crew.run(order, lambda _, index: self._run(rows[index]))
        by_row = dict(zip(order, found, strict=True))
        return [by_row[index] for index in range(len(rows))]

    def _run(self, row: Sequence[int]) -> NDArray[np.float32]:
        try:
            found = self._session.run(None, {self._input: np.array([row], dtype=np.int64)})[0]
        except Exception as error:
            raise ModelError(f"the evidence model failed: {error}", "check its files") from error
        return np.asarray(found[0], dtype=np.float32)
