// Talking to the agent API. What changes something carries the token against forged requests and a key of its own, so
// that it can be repeated after a broken connection without being done twice.
import { heard, straight } from "./dom.js";

const BASE = "/api/v1";
let token = null;
let signedOut = () => {};

export class Problem extends Error {
  constructor(status, told) {
    super(told.detail || told.title || "HTTP " + status);
    Object.assign(this, told);
    this.status = status;
  }
  // Whether nobody knows if it was done, or it surely was not but may be soon.
  get passing() {
    return this.status === 0 || this.status === 429 || this.status === 503;
  }
}

export const onSignedOut = (work) => { signedOut = work; };
export const setCsrf = (told) => { token = told; };
export const csrf = () => token;
export const path = (id, rest) => "/conversations/" + encodeURIComponent(id) + (rest ? "/" + rest : "");

export function newKey() {
  const bits = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bits, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

const read = async (response) => JSON.parse(straight(await response.text()));

async function once(method, where, body, key, options) {
  const headers = { accept: "application/json" };
  if (token && method !== "GET") headers["x-csrf-token"] = token;
  if (key) headers["idempotency-key"] = key;
  if (body !== undefined) headers["content-type"] = "application/json";
  let response;
  try {
    response = await fetch(BASE + where, {
      method, headers, body: body === undefined ? undefined : JSON.stringify(body),
      credentials: "same-origin", cache: "no-store", ...options,
    });
  } catch (fault) {
    if (fault.name === "AbortError") throw fault;
    throw new Problem(0, { code: "offline", title: "offline" });
  }
  heard(response.headers.get("date"));
  if (response.ok) return response.status === 204 ? null : read(response);
  let told = {};
  try { told = await read(response); } catch { /* not ours: a proxy's page */ }
  told.retry_after = Number(response.headers.get("retry-after")) || 0;
  if (response.status === 401 && where !== "/session") signedOut();
  throw new Problem(response.status, told);
}

export const get = (where, options) => once("GET", where, undefined, null, options);
export const put = (where, body) => once("PUT", where, body, null);
export const patch = (where, body) => once("PATCH", where, body, null);
export const del = (where) => once("DELETE", where, undefined, null);

// A passing sign: repeated by itself, remembered by nobody.
export const sign = (where, body = {}) => once("POST", where, body, null);

// Does something. It is tried again for as long as `patience` lasts if the connection broke or the server was not
// ready; the same key makes that harmless.
export async function post(where, body = {}, { patience = 8000, key = newKey(), options } = {}) {
  const until = Date.now() + patience;
  for (let pause = 300; ; pause = Math.min(pause * 2, 4000)) {
    try {
      return await once("POST", where, body, key, options);
    } catch (problem) {
      if (!problem.passing || Date.now() + pause > until) throw problem;
      await new Promise((wake) => setTimeout(wake, pause));
    }
  }
}

// Every page of a list, one after the other; `take` may say `false` to stop.
export async function pages(where, take, most = 100) {
  let cursor = null;
  for (let n = 0; n < most; n += 1) {
    const page = await get(where + (cursor ? "&cursor=" + encodeURIComponent(cursor) : ""));
    if (take(page.items) === false || !page.next) return;
    cursor = page.next;
  }
}
