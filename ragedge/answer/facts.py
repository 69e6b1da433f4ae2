"""Numbers, units, codes and negations of a text, in a form in which an answer can be held against its source.

"1,000", "1 000" and "1000" are one number, "12,5" and "12.5", "2 million" and "2,000,000" too; "1.250" and "1,250"
are not, because one of them may be one and a quarter. A unit belongs to the number before it. Everything that is not
certainly the same counts as different: a figure that cannot be found again in the source is worse than none. Pure;
knows no hit and no page.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

_UNIT_NAMES = """
mm millimetre millimeter|cm centimetre centimeter zentimeter|m metre meter mètre metro|km kilometre kilometer
kilomètre kilómetro|in inch inche zoll pouce pulgada|ft foot feet fuß|mi mile|g gram gramme gramm gramo|kg kilo
kilogram kilogramm kilogramme kilogramo|mg milligram milligramm|t tonne tonelada|lb lbs pound|oz ounce|l litre liter
litro|ml millilitre milliliter|cl|dl|gal gallon|bar|mbar|psi|pa|kpa|mpa|v volt voltio|kv|mv|a amp ampere ampère
amperio|ma|ah|mah|w watt vatio|kw kilowatt|mw|kwh|wh|va|hz hertz|khz|mhz|ghz|ohm ω|nm n·m|ncm|rpm u/min min-1 upm
tr/min|°c|°f|°|% percent prozent pour-cent porcentaje|‰|ppm|s sec second sekunde sekunden seconde segundo|ms|min
minute minuten minuto|h hr hour stunde stunden heure hora|d day tag tage tagen jour día|week woche wochen semaine
semana|month monat monate monaten mois mes meses|year jahr jahre jahren an année ans año|€ eur euro|$ usd dollar|£
gbp pound sterling|chf franken|m2|m3|cm2|cm3|mm2|km/h|l/min|l/h|m/s|m3/h|mg/l|g/l|kg/m3|db|lm|lx|gb|mb|tb|kb
""".replace("\n", " ")
UNITS = {alias: group.split()[0] for group in _UNIT_NAMES.split("|") for alias in group.split()}
_NUMBER_WORDS = """
2 two zwei deux dos|3 three drei trois tres|4 four vier quatre cuatro|5 five fünf cinq cinco|6 six sechs seis|7
seven sieben siete|8 eight acht huit ocho|9 nine neun nueve|10 ten zehn dix diez|11 eleven elf onze|12 twelve zwölf
douze doce
""".replace("\n", " ")
NUMBER_WORDS = {word.casefold(): group.split()[0] for group in _NUMBER_WORDS.split("|") for word in group.split()[1:]}
_NEGATION = re.compile(
    r"\b(?:not|never|none|neither|nor|without|cannot|nothing|nobody|no(?!\.? ?\d|\.\w)|nicht|nichts|kein\w{0,2}|nie|"
    r"niemals|ohne|weder|pas|jamais|sans|aucune?|nunca|jamás|sin|ningún|ninguna?|tampoco)\b|n't\b"
)
SCALES = {
    name: power
    for power, names in (
        (3, "thousand tausend mille mil k"),
        (6, "million millions millionen mio millón millones mn"),
        (9, "billion billions bn milliarde milliarden mrd milliard milliards"),
        (12, "trillion trillions tn billionen"),
    )
    for name in names.split()
}
_SCALE_AFTER = re.compile(rf"[ -]?({'|'.join(sorted(SCALES, key=len, reverse=True))})\b\.?")
_DASHES = str.maketrans(dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2212", "-") | {"’": "'"})
_NUMBER = r"\d+(?:[.,']\d+)*"
_TOKEN = re.compile(rf"(?<![\w.,])-?{_NUMBER}(?![\w'])(?![-/:.,]\w)|[^\W_]+(?:[-./:,'_+][^\W_]+)*")
_SPACED = re.compile(r"(?<![\w.,-])\d{1,3}(?: \d{3})+(?![\w]|[.,]?\d)")
_UNIT_AFTER = re.compile(r" ?(%|‰|° ?[cf]?\b|[€$£]|[^\W\d_·]+[23]?(?:[/·][^\W\d_]+[23]?)?)")
_UNIT_BEFORE = re.compile(r"([€$£]|\b(?:eur|usd|gbp|chf)) ?$")
_ATTACHED = re.compile(rf"(-?{_NUMBER})([^\W\d_]+[23]?)")
_ORDINAL = re.compile(r"(\d+)(?:st|nd|rd|th|er|re|e|ème|º|ª|te|ten|ter)")


@dataclass(frozen=True, slots=True)
class Number:
    """A number's `value` with a decimal point, what it was grouped by where that is ambiguous, and its unit."""

    value: str
    grouped_by: str = ""
    unit: str = ""

    def is_same(self, other: Number) -> bool:
        """Whether both are surely one number, units aside."""
        clash = self.grouped_by and other.grouped_by and self.grouped_by != other.grouped_by
        return self.value == other.value and not clash


@dataclass(frozen=True, slots=True)
class Facts:
    """What a text pins down; `codes` are tokens of letters and digits without their joints, `units` all it names."""

    numbers: tuple[Number, ...]
    codes: frozenset[str]
    units: frozenset[str]
    is_negative: bool

    def __add__(self, other: Facts) -> Facts:
        return Facts(
            self.numbers + other.numbers,
            self.codes | other.codes,
            self.units | other.units,
            self.is_negative or other.is_negative,
        )


def normal(text: str) -> str:
    """`text` in NFKC, case-folded, with plain hyphens and single blanks: the form in which texts are compared."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().translate(_DASHES).split())


def facts_of(text: str) -> Facts:
    """The facts of `text`; of a source, all readings of it (a range's ends, a grouped number and its groups)."""
    plain = normal(text)
    numbers: list[Number] = []
    codes: set[str] = set()
    units: set[str] = set()
    for match in _SPACED.finditer(plain):
        numbers.append(Number(match.group().replace(" ", ""), unit=_unit_at(plain, match.start(), match.end())))
    for match in _TOKEN.finditer(plain):
        token = match.group()
        scale = _SCALE_AFTER.match(plain, match.end())
        unit = _unit_at(plain, match.start(), scale.end() if scale else match.end())
        if scale and (number := _scaled(token, SCALES[scale.group(1)], unit)) is not None:
            numbers.append(number)
        elif not any(c.isdigit() for c in token):
            if token in NUMBER_WORDS:
                numbers.append(Number(NUMBER_WORDS[token], unit=unit))
            units.update(name for part in _names(token) if (name := UNITS.get(part)))
        elif not any(c.isalpha() for c in token):
            numbers.extend(_numbers(token, unit))
            codes.add(_squeezed(token))
            codes.update(_squeezed(time) for time in re.findall(r"(?<!\d)\d{1,2}:\d\d(?!\d)", token))
        elif ordinal := _ORDINAL.fullmatch(token):
            numbers.append(Number(_plain(ordinal.group(1))))
        elif (attached := _ATTACHED.fullmatch(token)) and attached.group(2) in UNITS:
            numbers.append(_number(attached.group(1), UNITS[attached.group(2)]))
        else:
            codes.add(_squeezed(token))
    units.update(number.unit for number in numbers if number.unit)
    return Facts(tuple(numbers), frozenset(codes), frozenset(units), _NEGATION.search(plain) is not None)


def claims_of(text: str) -> tuple[tuple[Number, ...], frozenset[str]]:
    """The numbers and codes that a source of `text` must have: of readings that exclude each other, one."""
    plain = normal(text)
    grouped = [match.group() for match in _SPACED.finditer(plain)]
    for group in grouped:
        plain = plain.replace(group, group.replace(" ", ""))
    found = facts_of(plain)
    times = frozenset(_squeezed(m.group()) for m in re.finditer(r"(?<![\w:])\d{1,2}:\d\d(?![\w:])", plain))
    numeric = frozenset(code for code in found.codes if code.isdigit())
    return found.numbers, (found.codes - numeric) | times


def _numbers(token: str, unit: str) -> list[Number]:
    """A token of digits: one number, or the parts of a range, a fraction, a date; the unit goes with the last."""
    if re.fullmatch(rf"-?{_NUMBER}", token):
        return [_number(token, unit)]
    parts = [part for part in re.split(r"[-/:+_]", token) if part]
    return [_number(part, unit if part is parts[-1] else "") for part in parts]


def _number(token: str, unit: str) -> Number:
    sign, digits = ("-", token[1:]) if token.startswith("-") else ("", token)
    digits = digits.replace("'", "")
    marks = [c for c in digits if c in ".,"]
    if not marks:
        return Number(sign + _plain(digits), unit=unit)
    groups = re.split(r"[.,]", digits)
    if len(set(marks)) == 2 and marks.count(marks[-1]) == 1:  # "1,234.5": the last mark is the decimal one
        return Number(sign + _decimal("".join(groups[:-1]), groups[-1]), unit=unit)
    is_grouped = not digits.startswith("0") and len(groups[0]) <= 3 and all(len(group) == 3 for group in groups[1:])
    if len(set(marks)) == 1 and is_grouped:
        return Number(sign + _plain("".join(groups)), marks[0] if len(marks) == 1 else "", unit)
    if len(marks) == 1:
        return Number(sign + _decimal(groups[0], groups[1]), unit=unit)
    return Number(sign + digits, unit=unit)  # "10.5.2024", "1.2.3": only itself


def _scaled(token: str, power: int, unit: str) -> Number | None:
    """ "1.5" million as 1500000; None for a token that is no number."""
    token = NUMBER_WORDS.get(token, "1" if token in ("one", "a", "ein", "eine", "un", "une", "una") else token)
    if not re.fullmatch(rf"-?{_NUMBER}", token):
        return None
    number = _number(token, unit)
    whole, _, fraction = number.value.partition(".")
    if not re.fullmatch(r"-?\d+", whole) or len(fraction) > power:
        return None
    sign, digits = ("-", whole[1:]) if whole.startswith("-") else ("", whole)
    return Number(sign + _plain(digits + fraction.ljust(power, "0")), number.grouped_by, unit)


def _plain(digits: str) -> str:
    return digits.lstrip("0") or "0"


def _decimal(whole: str, fraction: str) -> str:
    fraction = fraction.rstrip("0")
    return f"{_plain(whole)}.{fraction}" if fraction else _plain(whole)


def _squeezed(token: str) -> str:
    return re.sub(r"[^\w]|_", "", token)


def _names(token: str) -> tuple[str, ...]:
    """A word as it may stand in the table of units: itself and without a plural's s."""
    return (token, token[:-1]) if len(token) > 3 and token.endswith("s") else (token,)


def _unit_at(plain: str, start: int, end: int) -> str:
    """The unit right after or (for money) right before the number at `[start, end)`; "" for none."""
    if after := _UNIT_AFTER.match(plain, end):
        for name in _names(after.group(1).replace(" ", "")):
            if name in UNITS:
                return UNITS[name]
    before = _UNIT_BEFORE.search(plain, max(0, start - 5), start)
    return UNITS[before.group(1)] if before else ""
