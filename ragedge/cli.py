"""The commands: one short function per verb, each a few calls into the modules that do the work.

Only the standard library is imported at the top, so that `ragedge --help` answers at once; a verb imports what it
needs. Answers and reports go to stdout, progress and errors to stderr. Exit codes are those of `errors.py`; 130 after
Ctrl-C.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ragedge.arguments import build_parser
from ragedge.errors import INTERRUPTED, IndexMissing, InputError, PackageMissing, RagedgeError

if TYPE_CHECKING:
    from ragedge.assemble import Box
    from ragedge.client import Client
    from ragedge.config import Config


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    parser = build_parser()
    options = parser.parse_args(arguments)
    if not hasattr(options, "verb"):
        parser.print_help()
        return 2
    from ragedge import terminal

    try:
        return VERBS[options.verb](options)
    except RagedgeError as error:
        terminal.show_error(error, sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # the reader of our output went away (| head); say nothing more, also not at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _config(options: argparse.Namespace) -> Config:
    from ragedge.config import load_config

    config = load_config(options.config)
    if getattr(options, "index", None):
        config = replace(config, index=options.index)
    if getattr(options, "model", None):
        config = replace(config, answer=replace(config.answer, model=options.model, kind="llama"))
    if getattr(options, "password", None):
        passwords = (*config.ingest.passwords, *options.password)
        config = replace(config, ingest=replace(config.ingest, passwords=passwords))
    return config


def _key() -> str:
    """The key for a service elsewhere: out of the environment, where other users of this machine do not see it."""
    return os.environ.get("RAGEDGE_KEY", "")


def run_ingest(options: argparse.Namespace) -> int:
    """`ragedge ingest FOLDER`."""
    from ragedge import assemble, ingest_verb
    from ragedge.ingest.scan import check_folder

    check_folder(options.folder)
    config = _config(options)
    embedder = assemble.make_embedder(config)
    with ingest_verb.stop_on_interrupt() as stop:
        with assemble.open_for_ingest(config, embedder, fresh=options.fresh) as sync:
            code = ingest_verb.ingest_once(sync, options, stop)
        if options.fresh and not stop.is_set():
            aside = assemble.put_in_place(config, embedder)
            if aside is not None:
                print(f'the old index was damaged and is kept in "{aside}", uploads in its files/', file=sys.stderr)
        if options.watch and not stop.is_set():
            with assemble.open_for_ingest(config, embedder) as sync:
                ingest_verb.watch(sync, options, stop)
    if code == 0 and not options.json and not options.watch:
        name = f" --index {options.index}" if options.index else ""
        setup = f" --config {options.config}" if options.config else ""
        print(f'Ask: ragedge{setup} ask{name} "…"   or open the page: ragedge{setup} serve{name}')
    return code


def run_ask(options: argparse.Namespace) -> int:
    """`ragedge ask QUESTION`."""
    from ragedge import ask_verb, task_verbs

    questions = ask_verb.read_questions(options.question, options.file, options.filter, options.collection)
    change = task_verbs.rewriting(simpler=options.simpler, translate=options.translate)
    if options.url:
        with _client(options) as client:
            if change is not None:
                task_verbs.show_answers(client, client, questions, change, sys.stdout, as_json=options.json)
                return 0
            has_model = client.health().engine != "extractive"
            ask_verb.show(client, questions, sys.stdout, as_json=options.json, has_model=has_model)
        return 0
    from ragedge import assemble

    with assemble.open_box(_config(options), keeps_journal=True) as box:
        if not options.json:
            _show_notes(box)
            box.pipeline.warm_up()
        if change is not None:
            task_verbs.show_answers(box.pipeline, box.tasks, questions, change, sys.stdout, as_json=options.json)
            return 0
        has_model = box.generator is not None
        ask_verb.show(box.pipeline, questions, sys.stdout, as_json=options.json, has_model=has_model)
    return 0


def run_summarise(options: argparse.Namespace) -> int:
    """`ragedge summarise DOCUMENT`."""
    from ragedge import task_verbs
    from ragedge.contracts import SummaryRequest

    request = SummaryRequest(options.document, options.section, options.language)
    change = task_verbs.rewriting(simpler=options.simpler, translate=options.translate)
    if options.url:
        with _client(options) as client:
            has_model = client.health().engine != "extractive"
            task_verbs.show_summary(client, request, change, sys.stdout, as_json=options.json, has_model=has_model)
        return 0
    from ragedge import assemble

    with assemble.open_box(_config(options)) as box:
        has_model = box.generator is not None
        task_verbs.show_summary(box.tasks, request, change, sys.stdout, as_json=options.json, has_model=has_model)
    return 0


def _client(options: argparse.Namespace) -> Client:
    """The service at `--url`.

    Raises:
        InputError: what is the service's own matter was typed, too.
    """
    from ragedge.client import Client

    if options.index or options.model:
        raise InputError("--index and --model are the service's own matter with --url", "leave them out")
    return Client(options.url, key=_key())


def run_mcp(options: argparse.Namespace) -> int:
    """`ragedge mcp`."""
    try:
        from ragedge import mcp_server
    except ModuleNotFoundError as error:
        if error.name != "mcp":
            raise
        raise PackageMissing('"ragedge mcp" needs the package mcp', 'pip install "ragedge[mcp]"') from error
    if options.url:
        from ragedge.client import Client

        with Client(options.url, key=_key()) as client:
            mcp_server.serve(mcp_server.Elsewhere(client))
        return 0
    from ragedge import assemble

    with assemble.open_box(_config(options), keeps_journal=True) as box:
        threading.Thread(target=box.pipeline.warm_up, name="warm-up", daemon=True).start()
        mcp_server.serve(mcp_server.Here(box.pipeline, box.index))
    return 0


def run_serve(options: argparse.Namespace) -> int:
    """`ragedge serve`."""
    from ragedge import assemble, serve_verb

    config = _config(options)
    server = serve_verb.listening(config.server, host=options.host, port=options.port, lan=options.lan, tls=options.tls)
    return serve_verb.run(replace(config, server=server), assemble, sys.stdout, options.config)


def run_keys(options: argparse.Namespace) -> int:
    """`ragedge keys add|list|revoke`."""
    from ragedge import keys_verb
    from ragedge.keys import KeyFile

    return keys_verb.run(KeyFile(_config(options).keys_file), options.action, options.name, options.role, sys.stdout)


def _show_notes(box: Box) -> None:
    for note in box.notes:
        print(note, file=sys.stderr)


def run_index(options: argparse.Namespace) -> int:
    """`ragedge index list|info|check|rebuild|calibrate|remove`."""
    from ragedge import index_verbs
    from ragedge.config import load_config

    config = load_config(options.config)
    if options.action == "list":
        return index_verbs.show_list(Path(config.indexes_folder), sys.stdout)
    folder = config.index_folder(options.name)
    if not folder.is_dir():
        raise IndexMissing(f'there is no index "{folder.name}"', "make one: ragedge ingest FOLDER")
    if options.action == "info":
        from ragedge.assemble import make_collections

        return index_verbs.show_info(folder, sys.stdout, files=options.files, collections=make_collections(config))
    if options.action == "check":
        return index_verbs.check(folder, sys.stdout)
    if options.action == "calibrate":
        from ragedge import assemble, calibrate_verb

        return calibrate_verb.run(replace(config, index=folder.name), options, assemble, sys.stdout)
    if options.action == "rebuild":
        return index_verbs.rebuild(folder, sys.stdout)
    question = f'Remove the index "{folder.name}" with its copies of the documents and its past questions?'
    if not options.yes and not _agrees(question):
        return 0
    return index_verbs.remove(folder, sys.stdout, journal=config.journal_file(options.name))


def run_pinned(options: argparse.Namespace) -> int:
    """`ragedge pinned check|list|find`."""
    from ragedge import assemble, pinned_verbs

    return pinned_verbs.run(_config(options), options, assemble, sys.stdout)


def run_journal(options: argparse.Namespace) -> int:
    """`ragedge journal list|export|clear`."""
    from ragedge import journal_verbs

    path = _config(options).journal_file()
    if options.action == "clear" and not options.yes and not _agrees(f'Delete past questions of "{path.stem}"?'):
        return 0
    return journal_verbs.run(path, options, sys.stdout)


def run_models(options: argparse.Namespace) -> int:
    """`ragedge models list|pull|add|verify|remove|use`."""
    from ragedge import model_verbs

    return model_verbs.run(_config(options), options, sys.stdout, _agrees)


def _agrees(question: str) -> bool:
    if input(f"{question} [y/N] ").strip().lower() in ("y", "yes"):
        return True
    print("kept")
    return False


def run_eval(options: argparse.Namespace) -> int:
    """`ragedge eval QUESTIONS`."""
    from ragedge import assemble, eval_verb

    config = _config(options)
    if not options.index:
        config = replace(config, index=f"eval-{options.questions.resolve().parent.name}")
    return eval_verb.run(config, options, assemble, sys.stdout)


def run_bench(options: argparse.Namespace) -> int:
    """`ragedge bench`, `ragedge bench engine`, `ragedge bench --calibrate`."""
    from ragedge import bench, bench_verbs

    config = _config(options)
    if options.calibrate:
        return bench_verbs.calibrate(config, options, sys.stdout)
    if options.what == "engine":
        return bench_verbs.engine(config, options, sys.stdout)
    report = bench.run(config, corpus=options.corpus, chunks=options.chunks)
    print(bench.as_text(report))
    if options.json:
        options.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    return 0


VERBS: dict[str, Callable[[argparse.Namespace], int]] = {
    "ingest": run_ingest,
    "ask": run_ask,
    "summarise": run_summarise,
    "serve": run_serve,
    "mcp": run_mcp,
    "keys": run_keys,
    "index": run_index,
    "pinned": run_pinned,
    "journal": run_journal,
    "models": run_models,
    "eval": run_eval,
    "bench": run_bench,
}
