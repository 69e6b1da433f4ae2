// A keyboard on the screen: one layout per language, capitals, digits and signs. Chinese gets Latin letters alone: an input
// method needs a dictionary, which is not here; the page says so.

import {el, fill} from "./dom.js";
import {t} from "./languages.js";

const ROWS = {
  en: ["qwertyuiop", "asdfghjkl'", "zxcvbnm,.?"],
  de: ["qwertzuiopü", "asdfghjklöä", "yxcvbnmß,.?"],
  fr: ["éèêàâçùûîôœ", "azertyuiop", "qsdfghjklm", "wxcvbn’,.?ëï"],
  es: ["áéíóúü¿?", "qwertyuiop", "asdfghjklñ", "zxcvbnm,.¡"],
  zh: ["qwertyuiop", "asdfghjkl", "zxcvbnm,.?"],
  ar: ["ضصثقفغعهخحجد", "شسيبلاتنمكطذ", "ئءؤرىةوزظأإآ", "؟،."],
};
const SIGNS = ["1234567890", "-/:;()&%+=", ".,?!'\"°€#"];
const MAX_CODE = 3;

const state = {box: null, target: null, onEnter: null, code: "en", isShifted: false, isSigns: false};

export function setUpKeyboard(box, target) {
  Object.assign(state, {box, target});
  // keys must not take the cursor out of the question
  box.addEventListener("pointerdown", (event) => event.preventDefault());
  box.addEventListener("keydown", move);
}

export function showKeyboard(code) {
  Object.assign(state, {code: code.slice(0, MAX_CODE) in ROWS ? code.slice(0, MAX_CODE) : code.slice(0, 2), isShifted: false, isSigns: false});
  draw();
}

function draw(focused = null) {
  const letters = ROWS[state.code] ?? ROWS.en;
  const hasCapitals = state.code !== "ar";
  const rows = (state.isSigns ? SIGNS : letters).map((row) => [...row].map(letterKey));
  const last = [
    hasCapitals && !state.isSigns ? wideKey("shift", "⇧", "keyboard.shift", () => toggle("isShifted"), state.isShifted) : null,
    wideKey("signs", state.isSigns ? "abc" : "123", state.isSigns ? "keyboard.letters" : "keyboard.digits", () => toggle("isSigns")),
    el("button", {type: "button", class: "space", "data-key": "space", onclick: () => put(" ")}, t("keyboard.space")),
    wideKey("delete", "⌫", "keyboard.delete", erase),
  ];
  fill(state.box, ...[...rows, last].map((keys) => el("div", {}, ...keys)));
  // one stop for the Tab key; arrows move inside
  const keys = [...state.box.querySelectorAll("button")];
  for (const key of keys) key.tabIndex = -1;
  const current = keys.find((key) => key.dataset.key === focused) ?? keys[0];
  current.tabIndex = 0;
  if (focused) current.focus();
}

function letterKey(letter) {
  const shown = state.isShifted && !state.isSigns ? capital(letter) : letter;
  const press = () => {
    put(shown);
    if (state.isShifted) toggle("isShifted", letter);
  };
  return el("button", {type: "button", "data-key": letter, onclick: press}, shown);
}

// "ß" alone would become two letters.
const capital = (letter) => (letter === "ß" ? "ẞ" : letter.toLocaleUpperCase(state.code));

function wideKey(name, sign, key, onclick, pressed = null) {
  return el("button", {type: "button", class: "wide", "data-key": name, "aria-label": t(key), "aria-pressed": pressed === null ? null : String(pressed), onclick}, sign);
}

function toggle(name, key = null) {
  state[name] = !state[name];
  const inside = state.box.contains(document.activeElement) ? document.activeElement.dataset.key : null;
  draw(inside === null ? null : (key ?? inside));
}

// Text at the cursor, within the length that the box allows.
function put(text) {
  const {target} = state;
  const [start, end] = [target.selectionStart ?? target.value.length, target.selectionEnd ?? target.value.length];
  if (target.maxLength >= 0 && target.value.length - (end - start) + text.length > target.maxLength) return;
  target.setRangeText(text, start, end, "end");
  target.dispatchEvent(new Event("input", {bubbles: true}));
}

function erase() {
  const {target} = state;
  const [start, end] = [target.selectionStart, target.selectionEnd];
  if (start !== end) return target.setRangeText("", start, end, "end");
  const before = [...target.value.slice(0, start)];
  const size = before.pop()?.length ?? 0;
  target.setRangeText("", start - size, start, "end");
}

function move(event) {
  const steps = {ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1]}[event.key];
  const row = event.target.parentElement;
  if (!steps || !state.box.contains(row)) return;
  event.preventDefault();
  const isTurned = getComputedStyle(state.box).direction === "rtl";
  const rows = [...state.box.children];
  const next = rows[(rows.indexOf(row) + steps[1] + rows.length) % rows.length];
  const place = [...row.children].indexOf(event.target) + (isTurned ? -steps[0] : steps[0]);
  const key = next.children[(Math.min(place, steps[1] ? next.children.length - 1 : place) + next.children.length) % next.children.length];
  for (const other of state.box.querySelectorAll("[tabindex='0']")) other.tabIndex = -1;
  key.tabIndex = 0;
  key.focus();
}
