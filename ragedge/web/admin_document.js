// One document of the desk: what is known of it, and what can be done with it.

import {documentUrl, getJson, remove} from "./api.js";
import {announce, el} from "./dom.js";
import {count, t} from "./languages.js";
import {pathName} from "./text.js";

export async function showDocument(panel, desk, id) {
  const info = await getJson(documentUrl(id));
  const name = pathName(info.path);
  const title = info.title || name;
  desk.heading(title);
  const takeOut = async () => {
    const isSure = await desk.confirm({title: t("confirm.title"), text: t("confirm.text", {name: title}), yes: t("documents.remove")});
    if (!isSure || !(await desk.attempt(() => remove(documentUrl(id))))) return;
    announce(t("documents.removed", {name: title}));
    location.hash = desk.place("documents");
  };
  panel.append(
    el("p", {}, el("a", {href: desk.place("documents")}, t("desk.back"))),
    el("p", {class: "muted"}, [name, count("n.pages", info.pages), count("n.passages", info.chunks)].join(" · ")),
    el(
      "div",
      {class: "group"},
      el("a", {class: "button", href: `${documentUrl(id)}/file`, download: true}, t("documents.original")),
      desk.service.can_change ? el("button", {type: "button", class: "danger", id: "desk-remove", onclick: takeOut}, t("documents.remove")) : null,
    ),
  );
}
