import { type Application, buildApplication, buildRouteMap, version } from "@stricli/core";
import { version as currentVersion } from "../version.ts";
import { buildRoutes } from "./build/build.ts";
import { completeCommand, completionCommand } from "./complete/complete.ts";
import { configRoutes } from "./config.ts";
import type { PimContext } from "./context.ts";
import { deployRoutes } from "./deploy/deploy.ts";
import { targetRoutes } from "./deploy/target.ts";
import { doctorCommand } from "./doctor.ts";
import { exitCodeOf } from "./error_text.ts";
import { helpCommand, helpFlag } from "./help/help.ts";
import { commandWords } from "./help/tree.ts";
import { imageRoutes } from "./image.ts";
import { initCommand } from "./init.ts";
import { isoRoutes } from "./iso/iso.ts";
import { profileRoutes } from "./profile.ts";
import { serveCommand } from "./serve.ts";
import { applicationText } from "./usage_text.ts";
import { ventoyRoutes } from "./ventoy/ventoy.ts";
import { verifyCommand } from "./verify/verify.ts";
import { versionCommand } from "./version.ts";
import { consoleCommand, logCommand } from "./vm/console.ts";
import { restartCommand, rmCommand, stopCommand } from "./vm/control.ts";
import { cpCommand } from "./vm/cp.ts";
import { psCommand, statusCommand } from "./vm/list.ts";
import { execCommand } from "./vm/exec.ts";
import { ipCommand, osCommand } from "./vm/guest.ts";
import { gaCommand, qmpCommand } from "./vm/raw.ts";
import { runCommand } from "./vm/run.ts";
import { screenshotCommand } from "./vm/screenshot.ts";
import { sshCommand } from "./vm/ssh.ts";

const description =
  "pim, the Product Image Manager: turns an installer ISO into a provisioned, verified VM image, with QEMU alone.";

/** All commands of pim. */
export const commandTree = buildRouteMap<string, PimContext>({
  routes: {
    help: helpCommand,
    completion: completionCommand,
    complete: completeCommand,
    build: buildRoutes,
    init: initCommand,
    doctor: doctorCommand,
    config: configRoutes,
    iso: isoRoutes,
    profile: profileRoutes,
    serve: serveCommand,
    ventoy: ventoyRoutes,
    verify: verifyCommand,
    deploy: deployRoutes,
    target: targetRoutes,
    image: imageRoutes,
    run: runCommand,
    ps: psCommand,
    status: statusCommand,
    stop: stopCommand,
    restart: restartCommand,
    rm: rmCommand,
    console: consoleCommand,
    log: logCommand,
    screenshot: screenshotCommand,
    ssh: sshCommand,
    cp: cpCommand,
    exec: execCommand,
    ip: ipCommand,
    os: osCommand,
    qmp: qmpCommand,
    ga: gaCommand,
    version: versionCommand,
  },
  docs: {
    brief: "Product Image Manager: from an installer ISO to a ready VM image",
    fullDescription: description,
    hideRoute: { complete: true },
  },
});

/**
 * The application of pim.
 *
 * @param options.args what was typed, for the hint of an error in it
 */
export function buildApp(
  options: { readonly debug: boolean; readonly args?: readonly string[] },
): Application<PimContext> {
  const help = ["pim", ...commandWords(commandTree, options.args ?? []), "--help"].join(" ");
  return buildApplication(commandTree, {
    name: "pim",
    scanner: {
      caseStyle: "allow-kebab-for-camel",
      allowArgumentEscapeSequence: true,
      // stricli's weights with less patience: with its threshold of 7, --yes would be a misspelt --json.
      distanceOptions: {
        threshold: 6,
        weights: { insertion: 1, deletion: 3, substitution: 2, transposition: 0 },
      },
    },
    documentation: { disableAnsiColor: Deno.noColor },
    localization: { text: applicationText(options.debug, help) },
    determineExitCode: exitCodeOf,
  }, {
    help: helpFlag,
    version: version({ brief: "Print the version", info: { currentVersion } }),
  });
}
