"""A source sentence to a false one: one number, unit, name, date, word or "not" is changed on purpose.

Each alteration gives a sentence that its source no longer bears out, or None where there is nothing to change. The
table of opposites is the recipe's own and wider than the product's, so that the measure can tell apart what is in the
product's table from what is not.
"""

from __future__ import annotations

import itertools
import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ragedge.answer.stopwords import STOP_WORDS

_OPPOSITES_LIST = """
    open/closed opened/closed opening/closing open/close increase/decrease increases/decreases
    increased/decreased increasing/decreasing before/after left/right clockwise/counterclockwise minimum/maximum
    more/less more/fewer most/least above/below over/under up/down upper/lower upward/downward inside/outside
    inner/outer internal/external first/last early/late earlier/later high/low higher/lower highest/lowest
    hot/cold warm/cool warmer/cooler wet/dry large/small larger/smaller largest/smallest long/short
    longer/shorter longest/shortest fast/slow heavy/light strong/weak stronger/weaker positive/negative
    always/never all/none on/off north/south northern/southern east/west eastern/western front/back
    forward/backward start/stop begin/end began/ended beginning/end enable/disable enabled/disabled allow/forbid
    allowed/forbidden include/exclude includes/excludes including/excluding accept/reject accepted/rejected
    add/remove added/removed add/subtract push/pull raise/lower rise/fall rising/falling rose/fell gain/lose
    win/lose won/lost safe/dangerous safe/unsafe legal/illegal possible/impossible necessary/unnecessary
    success/failure successful/unsuccessful public/private married/divorced old/new older/newer young/old
    rich/poor full/empty good/bad better/worse best/worst easy/difficult simple/complex visible/invisible
    male/female men/women father/mother son/daughter brother/sister husband/wife king/queen day/night
    morning/evening summer/winter spring/autumn black/white light/dark hard/soft thick/thin wide/narrow
    deep/shallow near/far same/different similar/different agree/disagree agreed/disagreed approve/reject
    approved/rejected support/oppose supported/opposed majority/minority domestic/foreign urban/rural
    import/export imports/exports income/expense profit/loss permanent/temporary active/passive alive/dead
    living/dead birth/death born/died arrive/leave buy/sell bought/sold borrow/lend send/receive sent/received
    expand/contract attack/defend ally/enemy victory/defeat love/hate common/rare frequent/rare rarely/often
    often/seldom sharp/dull clean/dirty healthy/sick poisonous/edible horizontal/vertical parallel/perpendicular
    solid/liquid acid/base ancient/modern major/minor primary/secondary plants/animals humid/arid
    abundant/scarce voluntary/compulsory guilty/innocent natural/artificial sea/land water/fire gold/silver
    gas/liquid military/civilian church/state students/teachers knowledge/ignorance science/art brave/cowardly
    local/national local/global individual/collective rights/duties religious/secular direct/indirect
    theory/practice cause/effect causes/prevents raw/cooked fresh/salt fresh/stale tall/short loud/quiet
"""
OPPOSITES = tuple(tuple(pair.split("/")) for pair in _OPPOSITES_LIST.split())
_MONTHS_LIST = """
    January February March April May June July August September October November December
"""
_MONTHS = _MONTHS_LIST.split()
_DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
_UNITS = (
    ("mm", "cm", "m", "km"), ("millimeters", "centimeters", "meters", "kilometers"),
    ("inches", "feet", "yards", "miles"),
    ("grams", "kilograms", "tons"), ("g", "kg", "t"),
    ("seconds", "minutes", "hours", "days", "weeks", "months", "years"),
    ("liters", "gallons"), ("ounces", "pounds"), ("million", "billion", "trillion"), ("thousand", "million"),
    ("°C", "°F"), ("volts", "watts"), ("%", " dollars"), ("percent", "dollars"),
    ("hour", "day", "week", "month", "year"),
    ("foot", "meter", "mile"),
)  # fmt: skip
_AUXILIARY = r"is|are|was|were|can|could|may|might|must|should|will|would|does|did"
_COMMANDS_LIST = """
    Use Make Keep Place Put Build Remove Check Drink Eat Boil Select Cut Wear Apply Take Stay Look Add Go Send
    Set Wait Contact Submit Select Click Enter Wash Cover Move Try Choose Ensure Find Hold Avoid Tie Dig
"""
_COMMANDS = _COMMANDS_LIST.split()
_WORDS_OF_NUMBERS_LIST = """
    two three four five six seven eight nine ten eleven twelve
"""
_WORDS_OF_NUMBERS = _WORDS_OF_NUMBERS_LIST.split()
_NAME = re.compile(r"(?<=[a-z,;'”\"’)] )(?:[A-Z][a-z]{2,}(?:-[A-Z][a-z]+)?)(?: [A-Z][a-z]{2,})*")
_DIGITS = re.compile(r"(?<![\w.,-])(\d+(?:[.,]\d+)*)(?![\w-])")
_CODE = re.compile(r"\b(?=\w*[A-Z])(?=[\w-]*\d)[A-Z0-9]+(?:-[A-Z0-9]+)*\b")


@dataclass(frozen=True)
class Around:
    """What an alteration can draw from: names, numbers and words of the passages found, and names from elsewhere."""

    names_here: Sequence[str]
    names_elsewhere: Sequence[str]
    numbers_here: Sequence[str]
    words_here: Sequence[str] = ()


Alteration = Callable[[str, Around, random.Random], str | None]


def names_of(text: str) -> list[str]:
    """Capitalised names within sentences, in order, each once; months and weekdays left out."""
    found = (match.group() for match in _NAME.finditer(text))
    known = {*_MONTHS, *_DAYS}
    return [name for name in dict.fromkeys(found) if name not in known and name.casefold() not in STOP_WORDS]


def words_of(text: str) -> list[str]:
    """Lower-case words of meaning, each once; adverbs left out, because they hardly change a sentence."""
    words = (w for w in re.findall(r"\b[a-z]{5,}\b", text) if w not in STOP_WORDS and not w.endswith("ly"))
    return list(dict.fromkeys(words))


def numbers_of(text: str) -> list[str]:
    return list(dict.fromkeys(match.group(1) for match in _DIGITS.finditer(text)))


def _replaced(text: str, match: re.Match[str], new: str, group: int = 0) -> str:
    return text[: match.start(group)] + new + text[match.end(group) :]


def number_changed(text: str, around: Around, rng: random.Random) -> str | None:
    """One number is another one, in the same form."""
    found = list(_DIGITS.finditer(text))
    if not found:
        words = list(re.finditer(rf"\b({'|'.join(_WORDS_OF_NUMBERS)})\b", text))
        if not words:
            return None
        match = rng.choice(words)
        return _replaced(text, match, rng.choice([w for w in _WORDS_OF_NUMBERS if w != match.group()]))
    match = rng.choice(found)
    digits = match.group(1)
    places = [i for i, c in enumerate(digits) if c.isdigit()]
    at = places[-1] if len(places) < 3 else rng.choice(places[1:])
    new = rng.choice([d for d in "123456789" if d != digits[at]])
    return _replaced(text, match, digits[:at] + new + digits[at + 1 :], 1)


def number_of_passages(text: str, around: Around, rng: random.Random) -> str | None:
    """One number is another one that the passages hold elsewhere."""
    found = list(_DIGITS.finditer(text))
    others = [n for n in around.numbers_here if n not in numbers_of(text)]
    if not found or not others:
        return None
    match = rng.choice(found)
    alike = [n for n in others if len(n) == len(match.group(1))] or others
    return _replaced(text, match, rng.choice(alike), 1)


def unit_changed(text: str, around: Around, rng: random.Random) -> str | None:
    for match in re.finditer(r"(?:\d|\b(?:two|three|four|five|six|ten)\b)[ -]?(°[CF]|%|[A-Za-z]+)", text):
        for group in _UNITS:
            if match.group(1) in group:
                others = [unit for unit in group if unit.strip() != match.group(1)]
                return _replaced(text, match, rng.choice(others), 1)
    return None


def not_added(text: str, around: Around, rng: random.Random) -> str | None:
    if re.search(r"\b(?:not|never|no|none|cannot|neither|nor|without)\b|n['’]t\b", text, re.I):
        return None
    match = re.search(rf"\b(?:{_AUXILIARY})\b", text)
    if match is not None:
        return f"{text[: match.end()]} not{text[match.end() :]}"
    first = text.split(maxsplit=1)[0]
    if first in _COMMANDS:
        return f"{rng.choice(('Never', 'Do not'))} {text[0].lower()}{text[1:]}"
    return None


def not_removed(text: str, around: Around, rng: random.Random) -> str | None:
    for pattern, new in (
        (r"\b[Dd]o(?:es)? not (?=[a-z])", ""), (rf"\b({_AUXILIARY}|has|have|had) not\b", r"\1"), (r"\bcannot\b", "can"),
        (rf"\b({_AUXILIARY}|has|have|had|do)n['’]t\b", r"\1"),
        (r"\bnever\b", "always"), (r"\bNever (\w)", r"Always \1"),
        (r"\bwithout\b", "with"), (r"\b[Dd]on['’]t (?=[a-z])", ""), (r"\bno (?=[a-z])", "some "),
    ):  # fmt: skip
        changed = re.sub(pattern, new, text, count=1)
        if changed != text:
            return changed[:1].upper() + changed[1:]
    return None


def opposite_word(text: str, around: Around, rng: random.Random) -> str | None:
    found = []
    for one, other in OPPOSITES:
        for here, there in ((one, other), (other, one)):
            found += [(m, there) for m in re.finditer(rf"\b{here}\b", text)]
    if not found:
        return None
    match, there = rng.choice(found)
    return _replaced(text, match, there)


def name_of_passages(text: str, around: Around, rng: random.Random) -> str | None:
    return _other_name(text, around.names_here, rng)


def name_from_elsewhere(text: str, around: Around, rng: random.Random) -> str | None:
    return _other_name(text, around.names_elsewhere, rng)


def _other_name(text: str, names: Sequence[str], rng: random.Random) -> str | None:
    found = [m for m in _NAME.finditer(text) if m.group() in names_of(text)]
    words = set(re.findall(r"\w+", text))
    others = [name for name in names if not words & set(name.split())]
    if not found or not others:
        return None
    return _replaced(text, rng.choice(found), rng.choice(others))


def names_exchanged(text: str, around: Around, rng: random.Random) -> str | None:
    """Two names of the sentence in each other's place, with a word of meaning between them (a list stays true)."""
    found = [m for m in _NAME.finditer(text) if m.group() in names_of(text)]
    pairs = [
        (a, b)
        for a, b in itertools.pairwise(found)
        if not set(a.group().split()) & set(b.group().split())
        and re.search(r"\b(?!and\b|with\b|the\b|also\b|than\b|both\b|between\b)[a-z]{4,}\b", text[a.end() : b.start()])
    ]
    if not pairs:
        return None
    a, b = rng.choice(pairs)
    return text[: a.start()] + b.group() + text[a.end() : b.start()] + a.group() + text[b.end() :]


def another_word(text: str, around: Around, rng: random.Random) -> str | None:
    """A lower-case word of meaning is another one of the passages, alike in its ending."""
    found = [m for m in re.finditer(r"(?<=[a-z] )[a-z]{5,}(?= [a-z])", text) if m.group() in around.words_here]
    if not found:
        return None
    match = rng.choice(found)
    mine = match.group()
    others = [w for w in around.words_here if w[-2:] == mine[-2:] and w[:3] != mine[:3] and w not in text]
    return _replaced(text, match, rng.choice(others)) if others else None


def date_changed(text: str, around: Around, rng: random.Random) -> str | None:
    match = re.search(rf"\b({'|'.join(_MONTHS + _DAYS)})\b", text)
    if match is None:
        return None
    table = _MONTHS if match.group() in _MONTHS else _DAYS
    return _replaced(text, match, rng.choice([name for name in table if name != match.group()]))


def code_changed(text: str, around: Around, rng: random.Random) -> str | None:
    found = [m for m in _CODE.finditer(text) if len(m.group()) > 2]
    if not found:
        return None
    match = rng.choice(found)
    code = match.group()
    at = max(i for i, c in enumerate(code) if c.isdigit())
    return _replaced(text, match, code[:at] + rng.choice([d for d in "123456789" if d != code[at]]) + code[at + 1 :])


ALTERATIONS: dict[str, Alteration] = {
    "number changed": number_changed,
    "number of the passages": number_of_passages,
    "unit changed": unit_changed,
    "negation added": not_added,
    "negation removed": not_removed,
    "opposite word": opposite_word,
    "name of the passages": name_of_passages,
    "name from elsewhere": name_from_elsewhere,
    "names exchanged": names_exchanged,
    "another word": another_word,
    "month or weekday": date_changed,
    "code changed": code_changed,
}
