// Files: sent by POST with the visitor's secret in a header, fetched the same way and shown from memory, so that no
// address of a file opens anything by itself.

const PREVIEW = /^image\/(png|jpeg|gif|webp)$/;
export const ACCEPTED = "image/png,image/jpeg,image/gif,image/webp,image/heic,application/pdf,video/mp4,video/quicktime,text/plain,.txt,.log,.csv";

export class Files {
  constructor(base, visitor, language) {
    Object.assign(this, { base, visitor, language });
  }

  // Sends one file; resolves to nothing, or to why it was not taken: "fileLarge", "fileKind", "fileFull", "fileFailed".
  // `moved`: told the part that has left, from 0 to 1.
  send(id, file, moved) {
    return new Promise((done) => {
      const request = new XMLHttpRequest(); // fetch tells no progress
      request.open("POST", this.base + "/files");
      request.setRequestHeader("authorization", "Bearer " + this.visitor());
      request.setRequestHeader("content-type", "application/octet-stream");
      request.setRequestHeader("x-message-id", id);
      request.setRequestHeader("x-file-name", encodeURIComponent(file.name.slice(-200)));
      request.setRequestHeader("content-language", this.language());
      request.upload.onprogress = (event) => event.lengthComputable && moved(event.loaded / event.total);
      request.onload = () => {
        const why = { 413: "fileLarge", 415: "fileKind", 409: "fileFull" }[request.status] || "fileFailed";
        done(request.status === 200 ? null : why);
      };
      request.onerror = request.ontimeout = request.onabort = () => done("fileFailed");
      request.timeout = 180000;
      request.send(file);
    });
  }

  async fetch(file) {
    const answer = await fetch(this.base + "/files/" + encodeURIComponent(file.id), { headers: { authorization: "Bearer " + this.visitor() } });
    if (!answer.ok) throw new Error(answer.status);
    // The type is ours to say: what the server told in the thread, and nothing that a page would run.
    return URL.createObjectURL(new Blob([await answer.arrayBuffer()], { type: PREVIEW.test(file.kind) ? file.kind : "application/octet-stream" }));
  }

  // A file in the thread: a picture where it is one, a button that saves it.
  show(file, words, size) {
    const box = document.createElement("div");
    box.className = "file";
    const button = box.appendChild(document.createElement("button"));
    button.type = "button";
    button.className = "get";
    const name = button.appendChild(document.createElement("bdi"));
    name.textContent = file.name;
    const bytes = button.appendChild(document.createElement("small"));
    bytes.textContent = size(file.bytes);
    button.setAttribute("aria-label", words.download.replace("%s", `${file.name}, ${size(file.bytes)}`));
    button.addEventListener("click", async () => {
      button.disabled = true;
      try { save(await this.fetch(file), file.name); } catch { bytes.textContent = "–"; }
      button.disabled = false;
    });
    if (PREVIEW.test(file.kind)) this.preview(box, file);
    return box;
  }

  preview(box, file) {
    const image = document.createElement("img");
    image.alt = "";
    new IntersectionObserver(async ([seen], observer) => {
      if (!seen.isIntersecting) return;
      observer.disconnect();
      try {
        image.src = await this.fetch(file);
        await image.decode();
        box.prepend(image);
        box.dispatchEvent(new Event("grown", { bubbles: true }));
      } catch { /* the button remains */ }
    }).observe(box);
  }
}

function save(url, name) {
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60000);
}
