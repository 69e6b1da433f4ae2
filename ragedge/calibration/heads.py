"""Questions from headings: what a section is about, how its job is done, which steps it has, what its heading defines.

The evidence is what stands right below the heading: the run of steps, or the first sentences. Knows only sections.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator

from ragedge.calibration.sections import MadeQuestion, Piece, Section, language_of, made
from ragedge.calibration.verbs import base_of_gerund, is_imperative
from ragedge.calibration.wording import lowered

MAX_EVIDENCE_CHARS = 700  # below a heading; what answers stands at the start, or is the run of steps
_MIN_BODY_CHARS = 40
_NUMBERING = re.compile(
    r"^(?:(?:chapter|section|part|appendix|kapitel|teil)\s+)?(?:[\dIVX]+[-.)\d]*|[A-Z][.)])\s+", re.I
)
_EMPTY_HEADINGS_TEXT = """
    note warning caution tip danger important hinweis achtung
    introduction overview contents index notes references general summary appendix foreword preface background
    miscellaneous other resources links conclusion abstract welcome einleitung inhalt übersicht anhang
    allgemeines introducción introduction resumen sommaire index questions faq about untitled more related
    history
"""
_EMPTY_HEADINGS = frozenset(_EMPTY_HEADINGS_TEXT.split())
_HOW = {
    "en": (
        "How do I {v}?", "How can I {v}?", "What do I have to do to {v}?", "How does one {v}?", "How should we {v}?",
        "What is the right way to {v}?", "I have to {v}. How?", "Where do I start if I want to {v}?",
        "Is there a way to {v}?", "how to {v}",
    ),
}  # fmt: skip
_STEPS = (
    "What are the steps to {v}?",
    "In which order do I {v}?",
    "Walk me through how to {v}.",
    "What comes first when I {v}?",
)
_ABOUT = {
    "en": (
        "What is {t}?", "What should I know about {t}?", "What about {t}?", "What is said about {t}?", "{t}?",
        "Tell me about {t}.", "What are the rules for {t}?", "Is there anything on {t}?", "How does {t} work?",
        "Where can I read about {t}?",
    ),
    "de": ("Was ist {t}?", "Was gilt für {t}?", "Was muss ich über {t} wissen?", "Wie geht das mit {t}?", "{t}?"),
    "fr": ("Qu'est-ce que {t} ?", "Que faut-il savoir sur {t} ?", "Comment ça marche, {t} ?", "{t} ?"),
    "es": ("¿Qué es {t}?", "¿Qué hay que saber sobre {t}?", "¿Cómo funciona {t}?", "¿{t}?"),
}  # fmt: skip
_LISTED = (
    "What belongs to {t}?",
    "Which points are listed for {t}?",
    "What are the {t}?",
    "What do I need to know for {t}?",
)
_WITHIN = ("{q} ({t})", "{t}: {q}")


def heading_questions(section: Section, pieces: list[Piece], rng: random.Random) -> Iterator[MadeQuestion]:
    """At most one question for the section's heading, and one for its first run of steps."""
    heading = _NUMBERING.sub("", re.sub(r"\{[^}]*\}", "", section.subject)).strip(" .:-–—*_#")
    body = [piece for piece in pieces if piece.kind != "heading"]
    if not _is_telling(heading) or not body or sum(len(piece.text) for piece in body) < _MIN_BODY_CHARS:
        return
    language = language_of(section.text)
    run = _first_run(body)
    start, end = _span(body, run)
    verb = _as_verb(heading) if language == "en" else ""
    if heading.endswith("?"):
        question = heading
    elif verb:
        question = rng.choice(_HOW["en"]).format(v=verb)
    elif run and language == "en" and len(run) > 1:
        question = rng.choice((*_ABOUT["en"], *_LISTED)).format(t=lowered(heading))
    else:
        question = rng.choice(_ABOUT[language]).format(t=heading if language == "de" else lowered(heading))
    outer = section.title if section.title != section.subject else ""
    if _is_telling(outer) and len(heading.split()) < 2 and len(outer) < 60:
        question = rng.choice(_WITHIN).format(q=question, t=outer)
    kind = "steps" if verb and run else "heading"
    yield made(section, kind, question, start, end)
    if verb and run and len(run) > 2:
        yield made(section, "steps", rng.choice(_STEPS).format(v=verb), run[0].start, run[-1].end)


def _is_telling(heading: str) -> bool:
    words = [word for word in re.findall(r"[^\W\d_]+", heading) if len(word) > 2]
    return bool(words) and len(heading) <= 90 and not (len(words) == 1 and words[0].casefold() in _EMPTY_HEADINGS)


def _as_verb(heading: str) -> str:
    """ "Cleaning the strainer" -> "clean the strainer", "Change a filter" -> "change a filter"; "" for others."""
    first, _, rest = heading.partition(" ")
    first = first.casefold()
    if first == "how":
        match = re.match(r"how (?:to|do i|can i|do you)\s+(.+?)\??$", heading, re.I)
        return _folded(match[1]) if match else ""
    if not rest or rest.split()[0].casefold() in ("of", "and", "or", "is", "in", "by"):
        return ""
    rest = _folded(rest)
    if base := base_of_gerund(first):
        others = re.sub(r"\band (\w+ing)\b", lambda match: f"and {base_of_gerund(match[1]) or match[1]}", rest)
        return f"{base} {others}"
    return f"{first} {rest}" if is_imperative(first) else ""


def _folded(phrase: str) -> str:
    """Words of a heading in capitals or Title Case as in a sentence; names in mixed or all capitals stay."""
    words = phrase.split()
    if all(word.isupper() for word in words if word.isalpha()) and len(words) > 1:
        return phrase.lower()
    titled = sum(word[:1].isupper() for word in words if len(word) > 3)
    if titled and titled == sum(len(word) > 3 for word in words) and len(words) > 2:
        return " ".join(word.lower() if word[1:].islower() else word for word in words)
    return phrase


def _first_run(body: list[Piece]) -> list[Piece]:
    """The first run of at least two list items, if it starts within the first four pieces."""
    for at, piece in enumerate(body[:4]):
        if piece.kind == "list":
            end = at
            while end < len(body) and body[end].kind == "list":
                end += 1
            if end - at >= 2:
                return body[at:end]
            return []
    return []


def _span(body: list[Piece], run: list[Piece]) -> tuple[int, int]:
    """From the first piece on, at most `MAX_EVIDENCE_CHARS`, whole pieces, the run with its introduction."""
    start, end = body[0].start, body[0].end
    wanted = body.index(run[-1]) + 1 if run else 4
    for piece in body[1:wanted]:
        if piece.end - start > MAX_EVIDENCE_CHARS:
            break
        end = piece.end
    return start, end
