"""The map of errors is complete: a status, an exit code and a message with a hint for each."""

from __future__ import annotations

import inspect

import pytest

from ragedge import errors
from ragedge.errors import RagedgeError


def tree(kind: type[RagedgeError]) -> list[type[RagedgeError]]:
    return [kind] + [below for child in kind.__subclasses__() for below in tree(child)]


CLASSES = [kind for kind in tree(RagedgeError) if kind.__module__.startswith("ragedge")]
TOP = {
    "ConfigError": 2, "InputError": 3, "IndexFolderError": 4, "ModelError": 5, "AnswerError": 6, "AccessError": 7,
    "EvaluationFailed": 8,
}  # fmt: skip


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_every_error_has_a_status_and_the_exit_code_of_its_family(kind: type[RagedgeError]) -> None:
    assert 400 <= kind.http_status < 600
    family = next((base.__name__ for base in kind.__mro__ if base.__name__ in TOP), None)
    assert kind is RagedgeError or family is not None, "every error belongs to a family"
    assert kind.exit_code == TOP.get(family or "", 1)
    assert inspect.getdoc(kind)


def test_every_error_lives_in_the_one_module_of_errors() -> None:
    assert {kind.__module__ for kind in CLASSES} == {errors.__name__}


def test_codes_are_unique_and_in_snake_case() -> None:
    codes = [kind("x").code for kind in CLASSES if kind is not errors.UnreadableDocument]
    codes.append(errors.UnreadableDocument("broken", "x").code)
    assert len(set(codes)) == len(codes)
    assert "index_stale" in codes
    assert all(code == code.lower() for code in codes)
