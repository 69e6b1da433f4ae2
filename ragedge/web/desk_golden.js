// Golden questions: their file, a run with progress, the figures of all runs as a chart, and the failures of one.

import {getJson, postJson, remove} from "./api.js";
import {chart} from "./chart.js";
import {momentName} from "./desk_questions.js";
import {announce, byId, el, fill} from "./dom.js";
import {count, language, t} from "./languages.js";

const LOOK_MS = 700; // between two looks at a run
const BUSY = new Set(["running", "waiting", "stopping"]);
const FIGURES = [
  ["hit@5", "golden.found"],
  ["f1", "golden.words"],
  ["answered", "golden.answered"],
  ["refused", "golden.refused"],
];
const FAULTS = {
  not_found: "golden.faultFound",
  refused: "golden.faultRefused",
  not_cited: "golden.faultCited",
  wrong: "golden.faultWords",
  answered: "golden.faultAnswered",
};

const view = {desk: null, panel: null, timer: 0, visit: 0};

export async function show(panel, desk, [run]) {
  leave();
  Object.assign(view, {desk, panel});
  if (run) return desk.attempt(async () => drawRun(await getJson(`/v1/admin/golden/runs/${encodeURIComponent(run)}`)));
  const status = el("div", {id: "golden-status", class: "card golden-status"});
  const results = el("div", {id: "golden-results", class: "charts"});
  panel.append(el("p", {class: "muted"}, t("golden.intro")), status, results);
  return look(status, results, view.visit, null);
}

export function leave() {
  clearTimeout(view.timer);
  view.visit += 1;
}

async function look(status, results, visit, before) {
  await view.desk.attempt(async () => {
    const found = await getJson("/v1/admin/golden");
    if (visit !== view.visit) return;
    const again = () => look(status, results, visit, found);
    if (before === null || before.progress.state !== found.progress.state) announce(progressName(found.progress));
    drawStatus(status, found, again, before);
    if (before === null || before.runs.length !== found.runs.length) drawResults(results, found.runs);
    if (BUSY.has(found.progress.state)) view.timer = setTimeout(again, LOOK_MS);
  });
}

function progressName({state, done, total, problem}) {
  const shares = {done: done.toLocaleString(language()), total: total.toLocaleString(language())};
  switch (state) {
    case "running": return t("golden.running", shares);
    case "waiting": return t("golden.waiting", shares);
    case "stopping": return t("golden.stopping");
    case "stopped": return t("golden.stopped");
    case "failed": return t("golden.failed", {problem});
    case "done": return t("golden.done");
    default: return "";
  } // prettier-ignore
}

function drawStatus(status, found, again, before) {
  const {state, done, total} = found.progress;
  const isBusy = BUSY.has(state);
  const words = found.questions ? t("golden.count", {questions: count("n.questions", found.questions), file: found.file}) : t("golden.missing");
  if (before && isBusy && byId("golden-progress")) {
    byId("golden-progress").value = done;
    byId("golden-words").textContent = progressName(found.progress);
    byId("golden-stop").disabled = state === "stopping";
    return;
  }
  const hadFocus = status.contains(document.activeElement);
  const start = el("button", {type: "button", class: "primary", id: "golden-start", disabled: !found.questions, onclick: () => act(() => postJson("/v1/admin/golden/runs", {}), again)}, t("golden.start"));
  const stop = el("button", {type: "button", id: "golden-stop", disabled: state === "stopping", onclick: () => act(() => remove("/v1/admin/golden/runs"), again)}, t("golden.stop"));
  fill(
    status,
    el("p", {dir: "auto"}, words),
    found.problem ? el("p", {class: "desk-warning"}, found.problem) : null,
    isBusy ? el("progress", {id: "golden-progress", max: total, value: done, "aria-label": t("golden.tab")}) : null,
    el("p", {id: "golden-words", class: "muted"}, progressName(found.progress)),
    el("div", {class: "group"}, isBusy ? stop : start, isBusy ? null : fileChooser(found, again)),
  );
  if (hadFocus) (isBusy ? stop : start).focus();
}

async function act(work, again) {
  clearTimeout(view.timer);
  await view.desk.attempt(work);
  await again();
}

function fileChooser({is_configured: isConfigured}, again) {
  if (isConfigured) return el("span", {class: "muted"}, t("golden.configured"));
  const input = el("input", {type: "file", class: "unseen", id: "golden-file", accept: ".jsonl,.json,.txt", "aria-label": t("golden.choose")});
  input.addEventListener("change", async () => {
    const [file] = input.files;
    if (file) await act(async () => postJson("/v1/admin/golden/questions", {lines: await file.text()}), again);
  });
  return el("label", {class: "button"}, t("golden.choose"), input);
}

const share = (value) => (value === null || value === undefined ? "–" : value.toLocaleString(language(), {minimumFractionDigits: 2, maximumFractionDigits: 3}));

function drawResults(results, runs) {
  if (!runs.length) {
    fill(results, el("p", {class: "muted"}, t("golden.none")));
    return;
  }
  const last = runs[runs.length - 1];
  const figures = FIGURES.map(([name, key]) => ({name: t(key), values: runs.map((run) => run.figures[name] ?? null)}));
  const spoken = figures.map(({name, values}) => `${name} ${share(values[values.length - 1])}`).join(", ");
  fill(
    results,
    chart(results, {
      kind: "lines",
      title: t("golden.over"),
      description: t("golden.last", {date: momentName(last.started_at), figures: spoken}),
      head: t("golden.date"),
      labels: runs.map((run) => new Date(run.started_at).toLocaleDateString(language(), {day: "numeric", month: "short"})),
      top: 1,
      format: share,
      series: figures,
    }),
    el("div", {class: "desk-frame"}, table(runs)),
  );
}

function table(runs) {
  const heads = [["golden.date"], ["golden.number", 1], ...FIGURES.map(([, key]) => [key, 1]), ["golden.state", 1], ["asked.engine"], ["golden.failures"]];
  const cell = (key, content, properties = {}) => el("td", {role: "cell", "data-label": t(key), ...properties}, content);
  const row = (run) =>
    el(
      "tr",
      {role: "row"},
      cell("golden.date", momentName(run.started_at), {class: "day"}),
      cell("golden.number", run.questions === run.drawn_from ? String(run.questions) : `${run.questions} / ${run.drawn_from}`, {class: "number"}),
      ...FIGURES.map(([name, key]) => cell(key, share(run.figures[name]), {class: "number"})),
      cell("golden.state", String(run.generation), {class: "number"}),
      cell("asked.engine", run.engine, {dir: "auto"}),
      cell("golden.failures", el("a", {href: view.desk.place("golden", run.id)}, count("n.failures", run.failed))),
    );
  return el(
    "table",
    {class: "desk-table many", role: "table", "aria-label": t("golden.runs")},
    el("thead", {role: "rowgroup"}, el("tr", {role: "row"}, ...heads.map(([key, isNumber]) => el("th", {scope: "col", role: "columnheader", class: isNumber ? "number" : null}, t(key))))),
    el("tbody", {id: "golden-runs", role: "rowgroup"}, ...[...runs].reverse().map(row)),
  );
}

function drawRun({run, failures}) {
  view.desk.heading(t("golden.failuresOf", {date: momentName(run.started_at)}));
  fill(
    view.panel,
    el("p", {}, el("a", {class: "button", href: view.desk.place("golden")}, t("golden.back"))),
    failures.length ? el("ul", {class: "pinned-list", id: "golden-failures"}, ...failures.map(failureItem)) : el("p", {}, t("golden.noFailures")),
  );
}

function failureItem(failure) {
  const line = (key, values) =>
    values.length ? el("div", {}, el("dt", {}, t(key)), ...values.map((value) => el("dd", {dir: "auto"}, value))) : null;
  return el(
    "li",
    {class: "card pinned"},
    el("h2", {dir: "auto"}, failure.question),
    el("p", {class: "muted", dir: "auto"}, failure.id),
    ...failure.faults.map((name) => el("p", {class: "desk-warning"}, t(FAULTS[name] ?? "golden.faultWords"))),
    el(
      "dl",
      {class: "facts"},
      line("golden.expected", [...failure.expected, ...failure.sources]),
      line("golden.shown", [failure.shown, ...failure.cited].filter(Boolean)),
    ),
  );
}
