// Whether an answer helped: kept in the journal of this box. Without a journal answers carry no id, and nothing is shown.

import {sendFeedback} from "./api.js";
import {announce, byId} from "./dom.js";
import {t} from "./languages.js";

let questionId = "";
let verdict = "";

export function clearFeedback() {
  questionId = "";
  byId("feedback").hidden = true;
}

export function offerFeedback(answer) {
  questionId = answer.question_id ?? "";
  verdict = "";
  byId("feedback").hidden = !questionId;
  byId("feedback-more").hidden = true;
  byId("feedback-reason").value = "";
  byId("feedback-note").textContent = "";
  mark();
}

function mark() {
  for (const name of ["up", "down"]) byId(`feedback-${name}`).setAttribute("aria-pressed", String(verdict === name));
}

async function send(chosen, reason) {
  const id = questionId;
  try {
    await sendFeedback(id, chosen, reason);
    if (id !== questionId) return;
    verdict = chosen;
    mark();
    if (reason) {
      byId(`feedback-${chosen}`).focus();
      byId("feedback-reason").value = "";
    }
    byId("feedback-more").hidden = reason !== "";
    byId("feedback-note").textContent = t(reason ? "feedback.thanks" : "feedback.noted");
    announce(byId("feedback-note").textContent);
  } catch (error) {
    if (id === questionId) byId("feedback-note").textContent = error.message;
  }
}

export function setUpFeedback() {
  for (const name of ["up", "down"]) byId(`feedback-${name}`).addEventListener("click", () => send(name, ""));
  byId("feedback-send").addEventListener("click", sendReason);
  byId("feedback-reason").addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.isComposing) sendReason();
  });
}

function sendReason() {
  const reason = byId("feedback-reason").value.trim();
  if (reason && verdict) send(verdict, reason);
}
