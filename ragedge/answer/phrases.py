"""What the product says in its own words, per language: the six of the interface; English for any other."""

from __future__ import annotations

from collections.abc import Mapping

REFUSALS = {
    "en": "This is not in these documents.",
    "de": "Das steht nicht in diesen Dokumenten.",
    "fr": "Cela ne figure pas dans ces documents.",
    "es": "Esto no está en estos documentos.",
    "zh": "这些文件中没有这方面的内容。",
    "ar": "هذا غير موجود في هذه المستندات.",
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
    "zh": "这些文件可能没有回答这个问题。以下是最接近的段落；更具体的问题（名称、编号、确切的事物）会找到更多。",
    "ar": "قد لا تجيب المستندات عن هذا. هذه أقرب المقاطع؛ سؤال أدق (اسم أو رقم أو الشيء بعينه) يجد أكثر.",
}
"""What stands above the closest passages when the gate is unsure."""

DISAGREE = {
    "en": "The sources disagree. Both are quoted:",
    "de": "Die Quellen widersprechen sich. Beide im Wortlaut:",
    "fr": "Les sources se contredisent. Voici les deux :",
    "es": "Las fuentes se contradicen. Se citan las dos:",
    "zh": "资料说法不一。两者原文如下：",
    "ar": "المصادر متعارضة. هذا نص كليهما:",
}
"""What stands above two quotes that give different values for what was asked."""


SUMMARY = {
    "en": "Sentences of the document that say most of it, word for word:",
    "de": "Sätze des Dokuments, die das meiste davon sagen, im Wortlaut:",
    "fr": "Phrases du document qui en disent l'essentiel, mot pour mot :",
    "es": "Frases del documento que dicen lo esencial, palabra por palabra:",
    "zh": "文件中最能概括其内容的句子（原文）：",
    "ar": "جمل من المستند تقول معظم ما فيه، كما وردت:",
}
"""What stands above the sentences that are a summary where no language model speaks."""


def own_phrase(text: str, language: str) -> tuple[str, str]:
    """A phrase of our own that `text` begins with, in whatever language, and the same in another; ("", "") for none."""
    for phrases in (REFUSALS, UNSURE, DISAGREE, SUMMARY):
        for phrase in phrases.values():
            if text.startswith(phrase):
                return phrase, in_language(phrases, language)
    return "", ""


def in_language(phrases: Mapping[str, str], language: str) -> str:
    """The phrase in a language, such as "de" or "de-CH"."""
    return phrases.get(language[:2], phrases["en"])
