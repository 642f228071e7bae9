import { createSocket } from "node:dgram";
import { once } from "node:events";

/** Receives the log that an installer sends over UDP. */
export interface SyslogReceiver extends AsyncDisposable {
  readonly port: number;
  /** From now on called with each message: "main-menu[300]: INFO: Menu item 'partman-base' selected". */
  onLine(listener: (line: string) => void): void;
}

/**
 * Opens a UDP port on 127.0.0.1 for syslog messages (RFC 3164, as busybox's syslogd sends them).
 *
 * @param keep called with each message as well, from the first on
 */
export async function openSyslog(keep: (line: string) => void = () => {}): Promise<SyslogReceiver> {
  const socket = createSocket("udp4");
  let listener: (line: string) => void = () => {};
  socket.on("message", (datagram) => {
    for (const line of datagram.toString("utf8").split("\n")) {
      if (line.trim() === "") continue;
      const message = withoutHeader(line);
      keep(message);
      listener(message);
    }
  });
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  // A message that cannot be received is a lost message, as UDP has it.
  socket.on("error", () => {});
  return {
    port: socket.address().port,
    onLine: (added) => listener = added,
    async [Symbol.asyncDispose]() {
      const closed = once(socket, "close");
      socket.close();
      await closed;
    },
  };
}

/** A message without its priority, time and host: `<14>Nov 23 00:31:54 main-menu[300]: …`. */
export function withoutHeader(line: string): string {
  return line.trimEnd().replace(/^<\d+>/, "").replace(
    /^[A-Z][a-z]{2} +\d+ \d\d:\d\d:\d\d (?:\S*[^\s:] (?=\S+: ))?/,
    "",
  );
}
