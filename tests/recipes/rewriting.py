"""A source sentence to the same statement in other words: by rule, because no language model is at hand.

Each rule gives a sentence of unchanged meaning, or None where it has nothing to do. These are light rewrites of the
kind that a small model makes when it sums up a passage; a free paraphrase is not among them, and figures made with
them say nothing about one. The tables are the recipe's own: the product knows none of them.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable

Rule = Callable[[str, random.Random], str | None]

_ADVERBS_LIST = """
    actually also already certainly clearly currently easily especially essentially finally furthermore
    generally however indeed moreover namely naturally notably obviously often particularly please primarily
    quickly quite rather really relatively simply slightly specifically subsequently then therefore thus
    typically usually very widely
"""
_ADVERBS = _ADVERBS_LIST.split()
_LEAD = re.compile(
    r"(?P<lead>(?:In|On|At|During|After|Before|By|For|From|When|If|While|Although|Because|Since|Under|Once|Until) "
    r"[^,;:]{3,90})"
    r", (?P<rest>[^;:]{15,})$"
)
_TRAILING = re.compile(
    r"(.{40,}?),? \b(?:which|who|where|because|so that|as well as|and thus|such as|including)\b [^.]{10,}\.$"
)
_SHORT_FORMS = [
    ("do not", "don't"), ("does not", "doesn't"), ("did not", "didn't"), ("is not", "isn't"), ("are not", "aren't"),
    ("was not", "wasn't"), ("were not", "weren't"), ("cannot", "can't"), ("can not", "can't"), ("will not", "won't"),
    ("would not", "wouldn't"), ("should not", "shouldn't"), ("has not", "hasn't"), ("have not", "haven't"),
    ("had not", "hadn't"), ("could not", "couldn't"), ("it is", "it's"), ("you are", "you're"), ("they are", "they're"),
    ("we are", "we're"), ("you will", "you'll"), ("that is", "that's"), ("there is", "there's"), ("we have", "we've"),
]  # fmt: skip
_SYNONYMS_LIST = """
    begin=start began=started begins=starts big=large large=big huge=enormous help=assist helps=assists
    quick=fast rapid=fast fast=quick near=close kids=children area=region regions=areas areas=regions
    region=area buy=purchase purchase=buy show=demonstrate shows=demonstrates showed=demonstrated use=employ
    uses=employs method=approach important=essential essential=important many=numerous several=multiple
    various=different ensure=guarantee provide=supply provides=supplies provided=supplied obtain=get
    gets=obtains get=obtain keep=maintain construct=build build=construct built=constructed constructed=built
    created=made made=created main=principal major=main difficult=hard hard=difficult injured=hurt ill=sick
    sick=ill entire=whole whole=entire movie=film film=movie famous=well-known approximately=about roughly=about
    around=about besides=apart error=mistake choose=select select=choose chosen=selected selected=chosen
    required=needed needed=required require=need requires=needs need=require needs=requires people=persons
    complete=finish completed=finished finished=completed started=began ended=finished permit=allow allow=permit
    allows=permits allowed=permitted permitted=allowed try=attempt attempted=tried tried=attempted happen=occur
    occurs=happens occurred=happened happened=occurred happens=occurs located=situated situated=located
    purpose=aim goal=aim goals=aims result=outcome results=outcomes task=job job=task information=details
    contact=reach live=reside lived=resided dwelling=home wood=timber stone=rock rocks=stones
"""
_SYNONYMS = dict(pair.split("=") for pair in _SYNONYMS_LIST.split())
_UNIT_NAMES = [
    ("mm", "millimetres"), ("cm", "centimetres"), ("km", "kilometres"), ("kg", "kilograms"), ("ml", "millilitres"),
    ("m", "metres"), ("ft", "feet"), ("lb", "pounds"), ("mi", "miles"), ("%", "percent"), ("h", "hours"),
    ("min", "minutes"), ("l", "litres"), ("kW", "kilowatt"), ("Hz", "hertz"), ("V", "volts"),
]  # fmt: skip
_UNIT_VARIANTS = {
    "meters": "m", "meter": "m", "metres": "m", "metre": "m", "centimeters": "cm", "centimeter": "cm",
    "centimetres": "cm", "millimeters": "mm", "millimeter": "mm", "kilometers": "km", "kilometres": "km",
    "kilometer": "km", "kilograms": "kg", "kilogram": "kg", "liters": "l", "liter": "l", "litres": "l", "feet": "ft",
    "minutes": "min", "hours": "h", "percent": "%", "miles": "mi", "pounds": "lb", "inches": "in", "degrees": "°",
}  # fmt: skip
_COUNT_WORDS_LIST = """
    zero one two three four five six seven eight nine ten eleven twelve
"""
_COUNT_WORDS = _COUNT_WORDS_LIST.split()
_PREFIXES = (
    "The manual says that {}", "According to the documents, {}", "I found that {}", "The text states that {}",
    "As far as the passage says, {}", "Yes: {}",
)  # fmt: skip
_LOWERED_LIST = """
    the a an it he she they we you this that these those there in on at by for from with when if while as his
    her its their our your some many most each all both after before during although because since one no not do
    does use to however another other such many several once until under
"""
_LOWERED = set(_LOWERED_LIST.split())


def lower_first(text: str) -> str:
    """`text` to go on within a sentence; names keep their capital."""
    first = text.split(maxsplit=1)[0] if text else ""
    return text[:1].lower() + text[1:] if first.casefold().strip(",") in _LOWERED else text


def upper_first(text: str) -> str:
    return text[:1].upper() + text[1:]


def verbatim(text: str, rng: random.Random) -> str | None:
    return text


def fewer_words(text: str, rng: random.Random) -> str | None:
    """Without what stands in brackets and without adverbs that carry nothing."""
    short = re.sub(r"\s*\([^()]*\)", "", text)
    short = re.sub(rf",? \b(?:{'|'.join(_ADVERBS)})\b,?", "", short)
    return short if short != text and len(short) >= 0.6 * len(text) else None


def reordered(text: str, rng: random.Random) -> str | None:
    """ "When X, Y." as "Y when X."."""
    match = _LEAD.match(text.rstrip(" ."))
    if match is None or match["rest"].count(",") > 1:
        return None
    return f"{upper_first(match['rest'])} {lower_first(match['lead'])}."


def clause_dropped(text: str, rng: random.Random) -> str | None:
    """Without the clause at its end, where that only adds to what is said."""
    match = _TRAILING.match(text)
    return f"{match[1].rstrip(' ,')}." if match and not re.search(r"\b(?:not|no|never)\b", text) else None


def contracted(text: str, rng: random.Random) -> str | None:
    """Long forms short and short forms long."""
    for long, short in _SHORT_FORMS:
        for one, other in ((long, short), (short, long)):
            changed = re.sub(rf"\b{one}\b", other, text.replace("’", "'"), count=1)
            if changed != text.replace("’", "'"):
                return changed
    return None


def synonyms(text: str, rng: random.Random) -> str | None:
    """Up to three words exchanged."""
    found = [m for m in re.finditer(r"\b[a-z-]+\b", text) if m.group() in _SYNONYMS]
    for match in sorted(rng.sample(found, min(3, len(found))), key=lambda m: -m.start()):
        text = text[: match.start()] + _SYNONYMS[match.group()] + text[match.end() :]
    return text if found else None


def unit_names(text: str, rng: random.Random) -> str | None:
    """Units spelt out, or short."""
    for short, long in _UNIT_NAMES:
        changed = re.sub(rf"(\d) ?{re.escape(short)}(?![\w/²³])", rf"\1 {long}", text, count=1)
        if changed != text:
            return changed
    for long, short in _UNIT_VARIANTS.items():
        changed = re.sub(rf"(\d) {long}\b", rf"\1 {short}".replace(" %", "%").replace(" °", "°"), text, count=1)
        if changed != text and long != "degrees":
            return changed
    return None


def number_format(text: str, rng: random.Random) -> str | None:
    """1,000 as 1000, 12000 as 12,000, "five" as 5, 5 as "five"."""
    changed = re.sub(r"\b(\d{1,3}),(\d{3})\b(?![,.]\d)", r"\1\2", text, count=1)
    if changed == text:
        changed = re.sub(r"(?<![\w.,/-])(\d{2,3})(\d{3})(?![\w,/-])(?!\.\d)", r"\1,\2", text, count=1)
    if changed == text:
        words = "|".join(_COUNT_WORDS[2:])
        changed = re.sub(rf"\b({words})\b(?!-)", lambda m: str(_COUNT_WORDS.index(m.group())), text, count=1)
    if changed == text:
        changed = re.sub(
            r"(?<= )([2-9]|1[0-2])(?= [a-z]{3,})", lambda m: _COUNT_WORDS[int(m.group())], text, count=1
        )  # "5 days", not "5 %"
    return changed if changed != text else None


def prefixed(text: str, rng: random.Random) -> str | None:
    """After "The manual says that" and the like."""
    return rng.choice(_PREFIXES).format(lower_first(text))


def several(text: str, rng: random.Random) -> str | None:
    """Two or more of the others at once."""
    done = 0
    for rule in (fewer_words, reordered, contracted, synonyms, number_format, unit_names):
        changed = rule(text, rng)
        if changed is not None:
            text, done = changed, done + 1
    return prefixed(text, rng) if done >= 2 else None


def merged(text: str, following: str, rng: random.Random) -> str:
    """Two neighbouring sentences as one."""
    joint = rng.choice((", and ", "; ", ", while "))
    return f"{text.rstrip(' .!?;:')}{joint}{lower_first(following)}"


REWRITES: dict[str, Rule] = {
    "fewer words": fewer_words,
    "reordered": reordered,
    "clause dropped": clause_dropped,
    "contracted": contracted,
    "synonyms": synonyms,
    "unit names": unit_names,
    "number format": number_format,
    "prefixed": prefixed,
    "several": several,
}
"""All but `verbatim` and `merged`, which the measure handles apart."""
