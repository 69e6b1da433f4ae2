// The source panel: the page a citation points to, as picture with the words marked or as text with the quote marked.

import {documentUrl, getJson, getPicture, pageUrl} from "./api.js";
import {byId, el, fill} from "./dom.js";
import {t} from "./languages.js";
import {pageName, pathName, unitOffsets} from "./text.js";

// A page of a format without pages can be a whole book: text comes in windows.
const WINDOW = 40000;
const BEFORE = 4000;
const QUOTE_CHARS = 1500;

const view = {target: null, page: 1, offset: null, wantsText: false, loaded: null, controller: null, address: null};

// target: {documentId, title, page, span or null, quote}
export function openSource(target) {
  Object.assign(view, {target, page: target.page, offset: null, wantsText: false});
  byId("source-title").textContent = target.title;
  byId("source-file").href = `${documentUrl(target.documentId)}/file`;
  const dialog = byId("source");
  if (!dialog.open) dialog.showModal();
  load();
}

function isQuoted() {
  return view.page === view.target.page && view.target.span !== null;
}

async function load() {
  view.controller?.abort();
  const controller = new AbortController();
  view.controller = controller;
  const {target, page} = view;
  byId("source-note").textContent = "";
  byId("source-body").setAttribute("aria-busy", "true");
  try {
    const start = isQuoted() ? Math.max(0, target.span.start - BEFORE) : 0;
    const offset = view.offset ?? start;
    const loaded = await getJson(`${pageUrl(target.documentId, page)}?offset=${offset}&limit=${WINDOW}`, controller.signal);
    if (view.controller !== controller) return;
    view.loaded = loaded;
    showNames(loaded);
    const isPicture = loaded.document.has_pictures && !view.wantsText;
    if (isPicture) await showPicture(loaded, controller);
    else showText(loaded);
  } catch (error) {
    if (error.name === "AbortError") return;
    fill(byId("source-body"));
    byId("source-note").textContent = [error.message, error.hint].filter(Boolean).join(" ");
  } finally {
    if (view.controller === controller) byId("source-body").setAttribute("aria-busy", "false");
  }
}

function showNames(loaded) {
  const name = pageName(loaded.number, loaded.label, loaded.pages > 1 ? "" : loaded.document.path);
  const total = loaded.pages > 1 ? t("page.of", {page: name, total: loaded.pages}) : name;
  byId("source-page").textContent = [total, pathName(loaded.document.path), loaded.origin === "ocr" ? t("source.ocr") : ""]
    .filter(Boolean)
    .join(" · ");
  byId("source-previous").disabled = loaded.previous === null;
  byId("source-next").disabled = loaded.next === null;
  byId("source-previous").parentElement.hidden = loaded.pages < 2;
  byId("source-modes").hidden = !loaded.document.has_pictures;
  byId("source-back").hidden = isQuoted() || view.target.span === null;
  setMode(!loaded.document.has_pictures || view.wantsText);
}

function setMode(isText) {
  byId("source-picture-mode").setAttribute("aria-pressed", String(!isText));
  byId("source-text-mode").setAttribute("aria-pressed", String(isText));
}

async function showPicture(loaded, controller) {
  const {target, page} = view;
  const parameters = new URLSearchParams();
  if (isQuoted() && target.quote) {
    parameters.set("quote", [...target.quote].slice(0, QUOTE_CHARS).join(""));
    if (loaded.total_chars > 0) parameters.set("near", String(Math.min(1, target.span.start / loaded.total_chars)));
  }
  let picture;
  try {
    picture = await getPicture(`${pageUrl(target.documentId, page)}/image?${parameters}`, controller.signal);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    showText(loaded);
    byId("source-note").textContent = t("source.textInstead", {problem: error.message});
    setMode(true);
    return;
  }
  if (view.controller !== controller) return;
  forgetPicture();
  view.address = URL.createObjectURL(picture.blob);
  const name = t("source.ofTitle", {page: pageName(page, loaded.label), title: target.title});
  const hasQuote = parameters.has("quote");
  const image = el("img", {
    class: "page-picture",
    src: view.address,
    alt: hasQuote && picture.marks ? t("source.altMarked", {name, quote: target.quote}) : t("source.alt", {name}),
  });
  const body = byId("source-body");
  fill(body, image);
  body.dataset.marks = String(picture.marks);
  if (hasQuote && !picture.marks) {
    byId("source-note").textContent = t("source.notFound");
  }
  await image.decode().catch(() => undefined);
  const top = picture.firstMark === null ? 0 : picture.firstMark * image.clientHeight - body.clientHeight / 3;
  body.scrollTo({top: Math.max(0, top)});
}

function forgetPicture() {
  if (view.address) URL.revokeObjectURL(view.address);
  view.address = null;
}

function showText(loaded) {
  const {text, text_start: start, total_chars: total} = loaded;
  const unit = unitOffsets(text);
  const length = [...text].length;
  const box = el("div", {class: "page-text", dir: "auto"});
  let mark = null;
  if (isQuoted() && view.target.span.end > start && view.target.span.start < start + length) {
    const [from, to] = [unit(view.target.span.start - start), unit(view.target.span.end - start)];
    mark = el("mark", {id: "source-mark"}, text.slice(from, to));
    box.append(text.slice(0, from), mark, text.slice(to));
  } else {
    box.append(text);
  }
  if (!text) box.append(el("p", {class: "muted"}, t("source.noText")));
  fill(
    byId("source-body"),
    start > 0 ? moveButton(t("source.earlier"), Math.max(0, start - WINDOW)) : null,
    box,
    start + length < total ? moveButton(t("source.later"), start + length) : null,
  );
  byId("source-body").scrollTo({top: 0});
  mark?.scrollIntoView({block: "center"});
}

function moveButton(words, offset) {
  return el("button", {type: "button", onclick: () => (Object.assign(view, {offset}), load())}, words);
}

function turn(page) {
  Object.assign(view, {page, offset: null});
  load();
}

function setWantsText(wantsText) {
  Object.assign(view, {wantsText, offset: null});
  load();
}

export function setUpSource(summarise) {
  byId("source-summarise").addEventListener("click", () => {
    byId("source").close();
    summarise({id: view.target.documentId, title: view.target.title});
  });
  byId("source-close").addEventListener("click", () => byId("source").close());
  byId("source-previous").addEventListener("click", () => view.loaded?.previous && turn(view.loaded.previous));
  byId("source-next").addEventListener("click", () => view.loaded?.next && turn(view.loaded.next));
  byId("source-back").addEventListener("click", () => turn(view.target.page));
  byId("source-picture-mode").addEventListener("click", () => setWantsText(false));
  byId("source-text-mode").addEventListener("click", () => setWantsText(true));
  byId("source").addEventListener("click", (event) => event.target === byId("source") && byId("source").close());
  byId("source").addEventListener("close", () => {
    view.controller?.abort();
    forgetPicture();
    fill(byId("source-body"));
  });
}
