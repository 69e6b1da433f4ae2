// A key, typed or out of the address of a QR code (behind the #, which no browser sends), becomes this browser's session.

const byId = (id) => document.getElementById(id);

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
    const {error} = await reply.json();
    fail(sentence(error.message), sentence(error.hint));
  } catch {
    fail("The service cannot be reached. Is it still running?");
  }
}

const sentence = (text) => `${text[0].toUpperCase()}${text.slice(1)}.`;

function fail(...sentences) {
  const problem = byId("login-problem");
  problem.textContent = sentences.join(" ");
  problem.hidden = false;
  byId("login-button").disabled = false;
  byId("key").setAttribute("aria-invalid", "true");
  byId("key").focus();
}

byId("login-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const key = byId("key").value.trim();
  if (key) logIn(key);
});

const shown = new URLSearchParams(location.hash.slice(1)).get("key");
if (shown) {
  history.replaceState(null, "", location.pathname + location.search);
  logIn(shown);
}
