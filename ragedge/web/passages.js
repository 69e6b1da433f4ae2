// Passages: what was found, with the words of the question and the best sentence marked.

import {el} from "./dom.js";
import {t} from "./languages.js";
import {marked, searchWords, windowAround, wordRanges} from "./marks.js";
import {openSource} from "./source.js";
import {pageName, pathName, reflow, unitOffsets} from "./text.js";

const SNIPPET = 360;

// List items for the hits of a "passages" event.
export function passageItems(found) {
  const words = searchWords(`${found.retrieval.question.text} ${found.retrieval.search_text}`);
  return found.retrieval.hits.map((hit, index) => {
    const evidence = found.evidence.filter((item) => item.hit_index === index)[0] ?? null;
    return passageItem(hit, evidence, words, found.page_labels?.[hit.chunk.document_id] ?? {});
  });
}

function passageItem(hit, evidence, words, labels) {
  const {chunk} = hit;
  const span = evidence?.span ?? chunk.spans[0] ?? {page: 1, start: 0, end: 0};
  const label = labels[String(span.page)] ?? null;
  const title = hit.title || pathName(chunk.document_path);
  const where = [pageName(span.page, label, chunk.document_path), ...chunk.headings].filter(Boolean);
  const open = () =>
    openSource({documentId: chunk.document_id, title, page: span.page, span, quote: evidence?.text ?? firstPart(chunk)});
  const text = el("p", {class: "passage-text", dir: "auto"});
  const more = el("button", {type: "button", class: "quiet", "aria-expanded": "false"}, t("passages.whole"));
  const body = excerpt(chunk.text, evidence?.text ?? "", words);
  text.append(body.short);
  more.addEventListener("click", () => {
    const isOpen = more.getAttribute("aria-expanded") === "true";
    more.setAttribute("aria-expanded", String(!isOpen));
    more.textContent = t(isOpen ? "passages.whole" : "passages.less");
    text.replaceChildren(isOpen ? excerpt(chunk.text, evidence?.text ?? "", words).short : body.whole());
  });
  return el(
    "li",
    {class: "card passage"},
    el("h3", {}, el("button", {type: "button", class: "link", dir: "auto", onclick: open}, title)),
    where.length ? el("p", {class: "muted where"}, where.join(" › ")) : null,
    text,
    body.isCut ? more : null,
  );
}

function excerpt(original, sentence, words) {
  const text = reflow(original);
  const ranges = wordRanges(text, words);
  const at = sentence ? original.indexOf(sentence) : -1;
  const quote = at >= 0 ? [at, at + sentence.length] : null;
  const [start, end] = quote ?? ranges[0] ?? [0, 0];
  const [from, to] = windowAround(text, start, end, SNIPPET);
  const short = document.createDocumentFragment();
  if (from > 0) short.append("… ");
  short.append(marked(text, ranges, from, to, quote));
  if (to < text.length) short.append(" …");
  return {short, isCut: from > 0 || to < text.length, whole: () => marked(text, ranges, 0, text.length, quote)};
}

// The part of a chunk's text that lies on its first page.
function firstPart(chunk) {
  const span = chunk.spans[0];
  if (!span) return "";
  return chunk.text.slice(0, unitOffsets(chunk.text)(span.end - span.start));
}
