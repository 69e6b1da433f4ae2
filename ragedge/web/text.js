// Texts, places in them, and how pages, sizes and times are named. The service counts characters (code points), JavaScript counts UTF-16 units.

import {count, language, t} from "./languages.js";

// A function from code point offsets of `text` to its UTF-16 offsets, safe for any number.
export function unitOffsets(text) {
  if (!/[\ud800-\udbff]/.test(text)) return (offset) => clamp(offset, text.length);
  const table = [];
  let unit = 0;
  for (const character of text) {
    table.push(unit);
    unit += character.length;
  }
  table.push(unit);
  return (offset) => table[clamp(offset, table.length - 1)];
}

const clamp = (value, top) => Math.max(0, Math.min(top, Number.isFinite(value) ? Math.trunc(value) : 0));

// Lines as a PDF broke them, joined again where a sentence goes on in lower case (rows of a table and items of a list
// do not); every character keeps its place.
export const reflow = (text) => text.replace(/^([^|\t\n]+)\n(?=\p{Ll})/gmu, "$1 ");

// What was uploaded lies in a folder of its own, whose name says nothing to people.
export const pathName = (path) => path.replace(/^@uploads\//, "");

// Formats without pages are one page, whose number says nothing.
const PAGELESS = /\.(docx|docm|odt|rtf|txt|md|markdown|html?|eml|json|jsonl|csv|tsv|rst|log)$/i;

export function pageName(number, label, path = "") {
  if (label === null || label === undefined || label === "" || label === String(number)) {
    return number === 1 && PAGELESS.test(path) ? "" : t("page.number", {number});
  }
  const isNumber = /^([ivxlcdm]{1,7}|[\p{L}.-]{0,4}\d{1,4})$/iu.test(label);
  return t(isNumber ? "page.printed" : "page.named", {number, label});
}

export function bytesName(bytes) {
  if (bytes < 1000) return count("n.bytes", bytes);
  const [value, unit] = bytes < 1e6 ? [bytes / 1e3, "kB"] : bytes < 1e9 ? [bytes / 1e6, "MB"] : [bytes / 1e9, "GB"];
  const text = `${value.toLocaleString(language(), {maximumFractionDigits: value < 10 ? 1 : 0, minimumFractionDigits: value < 10 ? 1 : 0})} ${unit}`;
  return document.documentElement.dir === "rtl" ? `\u2066${text}\u2069` : text; // Latin units stay behind their number
}

export function durationName(ms) {
  if (ms === null || ms === undefined) return null;
  return ms < 1000 ? `${Math.max(1, Math.round(ms))} ms` : `${(ms / 1000).toFixed(1)} s`;
}
