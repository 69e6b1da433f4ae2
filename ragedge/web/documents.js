// Documents: upload with progress per file, the list with state and problems, removal after a question.

import {ApiError, documentUrl, getJson, remove, upload} from "./api.js";
import {announce, byId, el, fill, showProblem} from "./dom.js";
import {openSource} from "./source.js";
import {bytesName, pathName, plural} from "./text.js";

const REASONS = {
  encrypted: "Protected by a password",
  no_text: "No text in it",
  broken: "Damaged",
  too_large: "Too large",
  unsupported: "This kind of file is not read",
  timed_out: "Took too long to read",
  out_of_memory: "Needs too much memory",
  crashed: "Its reader crashed",
  unreadable: "Could not be read",
};
const LIST = 200;

const state = {service: null, onChange: () => undefined, shown: 0};

export function setUpDocuments(onChange) {
  state.onChange = onChange;
  byId("more-documents").addEventListener("click", () => loadDocuments(state.shown));
  // A file dropped beside the zone must not replace the page.
  for (const name of ["dragover", "drop"]) window.addEventListener(name, (event) => event.preventDefault());
}

export function setService(service) {
  const isFirst = state.service === null;
  state.service = service;
  if (isFirst) fill(byId("documents-upload"), service.can_change ? uploadZone() : readOnlyNote());
}

const readOnlyNote = () => el("p", {class: "notice"}, "The documents of this service can be read, not changed.");

// A place to drop or choose files, with a line for each of them.
export function uploadZone() {
  const list = el("ul", {class: "upload-list", "aria-label": "Files being added"});
  const input = el("input", {
    type: "file",
    multiple: true,
    class: "unseen",
    accept: state.service.suffixes.join(","),
    "aria-label": "Choose files to add",
  });
  const zone = el(
    "div",
    {class: "drop-zone"},
    el("p", {class: "drop-title"}, "Drop files here"),
    el("p", {}, el("label", {class: "button primary"}, "Choose files", input)),
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
  const kinds = known.map((suffix) => suffix.slice(1).toUpperCase()).join(", ") + (more ? ` and ${more} more kinds` : "");
  return `${kinds}. Up to ${bytesName(service.max_upload_bytes)} each. Everything stays on this machine.`;
}

async function addFiles(files, list) {
  const lines = files.map((file) => {
    const progress = el("progress", {max: 1, value: 0, "aria-label": `Sending ${file.name}`});
    const words = el("span", {class: "muted"}, "Waiting");
    const line = el("li", {}, el("span", {class: "file-name"}, file.name), progress, words);
    list.append(line);
    return {file, line, progress, words};
  });
  let added = 0;
  for (const entry of lines) added += (await addFile(entry)) ? 1 : 0;
  announce(`${plural(added, "file")} added, ${files.length - added} not.`);
  await Promise.all([loadDocuments(0), state.onChange()]);
}

async function addFile({file, line, progress, words}) {
  try {
    checkFile(file);
    words.textContent = "Sending";
    const reply = await upload(file, (share) => {
      progress.value = share;
      if (share >= 1) {
        words.textContent = "Reading it into the index";
        progress.removeAttribute("value");
      }
    });
    line.className = "done";
    const {document: info} = reply;
    const lacks = info.problems.length ? `, ${plural(info.problems.length, "problem")}` : "";
    words.textContent = reply.is_duplicate
      ? `Already here as ${pathName(info.path)}`
      : `Added: ${plural(info.pages, "page")}, ${plural(info.chunks, "passage")}${lacks}`;
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
  if (file.size > most) throw new ApiError(`The file has ${bytesName(file.size)}, ${bytesName(most)} are allowed`);
  const name = file.name.toLowerCase();
  if (suffixes.length && !suffixes.some((suffix) => name.endsWith(suffix))) {
    throw new ApiError("No reader takes this kind of file");
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
    byId("rejected-heading").textContent = `${plural(found.rejected_total, "file")} could not be read`;
    if (found.total === 0) fill(byId("document-list"), el("li", {class: "muted"}, "There are no documents yet."));
  } catch (error) {
    showProblem(byId("documents-problem"), error);
  }
}

function documentItem(info) {
  const title = info.title || pathName(info.path);
  const open = () => openSource({documentId: info.id, title, page: 1, span: null, quote: ""});
  const facts = [
    pathName(info.path),
    plural(info.pages, "page"),
    plural(info.chunks, "passage"),
    bytesName(info.size_bytes),
    info.added_at.slice(0, 10),
  ];
  return el(
    "li",
    {class: "card document"},
    el(
      "div",
      {class: "document-main"},
      el("h3", {}, el("button", {type: "button", class: "link", onclick: open}, title)),
      el("p", {class: "muted"}, facts.join(" · ")),
      info.other_paths.length ? el("p", {class: "muted"}, `Also as ${info.other_paths.map(pathName).join(", ")}`) : null,
      problemList(info.problems),
    ),
    el("span", {class: `chip ${info.state === "ready" ? "good" : "warn"}`}, info.state === "ready" ? "Ready" : "In part"),
    el(
      "div",
      {class: "group"},
      el("a", {class: "button", href: `${documentUrl(info.id)}/file`, download: true, "aria-label": `Original file of ${title}`}, "Original"),
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
      el("h3", {}, pathName(row.path)),
      el("p", {class: "muted"}, [row.detail, bytesName(row.size_bytes)].filter(Boolean).join(" · ")),
      problemList(row.problems),
    ),
    el("span", {class: "chip bad"}, REASONS[row.reason] ?? "Could not be read"),
    el("div", {class: "group"}, removeButton(pathName(row.path), `/v1/documents?${new URLSearchParams({path: row.path})}`)),
  );
}

function problemList(problems) {
  if (!problems.length) return null;
  const lines = problems.slice(0, 100).map((problem) => {
    const where = problem.page === null ? "" : `Page ${problem.page}: `;
    return el("li", {}, `${where}${REASONS[problem.reason] ?? problem.reason}. ${problem.detail}`);
  });
  return el("details", {}, el("summary", {}, plural(problems.length, "problem")), el("ul", {class: "problem-list"}, ...lines));
}

function removeButton(name, url) {
  if (!state.service?.can_change) return null;
  const ask = async () => {
    if (!(await confirmed(name))) return;
    try {
      await remove(url);
      announce(`${name} was removed.`);
      byId("documents-heading").focus();
    } catch (error) {
      showProblem(byId("documents-problem"), error);
      return;
    }
    await Promise.all([loadDocuments(0), state.onChange()]);
  };
  return el("button", {type: "button", class: "danger", "aria-label": `Remove ${name}`, onclick: ask}, "Remove");
}

function confirmed(name) {
  const dialog = byId("confirm");
  byId("confirm-text").textContent = `“${name}” leaves the index: its text, its passages and the copy of the file kept here.`;
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), {once: true});
  });
}
