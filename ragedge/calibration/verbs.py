"""English verb forms by table and rule: past to base, gerund to base, which words are imperatives. No grammar beyond.

A wrong guess makes a clumsy question, which people type, too.
"""

from __future__ import annotations

import re

_IRREGULAR = """
    became become|began begin|bent bend|bought buy|broke break|brought bring|built build|burned burn|came come
    caught catch|chose choose|cost cost|cut cut|dealt deal|did do|drew draw|drove drive|ate eat|fell fall|fed feed
    felt feel|fought fight|found find|flew fly|forgot forget|froze freeze|gave give|went go|grew grow|hung hang|had have
    heard hear|held hold|hit hit|kept keep|knew know|laid lay|led lead|left leave|lent lend|lost lose|made make
    meant mean|met meet|paid pay|put put|ran run|read read|rose rise|said say|saw see|sold sell|sent send|set set
    shot shoot|showed show|shut shut|sang sing|sank sink|sat sit|slept sleep|spoke speak|spent spend|split split
    spread spread|stood stand|stole steal|struck strike|swam swim|taught teach|told tell|thought think|threw throw
    took take|understood understand|wore wear|won win|wrote write|withdrew withdraw|overthrew overthrow|sought seek
    bore bear|beat beat|bound bind|bred breed|clung cling|dug dig|fled flee|ground grind|rang ring|rode ride
    shook shake|shone shine|slid slide|sprang spring|swept sweep|swore swear|tore tear|wove weave|wound wind
"""
PAST_TO_BASE = {pair.split()[0]: pair.split()[1] for line in _IRREGULAR.split("\n") for pair in line.split("|") if pair}
_PARTICIPLES_TEXT = """
    born known found made built given taken shown written drawn held kept sold sent bought brought left lost
    paid won seen sung spoken stolen thrown torn worn woven chosen broken driven eaten grown hung laid led put
    set cut said told taught thought understood caught struck fought begun become
"""
_PARTICIPLES = frozenset(_PARTICIPLES_TEXT.split())
_IMPERATIVES_TEXT = """
    add adjust allow answer apply approve ask assemble attach avoid back book bring browse build buy calculate
    call cancel care carry change charge check choose claim clean clear close collect complete configure
    connect contact copy cover create cut delete describe dig disable disconnect do download drain drink drop
    edit enable enter erase escalate evaluate export file fill find fix fold follow format get give go grease
    handle hang hire hold import inspect install invite join keep know label leave lift load log loosen lower
    maintain make manage mark measure mix mount move notify obtain offer open operate order pack paint pay
    pick place plan plug prepare press print prevent process protect publish pull purchase push put read
    receive record reduce refill refuel register release remove renew repair replace report request reserve
    reset restart restore return review rinse run save schedule search secure select sell send separate serve
    set setup share ship sign sort start stop store submit support switch take tell test tie tighten track
    train transfer travel treat turn unload unpack unscrew update upgrade upload use vent verify view wait
    wash watch wear weigh wipe work write
"""
_IMPERATIVES = frozenset(_IMPERATIVES_TEXT.split())
_NO_GERUND_TEXT = """
    anything beijing bring building ceiling clothing during evening everything king meeting morning nothing
    painting ring sing something spring sterling string thing training wedding wing boeing viking opening
    heating lighting engineering housing missing outstanding interesting funding timing rating rigging bedding
"""
_NO_GERUND = frozenset(_NO_GERUND_TEXT.split())
_DOUBLED = re.compile(r"([bdgmnprt])\1$")
_SILENT_E = re.compile(  # stems that take an e back
    r"(?:[aeiou][bcdgkmprstvz]|[^aeiou]l|[cgvuz]|[nr][cgs]|[rl]v|as|os|us|ys|iz|at|et|ut|ir|ur|or)$"
)
_NO_E = re.compile(
    r"(?:[aeiou]{2}[bdgklmnprtw]|en|er|on|in|it|op|el|om|ow|ay|oy|ey|ss|ll|sh|ch|ck|ct|nd|nt|st|rt|rm|rn|lt|ft|mp|"
    r"lk|rk|nk|pt|ng|ff|zz|x|w|y|visit|edit|limit)$"
)


def base_of_past(word: str) -> str:
    """ "opened" -> "open", "wrote" -> "write"; "" for a word that is no past form."""
    folded = word.casefold()
    if folded in PAST_TO_BASE:
        return PAST_TO_BASE[folded]
    if len(folded) < 5 or not folded.endswith("ed") or folded.endswith(("eed", "hundred", "naked", "sacred")):
        return ""
    if folded.endswith("ied"):
        return folded[:-3] + "y"
    return _stem_to_base(folded[:-2])


def base_of_gerund(word: str) -> str:
    """ "cleaning" -> "clean", "removing" -> "remove"; "" for a word that is no gerund."""
    folded = word.casefold()
    if len(folded) < 6 or not folded.endswith("ing") or folded in _NO_GERUND:
        return folded[:-3] if folded in ("doing", "going") else ""
    return _stem_to_base(folded[:-3])


def is_participle(word: str) -> bool:
    """Whether a word after "was" is a verb's participle."""
    return word.casefold() in _PARTICIPLES or bool(base_of_past(word))


def is_imperative(word: str) -> bool:
    """Whether a heading or sentence that begins with this word tells somebody to do something."""
    return word.casefold() in _IMPERATIVES


def _stem_to_base(stem: str) -> str:
    for ending in ("", "e"):
        if stem + ending in _IMPERATIVES:
            return stem + ending
    if _DOUBLED.search(stem):
        return stem[:-1] if len(stem) > 3 else stem
    if _NO_E.search(stem):
        return stem
    return stem + "e" if _SILENT_E.search(stem) else stem
