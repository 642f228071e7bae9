import * as v from "valibot";

const sshPort = "a port from 1 to 65535";

/** Where instances may run that a verification starts. */
export const instanceSettings = v.strictObject({
  /** Subnet in the target's region that an instance gets its address of. */
  subnet: v.pipe(v.string(), v.regex(/^subnet-[0-9a-f]+$/, 'the id of a subnet, such as "subnet-0a1b2c3d"')),
  /** Security group that lets this host in on the SSH port. */
  security_group: v.pipe(
    v.string(),
    v.regex(/^sg-[0-9a-f]+$/, 'the id of a security group, such as "sg-0a1b2c3d"'),
  ),
  /** Type of the instance; t3.small unless given, t4g.small for arm64. */
  type: v.optional(
    v.pipe(v.string(), v.regex(/^[a-z0-9-]+\.[a-z0-9-]+$/, 'a type of instances, such as "t3.small"')),
  ),
  /** Which of its addresses this host connects to. */
  address: v.optional(v.picklist(["public", "private"]), "public"),
  /** Port of its SSH server. */
  ssh_port: v.optional(
    v.pipe(v.number(), v.integer(sshPort), v.minValue(1, sshPort), v.maxValue(65535, sshPort)),
    22,
  ),
});

/** Where instances may run, checked. */
export type InstanceSettings = v.InferOutput<typeof instanceSettings>;

/** What an entry without these settings lacks, as YAML. */
export const instanceExample = "verify_instance: { subnet: subnet-…, security_group: sg-… }";
