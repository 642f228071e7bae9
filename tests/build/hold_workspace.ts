// Run as a process of its own: opens the workspace of a build, says so and holds it until stdin ends.
import { openWorkspace } from "../../lib/build/workspace.ts";
import { userPaths } from "../../lib/paths.ts";

const name = Deno.args[0] ?? "";
await using workspace = await openWorkspace(userPaths(Deno.env), name);
await Deno.stdout.write(new TextEncoder().encode(workspace === undefined ? "taken\n" : "held\n"));
await new Response(Deno.stdin.readable).arrayBuffer();
