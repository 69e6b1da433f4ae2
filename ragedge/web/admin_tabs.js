// The tabs of the desk, in their order. A tab is one module with
//   show(panel, desk, rest): draws itself into an empty element; `rest` are the parts of the address behind its name
//   leave() (may be missing): stops what it has running, such as timers
// and one entry here: the name in the address (/admin#name), the key of its words, and, where not every curator may use
// it, the role that it needs.

export const TABS = [
  {id: "documents", label: "page.documents", load: () => import("./admin_documents.js")},
  {id: "questions", label: "asked.tab", load: () => import("./desk_questions.js")},
  {id: "pinned", label: "pinned.tab", load: () => import("./desk_pinned.js")},
  {id: "golden", label: "golden.tab", load: () => import("./desk_golden.js")},
  {id: "days", label: "days.tab", load: () => import("./desk_days.js")},
  {id: "system", label: "desk.system", load: () => import("./admin_system.js")},
  {id: "settings", label: "settings.tab", role: "owner", load: () => import("./admin_settings.js")},
];
