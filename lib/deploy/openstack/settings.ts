import * as v from "valibot";
import { nameTemplate } from "../name_template.ts";
import { secretReference } from "../secret.ts";

const text = v.pipe(v.string(), v.nonEmpty("a text that is not empty"));
const port = v.pipe(v.number(), v.integer(), v.minValue(1, "a port from 1 to 65535"), v.maxValue(65535));

const instanceSchema = v.strictObject({
  /** Its flavor, by name or id. */
  flavor: text,
  /** The network that it is on, by name or id. This host has to reach it, or there is a `floating_network`. */
  network: text,
  /** An external network, by name or id: a floating IP of it is taken, and given back afterwards. */
  floating_network: v.optional(text),
  /** Its security groups, by name; the project's `default` unless given. They have to let this host in by SSH. */
  security_groups: v.optional(v.array(text)),
  /** Port of SSH in the image. */
  ssh_port: v.optional(port, 22),
});

/** What a throw-away instance is started with. */
export type InstanceSettings = v.InferOutput<typeof instanceSchema>;

/** The shape of an entry of type openstack. */
export const openstackSchema = v.strictObject({
  /** Keystone's address, with or without /v3. */
  auth_url: v.pipe(
    v.string(),
    v.check(
      (url) => ["http:", "https:"].includes(URL.parse(url)?.protocol ?? ""),
      "a URL such as https://cloud.example.org:5000/v3",
    ),
  ),
  /** Id of an application credential. */
  application_credential_id: text,
  /** Its secret. */
  application_credential_secret: secretReference,
  /** Region; needed where the catalog has images in several. */
  region: v.optional(text),
  /** Which of the endpoints of the catalog is used. */
  interface: v.optional(v.picklist(["public", "internal", "admin"]), "public"),
  /** Certificate authority of the cloud, in PEM; relative to the file that names it. */
  ca_file: v.optional(text),
  /** Format of the image. */
  format: v.optional(v.picklist(["qcow2", "raw"]), "qcow2"),
  /** Who sees the image. */
  visibility: v.optional(v.picklist(["private", "shared", "community", "public"]), "private"),
  /** Whether it is uploaded to a staging area and imported by the cloud (glance-direct). */
  import: v.optional(v.boolean(), false),
  /** MiB; what a flavour must have at least. */
  min_ram: v.optional(v.pipe(v.number(), v.integer("a whole number of MiB"), v.minValue(0, "0 or more")), 0),
  /** More properties of the image, such as hw_disk_bus. */
  properties: v.optional(
    v.record(
      v.pipe(
        v.string(),
        v.regex(
          /^(?!os_glance|pim_)[A-Za-z][\w:.-]*$/,
          "the name of a property, which does not begin with os_glance or pim_",
        ),
      ),
      v.union([v.string(), v.number(), v.boolean()], "a text, a number or true or false"),
    ),
    {},
  ),
  /** How throw-away instances are started that verify what was deployed; needed for that. */
  verify_instance: v.optional(instanceSchema),
  /** Name of the image. */
  name: nameTemplate,
});

/** An entry of type openstack. */
export type OpenstackSettings = v.InferOutput<typeof openstackSchema>;
