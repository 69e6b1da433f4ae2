// The documents of the desk: the list that can be searched, narrowed and sorted, and files that are added to it.
// One document of it is admin_document.js.

import {showDocument} from "./admin_document.js";
import {readingPart} from "./admin_reading.js";
import {change, getJson, remove} from "./api.js";
import {announce, el, fill} from "./dom.js";
import {count, language, t} from "./languages.js";
import {REASONS} from "./reasons.js";
import {bytesName, pathName} from "./text.js";
import {makeUploadZone} from "./upload.js";

const PAGE = 100;
const TYPING_MS = 250; // between the last letter typed and the search

const SHOWN = {
  all: "desk.showAll",
  ready: "documents.ready",
  partial: "documents.partial",
  rejected: "desk.showRejected",
  doubled: "desk.showDoubled",
  undated: "desk.showUndated",
};
// Columns: field to sort by, words, and whether the first click means the greatest first.
const COLUMNS = [
  ["title", "desk.colDocument", false],
  ["state", "desk.colState", false],
  ["pages", "desk.colPages", true],
  ["chunks", "desk.colPassages", true],
  ["size_bytes", "desk.colSize", true],
  ["language", "desk.colLanguage", false],
  ["date", "desk.colDate", true],
  ["added_at", "desk.colAdded", true],
];
const NUMBERS = new Set(["pages", "chunks", "size_bytes"]);
const CHIPS = {ready: "good", partial: "warn", rejected: "bad"};

// What was looked for stays while other tabs and documents are visited.
const wanted = {search: "", show: "all", language: "", sort: "path", descending: false};
const view = {desk: null, parts: null, reading: null, shown: 0, asked: 0, timer: 0};

export async function show(panel, desk, [id]) {
  view.desk = desk;
  view.parts = null;
  if (id) return showDocument(panel, desk, id);
  const parts = makeParts();
  view.parts = parts;
  if (desk.service.can_change) {
    const zone = makeUploadZone(desk.service, () => load(0));
    panel.append(el("section", {class: "desk-upload", "aria-label": t("upload.label")}, zone), parts.reading);
  } else {
    panel.append(el("p", {class: "notice"}, t("documents.fixed")));
  }
  panel.append(parts.tools, parts.summary, parts.frame, el("p", {}, parts.more));
  return load(0);
}

export function leave() {
  clearTimeout(view.timer);
  view.reading?.stop();
  view.reading = null;
  view.parts = null;
}

function makeParts() {
  const search = el("input", {type: "search", id: "desk-search", value: wanted.search, maxlength: 200, autocomplete: "off", dir: "auto"});
  const choice = el("select", {id: "desk-show", autocomplete: "off"});
  const languages = el("select", {id: "desk-language", autocomplete: "off"});
  const sorts = el(
    "select",
    {id: "desk-sort", autocomplete: "off"},
    el("option", {value: "path"}, t("desk.sortPath")),
    ...COLUMNS.map(([field, words]) => el("option", {value: field}, t(words))),
  );
  search.addEventListener("input", () => {
    clearTimeout(view.timer);
    view.timer = setTimeout(() => want({search: search.value}), TYPING_MS);
  });
  choice.addEventListener("change", () => want({show: choice.value}));
  languages.addEventListener("change", () => want({language: languages.value}));
  sorts.addEventListener("change", () => sortBy(sorts.value));
  const tools = el(
    "div",
    {class: "desk-tools", role: "search", "aria-label": t("desk.search")},
    el("label", {class: "grow"}, el("span", {}, t("desk.search")), search),
    el("label", {}, el("span", {}, t("desk.show")), choice),
    el("label", {}, el("span", {}, t("desk.colLanguage")), languages),
    el("label", {class: "narrow-only"}, el("span", {}, t("desk.sort")), sorts),
  );
  const heads = COLUMNS.map(([field, words]) =>
    el(
      "th",
      {scope: "col", "data-field": field, role: "columnheader", class: NUMBERS.has(field) ? "number" : null},
      el("button", {type: "button", class: "sort", onclick: () => sortBy(field)}, t(words)),
    ),
  );
  const rows = el("tbody", {id: "desk-rows", role: "rowgroup"});
  const table = el(
    "table",
    {class: "desk-table", role: "table", "aria-label": t("start.all")},
    el("thead", {role: "rowgroup"}, el("tr", {role: "row"}, ...heads)),
    rows,
  );
  return {
    reading: el("div", {}),
    tools, choice, languages, sorts, heads, rows,
    summary: el("p", {class: "muted", id: "desk-summary"}),
    frame: el("div", {class: "desk-frame"}, table),
    more: el("button", {type: "button", id: "desk-more", hidden: true, onclick: () => load(view.shown)}, t("documents.more")),
  }; // prettier-ignore
}

function want(change) {
  Object.assign(wanted, change);
  return load(0);
}

// The same column again turns the order round.
function sortBy(field) {
  const isSame = wanted.sort === field;
  const greatestFirst = COLUMNS.find(([name]) => name === field)?.[2] ?? false;
  return want({sort: field, descending: isSame ? !wanted.descending : greatestFirst});
}

async function load(offset) {
  const asked = (view.asked += 1);
  const query = new URLSearchParams({...wanted, offset, limit: PAGE});
  await view.desk.attempt(async () => {
    const found = await getJson(`/v1/admin/documents?${query}`);
    if (asked === view.asked && view.parts) draw(found, offset);
  });
}

function draw(found, offset) {
  const {parts} = view;
  if (found.can_change && !view.reading) {
    view.reading = readingPart(view.desk, found.folder, () => load(0));
    parts.reading.append(view.reading.part);
  }
  const rows = found.documents.map((row) => tableRow(row, found));
  if (offset === 0) fill(parts.rows, ...rows);
  else parts.rows.append(...rows);
  view.shown = offset + rows.length;
  parts.more.hidden = view.shown >= found.total;
  if (found.total === 0) {
    const note = t(found.counts.all ? "desk.noneFits" : "start.none");
    fill(parts.rows, el("tr", {role: "row"}, el("td", {role: "cell", colspan: COLUMNS.length}, note)));
  }
  parts.summary.textContent = t("desk.shown", {shown: view.shown, total: found.total, all: found.counts.all});
  announce(parts.summary.textContent);
  choices(parts.choice, Object.entries(SHOWN).map(([value, words]) => [value, `${t(words)} (${found.counts[value]})`]), wanted.show);
  choices(parts.languages, [["", t("desk.showAll")], ...found.languages.map((code) => [code, languageName(code)])], wanted.language);
  parts.sorts.value = wanted.sort;
  for (const head of parts.heads) {
    const isSorted = head.dataset.field === wanted.sort;
    if (isSorted) head.setAttribute("aria-sort", wanted.descending ? "descending" : "ascending");
    else head.removeAttribute("aria-sort");
  }
}

function choices(select, options, value) {
  fill(select, ...options.map(([code, words]) => el("option", {value: code}, words)));
  select.value = value;
}

export function languageName(code) {
  try {
    return new Intl.DisplayNames([language()], {type: "language"}).of(code) ?? code;
  } catch {
    return code; // what a file declares need not be a language's code
  }
}

function tableRow(row, found) {
  const cell = (words, key, properties = {}) => el("td", {role: "cell", "data-label": t(key), ...properties}, words);
  const number = (value) => (row.id ? value.toLocaleString(language()) : "");
  const dated = [row.date, row.edition ? t("desk.edition", {edition: row.edition}) : null].filter(Boolean).join(", ");
  return el(
    "tr",
    {role: "row", class: `is-${row.state}`},
    el("td", {role: "cell", class: "desk-name"}, ...nameOf(row, found)),
    el("td", {role: "cell", "data-label": t("desk.colState")}, el("span", {class: `chip ${CHIPS[row.state]}`}, stateName(row))),
    cell(number(row.pages), "desk.colPages", {class: "number"}),
    cell(number(row.chunks), "desk.colPassages", {class: "number"}),
    cell(bytesName(row.size_bytes), "desk.colSize", {class: "number"}),
    cell(row.language ? languageName(row.language) : "", "desk.colLanguage"),
    cell(dated, "desk.colDate", {class: "day"}),
    cell(row.added_at?.slice(0, 10) ?? "", "desk.colAdded", {class: "day"}),
  );
}

export const stateName = (row) => t({ready: "documents.ready", partial: "documents.partial"}[row.state] ?? REASONS[row.reason] ?? REASONS.unreadable);

function nameOf(row, found) {
  const name = pathName(row.path);
  const title = row.title || name;
  const lines = [
    row.id
      ? el("a", {href: view.desk.place("documents", row.id), class: "desk-title", dir: "auto"}, title)
      : el("span", {class: "desk-title", dir: "auto"}, title),
  ];
  if (title !== name) lines.push(el("span", {class: "muted", dir: "auto"}, name));
  if (row.other_paths.length) lines.push(el("span", {class: "muted"}, t("documents.also", {names: row.other_paths.map(pathName).join(", ")})));
  if (row.id && row.problems) lines.push(el("span", {class: "desk-warning"}, count("n.problems", row.problems)));
  if (row.detail) lines.push(el("span", {class: "muted", dir: "auto"}, row.detail));
  if (!row.id && found.can_change) lines.push(rejectedTools(row, name));
  return lines;
}

function rejectedTools(row, name) {
  const forget = async () => {
    const isSure = await view.desk.confirm({title: t("desk.forgetTitle"), text: t("desk.forgetText", {name}), yes: t("documents.remove")});
    if (!isSure) return;
    const isDone = await view.desk.attempt(() => remove(`/v1/documents?${new URLSearchParams({path: row.path})}`));
    if (isDone) announce(t("documents.removed", {name}));
    await load(0);
  };
  const again = async (event) => {
    event.currentTarget.disabled = true;
    const isDone = await view.desk.attempt(() => change("POST", "/v1/admin/documents/again", {path: row.path}));
    if (isDone) announce(t("desk.wasRead", {name}));
    const problem = isDone ? null : document.getElementById("tab-problem").firstChild?.textContent;
    await load(0);
    if (problem) announce(problem);
  };
  return el(
    "span",
    {class: "group"},
    // of a file that gave no text no copy is kept: only the folder has it
    row.is_upload ? null : el("button", {type: "button", class: "small", "aria-label": t("desk.againOne", {name}), onclick: again}, t("desk.again")),
    el("button", {type: "button", class: "danger small", "aria-label": t("documents.removeOne", {name}), onclick: forget}, t("documents.remove")),
  );
}
