"""Questions from sentences, by simple rules: when, how many, who, how much, why, when to, what is.

English only; the rules look at the surface of a sentence (a subject, a verb from a table, a date, a number, a reason)
and make nothing of a sentence that they do not recognise. Knows only sections.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Set

from ragedge.calibration.fields import is_field
from ragedge.calibration.sections import MadeQuestion, Piece, Section, language_of, made
from ragedge.calibration.verbs import base_of_past, is_imperative, is_participle

_MAX_CHARS = 320
_MIN_WORDS = 5
_NAME = r"(?:[A-Z][\w'’.-]+(?:\s(?:of|de|von|van|the|al|du|da)\s|\s)?){1,5}"
_SUBJECT = (
    r"(?P<s>(?:(?:The|This|A|An|His|Her|Its|Their)\s)?[\w'’\"-]+(?:\s(?!was\b|were\b|is\b|are\b)[\w'’\"-]+){0,6}?)"
)
_YEAR = re.compile(
    r"\b(?:in|since|from|by|until|on)\s+((?:[A-Z][a-z]+\s+(?:\d{1,2},?\s+)?)?(?:1\d{3}|20\d{2}))\b", re.I
)
_PRONOUNS_TEXT = """
    he she it they this that these those his her its their there who which we i you one such although though
    after before since because while when if as by in on at during for to from with often sometimes also
    despite under once however therefore then thus here some many each both another other not no without
    unlike until unless
"""
_PRONOUNS = frozenset(_PRONOUNS_TEXT.split())
_POINTS_ELSEWHERE = re.compile(r"\b(?:them|they|it|he|she|these|those|this|such|their|his|former|latter)\b", re.I)
_FINITE = re.compile(r"\b(?:are|is|was|were|that|which|who|has|have|had)\b")
_BE = re.compile(rf"^{_SUBJECT}\s(?P<v>was|were)\s(?:also\s|first\s|later\s|then\s)?(?P<p>[a-z]+)\b(?P<r>.*)$", re.S)
_PAST = re.compile(rf"^{_SUBJECT}\s(?P<v>[a-z]+)\b(?P<r>.*)$", re.S)
_BY = re.compile(
    rf"^{_SUBJECT}\s(?:was|were|is|are)\s(?P<p>[a-z]+)(?P<m>[^,.;]{{0,60}}?)\sby\s(?P<a>(?:the\s)?{_NAME})", re.S
)
_WHO = re.compile(rf"^(?P<s>{_NAME})\s?(?P<v>[a-z]+)\b(?P<r>.+)$", re.S)
_COUNT = re.compile(
    r"^(?P<s>.{3,80}?)\s(?P<v>has|have|had|contains?|includes?|consists of|holds?|takes?|comprises?|employs?|covers?)\s"
    r"(?:about\s|over\s|more than\s|at least\s|up to\s|nearly\s|only\s)?(?P<n>\d[\d,.]*|two|three|four|five|six|seven"
    r"|eight|nine|ten|twelve)\s(?P<u>(?!million|billion|percent)[a-z][a-z-]+(?:\s[a-z]+s)?)\b"
)
_DEFINITION = re.compile(
    r"^(?P<s>(?:(?:An?|The)\s)?[\w'’\"()/-]+(?:\s[\w'’\"()/-]+){0,5}?)\s(?P<v>is|are|was|were|means|refers to)\s"
    r"(?P<d>(?:an?|the|any|one of)\s[^.;]{12,})", re.S,
)  # fmt: skip
_BECAUSE = re.compile(r"^(?P<c>[^,;]{12,160}?),?\s(?:because|since|in order to|so that)\s(?P<w>.{8,})$", re.S)
_MODAL = re.compile(
    r"^(?P<s>[A-Z][\w'’ -]{1,60}?)\s(?P<m>must|should|may|can|cannot|must not|should not|may not|will)\s"
    r"(?P<r>[^.;]{8,160})"
)
_WHEN = re.compile(
    r"^(?P<m>.{12,140}?),?\s(?P<w>if|when|before|after|until|unless|while)\s(?P<c>[^,.;]{8,120})\.?$", re.S
)
_IF = re.compile(r"^(?P<w>If|When|Before|After|Once)\s(?P<c>[^,.;]{6,120}),\s(?P<m>[^.;]{8,}.*)$", re.S)
_VALUE = re.compile(
    r"(?<![\w.,])(?P<n>\d[\d.,]*(?:\s?(?:-|–|to)\s?\d[\d.,]*)?)\s?(?P<u>%|°\s?[CF]|[$€£]|[A-Za-zµ]+)(?![\w])"
)
_MONEY = re.compile(r"[$€£]\s?\d[\d.,]*(?:\s(?:million|billion))?")
_QUANTITIES: tuple[tuple[str, str], ...] = (
    ("nm", "What torque"), ("bar|psi|kpa|mbar", "What pressure"), ("v|volts?|kv", "How many volts"),
    ("amps?|ah", "How many amps"), ("°c|°f|degrees", "What temperature"), ("%|percent", "What percentage"),
    ("kg|g|lbs?|pounds|grams|tons?", "What weight"), ("people|persons|employees", "How many people"),
    ("mm|cm|m|km|inch(?:es)?|ft|feet|miles?|meters?|metres?|yards?|kilometers?", "What distance or size"),
    ("ml|l|lit(?:er|re)s?|gallons?|oz", "How much"),
    ("minutes?|hours?|days?|weeks?|months?|years?|seconds?|h|min", "How long"),
)  # fmt: skip


def statement_questions(section: Section, pieces: list[Piece], rng: random.Random) -> Iterator[MadeQuestion]:
    """At most one question for each sentence or list item that a rule recognises."""
    if language_of(section.text) != "en":
        return
    known = set(re.findall(r"\b[a-z][\w'’-]*", section.text))
    for piece in pieces:
        text = re.sub(r"^\s*(?:[-*•]|\(?\d{1,3}[.)])\s+", "", " ".join(piece.text.split()))
        text = re.sub(r"\[([^\]]*)\]\([^)]*\)|\*\*|\\", r"\1", text)
        if piece.kind in ("heading", "row") or len(text) > _MAX_CHARS or len(text.split()) < _MIN_WORDS:
            continue
        if is_field(piece.text) or text.endswith(("?", ":")):
            continue
        rules = list(_RULES)
        rng.shuffle(rules)
        for kind, rule in rules:
            question, answer = rule(text.rstrip("."), rng)
            if question and 4 <= len(question.split()) <= 28 and not _POINTS_ELSEWHERE.search(question):
                question = _small_first_word(question, text, known)
                yield made(section, kind, question[:1].upper() + question[1:], piece.start, piece.end, answer)
                break


def _small_first_word(question: str, text: str, known: Set[str]) -> str:
    """The sentence's first word inside the question: small, where the section has it small elsewhere."""
    first = text.split()[0]
    return question.replace(f" {first} ", f" {first.lower()} ") if first.lower() in known else question


Made = tuple[str, str]
_NONE: Made = ("", "")


def _date(text: str, rng: random.Random) -> Made:
    year = _YEAR.search(text)
    if year is None:
        return _NONE
    bare = (text[: year.start()] + text[year.end() :]).strip(" ,")
    opener = rng.choice(("When", "In what year", "In which year", "What year"))
    if (match := _BE.match(bare)) and _is_subject(match["s"]) and is_participle(match["p"]):
        return f"{opener} {match['v']} {_inside(match['s'])} {match['p']}{_clause(match['r'])}?", year[1]
    if (match := _PAST.match(bare)) and _is_subject(match["s"]) and (base := _did(match["v"])):
        return f"{opener} did {_inside(match['s'])} {base}{_clause(match['r'])}?", year[1]
    return _NONE


def _did(verb: str) -> str:
    """The base of a past form that "did" can carry; "had" may be part of another form."""
    return "" if verb == "had" else base_of_past(verb)


def _number(text: str, rng: random.Random) -> Made:
    match = _COUNT.match(text)
    if match is None or not _is_subject(match["s"]) or match["v"] == "consists of":
        return _NONE
    verb = {"has": "have", "had": "have", "consists of": "consist of"}.get(match["v"], match["v"].rstrip("s"))
    plural = match["v"] in ("have", "contain", "include", "hold", "take", "employ", "cover", "comprise")
    do = "did" if match["v"] == "had" else "do" if plural else "does"
    return f"How many {match['u']} {do} {_inside(match['s'])} {verb}?", match["n"]


def _person(text: str, rng: random.Random) -> Made:
    if (match := _BY.match(text)) and _is_subject(match["s"]) and is_participle(match["p"]):
        subject, agent = _inside(match["s"]), match["a"].strip()
        words = rng.choice(("By whom was {s} {p}{m}?", "Who was {s} {p}{m} by?", "Which person or group: {s} {p}{m}?"))
        return words.format(s=subject, p=match["p"], m=match["m"]), agent
    match = _WHO.match(text)
    if (
        match is None
        or match["s"].rstrip().endswith((" the", " of", "'s", "’s"))
        or not _is_subject(match["s"].strip())
    ):
        return _NONE
    first = match["s"].split()[0]
    if is_imperative(first) or first.casefold() in ("the", "a", "an"):
        return _NONE
    if match["v"] not in ("was", "is", "were", "are") and not base_of_past(match["v"]):
        return _NONE
    is_name = sum(word[:1].isupper() for word in match["s"].split()) > 1
    who = rng.choice(("Who", "Who", "Which person or group") if is_name else ("What", "Who or what"))
    return f"{who} {match['v']}{_clause(match['r'])}?", match["s"].strip()


def _value(text: str, rng: random.Random) -> Made:
    """ "Tighten the bolts with 45 Nm" -> "What torque: tighten the bolts?" in the words of a question."""
    first = text.split()[0]
    if _IF.match(text) or _is_like_a_row(text):
        return _NONE
    if money := _MONEY.search(text):
        rest = _clause(text[: money.start()].rstrip())
        return (f"How much money: {_inside(rest)}?", money.group()) if len(rest.split()) > 3 else _NONE
    for match in _VALUE.finditer(text):
        for units, asked in _QUANTITIES:
            if re.fullmatch(units, match["u"].replace(" ", "").casefold()):
                before = re.sub(r"\s(?:to|with|at|for|of|about|up to|is|by|in|than|least|most|over|within)$", "",
                                text[: match.start()].rstrip())  # fmt: skip
                if len(before.split()) < 4 or before.count("(") > before.count(")"):
                    continue
                if is_imperative(first):
                    words = rng.choice(("{q} when I {r}?", "{q} do I need to {r}?", "{q}: {r}?"))
                else:
                    words = rng.choice(("{q}: {r}?", "{r} ... {q2}?"))
                return words.format(q=asked, q2=asked.lower(), r=_inside(before)), match.group()
    return _NONE


def _is_like_a_row(text: str) -> bool:
    """Whether half of the words begin with a capital or a digit: a line of a table that lost its lines."""
    words = text.split()
    return 2 * sum(word[:1].isupper() or word[:1].isdigit() for word in words) >= len(words)


def _reason(text: str, rng: random.Random) -> Made:
    match = _BECAUSE.match(text)
    if match is None:
        return _NONE
    clause = match["c"]
    if is_imperative(clause.split()[0]) or clause.startswith(("Do not ", "Never ", "Don't ")):
        clause = re.sub(r"^(?:Do not|Don't|Never)", "not", clause)
        return f"Why should I {_inside(clause)}?", match["w"]
    if (modal := _MODAL.match(clause)) and _is_subject(modal["s"]):
        return f"Why {modal['m'].replace('cannot', 'can')} {_inside(modal['s'])} {modal['r']}?", match["w"]
    if (be := re.match(rf"^{_SUBJECT}\s(?P<v>is|are|was|were)\s(?P<r>.+)$", clause)) and _is_subject(be["s"]):
        return f"Why {be['v']} {_inside(be['s'])} {be['r']}?", match["w"]
    if (past := _PAST.match(clause)) and _is_subject(past["s"]) and (base := base_of_past(past["v"])):
        return f"Why did {_inside(past['s'])} {base}{_clause(past['r'])}?", match["w"]
    return _NONE


def _condition(text: str, rng: random.Random) -> Made:
    if match := _IF.match(text):
        words = rng.choice(
            ("What should I do {w} {c}?", "What happens {w} {c}?", "{w} {c}: what then?", "{c}, what now?")
        )
        return words.format(w=match["w"].lower(), c=match["c"]), match["m"]
    if (match := _WHEN.match(text)) and is_imperative(text.split()[0]):
        return f"When should I {_inside(match['m'])}?", f"{match['w']} {match['c']}"
    if (match := _MODAL.match(text)) and _can_ask(match):
        modal = match["m"].replace("cannot", "can").replace(" not", "")
        subject = {"you": "I", "we": "we"}.get(match["s"].casefold(), _inside(match["s"]))
        rest = re.sub(r"\byour\b", "my", re.sub(r"\byourself\b", "myself", match["r"]))
        return f"{modal} {subject} {rest}?", text
    return _NONE


def _can_ask(modal: re.Match[str]) -> bool:
    """Whether "You must X" can be turned round: one subject, nothing before it, and not too long to be asked."""
    is_short = len(modal["s"].split()) <= 5 and len(modal["r"].split()) <= 14
    return is_short and _is_subject(modal["s"], frozenset(("you", "we", "i"))) and not _FINITE.search(modal["s"])


def _definition(text: str, rng: random.Random) -> Made:
    match = _DEFINITION.match(text)
    if match is None or not _is_subject(match["s"]):
        return _NONE
    subject, plural = match["s"], match["v"] in ("are", "were")
    if rng.random() < 0.3 and not plural and match["v"] in ("is", "was"):
        return f"What {match['v']} {match['d'].rstrip('.')}?", subject
    be = "are" if plural else "is"
    words = rng.choice(
        ("What {b} {s}?", "What {b} {s}?", "What is meant by {s}?", "Explain {s}.", "What do you call {s}?")
    )
    return words.format(b=be, s=_inside(subject)), match["d"]


def _is_subject(subject: str, allowed: Set[str] = frozenset()) -> bool:
    """Whether the words can stand alone in a question: no pronoun that points elsewhere, no comma."""
    first = subject.split()[0].casefold()
    return (first not in _PRONOUNS or first in allowed) and len(subject) <= 80 and "," not in subject


def _inside(phrase: str) -> str:
    """A sentence's beginning inside another sentence: function words and verbs small."""
    first, blank, rest = phrase.partition(" ")
    is_plain = first.casefold() in _SMALL
    return f"{first.lower()}{blank}{rest}" if is_plain or is_imperative(first) else phrase


_SMALL_TEXT = """
    the a an in on at this all most many if when for to your
"""
_SMALL = frozenset(_SMALL_TEXT.split())


def _clause(rest: str) -> str:
    """The rest of a sentence up to its first comma or stop, so that a question stays short."""
    cut = re.split(r"[,;:(]|\s(?:and|but|which|who|where|while)\s", rest, maxsplit=1)[0].rstrip()
    return re.sub(r"\s(?:in|on|at|of|the|a|to|by|for|from|with|until|since)$", "", cut)


_RULES: tuple[tuple[str, Callable[[str, random.Random], Made]], ...] = (
    ("date", _date), ("number", _number), ("name", _person), ("value", _value), ("reason", _reason),
    ("condition", _condition), ("definition", _definition),
)  # fmt: skip
