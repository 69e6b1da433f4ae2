// An answer leaves the page: copied as text with numbered sources, or printed.

import {placeOf} from "./answer.js";
import {announce, byId} from "./dom.js";
import {t} from "./languages.js";
import {reflow, unitOffsets} from "./text.js";

// Question, answer with [numbers], and the sources with their quotes.
export function asText({question, answer}) {
  const unit = unitOffsets(answer.text);
  const marks = new Map();
  for (const {answer_end: end, number} of answer.citations) {
    const at = unit(end);
    marks.set(at, [...new Set([...(marks.get(at) ?? []), number])]);
  }
  let text = "";
  let from = 0;
  for (const [at, numbers] of [...marks].sort(([a], [b]) => a - b)) {
    text += `${answer.text.slice(from, at)} ${numbers.map((number) => `[${number}]`).join("")}`;
    from = at;
  }
  text += answer.text.slice(from);
  const sources = answer.citations.map((citation) => `[${citation.number}] ${placeOf(citation)}: “${reflow(citation.quote)}”`);
  return [question, "", text, ...(sources.length ? ["", ...new Set(sources)] : [])].join("\n");
}

async function copy(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  // over plain HTTP on a network the clipboard is closed to pages, a selection is not
  const box = document.createElement("textarea");
  box.value = text;
  box.className = "unseen";
  document.body.append(box);
  box.select();
  const isDone = document.execCommand("copy");
  box.remove();
  if (!isDone) throw new Error("not copied");
}

export function setUpSharing(current) {
  byId("copy").addEventListener("click", async () => {
    const shown = current();
    if (!shown) return;
    const key = await copy(asText(shown)).then(() => "answer.copied", () => "answer.notCopied");
    byId("copy-note").textContent = t(key);
    announce(t(key));
    byId("copy").focus();
  });
  byId("print").addEventListener("click", () => window.print());
}
