"""Questions from what an article says twice: one sentence asks, another passage that repeats the name answers.

A span that recurs in an article (a name, a date, a few words) is taken out of one sentence; what is left of it, with a
question word, asks for the span, and the answer stands in the passage elsewhere that shares most with that sentence
(after Ram et al. 2021, recurring spans, and Fabbri et al. 2020, questions from retrieved sentences). Unlike a sentence
with a hole in its own passage, this cannot be answered by matching words alone. Noisy: for a training's first part.
"""

from __future__ import annotations

import random
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ragedge.answer.sentences import sentence_spans
from ragedge.answer.stopwords import STOP_WORDS
from tests.recipes.reader.packing import UNKNOWN, Pack
from tests.recipes.reader.texts import documents, sections_of

BUDGET = 180_000_000  # characters of Wikipedia that are looked through
PER_DOCUMENT = 6  # questions of one article
_MOST = 6  # sentences of an article that a span may stand in; what is everywhere (the subject) is no answer
_SHARED = 2  # words that the two sentences must share beside the span
_LEAST = 0.7  # of the shared words' weight, each weighing 1/(sentences of the article that it stands in)
_CHARS = (350, 850)  # of a passage
_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
_MONTHS = "(?:January|February|March|April|May|June|July|August|September|October|November|December)"
_NAME = re.compile(
    rf"\d{{1,2}}\s{_MONTHS}(?:\s\d{{4}})?|{_MONTHS}\s\d{{1,2}}(?:,\s\d{{4}})?|"
    r"(?:[A-Z][\w'’-]+)(?:\s(?:of|de|the|van|von)?\s?[A-Z][\w'’-]+){0,3}|\b(?:1\d{3}|20[0-2]\d)\b|"
    r"\d[\d,.]*\d(?:\s(?:percent|million|billion|km|metres|meters|miles|feet|years|people|kg|°C))?"
)
_LEADING = frozenset(
    ("a", "an", "the", "of", "by", "with", "in", "from", "for", "as", "into", "its", "their", "his", "her", "on", "to")
)
_DATE = re.compile(rf"(?:\d{{1,2}}\s)?{_MONTHS}\b")


@dataclass
class _Sentence:
    """A sentence of an article: its passage and unit (from 1), content words, places of candidate spans."""

    passage: int
    unit: int
    text: str
    words: frozenset[str]
    spans: dict[str, tuple[int, int]] = field(default_factory=dict)


def add_recurring(pack: Pack, path: Path, seed: int, budget: int = BUDGET) -> None:
    """Questions with the passages that answer them; passages that answer none are not kept."""
    rng = random.Random(f"{seed}/recurring")
    for title, text in documents(path, budget, rng):
        prefixes, passages = _passages(title, text, rng)
        sentences = [
            _sentence(at, number, unit) for at, units in enumerate(passages) for number, unit in enumerate(units, 1)
        ]
        numbers: dict[int, int] = {}
        for asking, telling, span in _pairs(sentences, rng)[:PER_DOCUMENT]:
            question = _question(asking, span, telling.words, rng)
            at = telling.passage
            if not question:
                continue
            if at not in numbers:
                numbers[at] = pack.passage(prefixes[at], passages[at], "recurring")
            if pack.holds_unit(numbers[at], telling.unit):
                answer = pack.span_in_unit(numbers[at], telling.text, telling.unit, *telling.spans[span])
                if answer[0] != UNKNOWN:
                    pack.question(question, "recurring", numbers[at], (telling.unit, telling.unit), answer)


def _passages(title: str, text: str, rng: random.Random) -> tuple[list[str], list[list[str]]]:
    """Prefixes and units of an article's passages."""
    prefixes, passages = [], []
    for section in sections_of("", title, text):
        prefix = title if not section.headings else f"{title}: {section.headings[-1]}"
        current: list[str] = []
        limit = rng.randint(*_CHARS)
        for a, b in sentence_spans(section.text):
            if current and sum(map(len, current)) + b - a > limit:
                prefixes.append(prefix)
                passages.append(current)
                current, limit = [], rng.randint(*_CHARS)
            current.append(" ".join(section.text[a:b].split()))
        if current:
            prefixes.append(prefix)
            passages.append(current)
    return prefixes, passages


def _sentence(passage: int, unit: int, text: str) -> _Sentence:
    found = list(_WORD.finditer(text))
    words = [match.group().casefold() for match in found]
    content = [len(word) > 2 and word not in STOP_WORDS for word in words]
    sentence = _Sentence(passage, unit, text, frozenset(w for w, c in zip(words, content, strict=True) if c))
    if not 40 < len(text) < 400:
        return sentence
    for a, b in _noun_runs(text, found, words, content):
        sentence.spans[text[a:b].casefold()] = (a, b)
    for match in _NAME.finditer(text):
        if match.start() or " " in match.group():
            sentence.spans[match.group().casefold()] = match.span()
    return sentence


def _noun_runs(
    text: str, found: list[re.Match[str]], words: list[str], content: list[bool]
) -> Iterator[tuple[int, int]]:
    """Runs of lower-case content words after an article or a preposition, up to the next function word or mark."""
    first = 0
    while first < len(found):
        last = first
        while (
            last + 1 < len(found)
            and content[last + 1]
            and content[last]
            and text[found[last].end() : found[last + 1].start()] == " "
        ):
            last += 1
        a, b = found[first].start(), found[last].end()
        is_led = first > 0 and words[first - 1] in _LEADING and found[first - 1].end() + 1 == a
        if is_led and content[first] and last - first < 4 and text[a:b].islower() and b - a > 4:
            yield a, b
        first = last + 1


def _pairs(sentences: list[_Sentence], rng: random.Random) -> list[tuple[_Sentence, _Sentence, str]]:
    """(asking, telling, span), what shares most first; every telling sentence and every span once."""
    common = Counter(word for sentence in sentences for word in sentence.words)
    where: dict[str, list[_Sentence]] = defaultdict(list)
    for sentence in sentences:
        for span in sentence.spans:
            where[span].append(sentence)
    scored = []
    for span, places in where.items():
        if not 2 <= len(places) <= _MOST:
            continue
        own = set(_WORD.findall(span))
        for asking in places:
            for telling in places:
                shared = (asking.words & telling.words) - own
                if asking.passage == telling.passage or len(shared) < _SHARED:
                    continue
                score = sum(1 / common[word] for word in shared)
                if score >= _LEAST and len(shared) < 0.8 * len(asking.words):
                    # a longer span is told from its parts by going first; names before words, both in turn by chance
                    scored.append((score + 0.1 * len(own) + 0.4 * rng.random(), asking, telling, span))
    scored.sort(key=lambda entry: -entry[0])
    return list(_each_once((asking, telling, span) for _, asking, telling, span in scored))


def _each_once(pairs: Iterator[tuple[_Sentence, _Sentence, str]]) -> Iterator[tuple[_Sentence, _Sentence, str]]:
    told: set[tuple[int, int]] = set()
    taken: set[str] = set()
    for asking, telling, span in pairs:
        place, words = (telling.passage, telling.unit), set(span.split())
        if place not in told and not words & taken:
            told.add(place)
            taken |= words
            yield asking, telling, span


def _question(asking: _Sentence, span: str, shared: frozenset[str], rng: random.Random) -> str:
    """The clause around the span with a question word in its place; "" where too little is left."""
    start, end = asking.spans[span]
    before, after = _WORD.findall(asking.text[:start]), _WORD.findall(asking.text[end:])
    helps = lambda words: [i for i, word in enumerate(words) if word.casefold() in shared]  # noqa: E731
    left, right = helps(before), helps(after)
    keep = min(len(before) - left[0] + 1 if left else 0, 14), min(right[-1] + 2 if right else 0, 14)
    before = before[len(before) - max(keep[0], rng.randint(2, 5)) :] if before else []
    after = after[: max(keep[1], rng.randint(2, 5))]
    if len(helps(before)) + len(helps(after)) < _SHARED:
        return ""
    asks = _question_word(asking.text[:start], asking.text[start:end], rng)
    if asks in ("when", "where") and before and before[-1].casefold() in ("in", "on", "at"):
        before.pop()
    if rng.random() < 0.5:
        words = [asks, *after, *before]
    else:
        words = [*before, asks, *after]
        if rng.random() < 0.4 and before:
            words = [asks, *before, *after]
    return f"{' '.join(words)}?"


def _question_word(before: str, span: str, rng: random.Random) -> str:
    """A word that asks for such a span; the word before it tells places and people now and then."""
    last = before.split()[-1].casefold() if before.split() else ""
    if _DATE.match(span) or re.fullmatch(r"1\d{3}|20[0-2]\d", span):
        return rng.choice(("when", "what year", "in what year", "in which year", "when"))
    if span[0].isdigit():
        return rng.choice(("how many", "how much", "what"))
    if span[0].isupper():
        if last == "by":
            return rng.choice(("who", "whom", "who", "which"))
        if last in ("in", "at", "near", "from", "to"):
            return rng.choice(("where", "what", "which", "what place"))
        return rng.choice(("who", "what", "which", "who", "what"))
    return rng.choice(("what", "what", "which", "what kind of", "what is"))
