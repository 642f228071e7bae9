import { type Application, buildApplication, buildRouteMap } from "@stricli/core";
import { version } from "../version.ts";
import { buildRoutes } from "./build/build.ts";
import { configRoutes } from "./config.ts";
import type { PimContext } from "./context.ts";
import { deployRoutes } from "./deploy/deploy.ts";
import { targetRoutes } from "./deploy/target.ts";
import { applicationText, exitCodeOf } from "./error_text.ts";
import { imageRoutes } from "./image.ts";
import { initCommand } from "./init.ts";
import { isoRoutes } from "./iso/iso.ts";
import { profileRoutes } from "./profile.ts";
import { serveCommand } from "./serve.ts";
import { ventoyRoutes } from "./ventoy/ventoy.ts";
import { verifyCommand } from "./verify.ts";
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

const description = `Turns an installer ISO into a provisioned, verified VM image, with QEMU alone.

Every command also takes:
  --project DIR   the project folder to use (default: the nearest one upwards with a pim.yml)
  --quiet, -q     results and errors only
  --debug         every program that is started, and stack traces

Exit codes: 0 done, 1 failure, 2 wrong usage or configuration, 3 host not ready, 4 download failed,
5 checksum or signature wrong, 6 install or SSH timed out, 7 provisioning script failed, 8 verification failed,
9 deploy failed, 130 cancelled.`;

/** The command tree of pim. */
export function buildApp(options: { readonly debug: boolean }): Application<PimContext> {
  const root = buildRouteMap<string, PimContext>({
    routes: {
      build: buildRoutes,
      init: initCommand,
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
    },
  });
  return buildApplication(root, {
    name: "pim",
    versionInfo: { currentVersion: version },
    scanner: { caseStyle: "allow-kebab-for-camel", allowArgumentEscapeSequence: true },
    documentation: { disableAnsiColor: Deno.noColor },
    localization: { text: applicationText(options.debug) },
    determineExitCode: exitCodeOf,
  });
}
