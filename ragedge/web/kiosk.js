// The kiosk: an attract screen, suggested questions, a keyboard, an answer; after a while without a touch nothing is left
// of the visitor. It names no file, links nowhere, stores nothing, and comes back by itself when the service was away.

import {askStream, getJson} from "./api.js";
import {announce, byId, el, fill} from "./dom.js";
import {setUpKeyboard, showKeyboard} from "./keyboard.js";
import {bestOf, count, language, languages, setLanguage, startLanguages, t, wordsIn} from "./languages.js";
import {canSpeak, silence, speak} from "./speech.js";
import {pageName, reflow, unitOffsets} from "./text.js";

const exhibitId = new URLSearchParams(location.search).get("exhibit") ?? "";
// The last part of the waiting time is a warning, at most this long (WCAG 2.2.1 asks for 20 seconds).
const WARN_SECONDS = 20;
const HEALTH_MS = 5000;
const AWAY_MS = 1500;
const SIZES = 3;
// An answer is short here: beyond this a passer-by reads no further.
const TOP_K = 5;
const MAX_SOURCES = 2;

const state = {
  setup: null, home: "en", running: null, answer: null, isSpeaking: false, touchedAt: performance.now(), isAway: false, startedAt: null,
};

async function loadSetup() {
  state.setup = await getJson(`/v1/kiosk?${new URLSearchParams(exhibitId ? {exhibit: exhibitId} : {})}`);
  state.startedAt ??= state.setup.started_at;
  document.title = state.setup.title;
  byId("title").textContent = state.setup.title;
  byId("attract-title").textContent = state.setup.title;
  byId("question").maxLength = state.setup.max_question_chars;
}

// Everything that is words, in the language chosen.
function show() {
  const {exhibit, questions} = state.setup;
  const title = exhibit ? inLanguage(exhibit.titles) : "";
  byId("standing").hidden = !title;
  byId("heading").textContent = title || state.setup.title;
  const texts = inLanguage(questions) ?? [];
  byId("suggested").hidden = !texts.length;
  fill(byId("questions"), ...texts.map((text) => el("li", {}, el("button", {type: "button", dir: "auto", onclick: () => ask(text)}, text))));
  const chosen = chosenLanguages();
  fill(
    byId("languages"),
    ...chosen.map(({code, name}) =>
      el("button", {type: "button", lang: code, "aria-pressed": String(code === language()), onclick: () => change(code)}, name),
    ),
  );
  showKeyboard(language());
  showListen();
}

const inLanguage = (table) => table[language()] ?? table[language().split("-")[0]] ?? table[""] ?? table.en ?? Object.values(table)[0];

function chosenLanguages() {
  const wanted = state.setup.languages;
  if (!wanted.length) return languages();
  return wanted.map((code) => languages().find((item) => item.code === code)).filter(Boolean);
}

async function change(code) {
  await setLanguage(code);
  show();
  if (state.answer) showAnswer(state.answer);
  byId("languages").querySelector("[aria-pressed='true']")?.focus();
}

async function showAttract() {
  const words = await Promise.all(chosenLanguages().map(async ({code, direction}) => [code, direction, await wordsIn(code, "kiosk.touch")]));
  fill(byId("attract-words"), ...words.map(([code, direction, text]) => el("span", {lang: code, dir: direction}, text)));
}

function go(name) {
  document.body.dataset.state = name;
  byId("attract").hidden = name !== "attract";
  byId("home").hidden = name === "reply";
  byId("reply").hidden = name !== "reply";
  // what lies below a cover is out of reach of keyboard and screen reader
  for (const part of document.querySelectorAll("main, header")) part.inert = name === "attract";
  document.querySelector("main").scrollTo(0, 0);
}

function start() {
  go("home");
  byId("question").focus({preventScroll: true});
}

function newQuestion() {
  drop();
  start();
}

// Ends what is going on, and takes question and answer off the page.
function drop() {
  state.running?.abort();
  silence();
  Object.assign(state, {running: null, answer: null, isSpeaking: false});
  byId("form").reset();
  for (const id of ["asked", "verdict", "text", "sources", "note", "status"]) fill(byId(id));
  byId("still").hidden = true;
}

// The next visitor finds the kiosk as it was set up.
async function reset() {
  drop();
  forgetStorage();
  document.documentElement.dataset.size = "1";
  delete document.documentElement.dataset.contrast;
  byId("contrast").setAttribute("aria-pressed", "false");
  go("attract");
  window.scrollTo(0, 0);
  getSelection()?.removeAllRanges();
  try {
    await setLanguage(state.home);
    await loadSetup();
    show();
  } catch {
    showAway(true);
  }
  document.activeElement?.blur();
}

function forgetStorage() {
  try {
    localStorage.clear();
    sessionStorage.clear();
  } catch {
    // storage is switched off: nothing is in it
  }
}

async function ask(text) {
  const question = text.trim();
  if (!question) return byId("question").focus();
  drop();
  const controller = new AbortController();
  state.running = controller;
  go("reply");
  byId("asked").textContent = question;
  byId("verdict").textContent = t("kiosk.waiting");
  byId("listen").hidden = true;
  byId("asked").focus({preventScroll: true});
  let answer = null;
  const onEvent = (name, data) => {
    if (state.running !== controller) return;
    if (name === "piece") byId("text").append(plain(data.text));
    else if (name === "answer") answer = data;
  };
  try {
    // the exhibit is what was spoken of before: "How heavy is it?" means it, and its texts go first
    const {exhibit} = state.setup;
    const about = exhibit ? {prefer: exhibit.prefer, history: [{question: exhibit.topic, answer: ""}]} : {};
    await askStream({text: question, top_k: TOP_K, ...about}, controller.signal, onEvent);
    if (state.running !== controller) return;
    if (answer === null) throw new Error("no answer");
    state.answer = short(answer);
    showAnswer(state.answer);
    announce(byId("verdict").textContent);
  } catch (error) {
    if (state.running !== controller || error.name === "AbortError") return;
    fill(byId("text"));
    byId("verdict").textContent = t(error.status === 503 ? "kiosk.busy" : "kiosk.failed");
    if (error.code === "away") showAway(true);
  } finally {
    if (state.running === controller) state.running = null;
    touch();
  }
}

function showAnswer(answer) {
  const isAbsent = answer.outcome === "abstained"; // an unsure answer begins with words that say so
  byId("verdict").textContent = isAbsent ? t("kiosk.abstained") : "";
  fill(byId("text"), ...(isAbsent ? [] : sentences(answer)));
  fill(byId("sources"), ...(isAbsent ? [] : sources(answer.citations)));
  showListen();
}

// Of several quotes the best one; where words of the service stand before them (unsure, sources that disagree), all.
function short(answer) {
  const [first, second] = answer.citations;
  if (answer.engine !== "extractive" || !second || first.answer_start > 0) return answer;
  const text = [...answer.text].slice(0, first.answer_end).join("");
  return {...answer, text, citations: answer.citations.filter((citation) => citation.answer_end <= first.answer_end)};
}

// Without the marks of Markdown, which quotes of such files have.
const plain = (text) => reflow(text).replace(/\*\*|`/g, "").replace(/^\s*(?:[-*•]|#{1,6})\s+/gm, "");

// The text with the numbers of its sources, and a mark under what none supports.
function sentences(answer) {
  const unit = unitOffsets(answer.text);
  const loose = answer.unsupported.map((span) => [unit(span.start), unit(span.end)]);
  const ends = answer.citations.map((citation) => [unit(citation.answer_end), citation.number]);
  const places = [...new Set([0, answer.text.length, ...loose.flat(), ...ends.map(([end]) => end)])].sort((a, b) => a - b);
  const nodes = [];
  for (let i = 0; i + 1 < places.length; i += 1) {
    const [from, to] = [places[i], places[i + 1]];
    const part = plain(answer.text.slice(from, to));
    const isLoose = loose.some(([start, end]) => start <= from && to <= end);
    nodes.push(isLoose ? el("span", {class: "loose", title: t("sources.unsupported")}, part) : part);
    const numbers = new Set(ends.filter(([end, number]) => end === to && number <= MAX_SOURCES).map(([, number]) => number));
    for (const number of numbers) nodes.push(el("sup", {}, String(number)));
  }
  return nodes;
}

function sources(citations) {
  const byNumber = new Map(citations.map((citation) => [citation.number, citation]));
  return [...byNumber.values()].slice(0, MAX_SOURCES).map((citation) => {
    const page = pageName(citation.span.page, citation.page_label, citation.document_path);
    return el("li", {}, `${citation.number} · `, el("bdi", {}, titleOf(citation)), `${page && `, ${page}`}: `, el("q", {dir: "auto"}, plain(citation.quote)));
  });
}

// Where a document has no title, its file's name stands for one; a visitor gets no file names.
function titleOf({title, document_path: path}) {
  const file = path.split("/").pop();
  const isFile = !title || title === path || title === file || title === file.replace(/\.[^.]+$/, "") || /\.[a-z0-9]{2,5}$/i.test(title);
  return isFile ? t("kiosk.source") : title;
}

function showListen() {
  const button = byId("listen");
  button.hidden = state.answer === null || !canSpeak(state.setup.can_speak);
  button.textContent = t(state.isSpeaking ? "kiosk.silence" : "kiosk.listen");
}

async function listen() {
  if (state.isSpeaking) return silence();
  const text = state.answer.outcome === "abstained" ? byId("verdict").textContent : plain(state.answer.text);
  const {answer} = state;
  state.isSpeaking = true;
  byId("note").textContent = "";
  showListen();
  try {
    await speak(text);
  } catch {
    if (state.answer === answer) byId("note").textContent = t("kiosk.noVoice");
  } finally {
    if (state.answer === answer) {
      state.isSpeaking = false;
      touch();
      showListen();
    }
  }
}

function touch() {
  state.touchedAt = performance.now();
  byId("still").hidden = true;
}

// Looks at the time since the last touch. A question at work or a text being read is no idleness, for three times as long.
function watchIdleness() {
  if (document.body.dataset.state === "attract" || !state.setup || state.isAway) return;
  const limit = state.setup.idle_seconds * (state.running || state.isSpeaking ? 3 : 1);
  const left = limit - (performance.now() - state.touchedAt) / 1000;
  const warn = Math.min(WARN_SECONDS, limit / 2);
  if (left <= 0) return reset();
  const isWarned = left <= warn;
  if (isWarned) byId("still-count").textContent = count("n.seconds", Math.ceil(left));
  if (isWarned && byId("still").hidden) {
    byId("still").hidden = false;
    byId("go-on").focus();
  }
}

function showAway(isAway) {
  if (isAway) drop();
  state.isAway = isAway;
  byId("away").hidden = !isAway;
}

// Asks the service whether it is there, for ever; a service that was started anew brings its own page along.
async function watchService() {
  try {
    await getJson("/v1/health", AbortSignal.timeout(HEALTH_MS));
    if (state.isAway || state.setup === null) {
      const {started_at: startedAt} = await getJson("/v1/kiosk");
      if (state.setup === null || startedAt !== state.startedAt) return location.reload();
      showAway(false);
      reset();
    }
  } catch {
    showAway(true);
  }
  setTimeout(watchService, state.isAway ? AWAY_MS : HEALTH_MS);
}

function setUpTouches() {
  for (const name of ["pointerdown", "keydown", "wheel", "touchmove"]) {
    document.addEventListener(name, touch, {capture: true, passive: true});
  }
  for (const name of ["contextmenu", "dragstart", "dragover", "drop"]) document.addEventListener(name, (event) => event.preventDefault());
  byId("attract").addEventListener("click", start);
  byId("new").addEventListener("click", newQuestion);
  byId("listen").addEventListener("click", listen);
  byId("go-on").addEventListener("click", touch);
  byId("size").addEventListener("click", () => {
    const root = document.documentElement;
    root.dataset.size = String((Number(root.dataset.size) % SIZES) + 1);
  });
  byId("contrast").addEventListener("click", () => {
    const isOn = document.documentElement.dataset.contrast !== "more";
    if (isOn) document.documentElement.dataset.contrast = "more";
    else delete document.documentElement.dataset.contrast;
    byId("contrast").setAttribute("aria-pressed", String(isOn));
  });
  byId("form").addEventListener("submit", (event) => {
    event.preventDefault();
    ask(byId("question").value);
  });
  byId("question").addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.isComposing) return;
    event.preventDefault();
    ask(byId("question").value);
  });
}

async function setUp() {
  setUpTouches();
  setUpKeyboard(byId("keyboard"), byId("question"));
  globalThis.speechSynthesis?.addEventListener("voiceschanged", () => state.setup && showListen());
  forgetStorage();
  try {
    await loadSetup();
    await startLanguages(navigator.languages);
    const offered = chosenLanguages().map(({code}) => code);
    state.home = bestOf(navigator.languages.filter((tag) => offered.includes(bestOf([tag]))).concat(offered));
    await setLanguage(state.home);
    show();
    await showAttract();
    go("attract");
  } catch {
    state.setup = null;
    showAway(true);
  }
  setInterval(watchIdleness, 250);
  watchService();
}

setUp();
