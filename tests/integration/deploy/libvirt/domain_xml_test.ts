import { deepStrictEqual, doesNotMatch, match, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import {
  type DomainSpec,
  domainXml,
  escapeXml,
  unescapeXml,
} from "../../../../lib/deploy/libvirt/domain_xml.ts";
import { run } from "../../../../lib/process.ts";
import { tempDir } from "../../../base/temp.ts";

const spec: DomainSpec = {
  name: "golden-demo",
  architecture: "amd64",
  type: "kvm",
  memoryMiB: 2048,
  cpus: 2,
  diskPath: "/srv/images/golden-demo.qcow2",
  firmware: "bios",
  network: "default",
  image: { name: "demo-amd64-20260102T030405Z", sha256: "0".repeat(64), created: "2026-01-02T03:04:05.000Z" },
};

const variants: Readonly<Record<string, Partial<DomainSpec>>> = {
  "BIOS on KVM": {},
  "UEFI with the image's variables": { firmware: "uefi", nvramPath: "/srv/images/golden-demo-efi-vars.fd" },
  "UEFI without variables": { firmware: "uefi" },
  "arm64 under TCG": { architecture: "arm64", type: "qemu", firmware: "uefi" },
  "a bridge": { network: "bridge:br0" },
  "a user network": { network: "user" },
  "no network": { network: "none" },
  "names with characters that mean something in XML": { name: `a&b"<c>'`, diskPath: `/srv/a&b "<c>'.qcow2` },
};

for (const [what, more] of Object.entries(variants)) {
  Deno.test(`the domain is valid by libvirt's own schema: ${what}`, async () => {
    await using dir = await tempDir({ "domain.xml": domainXml({ ...spec, ...more }) });
    // Throws with what is wrong.
    await run(["virt-xml-validate", join(dir.path, "domain.xml"), "domain"]);
  });
}

Deno.test("the devices sit where the image was built with them", () => {
  const xml = domainXml(spec);
  const slotOf = (element: string) =>
    new RegExp(`<${element}[^>]*>(?:(?!</${element}>)[\\s\\S])*slot="(0x[0-9a-f]+)"`).exec(xml)?.[1];
  deepStrictEqual(
    ["video", "interface", "controller", "rng", "disk"].map(slotOf),
    ["0x1", "0x2", "0x3", "0x4", "0x8"],
  );
});

Deno.test("the image's name and checksum are the domain's mark", () => {
  const xml = domainXml(spec);
  match(
    xml,
    /<pim:image xmlns:pim="urn:pim:image" name="demo-amd64-20260102T030405Z" sha256="0{64}" created="2026-01-02T03:04:05.000Z"\/>/,
  );
  match(xml, /org\.qemu\.guest_agent\.0/);
});

Deno.test("KVM gets the host's CPU, TCG all that it can emulate, and only UEFI asks for firmware", () => {
  match(domainXml(spec), /cpu mode="host-passthrough"/);
  match(domainXml({ ...spec, type: "qemu" }), /<domain type="qemu">[\s\S]*cpu mode="maximum"/);
  doesNotMatch(domainXml(spec), /firmware/);
});

Deno.test("a text that went into XML comes out again as it was", () => {
  const text = `a&amp;<b> "c" 'd' & e`;
  strictEqual(unescapeXml(escapeXml(text)), text);
  doesNotMatch(escapeXml(text), /[<>"']/);
});
