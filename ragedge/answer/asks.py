"""What kind of answer a question asks for, by its question words; and whether a text could be of that kind.

English, German, French and Spanish; a question that shows none of the patterns is "any". Pure, rules only: a wrong
guess costs a few points of a score, never an answer.
"""

from __future__ import annotations

import re
from typing import Literal

Kind = Literal["how_to", "number", "time", "person", "place", "yes_no", "any"]


_QUANTITY = (
    "(?:share|percentage|percent|number|size|amount|distance|temperature|pressure|torque|price|cost|dose|ratio|weight"
    "|voltage|length|width|height|depth|speed|gap|deposit|discount|fee|clearance|thickness|diameter|capacity|volume|mass"
    "|limit|maximum|minimum|interval|rate)"
)
_VERB = "(?:did|do|does|is|are|was|were|will|would|can|could|may|must|shall|should|has|have|had)"
_AFTER = "(?:^|[.!?;:,] |(?:and|or|from|by|to|for|with|of) )"  # "the casualty who", "the pump when it" ask nothing


def _any_of(lines: str) -> re.Pattern[str]:
    """One pattern out of alternatives, one or more per line."""
    alternatives = "|".join(line.strip() for line in lines.strip().splitlines())
    for name, pattern in (("QUANTITY", _QUANTITY), ("VERB", _VERB), ("AFTER", _AFTER)):
        alternatives = alternatives.replace(name, pattern)
    return re.compile(rf"\b(?:{alternatives})\b")


_PATTERNS: tuple[tuple[Kind, re.Pattern[str]], ...] = (
    (
        "number",
        _any_of(
            r"""
            how (?:many|much|long|far|high|tall|deep|wide|big|large|heavy|old|often|fast|hot|cold|tight|thick|strong)
            how (?:steep|soon|thin|loud|few)
            at (?:which|what) (?:temperature|pressure|position|percentage|rate)
            (?:what|which) (?:code|line|form|position)
            (?:what|which) (?:(?:is|are|was|were) )?(?:the )?(?:[\w-]+ ){0,2}QUANTITY
            what (?:does|do|did) .{2,80} (?:cost|charge|weigh|measure)
            QUANTITY (?:of|for)
            wie ?viele?|wie (?:lange|weit|hoch|tief|breit|groß|schwer|alt|oft|schnell|warm|fest|teuer)
            combien|quel(?:le)? (?:est )?(?:la |le )?(?:nombre|quantité|taille|prix|pression|température)
            cuánt[oa]s?|qué (?:cantidad|tamaño|precio|presión|temperatura)
            """
        ),
    ),
    (
        "time",
        _any_of(
            """
            what time|(?:by|until|since|from) when
            AFTERwhen (?:exactly )?VERB
            (?:what|which) (?:year|date|day|month|century|time|weekday)
            wann|bis wann|seit wann|in welchem jahr|um wie ?viel uhr
            AFTERquand|depuis quand|en quelle année|à quelle heure|cuándo|en qué año|a qué hora
            """
        ),
    ),
    (
        "person",
        _any_of(
            """
            AFTER(?:who|whom|whose)|(?:which|what) (?:person|artist|author|man|woman|king|president)
            wer|wen|wem|wessen|AFTERqui|quién(?:es)?
            """
        ),
    ),
    (
        "place",
        _any_of(
            """
            AFTERwhere|(?:which|what) (?:country|city|town|place|room|state|church|location)
            AFTER(?:wo|où)|wohin|woher|d'où|dónde
            """
        ),
    ),
    (
        "how_to",
        _any_of(
            """
            how (?:do|can|should|shall|must|to|would|could|does one)
            what (?:should|do|must|can|shall) (?:i|we|you|one) do|(?:what|which) (?:are the )?(?:steps|procedure)
            wie (?:kann|muss|soll|wird|werden|geht|mache?|baut|stelle|prüfe|wechsle)|was (?:muss|soll|kann) ich tun
            comment|que (?:dois|faut)|cómo|qué (?:debo|hay que)
            """
        ),
    ),
    (
        "yes_no",
        re.compile(
            r"(?:^|[.!;:,] *)(?:is|are|was|were|do|does|did|can|could|may|must|should|will|would|has|have|had"
            r"|ist|sind|war|darf|kann|muss|soll|gibt|hat|haben|est-ce|peut-on|es|son|puede|hay)\b[^.!]*\?"
        ),
    ),
)

_NUMBER = re.compile(
    r"\d|\b(one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|dozen|hundred|thousand|million|half|twice|once"
    r"|zwei|drei|vier|fünf|sechs|sieben|acht|neun|zehn|deux|trois|quatre|cinq|sept|huit|neuf|dix|dos|tres|cuatro|cinco)\b",
    re.I,
)
_TIME = re.compile(
    r"\d|\b(january|february|march|april|may|june|july|august|september|october|november|december|monday|tuesday|wednesday"
    r"|thursday|friday|saturday|sunday|century|daily|weekly|monthly|noon|midnight|morning|evening|spring|summer|autumn"
    r"|winter|januar|februar|märz|mai|juni|juli|oktober|dezember|montag|dienstag|mittwoch|donnerstag|freitag|samstag"
    r"|sonntag|lundi|mardi|mercredi|jeudi|vendredi|samedi|dimanche|lunes|martes|miércoles|jueves|viernes|sábado)",
    re.I,
)
_NAME = re.compile(r"(?<=[a-zß-ÿ0-9,;:(|] )[A-ZÀ-Þ][\w'’-]+|^\W*[A-ZÀ-Þ][\w'’-]+ [A-ZÀ-Þ]")


def kind_of(question: str) -> Kind:
    """The first kind whose pattern the question shows."""
    folded = " ".join(question.casefold().split())
    return next((kind for kind, pattern in _PATTERNS if pattern.search(folded)), "any")


def could_answer(kind: Kind, text: str, asked: str) -> bool:
    """Whether `text` holds something of the kind; numbers and names that the question itself gives do not count."""
    if kind == "number":
        return any(match.group().casefold() not in asked.casefold() for match in re.finditer(r"\d[\d.,]*", text)) or (
            _NUMBER.search(re.sub(r"\d", "", text)) is not None
        )
    if kind == "time":
        return _TIME.search(text) is not None
    if kind in ("person", "place"):
        return any(match.group().casefold() not in asked.casefold() for match in _NAME.finditer(text))
    return True


def field_fits(kind: Kind, text: str, asked: str) -> float:
    """For a line "Name: value": 1 where the name is asked for, -1 where something else is; 0 for other texts."""
    match = _FIELD.match(text)
    if match is None or len(text) > _MAX_FIELD_CHARS:
        return 0.0
    name, question = match.group(1).casefold(), asked.casefold()
    if name in _NOT_FIELDS or name.count(" ") > 2:
        return 0.0
    if any(word in question for word in re.findall(r"[^\W\d_]{4,}", name)):
        return 1.0
    for pattern, names in _FIELD_NAMES:
        if pattern.search(question):
            return 1.0 if names.search(text.casefold()) else -1.0
    return -0.5 if kind in ("how_to", "yes_no") else -0.25


_FIELD = re.compile(r"\s*(?:[-*•]\s*)?(?:\*\*|__)?([^\W\d_][\w /()&'’-]{0,38}?)(?:\*\*|__)?\s?(?::|\|)(?:\*\*|__)?\s")
_MAX_FIELD_CHARS = 200  # a longer line is prose that starts with a label
_NOT_FIELDS = frozenset({"note", "caution", "warning", "tip", "important", "hinweis", "achtung", "warnung", "danger"})
_FIELD_NAMES: tuple[tuple[re.Pattern[str], re.Pattern[str]], ...] = tuple(
    (re.compile(rf"\b(?:{asked})\b"), re.compile(names))
    for asked, names in (
        (
            "how (?:tall|high|big|wide|long|large|deep|thick)|what size|wie (?:groß|hoch|lang|breit)",
            "dimension|size|height|width|length|depth|diameter|thick|maß|größe|höhe|länge|breite",
        ),
        ("how (?:heavy|much does .* weigh)|weigh|wie schwer", "weight|weigh|mass|gewicht|\\bkg\\b|grams"),
        ("how much|price|cost|was kostet|wie teuer|combien", "price|cost|fee|rate|charge|\\$|€|preis|kosten|prix"),
        ("made (?:of|from|out of)|material|aus was|woraus", "medium|material|technique"),
        ("when|what year|which year|what date|how old|wann", "date|year|period|time|hours|since|until|datum|jahr|zeit"),
        (
            "who (?:made|built|painted|wrote|carved|designed|created|drew)|which (?:artist|maker)|by whom",
            "creator|artist|maker|author|painter|manufacturer|designer|künstler|hersteller",
        ),
        (
            "who (?:gave|donated|owned|bought)|whose gift|donor",
            "credit|provenance|owner|donor|gift|acquired|geschenk",
        ),
        ("who|whom|wer|wen|wem|qui", "contact|name|owner|manager|responsible|person|creator|artist|maker|author"),
        (
            "where|which (?:room|city|town|place|country)|wo",
            "location|place|origin|room|address|site|ort|raum|standort",
        ),
    )
)
