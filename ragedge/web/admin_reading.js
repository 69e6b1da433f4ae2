// Reading the folder, or everything, again: two buttons, where it stands, and what came of it.

import {change, getJson, remove} from "./api.js";
import {announce, el, fill} from "./dom.js";
import {count, t} from "./languages.js";

const ADDRESS = "/v1/admin/reading";
const LOOK_MS = 700;

// The part as an element; `onDone` is called when a reading has ended. stop() ends its looking.
export function readingPart(desk, folder, onDone) {
  const state = {timer: 0, isOver: false, wasRunning: false};
  const bar = el("progress", {max: 1, value: 0, "aria-label": t("desk.reading")});
  const words = el("p", {class: "muted", id: "desk-reading"});
  const failed = el("div", {});
  const stop = el("button", {type: "button", class: "small", id: "desk-reading-stop", onclick: () => desk.attempt(async () => draw(await remove(ADDRESS)))}, t("ask.stop"));
  const start = async (what, title, text) => {
    if (!(await desk.confirm({title, text, yes: t("desk.readNow")}))) return;
    await desk.attempt(async () => draw(await change("POST", ADDRESS, {what})));
  };
  const buttons = [
    folder ? el("button", {type: "button", id: "desk-read-folder", onclick: () => start("folder", t("desk.readFolder"), t("desk.readFolderText", {folder}))}, t("desk.readFolder")) : null,
    el("button", {type: "button", id: "desk-read-all", onclick: () => start("everything", t("desk.readAll"), t("desk.readAllText"))}, t("desk.readAll")),
  ];
  const part = el("section", {class: "desk-reading", "aria-label": t("desk.readAgain")}, el("div", {class: "group"}, ...buttons.filter(Boolean)), el("div", {class: "desk-progress"}, bar, stop), words, failed);

  function draw(reading) {
    clearTimeout(state.timer);
    if (state.isOver) return;
    const {is_running: isRunning, files_done: done, files_total: total} = reading;
    bar.hidden = stop.hidden = !isRunning;
    for (const button of buttons) if (button) button.disabled = isRunning;
    if (total) bar.value = done / total;
    else bar.removeAttribute("value");
    if (isRunning) {
      words.textContent = t("desk.readingAt", {done, total: total || "…", name: reading.path});
      state.wasRunning = true;
      state.timer = setTimeout(look, LOOK_MS);
      return;
    }
    words.textContent = summary(reading);
    const lines = reading.failed.map((line) => el("li", {dir: "auto"}, line));
    fill(failed, lines.length ? el("details", {}, el("summary", {}, count("n.rejected", reading.failed_total)), el("ul", {class: "problem-list"}, ...lines)) : null);
    if (state.wasRunning) {
      state.wasRunning = false;
      announce(words.textContent);
      onDone();
    }
  }

  function summary(reading) {
    if (!reading.what) return "";
    if (reading.problem) return [reading.problem, reading.hint].filter(Boolean).join(". ");
    const {added, changed, removed, unchanged} = reading;
    const result = t("desk.readResult", {added, changed, removed, unchanged});
    return reading.was_stopped ? `${t("ask.stopped")} ${result}` : result;
  }

  const look = () => desk.attempt(async () => draw(await getJson(ADDRESS)));
  look();
  return {
    part,
    stop: () => {
      state.isOver = true;
      clearTimeout(state.timer);
    },
  };
}
