import { createSocket } from "node:dgram";

/** Sends datagrams to a port of the loopback. */
export async function sendSyslog(port: number, ...messages: readonly string[]): Promise<void> {
  const socket = createSocket("udp4");
  for (const message of messages) {
    await new Promise<void>((resolve, reject) =>
      socket.send(message, port, "127.0.0.1", (error) => error ? reject(error) : resolve())
    );
  }
  socket.close();
}
