// How Apple's DTD PropertyList-1.0 and UTM's own decoders read a configuration, strictly.

/** What is wrong with a property list in XML. */
export function plistProblems(text: string): string[] {
  const body =
    /^<\?xml version="1\.0" encoding="UTF-8"\?>\n<!DOCTYPE plist PUBLIC "-\/\/Apple\/\/DTD PLIST 1\.0\/\/EN" "http:\/\/www\.apple\.com\/DTDs\/PropertyList-1\.0\.dtd">\n<plist version="1\.0">\n([\s\S]*)<\/plist>\n$/
      .exec(text)?.[1];
  if (body === undefined) return ["it does not begin and end as a property list"];
  const tokens = body.match(/<[^>]*>|[^<]+/g)?.filter((token) => token.trim() !== "") ?? [];
  const problems: string[] = [];
  const rest = readValue(tokens, problems);
  if (rest.length > 0) problems.push(`something follows: ${rest[0]}`);
  return problems;
}

function readValue([token, ...rest]: readonly string[], problems: string[]): readonly string[] {
  switch (token) {
    case "<true/>":
    case "<false/>":
    case "<dict/>":
    case "<array/>":
      return rest;
    case "<string>":
      return readText("string", rest, /^[\s\S]*$/, problems);
    case "<string></string>":
      return rest;
    case "<integer>":
      return readText("integer", rest, /^-?\d+$/, problems);
    case "<array>":
      while (rest.length > 0 && rest[0] !== "</array>") rest = [...readValue(rest, problems)];
      if (rest.length === 0) problems.push("an array does not end");
      return rest.slice(1);
    case "<dict>":
      while (rest.length > 0 && rest[0] !== "</dict>") {
        if (rest[0] !== "<key>") problems.push(`${rest[0]} where a key has to be`);
        rest = [...readValue(readText("key", rest.slice(1), /^[A-Za-z0-9]+$/, problems), problems)];
      }
      if (rest.length === 0) problems.push("a dict does not end");
      return rest.slice(1);
    default:
      problems.push(`${token} is no value`);
      return rest;
  }
}

function readText(
  name: string,
  tokens: readonly string[],
  pattern: RegExp,
  problems: string[],
): readonly string[] {
  const [text = "", end] = tokens;
  if (text === `</${name}>`) return tokens.slice(1);
  if (/&(?!(amp|lt|gt|quot|apos|#\d+);)/.test(text) || !pattern.test(text)) {
    problems.push(`${JSON.stringify(text)} is no ${name}`);
  }
  if (end !== `</${name}>`) problems.push(`${name} does not end`);
  return tokens.slice(2);
}

type Check = (value: unknown) => string | undefined;

const is = (name: string, test: (value: unknown) => boolean): Check => (value) =>
  test(value) ? undefined : `${JSON.stringify(value)} is no ${name}`;
const text = is("text", (value) => typeof value === "string");
const whole = is("whole number", (value) => Number.isInteger(value));
const flag = is("boolean", (value) => typeof value === "boolean");
const uuid = is("UUID", (value) => /^[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}$/.test(String(value)));
const mac = is("address", (value) => /^[0-9A-F][26AE](:[0-9A-F]{2}){5}$/.test(String(value)));
const one = (...words: string[]) => is(words.join("|"), (value) => words.includes(String(value)));

const list = (check: Check): Check => (value) =>
  Array.isArray(value) ? value.map(check).find((problem) => problem !== undefined) : "no list";

function shape(required: Record<string, Check>, optional: Record<string, Check> = {}): Check {
  return (value) => {
    if (typeof value !== "object" || value === null) return "no dict";
    const entries = value as Record<string, unknown>;
    for (const key of Object.keys(required)) if (!(key in entries)) return `${key} is missing`;
    for (const [key, each] of Object.entries(entries)) {
      const check = required[key] ?? optional[key];
      if (check === undefined) return `${key} is not known`;
      const problem = check(each);
      if (problem !== undefined) return `${key}: ${problem}`;
    }
  };
}

// The keys that each init(from:) of UTMQemuConfiguration*.swift decodes: those with decode, those with decodeIfPresent.
const configuration = shape({
  Backend: one("QEMU"),
  ConfigurationVersion: one("4"),
  Information: shape({ Name: text, IconCustom: flag, UUID: uuid }, { Icon: text, Notes: text }),
  System: shape({
    ...{ Architecture: one("x86_64", "aarch64"), Target: one("q35", "virt"), CPU: text },
    ...{ CPUFlagsAdd: list(text), CPUFlagsRemove: list(text), CPUCount: whole },
    ...{ ForceMulticore: flag, MemorySize: whole, JITCacheSize: whole },
  }),
  QEMU: shape({
    ...{ DebugLog: flag, UEFIBoot: flag, RNGDevice: flag, BalloonDevice: flag, TPMDevice: flag },
    ...{ Hypervisor: flag, RTCLocalTime: flag, PS2Controller: flag, AdditionalArguments: list(text) },
  }, { TSO: flag, MachinePropertyOverride: text }),
  Input: shape({ UsbBusSupport: one("Disabled", "2.0", "3.0"), UsbSharing: flag, MaximumUsbShare: whole }),
  Sharing: shape({
    ...{ DirectoryShareMode: one("None", "WebDAV", "VirtFS"), DirectoryShareReadOnly: flag },
    ClipboardSharing: flag,
  }),
  Display: list(shape({
    ...{ Hardware: text, DynamicResolution: flag, NativeResolution: flag },
    ...{ UpscalingFilter: one("Linear", "Nearest"), DownscalingFilter: one("Linear", "Nearest") },
  }, { VgaRamMib: whole })),
  Drive: list(shape({
    ImageType: one("None", "Disk", "CD", "BIOS", "LinuxKernel", "LinuxInitrd", "LinuxDTB"),
    Interface: one("None", "IDE", "SCSI", "SD", "MTD", "Floppy", "PFlash", "VirtIO", "NVMe", "USB"),
    Identifier: text,
  }, { ImageName: text, InterfaceVersion: whole, ReadOnly: flag })),
  Network: list(shape({
    ...{ Mode: one("Emulated", "Shared", "Host", "Bridged"), Hardware: text, MacAddress: mac },
    ...{ IsolateFromHost: flag, PortForward: list(shape({})) },
  })),
  Serial: list(shape({
    ...{ Mode: one("Terminal", "TcpClient", "TcpServer", "Ptty") },
    Target: one("Auto", "Manual", "GDB", "Monitor"),
  }, {
    Terminal: shape({ Font: text, FontSize: whole }, { ForegroundColor: text, BackgroundColor: text }),
  })),
  Sound: list(shape({ Hardware: text })),
});

/** What UTM would not read of a configuration. */
export function utmProblems(config: unknown): string[] {
  return [configuration(config) ?? []].flat();
}
