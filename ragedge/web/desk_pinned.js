// Reviewed answers: the list with what is wrong with their sources, and a form to write one, whose source is taken from
// the passages that a search finds. Every change says which state of the file was looked at.

import {getJson, postJson, remove} from "./api.js";
import {announce, byId, el, fill} from "./dom.js";
import {t} from "./languages.js";
import {pageName, pathName} from "./text.js";

const CHIPS = {valid: "good", waiting: "warn", over: "bad"};
const STATES = {valid: "pinned.valid", waiting: "pinned.waiting", over: "pinned.over"};
const FOUND = 6;

const view = {desk: null, panel: null, found: null};

export async function show(panel, desk, [number, question]) {
  Object.assign(view, {desk, panel});
  await desk.attempt(async () => {
    view.found = await getJson("/v1/admin/pinned");
    if (number === undefined) return drawList();
    const answer = view.found.answers.find((one) => String(one.number) === number);
    return drawForm(answer ?? null, question ?? "");
  });
}

function drawList() {
  const {found, desk} = view;
  fill(
    view.panel,
    el("p", {class: "muted"}, t("pinned.intro"), " ", t(found.is_configured ? "pinned.file" : "pinned.beside", {file: found.file})),
    found.fault ? el("p", {class: "notice", role: "alert"}, t("pinned.fault", {fault: found.fault})) : null,
    el("p", {}, el("a", {class: "button primary", id: "pinned-new", href: desk.place("pinned", "new")}, t("pinned.new"))),
    found.answers.length ? el("ul", {class: "pinned-list", id: "pinned-list"}, ...found.answers.map(item)) : el("p", {id: "pinned-none"}, t("pinned.none")),
  );
}

function item(answer) {
  const [question, ...others] = answer.questions;
  const time = [
    answer.valid_from ? `${t("pinned.from")}: ${answer.valid_from}` : null,
    answer.valid_until ? `${t("pinned.until")}: ${answer.valid_until}` : null,
    answer.reviewed_by ? `${t("pinned.reviewer")}: ${answer.reviewed_by}` : null,
  ].filter(Boolean);
  const place = [pathName(answer.path), answer.page === null ? "" : pageName(answer.page, null, answer.path)].filter(Boolean).join(", ");
  return el(
    "li",
    {class: "card pinned"},
    el("h2", {dir: "auto"}, question),
    others.length ? el("p", {class: "muted", dir: "auto"}, others.join(" · ")) : null,
    el("p", {}, el("span", {class: `chip ${CHIPS[answer.state]}`}, t(STATES[answer.state]))),
    el("p", {class: "pinned-text", dir: "auto"}, answer.text),
    answer.quote ? el("blockquote", {dir: "auto"}, answer.quote) : null,
    el("p", {class: "muted", dir: "auto"}, place),
    time.length ? el("p", {class: "muted"}, time.join(" · ")) : null,
    answer.problem ? el("p", {class: "desk-warning"}, t("pinned.problem", {problem: answer.problem})) : null,
    el(
      "div",
      {class: "group"},
      el("a", {class: "button small", href: view.desk.place("pinned", answer.number), "aria-label": t("pinned.editOne", {question})}, t("pinned.edit")),
      el("button", {type: "button", class: "danger small", "aria-label": t("pinned.removeOne", {question}), onclick: () => removeOne(answer)}, t("documents.remove")),
    ),
  );
}

async function removeOne({number, questions: [question]}) {
  const isSure = await view.desk.confirm({title: t("pinned.removeTitle"), text: t("pinned.removeText", {question}), yes: t("documents.remove")});
  if (!isSure) return;
  const {revision} = view.found;
  const isDone = await view.desk.attempt(() => remove(`/v1/admin/pinned/${number}?${new URLSearchParams({revision})}`));
  if (!isDone) return;
  announce(t("pinned.removed"));
  await show(view.panel, view.desk, []);
}

// ---------------------------------------------------------------------------------------------- the form

const labelled = (key, field) => el("label", {}, el("span", {}, t(key)), field);
const text = (id, value, more = {}) => el("input", {type: "text", id, value, autocomplete: "off", dir: "auto", ...more});
const area = (id, value, rows, more = {}) => el("textarea", {id, rows, dir: "auto", ...more}, value);

function drawForm(answer, question) {
  const {desk} = view;
  desk.heading(t(answer ? "pinned.change" : "pinned.new"));
  const words = text("pinned-words", answer?.questions[0] ?? question, {maxlength: 2000, enterkeyhint: "search"});
  const passages = el("ul", {id: "pinned-passages", class: "pinned-passages"});
  const search = el("div", {class: "group pinned-search"}, words, el("button", {type: "button", id: "pinned-find", onclick: () => find(words.value, passages)}, t("pinned.find")));
  words.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.isComposing) return;
    event.preventDefault(); // it would send the whole form
    find(words.value, passages);
  });
  const form = el(
    "form",
    {id: "pinned-form", class: "desk-form card", novalidate: true},
    labelled("pinned.questions", area("pinned-questions", answer?.questions.join("\n") ?? question, 3, {"aria-required": "true"})),
    labelled("pinned.text", area("pinned-answer", answer?.text ?? "", 4, {maxlength: 8000, "aria-required": "true"})),
    el(
      "fieldset",
      {},
      el("legend", {}, t("pinned.source")),
      el("label", {for: "pinned-words"}, el("span", {}, t("pinned.words"))),
      search,
      passages,
      el(
        "div",
        {class: "fields"},
        labelled("pinned.path", text("pinned-path", answer?.path ?? "", {"aria-required": "true"})),
        labelled("pinned.page", el("input", {type: "number", id: "pinned-page", min: 1, value: answer?.page ?? null})),
      ),
      labelled("pinned.quote", area("pinned-quote", answer?.quote ?? "", 3, {maxlength: 8000})),
    ),
    el(
      "div",
      {class: "fields"},
      labelled("pinned.from", el("input", {type: "date", id: "pinned-from", value: answer?.valid_from ?? null})),
      labelled("pinned.until", el("input", {type: "date", id: "pinned-until", value: answer?.valid_until ?? null})),
      labelled("pinned.reviewer", text("pinned-reviewer", answer?.reviewed_by ?? "", {maxlength: 200})),
    ),
    el(
      "div",
      {class: "group"},
      el("button", {type: "submit", class: "primary", id: "pinned-save"}, t("pinned.save")),
      el("a", {class: "button", href: desk.place("pinned")}, t("desk.cancel")),
    ),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    save(answer);
  });
  fill(view.panel, form);
  if (question) return find(question, passages);
  return undefined;
}

async function find(words, list) {
  if (!words.trim()) return;
  await view.desk.attempt(async () => {
    const {retrieval, evidence} = await postJson("/v1/search", {text: words, top_k: FOUND});
    fill(list, ...retrieval.hits.map((hit, i) => passage(hit, evidence.find((one) => one.hit_index === i))));
    if (!retrieval.hits.length) fill(list, el("li", {class: "muted"}, t("passages.none")));
    announce(list.textContent.slice(0, 200));
  });
}

// A passage to take: the sentence that words mark in it, or else the text of its first page.
function passage({chunk, title}, evidence) {
  const span = evidence?.span ?? chunk.spans[0] ?? {page: 1};
  const quote = evidence?.text ?? chunk.text;
  const place = [title || pathName(chunk.document_path), pageName(span.page, null, chunk.document_path)].filter(Boolean).join(", ");
  const take = () => {
    byId("pinned-path").value = chunk.document_path;
    byId("pinned-page").value = span.page;
    byId("pinned-quote").value = quote;
    announce(t("pinned.taken", {place}));
    byId("pinned-quote").focus();
  };
  return el(
    "li",
    {},
    el("p", {class: "muted", dir: "auto"}, place),
    el("blockquote", {dir: "auto"}, quote),
    el("button", {type: "button", class: "small", onclick: take, "aria-label": t("pinned.takeOne", {place})}, t("pinned.take")),
  );
}

async function save(answer) {
  const value = (id) => byId(`pinned-${id}`).value.trim();
  const body = {
    questions: value("questions").split("\n").map((line) => line.trim()).filter(Boolean),
    text: value("answer"),
    path: value("path"),
    page: value("page") ? Number(value("page")) : null,
    quote: value("quote") || null,
    valid_from: value("from") || null,
    valid_until: value("until") || null,
    reviewed_by: value("reviewer"),
    revision: view.found.revision,
  }; // prettier-ignore
  const empty = ["questions", "answer", "path"].find((id) => !value(id));
  if (empty) {
    view.desk.fail(new Error(t("pinned.missing")));
    byId(`pinned-${empty}`).focus();
    return;
  }
  const isDone = await view.desk.attempt(() => postJson(`/v1/admin/pinned${answer ? `/${answer.number}` : ""}`, body));
  if (!isDone) return;
  location.hash = view.desk.place("pinned");
  announce(t("pinned.saved"));
}
