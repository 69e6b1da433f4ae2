// A key, typed or out of the address of a QR code (behind the #, which no browser sends), becomes this browser's session.

import {byId} from "./dom.js";
import {startLanguages, t} from "./languages.js";
import {chosenLanguage} from "./past.js";

// The page is English until the words are there; whoever types faster than that is not made to wait.
const ready = startLanguages([chosenLanguage(), ...navigator.languages]).catch(() => undefined);

async function logIn(key) {
  byId("login-button").disabled = true;
  byId("login-problem").hidden = true;
  try {
    const reply = await fetch("/login", {
      method: "POST",
      headers: {"Content-Type": "application/json"},
      body: JSON.stringify({key}),
    });
    if (reply.ok) {
      if (location.pathname === "/login") location.replace("/");
      else location.reload();
      return;
    }
    await ready;
    const {error} = await reply.json();
    const said = {401: "login.wrong", 429: "login.often"}[reply.status];
    fail((said && words(said)) || [error.message, error.hint].map(sentence).join(" "));
  } catch {
    fail(words("error.away") || "The service cannot be reached.");
  }
}

// "" where the words could not be loaded.
const words = (key) => (t(key) === key ? "" : t(key));
const sentence = (text) => `${text[0].toUpperCase()}${text.slice(1)}.`;

function fail(text) {
  const problem = byId("login-problem");
  problem.textContent = text;
  problem.hidden = false;
  byId("login-button").disabled = false;
  byId("key").setAttribute("aria-invalid", "true");
  byId("key").focus();
}

byId("login-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const typed = byId("key").value.trim();
  if (typed) logIn(typed);
});

const shown = new URLSearchParams(location.hash.slice(1)).get("key");
if (shown) {
  history.replaceState(null, "", location.pathname + location.search);
  logIn(shown);
}
