// Twilio's Node library behind standard input: one JSON line in, one out. See peer.py, which speaks the same.
//
//   {"op":"sign",  "token", "url", "params":[["name","value"],...]}              -> {"signature"}
//   {"op":"check", "token", "url", "params":[...] | "body":"...", "signature"}   -> {"valid"}
import { createInterface } from "node:readline";
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
const twilio = require("twilio/lib/webhooks/webhooks");

// A parameter that came several times is a list, as web frameworks hand it over.
const grouped = (pairs) => {
  const params = Object.create(null);
  for (const [name, value] of pairs ?? []) (params[name] ??= []).push(value);
  return params;
};

const answer = ({ op, token, url, params, body, signature }) => {
  if (op === "sign") return { signature: twilio.getExpectedTwilioSignature(token, url, grouped(params)) };
  if (body === undefined) return { valid: twilio.validateRequest(token, signature, url, grouped(params)) };
  return { valid: twilio.validateRequestWithBody(token, signature, url, body) };
};

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(JSON.stringify(answer(JSON.parse(line))) + "\n");
}
