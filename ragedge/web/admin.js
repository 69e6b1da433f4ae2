// The desk: which tab the address names, who is here, and what all tabs share. The tabs themselves are in admin_tabs.js.

import {setUpAccount} from "./account.js";
import {TABS} from "./admin_tabs.js";
import {getJson} from "./api.js";
import {byId, el, fill, showProblem} from "./dom.js";
import {setUpLanguageChooser, startLanguages, t} from "./languages.js";
import {chosenLanguage, chooseLanguage} from "./past.js";
import {session} from "./session.js";
import {keepPage} from "./upload.js";

const ROLES = ["visitor", "curator", "owner"];
const current = {module: null, visit: 0};

// What a tab is given.
const desk = {
  service: null,
  role: null,
  may: (role) => ROLES.indexOf(desk.role) >= ROLES.indexOf(role),
  // The address of a place in a tab: place("documents", id).
  place: (...parts) => `#${parts.map(encodeURIComponent).join("/")}`,
  heading: (text) => {
    byId("tab-heading").textContent = text;
    document.title = `${text} · ${t("desk.title")}`;
  },
  fail: (error) => {
    showProblem(byId("tab-problem"), error);
    byId("tab-problem").scrollIntoView({block: "nearest"});
  },
  clearProblem: () => (byId("tab-problem").hidden = true),
  confirm: ({title, text, yes, no = t("desk.cancel")}) => {
    const dialog = byId("confirm");
    for (const [id, words] of Object.entries({title, text, yes, no})) byId(`confirm-${id}`).textContent = words;
    dialog.returnValue = "no";
    dialog.showModal();
    return new Promise((resolve) => {
      dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), {once: true});
    });
  },
  // Runs `work` and shows what went wrong; whether it went well.
  attempt: async (work) => {
    desk.clearProblem();
    try {
      await work();
      return true;
    } catch (error) {
      desk.fail(error);
      return false;
    }
  },
};

const tabsHere = () => TABS.filter((tab) => desk.may(tab.role ?? "curator"));

async function showTab({moveFocus = true} = {}) {
  const visit = (current.visit += 1);
  const [name, ...rest] = location.hash.slice(1).split("/").map(decoded);
  const tab = tabsHere().find(({id}) => id === name) ?? tabsHere()[0];
  current.module?.leave?.();
  current.module = null;
  desk.clearProblem();
  for (const link of byId("tabs").children) {
    if (link.id === `desk-${tab.id}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  desk.heading(t(tab.label));
  const panel = el("div", {id: "tab-panel"});
  byId("tab-panel").replaceWith(panel);
  try {
    const module = await tab.load();
    if (visit !== current.visit) return; // another tab was chosen meanwhile
    current.module = module;
    await module.show(panel, desk, tab.id === name ? rest : []);
  } catch (error) {
    if (visit === current.visit) desk.fail(error);
  }
  if (moveFocus && visit === current.visit) byId("tab-heading").focus();
}

function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return ""; // somebody's own "%"
  }
}

async function setUp() {
  await startLanguages([chosenLanguage(), ...navigator.languages]);
  setUpLanguageChooser(byId("language"), chooseLanguage);
  keepPage();
  setUpAccount();
  desk.role = (await session()).role;
  byId("skip").addEventListener("click", (event) => {
    event.preventDefault(); // the address names the tab
    byId("tab-heading").focus();
  });
  try {
    desk.service = await getJson("/v1/index");
  } catch (error) {
    desk.fail(error);
    return;
  }
  fill(byId("tabs"), ...tabsHere().map(({id, label}) => el("a", {id: `desk-${id}`, href: desk.place(id)}, t(label))));
  window.addEventListener("hashchange", () => showTab());
  await showTab({moveFocus: false});
}

setUp();
