"""What the word index knows beyond a search: which documents hold a word, what its stems are, which words come near.

Reads FTS5's own vocabulary (sqlite.org/fts5.html, section 8), so nothing is kept beside it. The stem of a word is asked
of an empty FTS5 table in memory with the same tokenizer, never worked out here.
"""

from __future__ import annotations

import contextlib
import json
import math
import sqlite3
from collections.abc import Sequence

from ragedge.index.catalog import FTS_WEIGHTS, Catalog
from ragedge.index.folding import fold, match_expression, match_terms
from ragedge.index.schema import TOKENIZER, from_sql, translated

MAX_NEAR_TERMS = 20_000  # terms with one first letter that are looked through for a mistyped word
_COMMON_PASSAGES = 1_000  # with a word: up to here it is never left out as too common
_MAX_POSTINGS = 50_000  # passages with one word: beyond this it tells nothing, and counting takes long

MOST_SEARCHED = 5_000  # passages of a few documents that are scored word by word: beyond this it takes long
_LEAST_RARITY = 1e-6  # what FTS5 takes for a word that half of all passages hold

_VOCABULARY = "CREATE VIRTUAL TABLE IF NOT EXISTS temp.vocabulary USING fts5vocab('main', 'fts', 'row')"


def documents_with(catalog: Catalog, words: Sequence[str]) -> dict[str, dict[str, int]]:
    """For each word: document id -> number of its passages that hold the word (title and headings included)."""
    found: dict[str, dict[str, int]] = {}
    sql = (
        "SELECT c.document_id, count(*) FROM (SELECT rowid FROM fts WHERE fts MATCH ? LIMIT ?) f"
        " JOIN chunks c ON c.rowid = f.rowid GROUP BY c.document_id"
    )
    for word in dict.fromkeys(words):
        expression = match_expression((word,), ())
        found[word] = dict(catalog.rows(sql, (expression, _MAX_POSTINGS))) if expression else {}
    return found


def nearby(catalog: Catalog, ids: Sequence[str], words: Sequence[str]) -> dict[str, float]:
    """Chunk id -> share in [0, 1] of the words, each by its rarity, that stand in the passage or in one next to it.

    Rarity is log(1 + n / (1 + passages with the word)), n being the number of passages; a word that stands in more than
    a fifth of a large index says nothing and is left out.
    """
    places = catalog.rows_by_id(
        "SELECT c.id, c.rowid, c.ordinal, d.chunks FROM chunks c JOIN documents d ON d.id = c.document_id"
        " WHERE c.id IN",
        ids,
    )
    passages = int(catalog.rows("SELECT count(*) FROM chunks")[0][0])
    limit = max(passages // 5, _COMMON_PASSAGES)
    shares = dict.fromkeys(ids, 0.0)
    weights = 0.0
    for word in dict.fromkeys(words):
        expression = match_expression((word,), ())
        sql = "SELECT rowid FROM fts WHERE fts MATCH ? LIMIT ?"
        held = {row[0] for row in catalog.rows(sql, (expression, limit + 1))} if expression else set()
        if len(held) > limit:
            continue
        weight = math.log(1 + passages / (1 + len(held)))
        weights += weight
        for chunk_id, rowid, ordinal, count in places:
            # The chunks of a document have consecutive row numbers, in their order.
            is_near = (rowid - 1 in held and ordinal > 0) or (rowid + 1 in held and ordinal + 1 < count)
            if rowid in held or is_near:
                shares[chunk_id] += weight
    return {chunk_id: share / weights for chunk_id, share in shares.items()} if weights else {}


def search_among(
    catalog: Catalog, words: Sequence[str], phrases: Sequence[str], limit: int, within: Sequence[str]
) -> list[tuple[str, float]]:
    """As `Catalog.search_text`, but a word is as rare as it is among the passages of the documents `within` alone.

    FTS5 counts over the whole index and scores each term by rarity times frequency; its rarity is taken out, that among
    the documents put in (Robertson's with one added, so that it stays above 0). No passage where they are too many.
    """
    chosen = "SELECT rowid, id FROM chunks WHERE document_id IN (SELECT value FROM json_each(?))"
    ids = dict(catalog.rows(f"{chosen} LIMIT ?", (json.dumps(list(within)), MOST_SEARCHED + 1)))
    if not 0 < len(ids) <= MOST_SEARCHED or limit <= 0:
        return []
    passages = int(catalog.rows("SELECT count(*) FROM chunks")[0][0])
    scores: dict[str, float] = {}
    # The plus keeps SQLite from asking FTS5 for every chosen passage by itself.
    sql = "SELECT rowid, -bm25(fts, ?, ?, ?) FROM fts WHERE fts MATCH ? AND +rowid IN (SELECT value FROM json_each(?))"
    for term in match_terms(words, phrases):
        found = catalog.rows(sql, (*FTS_WEIGHTS, term, json.dumps(list(ids))))
        if not found:
            continue
        everywhere = int(catalog.rows("SELECT count(*) FROM fts WHERE fts MATCH ?", (term,))[0][0])
        rarity = math.log((passages - everywhere + 0.5) / (everywhere + 0.5))
        rarity = rarity if rarity > 0 else _LEAST_RARITY
        rarity_here = math.log(1 + (len(ids) - len(found) + 0.5) / (len(found) + 0.5))
        for rowid, score in found:
            scores[ids[rowid]] = scores.get(ids[rowid], 0.0) + score / rarity * rarity_here
    return sorted(scores.items(), key=lambda hit: (-hit[1], hit[0]))[:limit]


def stem(word: str) -> str:
    """`word` as the word index holds it; "" where it is not one token."""
    with contextlib.closing(sqlite3.connect(":memory:")) as db:
        db.execute(f"CREATE VIRTUAL TABLE one USING fts5(text, tokenize='{TOKENIZER}')")
        db.execute("CREATE VIRTUAL TABLE terms USING fts5vocab('one', 'row')")
        db.execute("INSERT INTO one VALUES (?)", (fold(word),))
        terms = [row[0] for row in db.execute("SELECT term FROM terms")]
    return terms[0] if len(terms) == 1 else ""


def terms_like(catalog: Catalog, stemmed: str) -> list[tuple[str, int]]:
    """(term, passages with it) of the terms that begin with the first letter of `stemmed`, or with its first two
    letters exchanged, and are at most two letters shorter or longer."""
    starts = [stemmed[:1]] + ([stemmed[1] + stemmed[0]] if len(stemmed) > 1 else [])
    sql = "SELECT term, doc FROM vocabulary WHERE term >= ? AND term < ? AND length(term) BETWEEN ? AND ? LIMIT ?"
    found: list[tuple[str, int]] = []
    catalog.prepare(_VOCABULARY)
    for start in dict.fromkeys(starts):
        end = start[:-1] + chr(ord(start[-1]) + 1)
        limits = (start, end, len(stemmed) - 2, len(stemmed) + 2, MAX_NEAR_TERMS)
        found += [(str(term), int(count)) for term, count in catalog.rows(sql, limits)]
    return found


def example_of(catalog: Catalog, term: str) -> str:
    """The text of a passage that holds a term of the vocabulary, with its headings; "" where there is none."""
    with translated(catalog.path):
        found = catalog.rows(
            "SELECT c.headings, c.text FROM fts JOIN chunks c ON c.rowid = fts.rowid WHERE fts MATCH ? LIMIT 1",
            (match_expression((), (term,)),),
        )
    return f"{from_sql(found[0][0])}\n{from_sql(found[0][1])}" if found else ""
