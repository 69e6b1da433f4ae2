"""GET /docs and /schema/openapi.json: the interface described, for people as a page without scripts, for programs.

Both are made of one schema: what the framework knows of the routes, completed by `described.py`, at the first call.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from litestar import MediaType, Request, Response, get
from litestar.datastructures import State

from ragedge.server.described import complete
from ragedge.server.plain_page import Html, element, page
from ragedge.server.site import file_reply, web_file
from ragedge.views import encode

#: Order and titles of the page's parts, by how their routes begin; the first that fits takes a route.
_PARTS = (
    ("Ask", ("/v1/ask", "/v1/summarise", "/v1/rewrite", "/v1/search", "/v1/suggestions", "/v1/feedback")),
    ("Documents", ("/v1/documents", "/source")),
    ("The kiosk", ("/v1/kiosk", "/kiosk")),
    ("The curator's desk", ("/v1/admin/",)),
    ("Settings and keys", ("/v1/settings", "/v1/keys")),
    ("The service", ("/v1/health", "/v1/index", "/metrics")),
    ("For OpenAI clients", ("/v1/chat", "/v1/embeddings", "/v1/models")),
    ("For Ollama clients", ("/api/",)),
)
_INTRODUCTION = (
    "JSON in UTF-8 goes in and out; a body needs Content-Type: application/json. Every reply carries X-Request-Id. "
    "Refusals and failures have one shape, with a hint that says what to do; where all places are taken the status is "
    "503 and Retry-After says when to come back. A service on the network wants Authorization: Bearer KEY, and answers "
    "429 to who asks too often. Programs for OpenAI or Ollama get the same in their own shape."
)


def schema_of(app: Any) -> dict[str, Any]:
    """The completed schema of an application; made once."""
    if "schema" not in app.state:
        app.state.schema = complete(app.openapi_schema.to_schema())
    schema: dict[str, Any] = app.state.schema
    return schema


@get("/schema/openapi.json", sync_to_thread=True, include_in_schema=False, media_type=MediaType.JSON)
def show_schema(request: Request[Any, Any, Any]) -> Response[bytes]:
    """OpenAPI 3.1."""
    return Response(encode(schema_of(request.app)), media_type="application/vnd.oai.openapi+json")


@get("/docs", sync_to_thread=True, include_in_schema=False, media_type=MediaType.HTML)
def show_reference(request: Request[Any, Any, Any], state: State) -> Response[bytes]:
    """The page; made once."""
    if "reference" not in state:
        state.reference = web_file(reference_page(schema_of(request.app)), ".html")
    return file_reply(request, state.reference)


def reference_page(schema: dict[str, Any]) -> bytes:
    """The schema as a page."""
    title = f"{schema['info']['title']} {schema['info']['version']}: the interface"
    links = element("nav", *(_link(f"#{_anchor(name)}", name) for name, _ in _PARTS), aria_label="Parts")
    file = element("p", "For programs: ", _link("/schema/openapi.json", "/schema/openapi.json"))
    sections = []
    for name, roots in _PARTS:
        sections.append(element("h2", name, id=_anchor(name)))
        sections += [_operation(*found, schema) for found in _operations(schema) if found[1].startswith(roots)]
    return page(title, element("h1", title), element("p", _INTRODUCTION), file, links, *sections)


def _operations(schema: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def _operation(method: str, path: str, operation: dict[str, Any], schema: dict[str, Any]) -> Html:
    parts = [
        element("h3", element("span", method, " ", class_="method"), element("code", path), id=_anchor(method + path)),
        element("p", *_marked(f"{operation.get('summary', '')}. {operation.get('description', '')}")),
    ]
    rows = [_parameter(item, schema) for item in operation.get("parameters", ())]
    for kind, content in operation.get("requestBody", {}).get("content", {}).items():
        rows += _fields(content.get("schema", {}), schema)
        parts.append(element("p", "Send, for example:"))
        parts.append(_block(_curl(method, path, kind, content.get("example"))))
    if rows:
        head = element("tr", *(element("th", name, scope="col") for name in ("Field", "Kind", "Default, limits")))
        parts.append(element("div", element("table", head, *rows), class_="scroll"))
    refusals = []
    for status, reply in operation["responses"].items():
        content = reply.get("content", {})
        if status.startswith("2"):
            for kind, body in content.items():
                parts.append(element("p", f"Reply {status}, ", element("code", kind)))
                if "example" in body:
                    parts.append(_details("Example of the reply", body["example"]))
        else:
            refusals.append(f"{status} {reply['description']}")
    parts.append(element("p", "Refusals: ", "; ".join(refusals), "."))
    return element("section", *parts)


def _marked(text: str) -> Iterator[str]:
    """Text in which `what stands so` is code."""
    for number, part in enumerate(text.split("`")):
        yield element("code", part) if number % 2 else part


def _parameter(item: dict[str, Any], schema: dict[str, Any]) -> Html:
    return _row(item["name"], item.get("schema", {}), schema, item.get("required", False))


def _fields(body: dict[str, Any], schema: dict[str, Any]) -> list[Html]:
    whole = _resolved(body, schema)
    needed = whole.get("required", ())
    return [_row(name, item, schema, name in needed) for name, item in whole.get("properties", {}).items()]


def _row(name: str, item: dict[str, Any], schema: dict[str, Any], is_required: bool) -> Html:
    plain = _plain(item)
    notes = ["required"] if is_required else []
    if plain.get("default") not in (None, "", [], {}):
        notes.append(f"default {json.dumps(plain['default'])}")
    limits = (
        ("minimum", "at least {:,}"),
        ("maximum", "at most {:,}"),
        ("maxLength", "at most {:,} characters"),
        ("maxItems", "at most {:,} items"),
        ("maxProperties", "at most {:,} names"),
    )
    notes += [words.format(plain[key]) for key, words in limits if key in plain]
    return element("tr", element("td", element("code", name)), element("td", _kind(item, schema)),
                   element("td", ", ".join(notes)))  # fmt: skip


def _kind(item: dict[str, Any], schema: dict[str, Any]) -> str:
    if "$ref" in item:
        inner = _resolved(item, schema).get("properties", {})
        return f"object of {', '.join(inner)}" if inner else "object"
    if "enum" in item:
        return " or ".join(json.dumps(value) for value in item["enum"])
    if "oneOf" in item or "anyOf" in item:
        kinds = [_kind(part, schema) for part in item.get("oneOf") or item["anyOf"]]
        return " or ".join(kind for kind in dict.fromkeys(kinds) if kind != "null")
    if item.get("type") == "array":
        return f"list of {_kind(item.get('items', {}), schema)}"
    kind = item.get("type", "any")
    return " or ".join(kind) if isinstance(kind, list) else str(kind)


def _plain(item: dict[str, Any]) -> dict[str, Any]:
    """A schema, or the one beside null in it."""
    others = [part for part in item.get("oneOf", item.get("anyOf", ())) if part.get("type") != "null"]
    return {**item, **others[0]} if len(others) == 1 else item


def _resolved(item: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    reference = item.get("$ref", "")
    found: dict[str, Any] = schema["components"]["schemas"].get(reference.rpartition("/")[2], {}) if reference else item
    return found


def _curl(method: str, path: str, kind: str, example: Any) -> str:
    head = f"curl -X {method} http://127.0.0.1:8321{path}"
    if kind == "multipart/form-data":
        return f"{head} -F '{example}'"
    return f"{head} \\\n  -H 'Content-Type: {kind}' \\\n  -d '{json.dumps(example, ensure_ascii=False)}'"


def _details(title: str, example: Any) -> Html:
    text = example if isinstance(example, str) else json.dumps(example, indent=2, ensure_ascii=False)
    return element("details", element("summary", title), _block(text))


def _block(text: str) -> Html:
    return element("pre", element("code", text), tabindex="0")


def _link(address: str, name: str) -> Html:
    return element("a", name, href=address)


def _anchor(name: str) -> str:
    return "".join(c if c.isalnum() else "-" for c in name.lower()).strip("-")
