// What this browser remembers for its owner: past questions, the language and the collection chosen. Nowhere else, and not where the
// service says that strangers use it.

import {el, fill} from "./dom.js";
import {t} from "./languages.js";

const QUESTIONS = "ragedge.questions";
const LANGUAGE = "ragedge.language";
const COLLECTION = "ragedge.collection";
const MAX_QUESTIONS = 12;

let isAllowed = false;

function read(key) {
  try {
    return localStorage.getItem(key);
  } catch {
    return null; // storage is switched off
  }
}

function write(key, value) {
  try {
    if (value === null) localStorage.removeItem(key);
    else localStorage.setItem(key, value);
  } catch {
    // full or switched off: then nothing is remembered
  }
}

export const chosenLanguage = () => read(LANGUAGE);
export const chooseLanguage = (code) => write(LANGUAGE, code);

export function allowPast(keeps) {
  isAllowed = keeps;
  if (!keeps) for (const key of [QUESTIONS, COLLECTION]) write(key, null);
}

export const chosenCollection = () => (isAllowed ? read(COLLECTION) : null);
export function chooseCollection(name) {
  if (isAllowed) write(COLLECTION, name || null);
}

function pastQuestions() {
  if (!isAllowed) return [];
  try {
    const list = JSON.parse(read(QUESTIONS) ?? "[]");
    return Array.isArray(list) ? list.filter((item) => typeof item === "string").slice(0, MAX_QUESTIONS) : [];
  } catch {
    return [];
  }
}

export function rememberQuestion(question) {
  if (!isAllowed) return;
  const list = [question, ...pastQuestions().filter((item) => item !== question)];
  write(QUESTIONS, JSON.stringify(list.slice(0, MAX_QUESTIONS)));
}

// The past questions as buttons, or null where there are none.
export function showPast(ask) {
  const questions = pastQuestions();
  if (!questions.length) return null;
  const box = el("section", {class: "past", "aria-labelledby": "past-heading"});
  const forget = () => {
    write(QUESTIONS, null);
    box.remove();
  };
  fill(
    box,
    el("h2", {id: "past-heading", class: "quiet-heading"}, t("history.heading")),
    el(
      "ul",
      {class: "past-list"},
      ...questions.map((question) =>
        el("li", {}, el("button", {type: "button", class: "link", dir: "auto", onclick: () => ask(question)}, question)),
      ),
    ),
    el("p", {class: "muted"}, `${t("history.note")} `, el("button", {type: "button", class: "quiet", onclick: forget}, t("history.clear"))),
  );
  return box;
}
