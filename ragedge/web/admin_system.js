// The box: how it is doing, what its disk holds, its language models, whether all is sound, and the last log lines.

import {change, getJson} from "./api.js";
import {announce, el, fill} from "./dom.js";
import {count, language, t} from "./languages.js";
import {bytesName} from "./text.js";

const LOOK_MS = 4000;
const MOST_LINES = 500;
const state = {timer: 0, visit: 0, last: 0};

export async function show(panel, desk) {
  const visit = (state.visit += 1);
  state.last = 0;
  const [system, models] = await Promise.all([getJson("/v1/admin/system"), getJson("/v1/admin/models")]);
  if (visit !== state.visit) return;
  const now = el("div", {});
  const log = logPart();
  panel.append(
    part("desk.device", now),
    part("desk.disk", ...diskPart(system)),
    modelsPart(desk, models),
    checkPart(desk),
    part("desk.log", log.node),
  );
  drawNow(now, system);
  const look = async () => {
    try {
      drawNow(now, await getJson("/v1/admin/system?sizes=false"));
      await log.look();
    } catch {
      // the service is away for a moment; the next look tells
    }
    if (visit === state.visit) state.timer = setTimeout(look, LOOK_MS);
  };
  await log.look();
  if (visit === state.visit) state.timer = setTimeout(look, LOOK_MS);
}

export function leave() {
  clearTimeout(state.timer);
  state.visit += 1;
}

function part(key, ...children) {
  const id = `part-${key.replace(".", "-")}`;
  return el("section", {class: "card desk-part", "aria-labelledby": id}, el("h2", {id}, t(key)), ...children);
}

const decimal = (value, digits = 1) => value.toLocaleString(language(), {maximumFractionDigits: digits});

function facts(rows) {
  const shown = rows.filter(([, value]) => value !== null && value !== "");
  return el("dl", {class: "desk-facts"}, ...shown.map(([key, value]) => el("div", {}, el("dt", {}, t(key)), el("dd", {dir: "auto"}, value))));
}

function drawNow(box, system) {
  const {device, now} = system;
  const used = device.memory_bytes - now.memory_available_bytes;
  fill(
    box,
    facts([
      ["desk.processor", device.processor],
      ["desk.cores", String(device.cores)],
      ["desk.load", now.load.map((value) => decimal(value, 2)).join(" · ")],
      ["desk.temperature", now.temperature_celsius === null ? t("desk.notReadable") : `${decimal(now.temperature_celsius)} °C`],
      ["desk.ownMemory", t("desk.ownMemoryNow", {now: bytesName(system.resident_bytes), most: bytesName(system.peak_resident_bytes)})],
      ["desk.swap", now.swap_used_bytes ? bytesName(now.swap_used_bytes) : null],
      ["desk.systemName", `${device.system}, Python ${device.python}, ragedge ${system.version}`],
      ["desk.since", new Date(system.started_at * 1000).toLocaleString(language())],
      ["desk.vectors", system.vector_engine],
    ]),
    meter("desk.memory", used, device.memory_bytes),
    meter("desk.diskUsed", now.disk_bytes - now.disk_free_bytes, now.disk_bytes),
    ...measured(system.measured),
  );
}

function meter(key, used, total) {
  if (!total) return null;
  const words = t("desk.usedOf", {used: bytesName(used), total: bytesName(total), free: bytesName(total - used)});
  return el(
    "div",
    {class: "desk-meter"},
    el("span", {class: "desk-meter-name"}, t(key)),
    el("meter", {min: 0, max: 1, high: 0.9, low: 0.75, optimum: 0, value: (used / total).toFixed(3), "aria-label": `${t(key)}: ${words}`}),
    el("span", {class: "muted"}, words),
  );
}

function measured(rows) {
  if (!rows.length) return [el("p", {class: "muted"}, t("desk.notMeasured"))];
  const lines = rows.map((row) =>
    el("li", {dir: "auto"}, t("desk.measuredLine", {
      model: row.model, prompt: decimal(row.prompt_tokens_per_second), speed: decimal(row.tokens_per_second), machine: row.machine, day: row.measured_on.slice(0, 10),
    })),
  );
  return [el("h3", {}, t("desk.measured")), el("ul", {class: "problem-list"}, ...lines)];
}

function diskPart(system) {
  const rows = system.indexes.map((index) =>
    el("li", {}, el("bdi", {}, `${index.name}: ${bytesName(index.size_bytes)}`), index.is_this ? el("span", {class: "chip good"}, t("desk.thisIndex")) : null),
  );
  const models = system.models_bytes ? [el("li", {}, t("desk.modelFiles", {size: bytesName(system.models_bytes)}))] : [];
  return [
    el("p", {}, t("desk.freeNow", {free: bytesName(system.now.disk_free_bytes)})),
    rows.length + models.length ? el("ul", {class: "desk-lines"}, ...rows, ...models) : el("p", {class: "muted"}, t("desk.noIndexes")),
  ];
}

function modelsPart(desk, found) {
  const list = el("ul", {class: "desk-lines", id: "desk-models"});
  const note = el("p", {class: "muted", role: "status"});
  const draw = (models) => {
    fill(list, ...models.models.map((model) => modelLine(desk, model, act)));
    if (!models.models.length) fill(list, el("li", {class: "muted"}, t("desk.noModels")));
  };
  const act = async (name, action, said) => {
    await desk.attempt(async () => {
      draw(await change("POST", "/v1/admin/models", {name, do: action}));
      note.textContent = said;
    });
  };
  draw(found);
  return part(
    "desk.models",
    el("p", {}, t("desk.speaks", {engine: found.engine})),
    found.configured ? el("p", {class: "notice"}, t("desk.configured", {name: found.configured})) : null,
    list,
    note,
    el("p", {class: "muted"}, t("desk.modelsNote")),
  );
}

function modelLine(desk, model, act) {
  const chips = [
    model.is_speaking ? el("span", {class: "chip good"}, t("desk.isSpeaking")) : null,
    model.is_chosen ? el("span", {class: "chip busy"}, t("desk.isChosen")) : null,
    model.is_there ? null : el("span", {class: "chip bad"}, t("desk.fileGone")),
  ];
  const takeOut = async () => {
    const text = t(model.is_linked ? "desk.removeLinkText" : "desk.removeModelText", {name: model.name});
    if (await desk.confirm({title: t("desk.removeModel"), text, yes: t("documents.remove")})) await act(model.name, "remove", t("documents.removed", {name: model.name}));
  };
  const use = () => act(model.name, "use", t("desk.usedNext", {name: model.name}));
  const buttons = desk.may("owner")
    ? el(
        "span",
        {class: "group"},
        model.is_chosen ? null : el("button", {type: "button", class: "small", "aria-label": t("desk.useOne", {name: model.name}), onclick: use}, t("desk.use")),
        model.is_speaking ? null : el("button", {type: "button", class: "small danger", "aria-label": t("documents.removeOne", {name: model.name}), onclick: takeOut}, t("documents.remove")),
      )
    : null;
  const about = [bytesName(model.size_bytes), model.licence, model.source].filter(Boolean).join(" · ");
  return el("li", {}, el("span", {class: "desk-title", dir: "auto"}, model.name), ...chips.filter(Boolean), el("span", {class: "muted", dir: "auto"}, about), buttons);
}

function checkPart(desk) {
  const result = el("div", {role: "status", id: "desk-check-result"});
  const buttons = [];
  const run = async (what) => {
    for (const button of buttons) button.disabled = true;
    fill(result, el("p", {class: "muted"}, t("desk.checking")));
    const isDone = await desk.attempt(async () => {
      const found = await change("POST", "/v1/admin/check", {what});
      const words = found.problems.length ? count("n.problems", found.problems.length) : t("desk.sound", {seconds: decimal(found.seconds)});
      fill(
        result,
        el("p", {class: found.problems.length ? "problem-message" : "done-note"}, words),
        found.problems.length ? el("ul", {class: "problem-list"}, ...found.problems.map((line) => el("li", {dir: "auto"}, line))) : null,
      );
      announce(words);
    });
    if (!isDone) fill(result);
    for (const button of buttons) button.disabled = false;
  };
  buttons.push(
    el("button", {type: "button", id: "desk-check-index", onclick: () => run("index")}, t("desk.checkIndex")),
    el("button", {type: "button", id: "desk-check-models", onclick: () => run("models")}, t("desk.checkModels")),
  );
  return part("desk.check", el("p", {class: "muted"}, t("desk.checkNote")), el("div", {class: "group"}, ...buttons), result);
}

// New lines come at the top. Read with the keyboard, the box can be scrolled.
function logPart() {
  const lines = el("ol", {class: "desk-log", id: "desk-log", tabindex: 0, "aria-labelledby": "part-desk-log"});
  const node = el("div", {}, el("p", {class: "muted"}, t("desk.logNote")), lines);
  const look = async () => {
    const found = await getJson(`/v1/admin/log?after=${state.last}`);
    for (const line of found.lines) {
      const at = new Date(line.at).toLocaleTimeString(language());
      lines.prepend(
        el("li", {class: `log-${line.level}`, dir: "ltr"}, el("span", {class: "muted"}, at), el("span", {}, line.text), line.request_id ? el("code", {class: "muted"}, line.request_id) : null),
      );
      state.last = line.number;
    }
    while (lines.childElementCount > MOST_LINES) lines.lastChild.remove();
    if (!lines.childElementCount) lines.append(el("li", {class: "muted none"}, t("desk.noLines")));
    else if (lines.childElementCount > 1) lines.querySelector(".none")?.remove();
  };
  return {node, look};
}
