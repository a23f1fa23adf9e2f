// A Yjs document as an app would hold it. Standard input is { "updates": [base64], "edits": [{ "at", "delete", "insert" }] };
// standard output is { "text", "updates": [what each edit adds, base64], "snapshot": the whole document in one update }.
import { readFileSync } from "node:fs";
import * as Y from "yjs";

const { updates, edits } = JSON.parse(readFileSync(0, "utf8"));
const base64 = (bytes) => Buffer.from(bytes).toString("base64");

const document = new Y.Doc();
for (const update of updates) {
  Y.applyUpdate(document, Buffer.from(update, "base64"));
}

const text = document.getText("body");
const made = [];
document.on("update", (update) => made.push(base64(update)));
for (const edit of edits) {
  document.transact(() => {
    text.delete(edit.at, edit.delete ?? 0);
    text.insert(edit.at, edit.insert ?? "");
  });
}

process.stdout.write(JSON.stringify({ text: text.toString(), updates: made, snapshot: base64(Y.encodeStateAsUpdate(document)) }));
