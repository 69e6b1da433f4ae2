// Summaries of documents, and answers said simpler or in another language: what is sent, and the buttons for it.

import {byId, el, fill} from "./dom.js";
import {languages, t} from "./languages.js";

// An answer's citations as the places they are; what stands there is looked up by the service.
const placesOf = (answer) =>
  answer.citations.map((citation) => ({
    number: citation.number,
    chunk_id: citation.chunk_id,
    page: citation.span.page,
    start: citation.span.start,
    end: citation.span.end,
    answer_start: citation.answer_start,
    answer_end: citation.answer_end,
  }));

// A task: its name on the page, the question it answers, path and body of the request, and what it rewrites.
export const questionTask = (question, history) => ({
  name: question,
  question,
  origin: null,
  path: "/v1/ask/stream",
  wish: {text: question, history},
});

export const summaryTask = ({id, title}) => ({
  name: t("summarise.asked", {title}),
  question: t("summarise.asked", {title}),
  origin: null,
  path: "/v1/summarise/stream",
  wish: {document: id},
});

export function rewriteTask(shown, kind, code) {
  const wish = {text: shown.answer.text, kind, citations: placesOf(shown.answer)};
  const name = languages().find((found) => found.code === code)?.name ?? code;
  const how = kind === "simpler" ? t("rewrite.simpler") : name;
  return {
    name: `${shown.question} (${how})`,
    question: shown.question,
    origin: shown,
    path: "/v1/rewrite/stream",
    wish: kind === "simpler" ? wish : {...wish, language: code},
  };
}

// The buttons under an answer; `canRewrite` where a language model speaks.
export function showRewriting(canRewrite) {
  byId("rewrite-tools").hidden = !canRewrite;
}

export function setUpRewriting(rewrite) {
  const chooser = byId("translate");
  fill(chooser, el("option", {value: ""}, t("rewrite.translate")), ...languages().map(({code, name}) => el("option", {value: code, lang: code}, name)));
  byId("simpler").addEventListener("click", () => rewrite("simpler", ""));
  chooser.addEventListener("change", () => {
    const code = chooser.value;
    chooser.value = "";
    if (code) rewrite("translate", code);
  });
}
