// An answer: sentences with citation buttons, unsupported sentences marked, who spoke and how long it took.

import {byId, el, fill} from "./dom.js";
import {clearFeedback, offerFeedback} from "./feedback.js";
import {language, t} from "./languages.js";
import {openSource} from "./source.js";
import {durationName, pageName, pathName, reflow, unitOffsets} from "./text.js";

const OUTCOMES = {
  answered: ["outcome.answered", "good"],
  unsure: ["outcome.unsure", "warn"],
  abstained: ["outcome.abstained", "none"],
  unsupported: ["outcome.unsupported", "warn"],
  truncated: ["outcome.truncated", "warn"],
  cancelled: ["outcome.cancelled", "none"],
  waiting: ["outcome.waiting", "busy"],
  writing: ["outcome.writing", "busy"],
};

// Why no source supports a sentence; the keys are those of the service.
export const OBJECTIONS = {
  number_missing: "objection.number_missing",
  code_missing: "objection.code_missing",
  date_changed: "objection.date_changed",
  name_missing: "objection.name_missing",
  negation_flipped: "objection.negation_flipped",
  opposite_word: "objection.opposite_word",
  order_changed: "objection.order_changed",
  word_exchanged: "objection.word_exchanged",
  words_not_found: "objection.words_not_found",
  source_gone: "objection.source_gone",
};
const objectionName = (objection) => t(OBJECTIONS[objection] ?? OBJECTIONS.words_not_found);

export function showOutcome(outcome, engine = "") {
  const isReviewed = outcome === "answered" && engine === "reviewed";
  const [key, kind] = isReviewed ? ["outcome.reviewed", "good"] : (OUTCOMES[outcome] ?? [String(outcome), "none"]);
  const words = t(key);
  byId("outcome").textContent = words;
  byId("outcome").className = `chip ${kind}`;
  byId("answer").dataset.outcome = outcome;
  return words;
}

export function clearAnswer(question) {
  byId("asked").textContent = question;
  for (const id of ["answer-text", "sources", "engine", "timings"]) fill(byId(id));
  for (const id of ["legend", "timings-box", "answer-tools", "follow-form"]) byId(id).hidden = true;
  byId("copy-note").textContent = "";
  clearFeedback();
  byId("answer-text").setAttribute("aria-busy", "true");
  showOutcome("waiting");
}

export function addPiece(text) {
  if (byId("answer").dataset.outcome === "waiting") showOutcome("writing");
  byId("answer-text").append(document.createTextNode(text));
}

export function showAnswer(answer, foundMs) {
  const box = byId("answer-text");
  fill(box, ...answerNodes(answer));
  box.setAttribute("aria-busy", "false");
  byId("legend").hidden = !box.querySelector(".unsupported");
  fill(byId("sources"), ...sourceItems(answer.citations));
  byId("engine").textContent = engineName(answer.engine);
  byId("timings").textContent = timingsLine(answer, foundMs);
  byId("timings-box").hidden = !byId("timings").textContent;
  offerFeedback(answer);
  const isLoose = answer.outcome === "answered" && answer.unsupported.length > 0 && answer.citations.length === 0;
  return showOutcome(isLoose ? "unsupported" : answer.outcome, answer.engine);
}

function answerNodes(answer) {
  const {text} = answer;
  const unit = unitOffsets(text);
  const loose = answer.unsupported.map((span) => [unit(span.start), unit(span.end), objectionName(span.objection)]);
  const struck = answer.unsupported.flatMap((span) => (span.unconfirmed ?? []).map(([from, to]) => [unit(from), unit(to)]));
  const ends = answer.citations.map((citation) => [unit(citation.answer_end), citation]);
  const marked = shortPlace(answer);
  const bounds = [...loose, ...struck, ...marked].flatMap(([from, to]) => [from, to]);
  const places = [...new Set([0, text.length, ...bounds, ...ends.map(([end]) => end)])].sort((a, b) => a - b);
  const within = (ranges, start, end) => ranges.find(([from, to]) => from <= start && end <= to);
  const nodes = [];
  for (let i = 0; i + 1 < places.length; i += 1) {
    const [start, end] = [places[i], places[i + 1]];
    const part = text.slice(start, end);
    const why = within(loose, start, end)?.[2];
    const isStruck = within(struck, start, end) !== undefined;
    const kind = isStruck ? "unsupported unconfirmed" : "unsupported";
    const isShort = !why && within(marked, start, end) !== undefined;
    if (isShort) nodes.push(el("mark", {class: "short"}, part));
    else nodes.push(why ? el(isStruck ? "em" : "span", {class: kind, title: t("objection.label", {why})}, part) : part);
    if (why && loose.some(([, to]) => to === end)) nodes.push(el("span", {class: "why"}, why));
    const seen = new Set();
    for (const [place, citation] of ends) {
      if (place !== end || seen.has(citation.number)) continue;
      seen.add(citation.number);
      nodes.push(citationButton(citation));
    }
  }
  return nodes;
}

const titleOf = (citation) => citation.title || pathName(citation.document_path);
const pageOf = (citation) => pageName(citation.span.page, citation.page_label, citation.document_path);
export const placeOf = (citation) => [titleOf(citation), pageOf(citation)].filter(Boolean).join(", ");

// Where the words stand that answer, in the first quote; nowhere when the service was not sure.
function shortPlace(answer) {
  const at = answer.short ? answer.text.indexOf(answer.short) : -1;
  return at < 0 ? [] : [[at, at + answer.short.length]];
}

// How near a quote is to the sentence it stands for; "support" is 1 for the same letters.
function supportName(support) {
  if (support >= 1) return t("support.same");
  return t(support >= 0.85 ? "support.near" : "support.free");
}

const opener = (citation) => () =>
  openSource({
    documentId: citation.document_id,
    title: citation.title || pathName(citation.document_path),
    page: citation.span.page,
    span: citation.span,
    quote: citation.quote,
  });

function citationButton(citation) {
  return el(
    "button",
    {
      type: "button",
      class: "citation",
      "aria-label": t("sources.one", {number: citation.number, place: placeOf(citation)}),
      title: `${placeOf(citation)}, ${supportName(citation.support)}: “${reflow(citation.quote)}”`,
      onclick: opener(citation),
    },
    String(citation.number),
  );
}

function sourceItems(citations) {
  const seen = new Set();
  const items = [];
  for (const citation of citations) {
    const key = `${citation.number}|${citation.document_id}|${citation.span.page}|${citation.quote}`;
    if (seen.has(key)) continue;
    seen.add(key);
    items.push(
      el(
        "li",
        {},
        el("span", {class: "citation", "aria-hidden": "true"}, String(citation.number)),
        el(
          "div",
          {},
          el("button", {type: "button", class: "link", onclick: opener(citation)}, el("bdi", {}, titleOf(citation)), pageOf(citation) && `, ${pageOf(citation)}`),
          el("span", {class: "muted support"}, ` ${supportName(citation.support)}`),
          el("blockquote", {dir: "auto"}, reflow(citation.quote)),
        ),
      ),
    );
  }
  return items;
}

export function engineName(engine) {
  if (engine === "extractive") return t("engine.extractive");
  if (engine === "reviewed") return t("engine.reviewed");
  if (engine === "none") return t("engine.none");
  const [kind, name] = [engine.split(":", 1)[0], engine.slice(engine.indexOf(":") + 1)];
  return kind === "llama" ? t("engine.model", {name}) : t("engine.other", {name: engine});
}

function timingsLine({timings, stats}, foundMs) {
  const parts = [
    foundMs > 0 ? t("time.passages", {time: durationName(foundMs)}) : null,
    timings.first_piece_ms !== null ? t("time.first", {time: durationName(timings.first_piece_ms)}) : null,
    timings.total_ms !== null ? t("time.all", {time: durationName(timings.total_ms)}) : null,
    timings.stored_ms === null || timings.stored_ms === undefined ? null : t("time.stored"),
    stats?.tokens_per_second ? t("time.speed", {rate: stats.tokens_per_second.toLocaleString(language(), {minimumFractionDigits: 1, maximumFractionDigits: 1})}) : null,
    stats?.prompt_eval_joined_count ? t("time.joined") : null,
    typeof timings.energy_joules === "number" ? t("time.energy", {joules: timings.energy_joules.toLocaleString(language(), {maximumFractionDigits: 1})}) : t("time.energyNot"),
  ];
  return parts.filter(Boolean).join(" · ");
}
