"""Words that say the opposite of one another, and the names of months and weekdays.

For telling whether a sentence turns its source round: "open" for "closed", "before" for "after", "May" for "March". The
tables hold what manuals, rules and reports turn on, in English with the commonest German, French and Spanish pairs; a
pair that is not in them is not noticed. Pure; knows no sentence and no source.
"""

from __future__ import annotations

from collections.abc import Mapping

_PAIRS = """
    open/close opened/closed open/closed open/shut increase/decrease increase/reduce grow/shrink before/after
    left/right clockwise/counterclockwise clockwise/anticlockwise minimum/maximum min/max minimal/maximal
    least/most more/less more/fewer above/below over/under up/down upper/lower upward/downward upwards/downwards
    inside/outside inner/outer internal/external interior/exterior inlet/outlet input/output first/last early/late
    earlier/later earliest/latest high/low higher/lower highest/lowest hot/cold warm/cool warmer/cooler
    warmer/colder wet/dry large/small larger/smaller largest/smallest big/small long/short longer/shorter
    longest/shortest fast/slow faster/slower quickly/slowly heavy/light heavier/lighter strong/weak
    stronger/weaker strongest/weakest positive/negative positively/negatively always/never all/none
    everyone/nobody everything/nothing on/off in/out with/without north/south northern/southern east/west
    eastern/western northeast/southwest northwest/southeast front/rear front/back forward/backward
    forwards/backwards start/stop start/end start/finish begin/end began/ended begun/ended beginning/end
    enable/disable allow/forbid allow/prohibit permit/forbid permit/prohibit allowed/forbidden include/exclude
    included/excluded accept/reject add/remove add/subtract insert/remove attach/detach connect/disconnect
    mount/dismount assemble/disassemble install/uninstall lock/unlock load/unload fill/empty fill/drain
    tighten/loosen tight/loose push/pull raise/lower rise/fall rose/fell risen/fallen gain/lose win/lose won/lost
    safe/dangerous safe/unsafe safely/dangerously legal/illegal possible/impossible necessary/unnecessary
    required/optional mandatory/optional success/failure succeed/fail successful/unsuccessful public/private
    old/new older/newer oldest/newest young/old younger/older rich/poor richer/poorer full/empty good/bad
    better/worse best/worst easy/difficult easy/hard easier/harder simple/complex simple/complicated
    visible/invisible male/female man/woman men/women boy/girl father/mother son/daughter brother/sister
    husband/wife uncle/aunt king/queen prince/princess day/night morning/evening daytime/nighttime summer/winter
    spring/autumn spring/fall black/white light/dark bright/dark hard/soft thick/thin thicker/thinner wide/narrow
    wider/narrower deep/shallow deeper/shallower near/far nearest/farthest same/different similar/different
    equal/unequal agree/disagree approve/reject approved/rejected support/oppose majority/minority
    domestic/foreign urban/rural import/export income/expense profit/loss credit/debit debit/credit
    permanent/temporary active/inactive active/passive alive/dead living/dead life/death birth/death born/died
    arrive/leave arrive/depart arrival/departure enter/leave enter/exit buy/sell bought/sold purchase/sell
    borrow/lend send/receive sent/received give/take gave/took expand/contract expand/shrink attack/defend
    ally/enemy victory/defeat love/hate common/rare frequent/rare frequently/rarely often/rarely often/seldom
    sharp/dull sharp/blunt clean/dirty healthy/sick poisonous/edible toxic/harmless toxic/nontoxic
    horizontal/vertical parallel/perpendicular solid/liquid acid/base acidic/alkaline ancient/modern major/minor
    primary/secondary true/false right/wrong correct/incorrect correct/wrong valid/invalid present/absent
    presence/absence top/bottom head/tail odd/even plus/minus create/destroy build/destroy encrypt/decrypt
    upload/download online/offline manual/automatic manually/automatically employer/employee teacher/student
    buyer/seller doctor/patient landlord/tenant parent/child plaintiff/defendant majority/minority
    upstream/downstream inhale/exhale absorb/emit absorb/release heat/cool freeze/melt freezing/boiling sink/float
    ascend/descend victory/loss advantage/disadvantage strength/weakness supply/demand peace/war friend/enemy
    north/east south/east north/west south/west forward/back

    auf/zu auf/ab offen/geschlossen öffnen/schließen geöffnet/geschlossen ein/aus vor/nach links/rechts oben/unten
    mindestens/höchstens mehr/weniger minimal/maximal minimum/maximum immer/nie mit/ohne innen/außen hoch/niedrig
    höher/niedriger groß/klein größer/kleiner lang/kurz länger/kürzer heiß/kalt warm/kalt nass/trocken
    anziehen/lösen füllen/leeren erhöhen/senken erlaubt/verboten sicher/gefährlich richtig/falsch voll/leer
    alt/neu tag/nacht sommer/winter norden/süden osten/westen erste/letzte früh/spät ouvert/fermé ouvrir/fermer
    avant/après gauche/droite haut/bas plus/moins toujours/jamais avec/sans grand/petit chaud/froid
    augmenter/diminuer autorisé/interdit premier/dernier abierto/cerrado abrir/cerrar antes/después
    izquierda/derecha arriba/abajo más/menos siempre/nunca con/sin grande/pequeño caliente/frío aumentar/disminuir
    permitido/prohibido primero/último
"""

_CALENDAR = """
    january jan januar jänner janvier enero|february feb februar février febrero|march mar märz mars marzo|april
    apr avril abril|may mai mayo|june jun juni juin junio|july jul juli juillet julio|august aug août
    agosto|september sep sept septembre septiembre|october oct oktober okt octobre octubre|november nov novembre
    noviembre|december dec dezember dez décembre diciembre|monday mon montag lundi lunes|tuesday tue tues dienstag
    mardi martes|wednesday wed mittwoch mercredi miércoles|thursday thu thur thurs donnerstag jeudi jueves|friday
    fri freitag vendredi viernes|saturday sat samstag sonnabend samedi sábado|sunday sun sonntag dimanche domingo
""".replace("\n", " ")
CALENDAR: Mapping[str, str] = {name: group.split()[0] for group in _CALENDAR.split("|") for name in group.split()}
"""Case-folded name of a month or weekday, short or long -> its English name; one word for one day in all languages."""

_OTHER_WORDS_TOO = """
    may mar mars march sun sat mon wed jun aug sep dec jan
"""
AMBIGUOUS_CALENDAR = frozenset(_OTHER_WORDS_TOO.split())
"""Names that are other words, too: they count as a date only with a capital within the sentence, or by a number."""


def date_of(word: str) -> str | None:
    """The English name of the month or weekday that a case-folded word names ("mondays", too), or None."""
    return CALENDAR.get(word) or (CALENDAR.get(word[:-1]) if len(word) > 5 and word.endswith("s") else None)


def stem(word: str) -> str:
    """A word without the commonest English verb and plural endings, so that "increasing" meets "increase"."""
    if len(word) >= 6 and word.endswith("ing"):
        word = word[:-3]
    elif len(word) >= 5 and word.endswith("ed"):
        word = word[:-2]
    elif len(word) >= 5 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-1]
    if len(word) >= 5 and word[-1] == word[-2] and word[-1] not in "lsze":
        word = word[:-1]
    return word[:-1] if len(word) >= 4 and word.endswith("e") else word


def _table() -> dict[str, frozenset[str]]:
    table: dict[str, set[str]] = {}
    for pair in _PAIRS.split():
        one, other = (stem(word) for word in pair.split("/"))
        table.setdefault(one, set()).add(other)
        table.setdefault(other, set()).add(one)
    return {word: frozenset(others) for word, others in table.items()}


_OPPOSITES = _table()


def opposites_of(word_stem: str) -> frozenset[str]:
    """Stems of the words that say the opposite of a word with this stem."""
    return _OPPOSITES.get(word_stem, frozenset())


def are_opposite(one: str, other: str) -> bool:
    """Whether two case-folded words are a pair of the table, in any form."""
    return stem(other) in opposites_of(stem(one))
