// Canned replies, and the texts that a provider has approved: as the house has them now. They are read again when somebody
// asks for one and the last reading is some seconds old, and until a reading succeeds.
import { get } from "./api.js";
import { state } from "./store.js";

const FRESH = 5000; // a lead may have changed them since
const AGAIN_MIN = 1000, AGAIN_MAX = 30000;

export let canned = [], templates = [];
let readAt = null, reading = null, again = null, wait = AGAIN_MIN;

// Reads them, behind a reading that has begun before; answers whether it could, and tries again by itself.
export function loadTexts() {
  clearTimeout(again);
  const mine = (reading ?? Promise.resolve()).then(read).finally(() => { if (reading === mine) reading = null; });
  reading = mine;
  return mine;
}

async function read() {
  try {
    const [replies, approved] = await Promise.all([get("/canned"), get("/templates")]);
    canned = replies.items;
    templates = approved.items;
    readAt = performance.now();
    wait = AGAIN_MIN;
    return true;
  } catch {
    clearTimeout(again);
    again = setTimeout(() => { if (state.me) loadTexts(); }, wait);
    wait = Math.min(2 * wait, AGAIN_MAX);
    return false;
  }
}

// None: they are fresh. Else what to wait for.
export function freshTexts() {
  if (readAt !== null && performance.now() - readAt < FRESH) return null;
  return reading ?? loadTexts();
}

// Of whoever was signed in before.
export function forgetTexts() {
  clearTimeout(again);
  canned = []; templates = [];
  readAt = null;
  wait = AGAIN_MIN;
}
