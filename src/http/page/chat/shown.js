// What the customer has of what we said: on the page (delivered), before their eyes (read: in view, while somebody looks
// at the page). Told to the house a few at a time, and again with the next connection until it is stored there.

import { newId } from "./outbox.js";

const GATHER = 400; // what comes close together is told together
const MOST = 32; // the house remembers fewer than that for reports, and takes no more at once
const DELIVERED = 1, READ = 2;

export class Shown {
  // `send`: (word) => whether it left. `looked`: () => whether somebody looks at the page.
  constructor(log, send, looked) {
    Object.assign(this, { log, send, looked });
    this.all = new Map(); // effect → {element, got, told, inView}
    this.underWay = null; // {id, told: [[effect, got]]}
    this.observer = new IntersectionObserver((changes) => this.moved(changes), { root: log, threshold: [0, 0.25, 0.5, 0.75, 1] });
  }

  // A message of ours stands on the page.
  add(effect, element) {
    element.dataset.effect = effect;
    this.all.set(effect, { element, got: DELIVERED, told: 0, inView: false });
    this.observer.observe(element);
    if (this.all.size > MOST) this.forget(this.all.keys().next().value);
    this.soon();
  }

  forget(effect) {
    const one = this.all.get(effect);
    if (one) this.observer.unobserve(one.element);
    this.all.delete(effect);
  }

  clear() {
    this.observer.disconnect();
    this.all.clear();
    this.down();
  }

  // Half of it, or as much as there is room for: a long answer is never in view as a whole.
  moved(changes) {
    for (const { target, intersectionRatio, intersectionRect, rootBounds } of changes) {
      const one = this.all.get(Number(target.dataset.effect));
      if (one) one.inView = intersectionRatio >= 0.5 || intersectionRect.height >= (rootBounds?.height ?? Infinity) / 2;
    }
    this.look();
  }

  // Somebody looks at the page, or something has come into view.
  look() {
    if (!this.looked()) return;
    for (const one of this.all.values()) {
      if (!one.inView || one.got === READ) continue;
      one.got = READ;
      this.observer.unobserve(one.element);
      this.soon();
    }
  }

  soon(after = GATHER) {
    this.waiting ??= setTimeout(() => {
      this.waiting = null;
      this.tell();
    }, after);
  }

  tell() {
    if (this.underWay) return;
    const told = [...this.all].filter(([, one]) => one.got > one.told).map(([effect, one]) => [effect, one.got]);
    if (!told.length) return;
    const of = (wanted) => told.filter(([, got]) => got === wanted).map(([effect]) => effect);
    const id = newId();
    if (this.send({ type: "shown", id, delivered: of(DELIVERED), read: of(READ) })) this.underWay = { id, told };
  }

  // Whether it was a report of ours that was stored.
  stored(id) {
    if (this.underWay?.id !== id) return false;
    for (const [effect, got] of this.underWay.told) {
      const one = this.all.get(effect);
      if (one) one.told = Math.max(one.told, got);
    }
    this.underWay = null;
    this.soon();
    return true;
  }

  // The same for one that was not taken: not now, or never.
  refused({ id, retry_after: seconds }) {
    if (this.underWay?.id !== id) return false;
    if (!seconds) return this.stored(id);
    this.underWay = null;
    this.soon(seconds * 1000);
    return true;
  }

  up() {
    this.underWay = null;
    this.soon();
  }

  down() {
    this.underWay = null;
    clearTimeout(this.waiting);
    this.waiting = null;
  }
}
