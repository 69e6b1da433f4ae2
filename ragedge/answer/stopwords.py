"""Words that carry no meaning of their own in English, German, French and Spanish, case-folded.

One set for all four: a question need not say its language, and the overlaps ("die", "a", "me") cost little. Negations
are in it, because they must not count as shared content; whoever cares for them looks for them by name.
"""

from __future__ import annotations

_ENGLISH = """
    a an the and or but nor so yet if then else than as at by for from in into of off on onto out over per to up upon
    via with  within without about above after again against all also am any are be because been before being below
    between both can  could did do does doing down during each few further had has have having he her here hers him
    his how i is it its just  let may me might more most much must my no not now only other our ours own same shall
    she should some such that their  theirs them there these they this those through too under until us very was we
    were what when where whether which while  who whom whose why will would you your yours s t don doesn didn isn aren
    wasn won ll re ve d m
"""
_GERMAN = """
    der die das den dem des ein eine einer eines einem einen und oder aber doch denn als also am an auf aus bei beim
    bis da  dabei dadurch dafür damit dann daran darauf darf dass daß davon dazu dein deine dich dir du durch er es
    etwas euch euer  für gegen gibt habe haben hat hatte hier hinter ich ihm ihn ihnen ihr ihre ihrem ihren ihrer im
    in indem ins ist ja jede  jedem jeden jeder jedes kann kannst können könnte man mein meine mich mir mit muss muß
    müssen nach neben nicht nichts noch  nun nur ob ohne sehr sein seine seinem seinen seiner seit sich sie sind so
    soll sollen sollte sondern über um uns unser  unter vom von vor war waren warum was wann welche welchem welchen
    welcher welches wenn wer werde werden wird wie wir wo  wohin wurde wurden zu zum zur zwischen kein keine keinem
    keinen keiner auch
"""
_FRENCH = """
    le la les l un une des du de d et ou mais donc or ni car au aux à a ai as avec avoir avons ce ces cet cette ceux
    chez  comme comment dans depuis dont elle elles en entre est eux il ils je j jusque leur leurs lui ma mes moi mon
    ne n nos notre  nous on ont par pas pour pourquoi qu quand que quel quelle quelles quels qui quoi sa sans se s ses
    si son sont sous sur ta  te tes toi ton tu vos votre vous y été être était étaient c m t combien où plus peut doit
    faut
"""
_SPANISH = """
    el la los las lo un una unos unas y e o u pero sino de del al a ante bajo con contra desde durante en entre hacia
    hasta  para por según sin sobre tras que qué quien quién cual cuál cuales cuáles cuando cuándo donde dónde como
    cómo cuanto cuánto  cuántos cuántas es son era eran fue fueron ser estar está están estaba ha han hay he se su sus
    mi mis tu tus me te le les  nos os yo él ella ellos ellas nosotros usted ustedes este esta estos estas ese esa
    esos esas esto eso aquel aquella no ni  si sí ya más muy también porque debe puede
"""

STOP_WORDS: frozenset[str] = frozenset(
    word.casefold() for language in (_ENGLISH, _GERMAN, _FRENCH, _SPANISH) for word in language.split()
)
