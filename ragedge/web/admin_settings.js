// The owner's tab: the few settings that can be changed from here, and the keys.

import {change, getJson, remove} from "./api.js";
import {announce, el, fill} from "./dom.js";
import {languages, t} from "./languages.js";

const ROLES = {visitor: "keys.visitor", curator: "keys.curator", owner: "keys.owner"};
const LABELS = {
  title: "settings.title",
  questions: "settings.questions",
  language: "settings.language",
  top_k: "settings.top_k",
  max_answer_tokens: "settings.max_answer_tokens",
  model: "settings.model",
  evidence_model: "settings.evidence_model",
  journal: "settings.journal",
};
const NUMBERS = {top_k: [1, 50], max_answer_tokens: [1, 4096]};

export async function show(panel, desk) {
  const form = el("section", {class: "card settings-part"});
  const keys = el("section", {class: "card settings-part"});
  panel.append(form, keys);
  drawSettings(form, desk, await getJson("/v1/settings"), "");
  await drawKeys(keys, desk, null);
}

function drawSettings(box, desk, report, note) {
  const fields = fieldsOf(report);
  const rows = Object.entries(fields).map(([name, field]) => row(name, field));
  const save = async (event) => {
    event.preventDefault();
    const wanted = changed(report.settings, fields);
    if (!Object.keys(wanted).length) return;
    await desk.attempt(async () => {
      const after = await change("PATCH", "/v1/settings", wanted);
      drawSettings(box, desk, after, t("settings.saved"));
      announce([t("settings.saved"), later(after)].filter(Boolean).join(" "));
      document.getElementById("settings-save").focus();
    });
  };
  const isFixed = report.file === "";
  fill(
    box,
    el("h2", {}, t("settings.heading")),
    isFixed ? el("p", {class: "notice"}, t("settings.noFile")) : el("p", {class: "muted"}, t("settings.file", {file: report.file})),
    el(
      "form",
      {class: "desk-form", onsubmit: save},
      el("fieldset", {disabled: isFixed, class: "settings-fields"}, ...rows),
      isFixed ? null : el("p", {}, el("button", {id: "settings-save", type: "submit", class: "primary"}, t("settings.save"))),
    ),
    el("p", {id: "settings-note", class: "muted"}, note),
    report.after_restart.length ? el("p", {id: "settings-later", class: "notice"}, later(report)) : null,
  );
}

const later = ({after_restart: names}) =>
  names.length ? t("settings.later", {names: names.map((name) => t(LABELS[name])).join(", ")}) : "";

function row(name, field) {
  const label = el("label", {for: field.id}, t(LABELS[name]));
  return el("div", {class: field.type === "checkbox" ? "settings-check" : "settings-row"}, label, field);
}

function fieldsOf({settings, models}) {
  const id = (name) => `settings-${name}`;
  const input = (name, more = {}) => el("input", {id: id(name), value: settings[name], dir: "auto", autocomplete: "off", ...more});
  const number = (name) => input(name, {type: "number", min: NUMBERS[name][0], max: NUMBERS[name][1], required: true});
  const known = languages().map(({code, name}) => [code, name]);
  const spoken = known.some(([code]) => code === settings.language) ? known : [[settings.language, settings.language], ...known];
  const named = models.map((name) => [name, name]);
  const model = settings.model && !models.includes(settings.model) ? [[settings.model, settings.model]] : [];
  const evidence = [["packaged", t("settings.on")], ["off", t("settings.off")]];
  const other = evidence.some(([value]) => value === settings.evidence_model) ? [] : [[settings.evidence_model, settings.evidence_model]];
  return {
    title: input("title", {type: "text", maxlength: 200, required: true}),
    questions: el("textarea", {id: id("questions"), rows: 4, dir: "auto"}, settings.questions.join("\n")),
    language: select(id("language"), spoken, settings.language),
    top_k: number("top_k"),
    max_answer_tokens: number("max_answer_tokens"),
    model: select(id("model"), [["", t("settings.modelChosen")], ...named, ...model], settings.model),
    evidence_model: select(id("evidence_model"), [...evidence, ...other], settings.evidence_model),
    journal: el("input", {id: id("journal"), type: "checkbox", checked: settings.journal}),
  };
}

function select(id, options, value) {
  const node = el("select", {id, autocomplete: "off"}, ...options.map(([key, name]) => el("option", {value: key}, name)));
  node.value = value;
  return node;
}

// Only what was changed goes out: what somebody else changed meanwhile stays.
function changed(before, fields) {
  const now = {
    ...Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, field.value.trim()])),
    questions: fields.questions.value.split("\n").map((line) => line.trim()).filter(Boolean),
    journal: fields.journal.checked,
  };
  for (const name of Object.keys(NUMBERS)) now[name] = Number(now[name]);
  return Object.fromEntries(Object.entries(now).filter(([name, value]) => JSON.stringify(value) !== JSON.stringify(before[name])));
}

async function drawKeys(box, desk, made) {
  let found;
  try {
    found = (await getJson("/v1/keys")).keys;
  } catch (error) {
    if (error.status !== 404) throw error;
    fill(box, el("h2", {}, t("keys.heading")), el("p", {class: "notice"}, t("keys.none")));
    return;
  }
  const name = el("input", {id: "key-name", type: "text", maxlength: 64, required: true, autocomplete: "off"});
  const role = select("key-role", Object.entries(ROLES).map(([one, words]) => [one, t(words)]), "visitor");
  const make = async (event) => {
    event.preventDefault();
    await desk.attempt(async () => {
      const key = await change("POST", "/v1/keys", {name: name.value.trim(), role: role.value});
      await drawKeys(box, desk, key);
      announce(t("keys.made", {name: key.key.name}));
      document.getElementById("key-token").focus();
    });
  };
  fill(
    box,
    el("h2", {}, t("keys.heading")),
    made ? newKey(made) : null,
    el("ul", {class: "key-list", "aria-label": t("keys.heading")}, ...found.map((key) => line(key, box, desk))),
    el(
      "form",
      {class: "desk-form key-form", onsubmit: make},
      el("label", {for: "key-name"}, t("keys.name"), name),
      el("label", {for: "key-role"}, t("keys.role"), role),
      el("button", {id: "key-make", type: "submit"}, t("keys.make")),
    ),
  );
}

function newKey({key, token}) {
  return el(
    "div",
    {class: "notice"},
    el("p", {}, t("keys.once", {name: key.name})),
    el("p", {}, el("code", {id: "key-token", tabindex: "-1", class: "key-token"}, token)),
  );
}

function line(key, box, desk) {
  const revoke = async () => {
    const isSure = await desk.confirm({title: t("keys.sure"), text: t("keys.sureText", {name: key.name}), yes: t("keys.revoke")});
    if (!isSure) return;
    await desk.attempt(async () => {
      await remove(`/v1/keys/${encodeURIComponent(key.id)}`);
      announce(t("keys.gone", {name: key.name}));
      if (key.is_own) location.assign("/login");
      else await drawKeys(box, desk, null);
    });
  };
  return el(
    "li",
    {},
    el("span", {class: "key-name", dir: "auto"}, key.name),
    el("span", {class: "chip"}, t(ROLES[key.role])),
    el("span", {class: "muted"}, key.created_at.slice(0, 10), key.is_own ? ` · ${t("keys.own")}` : ""),
    el("button", {type: "button", class: "danger small", "aria-label": t("keys.revokeOne", {name: key.name}), onclick: revoke}, t("keys.revoke")),
  );
}
