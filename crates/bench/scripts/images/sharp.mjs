// Thumbnails by sharp: a batch of files as a line of JSON in, what was used so far as a line of JSON out.
// The cache is off: it would answer repeated files from memory.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const [atATime, packages] = process.argv.slice(2);
const sharp = createRequire(`${packages}/`)("sharp");
sharp.cache(false);
sharp.concurrency(1);

const make = ([source, target], side, quality) => {
  const image = sharp(source).resize({
    width: side,
    height: side,
    fit: "inside",
    kernel: "lanczos3",
    withoutEnlargement: true,
  });
  const made = target.endsWith(".png") ? image.png() : target.endsWith(".webp") ? image.webp({ quality }) : image.jpeg({ quality });
  return made.toFile(target);
};

const peakBytes = () => Number(/VmHWM:\s*(\d+)/.exec(readFileSync("/proc/self/status", "utf8"))[1]) * 1024;

for await (const line of createInterface({ input: process.stdin })) {
  const { side, quality, files } = JSON.parse(line);
  const waiting = files.values();
  const lane = async () => {
    for (const file of waiting) await make(file, side, quality);
  };
  let error = null;
  try {
    await Promise.all(Array.from({ length: Number(atATime) }, lane));
  } catch (failed) {
    error = String(failed);
  }
  // All threads are counted.
  const { user, system } = process.cpuUsage();
  console.log(JSON.stringify({ cpu_ns: (user + system) * 1000, peak_bytes: peakBytes(), error }));
}
