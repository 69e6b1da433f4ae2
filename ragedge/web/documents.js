// Documents: upload with progress per file, the list with state and problems, removal after a question.

import {ApiError, documentUrl, getJson, remove, upload} from "./api.js";
import {announce, byId, el, fill, showProblem} from "./dom.js";
import {count, t} from "./languages.js";
import {openSource} from "./source.js";
import {bytesName, pathName} from "./text.js";

const REASONS = {
  encrypted: "reason.encrypted",
  no_text: "reason.no_text",
  broken: "reason.broken",
  too_large: "reason.too_large",
  unsupported: "reason.unsupported",
  timed_out: "reason.timed_out",
  out_of_memory: "reason.out_of_memory",
  crashed: "reason.crashed",
  unreadable: "reason.unreadable",
};
const LIST = 200;

const state = {service: null, onChange: () => undefined, onSummarise: () => undefined, shown: 0};

export function setUpDocuments(onChange, onSummarise) {
  state.onChange = onChange;
  state.onSummarise = onSummarise;
  byId("more-documents").addEventListener("click", () => loadDocuments(state.shown));
  // A file dropped beside the zone must not replace the page.
  for (const name of ["dragover", "drop"]) window.addEventListener(name, (event) => event.preventDefault());
}

export function setService(service) {
  const isFirst = state.service === null;
  state.service = service;
  if (isFirst) fill(byId("documents-upload"), service.can_change ? uploadZone() : readOnlyNote());
}

const readOnlyNote = () => el("p", {class: "notice"}, t("documents.fixed"));

// A place to drop or choose files, with a line for each of them.
export function uploadZone() {
  const list = el("ul", {class: "upload-list", "aria-label": t("upload.list")});
  const input = el("input", {
    type: "file",
    multiple: true,
    class: "unseen",
    accept: state.service.suffixes.join(","),
    "aria-label": t("upload.label"),
  });
  const zone = el(
    "div",
    {class: "drop-zone"},
    el("p", {class: "drop-title"}, t("upload.drop")),
    el("p", {}, el("label", {class: "button primary"}, t("upload.choose"), input)),
    el("p", {class: "muted"}, kindsLine(state.service)),
  );
  input.addEventListener("change", () => {
    addFiles([...input.files], list);
    input.value = "";
  });
  zone.addEventListener("dragenter", () => zone.classList.add("is-over"));
  zone.addEventListener("dragover", () => zone.classList.add("is-over"));
  zone.addEventListener("dragleave", (event) => zone.contains(event.relatedTarget) || zone.classList.remove("is-over"));
  zone.addEventListener("drop", (event) => {
    zone.classList.remove("is-over");
    addFiles([...event.dataTransfer.files], list);
  });
  return el("div", {}, zone, list);
}

// The kinds that people know by name; the file chooser knows them all.
const KNOWN = [".pdf", ".docx", ".pptx", ".xlsx", ".odt", ".epub", ".html", ".md", ".txt", ".csv", ".eml"];

function kindsLine(service) {
  const known = KNOWN.filter((suffix) => service.suffixes.includes(suffix));
  const more = service.suffixes.length - known.length;
  const named = known.map((suffix) => suffix.slice(1).toUpperCase()).join(", ");
  const kinds = more ? t("upload.more", {kinds: named, count: more}) : named;
  return t("upload.kinds", {kinds, size: bytesName(service.max_upload_bytes)});
}

async function addFiles(files, list) {
  const lines = files.map((file) => {
    const progress = el("progress", {max: 1, value: 0, "aria-label": t("upload.sendingFile", {name: file.name})});
    const words = el("span", {class: "muted"}, t("upload.waiting"));
    const line = el("li", {}, el("span", {class: "file-name", dir: "auto"}, file.name), progress, words);
    list.append(line);
    return {file, line, progress, words};
  });
  let added = 0;
  for (const entry of lines) added += (await addFile(entry)) ? 1 : 0;
  announce(t("upload.result", {added: count("n.added", added), failed: files.length - added}));
  await Promise.all([loadDocuments(0), state.onChange()]);
}

async function addFile({file, line, progress, words}) {
  try {
    checkFile(file);
    words.textContent = t("upload.sending");
    const reply = await upload(file, (share) => {
      progress.value = share;
      if (share >= 1) {
        words.textContent = t("upload.reading");
        progress.removeAttribute("value");
      }
    });
    line.className = "done";
    const {document: info} = reply;
    const parts = [count("n.pages", info.pages), count("n.passages", info.chunks)];
    if (info.problems.length) parts.push(count("n.problems", info.problems.length));
    words.textContent = reply.is_duplicate
      ? t("upload.duplicate", {name: pathName(info.path)})
      : t("upload.added", {parts: parts.join(", ")});
    return true;
  } catch (error) {
    line.className = "failed";
    words.textContent = [error.message, error.hint].filter(Boolean).join(". ");
    return false;
  } finally {
    progress.remove();
  }
}

function checkFile(file) {
  const {max_upload_bytes: most, suffixes} = state.service;
  if (file.size > most) throw new ApiError(t("error.tooLarge", {size: bytesName(file.size), limit: bytesName(most)}));
  const name = file.name.toLowerCase();
  if (suffixes.length && !suffixes.some((suffix) => name.endsWith(suffix))) {
    throw new ApiError(t("error.noReader"));
  }
}

export async function loadDocuments(offset = 0) {
  try {
    const found = await getJson(`/v1/documents?offset=${offset}&limit=${LIST}`);
    byId("documents-problem").hidden = true;
    const items = found.documents.map(documentItem);
    if (offset === 0) fill(byId("document-list"), ...items);
    else byId("document-list").append(...items);
    state.shown = offset + items.length;
    byId("more-documents").hidden = state.shown >= found.total;
    fill(byId("rejected"), ...found.rejected.map(rejectedItem));
    byId("rejected-section").hidden = found.rejected.length === 0;
    byId("rejected-section").open = found.rejected_total <= 5;
    byId("rejected-heading").textContent = count("n.rejected", found.rejected_total);
    if (found.total === 0) fill(byId("document-list"), el("li", {class: "muted"}, t("start.none")));
  } catch (error) {
    showProblem(byId("documents-problem"), error);
  }
}

function documentItem(info) {
  const title = info.title || pathName(info.path);
  const open = () => openSource({documentId: info.id, title, page: 1, span: null, quote: ""});
  const facts = [
    pathName(info.path),
    count("n.pages", info.pages),
    count("n.passages", info.chunks),
    bytesName(info.size_bytes),
    info.added_at.slice(0, 10),
  ];
  return el(
    "li",
    {class: "card document"},
    el(
      "div",
      {class: "document-main"},
      el("h3", {}, el("button", {type: "button", class: "link", dir: "auto", onclick: open}, title)),
      el("p", {class: "muted"}, facts.join(" · ")),
      info.other_paths.length ? el("p", {class: "muted"}, t("documents.also", {names: info.other_paths.map(pathName).join(", ")})) : null,
      problemList(info.problems),
    ),
    el("span", {class: `chip ${info.state === "ready" ? "good" : "warn"}`}, t(info.state === "ready" ? "documents.ready" : "documents.partial")),
    el(
      "div",
      {class: "group"},
      el("button", {type: "button", "aria-label": t("summarise.one", {title}), onclick: () => state.onSummarise({id: info.id, title})}, t("summarise.button")),
      el("a", {class: "button", href: `${documentUrl(info.id)}/file`, download: true, "aria-label": t("documents.originalOf", {title})}, t("documents.original")),
      removeButton(title, documentUrl(info.id)),
    ),
  );
}

function rejectedItem(row) {
  return el(
    "li",
    {class: "card document"},
    el(
      "div",
      {class: "document-main"},
      el("h3", {dir: "auto"}, pathName(row.path)),
      el("p", {class: "muted"}, [row.detail, bytesName(row.size_bytes)].filter(Boolean).join(" · ")),
      problemList(row.problems),
    ),
    el("span", {class: "chip bad"}, t(REASONS[row.reason] ?? REASONS.unreadable)),
    el("div", {class: "group"}, removeButton(pathName(row.path), `/v1/documents?${new URLSearchParams({path: row.path})}`)),
  );
}

function problemList(problems) {
  if (!problems.length) return null;
  const lines = problems.slice(0, 100).map((problem) => {
    const where = problem.page === null ? "" : t("documents.onPage", {page: problem.page});
    return el("li", {}, `${where}${t(REASONS[problem.reason] ?? problem.reason)}. ${problem.detail}`);
  });
  return el("details", {}, el("summary", {}, count("n.problems", problems.length)), el("ul", {class: "problem-list"}, ...lines));
}

function removeButton(name, url) {
  if (!state.service?.can_change) return null;
  const ask = async () => {
    if (!(await confirmed(name))) return;
    try {
      await remove(url);
      announce(t("documents.removed", {name}));
      byId("documents-heading").focus();
    } catch (error) {
      showProblem(byId("documents-problem"), error);
      return;
    }
    await Promise.all([loadDocuments(0), state.onChange()]);
  };
  return el("button", {type: "button", class: "danger", "aria-label": t("documents.removeOne", {name}), onclick: ask}, t("documents.remove"));
}

function confirmed(name) {
  const dialog = byId("confirm");
  byId("confirm-text").textContent = t("confirm.text", {name});
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), {once: true});
  });
}
