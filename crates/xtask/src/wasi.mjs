// Runs a test program that was compiled for wasm32-wasip1: node wasi.mjs PROGRAM [ARGUMENT]...
import { readFile } from "node:fs/promises";
import { WASI } from "node:wasi";

const [, , program, ...given] = process.argv;
const wasi = new WASI({
  version: "preview1",
  args: [program, ...given],
  env: process.env,
  preopens: { "/": "/" },
  returnOnExit: true,
});
const compiled = await WebAssembly.compile(await readFile(program));
process.exit(wasi.start(await WebAssembly.instantiate(compiled, wasi.getImportObject())));
