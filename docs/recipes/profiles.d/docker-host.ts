import type { Profile } from "pim";
import debian from "./debian.ts";

// A host for containers, with the Docker that Debian maintains.
export default {
  extends: "debian",
  description: "A Docker host",
  packages: [...debian.packages, "docker.io", "docker-cli", "docker-compose"],
  build: { diskSize: "40G" },
  // The size of a container's log, and the network that Docker makes bridges in.
  vars: { log_size: "10m", pool: "172.30.0.0/16" },
} satisfies Profile;
