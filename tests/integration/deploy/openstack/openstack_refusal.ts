/** An answer of the stand-in that says no. */
export class Refused extends Error {
  constructor(readonly status: number, message: string) {
    super(message);
  }
}

/** Refuses a request as the service would. */
export function refuse(status: number, message: string): never {
  throw new Refused(status, message);
}

/** The JSON of a request's body, which has to have this content type. */
export async function json(request: Request, type = "application/json"): Promise<Record<string, unknown>> {
  if (request.headers.get("content-type") !== type) {
    return refuse(415, "The server does not support the media type of the request body.");
  }
  try {
    return await request.json();
  } catch {
    return refuse(400, "Malformed JSON in request body.");
  }
}

// What Nova calls them in its JSON.
const faults: Readonly<Record<number, string>> = {
  ...{ 400: "badRequest", 401: "unauthorized", 403: "forbidden", 404: "itemNotFound", 405: "badMethod" },
  ...{ 409: "conflictingRequest", 413: "overLimit", 415: "badMediaType" },
};

/** A refusal in the form of the service with this path. */
export function refusalAnswer(pathname: string, { status, message }: Refused): Response {
  const [, service] = pathname.split("/");
  switch (service) {
    case "identity":
      return Response.json({ error: { code: status, message, title: "Refused" } }, { status });
    case "compute":
      return Response.json({ [faults[status] ?? "computeFault"]: { code: status, message } }, { status });
    case "network":
      return Response.json({ NeutronError: { type: "Refused", message, detail: "" } }, { status });
    default: {
      const html =
        `<html>\n <head>\n  <title>${status} Refused</title>\n </head>\n <body>\n  ${message}\n </body>\n</html>`;
      return new Response(html, { status, headers: { "content-type": "text/html" } });
    }
  }
}
