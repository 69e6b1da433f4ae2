"""Questions from records: lines "Name: value" under a title, as on the page of an object, a product, a person.

For common fields the questions are as people put them ("Who made X?"), for the others "What is the NAME of X?", in
English, German, French and Spanish. Knows only sections.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator

from ragedge.calibration.sections import MadeQuestion, Piece, Section, language_of, made
from ragedge.calibration.wording import lowered

FIELD = re.compile(
    r"\s*(?:[-*•]\s*)?(?:\*\*|__)?([^\W\d_][\w /()&'’-]{0,38}?)(?:\*\*|__)?\s?:(?:\*\*|__)?\s+(\S.*?)\s*\Z", re.S
)
_NOT_FIELDS_TEXT = """
    note caution warning tip important hinweis achtung warnung danger example remember attention remarque nota
"""
_NOT_FIELDS = frozenset(_NOT_FIELDS_TEXT.split())
_MAX_VALUE_CHARS = 400
_MAX_SUBJECT_CHARS = 120

# Field name (pattern over its folded form) -> ways to ask for it; {t} is what the record is about.
_ASKED: tuple[tuple[str, tuple[str, ...]], ...] = (
    (r"creator|artist|maker|painter|sculptor|author", (
        "Who made {t}?", "Who created {t}?", "Which artist is behind {t}?", "Whose work is {t}?", "By whom is {t}?",
        "Who is the maker of {t}?", "{t}: who did that?",
    )),
    (r"manufacturer|producer|brand|supplier", (
        "Which company makes {t}?", "Who manufactures {t}?", "Who supplies {t}?", "From which firm is {t}?",
    )),
    (r"date acquired|acquisition|accession|acquired|credit line|credit|donor|gift", (
        "How did {t} get into the collection?", "Who gave {t}?", "When was {t} acquired?", "Where did {t} come from?",
        "Whose gift was {t}?",
    )),
    (r"provenance|previous owner|former owner|owner", (
        "Who owned {t}?", "Who had {t} before?", "To whom did {t} belong?", "What is known about the owners of {t}?",
    )),
    (r"date|year|period|created on|made in|built", (
        "When was {t} made?", "From what year is {t}?", "How old is {t}?", "What is the date of {t}?",
        "In which century was {t} made?",
    )),
    (r"medium|material|materials|technique", (
        "What is {t} made of?", "Which material was used for {t}?", "What is the medium of {t}?",
        "Out of what is {t}?",
    )),
    (r"dimensions?|size|measurements?|height|width|length", (
        "How big is {t}?", "How large is {t}?", "What size is {t}?", "What are the measurements of {t}?",
        "How tall is {t}?",
    )),
    (r"price|cost|fee|rate|charge", (
        "How much is {t}?", "What does {t} cost?", "What do I pay for {t}?", "How expensive is {t}?",
    )),
    (r"phone|telephone|tel|mobile|hotline|fax", (
        "What is the phone number of {t}?", "Which number do I call for {t}?", "How can I phone {t}?",
    )),
    (r"e-?mail|contact|website|url", (
        "How do I reach {t}?", "Who is the contact for {t}?", "Whom do I write to about {t}?",
        "What is the contact address for {t}?",
    )),
    (r"hours|opening hours|opening times|open", (
        "When is {t} open?", "What are the opening hours of {t}?", "Until when is {t} open?",
    )),
    (r"weight|mass", ("How heavy is {t}?", "What does {t} weigh?", "How much does {t} weigh?")),
    (r"voltage|supply voltage|mains", ("Which voltage does {t} need?", "How many volts does {t} take?")),
    (r"power|wattage|consumption", ("How much power does {t} draw?", "How many watts does {t} need?")),
    (r"torque|tightening torque", ("What torque for {t}?", "How tight must {t} be?", "How many Nm for {t}?")),
    (r"pressure", ("What pressure does {t} have?", "At how many bar does {t} run?")),
    (r"temperature", ("How hot may {t} get?", "Which temperature applies to {t}?")),
    (r"capacity|volume", ("How much fits into {t}?", "What is the capacity of {t}?")),
    (r"location|place|room|address|site|gallery", (
        "Where is {t}?", "Where can I find {t}?", "In which room is {t}?", "Where is {t} kept?",
    )),
    (r"origin|culture|country|geography", ("Where is {t} from?", "From which country or culture is {t}?")),
    (r"inventory number|accession number|object number|item number|part number|part no|article|sku|number|id|code", (
        "What is the number of {t}?", "Under which number is {t} listed?", "What is the {f} of {t}?",
    )),
    (r"inscriptions?|signature|marks?", (
        "What is written on {t}?", "Is {t} signed?", "Which inscription does {t} bear?",
    )),
    (r"object type|type|classification|category|class", ("What kind of thing is {t}?", "What type is {t}?")),
    (r"deadline|due|due date|expires|valid until", ("By when is {t} due?", "What is the deadline for {t}?")),
    (r"responsible|manager|policy owner|lead|head|director|in charge", (
        "Who is responsible for {t}?", "Who is in charge of {t}?", "Who leads {t}?",
    )),
    (r"interval|frequency|every", ("How often is {t} done?", "At what interval is {t} due?")),
)  # fmt: skip
_COMPILED = tuple((re.compile(rf"(?:{names})"), asked) for names, asked in _ASKED)
_GENERAL = {
    "en": ("What is the {f} of {t}?", "{t}: what is the {f}?", "Which {f} does {t} have?", "{t} {f}", "{f} of {t}?"),
    "de": ("Was ist {f} von {t}?", "{f} von {t}?", "Was steht bei {t} unter {f}?", "Welche Angabe zu {f} hat {t}?"),
    "fr": ("Quel est {f} de {t} ?", "{f} de {t} ?", "Que dit {t} sur : {f} ?"),
    "es": ("¿Cuál es {f} de {t}?", "¿{f} de {t}?", "¿Qué dice {t} sobre {f}?"),
}


def is_field(text: str) -> re.Match[str] | None:
    """The name and value of a line "Name: value", or None."""
    match = FIELD.match(text)
    if match is None or len(match[2]) > _MAX_VALUE_CHARS:
        return None
    name = match[1].casefold()
    is_name = (
        name not in _NOT_FIELDS
        and not name.startswith(("and ", "or ", "but "))
        and name.count(" ") <= 3
        and not match[2].startswith("//")
    )
    return match if is_name else None


def pairs_of(text: str) -> list[tuple[str, str]]:
    """The fields of a line "Name: value; Name: value; ..", as rows of sheets are read; [] for any other line."""
    parts = [is_field(part) for part in text.split("; ")]
    found = [(part[1].strip(), part[2].strip()) for part in parts if part is not None]
    return found if len(found) >= 3 and len(found) == len(parts) else []


def record_questions(section: Section, pieces: list[Piece], rng: random.Random) -> Iterator[MadeQuestion]:
    """One question for each field of the section."""
    subject = section.subject.strip()
    if not subject or len(subject) > _MAX_SUBJECT_CHARS:
        return
    language = language_of(section.text)
    for piece in pieces:
        match = is_field(piece.text) if piece.kind != "heading" else None
        if match is None or pairs_of(piece.text):
            continue
        name, value = match[1].strip(), " ".join(match[2].split())
        question = rng.choice(ways_to_ask(name, language)).format(t=_named(subject, rng), f=_field(name, language))
        yield made(section, "record", question, piece.start, piece.end, value)


def ways_to_ask(name: str, language: str) -> tuple[str, ...]:
    """Templates with {t} and {f} for a field of this name; a known field is asked for as people do, mostly."""
    folded = name.casefold()
    if language == "en":
        for pattern, asked in _COMPILED:
            if pattern.fullmatch(folded):
                return (*asked, _GENERAL["en"][0])
    return _GENERAL[language]


def _field(name: str, language: str) -> str:
    return name if language == "de" else lowered(name)


def _named(subject: str, rng: random.Random) -> str:
    """The subject as people say it: often without what stands after a comma or in brackets, or with an article."""
    short = re.split(r"\s*[,(:;]\s", subject)[0]
    name = short if len(short) > 8 and rng.random() < 0.4 else subject
    return name.strip("\"'“”")
