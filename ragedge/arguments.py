"""What can be typed: all commands and options, without what they do.

Only the standard library is imported, so that `ragedge --help` answers at once.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from ragedge import __version__

if TYPE_CHECKING:
    _Verbs = argparse._SubParsersAction[argparse.ArgumentParser]


def build_parser() -> argparse.ArgumentParser:
    """All verbs and options."""
    parser = argparse.ArgumentParser(prog="ragedge", description="Ask your own documents, offline, on this box.")
    parser.add_argument("--version", action="version", version=f"ragedge {__version__}")
    parser.add_argument("--config", type=Path, metavar="FILE", help="a set-up, such as configs/default.toml")
    verbs = parser.add_subparsers(title="commands", metavar="COMMAND")
    _add_ingest(verbs)
    _add_ask(verbs)
    _add_summarise(verbs)
    _add_serve(verbs)
    _add_keys(verbs)
    _add_index(verbs)
    _add_models(verbs)
    _add_curating(verbs)
    _add_measuring(verbs)
    return parser


def _add_ingest(verbs: _Verbs) -> None:
    verb = verbs.add_parser("ingest", help="read a folder of documents into an index, or bring it up to date")
    verb.add_argument("folder", type=Path, help="the folder that holds the documents; it is only read")
    verb.add_argument("--index", metavar="NAME", help="the index to fill (default: the config's)")
    verb.add_argument("--watch", action="store_true", help="stay and follow the folder's changes")
    verb.add_argument("--retry", action="store_true", help="try files again that could not be read before")
    verb.add_argument("--fresh", action="store_true", help="make the index anew, then put it in the old one's place")
    verb.add_argument("--password", action="append", default=[], metavar="TEXT", help="for encrypted files; repeatable")
    verb.add_argument("--strict", action="store_true", help="exit with 3 if any file could not be read")
    verb.add_argument("--json", action="store_true", help="the report as one JSON document")
    verb.set_defaults(verb="ingest")


def _add_ask(verbs: _Verbs) -> None:
    verb = verbs.add_parser("ask", help="ask a question")
    verb.add_argument("question", nargs="*", help="one or several questions, each in quotes")
    verb.add_argument("--file", type=Path, metavar="FILE", help="a text file with one question per line")
    verb.add_argument("--index", metavar="NAME", help="the index to ask (default: the config's)")
    verb.add_argument(
        "--model", metavar="MODEL", help="a GGUF file or a name of `ragedge models` (default: the config's)"
    )
    verb.add_argument("--url", metavar="ADDRESS", help="ask a running service, such as http://box.local:8321")
    verb.add_argument(
        "--filter", action="append", default=[], metavar="KEY=VALUE",
        help="only documents with this path, media_type, language, title or date; repeatable",
    )  # fmt: skip
    verb.add_argument("--collection", default="", metavar="NAME", help="only this collection (`ragedge index info`)")
    _add_rewriting(verb)
    verb.add_argument("--json", action="store_true", help="one JSON document on stdout")
    verb.set_defaults(verb="ask")


def _add_summarise(verbs: _Verbs) -> None:
    verb = verbs.add_parser("summarise", aliases=["summarize"], help="say what a document or a section of it says")
    verb.add_argument("document", help="its path, file name, title or id")
    verb.add_argument("--section", default="", metavar="HEADING", help="only what stands below this heading")
    verb.add_argument("--language", metavar="CODE", help="of the summary, such as de (default: the config's)")
    verb.add_argument("--index", metavar="NAME", help="the index that holds it (default: the config's)")
    verb.add_argument(
        "--model", metavar="MODEL", help="a GGUF file or a name of `ragedge models` (default: the config's)"
    )
    verb.add_argument("--url", metavar="ADDRESS", help="ask a running service, such as http://box.local:8321")
    _add_rewriting(verb)
    verb.add_argument("--json", action="store_true", help="one JSON document on stdout")
    verb.set_defaults(verb="summarise")


def _add_rewriting(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--simpler", action="store_true", help="in plainer words; needs a language model")
    verb.add_argument("--translate", metavar="CODE", help="into this language, such as de; needs a language model")


def _add_serve(verbs: _Verbs) -> None:
    verb = verbs.add_parser("serve", help="start the page and the API on this machine")
    verb.add_argument("--index", metavar="NAME", help="the index to ask (default: the config's)")
    verb.add_argument(
        "--model", metavar="MODEL", help="a GGUF file or a name of `ragedge models` (default: the config's)"
    )
    verb.add_argument("--host", help="address to listen on (default: the config's, 127.0.0.1)")
    verb.add_argument("--port", type=int, help="port (default: the config's, 8321)")
    verb.add_argument("--lan", action="store_true", help="listen on the local network; everybody there needs a key")
    verb.add_argument("--tls", action="store_true", help="with --lan: HTTPS with a certificate of its own making")
    verb.set_defaults(verb="serve")
    verb = verbs.add_parser("mcp", help="let an assistant search and ask over MCP (stdin and stdout)")
    verb.add_argument("--index", metavar="NAME", help="the index to ask (default: the config's)")
    verb.add_argument("--model", metavar="FILE", help="a GGUF file that answers (default: the config's)")
    verb.add_argument("--url", metavar="ADDRESS", help="use a running service instead of opening the index")
    verb.set_defaults(verb="mcp")


def _add_keys(verbs: _Verbs) -> None:
    verb = verbs.add_parser("keys", help="who may use the service with --lan: add, list, revoke")
    verb.add_argument("action", choices=["add", "list", "revoke"])
    verb.add_argument("name", nargs="?", help="add: what to call the key; revoke: its name or id")
    verb.add_argument(
        "--role", choices=["visitor", "curator", "owner"], default="visitor",
        help="visitor: ask; curator: also change documents; owner: everything (default: visitor)",
    )  # fmt: skip
    verb.set_defaults(verb="keys")


def _add_index(verbs: _Verbs) -> None:
    verb = verbs.add_parser("index", help="look after indexes: list, info, check, rebuild, calibrate, remove")
    verb.add_argument("action", choices=["list", "info", "check", "rebuild", "calibrate", "remove"])
    verb.add_argument("name", nargs="?", help="the index (default: the config's)")
    verb.add_argument("--files", action="store_true", help="info: every file with its state")
    verb.add_argument("--yes", action="store_true", help="remove: do not ask")
    verb.add_argument(
        "--target", type=float, default=0.9, metavar="SHARE", help="calibrate: of answerable questions (default 0.9)"
    )
    verb.add_argument("--questions", type=Path, metavar="FILE", help="calibrate: golden questions to add (JSONL)")
    verb.set_defaults(verb="index")


def _add_models(verbs: _Verbs) -> None:
    verb = verbs.add_parser("models", help="look after language models: list, pull, add, verify, remove, use")
    verb.add_argument("action", choices=["list", "pull", "add", "verify", "remove", "use"])
    verb.add_argument("name", nargs="?", help="the model's name; add: a GGUF file; pull: also OWNER/REPOSITORY")
    verb.add_argument("file", nargs="?", help="pull OWNER/REPOSITORY: the file there")
    verb.add_argument("--as", dest="name_as", metavar="NAME", help="pull, add: the name it gets here")
    verb.add_argument("--quantization", metavar="Q", help="pull: another file of the catalogue, such as Q4_0")
    verb.add_argument("--revision", metavar="R", help="pull: a branch, tag or commit (default main)")
    verb.add_argument("--sha256", metavar="SUM", help="pull: what the file must have, else it is refused")
    verb.add_argument("--link", action="store_true", help="add: use the file where it lies instead of a copy")
    verb.add_argument("--yes", action="store_true", help="remove: do not ask")
    verb.set_defaults(verb="models")


def _add_curating(verbs: _Verbs) -> None:
    verb = verbs.add_parser("pinned", help="look after the reviewed answers: check, list, find")
    verb.add_argument("action", choices=["check", "list", "find"])
    verb.add_argument("question", nargs="?", help="find: the question whose reviewed answer is looked for")
    verb.add_argument("--index", metavar="NAME", help="the index that holds the sources (default: the config's)")
    verb.add_argument("--file", type=Path, metavar="FILE", help="the reviewed answers (default: the config's)")
    verb.set_defaults(verb="pinned")
    verb = verbs.add_parser("journal", help="what was asked: list, export, clear")
    verb.add_argument("action", choices=["list", "export", "clear"])
    verb.add_argument("file", nargs="?", type=Path, help="export: a .jsonl (drafts of golden questions) or .csv file")
    verb.add_argument("--index", metavar="NAME", help="the index that was asked (default: the config's)")
    verb.add_argument("--unanswered", action="store_true", help="only those refused or in doubt")
    verb.add_argument("--down", action="store_true", help="only those with thumbs down (with --unanswered: either)")
    verb.add_argument("--since", metavar="WHEN", help="a day (2026-01-31) or how long ago (7d, 12h)")
    verb.add_argument("--before", metavar="WHEN", help="clear: only the older ones")
    verb.add_argument("--limit", type=int, default=50, metavar="N", help="list: the last N (default 50)")
    verb.add_argument("--yes", action="store_true", help="clear: do not ask")
    verb.set_defaults(verb="journal")


def _add_measuring(verbs: _Verbs) -> None:
    verb = verbs.add_parser("eval", help="measure quality with a file of questions")
    verb.add_argument("questions", type=Path, help="questions.jsonl")
    verb.add_argument("--corpus", type=Path, metavar="FOLDER", help="ingest this folder first")
    verb.add_argument("--index", metavar="NAME", help="the index to ask (default: eval-<folder of the questions>)")
    verb.add_argument("--off-topic", type=Path, metavar="FILE", help="questions about something else, to be refused")
    verb.add_argument("--limit", type=int, metavar="N", help="a random sample of N questions (of each file)")
    verb.add_argument("--seed", type=int, default=0, help="of the sample (default 0)")
    verb.add_argument("--json", type=Path, metavar="FILE", help="also write the report as JSON")
    verb.add_argument("--html", type=Path, metavar="FILE", help="also write it as a page with every failure in full")
    verb.add_argument("--baseline", type=Path, metavar="FILE", help="an earlier --json report to compare with")
    verb.add_argument(
        "--pass", dest="pass_marks", action="append", default=[], metavar="MARK",
        help='exit with 8 unless reached, such as "hit@5>=0.9"; repeatable',
    )  # fmt: skip
    verb.add_argument("--marks", type=Path, metavar="FILE", help="a TOML file with a [pass] table of such marks")
    verb.set_defaults(verb="eval")
    verb = verbs.add_parser("bench", help="measure speed and memory of this box")
    verb.add_argument("what", nargs="?", choices=["engine"], help="engine: the language model's engine and its peers")
    _add_engine_bench(verb)
    verb.add_argument("--corpus", type=Path, metavar="FOLDER", help="documents to read (default: the sample manual)")
    verb.add_argument("--chunks", type=int, default=10_000, help="size of the index for questions (default 10,000)")
    verb.add_argument("--json", type=Path, metavar="FILE", help="also write the figures as JSON")
    verb.set_defaults(verb="bench")


def _add_engine_bench(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--calibrate", action="store_true", help="find the fastest settings for the language model and keep them"
    )
    verb.add_argument("--model", metavar="MODEL", help="calibrate: a GGUF file or a name (default: the config's)")
    verb.add_argument("--seconds", type=float, default=120.0, metavar="S", help="calibrate: at most (default 120)")
    group = verb.add_argument_group("engine", "random weights in real shapes are made on the spot and kept in a folder")
    group.add_argument("--shapes", nargs="+", default=["qwen2.5-0.5b"], metavar="NAME", help="also llama-3.2-1b, tiny")
    group.add_argument("--quantizations", nargs="+", metavar="Q", help="of Q4_0 Q4_K_M (default: both)")
    group.add_argument("--llama-bench", type=Path, metavar="FILE", help="the program that `make llama-bench` builds")
    group.add_argument("--only", "--parts", nargs="+", default=[], metavar="PART", dest="parts",
        help="of llama-bench defaults first-word states drafts cancel kill clients rest")  # fmt: skip
    group.add_argument("--minutes", type=float, default=10.0, metavar="M", help="at most (default 10; 0: no limit)")
    group.add_argument("--read-tokens", type=int, default=384, metavar="N", help="of a prompt (default 384)")
    group.add_argument("--write-tokens", type=int, default=32, metavar="N", help="of an answer (default 32)")
    group.add_argument("--rounds", type=int, default=3, metavar="N", help="of each comparison (default 3)")
    group.add_argument("--cancels", type=int, default=20, metavar="N", help="of each kind (default 20)")
    group.add_argument("--kills", type=int, default=3, metavar="N", help="of the model's process (default 3)")
    group.add_argument("--folder", type=Path, metavar="FOLDER", help="where the models are kept")
    group.add_argument("--delete", action="store_true", help="remove the models afterwards")
