// Why a file or a page gave less than it holds: the words for the service's reasons.

export const REASONS = {
  encrypted: "reason.encrypted",
  no_text: "reason.no_text",
  broken: "reason.broken",
  too_large: "reason.too_large",
  unsupported: "reason.unsupported",
  timed_out: "reason.timed_out",
  out_of_memory: "reason.out_of_memory",
  crashed: "reason.crashed",
  unreadable: "reason.unreadable",
};
