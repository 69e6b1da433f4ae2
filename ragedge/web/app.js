// Ties the page together: asking, the two views, and the first visit.

import {addPiece, clearAnswer, showAnswer, showOutcome} from "./answer.js";
import {askStream, getJson} from "./api.js";
import {announce, byId, el, fill} from "./dom.js";
import {loadDocuments, setService, setUpDocuments, uploadZone} from "./documents.js";
import {setUpFeedback} from "./feedback.js";
import {passageItems} from "./passages.js";
import {setUpSession} from "./session.js";
import {openSource, setUpSource} from "./source.js";
import {pathName, plural} from "./text.js";

let running = null;
let lastQuestion = "";
let found = null;

async function ask(question) {
  running?.abort();
  const controller = new AbortController();
  running = controller;
  lastQuestion = question;
  setBusy(true);
  byId("problem").hidden = true;
  byId("welcome").hidden = true;
  byId("start-line").hidden = true;
  clearAnswer(question);
  found = null;
  fill(byId("passages"));
  byId("passages-heading").textContent = "Passages";
  byId("result").hidden = false;
  byId("answer").hidden = false;
  let isComplete = false;
  const onEvent = (name, data) => {
    if (running !== controller) return;
    if (name === "passages") showPassages((found = data));
    else if (name === "piece") addPiece(data.text);
    else if (name === "answer") {
      isComplete = true;
      announce(`${showAnswer(data, found?.timings.total_ms ?? 0)}. ${plural(data.citations.length, "source")}.`);
      nameClosest(data.outcome);
      remark(data);
    }
  };
  try {
    await askStream(question, controller.signal, onEvent);
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
    }
  }
}

function showPassages(found) {
  const items = passageItems(found);
  fill(byId("passages"), ...items);
  if (!items.length) fill(byId("passages"), el("li", {class: "muted"}, "Nothing was found."));
  announce(`${plural(items.length, "passage")} found.`);
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
  const words = {abstained: "Closest passages", unsure: "Passages to check"};
  byId("passages-heading").textContent = words[outcome] ?? "Passages";
}

function stopped() {
  showOutcome("cancelled");
  announce("Stopped.");
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
    byId("brand").textContent = service.title;
    document.title = service.title;
    byId("question").maxLength = service.max_question_chars;
    byId("document-count").textContent = service.counts.documents.toLocaleString("en");
    await showStart(service);
  } catch (error) {
    fail(error);
  }
}

async function showStart(service) {
  const {documents, pages} = service.counts;
  const isFresh = byId("result").hidden;
  byId("start-line").textContent = documents
    ? `${plural(documents, "document")} with ${plural(pages, "page")} ready to be asked.`
    : "There are no documents yet.";
  byId("start-line").hidden = !isFresh;
  const welcome = byId("welcome");
  if (documents === 0) {
    if (welcome.dataset.kind !== "empty") {
      welcome.dataset.kind = "empty";
      fill(
        welcome,
        el("h2", {}, "Add your documents first"),
        el("p", {}, "They are read here, on this machine. Then ask: every answer shows the page it comes from."),
        service.can_change ? uploadZone() : el("p", {class: "notice"}, "Add them with: ragedge ingest FOLDER"),
      );
    }
  } else if (welcome.dataset.kind === "empty") {
    if (!welcome.querySelector(".done-note")) {
      welcome.append(el("p", {class: "done-note"}, "Ready. Type your first question above."));
      byId("question").focus();
    }
  } else {
    welcome.dataset.kind = "start";
    fill(welcome, ...(await startList()));
  }
  welcome.hidden = !isFresh;
}

async function startList() {
  const found = await getJson("/v1/documents?limit=6");
  const buttons = found.documents.map((info) => {
    const title = info.title || pathName(info.path);
    const open = () => openSource({documentId: info.id, title, page: 1, span: null, quote: ""});
    return el("li", {}, el("button", {type: "button", class: "pill", onclick: open}, title));
  });
  const more = found.total > buttons.length ? el("li", {}, el("a", {href: "#documents", class: "pill"}, "All documents")) : null;
  return [el("h2", {class: "quiet-heading"}, "You can ask about"), el("ul", {class: "pills"}, ...buttons, ...(more ? [more] : []))];
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

function setUp() {
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
    byId(id).addEventListener("click", () => (lastQuestion ? ask(lastQuestion) : refresh()));
  }
  window.addEventListener("hashchange", showView);
  setUpSource();
  setUpDocuments(refresh);
  setUpFeedback();
  setUpSession();
  refresh();
  showView();
}

setUp();
