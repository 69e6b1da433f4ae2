// What the page asks for: answers, summaries, answers in other words; each with its name, request, and what it rewrites.

import {byId, el, fill} from "./dom.js";
import {languages, t} from "./languages.js";

const task = (kind, name, wish, question = name, origin = null) => ({path: `/v1/${kind}/stream`, name, wish, question, origin});

export const questionTask = (text, history) => task("ask", text, {text, history});
export const summaryTask = ({id, title}) => task("summarise", t("summarise.asked", {title}), {document: id});

// `code` is a language, "" for simpler words.
export function rewriteTask(shown, code) {
  const how = code ? languages().find((found) => found.code === code).name : t("rewrite.simpler");
  const citations = shown.answer.citations.map(({number, chunk_id, span, answer_start, answer_end}) => ({number, chunk_id, ...span, answer_start, answer_end}));
  const wish = {text: shown.answer.text, citations, ...(code ? {kind: "translate", language: code} : {kind: "simpler"})};
  return task("rewrite", `${shown.question} (${how})`, wish, shown.question, shown);
}

export function setUpRewriting(rewrite) {
  const chooser = byId("translate");
  fill(chooser, el("option", {value: ""}, t("rewrite.translate")), ...languages().map(({code, name}) => el("option", {value: code, lang: code}, name)));
  byId("simpler").addEventListener("click", () => rewrite(""));
  chooser.addEventListener("change", () => {
    rewrite(chooser.value);
    chooser.value = "";
  });
}
