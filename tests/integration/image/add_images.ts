// Run as a process of its own: adds images to a registry, one update each, and says when each is in.
import { updateRegistry } from "../../../lib/image/registry.ts";
import { sampleImage } from "../../image/sample.ts";

const [path, profile, count] = Deno.args;
const encoder = new TextEncoder();
for (let n = 0; n < Number(count); n++) {
  const image = sampleImage(profile!, new Date(Date.UTC(2026, 0, 1) + n * 1000));
  await updateRegistry(path!, (registry) => registry.add(image));
  await Deno.stdout.write(encoder.encode(`${image.name}\n`));
}
