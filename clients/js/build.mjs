// Builds dist from src. With --check it changes nothing, and fails where dist is not what src gives, or is too large.
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { minify } from "terser";

const LIMIT = 7 * 1024;
const here = dirname(fileURLToPath(import.meta.url));
const check = process.argv.includes("--check");
const dist = join(here, "dist");
const out = check ? mkdtempSync(join(here, ".dist-")) : dist;

// Names of properties that only one bundle knows, and that nothing of the browser has.
const own = ["answered", "asked", "began", "cargo", "carry", "catchUp", "changed", "covered", "enter", "flush", "forget", "give", "heard", "isDue", "isIn", "joined", "learn", "leave", "line", "link", "memory", "named", "nudge", "offer", "over", "pass", "passed", "pinged", "refused", "release", "ride", "rung", "seen", "sent", "serve", "settle", "stranded", "subject", "update"];

const common = {
  absWorkingDir: here,
  bundle: true,
  external: ["./legacy.mjs"],
  legalComments: "none",
  logLevel: "warning",
  mangleProps: new RegExp(`^(${own.join("|")})$`),
  sourcemap: "inline",
  target: "es2022",
  write: false,
};
const shapes = [
  { entryPoints: ["src/index.ts"], file: "encke.mjs", format: "esm" },
  { entryPoints: ["src/classic.ts"], file: "encke.js", format: "iife" },
  { entryPoints: ["src/legacy.mts"], file: "legacy.mjs", format: "esm" },
];

/** Bundles one file, makes it small, and says how small. */
async function write({ file, ...shape }) {
  const { outputFiles } = await build({ ...common, ...shape });
  const { code, map } = await minify(outputFiles[0].text, {
    module: shape.format === "esm",
    ecma: 2020,
    compress: { passes: 3, unsafe_arrows: true, pure_getters: true },
    sourceMap: { content: "inline", url: `${file}.map`, includeSources: true },
  });
  writeFileSync(join(out, file), code);
  writeFileSync(join(out, `${file}.map`), map);
  const zipped = gzipSync(code, { level: 9 }).length;
  console.log(`${file.padEnd(10)} ${String(code.length).padStart(6)} bytes, ${String(zipped).padStart(5)} of at most ${LIMIT} gzipped`);
  if (zipped > LIMIT) throw new Error(`${file} is larger than ${LIMIT} bytes gzipped`);
}

try {
  if (!check) rmSync(dist, { recursive: true, force: true });
  mkdirSync(out, { recursive: true });
  for (const shape of shapes) await write(shape);
  execFileSync(process.execPath, [join(here, "node_modules/typescript/bin/tsc"), "-p", here, "--outDir", out], { stdio: "inherit" });

  if (check) {
    const files = (folder) => readdirSync(folder, { recursive: true }).sort();
    const same = (file) => readFileSync(join(out, file)).equals(readFileSync(join(dist, file)));
    const names = files(out).filter((file) => /\.[a-z]+$/.test(file));
    const stale = files(dist).join() !== files(out).join() || names.some((file) => !same(file));
    if (stale) throw new Error("dist is not what src gives: run `npm run build` in clients/js, and commit it");
  }
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
} finally {
  if (check) rmSync(out, { recursive: true, force: true });
}
