// One click to an answer: questions that the config suggests, or that the service makes of the documents meanwhile.

import {getJson} from "./api.js";
import {chosen} from "./collections.js";
import {el, fill} from "./dom.js";
import {t} from "./languages.js";

const WAIT_MS = 2000;
// On a small board the first ones take half a minute; who has not asked by then knows what to ask.
const MOST_TRIES = 45;

// Fills `box` as soon as there are some, unless it has left the page by then.
export async function showSuggestions(box, start, given) {
  if (given.length) {
    show(box, given, start);
    return;
  }
  const address = `/v1/suggestions?${new URLSearchParams(chosen())}`;
  for (let tries = 0; tries < MOST_TRIES; tries += 1) {
    const found = await getJson(address).catch(() => null);
    if (!box.isConnected || found === null) return;
    if (found.is_ready) {
      show(box, found.questions, start);
      return;
    }
    await new Promise((done) => setTimeout(done, WAIT_MS));
  }
}

function show(box, questions, start) {
  if (!questions.length) return;
  const buttons = questions.map((question) =>
    el("li", {}, el("button", {type: "button", class: "pill suggestion", dir: "auto", onclick: () => start(question)}, question)),
  );
  fill(box, el("h2", {class: "quiet-heading"}, t("start.try")), el("ul", {class: "pills"}, ...buttons));
}
