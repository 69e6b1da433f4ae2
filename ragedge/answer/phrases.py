"""What the product says in its own words, per language: English, German, French, Spanish; English for any other."""

from __future__ import annotations

from collections.abc import Mapping

REFUSALS = {
    "en": "This is not in these documents.",
    "de": "Das steht nicht in diesen Dokumenten.",
    "fr": "Cela ne figure pas dans ces documents.",
    "es": "Esto no está en estos documentos.",
}
"""What is said when the gate refuses."""

UNSURE = {
    "en": "The documents may not answer this. These are the closest passages; a narrower question (a name, a number, "
    "the exact thing meant) finds more.",
    "de": "Vielleicht beantworten die Dokumente das nicht. Dies sind die nächstliegenden Stellen; eine engere Frage "
    "(ein Name, eine Nummer, das genaue Ding) findet mehr.",
    "fr": "Les documents ne répondent peut-être pas à cette question. Voici les passages les plus proches ; une "
    "question plus précise (un nom, un numéro, l'objet exact) donnera plus.",
    "es": "Puede que los documentos no respondan a esto. Estos son los pasajes más cercanos; una pregunta más concreta "
    "(un nombre, un número, el objeto exacto) encuentra más.",
}
"""What stands above the closest passages when the gate is unsure."""

DISAGREE = {
    "en": "The sources disagree. Both are quoted:",
    "de": "Die Quellen widersprechen sich. Beide im Wortlaut:",
    "fr": "Les sources se contredisent. Voici les deux :",
    "es": "Las fuentes se contradicen. Se citan las dos:",
}
"""What stands above two quotes that give different values for what was asked."""


def in_language(phrases: Mapping[str, str], language: str) -> str:
    """The phrase in a language, such as "de" or "de-CH"."""
    return phrases.get(language[:2], phrases["en"])
