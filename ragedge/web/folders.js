// Whole folders out of the browser: chosen or dropped, each file with where it lay.

import {el} from "./dom.js";
import {t} from "./languages.js";

const folders = new WeakMap();

// "manuals/pumps" for a file that came out of a folder, else "".
export const folderOf = (file) => folders.get(file) ?? "";

export const folderInput = () =>
  el("input", {type: "file", webkitdirectory: true, class: "unseen folder-input", "aria-label": t("upload.folderLabel")});

// Files that systems leave behind, such as .DS_Store, are nobody's documents.
const isHidden = (path) => path.split("/").some((part) => part.startsWith("."));

function placed(file, path) {
  const folder = path.split("/").slice(0, -1).join("/");
  if (folder) folders.set(file, folder);
  return file;
}

export const chosenFiles = (files) =>
  [...files].filter((file) => !isHidden(file.webkitRelativePath)).map((file) => placed(file, file.webkitRelativePath));

// What was dropped, folders with all that is in them. Entries have to be taken before the event is over.
export async function droppedFiles(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.length) return [...transfer.files];
  const found = [];
  for (const entry of entries) await collect(entry, found);
  return found;
}

async function collect(entry, found) {
  const path = entry.fullPath.replace(/^\/+/, "");
  if (isHidden(path)) return;
  if (entry.isFile) {
    found.push(placed(await new Promise((done, fail) => entry.file(done, fail)), path));
    return;
  }
  const reader = entry.createReader();
  for (;;) {
    // the browser hands out a hundred at a time, and none at the end
    const some = await new Promise((done, fail) => reader.readEntries(done, fail));
    if (!some.length) return;
    for (const one of some) await collect(one, found);
  }
}
