import { CancelledError, PimError } from "../../errors.ts";
import { HttpError } from "../../http/error.ts";
import type { TargetCheck } from "../target.ts";
import { reasonOf } from "./reason.ts";
import type { Repository } from "./repository.ts";
import { abandonUpload, beginUpload } from "./upload_requests.ts";

/** Looks whether a registry can be reached, knows us, and lets us push: an upload is begun and given up. */
export async function checkRegistry(repository: Repository): Promise<readonly TargetCheck[]> {
  const { client, name } = repository;
  try {
    const { response } = await client.request("GET", "", { ok: [200], scope: repository.scope("pull,push") });
    response.drop();
  } catch (error) {
    return [failed("registry", error)];
  }
  const registry: TargetCheck = { name: "registry", ok: true, detail: `${client.host} answers` };
  try {
    const { location } = await beginUpload(repository);
    await abandonUpload(repository, location);
    return [registry, { name: "push", ok: true, detail: `${client.host}/${name} can be written` }];
  } catch (error) {
    return [registry, failed("push", error)];
  }
}

function failed(name: string, error: unknown): TargetCheck {
  if (!(error instanceof PimError) || error instanceof CancelledError) throw error;
  return {
    name,
    ok: false,
    detail: error instanceof HttpError ? reasonOf(error) : error.message,
    ...(error.hint !== undefined && { hint: error.hint }),
  };
}
