import { createHash } from "node:crypto";
import { AwsFailure, element } from "./failure.ts";
import type { WireRequest } from "./sigv4.ts";

/** An answer of the stand-in. */
export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

interface Part {
  readonly bytes: Uint8Array;
  readonly etag: string;
  readonly sha256: string;
}

interface Upload {
  readonly bucket: string;
  readonly key: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly parts: Map<number, Part>;
}

interface StoredObject {
  readonly bytes: Uint8Array;
  readonly metadata: Readonly<Record<string, string>>;
  readonly etag: string;
}

type Operation = (place: Place, request: WireRequest) => Answer;

interface Place {
  readonly bucket: string;
  readonly key: string;
  readonly query: Readonly<Record<string, string>>;
}

const leastPartBytes = 5 * 1024 * 1024;

/** Buckets, written from S3's API reference: what uploads in parts need, and not a parameter more. */
export class S3StandIn {
  readonly buckets: Set<string>;
  /** By "bucket/key". */
  readonly objects = new Map<string, StoredObject>();
  readonly uploads = new Map<string, Upload>();
  /** False for a service that is not Amazon's, and keeps no checksums of parts. */
  keepsChecksums = true;
  /** What the checksum of a whole upload is told to be, instead of what it is. */
  tellChecksum?: string;

  constructor(buckets: readonly string[]) {
    this.buckets = new Set(buckets);
  }

  /** The operation that a request asks for, by its method and its parameters. */
  operationOf({ method, path, query }: WireRequest): string {
    const { key, query: parameters } = placeOf(path, query);
    const names = Object.keys(parameters).filter((name) => name !== "x-id").sort();
    const found = operations.find(([, wanted, hasKey, required, allowed]) =>
      wanted === method && hasKey === (key !== "") && required.every((each) => names.includes(each)) &&
      names.every((each) => required.includes(each) || allowed.includes(each))
    );
    if (found === undefined) {
      throw new AwsFailure(501, "NotImplemented", `${method} ${path} with ${names.join(", ")}`);
    }
    return found[0];
  }

  /** Does what a request asks for. */
  answer(operation: string, request: WireRequest): Answer {
    const place = placeOf(request.path, request.query);
    if (!this.buckets.has(place.bucket)) throw new AwsFailure(404, "NoSuchBucket", "no such bucket");
    const work: Readonly<Record<string, Operation>> = {
      HeadBucket: () => ({ status: 200 }),
      HeadObject: this.#headObject,
      DeleteObject: ({ bucket, key }) => {
        this.objects.delete(`${bucket}/${key}`);
        return { status: 204 };
      },
      CreateMultipartUpload: this.#create,
      UploadPart: this.#uploadPart,
      ListParts: this.#listParts,
      ListMultipartUploads: this.#listUploads,
      CompleteMultipartUpload: this.#complete,
      AbortMultipartUpload: (at) => {
        this.#uploadAt(at);
        this.uploads.delete(at.query.uploadId ?? "");
        return { status: 204 };
      },
    };
    return work[operation]!(place, request);
  }

  #uploadAt({ bucket, key, query }: Place): Upload {
    const upload = this.uploads.get(query.uploadId ?? "");
    if (upload === undefined || upload.bucket !== bucket || upload.key !== key) {
      throw new AwsFailure(404, "NoSuchUpload", "the specified upload does not exist");
    }
    return upload;
  }

  readonly #headObject: Operation = ({ bucket, key }) => {
    const object = this.objects.get(`${bucket}/${key}`);
    if (object === undefined) throw new AwsFailure(404, "NoSuchKey");
    const { bytes, metadata, etag } = object;
    const own = Object.entries(metadata).map(([name, value]) => [`x-amz-meta-${name}`, value]);
    return {
      status: 200,
      headers: { etag, "content-length": String(bytes.length), ...Object.fromEntries(own) },
    };
  };

  readonly #create: Operation = ({ bucket, key }, { headers }) => {
    if (headers["x-amz-checksum-algorithm"] !== "SHA256") {
      throw new AwsFailure(400, "InvalidRequest", "this stand-in wants SHA-256 checksums");
    }
    const metadata = Object.entries(headers)
      .filter(([name]) => name.startsWith("x-amz-meta-"))
      .map(([name, value]) => [name.slice("x-amz-meta-".length), value]);
    const id = crypto.randomUUID();
    this.uploads.set(id, { bucket, key, metadata: Object.fromEntries(metadata), parts: new Map() });
    const content = [element("Bucket", bucket), element("Key", key), element("UploadId", id)];
    return { status: 200, body: element("InitiateMultipartUploadResult", content) };
  };

  readonly #uploadPart: Operation = (place, { headers, body }) => {
    const upload = this.#uploadAt(place);
    const number = Number(place.query.partNumber);
    if (!Number.isInteger(number) || number < 1 || number > 10_000) {
      throw new AwsFailure(400, "InvalidArgument", "part number must be an integer between 1 and 10000");
    }
    if (headers["content-length"] !== String(body.length)) {
      throw new AwsFailure(411, "MissingContentLength");
    }
    const sha256 = createHash("sha256").update(body).digest("base64");
    if (headers["x-amz-checksum-sha256"] === undefined) {
      throw new AwsFailure(
        400,
        "InvalidRequest",
        "the upload was begun with checksums, and the part has none",
      );
    }
    if (headers["x-amz-checksum-sha256"] !== sha256) throw new AwsFailure(400, "BadDigest");
    const etag = `"${createHash("md5").update(body).digest("hex")}"`;
    upload.parts.set(number, { bytes: body, etag, sha256 });
    return { status: 200, headers: { etag, "x-amz-checksum-sha256": sha256 } };
  };

  // Pages are short, so that a client which reads only the first one is found out.
  readonly #listParts: Operation = (place) => {
    const upload = this.#uploadAt(place);
    const after = Number(place.query["part-number-marker"] ?? 0);
    const left = [...upload.parts].sort(([a], [b]) => a - b).filter(([number]) => number > after);
    const page = left.slice(0, 2);
    const content = page.map(([number, { etag, sha256, bytes }]) =>
      element("Part", [
        ...[element("PartNumber", number), element("ETag", etag), element("Size", bytes.length)],
        ...(this.keepsChecksums ? [element("ChecksumSHA256", sha256)] : []),
      ])
    );
    const more = left.length > page.length;
    const end = [element("NextPartNumberMarker", page.at(-1)?.[0] ?? 0), element("IsTruncated", more)];
    return { status: 200, body: element("ListPartsResult", [...content, ...end]) };
  };

  readonly #listUploads: Operation = ({ bucket, query }) => {
    const found = [...this.uploads].filter(([, upload]) =>
      upload.bucket === bucket && upload.key.startsWith(query.prefix ?? "")
    );
    const content = found.map(([id, { key }]) =>
      element("Upload", [element("Key", key), element("UploadId", id)])
    );
    return {
      status: 200,
      body: element("ListMultipartUploadsResult", [element("IsTruncated", false), ...content]),
    };
  };

  readonly #complete: Operation = (place, { body }) => {
    const upload = this.#uploadAt(place);
    const parts = readPartList(new TextDecoder().decode(body)).map(({ number, etag, sha256 }, index, all) => {
      const part = upload.parts.get(number);
      if (index > 0 && number <= all[index - 1]!.number) throw new AwsFailure(400, "InvalidPartOrder");
      if (part === undefined || part.etag !== etag) throw new AwsFailure(400, "InvalidPart");
      if (part.sha256 !== sha256) throw new AwsFailure(400, "InvalidPart", "its checksum is another one");
      if (index < all.length - 1 && part.bytes.length < leastPartBytes) {
        throw new AwsFailure(400, "EntityTooSmall");
      }
      return part;
    });
    const whole = new Uint8Array(parts.reduce((sum, { bytes }) => sum + bytes.length, 0));
    let at = 0;
    for (const { bytes } of parts) {
      whole.set(bytes, at);
      at += bytes.length;
    }
    const etag = `"${createHash("md5").update(whole).digest("hex")}-${parts.length}"`;
    const hash = createHash("sha256");
    for (const { sha256 } of parts) hash.update(sha256, "base64");
    this.objects.set(`${place.bucket}/${place.key}`, { bytes: whole, metadata: upload.metadata, etag });
    this.uploads.delete(place.query.uploadId ?? "");
    const checksum = this.tellChecksum ?? `${hash.digest("base64")}-${parts.length}`;
    const content = [
      ...[element("Bucket", place.bucket), element("Key", place.key), element("ETag", etag)],
      element("ChecksumSHA256", checksum),
    ];
    return { status: 200, body: element("CompleteMultipartUploadResult", content) };
  };
}

/** Name, method, whether on an object, parameters that it must have, and those that it may have. */
const operations: readonly (readonly [string, string, boolean, readonly string[], readonly string[]])[] = [
  ["HeadBucket", "HEAD", false, [], []],
  ["ListMultipartUploads", "GET", false, ["uploads"], ["prefix"]],
  ["HeadObject", "HEAD", true, [], []],
  ["DeleteObject", "DELETE", true, [], []],
  ["CreateMultipartUpload", "POST", true, ["uploads"], []],
  ["UploadPart", "PUT", true, ["partNumber", "uploadId"], []],
  ["ListParts", "GET", true, ["uploadId"], ["part-number-marker"]],
  ["CompleteMultipartUpload", "POST", true, ["uploadId"], []],
  ["AbortMultipartUpload", "DELETE", true, ["uploadId"], []],
];

function placeOf(path: string, query: string): Place {
  const [, bucket = "", ...key] = decodeURIComponent(path).split("/");
  return { bucket, key: key.join("/"), query: Object.fromEntries(new URLSearchParams(query)) };
}

interface ListedPart {
  readonly number: number;
  readonly etag: string;
  readonly sha256: string;
}

function readPartList(xml: string): ListedPart[] {
  const inner =
    /^(?:<\?xml[^>]*>)?\s*<CompleteMultipartUpload xmlns="http:\/\/s3\.amazonaws\.com\/doc\/2006-03-01\/">(.*)<\/CompleteMultipartUpload>$/s
      .exec(xml)?.[1];
  const parts = inner?.match(/<Part>.*?<\/Part>/gs) ?? [];
  if (inner === undefined || parts.length === 0 || parts.join("") !== inner) {
    throw new AwsFailure(400, "MalformedXML", xml);
  }
  return parts.map((part) => {
    const value = (name: string) =>
      new RegExp(`<${name}>([^<]*)</${name}>`).exec(part)?.[1]?.replaceAll("&quot;", '"') ?? "";
    return { number: Number(value("PartNumber")), etag: value("ETag"), sha256: value("ChecksumSHA256") };
  });
}
