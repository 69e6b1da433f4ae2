"""POST /v1/embeddings: texts to the vectors that the index itself is made of, in OpenAI's protocol.

A text longer than the embedder reads is refused, never cut in silence. Texts go to the embedder in small batches, so
that a question asked meanwhile waits for one batch only; the request holds one place in the queue of questions.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Annotated, Any, Literal

import anyio.to_thread
import numpy as np
from litestar import MediaType, Request, Response, post
from litestar.datastructures import State
from litestar.params import JSONBody
from msgspec import Meta, Struct
from numpy.typing import NDArray

from ragedge.contracts import Embedder
from ragedge.errors import AnswerError, BadQuestion, NotFound
from ragedge.server.ask import AskDesk, Short, Text, check_body, gone
from ragedge.server.chat import check_model
from ragedge.server.documents import json_reply
from ragedge.server.settings import Service
from ragedge.server.sse import Cancel, while_connected

#: 2,048 texts, the protocol's own limit, of some 200 tokens each.
_MAX_BYTES = 4_194_304
_MAX_TEXTS = 2_048
#: Texts per step, after which others have their turn.
_BATCH = 16


class EmbeddingsBody(Struct):
    """Texts to embed; further fields of the protocol are ignored."""

    model: Short
    input: Text | Annotated[list[Text], Meta(min_length=1, max_length=_MAX_TEXTS)]
    encoding_format: Literal["float", "base64"] = "float"
    dimensions: int | None = None


@post(
    "/v1/embeddings",
    status_code=200,
    before_request=check_body,
    request_max_body_size=_MAX_BYTES,
    media_type=MediaType.JSON,
    summary="OpenAI-compatible: texts to vectors",
    description=(
        "Unit vectors by the embedder of the index, up to 2,048 texts at once. `usage` counts the embedder's tokens "
        "without its two special ones. `base64` gives float32, little-endian."
    ),
)
async def embeddings(data: JSONBody[EmbeddingsBody], request: Request[Any, Any, Any], state: State) -> Response[bytes]:
    """Embed, batch by batch, as long as the caller waits."""
    service: Service = state.service
    embedder = service.embedder
    if embedder is None:
        raise NotFound("this service embeds no texts", "ask it instead")
    check_model(data.model, (embedder.id,))
    texts = [data.input] if isinstance(data.input, str) else data.input
    if data.dimensions not in (None, embedder.dimension):
        raise BadQuestion(f"vectors have {embedder.dimension} dimensions here", "leave dimensions out")
    desk: AskDesk = state.desk
    cancel = Cancel(state.settings.question_timeout_s, state.stopping.is_set)

    async def work() -> tuple[int, list[NDArray[np.float32]]]:
        tokens = await anyio.to_thread.run_sync(_count, embedder, texts)
        vectors = []
        for start in range(0, len(texts), _BATCH):
            if cancel.is_set():
                raise AnswerError("there was no time to embed all texts", "send fewer at once")
            vectors.append(await anyio.to_thread.run_sync(embedder.embed_passages, texts[start : start + _BATCH]))
        return tokens, vectors

    with desk.admission.place():
        done = await while_connected(request.receive, work, cancel.set)
    if done is None:
        return gone()
    tokens, vectors = done
    items = [
        {"object": "embedding", "index": number, "embedding": _written(vector, data.encoding_format)}
        for number, vector in enumerate(np.concatenate(vectors))
    ]
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    return json_reply({"object": "list", "data": items, "model": embedder.id, "usage": usage})


def _count(embedder: Embedder, texts: Sequence[str]) -> int:
    total = 0
    for number, text in enumerate(texts):
        tokens = len(embedder.token_spans(text))
        if tokens == 0:
            raise BadQuestion(f"text {number} is empty", "leave it out")
        if tokens > embedder.max_tokens:
            raise BadQuestion(
                f"text {number} has {tokens} tokens, the embedder reads {embedder.max_tokens}", "send it in parts"
            )
        total += tokens
    return total


def _written(vector: NDArray[np.float32], form: str) -> str | list[float]:
    if form == "base64":
        return base64.b64encode(vector.astype("<f4").tobytes()).decode("ascii")
    return [float(value) for value in vector]
