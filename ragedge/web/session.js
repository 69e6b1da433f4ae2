// Who is logged in. Changes carry a token that only a page of this service can read; without a login it is empty.

let asked = null;

export function session() {
  asked ??= fetch("/v1/session", {cache: "no-store"})
    .then((reply) => (reply.ok ? reply.json() : null))
    .catch(() => null)
    .then((found) => {
      if (found === null) asked = null; // the service was away: ask again with the next change
      return found ?? {role: null, name: "", has_login: false, token: ""};
    });
  return asked;
}

export async function changeHeaders() {
  const {token} = await session();
  return token ? {"X-Ragedge-Token": token} : {};
}
