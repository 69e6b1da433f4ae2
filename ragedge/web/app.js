// Ties the page together: asking, following up, the two views, and the first visit.

import {setUpAccount} from "./account.js";
import {addPiece, clearAnswer, showAnswer, showOutcome} from "./answer.js";
import {eventStream, getJson} from "./api.js";
import {chosen, setUpCollections, showCollections} from "./collections.js";
import {announce, byId, el, fill} from "./dom.js";
import {loadDocuments, setService, setUpDocuments, uploadZone} from "./documents.js";
import {setUpFeedback} from "./feedback.js";
import {count, language, setUpLanguageChooser, startLanguages, t} from "./languages.js";
import {passageItems} from "./passages.js";
import {allowPast, chosenLanguage, chooseLanguage, rememberQuestion, showPast} from "./past.js";
import {showSuggestions} from "./suggestions.js";
import {setUpSharing} from "./share.js";
import {openSource, setUpSource} from "./source.js";
import {questionTask, rewriteTask, setUpRewriting, summaryTask} from "./tasks.js";
import {pathName} from "./text.js";

let running = null;
let lastTask = null;
let found = null;
let shown = null;
// Earlier exchanges that a follow-up question brings along; more would crowd the sources out of a small model.
let turns = [];
const MAX_TURNS = 4;

function ask(question, history = []) {
  turns = history;
  return run(questionTask(question, history));
}

function summarise(info) {
  location.hash = "#ask";
  turns = [];
  return run(summaryTask(info));
}

// The answer in other words takes the answer's place; a follow-up still follows the question.
const rewrite = (code) => shown && run(rewriteTask(shown, code));

// Runs a task of tasks.js.
async function run(task) {
  running?.abort();
  const controller = new AbortController();
  running = controller;
  lastTask = task;
  shown = null;
  setBusy(true);
  byId("problem").hidden = true;
  byId("welcome").hidden = true;
  byId("start-line").hidden = true;
  clearAnswer(task.name);
  byId("earlier").textContent = turns.length ? t("answer.earlier", {questions: turns.map((turn) => turn.question).join(" › ")}) : "";
  found = null;
  fill(byId("passages"));
  byId("passages-heading").textContent = t("passages.heading");
  byId("result").hidden = false;
  byId("answer").hidden = false;
  let isComplete = false;
  const onEvent = (name, data) => {
    if (running !== controller) return;
    if (name === "passages") showPassages((found = data));
    else if (name === "piece") addPiece(data.text);
    else if (name === "answer") {
      isComplete = true;
      shown = {name: task.name, question: task.question, answer: data, found};
      announce(`${showAnswer(data, found?.timings.total_ms ?? 0)}. ${count("n.sources", data.citations.length)}`);
      nameClosest(data.outcome);
      remark(data);
      if (task.path === "/v1/ask/stream") rememberQuestion(task.question);
    }
  };
  try {
    const wish = task.path === "/v1/ask/stream" ? {...task.wish, ...chosen()} : task.wish;
    await eventStream(task.path, wish, controller.signal, onEvent);
    if (!isComplete && running === controller) stopped();
  } catch (error) {
    if (running !== controller) return;
    if (error.name === "AbortError") stopped();
    else fail(error);
  } finally {
    if (running === controller) {
      running = null;
      setBusy(false);
      byId("answer-text").setAttribute("aria-busy", "false");
      if (shown === null && task.origin) showOrigin(task.origin);
      for (const id of ["answer-tools", "follow-form"]) byId(id).hidden = shown === null;
    }
  }
}

// Where an answer could not be put into other words, it comes back as it was.
function showOrigin(origin) {
  shown = origin;
  clearAnswer(origin.name);
  showAnswer(origin.answer, 0);
  if (origin.found) showPassages((found = origin.found));
  byId("answer").hidden = false;
  byId("result").hidden = false;
}

function followUp() {
  const question = byId("follow").value.trim();
  if (!question || !shown) return;
  byId("follow").value = "";
  const {text, outcome} = shown.answer;
  const said = {question: shown.question, answer: outcome === "abstained" ? "" : text};
  ask(question, [...turns, said].slice(-MAX_TURNS));
}

function showPassages(found) {
  const items = passageItems(found);
  fill(byId("passages"), ...items);
  if (!items.length) fill(byId("passages"), el("li", {class: "muted"}, t("passages.none")));
  announce(count("n.found", items.length));
}

// The first marks are made by words alone; the answer brings better ones. Nobody's place is taken away for them.
function remark(answer) {
  const list = byId("passages");
  if (list.contains(document.activeElement) || list.querySelector("[aria-expanded='true']")) return;
  const hits = answer.hits.map((hit) => hit.chunk.id).join();
  if (found && hits === found.retrieval.hits.map((hit) => hit.chunk.id).join()) {
    fill(list, ...passageItems({...found, evidence: answer.evidence}));
  }
}

function nameClosest(outcome) {
  const keys = {abstained: "passages.closest", unsure: "passages.check"};
  byId("passages-heading").textContent = t(keys[outcome] ?? "passages.heading");
}

function stopped() {
  showOutcome("cancelled");
  announce(t("ask.stopped"));
}

function fail(error) {
  byId("problem-message").textContent = error.message;
  byId("problem-hint").textContent = error.hint ? `${error.hint[0].toUpperCase()}${error.hint.slice(1)}` : "";
  byId("problem").hidden = false;
  byId("answer").hidden = true;
  byId("result").hidden = byId("passages").childElementCount === 0;
}

function setBusy(isBusy) {
  byId("ask-button").hidden = isBusy;
  byId("stop-button").hidden = !isBusy;
  byId("again").hidden = isBusy;
}

async function refresh() {
  try {
    const service = await getJson("/v1/index");
    setService(service);
    byId("rewrite-tools").hidden = service.engine === "extractive";
    byId("brand").textContent = service.title;
    document.title = service.title;
    byId("question").maxLength = service.max_question_chars;
    byId("document-count").textContent = service.counts.documents.toLocaleString(language());
    allowPast(service.keeps_history);
    showCollections(service.collections);
    await showStart(service);
  } catch (error) {
    fail(error);
  }
}

async function showStart(service) {
  const {documents, pages} = service.counts;
  const isFresh = byId("result").hidden;
  byId("start-line").textContent = documents
    ? t("start.ready", {documents: count("n.documents", documents), pages: count("n.pages", pages)})
    : t("start.none");
  byId("start-line").hidden = !isFresh;
  const welcome = byId("welcome");
  if (documents === 0) {
    if (welcome.dataset.kind !== "empty") {
      welcome.dataset.kind = "empty";
      fill(
        welcome,
        el("h2", {}, t("start.add")),
        el("p", {}, t("start.how")),
        service.can_change ? uploadZone() : el("p", {class: "notice"}, t("start.command")),
      );
    }
  } else if (welcome.dataset.kind === "empty") {
    if (!welcome.querySelector(".done-note")) {
      const box = el("div", {});
      welcome.append(el("p", {class: "done-note"}, t("start.done")), box);
      showSuggestions(box, start, service.questions);
      byId("question").focus();
    }
  } else {
    welcome.dataset.kind = "start";
    const box = el("div", {});
    fill(welcome, box, ...(await startList()), showPast(start));
    showSuggestions(box, start, service.questions);
  }
  welcome.hidden = !isFresh;
}

function start(question) {
  byId("question").value = question;
  ask(question);
}

async function startList() {
  const found = await getJson(`/v1/documents?${new URLSearchParams({limit: 6, ...chosen()})}`);
  const buttons = found.documents.map((info) => {
    const title = info.title || pathName(info.path);
    const open = () => openSource({documentId: info.id, title, page: 1, span: null, quote: ""});
    return el("li", {}, el("button", {type: "button", class: "pill", dir: "auto", onclick: open}, title));
  });
  const more = found.total > buttons.length ? el("li", {}, el("a", {href: "#documents", class: "pill"}, t("start.all"))) : null;
  return [el("h2", {class: "quiet-heading"}, t("start.about")), el("ul", {class: "pills"}, ...buttons, ...(more ? [more] : []))];
}

function showView() {
  const isDocuments = location.hash === "#documents";
  byId("view-ask").hidden = isDocuments;
  byId("view-documents").hidden = !isDocuments;
  for (const [id, isHere] of [["nav-ask", !isDocuments], ["nav-documents", isDocuments]]) {
    if (isHere) byId(id).setAttribute("aria-current", "page");
    else byId(id).removeAttribute("aria-current");
  }
  if (isDocuments) loadDocuments(0);
  else byId("question").focus();
}

function submit() {
  const question = byId("question").value.trim();
  if (question) ask(question);
}

async function setUp() {
  await startLanguages([chosenLanguage(), ...navigator.languages]);
  setUpLanguageChooser(byId("language"), chooseLanguage);
  byId("ask-form").addEventListener("submit", (event) => {
    event.preventDefault();
    submit();
  });
  byId("question").addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    submit();
  });
  byId("stop-button").addEventListener("click", () => {
    running?.abort();
    byId("question").focus();
  });
  for (const id of ["again", "problem-again"]) {
    byId(id).addEventListener("click", () => (lastTask ? run(lastTask) : refresh()));
  }
  byId("follow-form").addEventListener("submit", (event) => {
    event.preventDefault();
    followUp();
  });
  window.addEventListener("hashchange", showView);
  setUpSource(summarise);
  setUpDocuments(refresh, summarise);
  setUpRewriting(rewrite);
  setUpFeedback();
  setUpAccount();
  setUpCollections(refresh);
  setUpSharing(() => shown);
  refresh();
  showView();
}

setUp();
