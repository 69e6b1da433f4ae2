"""Questions in other words: openers, everyday words, left-out words, so that a made question is no copy of its source.

Deterministic for a `random.Random`. Everything here is this project's own wording; knows no text and no index.
"""

from __future__ import annotations

import random
import re

_OPENERS = {
    "en": (
        "Can you tell me", "I need to know:", "Quick question:", "Do you know", "I was wondering:", "Please tell me:",
        "Somebody asked me:", "I forgot:", "Just to be sure:", "For my notes:",
    ),
    "de": ("Kurze Frage:", "Ich möchte wissen:", "Können Sie mir sagen:", "Ich habe vergessen:"),
    "fr": ("Une question :", "Je voudrais savoir :", "Pouvez-vous me dire :"),
    "es": ("Una pregunta:", "Quisiera saber:", "¿Me puede decir:"),
}  # fmt: skip
_EVERYDAY = {
    "acquire": "get", "acquired": "got", "additional": "extra", "approximately": "about", "assist": "help",
    "assistance": "help", "automobile": "car", "beverage": "drink", "children": "kids", "clean": "wash",
    "commence": "start", "commenced": "started", "complete": "finish", "completed": "finished", "component": "part",
    "components": "parts", "concerning": "about", "constructed": "built", "construct": "build", "consume": "eat",
    "contact": "reach", "create": "make", "created": "made", "depart": "leave", "determine": "find out",
    "discontinue": "stop", "display": "show", "dispose": "get rid", "documentation": "papers", "employee": "worker",
    "employees": "staff", "employer": "company", "ensure": "make sure", "equipment": "gear", "established": "set up",
    "evacuate": "leave", "examine": "look at", "exit": "leave", "fasten": "fix", "frequently": "often",
    "garment": "clothing", "illness": "sickness", "immediately": "right away", "indicate": "show",
    "individual": "person", "individuals": "people", "initiate": "start", "injury": "wound", "inspect": "check",
    "install": "put in", "installing": "putting in", "large": "big", "located": "found", "locate": "find",
    "maintain": "keep up", "manufacturer": "maker", "manufactured": "made", "modify": "change", "notify": "tell",
    "obtain": "get", "obtained": "got", "operate": "run", "operating": "running", "payment": "money",
    "permit": "allow", "permitted": "allowed", "personnel": "people", "physician": "doctor", "portion": "part",
    "prevent": "stop", "previous": "earlier", "primary": "main", "prior": "before", "procedure": "way",
    "produced": "made", "prohibited": "forbidden", "provide": "give", "provided": "given", "purchase": "buy",
    "purchased": "bought", "rapidly": "fast", "receive": "get", "received": "got", "remove": "take off",
    "removing": "taking off", "renew": "extend", "repair": "fix", "repairing": "fixing", "replace": "swap",
    "replacing": "swapping", "request": "ask for", "require": "need", "required": "needed", "requires": "needs",
    "residence": "home", "reside": "live", "resided": "lived", "retain": "keep", "select": "pick", "shelter": "roof",
    "submit": "hand in", "submitting": "handing in", "sufficient": "enough", "terminate": "end",
    "tighten": "screw down",
    "transmit": "send", "transport": "carry", "utilize": "use", "vehicle": "car", "verify": "check",
    "discovered": "found", "established in": "started in", "founded": "started", "depicts": "shows", "shown": "seen",
    "wash": "clean", "start": "begin", "started": "began", "difficult": "hard", "error": "fault", "fault": "problem",
    "illustrate": "show", "adjust": "set", "attach": "fix", "avoid": "keep away from", "choose": "pick",
    "demonstrate": "show", "drain": "empty", "enter": "go into", "explain": "tell about", "holiday": "day off",
    "leave": "time off", "salary": "pay", "schedule": "plan", "travel": "trip", "trousers": "pants", "update": "change",
}  # fmt: skip
_ADVERBS = re.compile(
    r"\s(?:currently|usually|generally|officially|approximately|typically|also|recently|originally|commonly)\b"
)
_BRACKETS = re.compile(r"\s*\([^)]*\)")
_WORD = re.compile(r"[A-Za-z]+")


def everyday(question: str, language: str, rng: random.Random, *, share: float = 0.5) -> str:
    """`question`, in the share `share` of cases in other words: an opener, other words, no brackets, no capitals."""
    text = _BRACKETS.sub("", question)
    if rng.random() >= share:
        return text
    if language == "en":
        text = _ADVERBS.sub("", text)
        text = _WORD.sub(lambda match: _swapped(match.group(), rng), text)
    draw = rng.random()
    if draw < 0.25:
        opener = rng.choice(_OPENERS[language])
        text = f"{opener} {text}" if opener.endswith(":") else f"{opener} {text[:1].lower()}{text[1:]}"
    elif draw < 0.4:
        text = text.rstrip("?").rstrip()
    elif draw < 0.5:
        text = text.lower()
    return " ".join(text.split())


def _swapped(word: str, rng: random.Random) -> str:
    """The everyday word for a lower-case one, mostly; names and starts of sentences stay."""
    other = _EVERYDAY.get(word)
    return other if other is not None and rng.random() < 0.7 else word


def lowered(phrase: str) -> str:
    """A heading inside a sentence: its first letter small, unless it is a name or a code, which stay as they are."""
    words = phrase.split()
    if not words or not words[0][:1].isupper() or not words[0][1:].islower():
        return phrase
    others = [word for word in words[1:] if word[:1].isalpha() and len(word) > 3]
    if len(words) > 1 and all(word[:1].isupper() for word in others) and others:
        return phrase  # Title Case or a name: cannot be told apart
    return phrase[:1].lower() + phrase[1:]
