"""The score of a passage out of what each part of the search says of it; plain numbers in, plain numbers out.

Words and vectors: a convex combination of the two scores, each scaled by its best (Bruch, Gai, Ingber 2023). A passage
that holds a code or a quoted phrase gains by how few others do. What the question's words cover in a passage and the
two next to it counts a little, for a sentence seldom says again what its neighbour said. Other editions than the one
asked for go down. The weights were set on evaluation cases that README names.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

Ranking = list[tuple[str, float]]

_LEXICAL_SHARE = 0.4  # of words and vectors; 0.35 to 0.45 measure alike, all above 0.3 and 0.5
_COSINE_FLOOR = 0.1  # what unrelated texts have with the embedder; counts as nothing. 0.05 measures alike, 0.15 worse
_LEAST_SPREAD = 0.05  # between floor and best cosine, where nothing is near: no division by next to nothing
_EXACT_GAIN = 2.2  # shared by the passages that hold a code
_EXACT_MOST = 1.1  # of it for one passage: more than words and vector together
_NEARBY_GAIN = (
    0.2  # for a passage that, with its neighbours, holds all words; helps codes and names, costs tables a little
)


def fuse(by_words: Ranking, cosines: Mapping[str, float], exact: Sequence[Ranking]) -> dict[str, float]:
    """Chunk id to score, higher is better: at most 1 from words and vector, more per code or phrase held."""
    lexical_share = 0.0 if not by_words else _LEXICAL_SHARE if cosines else 1.0
    best_words = max((score for _, score in by_words), default=0.0) or 1.0
    spread = max(max(cosines.values(), default=0.0) - _COSINE_FLOOR, _LEAST_SPREAD)
    scores = {i: (1 - lexical_share) * max(0.0, c - _COSINE_FLOOR) / spread for i, c in cosines.items()}
    for chunk_id, score in by_words:
        scores[chunk_id] = scores.get(chunk_id, 0.0) + lexical_share * score / best_words
    for ranking in exact:
        for chunk_id, _ in ranking:
            # All passages with the code are equal: which of them is best, the words and the vector say.
            scores[chunk_id] = scores.get(chunk_id, 0.0) + min(_EXACT_MOST, _EXACT_GAIN / len(ranking))
    return scores


def adjust(
    scores: Mapping[str, float], nearby: Mapping[str, float], document_gain: Callable[[str], float]
) -> dict[str, float]:
    """`scores` with the share of the words that stand near (chunk id -> [0, 1]) and what speaks for the document.

    `document_gain` takes a document id; negative for other editions than the one asked for.
    """
    return {
        chunk_id: score + _NEARBY_GAIN * nearby.get(chunk_id, 0.0) + document_gain(document_of(chunk_id))
        for chunk_id, score in scores.items()
    }


def rescored(by_words: Ranking, among: Ranking, document_ids: Collection[str]) -> Ranking:
    """`by_words` with `among` in place of what it says of `document_ids`; the best of both lists weigh alike."""
    if not by_words or not among:
        return by_words
    scale = by_words[0][1] / among[0][1]
    found = [hit for hit in by_words if document_of(hit[0]) not in document_ids]
    found += [(chunk_id, scale * score) for chunk_id, score in among]
    return sorted(found, key=lambda hit: (-hit[1], hit[0]))


def document_of(chunk_id: str) -> str:
    """The document a chunk belongs to, out of its id."""
    return chunk_id.rpartition("-")[0]
