// Owns what is printed: each failure with its reason, and one line of figures at the end.
import { readFileSync } from "node:fs";

export default async function* figures(events) {
  let [passed, failed] = [0, 0];
  for await (const { type, data } of events) {
    // A file is told as a test too; only what stands in one counts, unless the file itself broke.
    const isFile = data.name?.endsWith(".mjs");
    if (type === "test:pass" && !isFile) passed += 1;
    if (type === "test:fail" && (!isFile || data.details.error.failureType !== "subtestsFailed")) {
      failed += 1;
      yield `FAILED ${data.name}\n  ${data.details.error.cause?.stack ?? data.details.error}\n`;
    }
    if (type === "test:stderr") yield data.message;
  }
  const { version } = JSON.parse(readFileSync(new URL("node_modules/@aws-sdk/client-sqs/package.json", import.meta.url)));
  yield `JavaScript SDK ${version}: ${passed} passed, ${failed} failed\n`;
}
