// Owns the way from a TypeScript file to one that any Node runs: its types are checked, then taken off.
// Never a change of what it does.
import { writeFileSync } from "node:fs";
import { createRequire } from "node:module";

const [folder, from, to] = process.argv.slice(2);
const ts = createRequire(`${folder}/package.json`)("typescript");
const options = {
  module: ts.ModuleKind.NodeNext, moduleResolution: ts.ModuleResolutionKind.NodeNext, target: ts.ScriptTarget.ES2022,
  strict: true, skipLibCheck: true, types: ["node"], typeRoots: [`${folder}/node_modules/@types`], noEmit: true,
};
const program = ts.createProgram([from], options);
const faults = ts.getPreEmitDiagnostics(program);
for (const fault of faults) console.error(ts.flattenDiagnosticMessageText(fault.messageText, "\n"));
const text = program.getSourceFile(from).text;
const plain = { module: ts.ModuleKind.ESNext, target: options.target };
writeFileSync(to, ts.transpileModule(text, { compilerOptions: plain }).outputText);
process.exitCode = faults.length === 0 ? 0 : 1;
