// The button to log out, or for guests to log in; without keys there is none. The link to the desk, for who may go there.

import {byId} from "./dom.js";
import {t} from "./languages.js";
import {changeHeaders, session} from "./session.js";

export async function setUpAccount() {
  const {name, has_login: hasLogin, has_desk: hasDesk, token} = await session();
  const desk = byId("nav-desk");
  if (desk) desk.hidden = !hasDesk;
  if (!hasLogin) return;
  const button = byId("log-out");
  if (!token) {
    button.dataset.t = "page.logIn";
    button.textContent = t("page.logIn");
    button.addEventListener("click", () => location.assign("/login"));
  } else {
    button.title = t("login.as", {name});
    button.addEventListener("click", async () => {
      await fetch("/logout", {method: "POST", headers: await changeHeaders()}).catch(() => null);
      location.reload();
    });
  }
  button.hidden = false;
}
