// The service as functions. Every failure is an ApiError with the service's own message and hint.

import {language, t} from "./languages.js";
import {changeHeaders} from "./session.js";

export class ApiError extends Error {
  constructor(message, hint = "", code = "", status = 0) {
    super(message);
    this.hint = hint;
    this.code = code;
    this.status = status;
  }
}

function fromBody(body, status) {
  const error = body && body.error;
  if (error && typeof error.message === "string") return new ApiError(error.message, error.hint ?? "", error.code, status);
  return new ApiError(t("error.unknown"), t("error.status", {status}), "", status);
}

const away = () => new ApiError(t("error.away"), t("error.awayHint"), "away");

async function send(url, options) {
  let response;
  const headers = options.method ? {...options.headers, ...(await changeHeaders())} : options.headers;
  try {
    response = await fetch(url, {cache: "no-store", ...options, headers});
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw away();
  }
  if (response.ok) return response;
  if (response.status === 401) throw new ApiError(t("error.loggedOut"), t("error.loggedOutHint"), "", 401);
  throw fromBody(await response.json().catch(() => null), response.status);
}

export const getJson = async (url, signal) => (await send(url, {signal})).json();
export const remove = async (url) => (await send(url, {method: "DELETE"})).json();

export const postJson = async (url, body) =>
  (await send(url, {method: "POST", headers: {"Content-Type": "application/json"}, body: JSON.stringify(body)})).json();

export const sendFeedback = async (questionId, verdict, reason) =>
  (
    await send("/v1/feedback", {
      method: "POST",
      headers: {"Content-Type": "application/json"},
      body: JSON.stringify({question_id: questionId, verdict, reason}),
    })
  ).json();

export const documentUrl = (id) => `/v1/documents/${encodeURIComponent(id)}`;
export const pageUrl = (id, page) => `${documentUrl(id)}/pages/${page}`;

export async function getPicture(url, signal) {
  const response = await send(url, {signal});
  const first = parseFloat(response.headers.get("X-Ragedge-First-Mark"));
  return {
    blob: await response.blob(),
    marks: parseInt(response.headers.get("X-Ragedge-Marks"), 10) || 0,
    firstMark: Number.isFinite(first) ? first : null,
  };
}

export const askStream = (question, signal, onEvent) => eventStream("/v1/ask/stream", question, signal, onEvent);

// Posts `wish` and calls onEvent(name, data) for every event of the reply. Resolves at the end of the stream.
export async function eventStream(path, wish, signal, onEvent) {
  const response = await send(path, {
    method: "POST",
    headers: {"Content-Type": "application/json"},
    body: JSON.stringify({language: language(), ...wish}),
    signal,
  });
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let buffer = "";
  for (;;) {
    let part;
    try {
      part = await reader.read();
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw away();
    }
    if (part.done) return;
    buffer += part.value;
    let end;
    while ((end = buffer.indexOf("\n\n")) >= 0) {
      const event = parseEvent(buffer.slice(0, end));
      buffer = buffer.slice(end + 2);
      if (event === null) continue;
      if (event.name === "error") throw fromBody(event.data, 200);
      onEvent(event.name, event.data);
    }
  }
}

function parseEvent(block) {
  let name = "message";
  const data = [];
  for (const line of block.split("\n")) {
    if (line.startsWith("event: ")) name = line.slice(7);
    else if (line.startsWith("data: ")) data.push(line.slice(6));
  }
  return data.length ? {name, data: JSON.parse(data.join("\n"))} : null;
}

// A change with a JSON body.
export const change = async (method, url, body = {}) =>
  (await send(url, {method, headers: {"Content-Type": "application/json"}, body: JSON.stringify(body)})).json();

// fetch cannot tell how much was sent, XMLHttpRequest can.
export async function upload(file, onProgress, address = "/v1/documents") {
  const headers = await changeHeaders();
  return new Promise((resolve, reject) => {
    const form = new FormData();
    form.append("file", file, file.name);
    const request = new XMLHttpRequest();
    request.open("POST", address);
    request.responseType = "json";
    request.upload.onprogress = (event) => event.lengthComputable && onProgress(event.loaded / event.total);
    request.onload = () =>
      request.status < 300 ? resolve(request.response) : reject(fromBody(request.response, request.status));
    request.onerror = () => reject(away());
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.send(form);
  });
}
