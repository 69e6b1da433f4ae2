// What people asked: the list that can be narrowed and searched, repeats taken together, files to take along, deletion.

import {getJson, remove} from "./api.js";
import {announce, el, fill} from "./dom.js";
import {count, language, t} from "./languages.js";
import {durationName, pathName} from "./text.js";

const PAGE = 50;
const TYPING_MS = 250; // between the last letter typed and the search
const SHOWN = {all: "desk.showAll", unanswered: "asked.unanswered", unsure: "asked.unsure", down: "asked.down"};
const SPANS = [1, 7, 30, 90];
const CHIPS = {answered: "good", truncated: "good", unsure: "warn", abstained: "bad"};
const OUTCOMES = {
  answered: "days.answered", truncated: "outcome.truncated", unsure: "asked.unsure", abstained: "asked.unanswered",
  cancelled: "outcome.cancelled",
}; // prettier-ignore

const wanted = {show: "all", days: "", text: "", isTogether: false};
const view = {desk: null, parts: null, shown: 0, asked: 0, timer: 0};

export async function show(panel, desk) {
  view.desk = desk;
  view.parts = makeParts(panel);
  const {tools, files, summary, frame, more} = view.parts;
  panel.append(tools, files, summary, frame, el("p", {}, more));
  return load(0);
}

export function leave() {
  clearTimeout(view.timer);
  view.parts = null;
}

// Said wherever the journal's figures would stand.
export const notKept = () => el("div", {class: "notice"}, el("p", {}, t("asked.off")), el("pre", {}, el("code", {}, "[journal]\nenabled = true")));

function makeParts(panel) {
  const options = (pairs) => pairs.map(([value, words]) => el("option", {value}, words));
  const search = el("input", {type: "search", id: "asked-search", value: wanted.text, maxlength: 200, autocomplete: "off", dir: "auto"});
  const choice = el("select", {id: "asked-show", autocomplete: "off"}, ...options(Object.entries(SHOWN).map(([value, key]) => [value, t(key)])));
  const since = el("select", {id: "asked-since", autocomplete: "off"}, ...options([["", t("asked.ever")], ...SPANS.map((days) => [days, count("n.days", days)])]));
  const together = el("input", {type: "checkbox", id: "asked-together", checked: wanted.isTogether});
  choice.value = wanted.show;
  since.value = wanted.days;
  search.addEventListener("input", () => {
    clearTimeout(view.timer);
    view.timer = setTimeout(() => want({text: search.value}), TYPING_MS);
  });
  choice.addEventListener("change", () => want({show: choice.value}));
  since.addEventListener("change", () => want({days: since.value}));
  together.addEventListener("change", () => want({isTogether: together.checked}));
  const file = (id, key) => el("a", {id, class: "button small", download: true}, t(key));
  const csv = file("asked-csv", "asked.csv");
  const drafts = file("asked-drafts", "asked.drafts");
  const clear = el("button", {type: "button", id: "asked-clear", class: "danger small", onclick: deleteAll}, t("asked.deleteAll"));
  return {
    panel, csv, drafts,
    tools: el(
      "div",
      {class: "desk-tools", role: "search", "aria-label": t("asked.tab")},
      el("label", {class: "grow"}, el("span", {}, t("asked.search")), search),
      el("label", {}, el("span", {}, t("desk.show")), choice),
      el("label", {}, el("span", {}, t("asked.since")), since),
      el("label", {class: "check"}, together, el("span", {}, t("asked.together"))),
    ),
    files: el("div", {class: "group"}, csv, drafts, clear),
    summary: el("p", {class: "muted", id: "asked-summary"}),
    frame: el("div", {class: "desk-frame"}),
    more: el("button", {type: "button", id: "asked-more", hidden: true, onclick: () => load(view.shown)}, t("documents.more")),
  }; // prettier-ignore
}

function want(change) {
  Object.assign(wanted, change);
  return load(0);
}

function query(more = {}) {
  const values = {text: wanted.text, ...more};
  if (wanted.show !== "all") values[wanted.show] = true;
  if (wanted.days) values.since = `${wanted.days}d`;
  return new URLSearchParams(values);
}

async function load(offset) {
  const asked = (view.asked += 1);
  const {isTogether} = wanted;
  await view.desk.attempt(async () => {
    const found = await getJson(`/v1/admin/questions${isTogether ? "/repeats" : ""}?${query({offset, limit: PAGE})}`);
    if (asked !== view.asked || !view.parts) return;
    if (found.is_kept) draw(found, offset, isTogether);
    else fill(view.parts.panel, notKept());
  });
}

function draw(found, offset, isTogether) {
  const {parts} = view;
  if (offset === 0) fill(parts.frame, table(isTogether));
  const body = parts.frame.querySelector("tbody");
  body.append(...found.rows.map(isTogether ? repeatsRow : questionRow));
  view.shown = offset + found.rows.length;
  parts.more.hidden = view.shown >= found.total;
  if (found.total === 0) body.append(el("tr", {role: "row"}, el("td", {role: "cell", colspan: 7}, t("asked.none"))));
  parts.summary.textContent = t("asked.shown", {shown: view.shown.toLocaleString(language()), questions: count("n.questions", found.total)});
  announce(parts.summary.textContent);
  parts.csv.href = `/v1/admin/questions/export?${query({format: "csv"})}`;
  parts.drafts.href = `/v1/admin/questions/export?${query({format: "drafts"})}`;
}

const HEADS = ["asked.question", "asked.when", "asked.outcome", "asked.source", "asked.engine", "asked.took", "asked.rating"];
const REPEATS_HEADS = ["asked.question", "asked.times", "asked.lastTime", "asked.outcome", "asked.unanswered", "asked.unsure", "asked.down"];

function table(isTogether) {
  const heads = (isTogether ? REPEATS_HEADS : HEADS).map((key) => el("th", {scope: "col", role: "columnheader"}, t(key)));
  return el(
    "table",
    {class: "desk-table many", role: "table", "aria-label": t("asked.tab")},
    el("thead", {role: "rowgroup"}, el("tr", {role: "row"}, ...heads)),
    el("tbody", {id: "asked-rows", role: "rowgroup"}),
  );
}

const cell = (key, content, properties = {}) => el("td", {role: "cell", "data-label": t(key), ...properties}, content);
const chip = (outcome) => el("span", {class: `chip ${CHIPS[outcome] ?? ""}`}, OUTCOMES[outcome] ? t(OUTCOMES[outcome]) : outcome);

export const momentName = (moment) =>
  new Date(moment).toLocaleString(language(), {year: "numeric", month: "short", day: "numeric", hour: "2-digit", minute: "2-digit"});

function questionRow(row) {
  const place = row.document ? [pathName(row.document), row.page === null ? null : t("page.number", {number: row.page})].filter(Boolean).join(", ") : "";
  const rating = {up: t("asked.up"), down: t("asked.down")}[row.verdict] ?? "";
  return el(
    "tr",
    {role: "row"},
    el(
      "td",
      {role: "cell", class: "desk-name"},
      el("span", {class: "desk-title", dir: "auto"}, row.question),
      row.reason ? el("span", {class: "desk-warning", dir: "auto"}, row.reason) : null,
      el(
        "span",
        {class: "group"},
        pinLink(row.question),
        el("button", {type: "button", class: "small", "aria-label": t("asked.deleteOne", {question: row.question}), onclick: () => deleteOne(row)}, t("asked.delete")),
      ),
    ),
    cell("asked.when", momentName(row.asked_at), {class: "day"}),
    cell("asked.outcome", chip(row.outcome)),
    cell("asked.source", place, {dir: "auto"}),
    cell("asked.engine", row.engine, {dir: "auto"}),
    cell("asked.took", durationName(row.total_ms) ?? "", {class: "number"}),
    cell("asked.rating", rating),
  );
}

function repeatsRow(row) {
  const number = (key, value) => cell(key, value ? value.toLocaleString(language()) : "", {class: "number"});
  return el(
    "tr",
    {role: "row"},
    el(
      "td",
      {role: "cell", class: "desk-name"},
      el("span", {class: "desk-title", dir: "auto"}, row.question),
      ...row.reasons.map((reason) => el("span", {class: "desk-warning", dir: "auto"}, reason)),
      el("span", {class: "group"}, pinLink(row.question)),
    ),
    number("asked.times", row.times),
    cell("asked.lastTime", momentName(row.last_asked_at), {class: "day"}),
    cell("asked.outcome", chip(row.last_outcome)),
    number("asked.unanswered", row.unanswered),
    number("asked.unsure", row.unsure),
    number("asked.down", row.down),
  );
}

const pinLink = (question) =>
  el("a", {class: "button small", href: view.desk.place("pinned", "new", question), "aria-label": t("asked.pinOne", {question})}, t("asked.pin"));

async function deleteOne(row) {
  const isSure = await view.desk.confirm({title: t("asked.deleteTitle"), text: t("asked.deleteText", {question: row.question}), yes: t("asked.delete")});
  if (isSure) await deleteAt(`/v1/admin/questions/${row.id}`);
}

async function deleteAll() {
  const isSure = await view.desk.confirm({title: t("asked.deleteAllTitle"), text: t("asked.deleteAllText"), yes: t("asked.deleteAll")});
  if (isSure) await deleteAt("/v1/admin/questions");
}

async function deleteAt(url) {
  let gone = 0;
  const isDone = await view.desk.attempt(async () => {
    gone = (await remove(url)).deleted;
  });
  await load(0);
  if (isDone) announce(count("n.deleted", gone));
}
