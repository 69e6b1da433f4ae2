// The chooser of a collection: only where there is more than one to choose from.

import {byId, el, fill} from "./dom.js";
import {t} from "./languages.js";
import {chooseCollection, chosenCollection} from "./past.js";

let known = [];

export const nameOf = ({name, title}) => title || (name === "other" ? t("collections.other") : name);

// What a question or a list is limited to, as fields: {} for everything.
export function chosen() {
  const name = byId("collection").value;
  return name ? {collection: name} : {};
}

export function showCollections(collections) {
  known = collections.length > 1 ? collections : [];
  const chooser = byId("collection");
  const before = chooser.value || chosenCollection();
  fill(
    chooser,
    el("option", {value: ""}, t("start.all")),
    ...known.map((one) => el("option", {value: one.name, dir: "auto"}, `${nameOf(one)} (${one.documents})`)),
  );
  // one that is gone, or closed by now, is not asked for
  chooser.value = known.some(({name}) => name === before) ? before : "";
  byId("collection-label").hidden = known.length === 0;
}

export function setUpCollections(changed) {
  const chooser = byId("collection");
  chooser.addEventListener("change", () => {
    chooseCollection(chooser.value);
    changed();
  });
}
