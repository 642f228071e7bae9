/** A function that gives the time since a moment (ISO 8601) as people say it: "2h 13m". */
export async function uptimeFormat(): Promise<(started: string) => string> {
  const { default: prettyMs } = await import("pretty-ms");
  const nowMs = Date.now();
  return (started) => {
    const seconds = Math.floor((nowMs - Date.parse(started)) / 1000);
    return prettyMs(Math.max(1, seconds) * 1000, { unitCount: 2 });
  };
}
