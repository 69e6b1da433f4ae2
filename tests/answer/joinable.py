"""Three passages whose states are read apart, and the prompts that hold some of them in some order."""

from __future__ import annotations

from ragedge.contracts import PassagePart, Prompt, Sampling

MIB = 2**20
SHORT = Sampling(max_tokens=12)
PUMP = "[1] Pump\n" + "The pump must be primed before the first start. " * 9 + "\n\n"
VALVE = "[2] Valve\n" + "Close the drain valve and open the inlet valve. " * 12 + "\n\n"
BOLTS = "[3] Bolts\n" + "Tighten the four housing bolts crosswise. " * 6 + "\n\n"


def prompt(question: str, *passages: str) -> Prompt:
    numbered = [f"[{number}]{text[3:]}" for number, text in enumerate(passages, start=1)]
    parts = tuple(PassagePart(text.split()[1].lower(), len(text)) for text in numbered)
    return Prompt("Answer only from the sources.", "".join(numbered) + f"Question: {question}", (), 0, passages=parts)


def never() -> bool:
    return False
