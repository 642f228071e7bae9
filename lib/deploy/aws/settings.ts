import * as v from "valibot";
import { nameTemplate } from "../name_template.ts";
import { secretReference } from "../secret.ts";
import { instanceSettings } from "./instance_settings.ts";

const endpoint = v.optional(
  v.pipe(
    v.string(),
    v.check((text) => /^https?:\/\/[^/\s]+\/?$/.test(text), "a URL such as https://HOST:PORT"),
  ),
);

const region = v.pipe(v.string(), v.regex(/^[A-Za-z0-9][A-Za-z0-9-]*$/, 'a region such as "eu-central-1"'));

const entry = v.strictObject({
  /** Region in which the AMI is registered. */
  region,
  /** Regions that the AMI is copied to. */
  copy_to: v.optional(v.array(region), []),
  /** Bucket in that region, in which the disk lies until it is imported. */
  bucket: v.pipe(v.string(), v.regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, "the name of an S3 bucket")),
  /** What the names of objects begin with. */
  prefix: v.optional(
    v.pipe(v.string(), v.regex(/^[A-Za-z0-9][A-Za-z0-9._/-]*$/, 'a prefix such as "pim/"')),
    "pim/",
  ),
  /** Name of the AMI. */
  name: nameTemplate,
  /** Profile of ~/.aws; without it and without keys, credentials come from where the AWS SDK looks for them. */
  profile: v.optional(v.pipe(v.string(), v.nonEmpty("the name of a profile in ~/.aws"))),
  /** Id of an access key. */
  access_key_id: v.optional(secretReference),
  /** Its secret. */
  secret_access_key: v.optional(secretReference),
  /** The token of temporary credentials. */
  session_token: v.optional(secretReference),
  /** The role that lets AWS read the bucket. */
  role: v.optional(v.pipe(v.string(), v.regex(/^[\w+=,.@-]{1,64}$/, "the name of an IAM role")), "vmimport"),
  /** Whether the snapshot is encrypted. */
  encrypted: v.optional(v.boolean(), false),
  /** The key that it is encrypted with; the account's own for EBS unless given. */
  kms_key_id: v.optional(v.pipe(v.string(), v.nonEmpty("the id, alias or ARN of a KMS key"))),
  /** Accounts that may launch the AMI. */
  launch_accounts: v.optional(
    v.array(
      v.pipe(
        v.string('an account id of 12 digits, in quotes: "123456789012"'),
        v.regex(/^\d{12}$/, 'an account id of 12 digits, in quotes: "123456789012"'),
      ),
    ),
    [],
  ),
  /** Where instances may run that a verification starts; needed with `verify: true`. */
  verify_instance: v.optional(instanceSettings),
  /** Address of a service that speaks S3's protocol and is not Amazon's. */
  s3_endpoint: endpoint,
  /** The same for EC2. */
  ec2_endpoint: endpoint,
});

type Entry = v.InferOutput<typeof entry>;
type Key = keyof Entry;

/** The shape of an entry of type aws. */
export const awsSchema = v.pipe(
  entry,
  v.rawCheck<Entry>(({ dataset, addIssue }) => {
    if (!dataset.typed) return;
    const { value } = dataset;
    const add = (key: Key, message: string) => {
      const path: [v.ObjectPathItem] = [
        { type: "object", origin: "value", input: value, key, value: value[key] },
      ];
      const received = value[key] === undefined ? "undefined" : JSON.stringify(value[key]);
      addIssue({ message, path, received });
    };
    const needs = (key: Key, other: Key) => {
      if (value[key] !== undefined && value[other] === undefined) add(other, `${key} needs it`);
    };
    needs("access_key_id", "secret_access_key");
    needs("secret_access_key", "access_key_id");
    needs("session_token", "access_key_id");
    if (value.access_key_id !== undefined && value.profile !== undefined) {
      add("profile", "left out beside access_key_id");
    }
    if (value.copy_to.includes(value.region)) add("copy_to", "other regions than `region`");
    // A key belongs to one region.
    if (value.copy_to.length > 0 && value.kms_key_id !== undefined) {
      add("copy_to", "left out beside kms_key_id");
    }
    if (value.kms_key_id !== undefined && !value.encrypted) add("encrypted", "true beside kms_key_id");
  }),
);

/** A checked entry of type aws. */
export type AwsSettings = v.InferOutput<typeof awsSchema>;
