// What the customer wrote and is not stored yet: kept in the browser, sent one at a time in the order of writing, and
// sent again under the same id until it is stored or refused. So nothing is lost and nothing doubled, also when a tab
// is closed: the next one finds it.

const KEPT_MAX = 50;

export const newId = () => (crypto.randomUUID ? crypto.randomUUID() : Date.now().toString(36) + Math.random().toString(36).slice(2));

export class Outbox {
  // `send`: (word) => whether it left. `show`: (message, state) with state of "pending", "failed".
  constructor(memory, send, show) {
    Object.assign(this, { memory, send, show });
    this.all = memory.all(".unsent.").filter((one) => one.id && one.written).sort((a, b) => a.written - b.written);
    this.underWay = null;
  }

  write(word) {
    const message = { ...word, id: newId(), written: Date.now() };
    this.all.push(message);
    if (this.all.length <= KEPT_MAX) this.memory.set(".unsent." + message.id, message);
    this.show(message, "pending");
    this.next();
    return message;
  }

  // The oldest that has not failed.
  next() {
    if (this.underWay) return;
    const message = this.all.find((one) => !one.failed);
    if (!message) return;
    const { written, failed, ...word } = message;
    if (this.send(word)) this.underWay = message.id;
  }

  // The connection is gone: what was under way is sent again with the next one.
  down() {
    this.underWay = null;
    clearTimeout(this.again);
  }

  stored(id) {
    this.all = this.all.filter((one) => one.id !== id);
    this.memory.drop(".unsent." + id);
    if (this.underWay === id) this.underWay = null;
    this.next();
  }

  refused({ id, why, retry_after: seconds }) {
    const message = this.all.find((one) => one.id === id);
    if (!message) return;
    if (seconds) {
      clearTimeout(this.again);
      this.again = setTimeout(() => {
        this.underWay = null;
        this.next();
      }, seconds * 1000);
      return;
    }
    this.fail(message, why);
  }

  fail(message, why) {
    message.failed = true;
    if (this.underWay === message.id) this.underWay = null;
    this.memory.drop(".unsent." + message.id); // the same again would be refused again
    this.show(message, "failed", why);
    this.next();
  }

  // What is under way can never arrive.
  failUnderWay(why) {
    const message = this.all.find((one) => one.id === this.underWay) || this.all[0];
    if (message) this.fail(message, why);
  }

  discard(id) {
    this.all = this.all.filter((one) => one.id !== id);
    this.memory.drop(".unsent." + id);
  }
}
