"""An answer's sentences to citations: each is matched to a sentence or row of the sources by code.

What a model writes about its sources is ignored. A sentence is supported by a quote when every number, unit, code,
date and name of it stands there, nothing speaks against it (`contradiction`), and enough of its words do; where the
words alone do not decide, its meaning does (cosine of the embedder's vectors). A source that says nearly the same and
speaks against it outweighs one that shares fewer words. Quotes are exact parts of a page, and are checked again at the
end. The measure is the share of an answer's words found in the source (precision of ROUGE-1; Lin, 2004) with hard
conditions on facts; `tests/recipes/measure_citations.py` says how good it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ragedge.answer.claims import Claim, Quote, claim_of, context_of, stands_in
from ragedge.answer.contradiction import exchanged_words, objection
from ragedge.answer.likeness import Likeness
from ragedge.answer.sentences import sentence_spans
from ragedge.answer.unconfirmed import fact_spans
from ragedge.answer.units import cut
from ragedge.contracts import AnswerSpan, Citation, Hit, Objection, Page, PageSpan
from ragedge.errors import InputError, NotFound

THRESHOLD = 0.55  # support below it counts as none; above one half, so that most words are the source's
_BY_MEANING = 0.3  # share of words from which the meaning may decide; below, near vectors only share the topic
_NOT_LITERAL = 0.99  # the most that a quote gets whose letters are not the sentence's
_SAYS_OTHERWISE = 0.6  # share of words from which a quote that speaks against a sentence can outweigh another one
_OUTWEIGHS = 0.1  # by which it must share more words than the one that supports
_CANDIDATES = 6  # quotes that are looked at closely, per sentence
_EMBEDDED = 2  # quotes per sentence whose meaning is compared
_MAX_EMBEDDED = 2000  # characters embedded for one answer: they are waited for
_MAX_EXCHANGED = 4  # words that stand in another's place; more of them are a way to put it
_SAME_KIND = 0.32  # cosine of two words: 2 of 100 synonyms lie below it, 3 of 4 pairs of words drawn at random
_EMBED_CHARS = 400  # of a text, about 100 tokens
_MAX_SENTENCES = 200  # of an answer; the rest of a longer one is marked as unsupported
_NOT_IN_SOURCES = re.compile(
    r"\b(?:sources?|documents?|passages?|texts?|context|quellen?|dokumente?n?|documentos?|fuentes?)\b.*\b(?:not|n't|no|nothing|"
    r"kein\w*|nicht|nichts|pas|aucune?|ningun\w*)\b|\b(?:not|no|nothing|nicht|nichts|kein\w*|pas|no)\b.*\b(?:sources?|quellen?|"
    r"documents?|dokumente?n?|fuentes?|documentos?)\b",
    re.IGNORECASE,
)
_BUT = re.compile(r"\b(?:but|however|although|aber|jedoch|mais|pero)\b", re.IGNORECASE)

PageOf = Callable[[str, int], Page]
Embed = Callable[[Sequence[str]], NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class Cited:
    """Citations in the order of the answer, and all its sentences that say something, each with its support."""

    citations: tuple[Citation, ...]
    sentences: tuple[AnswerSpan, ...]

    @property
    def unsupported(self) -> tuple[AnswerSpan, ...]:
        """The sentences that no source supports."""
        return tuple(sentence for sentence in self.sentences if sentence.citation is None)


@dataclass(frozen=True, slots=True)
class Judgement:
    """The best quote for a sentence and how far it supports it, or why none does. Both None: it says nothing."""

    quote: Quote | None
    support: float = 0.0
    objection: Objection | None = None


def cite(text: str, hits: Sequence[Hit], *, page_of: PageOf, embed: Embed | None = None) -> Cited:
    """Hold each sentence of `text` against the pages of `hits`; see `Sources.cite`."""
    return Sources(hits, page_of=page_of, embed=embed).cite(text)


class Sources:
    """The passages of one question, prepared once; what was judged is remembered."""

    def __init__(self, hits: Sequence[Hit], *, page_of: PageOf, embed: Embed | None = None) -> None:
        self._hits = hits
        quotes = [_quotes(index, hit, page_of) for index, hit in enumerate(hits)]
        self._contexts = [
            context_of(" ".join((hit.title, *hit.chunk.headings)), units)
            for hit, units in zip(hits, quotes, strict=True)
        ]
        self._likeness = Likeness(quotes, self._contexts)
        self._embed = embed
        self._embedded = 0
        self._vectors: dict[str, NDArray[np.float32]] = {}
        self._known: dict[str, Judgement] = {}

    def cite(self, text: str) -> Cited:
        """Citations for the sentences of `text` that a hit supports, and all of them with their support.

        Citations are in the order of the answer; a chunk keeps the number of its first use. A sentence without content
        (a lone mark) and one that only says that the sources do not answer are neither. A page that is gone is passed
        over.
        """
        self._embedded = 0
        citations: list[Citation] = []
        sentences: list[AnswerSpan] = []
        numbers: dict[str, int] = {}
        for count, (start, end) in enumerate(sentence_spans(text)):
            judged = self.judge(text[start:end]) if count < _MAX_SENTENCES else Judgement(None, 0.0, "words_not_found")
            if judged.quote is not None and judged.objection is None:
                hit = self._hits[judged.quote.hit_index]
                number = numbers.setdefault(hit.chunk.id, len(numbers) + 1)
                citations.append(_citation(number, hit, judged.quote, start, end, judged.support))
                sentences.append(AnswerSpan(start, end, round(judged.support, 4), number))
            elif judged.objection is not None:
                sentences.append(_unsupported(text, start, end, judged.objection))
        return Cited(tuple(citations), tuple(sentences))

    def judge(self, sentence: str) -> Judgement:
        """The quote that supports a sentence, or the reason why none does."""
        if sentence not in self._known:
            claim = claim_of(sentence, 0, len(sentence))
            if claim.is_empty or _is_refusal(claim):
                self._known[sentence] = Judgement(None)
            else:
                self._known[sentence] = self._judge(claim)
        return self._known[sentence]

    def _judge(self, claim: Claim) -> Judgement:
        against: tuple[float, Objection] | None = None
        open_ones: list[tuple[float, Quote]] = []
        best: tuple[float, Quote] | None = None
        for share, quote in self._likeness.nearest(claim, _CANDIDATES):
            reason = objection(claim, quote, self._contexts[quote.hit_index])
            if reason is None and share >= THRESHOLD and self._has_other_word(claim, quote):
                reason = "word_exchanged"
            if reason is not None:
                against = against or (share, reason)
            elif share >= THRESHOLD:
                support = 1.0 if stands_in(claim.plain, quote.plain) else min(_NOT_LITERAL, share)
                if best is None or support > best[0]:
                    best = (support, quote)
            elif share >= _BY_MEANING:
                open_ones.append((share, quote))
        if best is None and open_ones and self._embed is not None:
            best = self._by_meaning(claim, open_ones[:_EMBEDDED])
        if best is not None and (against is None or not _outweighs(against[0], best[0])):
            return Judgement(best[1], best[0])
        return Judgement(None, 0.0, against[1] if against is not None else "words_not_found")

    def _by_meaning(self, claim: Claim, quotes: Sequence[tuple[float, Quote]]) -> tuple[float, Quote] | None:
        """The quote whose words and meaning together support a claim, if one does."""
        texts = [claim.text[:_EMBED_CHARS], *(quote.text[:_EMBED_CHARS] for _, quote in quotes)]
        vectors = self._vectors_of(texts)
        if vectors is None:
            return None
        scored = [
            ((share + float(vectors[0] @ vector)) / 2, quote)
            for (share, quote), vector in zip(quotes, vectors[1:], strict=True)
        ]
        support, quote = max(scored, key=lambda pair: pair[0])
        return (min(_NOT_LITERAL, support), quote) if support >= THRESHOLD else None

    def _has_other_word(self, claim: Claim, quote: Quote) -> bool:
        """Whether a word of the claim that stands in place of one of the quote's has nothing to do with it."""
        pairs = exchanged_words(claim, quote) if not stands_in(claim.plain, quote.plain) else []
        if not pairs or len(pairs) > _MAX_EXCHANGED:
            return False
        vectors = self._vectors_of([word for pair in pairs for word in pair])
        if vectors is None:
            return False
        return any(float(one @ other) < _SAME_KIND for one, other in zip(vectors[::2], vectors[1::2], strict=True))

    def _vectors_of(self, texts: Sequence[str]) -> list[NDArray[np.float32]] | None:
        missing = [text for text in dict.fromkeys(texts) if text not in self._vectors]
        chars = sum(len(text) for text in missing)
        if self._embed is None or self._embedded + chars > _MAX_EMBEDDED:
            return None
        self._embedded += chars
        try:
            self._vectors.update(zip(missing, self._embed(missing), strict=True) if missing else ())
        except InputError:  # more tokens than the embedder reads, in a script with many tokens per character
            return None
        return [self._vectors[text] for text in texts]


def _outweighs(against: float, support: float) -> bool:
    """Whether a quote that speaks against a sentence is so much nearer to it that another one cannot support it."""
    return support < 1.0 and against >= max(_SAYS_OTHERWISE, support + _OUTWEIGHS)


def still_there(text: str, cited: Cited, page_of: PageOf) -> Cited:
    """`cited` of an answer's `text` without the citations whose quote does not stand, letter by letter, where they say.

    A document can be removed while its answer is written; a sentence that loses its source is unsupported then.
    """
    kept = tuple(citation for citation in cited.citations if _is_exact(citation, page_of))
    if len(kept) == len(cited.citations):
        return cited
    left = {(citation.answer_start, citation.answer_end) for citation in kept}
    sentences = tuple(
        s if s.citation is None or (s.start, s.end) in left else _unsupported(text, s.start, s.end, "source_gone")
        for s in cited.sentences
    )
    return Cited(kept, sentences)


def _unsupported(text: str, start: int, end: int, objection: Objection) -> AnswerSpan:
    facts = tuple((start + a, start + b) for a, b in fact_spans(text[start:end]))
    return AnswerSpan(start, end, 0.0, None, objection, facts)


def _is_exact(citation: Citation, page_of: PageOf) -> bool:
    try:
        page = page_of(citation.document_id, citation.span.page)
    except NotFound:
        return False
    return citation.quote == page.text[citation.span.start : citation.span.end] != ""


def _is_refusal(claim: Claim) -> bool:
    has_facts = bool(claim.numbers or claim.codes)
    return not has_facts and _NOT_IN_SOURCES.search(claim.plain) is not None and not _BUT.search(claim.plain)


def _quotes(index: int, hit: Hit, page_of: PageOf) -> list[Quote]:
    quotes: list[Quote] = []
    for span in hit.chunk.spans:
        try:
            page = page_of(hit.chunk.document_id, span.page)
        except NotFound:  # removed since it was found
            continue
        for start, end, _ in cut(page, max(0, span.start), min(span.end, len(page.text))):
            if start < end:
                quotes.append(Quote(index, page, start, end))
    return quotes


def _citation(number: int, hit: Hit, quote: Quote, start: int, end: int, support: float) -> Citation:
    chunk = hit.chunk
    return Citation(
        number=number,
        chunk_id=chunk.id,
        document_id=chunk.document_id,
        document_path=chunk.document_path,
        title=hit.title,
        pages=tuple(sorted({span.page for span in chunk.spans})),
        page_label=quote.page.label,
        span=PageSpan(quote.page.number, quote.start, quote.end),
        quote=quote.page.text[quote.start : quote.end],
        answer_start=start,
        answer_end=end,
        support=round(support, 4),
    )
