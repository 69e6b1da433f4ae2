// A place to drop or choose files, with a line and a bar for each of them; also for one file that replaces another.

import {ApiError, upload} from "./api.js";
import {chosenFiles, droppedFiles, folderInput, folderOf} from "./folders.js";
import {announce, el} from "./dom.js";
import {count, t} from "./languages.js";
import {bytesName, pathName} from "./text.js";

// `service` says which files are taken; `onDone` is called when all of a drop are in.
export function makeUploadZone(service, onDone) {
  const list = el("ul", {class: "upload-list", "aria-label": t("upload.list")});
  const input = el("input", {
    type: "file",
    multiple: true,
    class: "unseen",
    accept: service.suffixes.join(","),
    "aria-label": t("upload.label"),
  });
  const whole = folderInput();
  const zone = el(
    "div",
    {class: "drop-zone"},
    el("p", {class: "drop-title"}, t("upload.drop")),
    el(
      "p",
      {class: "drop-choices"},
      el("label", {class: "button primary"}, t("upload.choose"), input),
      el("label", {class: "button"}, t("upload.folder"), whole),
    ),
    el("p", {class: "muted"}, kindsLine(service)),
  );
  const add = (files) => addFiles(files, list, service, onDone);
  for (const one of [input, whole]) {
    one.addEventListener("change", () => {
      add(chosenFiles(one.files));
      one.value = "";
    });
  }
  zone.addEventListener("dragenter", () => zone.classList.add("is-over"));
  zone.addEventListener("dragover", () => zone.classList.add("is-over"));
  zone.addEventListener("dragleave", (event) => zone.contains(event.relatedTarget) || zone.classList.remove("is-over"));
  zone.addEventListener("drop", async (event) => {
    zone.classList.remove("is-over");
    add(await droppedFiles(event.dataTransfer));
  });
  return el("div", {}, zone, list);
}

// A file dropped beside a zone must not replace the page.
export function keepPage() {
  for (const name of ["dragover", "drop"]) window.addEventListener(name, (event) => event.preventDefault());
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

async function addFiles(files, list, service, onDone) {
  if (!files.length) return;
  const lines = files.map((file) => uploadLine(file, list));
  let added = 0;
  for (const line of lines) added += (await sendFile(line, service)) ? 1 : 0;
  announce(t("upload.result", {added: count("n.added", added), failed: files.length - added}));
  await onDone();
}

// A line of the list for one file, to be given to sendFile.
export function uploadLine(file, list) {
  const progress = el("progress", {max: 1, value: 0, "aria-label": t("upload.sendingFile", {name: file.name})});
  const words = el("span", {class: "muted"}, t("upload.waiting"));
  const line = el("li", {}, el("span", {class: "file-name", dir: "auto"}, [folderOf(file), file.name].filter(Boolean).join("/")), progress, words);
  list.append(line);
  return {file, line, progress, words};
}

// Sends one file, to `address` if it takes the place of another; the service's reply, or null where it failed.
export async function sendFile({file, line, progress, words}, service, address) {
  try {
    checkFile(file, service);
    words.textContent = t("upload.sending");
    const reply = await upload(
      file,
      (share) => {
        progress.value = share;
        if (share >= 1) {
          words.textContent = t("upload.reading");
          progress.removeAttribute("value");
        }
      },
      address ?? addressOf(file),
    );
    line.className = "done";
    const {document: info} = reply;
    const parts = [count("n.pages", info.pages), count("n.passages", info.chunks)];
    if (info.problems.length) parts.push(count("n.problems", info.problems.length));
    words.textContent = reply.is_duplicate
      ? t("upload.duplicate", {name: pathName(info.path)})
      : t("upload.added", {parts: parts.join(", ")});
    return reply;
  } catch (error) {
    line.className = "failed";
    words.textContent = [error.message, error.hint].filter(Boolean).join(". ");
    return null;
  } finally {
    progress.remove();
  }
}

const addressOf = (file) => {
  const folder = folderOf(file);
  return folder ? `/v1/documents?${new URLSearchParams({folder})}` : "/v1/documents";
};

function checkFile(file, {max_upload_bytes: most, suffixes}) {
  if (file.size > most) throw new ApiError(t("error.tooLarge", {size: bytesName(file.size), limit: bytesName(most)}));
  const name = file.name.toLowerCase();
  if (suffixes.length && !suffixes.some((suffix) => name.endsWith(suffix))) {
    throw new ApiError(t("error.noReader"));
  }
}
