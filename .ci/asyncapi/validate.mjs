// Validates an AsyncAPI document with the official parser: exits 1 on any error, prints one summary line.
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { fromFile, Parser } from "@asyncapi/parser";

const path = resolve(process.argv[2] ?? "schemas/asyncapi.yaml");
await readFile(path);
const { document, diagnostics } = await fromFile(new Parser(), path).parse();

const names = ["error", "warning", "information", "hint"];
for (const { severity, code, message, path: at } of diagnostics) {
  if (severity <= 1) console.log(`${names[severity]} ${code} at ${at.join("/")}: ${message}`);
}
const count = (severity) => diagnostics.filter((one) => one.severity === severity).length;
const [channels, operations, messages] = document
  ? [document.allChannels(), document.allOperations(), document.allMessages()].map((all) => all.length)
  : [0, 0, 0];
const good = document !== undefined && count(0) === 0;
console.log(
  `asyncapi: ${good ? "valid" : "NOT valid"}, ${channels} channels, ${operations} operations, ${messages} messages, ` +
    `${count(0)} errors, ${count(1)} warnings`,
);
process.exitCode = good ? 0 : 1;
