// A stream of events that comes back by itself: after a broken network, a laptop's sleep, a restart of the server. It
// goes on after the last id it has seen, so that nothing is lost or doubled; where that is too old the server says
// `reset`. EventSource hides what a server answers and the ids that come alone, so this reads the stream itself.
import { straight } from "./dom.js";

const QUIET_MAX = 25000; // the server speaks every ten seconds
const PAUSE_MAX = 10000;

// on: { state(open), event(kind, data), signedOut() }
export function listen(where, on) {
  let last = "", stopped = false, resting = false, aborter = null, heardAt = 0, open = null, wake = () => {}, failed = 0;

  const tell = (is) => { if (open !== is && !resting) { open = is; on.state(is); } };
  const watch = setInterval(() => {
    if (aborter && Date.now() - heardAt > QUIET_MAX) aborter.abort();
  }, 2000);
  const hurry = () => { failed = 0; wake(); };
  const lost = () => { if (aborter) aborter.abort(); };
  const shown = () => { if (!document.hidden) hurry(); };
  window.addEventListener("online", hurry);
  window.addEventListener("offline", lost);
  document.addEventListener("visibilitychange", shown);

  async function read(response) {
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "", kind = "", data = [], id = null;
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      heardAt = Date.now();
      const lines = (rest + value).split(/\r?\n/);
      rest = lines.pop();
      for (const line of lines) {
        if (line === "") {
          if (data.length) on.event(kind || "message", JSON.parse(straight(data.join("\n"))));
          // Only now: what was not handled must come again.
          if (id !== null) last = id;
          kind = ""; data = []; id = null;
          continue;
        }
        if (line.startsWith(":")) continue;
        const colon = line.indexOf(":");
        const field = colon < 0 ? line : line.slice(0, colon);
        const text = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
        if (field === "event") kind = text;
        else if (field === "data") data.push(text);
        else if (field === "id") id = text;
      }
    }
  }

  async function run() {
    while (!stopped) {
      if (resting) { await new Promise((go) => { wake = go; }); continue; }
      aborter = new AbortController();
      heardAt = Date.now();
      try {
        const headers = { accept: "text/event-stream" };
        if (last) headers["last-event-id"] = last;
        const response = await fetch(where, { headers, cache: "no-store", credentials: "same-origin", signal: aborter.signal });
        if (response.status === 401) { tell(false); on.signedOut(); return; }
        if (!response.ok) throw new Error("HTTP " + response.status);
        failed = 0;
        tell(true);
        await read(response);
      } catch { /* told below */ }
      aborter = null;
      if (stopped) return;
      if (resting) continue;
      tell(false);
      const pause = Math.min(PAUSE_MAX, 250 * 2 ** failed) * (0.75 + Math.random() / 2);
      failed = Math.min(failed + 1, 8);
      await new Promise((go) => { wake = go; setTimeout(go, pause); });
    }
  }
  run();

  return {
    // Lets the connection go for a while, and takes it up again where it was.
    rest(is) {
      if (resting === is) return;
      resting = is;
      if (is) lost(); else hurry();
    },
    stop() {
      stopped = true;
      clearInterval(watch);
      window.removeEventListener("online", hurry);
      window.removeEventListener("offline", lost);
      document.removeEventListener("visibilitychange", shown);
      if (aborter) aborter.abort();
      wake();
    },
  };
}
