// One document of the desk: what was got out of each page, what is said of it by hand, and how it is made anew.

import {change, documentUrl, getJson, remove} from "./api.js";
import {announce, byId, el, fill} from "./dom.js";
import {count, language, t} from "./languages.js";
import {REASONS} from "./reasons.js";
import {bytesName, pathName} from "./text.js";
import {sendFile, uploadLine} from "./upload.js";

const deskUrl = (id) => `/v1/admin/documents/${encodeURIComponent(id)}`;
const MOST_PAGES = 300; // shown at once; the rest on request
const HOW = {text: "desk.howText", ocr: "desk.howOcr", empty: "desk.howEmpty", skipped: "desk.howSkipped"};
const HOW_CHIPS = {text: "good", ocr: "busy", empty: "", skipped: "bad"};

export async function showDocument(panel, desk, id) {
  const report = await getJson(deskUrl(id));
  draw(panel, desk, report);
}

function draw(panel, desk, report) {
  const info = report.document;
  const name = pathName(info.path);
  const title = info.title || name;
  const place = {panel, desk, report, info, name, title};
  desk.heading(title);
  fill(
    panel,
    el("p", {}, el("a", {href: desk.place("documents")}, t("desk.back"))),
    facts(info, name),
    desk.service.can_change ? tools(place) : el("p", {class: "notice"}, t("documents.fixed")),
    desk.service.can_change ? detailsForm(place) : null,
    pagesPart(place),
  );
}

function facts(info, name) {
  const edition = info.edition ? t("desk.edition", {edition: info.edition}) : null;
  const dated = [info.date, edition].filter(Boolean).join(", ");
  const rows = [
    ["desk.file", name],
    ["desk.also", info.other_paths.map(pathName).join(", ")],
    ["desk.kind", info.media_type],
    ["desk.colSize", bytesName(info.size_bytes)],
    ["desk.content", [count("n.pages", info.pages), count("n.passages", info.chunks)].join(", ")],
    ["desk.colDate", [dated, info.is_described ? t("desk.byHand") : null].filter(Boolean).join(" · ")],
    ["desk.colAdded", new Date(info.added_at).toLocaleString(language())],
  ];
  const shown = rows.filter(([, value]) => value);
  return el("dl", {class: "desk-facts"}, ...shown.map(([key, value]) => el("div", {}, el("dt", {}, t(key)), el("dd", {dir: "auto"}, value))));
}

function tools(place) {
  const {desk, info, name, title, panel} = place;
  const lines = el("ul", {class: "upload-list", "aria-label": t("upload.list")});
  const again = async (event) => {
    const button = event.currentTarget;
    button.disabled = true;
    announce(t("upload.reading"));
    const isDone = await desk.attempt(() => change("POST", "/v1/admin/documents/again", {path: info.path}));
    button.disabled = false;
    if (isDone) {
      announce(t("desk.wasRead", {name: title}));
      await showDocument(panel, desk, info.id);
      byId("desk-note").textContent = t("desk.wasRead", {name: title});
    }
  };
  const takeOut = async () => {
    const text = [t("confirm.text", {name: title}), info.is_upload ? "" : t("desk.comesBack")].join(" ");
    const isSure = await desk.confirm({title: t("confirm.title"), text, yes: t("documents.remove")});
    if (!isSure || !(await desk.attempt(() => remove(documentUrl(info.id))))) return;
    announce(t("documents.removed", {name: title}));
    location.hash = desk.place("documents");
  };
  const input = el("input", {type: "file", class: "unseen", id: "desk-replacement", accept: desk.service.suffixes.join(",")});
  input.addEventListener("change", async () => {
    const [file] = input.files;
    input.value = "";
    const isSure = file && (await desk.confirm({title: t("desk.replaceTitle"), text: t("desk.replaceText", {name, file: file.name}), yes: t("desk.replace")}));
    if (!isSure) return;
    const address = `/v1/admin/documents/replace?${new URLSearchParams({path: info.path})}`;
    const reply = await sendFile(uploadLine(file, lines), desk.service, address);
    if (!reply) return;
    announce(t("desk.wasReplaced", {name}));
    location.replace(desk.place("documents", reply.document.id)); // the old one's address leads nowhere
  });
  return el(
    "section",
    {class: "desk-actions", "aria-label": t("desk.actions")},
    el(
      "div",
      {class: "group"},
      el("a", {class: "button", href: `${documentUrl(info.id)}/file`, download: true}, t("documents.original")),
      el("button", {type: "button", id: "desk-again", onclick: again}, t("desk.again")),
      info.is_upload ? el("label", {class: "button"}, t("desk.replaceWith"), input) : null,
      el("button", {type: "button", class: "danger", id: "desk-remove", onclick: takeOut}, t("documents.remove")),
    ),
    info.is_upload ? null : el("p", {class: "muted"}, t("desk.fromFolder")),
    el("p", {class: "muted", id: "desk-note"}),
    lines,
  );
}

// Fields are empty where the file's own word counts, which stands in them as a hint.
function detailsForm(place) {
  const {desk, report, info, panel, title} = place;
  const said = report.said;
  const own = {title: said.title ? "" : title, date: info.date ?? "", edition: info.edition ?? "", language: info.language ?? ""};
  const field = (name, key, properties = {}) =>
    el(
      "label",
      {class: name === "title" ? "grow" : null},
      el("span", {}, t(key)),
      el("input", {id: `desk-${name}`, name, value: said[name], placeholder: own[name], autocomplete: "off", dir: "auto", ...properties}),
    );
  const form = el(
    "form",
    {class: "card desk-form", id: "desk-details", "aria-labelledby": "desk-details-heading"},
    el("h2", {id: "desk-details-heading"}, t("desk.details")),
    el("p", {class: "muted"}, t("desk.detailsNote")),
    el(
      "div",
      {class: "desk-fields"},
      field("title", "desk.titleField", {maxlength: 300}),
      field("date", "desk.date", {maxlength: 10, pattern: "\\d{4}(-\\d{2}(-\\d{2})?)?", title: t("desk.dateNote"), "aria-describedby": "desk-form-note"}),
      field("edition", "desk.editionNumber", {maxlength: 19, pattern: "\\d{1,4}(\\.\\d{1,4}){0,3}", title: t("desk.editionNote"), "aria-describedby": "desk-form-note"}),
      field("language", "desk.languageCode", {maxlength: 30, pattern: "[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}", title: t("desk.languageNote"), "aria-describedby": "desk-form-note"}),
    ),
    el("p", {class: "muted", id: "desk-form-note"}, [t("desk.dateNote"), t("desk.editionNote"), t("desk.languageNote")].join(" ")),
    el("div", {class: "group"}, el("button", {type: "submit", class: "primary", id: "desk-save"}, t("desk.save"))),
    el("p", {class: "done-note", id: "desk-saved", role: "status"}),
  );
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const body = Object.fromEntries(["title", "date", "edition", "language"].map((name) => [name, form.elements[name].value.trim()]));
    await desk.attempt(async () => {
      draw(panel, desk, await change("PUT", deskUrl(info.id), body));
      byId("desk-saved").textContent = t("desk.saved");
      byId("desk-save").focus();
    });
  });
  return form;
}

function pagesPart(place) {
  const {report} = place;
  const isWrong = (page) => page.reason !== null || page.how === "skipped";
  const wrong = report.pages.filter(isWrong).length;
  const scanned = report.pages.filter((page) => page.how === "ocr").length;
  const parts = [count("n.pages", report.pages.length)];
  if (scanned) parts.push(t("desk.scanned", {count: scanned}));
  parts.push(count("n.problems", wrong + report.problems.length));
  const rows = el("tbody", {role: "rowgroup", id: "desk-pages"});
  const more = el("button", {type: "button", onclick: () => list(Infinity)}, t("documents.more"));
  const only = el("input", {type: "checkbox", id: "desk-only-wrong", onchange: () => list(MOST_PAGES)});
  const list = (most) => {
    const pages = only.checked ? report.pages.filter(isWrong) : report.pages;
    fill(rows, ...pages.slice(0, most).map((page) => pageRow(page, place)));
    more.hidden = pages.length <= most;
  };
  list(MOST_PAGES);
  const heads = [["desk.page"], ["desk.how"], ["desk.chars", "number"], ["desk.colPassages", "number"], ["desk.remark"]];
  return el(
    "section",
    {"aria-labelledby": "desk-pages-heading", class: "desk-pages"},
    el("h2", {id: "desk-pages-heading"}, t("desk.pageReport")),
    el("p", {class: "muted"}, parts.join(" · ")),
    report.problems.length ? el("ul", {class: "problem-list"}, ...report.problems.map((problem) => el("li", {}, `${reason(problem.reason)}. ${problem.detail}`))) : null,
    wrong ? el("p", {}, el("label", {class: "check"}, only, el("span", {}, t("desk.onlyProblems")))) : null,
    el(
      "div",
      {class: "desk-frame"},
      el(
        "table",
        {class: "desk-table", role: "table", "aria-labelledby": "desk-pages-heading"},
        el("thead", {role: "rowgroup"}, el("tr", {role: "row"}, ...heads.map(([key, kind]) => el("th", {scope: "col", role: "columnheader", class: kind}, t(key))))),
        rows,
      ),
    ),
    el("p", {}, more),
  );
}

const reason = (code) => t(REASONS[code] ?? REASONS.unreadable);

function pageRow(page, {info}) {
  const number = (value) => value.toLocaleString(language());
  const label = page.label && page.label !== String(page.number) ? ` (${page.label})` : "";
  const remarks = [];
  if (page.reason) remarks.push(el("span", {}, `${reason(page.reason)}. `), el("bdi", {}, page.detail));
  if (page.same_as) remarks.push(el("span", {}, t("desk.sameAs", {page: page.same_as})));
  const name = t("page.number", {number: page.number});
  return el(
    "tr",
    {role: "row", class: `is-${page.how}`},
    el("td", {role: "cell"}, el("a", {href: `/source/${info.id}/${page.number}`, target: "_blank", "aria-label": `${name}${label}`}, `${number(page.number)}${label}`)),
    el("td", {role: "cell"}, el("span", {class: `chip ${HOW_CHIPS[page.how]}`}, t(HOW[page.how]))),
    el("td", {role: "cell", class: "number", "data-label": t("desk.chars")}, number(page.chars)),
    el("td", {role: "cell", class: "number", "data-label": t("desk.colPassages")}, number(page.chunks)),
    el("td", {role: "cell", class: "remark"}, ...remarks),
  );
}
