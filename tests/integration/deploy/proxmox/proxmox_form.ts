/** What an upload form has in it. */
export interface SentForm {
  readonly content: string;
  readonly filename: string;
  readonly checksum?: string;
  readonly "checksum-algorithm"?: string;
  readonly data: Uint8Array;
}

/** Reads a form as pve-http-server does, which knows these fields in this order and no others. */
export async function readUpload(request: Request): Promise<SentForm> {
  const boundary = /^multipart\/form-data; boundary=(\S+)$/.exec(request.headers.get("content-type") ?? "")
    ?.[1];
  if (boundary === undefined) throw new Error("upload 'Content-Type' not implemented");
  const bytes = new Uint8Array(await request.arrayBuffer());
  if (request.headers.get("content-length") !== String(bytes.length)) {
    throw new Error("upload without content length header not supported");
  }
  // Bytes as characters: the form's own text is ASCII.
  let rest = new TextDecoder("latin1").decode(bytes.subarray(0, 4096));
  const headLength = rest.length;
  const delimiter = `--${boundary}\r\n`;
  const fields: Record<string, string> = {};
  for (const name of ["content", "checksum-algorithm", "checksum"]) {
    const head = `${delimiter}Content-Disposition: form-data; name="${name}"\r\n\r\n`;
    if (!rest.startsWith(head)) continue;
    const end = rest.indexOf(`\r\n${delimiter}`, head.length);
    fields[name] = rest.slice(head.length, end);
    rest = rest.slice(end + 2);
  }
  const head = /^(.*)\r\nContent-Disposition: form-data; name="(.*?)"; filename="([^"]+)"\r\n/.exec(rest);
  if (head === null || `${head[1]}\r\n` !== delimiter) throw new Error("upload failed");
  if (head[2] !== "filename") {
    throw new Error(`wrong field name '${head[2]}' for file upload, expected 'filename'`);
  }
  rest = rest.slice(head[0].length);
  // What follows is dropped up to the next empty line: without a Content-Type that is in the file.
  rest = rest.slice(rest.indexOf("\r\n\r\n") + 4);
  const start = headLength - rest.length;
  const tail = `\r\n--${boundary}--\r\n`;
  const end = bytes.length - tail.length;
  if (new TextDecoder("latin1").decode(bytes.subarray(end)) !== tail) throw new Error("upload failed");
  const { content = "", checksum } = fields;
  if (checksum !== undefined && fields["checksum-algorithm"] !== "sha256") {
    throw new Error("checksum-algorithm: property is missing and it is not optional");
  }
  return {
    ...{ content, filename: head[3] ?? "", data: bytes.slice(start, end) },
    ...(checksum !== undefined && { checksum, "checksum-algorithm": "sha256" }),
  };
}
